//! What is told of an attempt when it has ended: one line of the log, and the counters.

use crate::Context;
use crate::failure::Failure;
use crate::metrics::Metrics;
use analysis_core::AnalysisType;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::analyses;
use store::queue::Claim;
use uuid::Uuid;

/// The names of all outcomes.
pub(crate) const OUTCOMES: [&str; 9] =
    ["completed", "reused", "put_aside", "failed", "retrying", "snoozed", "cancelled", "released", "lost"];

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The result is there.
    Completed,
    /// The result of another analysis of the same audio was taken.
    Reused { from: Uuid },
    /// Another analysis of the same audio runs: this one waits for its result.
    PutAside { twin: Uuid },
    /// The analysis ended in error.
    Failed(Failure),
    /// It failed for now; there will be another attempt.
    Retrying { failure: Failure, after: Duration },
    /// What failed was this worker, not the analysis: it was put off, here or for another.
    Snoozed { failure: Failure, after: Duration },
    /// Someone asked for it to stop; it may have failed before that was seen.
    Cancelled(Option<Failure>),
    /// The worker ends: the analysis was handed back.
    Released,
    /// The lease was lost, or its end could not be written (`unwritten`: why) and it will be rescued.
    Lost { failure: Option<Failure>, unwritten: Option<String> },
}

impl Outcome {
    /// As in `track_analysis_attempts.outcome`, which is silent about what was put aside and calls the lost expired.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Reused { .. } => "reused",
            Self::PutAside { .. } => "put_aside",
            Self::Failed(_) => "failed",
            Self::Retrying { .. } => "retrying",
            Self::Snoozed { .. } => "snoozed",
            Self::Cancelled(_) => "cancelled",
            Self::Released => "released",
            Self::Lost { .. } => "lost",
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Retrying { failure, .. } | Self::Snoozed { failure, .. } => {
                Some(failure)
            }
            Self::Cancelled(failure) | Self::Lost { failure, .. } => failure.as_ref(),
            Self::Completed | Self::Reused { .. } | Self::PutAside { .. } | Self::Released => None,
        }
    }

    /// Machine-readable cause of the failure, if it was one.
    pub(crate) fn error_kind(&self) -> Option<&'static str> {
        self.failure().map(|failure| failure.kind)
    }

    /// The analysis whose result is taken, now or later.
    fn twin(&self) -> Option<Uuid> {
        match self {
            Self::Reused { from: twin } | Self::PutAside { twin } => Some(*twin),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Retrying { after, .. } | Self::Snoozed { after, .. } => Some(*after),
            _ => None,
        }
    }

    fn unwritten(&self) -> Option<&str> {
        if let Self::Lost { unwritten, .. } = self { unwritten.as_deref() } else { None }
    }

    /// Whether an operator may have to do something about it.
    fn is_trouble(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Retrying { .. } | Self::Lost { .. })
    }

    /// Whether an operator must do something: this worker cannot go on as it is.
    fn is_alarm(&self) -> bool {
        matches!(self, Self::Snoozed { .. })
    }
}

/// What an attempt measured of itself; empty where it did not come that far.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    bytes: OnceLock<u64>,
    fetch_ms: OnceLock<u64>,
    analyze_ms: OnceLock<u64>,
    commit_ms: OnceLock<u64>,
    audio_ms: AtomicU64,
}

impl Measures {
    // Each comes once in an attempt.

    pub(crate) fn fetched(&self, bytes: u64, took: Duration) {
        let _ = self.bytes.set(bytes);
        let _ = self.fetch_ms.set(ms(took));
    }

    pub(crate) fn analysed(&self, took: Duration) {
        let _ = self.analyze_ms.set(ms(took));
    }

    pub(crate) fn committed(&self, took: Duration) {
        let _ = self.commit_ms.set(ms(took));
    }

    /// Audio analysed so far. Returns how much that is more than before.
    pub(crate) fn reached(&self, audio_ms: u64) -> u64 {
        audio_ms.saturating_sub(self.audio_ms.fetch_max(audio_ms, Ordering::Relaxed))
    }

