//! One job, from the claim to the commit.

use crate::Context;
use crate::engine::{Chunk, Outcome, Sink};
use crate::failure::{Failure, chain};
use crate::lease::{self, Status, Stop};
use crate::temp::TempFile;
use analysis_core::Config as AnalysisConfig;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::analyses::{self, Parameters};
use store::objects::ObjectKey;
use store::queue::{self, Claim, Pick, Progress, Verdict};
use store::results::{self, Finished, NewChunk, Writer};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;

/// Chunks that may wait for the database before the analysis waits for it too.
const CHUNKS_IN_FLIGHT: usize = 16;

/// How long to wait for the analysis to notice that it must stop, before its thread is left to itself.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// Pause before writing again to a database that was away.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Why an attempt did not succeed.
enum Ended {
    Stopped(Stop),
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Claims the analysis that should run next, if any, and sees it through.
pub(crate) async fn run_next(context: &Arc<Context>) {
    let claimed = queue::claim(&context.pool, Pick::Next, &context.name, context.config.lease).await;
    match claimed {
        Ok(Some(claim)) => {
            let span = tracing::info_span!(
                "job",
                analysis.id = %claim.lease.analysis_id,
                track.id = %claim.track_id,
                attempt = claim.lease.attempt
            );
            run(context, &claim).instrument(span).await;
        }
        Ok(None) => {}
        // The ticket is spent; the reaper makes another.
        Err(error) => tracing::warn!(error = chain(&error), "could not claim an analysis"),
    }
}

async fn run(context: &Arc<Context>, claim: &Claim) {
    let began = Instant::now();
    let status = Arc::new(Status::default());
    let attempted = {
        let attempt = attempt(context, claim, &status);
        let keeper = lease::keep(context, &claim.lease, &status);
        tokio::pin!(attempt, keeper);
        tokio::select! {
            ended = &mut attempt => ended,
            // From here on the attempt is told to stop, and ends by itself.
            () = &mut keeper => attempt.await,
        }
    };
    let wall_ms = began.elapsed().as_millis();
    match attempted {
        Ok(duration_ms) => tracing::info!(audio_ms = duration_ms, wall_ms, "analysed track"),
        Err(Ended::Stopped(stop)) => stopped(context, claim, stop).await,
        Err(Ended::Failed(failure)) => failed(context, claim, &failure).await,
    }
}

/// Fetch, analyse, commit. Returns the length of the audio in ms.
async fn attempt(context: &Arc<Context>, claim: &Claim, status: &Arc<Status>) -> Result<u64, Ended> {
    let config = plan(claim)?;
    let shape = context.engine.shape(&config)?;
    let audio = until_stopped(status, fetch(context, claim)).await??;
    let writer = persist(status, || results::begin(&context.pool, &claim.lease, &shape)).await?;
    let outcome = analyze(context, claim, config, audio, status, &writer).await?;
    commit(context, status, &writer, &outcome).await?;
    Ok(outcome.duration_ms)
}

/// What was asked for. Rows come from others too: nothing in them is taken for granted.
fn plan(claim: &Claim) -> Result<AnalysisConfig, Failure> {
    let analysis_type = analyses::type_from_name(&claim.analysis_type).ok_or_else(|| {
        let message = format!("There is no analysis of type {:?}.", claim.analysis_type);
        Failure::permanent("unknown_analysis_type", message.clone(), message)
    })?;
    let parameters = serde_json::from_value::<Parameters>(claim.parameters.clone()).map_err(|error| {
        let message = format!("The analysis was asked for with parameters that do not fit: {error}.");
        Failure::permanent("invalid_parameters", message, error.to_string())
    })?;
    let config = parameters.config(analysis_type);
    config.validate()?;
    Ok(config)
}

async fn fetch(context: &Context, claim: &Claim) -> Result<TempFile, Failure> {
    let key = ObjectKey::parse(&claim.r2_key)?;
    let file = context.temp.file();
    context.objects.fetch(&key, file.path(), context.config.max_file_bytes).await?;
    Ok(file)
}

/// Runs the engine on a thread of its own and stores its chunks as they come.
async fn analyze(
    context: &Arc<Context>,
    claim: &Claim,
    config: AnalysisConfig,
    audio: TempFile,
    status: &Arc<Status>,
    writer: &Writer,
) -> Result<Outcome, Ended> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let mut sink = ChannelSink { chunks: sender, status: status.clone() };
    let (engine, hint) = (context.engine.clone(), claim.mime_type.clone());
    let span = tracing::Span::current();
    let thread = tokio::task::spawn_blocking(move || {
        let _entered = span.enter();
        let file = File::open(audio.path())?;
        // `audio` lives until the engine is done with the file, even when nobody waits for it any more.
        let hint = Some(hint.as_str()).filter(|hint| !hint.is_empty());
        let analysed = engine.analyze(file, hint, &config, &mut sink);
        drop(audio);
        analysed
    });
    let stored = store_chunks(context, writer, status, &mut chunks).await;
    // Whatever happened: with nobody to take its chunks the engine comes to an end.
    drop(chunks);
    let analysed = join(status, thread).await;
    stored?;
    analysed
}

