//! One job, from the claim to the commit.

use crate::failure::{Failure, chain};
use crate::lease::{self, Status, Stop};
use crate::temp::TempFile;
use crate::{ANSWER_LIMIT, Context};
use analysis_core::Config as AnalysisConfig;
use analysis_core::analyzer::{Analysis, Observer, Progress};
use analysis_core::chunk::Chunk;
use analysis_core::config::AnalysisType;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::analyses::{self, Parameters};
use store::objects::ObjectKey;
use store::queue::{self, Claim, Lease, Verdict};
use store::results::reuse::{self, Twin};
use store::results::{self, Finished, Writer};
use store::tracks;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;
use uuid::Uuid;

/// Chunks that may wait for the database before the analysis waits for it too, beside those of the batch.
const CHUNKS_IN_FLIGHT: usize = 16;

/// Chunks are stored when there are this many bytes of them. A row is stored in about 50 µs and a transaction in one or
/// two milliseconds: from here on longer batches save little and keep more in memory.
const BATCH_BYTES: usize = 256 << 10;

/// How long to wait for the analysis to notice that it must stop, before its thread is left to itself.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// Pause before writing again to a database that was away.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long a commit may take; that of a track of ten hours writes half a million rows.
const COMMIT_LIMIT: Duration = Duration::from_secs(100);

/// How long to hold on to a finished result while the database is away.
const COMMIT_PATIENCE: Duration = Duration::from_secs(300);

