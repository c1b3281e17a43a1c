//! Takes analyses from the queue, fetches their audio, analyses it and commits the result.
//!
//! [`run`] is a worker process: it answers the queue's tickets, a job at a time per slot (`job.rs` tells one from top
//! to bottom), and helps to put right what others left lying. Any number of workers may run on one database.
//!
//! Jobs are started at least once and committed at most once: see [`store::queue`].

mod announcements;
mod chunks;
pub mod config;
mod endings;
pub mod engine;
mod failure;
mod fetch;
mod job;
mod lease;
mod metrics;
mod monitor;
mod persist;
mod reaper;
mod report;
mod running;
mod stuck;
mod temp;

pub use config::Config;
pub use engine::{Arsis, Engine, Source};
pub use monitor::Monitor;

use anyhow::Context as _;
use std::sync::Arc;
use std::time::Duration;
use store::PgPool;
use store::objects::Objects;
use store::queue::tickets;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Connections that renew leases. A renewal takes about a millisecond, so one would do for hundreds of jobs; the other is
/// for when the first has to be made again.
const RENEWAL_CONNECTIONS: u32 = 2;

/// How long the database may take to answer. What waits longer is told that it is away.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// How long the ticket listener may take to end when nothing runs any more.
const LISTENER_LIMIT: Duration = Duration::from_secs(5);

/// What every job of a worker needs.
struct Context {
    config: Config,
    pool: PgPool,
    /// For renewals alone: however many results wait to be written, leases are kept.
    renewals: PgPool,
    objects: Objects,
    engine: Arc<dyn Engine>,
    /// Unique over all starts of all workers.
    name: String,
    temp: temp::Folder,
    slots: Semaphore,
    running: running::Running,
    stuck: stuck::Stuck,
    /// Analyses that others wrote have been announced: the reaper looks for them.
    pending_announced: Notify,
    /// Cancelled when no further job should begin: whoever runs the worker said so, or no slot is left.
    shutdown: CancellationToken,
    /// Cancelled when the time to finish at shutdown is over: jobs are handed back.
    hand_back: CancellationToken,
}

/// Works until `shutdown`, then finishes the jobs begun, or hands them back when [`Config::drain`] is over.
///
/// # Errors
/// The configuration does not hold, or the folder for temporary files cannot be made. Every slot is taken by an analysis
/// that hangs ([`Config::stop_grace`]): end the process, nothing else gets its threads back. A database or object
/// storage that is away ends nothing: the worker waits for it.
pub async fn run(
    config: Config,
    pool: PgPool,
    objects: Objects,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    run_engine(config, pool, objects, Arc::new(Arsis), shutdown).await
}

/// [`run`] with another engine than Arsis' own.
///
/// # Errors
/// As [`run`].
pub async fn run_engine(
    config: Config,
    pool: PgPool,
    objects: Objects,
    engine: Arc<dyn Engine>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    config.validate()?;
    let name = format!("{}-{}", config.name, Uuid::new_v4().simple());
    let temp = temp::Folder::create(&config.temp_dir, config.temp_max_bytes).await.with_context(|| {
        format!("failed to make a folder for temporary files in {}", config.temp_dir.display())
    })?;
    let jobs = config.jobs.get();
    let context = Arc::new(Context {
        slots: Semaphore::new(jobs),
        running: running::Running::default(),
        stuck: stuck::Stuck::default(),
        pending_announced: Notify::new(),
        shutdown: shutdown.child_token(),
        hand_back: CancellationToken::new(),
        config,
        renewals: store::pool_beside(&pool, RENEWAL_CONNECTIONS),
        pool,
        objects,
        engine,
        name,
        temp,
    });
    context.config.monitor.metrics().set_slots(jobs);
    context.config.monitor.started(monitor::Worker {
        pool: context.pool.clone(),
        name: context.name.clone(),
        temp: context.temp.path().to_owned(),
        shutdown: context.shutdown.clone(),
    });
    tracing::info!(worker = context.name, jobs, "worker started");
    let running = TaskTracker::new();
    let answer = {
        let (context, running) = (context.clone(), running.clone());
        move || answer_ticket(context.clone(), running.clone())
    };
    let ended = CancellationToken::new();
    let work = async {
        reaper::prune(&context).await;
        let serving = tickets::serve(&context.pool, &context.name, jobs, &context.shutdown, answer);
        let all_done = async {
            context.shutdown.cancelled().await;
            running.close();
            running.wait().await;
        };
        tokio::select! {
            () = serving => {}
            () = async { all_done.await; tokio::time::sleep(LISTENER_LIMIT).await } => {
                tracing::warn!("the ticket listener does not end; it is left to itself");
            }
        }
        running.close();
        running.wait().await;
        ended.cancel();
    };
    let heed = announcements::follow(&context, &ended);
    tokio::join!(work, reaper::run(&context), heed, hand_back_late(&context, &ended));
    store::close(&context.renewals).await;
    tracing::info!(worker = context.name, "worker ended");
    context.stuck.check(jobs)
}

/// Runs a job as a task of its own: it outlives the listener that took the ticket, should that one fail.
async fn answer_ticket(context: Arc<Context>, running: TaskTracker) {
    let task = running.spawn(async move {
        let Ok(_slot) = context.slots.acquire().await else { return };
        job::run_next(&context).await;
    });
    if let Err(error) = task.await {
        // The lease runs out and the analysis is rescued.
        tracing::error!(%error, "a job's own handler failed");
    }
}

/// Tells the jobs that still run some time after the shutdown began to stop.
async fn hand_back_late(context: &Context, ended: &CancellationToken) {
    let late = async {
        context.shutdown.cancelled().await;
        tokio::time::sleep(context.config.drain).await;
    };
    tokio::select! {
        () = ended.cancelled() => {}
        () = late => {
            tracing::info!(worker = context.name, "handing unfinished jobs back");
            context.hand_back.cancel();
        }
    }
}