/// Stores chunks until the engine has no more.
async fn store_chunks(
    context: &Context,
    writer: &Writer,
    status: &Status,
    chunks: &mut mpsc::Receiver<Chunk>,
) -> Result<(), Ended> {
    let mut batch = Vec::with_capacity(CHUNKS_IN_FLIGHT);
    while until_stopped(status, chunks.recv_many(&mut batch, CHUNKS_IN_FLIGHT)).await? > 0 {
        let rows: Vec<NewChunk<'_>> = batch.iter().map(row).collect();
        persist(status, || results::append(&context.pool, writer, &rows)).await?;
        batch.clear();
    }
    Ok(())
}

fn row(chunk: &Chunk) -> NewChunk<'_> {
    NewChunk {
        level: chunk.level,
        index: chunk.index,
        start_frame: chunk.start_frame,
        frame_count: chunk.frame_count,
        bytes: &chunk.bytes,
    }
}

async fn join(
    status: &Status,
    mut thread: JoinHandle<analysis_core::Result<Outcome>>,
) -> Result<Outcome, Ended> {
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
        Ok(Ok(outcome)) => Ok(outcome),
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

/// The commit point.
async fn commit(context: &Context, status: &Status, writer: &Writer, outcome: &Outcome) -> Result<(), Ended> {
    let finished =
        Finished { summary: &outcome.summary, manifest: &outcome.manifest, events: &outcome.events };
    let committed = persist(status, || results::finish(&context.pool, writer, &finished)).await;
    match committed {
        // The answer to an earlier commit may have been lost on the way: then it was ours that took the lease.
        Err(Ended::Stopped(Stop::LeaseLost))
            if results::is_committed(&context.pool, writer.lease()).await.unwrap_or(false) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Writes, and waits for a database that is away as long as the lease allows.
async fn persist<T, F, Fut>(status: &Status, write: F) -> Result<T, Ended>
where
    F: Fn() -> Fut,
    Fut: Future<Output = store::Result<T>>,
{
    loop {
        match until_stopped(status, write()).await? {
            Ok(written) => return Ok(written),
            Err(store::Error::LeaseLost { .. }) => return Err(Ended::Stopped(Stop::LeaseLost)),
            Err(error) if error.is_unavailable() => {
                tracing::warn!(error = chain(&error), "the database is away, waiting for it");
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

async fn stopped(context: &Context, claim: &Claim, stop: Stop) {
    let lease = &claim.lease;
    let written = match stop {
        Stop::Cancelled => queue::cancelled(&context.pool, lease).await,
        Stop::HandBack => queue::release(&context.pool, lease).await,
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
        // The lease runs out and the reaper decides.
        Err(error) => {
            tracing::warn!(reason = ?stop, error = chain(&error), "could not write that a job stopped")
        }
    }
}

async fn failed(context: &Context, claim: &Claim, failure: &Failure) {
    match queue::fail(&context.pool, &claim.lease, &failure.for_queue()).await {
        Ok(Verdict::Failed) => {
            tracing::warn!(error.kind = failure.kind, error.cause = failure.cause, "analysis failed");
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
struct ChannelSink {
    chunks: mpsc::Sender<Chunk>,
    status: Arc<Status>,
}

impl ChannelSink {
    fn go_on(&self) -> analysis_core::Result<()> {
        match self.status.stop() {
            Some(_) => Err(analysis_core::Error::Cancelled),
            None => Ok(()),
        }
    }
}

impl Sink for ChannelSink {
    fn chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.go_on()?;
        // Closed when the job gave up: on storing, not on the engine.
        self.chunks.blocking_send(chunk).map_err(|_| analysis_core::Error::Cancelled)
    }

    fn progress(&mut self, progress: Progress) -> analysis_core::Result<()> {
        self.status.set_progress(progress);
        self.go_on()?;
        if self.chunks.is_closed() { Err(analysis_core::Error::Cancelled) } else { Ok(()) }
    }
}
