//! The wake-up: tickets in apalis' tables, and the loop that answers them. The only file that names apalis.
//!
//! apalis brings transactional enqueue, LISTEN/NOTIFY and concurrency. What it does not promise for minutes of work
//! (rescue, bounded attempts, backoff, pruning) is done on our own rows; a ticket is answered `Ok` whatever came of
//! the work.

use crate::{Error, Result};
use apalis::prelude::{
    PollSnapshot, PollStrategy, PollWith, Strategy, TaskBuilder, WorkerBuilder, WorkerBuilderExt, task_fn,
};
use apalis_postgres::{Config, PostgresStorage, Pubsub};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Name of the queue in apalis' tables.
const QUEUE: &str = "arsis.analyses";

/// What the ids of tickets look like, as a regular expression.
const ULID: &str = "^[0-7][0-9a-hjkmnp-tv-z]{25}$";

/// Sign of life of a listening worker to apalis, which hands its tickets on after [`MISSED_HEARTBEATS`].
const HEARTBEAT: Duration = Duration::from_secs(5);
const MISSED_HEARTBEATS: u32 = 6;

/// How often to look for tickets without having been notified: a backstop, for connections that cannot LISTEN.
const POLL: Duration = Duration::from_secs(5);

/// Pause before listening again after the listener failed.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How long answered tickets and silent listeners are kept.
const KEEP: Duration = Duration::from_secs(3600);

/// Makes apalis' tables. Run after our own migrations; may be run at every start.
///
/// # Errors
/// [`Error::Tickets`].
pub async fn setup(pool: &PgPool) -> Result<()> {
    PostgresStorage::<()>::setup(pool).await.map_err(failure)
}

/// Looks whether the tables of tickets can be read.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn probe(db: &mut PgConnection) -> Result<()> {
    sqlx::query_scalar!("SELECT id FROM apalis.jobs LIMIT 1").fetch_optional(db).await?;
    Ok(())
}

/// Writes a ticket for a pending analysis, in the caller's transaction: rolled back, it leaves nothing.
///
/// # Errors
/// [`Error::Database`], [`Error::Tickets`].
pub async fn enqueue(db: &mut PgConnection, analysis_id: Uuid) -> Result<()> {
    push(db, &[analysis_id]).await
}

/// Writes a ticket for each of the analyses.
pub(super) async fn push(db: &mut PgConnection, analysis_ids: &[Uuid]) -> Result<()> {
    if analysis_ids.is_empty() {
        return Ok(());
    }
    // Due since 1970: the time of the host plays no part.
    let ticket = |id: &Uuid| {
        let payload = serde_json::json!({ "analysis_id": id }).to_string().into_bytes();
        TaskBuilder::new(payload).run_at_timestamp(0).build()
    };
    let tickets = analysis_ids.iter().map(ticket).collect();
    apalis_postgres::queries::push_tasks(db, QUEUE, tickets).await.map_err(failure)
}

/// Number of tickets that wait to be taken, counted up to `at_most`.
pub(super) async fn waiting(db: &mut PgConnection, at_most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT 1 FROM apalis.jobs
                WHERE job_type = $1 AND run_at <= now()
                  AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
                LIMIT $2) AS waiting"#,
        QUEUE,
        at_most
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Workers that listened for tickets within `within`, each with how long ago it was last heard of.
pub(super) async fn listeners(db: &mut PgConnection, within: Duration) -> Result<Vec<(String, Duration)>> {
    // A listener is called by its worker and the number of its start: see `serve`.
    let rows = sqlx::query!(
        r#"SELECT regexp_replace(id, '/[0-9]+$', '') AS "name!", extract(epoch FROM now() - max(last_seen))::float8 AS "silent_s!"
             FROM apalis.workers
            WHERE worker_type = $1 AND last_seen > now() - make_interval(secs => $2) GROUP BY 1"#,
        QUEUE,
        within.as_secs_f64()
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.name, Duration::try_from_secs_f64(row.silent_s).unwrap_or_default()))
        .collect())
}

/// Removes tickets answered longer ago than `age`. Returns how many.
///
/// # Errors
/// [`Error::Database`].
pub async fn prune_answered(pool: &PgPool, age: Duration) -> Result<u64> {
    let tickets = sqlx::query!(
        "DELETE FROM apalis.jobs
          WHERE job_type = $1
            AND (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))
            AND done_at <= now() - make_interval(secs => $2)",
        QUEUE,
        age.as_secs_f64()
    )
    .execute(pool)
    .await?;
    Ok(tickets.rows_affected())
}