/// Why an attempt did not succeed.
enum Ended {
    Stopped(Stop),
    Failed(Failure),
    /// Another analysis of the same audio runs, whose result will do.
    Twin(Uuid),
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What there is to commit.
enum Outcome {
    /// A result of our own.
    Analysed(Box<Analysed>),
    /// The result of another analysis of the same audio.
    Reused(Uuid),
}

/// What the commit of a result needs.
struct Analysed {
    writer: Writer,
    /// Those that are not stored yet.
    chunks: Vec<Chunk>,
    analysis: Analysis,
}

/// Claims the analysis that should run next, if any, and sees it through.
pub(crate) async fn run_next(context: &Arc<Context>) {
    if context.shutdown.is_cancelled() {
        return;
    }
    // The lease runs from when the server writes it, which is later.
    let leased_at = Instant::now();
    let claim = queue::claim(&context.pool, &context.name, context.config.lease);
    let claimed = store::within(ANSWER_LIMIT, claim).await;
    match claimed {
        Ok(Some(claim)) => {
            let span = tracing::info_span!(
                "job",
                analysis.id = %claim.lease.analysis_id,
                track.id = %claim.track_id,
                attempt = claim.lease.attempt
            );
            run(context, &claim, leased_at).instrument(span).await;
        }
        Ok(None) => {}
        // The ticket is spent; the reaper makes another.
        Err(error) => tracing::warn!(error = chain(&error), "could not claim an analysis"),
    }
}

async fn run(context: &Arc<Context>, claim: &Claim, leased_at: Instant) {
    let began = Instant::now();
    let status = Arc::new(Status::default());
    let attempted = {
        let attempt = attempt(context, claim, &status);
        let keeper = lease::keep(context, &claim.lease, leased_at, &status);
        tokio::pin!(attempt, keeper);
        tokio::select! {
            ended = &mut attempt => ended,
            // The lease is lost: the attempt is told to stop, and ends by itself.
            () = &mut keeper => attempt.await,
        }
    };
    // Without the keeper: while the commit has the row locked nobody can take the lease, and nobody can renew it.
    let committed = match &attempted {
        Ok(Outcome::Analysed(analysed)) => commit(context, analysed).await,
        Ok(Outcome::Reused(from)) => copy(context, claim, *from).await,
        Err(_) => Ok(()),
    };
    let wall_ms = began.elapsed().as_millis();
    match attempted.and_then(|done| committed.map(|()| done)) {
        Ok(Outcome::Analysed(done)) => {
            tracing::info!(audio_ms = done.analysis.manifest.duration_ms, wall_ms, "analysed track");
        }
        Ok(Outcome::Reused(from)) => {
            tracing::info!(analysis.from = %from, wall_ms, "took the result of the same audio")
        }
        Err(Ended::Twin(twin)) => put_aside(context, claim, twin).await,
        Err(Ended::Stopped(stop)) => stopped(context, claim, stop).await,
        Err(Ended::Failed(failure)) => failed(context, claim, &failure).await,
    }
}

/// Everything up to the commit.
async fn attempt(context: &Arc<Context>, claim: &Claim, status: &Arc<Status>) -> Result<Outcome, Ended> {
    let plan = plan(claim)?;
    let known = claim.content_sha256.clone();
    if let Some(sha256) = &known
        && let Some(from) = twin(context, claim, &plan, sha256, status).await?
    {
        return Ok(Outcome::Reused(from));
    }
    let writer = Writer::new(&claim.lease, &plan.config)?;
    let mut audio = until_stopped(status, fetch(context, claim)).await??;
    if known.is_none() {
        let sha256 = checksum(context, claim, &mut audio, status).await?;
        if let Some(from) = twin(context, claim, &plan, &sha256, status).await? {
            return Ok(Outcome::Reused(from));
        }
    }
    let done = analyze(context, claim, plan.config, audio, status, writer).await?;
    if let (Some(uploaded), Some(analysed)) = (&known, &done.analysis.fingerprint) {
        check_unchanged(uploaded, analysed)?;
    }
    Ok(Outcome::Analysed(Box::new(done)))
}

/// What was analysed must be what was uploaded: else the result would be that of another file.
fn check_unchanged(uploaded_sha256: &str, fingerprint: &str) -> Result<(), Failure> {
    if fingerprint.strip_prefix("sha256:") == Some(uploaded_sha256) {
        return Ok(());
    }
    let message = "The track's audio file in the storage is not the one that was uploaded.";
    let cause = format!("uploaded was sha256:{uploaded_sha256}, in the storage is {fingerprint}");
    Err(Failure::permanent("object_changed", message, cause))
}

/// Another analysis of the same audio whose result will do, if there is one.
async fn twin(
    context: &Context,
    claim: &Claim,
    plan: &Plan,
    sha256: &str,
    status: &Status,
) -> Result<Option<Uuid>, Ended> {
    let find = || reuse::find(&context.pool, &claim.lease, sha256, plan.analysis_type, &plan.parameters);
    match persist(status, find).await? {
        Twin::Completed(from) => Ok(Some(from)),
        Twin::Running(twin) => Err(Ended::Twin(twin)),
        Twin::None => Ok(None),
    }
}

/// The checksum of audio that came without one, written down on its track.
async fn checksum(
    context: &Context,
    claim: &Claim,
    audio: &mut Audio,
    status: &Status,
) -> Result<String, Ended> {
    let mut file = audio.file.try_clone().map_err(analysis_core::Error::from)?;
    let hash = tokio::task::spawn_blocking(move || analysis_core::fingerprint::fingerprint(&mut file));
    let hash = until_stopped(status, hash).await?.map_err(|error| Failure::internal(panic_text(error)))?;
    let fingerprint = hash.map_err(analysis_core::Error::from)?;
    let sha256 = fingerprint.trim_start_matches("sha256:").to_owned();
    let write = async || {
        let mut db = context.pool.acquire().await?;
        tracks::set_content_sha256(&mut db, claim.track_id, &sha256).await
    };
    persist(status, write).await?;
    Ok(sha256)
}

/// What was asked for.
struct Plan {
    analysis_type: AnalysisType,
    parameters: Parameters,
    config: AnalysisConfig,
}

/// Reads what was asked for. Rows come from others too: nothing in them is taken for granted.
fn plan(claim: &Claim) -> Result<Plan, Failure> {
    let analysis_type = analyses::type_from_name(&claim.analysis_type).ok_or_else(|| {
        let message = format!("There is no analysis of type {:?}.", claim.analysis_type);
        Failure::permanent("unknown_analysis_type", message.clone(), message)
    })?;
    let parameters = Parameters::from_stored(&claim.parameters).map_err(|error| {
        let message = format!("The analysis was asked for with parameters that do not fit: {error}.");
        Failure::permanent("invalid_parameters", message, error.to_string())
    })?;
    let config = parameters.config(analysis_type);
    config.validate()?;
    Ok(Plan { analysis_type, parameters, config })
}

/// The audio of a job.
struct Audio {
    file: File,
    /// Where it is kept meanwhile, if it does not lie on this machine anyway.
    _copy: TempFile,
}

async fn fetch(context: &Context, claim: &Claim) -> Result<Audio, Failure> {
    let key = ObjectKey::parse(&claim.r2_key)?;
    let copy = context.temp.file();
    let file = context.objects.fetch(&key, copy.path(), context.config.max_file_bytes).await?;
    Ok(Audio { file, _copy: copy })
}

/// Runs the engine on a thread of its own and stores its chunks as they come, all but the last.
async fn analyze(
    context: &Arc<Context>,
    claim: &Claim,
    config: AnalysisConfig,
    audio: Audio,
    status: &Arc<Status>,
    writer: Writer,
) -> Result<Analysed, Ended> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let mut observer = ChannelObserver { chunks: sender, status: status.clone() };
    let (engine, hint) = (context.engine.clone(), claim.mime_type.clone());
    let span = tracing::Span::current();
    let thread = tokio::task::spawn_blocking(move || {
        let _entered = span.enter();
        // The copy lives until the engine is done with the file, even when nobody waits for it any more.
        let Audio { file, _copy } = audio;
        let hint = Some(hint.as_str()).filter(|hint| !hint.is_empty());
        engine.analyze(file, hint, &config, &mut observer)
    });
    let unstored = store_chunks(context, &writer, status, &mut chunks).await;
    // Whatever happened: with nobody to take its chunks the engine comes to an end.
    drop(chunks);
    let analysis = join(status, thread).await;
    Ok(Analysed { chunks: unstored?, analysis: analysis?, writer })
}