    /// How many times faster than it plays the audio was analysed, to one decimal.
    #[expect(clippy::cast_precision_loss, reason = "times of jobs are far below 2^53 ms")]
    fn speed(&self) -> Option<f64> {
        let analyze_ms = *self.analyze_ms.get()?.max(&1);
        Some((self.audio_ms.load(Ordering::Relaxed) as f64 / analyze_ms as f64 * 10.0).round() / 10.0)
    }
}

/// An attempt under way. Dropped without [`Report::end`], it is told as lost.
pub(crate) struct Report<'a> {
    claim: &'a Claim,
    worker: &'a str,
    metrics: &'a Metrics,
    measures: &'a Measures,
    began: Instant,
    told: bool,
}

impl<'a> Report<'a> {
    pub(crate) fn begin(context: &'a Context, claim: &'a Claim, measures: &'a Measures) -> Self {
        let metrics = context.config.monitor.metrics();
        metrics.attempt_began(claim.waited);
        Self { claim, worker: &context.name, metrics, measures, began: Instant::now(), told: false }
    }

    /// Counts the attempt and writes its line.
    pub(crate) fn end(mut self, outcome: &Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: &Outcome) {
        self.told = true;
        let wall = self.began.elapsed();
        self.metrics.attempt_ended(type_label(self.claim), outcome, wall);
        self.log(outcome, wall);
    }

    fn log(&self, outcome: &Outcome, wall: Duration) {
        let Claim { lease, max_attempts, track_id, analysis_type, waited, .. } = self.claim;
        let Measures { bytes, fetch_ms, analyze_ms, commit_ms, audio_ms } = self.measures;
        let failure = outcome.failure();
        // The level of an event is part of the code: hence a line of code for each.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    outcome = outcome.name(),
                    analysis.id = %lease.analysis_id,
                    track.id = %track_id,
                    r#type = analysis_type,
                    attempt = lease.attempt,
                    of = max_attempts,
                    worker = self.worker,
                    waited_ms = ms(*waited),
                    fetch_ms = fetch_ms.get(),
                    analyze_ms = analyze_ms.get(),
                    commit_ms = commit_ms.get(),
                    wall_ms = ms(wall),
                    audio_ms = audio_ms.load(Ordering::Relaxed),
                    speed = self.measures.speed(),
                    bytes = bytes.get(),
                    analysis.twin = outcome.twin().map(tracing::field::display),
                    error.kind = failure.map(|failure| failure.kind),
                    error.cause = failure.map(|failure| failure.cause.as_str()),
                    retry_after_ms = outcome.retry_after().map(ms),
                    unwritten = outcome.unwritten(),
                    "attempt ended"
                )
            };
        }
        if outcome.is_alarm() {
            line!(tracing::Level::ERROR)
        } else if outcome.is_trouble() {
            line!(tracing::Level::WARN)
        } else {
            line!(tracing::Level::INFO)
        }
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        // A panic in the job's own handler, or the end of the runtime.
        if !self.told {
            let unwritten = Some("the attempt was dropped in the middle".to_owned());
            self.tell(&Outcome::Lost { failure: None, unwritten });
        }
    }
}

/// The label of types of analysis that there are not: rows of others may hold anything.
const UNKNOWN_TYPE: &str = "unknown";

/// A type of analysis as a label.
fn type_label(claim: &Claim) -> &'static str {
    analyses::type_from_name(&claim.analysis_type).map_or(UNKNOWN_TYPE, analyses::type_name)
}

/// All labels that [`type_label`] gives.
pub(crate) fn type_labels() -> impl Iterator<Item = &'static str> {
    use AnalysisType::{Full, Rhythm, Spectral, Structure, Tonal};
    [Full, Spectral, Rhythm, Tonal, Structure].map(analyses::type_name).into_iter().chain([UNKNOWN_TYPE])
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
