//! One job, from the claim to the commit.

use crate::chunks::{self, Closed};
use crate::endings::{failed, put_aside, stopped};
use crate::engine::Source;
use crate::failure::{Failure, chain};
use crate::fetch::{Audio, fetch};
use crate::lease::{self, Status, Stop};
use crate::monitor::Monitor;
use crate::persist::{insist, persist, until_stopped};
use crate::report::{Outcome, Report};
use crate::{ANSWER_LIMIT, Context, stuck};
use analysis_core::Config as AnalysisConfig;
use analysis_core::analyzer::{Analysis, Observer, Progress};
use analysis_core::chunk::Chunk;
use analysis_core::config::AnalysisType;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::analyses::{self, Parameters};
use store::queue::{self, Claim, Lease};
use store::results::reuse::{self, Twin};
use store::results::{self, Finished, Writer};
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;
use uuid::Uuid;

/// The thread of an engine.
type Thread = JoinHandle<analysis_core::Result<Analysis>>;

/// How long to hold on to a finished result while the database is away.
const COMMIT_PATIENCE: Duration = Duration::from_secs(300);

/// Why an attempt did not succeed.
pub(crate) enum Ended {
    Stopped(Stop),
    /// As [`Ended::Stopped`], but the thread goes on.
    Stuck(Stop, Thread),
    Failed(Failure),
    /// Another analysis of the same audio runs, whose result will do.
    Twin(Uuid),
    /// The result of the same audio that was to be taken is gone, or cannot be read.
    Gone,
}

/// Whether the result of another analysis will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Welcome,
    /// It has turned out to be none.
    No,
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What there is to commit.
enum Made {
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
            let status = Arc::new(Status::default());
            let report = Report::begin(context, &claim, &status.measures);
            let (outcome, stuck) = run(context, &claim, leased_at, &status).instrument(span).await;
            report.end(&outcome);
            if let Some(thread) = stuck {
                stuck::outlast(context, thread).await;
            }
        }
        Ok(None) => {}
        // The ticket is spent; the reaper makes another.
        Err(error) => tracing::warn!(error = chain(&error), "could not claim an analysis"),
    }
}

/// How it ended, and the thread that goes on in spite of it, if one does.
async fn run(
    context: &Arc<Context>,
    claim: &Claim,
    leased_at: Instant,
    status: &Arc<Status>,
) -> (Outcome, Option<Thread>) {
    let _entry = context.running.enter(claim.lease.analysis_id, status);
    let mut committed = once(context, claim, leased_at, status, Reuse::Welcome).await;
    if matches!(committed, Err(Ended::Gone)) {
        committed = once(context, claim, leased_at, status, Reuse::No).await;
    }
    match committed {
        Ok(outcome) => (outcome, None),
        Err(Ended::Twin(twin)) => (put_aside(context, claim, twin).await, None),
        Err(Ended::Stopped(stop)) => (stopped(context, claim, status, stop).await, None),
        Err(Ended::Stuck(stop, thread)) => (stopped(context, claim, status, stop).await, Some(thread)),
        Err(Ended::Failed(failure)) => (failed(context, claim, failure).await, None),
        Err(Ended::Gone) => (stopped(context, claim, status, Stop::HandBack).await, None),
    }
}

/// An attempt up to and with the commit.
async fn once(
    context: &Arc<Context>,
    claim: &Claim,
    leased_at: Instant,
    status: &Arc<Status>,
    reuse: Reuse,
) -> Result<Outcome, Ended> {
    let attempted = {
        let attempt = attempt(context, claim, status, reuse);
        let keeper = lease::keep(context, &claim.lease, leased_at, status);
        tokio::pin!(attempt, keeper);
        tokio::select! {
            ended = &mut attempt => ended,
            // The lease is lost: the attempt is told to stop, and ends by itself.
            () = &mut keeper => attempt.await,
        }
    };
    // Without the keeper: while the commit has the row locked nobody can take the lease, and nobody can renew it.
    let made = attempted?;
    let began = Instant::now();
    let committed = conclude(context, claim, &made).instrument(tracing::info_span!("commit")).await;
    status.measures.committed(began.elapsed());
    committed
}