/// Stores chunks in batches until the engine has no more. Returns those of the last batch: they go with the commit.
///
/// A batch ends when it holds [`BATCH_BYTES`], or when its first chunk has waited long enough for those who watch.
async fn store_chunks(
    context: &Context,
    writer: &Writer,
    status: &Status,
    chunks: &mut mpsc::Receiver<Chunk>,
) -> Result<Vec<Chunk>, Ended> {
    loop {
        let mut batch = Vec::new();
        let gather = gather(chunks, context.config.store_every, &mut batch);
        if until_stopped(status, gather).await? == Gathered::Last {
            return Ok(batch);
        }
        persist(status, || results::append(&context.pool, writer, &batch)).await?;
    }
}

/// Whether chunks come after a batch.
#[derive(Debug, PartialEq, Eq)]
enum Gathered {
    More,
    Last,
}

async fn gather(chunks: &mut mpsc::Receiver<Chunk>, longest: Duration, batch: &mut Vec<Chunk>) -> Gathered {
    let Some(first) = chunks.recv().await else { return Gathered::Last };
    let deadline = tokio::time::Instant::now() + longest;
    let mut bytes = first.bytes.len();
    batch.push(first);
    while bytes < BATCH_BYTES {
        match tokio::time::timeout_at(deadline, chunks.recv()).await {
            Ok(Some(chunk)) => {
                bytes += chunk.bytes.len();
                batch.push(chunk);
            }
            Ok(None) => return Gathered::Last,
            Err(_) => break,
        }
    }
    Gathered::More
}

async fn join(
    status: &Status,
    mut thread: JoinHandle<analysis_core::Result<Analysis>>,
) -> Result<Analysis, Ended> {
    let joined = tokio::select! {
        joined = &mut thread => joined,
        stop = async {
            let stop = status.stopped().await;
            tokio::time::sleep(STOP_GRACE).await;
            stop
        } => {
            tracing::error!(?stop, "the analysis does not stop; its thread is left to itself");
            return Err(Ended::Stopped(stop));
        }
    };
    match joined {
        Ok(Ok(analysis)) => Ok(analysis),
        Ok(Err(error)) => Err(status.stop().map_or_else(|| error.into(), Ended::Stopped)),
        Err(error) => Err(Ended::Failed(Failure::internal(panic_text(error)))),
    }
}