/// Removes tickets answered an hour ago, listeners silent for an hour, and the tickets that those took and never answered:
/// if one of them is needed after all, the reaper makes another. Returns how many of all.
///
/// # Errors
/// [`Error::Database`].
pub async fn prune(pool: &PgPool) -> Result<u64> {
    let tickets = prune_answered(pool, KEEP).await?;
    let left = sqlx::query!(
        "DELETE FROM apalis.jobs
          WHERE job_type = $1 AND status IN ('Queued', 'Running')
            AND lock_by IN (SELECT id FROM apalis.workers
                             WHERE worker_type = $1 AND last_seen < now() - make_interval(secs => $2))",
        QUEUE,
        KEEP.as_secs_f64()
    )
    .execute(pool)
    .await?;
    let listeners = sqlx::query!(
        "DELETE FROM apalis.workers w
          WHERE worker_type = $1 AND last_seen < now() - make_interval(secs => $2)
            AND NOT EXISTS (SELECT 1 FROM apalis.jobs WHERE lock_by = w.id)",
        QUEUE,
        KEEP.as_secs_f64()
    )
    .execute(pool)
    .await?;
    Ok(tickets + left.rows_affected() + listeners.rows_affected())
}

/// Whether `worker` has a listener that gave a sign of life lately.
///
/// # Errors
/// [`Error::Database`].
pub async fn is_listening(pool: &PgPool, worker: &str) -> Result<bool> {
    let listening = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM apalis.workers
                           WHERE worker_type = $1 AND starts_with(id, $2 || '/')
                             AND last_seen > now() - make_interval(secs => $3)) AS "listening!""#,
        QUEUE,
        worker,
        (HEARTBEAT * MISSED_HEARTBEATS).as_secs_f64()
    )
    .fetch_one(pool)
    .await?;
    Ok(listening)
}

/// Answers tickets until `shutdown`: calls `handle` for each, at most `concurrency` at a time, and comes back when
/// those begun have ended. A listener that fails (database away) is replaced by a new one.
///
/// `handle` must not block the thread, and must see to its own errors.
pub async fn serve<F, Fut>(
    pool: &PgPool,
    worker: &str,
    concurrency: usize,
    shutdown: &CancellationToken,
    handle: F,
) where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut starts: u64 = 0;
    while !shutdown.is_cancelled() {
        // apalis takes a second listener of one name for the first one come back, and gives its tickets to nobody.
        let name = format!("{worker}/{starts}");
        if starts > 0 {
            remove_tickets_of_failed(pool, worker).await;
        }
        starts += 1;
        match listen(pool, &name, concurrency, shutdown.clone(), handle.clone()).await {
            Ok(()) if shutdown.is_cancelled() => return,
            Ok(()) => tracing::warn!(listener = name, "ticket listener ended, starting another"),
            Err(error) => tracing::warn!(listener = name, error, "ticket listener failed, starting another"),
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(RESTART_PAUSE) => {}
        }
    }
}

/// Removes the tickets that a worker's earlier listeners took, and those that every listener fails on: whose id is no ULID.
/// Others may have written them. Where an analysis loses its ticket so, the reaper makes another.
async fn remove_tickets_of_failed(pool: &PgPool, worker: &str) {
    let removal = sqlx::query!(
        "DELETE FROM apalis.jobs
          WHERE job_type = $1
            AND (starts_with(lock_by, $2) AND status IN ('Queued', 'Running') OR id !~* $3)",
        QUEUE,
        format!("{worker}/"),
        ULID
    );
    let removal = async { Ok(removal.execute(pool).await?.rows_affected()) };
    match crate::within(HEARTBEAT, removal).await {
        Ok(0) => {}
        Ok(tickets) => tracing::warn!(worker, tickets, "removed tickets of failed listeners"),
        Err(error) => tracing::debug!(worker, %error, "could not remove tickets of failed listeners"),
    }
}

async fn listen<F, Fut>(
    pool: &PgPool,
    name: &str,
    concurrency: usize,
    shutdown: CancellationToken,
    handle: F,
) -> std::result::Result<(), String>
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    // A batch of one: a ticket fetched ahead of its turn would wait here while other workers idle.
    let config = Config::default()
        .queue(QUEUE)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS as usize)
        // A ticket is its listener's from the fetch on: to write down when the work begins would be one more transaction.
        .lock_tasks(false)
        // Without its result (null) apalis does not write down that a ticket is answered either.
        .persist_results(true);
    let notified = Pubsub::new(pool.clone(), QUEUE.to_owned());
    let strategy = Strategy::new().stream(notified).apply(Every::new(POLL));
    let storage = PostgresStorage::<Value>::new(pool).with_config(config);
    let answer = move |_ticket: Value| {
        let work = handle();
        async move {
            work.await;
            Ok::<(), std::convert::Infallible>(())
        }
    };
    WorkerBuilder::new(name)
        .backend(PollWith::new(storage, strategy))
        .concurrency(concurrency)
        .build(task_fn(answer))
        .run_until(async move {
            shutdown.cancelled().await;
            Ok::<(), std::io::Error>(())
        })
        .await
        .map_err(|error| error.to_string())
}

/// Fires at an interval and always leaves a waker behind, which apalis' own interval does not.
struct Every(Interval);

impl Every {
    fn new(period: Duration) -> Self {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }
}

impl PollStrategy for Every {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut fired = false;
        // Until it is pending: only then is the waker registered.
        while self.0.poll_tick(cx).is_ready() {
            fired = true;
        }
        if fired { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}

fn failure(error: apalis_postgres::Error) -> Error {
    match error {
        apalis_postgres::Error::Database(error) => Error::Database(error),
        other => Error::Tickets(Box::new(other)),
    }
}