/// Everything up to the commit.
async fn attempt(
    context: &Arc<Context>,
    claim: &Claim,
    status: &Arc<Status>,
    reuse: Reuse,
) -> Result<Made, Ended> {
    let plan = plan(claim)?;
    let known = claim.content_sha256.clone();
    if reuse == Reuse::Welcome
        && let Some(sha256) = &known
        && let Some(from) = twin(context, claim, &plan, sha256, status).await?
    {
        return Ok(Made::Reused(from));
    }
    let writer = Writer::new(&claim.lease, &plan.config)?;
    let began = Instant::now();
    let fetch = fetch(context, claim).instrument(tracing::info_span!("fetch"));
    let audio = until_stopped(status, fetch).await??;
    let bytes = audio.file.metadata().map_err(analysis_core::Error::Io)?.len();
    status.measures.fetched(bytes, began.elapsed());
    context.config.monitor.metrics().fetched(bytes);
    if reuse == Reuse::Welcome && known.is_none() {
        let sha256 = checksum(&audio, status).await?;
        if let Some(from) = twin(context, claim, &plan, &sha256, status).await? {
            return Ok(Made::Reused(from));
        }
    }
    let began = Instant::now();
    let analyze = analyze(context, claim, plan.config, audio, status, writer);
    let analysed = analyze.instrument(tracing::info_span!("analyze")).await;
    status.measures.analysed(began.elapsed());
    let analysed = analysed?;
    let rest_ms = status.measures.reached(analysed.analysis.manifest.duration_ms);
    context.config.monitor.metrics().analysed_ms(rest_ms);
    Ok(Made::Analysed(Box::new(analysed)))
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

/// The checksum of audio that came without one. It is not written down: whoever brought the track may put another file in
/// its place.
async fn checksum(audio: &Audio, status: &Arc<Status>) -> Result<String, Ended> {
    let file = audio.file.try_clone().map_err(analysis_core::Error::from)?;
    let mut source = Source::new(file, status.clone());
    let hash = tokio::task::spawn_blocking(move || analysis_core::fingerprint::fingerprint(&mut source));
    let hash = until_stopped(status, hash).await?.map_err(|error| Failure::internal(panic_text(error)))?;
    let fingerprint = hash.map_err(analysis_core::Error::from)?;
    Ok(fingerprint.trim_start_matches("sha256:").to_owned())
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

/// Runs the engine on a thread of its own and stores its chunks as they come, all but the last.
async fn analyze(
    context: &Arc<Context>,
    claim: &Claim,
    config: AnalysisConfig,
    audio: Audio,
    status: &Arc<Status>,
    writer: Writer,
) -> Result<Analysed, Ended> {
    let (sender, mut chunks) = chunks::channel();
    let monitor = context.config.monitor.clone();
    let mut observer = ChannelObserver { chunks: sender, status: status.clone(), monitor };
    let (engine, hint) = (context.engine.clone(), claim.mime_type.clone());
    let span = tracing::Span::current();
    let of_source = status.clone();
    status.begin_analysing();
    let thread = tokio::task::spawn_blocking(move || {
        let _entered = span.enter();
        // The copy lives until the engine is done with the file, even when nobody waits for it any more.
        let Audio { file, copy: _copy } = audio;
        let hint = Some(hint.as_str()).filter(|hint| !hint.is_empty());
        engine.analyze(Source::new(file, of_source), hint, &config, &mut observer)
    });
    let unstored = store_chunks(context, &writer, status, &mut chunks).await;
    // Whatever happened: with nobody to take its chunks the engine comes to an end.
    drop(chunks);
    let analysis = match join(context.config.stop_grace, status, thread).await {
        // Whatever else there is to say: the thread must not be forgotten.
        Err(stuck @ Ended::Stuck(..)) => return Err(stuck),
        joined => joined,
    };
    Ok(Analysed { chunks: unstored?, analysis: analysis?, writer })
}

/// Stores chunks in batches until the engine has no more. Returns those of the last batch: they go with the commit.
async fn store_chunks(
    context: &Context,
    writer: &Writer,
    status: &Status,
    chunks: &mut chunks::Receiver,
) -> Result<Vec<Chunk>, Ended> {
    loop {
        let batch = until_stopped(status, chunks.next_batch(context.config.store_every)).await?;
        if batch.last {
            return Ok(batch.chunks);
        }
        persist(status, || results::append(&context.pool, writer, &batch.chunks)).await?;
    }
}

async fn join(grace: Duration, status: &Status, mut thread: Thread) -> Result<Analysis, Ended> {
    let joined = tokio::select! {
        joined = &mut thread => joined,
        stop = async {
            let stop = status.stopped().await;
            tokio::time::sleep(grace).await;
            stop
        } => return Err(Ended::Stuck(stop, thread)),
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

/// Makes visible what was made.
async fn conclude(context: &Context, claim: &Claim, made: &Made) -> Result<Outcome, Ended> {
    match made {
        Made::Analysed(analysed) => commit(context, analysed).await.map(|()| Outcome::Completed),
        Made::Reused(from) => copy(context, claim, *from).await.map(|()| Outcome::Reused { from: *from }),
    }
}

/// The commit point of a result that is there already.
async fn copy(context: &Context, claim: &Claim, from: Uuid) -> Result<(), Ended> {
    match insist(COMMIT_PATIENCE, || reuse::copy(&context.pool, &claim.lease, from)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Ended::Gone),
        Err(error @ store::Error::Invalid { .. }) => {
            tracing::warn!(analysis.twin = %from, error = chain(&error), "a result cannot be taken");
            Err(Ended::Gone)
        }
        Err(error) => committed_after_all(context, &claim.lease, error).await,
    }
}

/// The answer to an earlier try may have been lost on the way: then it was ours that ended the lease.
async fn committed_after_all(context: &Context, lease: &Lease, error: store::Error) -> Result<(), Ended> {
    let store::Error::LeaseLost { .. } = error else { return Err(error.into()) };
    let ours = insist(COMMIT_PATIENCE, || results::is_committed(&context.pool, lease)).await?;
    if ours { Ok(()) } else { Err(Ended::Stopped(Stop::LeaseLost)) }
}

/// Hands chunks and progress from the engine's thread to the job, and the order to stop back.
struct ChannelObserver {
    chunks: chunks::Sender,
    status: Arc<Status>,
    monitor: Monitor,
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
        self.chunks.send(chunk).map_err(|Closed| analysis_core::Error::Cancelled)
    }

    fn on_progress(&mut self, progress: Progress) -> analysis_core::Result<()> {
        self.monitor.metrics().analysed_ms(self.status.measures.reached(progress.done_ms));
        self.status.set_progress(queue::Progress { done_ms: progress.done_ms, total_ms: progress.total_ms });
        self.go_on()?;
        if self.chunks.is_closed() { Err(analysis_core::Error::Cancelled) } else { Ok(()) }
    }
}