fn panic_text(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "the analysis thread was cancelled".into() };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the analysis panicked: {}", text.unwrap_or_else(|| "no message".into()))
}

/// The commit point. A database that is away is waited for; the token says whether that took too long.
async fn commit(context: &Context, analysed: &Analysed) -> Result<(), Ended> {
    let Analysed { writer, chunks, analysis } = analysed;
    let (summary, manifest) = (&analysis.summary, &analysis.manifest);
    let finish = || {
        let events = analysis.events.iter();
        results::finish(&context.pool, writer, Finished { chunks, summary, manifest, events })
    };
    match insist(COMMIT_PATIENCE, finish).await {
        Ok(()) => Ok(()),
        Err(error) => committed_after_all(context, writer.lease(), error).await,
    }
}

/// The commit point of a result that is there already. One that has gone meanwhile must be made after all.
async fn copy(context: &Context, claim: &Claim, from: Uuid) -> Result<(), Ended> {
    match insist(COMMIT_PATIENCE, || reuse::copy(&context.pool, &claim.lease, from)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Ended::Stopped(Stop::HandBack)),
        Err(error) => committed_after_all(context, &claim.lease, error).await,
    }
}

/// The answer to an earlier try may have been lost on the way: then it was ours that ended the lease.
async fn committed_after_all(context: &Context, lease: &Lease, error: store::Error) -> Result<(), Ended> {
    let store::Error::LeaseLost { .. } = error else { return Err(error.into()) };
    let ours = insist(COMMIT_PATIENCE, || results::is_committed(&context.pool, lease)).await?;
    if ours { Ok(()) } else { Err(Ended::Stopped(Stop::LeaseLost)) }
}

