//! What the queue looks like to operators, over HTTP and in `arsis queue --json`.

pub use crate::views::Progress;

use crate::views::milliseconds;
use serde::Serialize;
use store::queue::estimate::Observed;
use store::queue::inspect::{Attempt, Entry, Failures, Worker};
use store::queue::overview::{Counts, Depth};
use store::queue::pause::Pause;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// The queue in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub struct QueueView {
    /// Since when nothing is begun, and by whose will; null when the queue runs.
    pub paused: Option<PauseView>,
    /// What has not ended, of all priorities.
    pub depth: DepthView,
    /// The same by class of priority.
    pub by_priority: ByPriority,
    /// Running ones whose worker went silent and that nobody has taken over yet.
    pub expired: u64,
    /// Since when the one that has been due longest could have been begun, in ms; null when none is due.
    pub oldest_due_ms: Option<u64>,
    /// Since when no worker has put right what others left lying, in ms; null when none ever has.
    pub looked_after_ms: Option<u64>,
    /// Workers heard of within a minute, and those that hold leases.
    pub workers: Vec<WorkerView>,
    /// Analyses that failed within 24 hours, by kind, the most frequent first; not those cancelled or superseded.
    pub failures: Vec<FailuresView>,
}

impl QueueView {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        counts: &Counts,
        pause: Option<Pause>,
        workers: Vec<WorkerView>,
        failures: Vec<FailuresView>,
    ) -> Self {
        Self {
            paused: pause.map(|pause| PauseView { since: pause.since, by: pause.by }),
            depth: counts.total().into(),
            by_priority: ByPriority {
                high: counts.high.into(),
                normal: counts.normal.into(),
                low: counts.low.into(),
            },
            expired: counts.expired,
            oldest_due_ms: counts.oldest_due.map(milliseconds),
            looked_after_ms: counts.looked_after.map(milliseconds),
            workers,
            failures,
        }
    }
}

/// A pause of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuePause)]
pub struct PauseView {
    /// Since when.
    #[serde(with = "rfc3339")]
    pub since: OffsetDateTime,
    /// Whose doing it is.
    pub by: String,
}

/// Analyses that have not ended, by what they wait for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueDepth)]
pub struct DepthView {
    /// Due: they wait for a worker alone.
    pub in_line: u64,
    /// Not due yet: a later attempt, or a run that was asked for at a time.
    pub scheduled: u64,
    /// Wait for another analysis of the same audio, whose result they will take.
    pub waiting: u64,
    /// Being worked on.
    pub running: u64,
}

impl From<Depth> for DepthView {
    fn from(depth: Depth) -> Self {
        let Depth { in_line, scheduled, waiting, running } = depth;
        Self { in_line, scheduled, waiting, running }
    }
}

/// The depth of each class of priority.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueByPriority)]
pub struct ByPriority {
    /// Above 0.
    pub high: DepthView,
    /// 0.
    pub normal: DepthView,
    /// Below 0.
    pub low: DepthView,
}

/// A worker.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueWorker)]
pub struct WorkerView {
    /// Its name: one start of one process.
    pub name: String,
    /// How long ago it was last heard of, in ms; null for one that only left leases behind.
    pub silent_ms: Option<u64>,
    /// Analyses that it runs.
    pub running: i64,
}

impl From<Worker> for WorkerView {
    fn from(worker: Worker) -> Self {
        Self { name: worker.name, silent_ms: worker.silent.map(milliseconds), running: worker.running }
    }
}

/// Analyses that failed for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueFailures)]
pub struct FailuresView {
    /// Kind of failure, for programs.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// When the last one ended.
    #[serde(with = "rfc3339")]
    pub last_at: OffsetDateTime,
}

impl From<Failures> for FailuresView {
    fn from(failures: Failures) -> Self {
        Self { kind: failures.kind, count: failures.count, last_at: failures.last_at }
    }
}

/// An analysis as operators see it: a job. What is analysed is told by ids alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueEntry)]
pub struct QueueEntryView {
    /// Id of the analysis.
    pub id: Uuid,
    /// Of which track.
    pub track_id: Uuid,
    /// Whose track.
    pub owner_id: Uuid,
    /// Of which batch, if it was asked for with others.
    pub batch_id: Option<Uuid>,
    /// `full`, `spectral`, `rhythm`, `tonal` or `structure`.
    pub analysis_type: String,
    /// Version of the analyzer.
    pub version: String,
    /// `pending`, `running`, `completed` or `error`.
    pub status: &'static str,
    /// Higher runs first.
    pub priority: i16,
    /// Which attempt this is.
    pub attempt: i32,
    /// How many there may be.
    pub max_attempts: i32,
    /// Who holds it, or held it last.
    pub worker: Option<String>,
    /// Somebody asked for it to stop.
    pub cancel_requested: bool,
    /// How far it is; null unless it runs.
    pub progress: Option<Progress>,
    /// When it will be done at the speed so far; null unless it runs.
    #[serde(with = "rfc3339::option")]
    pub estimated_completion_at: Option<OffsetDateTime>,
    /// Kind of failure, for programs; `cancelled` when somebody stopped it.
    pub error_kind: Option<String>,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// The chain of causes of the last attempt that ended.
    pub cause: Option<String>,
    /// When it may be begun, or tried again; null unless it waits, and while it waits for another.
    #[serde(with = "rfc3339::option")]
    pub run_at: Option<OffsetDateTime>,
    /// The analysis of the same audio that it waits for, whose result it will take.
    pub waits_for: Option<Uuid>,
    /// When work began.
    #[serde(with = "rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "rfc3339::option")]
    pub completed_at: Option<OffsetDateTime>,
    /// When it was asked for.
    #[serde(with = "rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<Entry> for QueueEntryView {
    fn from(entry: Entry) -> Self {
        let (observed, run_at) = (entry.observed(), entry.run_at());
        Self {
            id: entry.id,
            track_id: entry.track_id,
            owner_id: entry.owner_id,
            batch_id: entry.batch_id,
            analysis_type: entry.analysis_type,
            version: entry.version,
            status: entry.status.as_str(),
            priority: entry.priority,
            attempt: entry.attempt,
            max_attempts: entry.max_attempts,
            worker: entry.worker,
            cancel_requested: entry.cancel_requested,
            progress: observed.as_ref().map(Progress::of),
            estimated_completion_at: observed.as_ref().and_then(Observed::completes_at),
            error_kind: entry.error_kind,
            error_message: entry.error_message,
            cause: entry.cause,
            run_at,
            waits_for: entry.waits_for,
            started_at: entry.started_at,
            completed_at: entry.completed_at,
            created_at: entry.created_at,
        }
    }
}

/// An attempt at an analysis.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalysisAttempt)]
pub struct AttemptView {
    /// Which one, from 1; counted afresh after a retry by hand.
    pub attempt: i32,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended; null while it runs.
    #[serde(with = "rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// How it ended, e.g. `completed`, `failed`, `retrying`, `cancelled`, `expired`; null while it runs.
    pub outcome: Option<String>,
    /// Kind of failure, for programs.
    pub error_kind: Option<String>,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// Who made it. For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The chain of causes. For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl AttemptView {
    /// As operators see it, or as others do.
    #[must_use]
    pub fn new(attempt: Attempt, operator: bool) -> Self {
        Self {
            attempt: attempt.attempt,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            error_kind: attempt.error_kind,
            error_message: attempt.error_message,
            worker: operator.then_some(attempt.worker),
            cause: attempt.cause.filter(|_| operator),
        }
    }
}
