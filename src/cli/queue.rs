//! What `arsis queue` accepts.

use clap::{Args, Subcommand, ValueEnum, value_parser};
use store::analyses::Status;
use uuid::Uuid;

/// Farthest look back: ten years.
const MOST_DAYS: i64 = 3650;
const MOST_HOURS: i64 = 24 * MOST_DAYS;

#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[command(subcommand)]
    pub(crate) command: QueueCommand,
    /// Print one JSON document, for scripts
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// What waits and since when, who works on what and how far, what failed within 24 hours
    Status,
    /// Analyses, newest first: by when they ended, or were asked for while they have not
    List(ListArgs),
    /// One analysis with every attempt at it
    Show {
        /// Id of the analysis
        id: Uuid,
    },
    /// Try analyses again that failed or were cancelled, with fresh attempts
    Retry(RetryArgs),
    /// Stop analyses: those that wait end at once, those that run within about a second
    Cancel(CancelArgs),
    /// Pause the queue: workers begin nothing until it is resumed, and what runs goes on
    Drain(DrainArgs),
    /// Let a paused queue go on
    Resume,
    /// Remove what nobody needs any more: answered tickets, and history when asked; never results
    Prune(PruneArgs),
}

/// Which analyses.
#[derive(Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// Of this user's tracks
    #[arg(long, value_name = "USER-ID")]
    pub(crate) owner: Option<Uuid>,
    /// Of this track
    #[arg(long, value_name = "TRACK-ID")]
    pub(crate) track: Option<Uuid>,
    /// Of this batch
    #[arg(long, value_name = "BATCH-ID")]
    pub(crate) batch: Option<Uuid>,
    /// Held by this worker, now or last
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
}

impl FilterArgs {
    /// Whether anything is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { owner, track, batch, worker } = self;
        owner.is_none() && track.is_none() && batch.is_none() && worker.is_none()
    }
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// In this state
    #[arg(long, value_enum)]
    pub(crate) status: Option<StatusArg>,
    /// With this kind of failure, e.g. corrupt
    #[arg(long)]
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Ended within this many hours (1 to 87600)
    #[arg(long, value_name = "HOURS", value_parser = value_parser!(u32).range(1..=MOST_HOURS))]
    pub(crate) last_hours: Option<u32>,
    /// Most lines (1 to 10000)
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N", value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
pub(crate) struct RetryArgs {
    /// These analyses
    #[arg(group = "which", value_name = "ID")]
    pub(crate) ids: Vec<Uuid>,
    /// Those that failed for this kind of reason, e.g. storage_unavailable
    #[arg(long, group = "which")]
    pub(crate) kind: Option<String>,
    /// All that failed; not those that were cancelled or superseded
    #[arg(long, group = "which")]
    pub(crate) all_failed: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Ended within this many hours (1 to 87600)
    #[arg(long, value_name = "HOURS", value_parser = value_parser!(u32).range(1..=MOST_HOURS))]
    pub(crate) last_hours: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// These analyses
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<Uuid>,
    /// All that have not ended, as far as the options below leave them
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    /// Those that wait, or those that run
    #[arg(long, value_enum)]
    pub(crate) status: Option<UnendedArg>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DrainArgs {
    /// Wait until nothing runs any more
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait for at most this long; the queue stays paused
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    pub(crate) timeout: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Also remove the history of attempts at analyses that ended more than so many days ago (0 to 3650)
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(..=MOST_DAYS))]
    pub(crate) history_days: Option<u32>,
}

/// `--status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusArg {
    /// Waits
    Pending,
    /// A worker has it
    Running,
    /// Its result can be read
    Completed,
    /// Failed, or was cancelled
    Error,
}

impl From<StatusArg> for Status {
    fn from(arg: StatusArg) -> Self {
        match arg {
            StatusArg::Pending => Self::Pending,
            StatusArg::Running => Self::Running,
            StatusArg::Completed => Self::Completed,
            StatusArg::Error => Self::Error,
        }
    }
}

/// `--status` of what has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnendedArg {
    /// Waits
    Pending,
    /// A worker has it
    Running,
}

impl From<UnendedArg> for Status {
    fn from(arg: UnendedArg) -> Self {
        match arg {
            UnendedArg::Pending => Self::Pending,
            UnendedArg::Running => Self::Running,
        }
    }
}