/// Writes, and waits for a database that is away as long as `patience` lasts.
async fn insist<T, F, Fut>(patience: Duration, write: F) -> store::Result<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = store::Result<T>>,
{
    let began = Instant::now();
    loop {
        match store::within(patience.min(COMMIT_LIMIT), write()).await {
            Err(error) if may_pass(&error) && began.elapsed() < patience => {
                tracing::warn!(error = chain(&error), "could not write yet, trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            written => return written,
        }
    }
}

/// Whether a write is worth repeating as it is.
fn may_pass(error: &store::Error) -> bool {
    error.is_unavailable() || error.is_collision()
}

/// Writes, and waits for a database that is away as long as the lease allows.
async fn persist<T, F, Fut>(status: &Status, write: F) -> Result<T, Ended>
where
    F: Fn() -> Fut,
    Fut: Future<Output = store::Result<T>>,
{
    loop {
        match until_stopped(status, store::within(ANSWER_LIMIT, write())).await? {
            Ok(written) => return Ok(written),
            Err(store::Error::LeaseLost { .. }) => return Err(Ended::Stopped(Stop::LeaseLost)),
            Err(error) if may_pass(&error) => {
                tracing::warn!(error = chain(&error), "could not write yet, trying again");
                until_stopped(status, tokio::time::sleep(RETRY_PAUSE)).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn until_stopped<T>(status: &Status, work: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::select! {
        biased;
        stop = status.stopped() => Err(Ended::Stopped(stop)),
        done = work => Ok(done),
    }
}

/// Writes that an analysis waits for its twin.
async fn put_aside(context: &Context, claim: &Claim, twin: Uuid) {
    let wait = || queue::wait_for(&context.pool, &claim.lease, twin);
    match insist(context.config.lease, wait).await {
        Ok(()) => tracing::info!(analysis.twin = %twin, "waits for another analysis of the same audio"),
        Err(error) => tracing::warn!(error = chain(&error), "could not put a job aside"),
    }
}

/// Writes that an attempt was stopped. Tries until the lease has run out: then the reaper decides.
async fn stopped(context: &Context, claim: &Claim, stop: Stop) {
    let (lease, patience) = (&claim.lease, context.config.lease);
    let written = match stop {
        Stop::Cancelled => insist(patience, || queue::cancelled(&context.pool, lease)).await,
        Stop::HandBack => insist(patience, || queue::release(&context.pool, lease)).await,
        Stop::LeaseLost => Ok(()),
        Stop::TimedOut => {
            let message = "The analysis took longer than it may.";
            let limit_s = context.config.time_limit.as_secs();
            let failure = Failure::permanent("timed_out", message, format!("not done after {limit_s} s"));
            return failed(context, claim, &failure).await;
        }
    };
    match written {
        Ok(()) => tracing::info!(reason = ?stop, "stopped analysing track"),
        Err(error) => {
            tracing::warn!(reason = ?stop, error = chain(&error), "could not write that a job stopped")
        }
    }
}

/// Writes that an attempt failed, with the same patience.
async fn failed(context: &Context, claim: &Claim, failure: &Failure) {
    let written = failure.for_queue();
    let fail = || queue::fail(&context.pool, &claim.lease, &written);
    match insist(context.config.lease, fail).await {
        Ok(Verdict::Failed) => {
            tracing::warn!(error.kind = failure.kind, error.cause = failure.cause, "analysis failed");
        }
        Ok(Verdict::Cancelled) => {
            tracing::info!(error.kind = failure.kind, "analysis failed after it was cancelled");
        }
        Ok(Verdict::Retrying { after }) => tracing::warn!(
            error.kind = failure.kind,
            error.cause = failure.cause,
            retry_after_ms = after.as_millis(),
            "analysis failed, trying again later"
        ),
        Err(error) => tracing::warn!(
            error.kind = failure.kind,
            error.cause = failure.cause,
            error = chain(&error),
            "analysis failed, and that could not be written"
        ),
    }
}

/// Hands chunks and progress from the engine's thread to the job, and the order to stop back.
struct ChannelObserver {
    chunks: mpsc::Sender<Chunk>,
    status: Arc<Status>,
}

impl ChannelObserver {
    fn go_on(&self) -> analysis_core::Result<()> {
        match self.status.stop() {
            Some(_) => Err(analysis_core::Error::Cancelled),
            None => Ok(()),
        }
    }
}

impl Observer for ChannelObserver {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.go_on()?;
        // Closed when the job gave up: on storing, not on the engine.
        self.chunks.blocking_send(chunk).map_err(|_| analysis_core::Error::Cancelled)
    }

    fn on_progress(&mut self, progress: Progress) -> analysis_core::Result<()> {
        self.status.set_progress(queue::Progress { done_ms: progress.done_ms, total_ms: progress.total_ms });
        self.go_on()?;
        if self.chunks.is_closed() { Err(analysis_core::Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bytes: usize) -> Chunk {
        Chunk { level: 0, index: 0, start_frame: 0, frame_count: 1, crc32: 0, bytes: vec![0; bytes] }
    }

    /// What is gathered of chunks of these sizes, with the engine still at work or done.
    async fn check(sizes: &[usize], done: bool, expect: (Gathered, usize)) {
        let (sender, mut chunks) = mpsc::channel(sizes.len() + 1);
        for size in sizes {
            sender.send(chunk(*size)).await.expect("there is room");
        }
        let sender = (!done).then_some(sender);
        let mut batch = Vec::new();
        let gathered = gather(&mut chunks, Duration::from_millis(1), &mut batch).await;
        assert_eq!((gathered, batch.len()), expect, "{sizes:?}");
        drop(sender);
    }

    #[tokio::test]
    async fn a_batch_ends_by_bytes_by_time_or_with_the_engine() {
        check(&[BATCH_BYTES / 2; 4], false, (Gathered::More, 2)).await;
        check(&[BATCH_BYTES * 2; 2], false, (Gathered::More, 1)).await;
        check(&[10; 3], false, (Gathered::More, 3)).await;
        check(&[10; 3], true, (Gathered::Last, 3)).await;
        check(&[BATCH_BYTES; 2], true, (Gathered::More, 1)).await;
        check(&[], true, (Gathered::Last, 0)).await;
    }
}
