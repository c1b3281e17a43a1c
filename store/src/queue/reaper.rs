//! Puts right what was left lying: leases of dead workers, analyses whose time has come, those that are due and have no
//! ticket.
//!
//! Any number of workers may do this at once; each row is put right by one of them. So that a large fleet does not ask the
//! same all the time, a worker first asks whether it is [`its_turn`].

use super::{BACKOFF_BASE, BACKOFF_FACTOR, BACKOFF_MAX, tickets};
use crate::Result;
use crate::analyses::{CANCELLED, CANCELLED_MESSAGE, Status};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// `error_kind` of an attempt whose worker died or lost its database for longer than its lease.
pub const WORKER_LOST: &str = "worker_lost";

const WORKER_LOST_MESSAGE: &str =
    "The analysis was interrupted each time it was tried; the file may be too much for the workers.";

/// Most expired leases put right in one transaction.
const BATCH: i64 = 100;

/// How long a row that someone else set to `running`, without a lease, is left to them after its last change.
pub(super) const LEASELESS: Duration = Duration::from_secs(24 * 3600);

/// Most tickets made at a time; more would only lie in the queue.
const MAX_NEW_TICKETS: i64 = 1000;

/// What [`reap`] put right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Analyses whose lease had expired and that will be tried again.
    pub rescued: u64,
    /// Analyses that ended: out of attempts, or cancelled while nobody worked on them.
    pub ended: u64,
    /// Analyses let into the line: their time has come, or what they waited for has ended.
    pub promoted: u64,
    /// Tickets made for due analyses.
    pub ticketed: u64,
}

/// Most analyses let into the line in one round.
const MAX_PROMOTED: i64 = 1000;

/// Whether no worker of this version of the analyzer has looked after the queue for `pause`. Whoever is told so should
/// [`reap`]. Each version for itself: an older one makes no tickets for what asks for a later one.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn its_turn(pool: &PgPool, pause: Duration) -> Result<bool> {
    let taken = sqlx::query!(
        "INSERT INTO analysis_queue_rounds AS last (version, began_at) VALUES ($1, now())
         ON CONFLICT (version) DO UPDATE SET began_at = now()
          WHERE last.began_at <= now() - make_interval(secs => $2)",
        analysis_core::ANALYZER_VERSION,
        pause.as_secs_f64()
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() > 0)
}

/// Puts right expired leases, lets into the line whose time has come, and makes missing tickets. One query when there is
/// nothing to do.
///
/// # Errors
/// [`crate::Error::Database`], [`crate::Error::Tickets`].
pub async fn reap(pool: &PgPool) -> Result<Reaped> {
    let mut reaped = Reaped::default();
    let left = look(pool).await?;
    if left.expired || left.exhausted {
        let mut tx = pool.begin().await?;
        let (rescued, ended) = rescue(&mut tx).await?;
        let exhausted = end_exhausted(&mut tx).await?;
        tx.commit().await?;
        (reaped.rescued, reaped.ended) = (rescued, ended + exhausted);
    }
    if left.waiting {
        reaped.promoted = promote(pool).await?;
    }
    if left.due || reaped.rescued + reaped.promoted > 0 {
        let mut tx = pool.begin().await?;
        reaped.ticketed = make_tickets(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(reaped)
}

/// What there is to put right.
struct Left {
    /// Leases have run out.
    expired: bool,
    /// Analyses wait that have no attempt left.
    exhausted: bool,
    /// Analyses outside the line should stand in it.
    waiting: bool,
    /// Analyses in line are due.
    due: bool,
}

async fn look(pool: &PgPool) -> Result<Left> {
    let left = sqlx::query_as!(
        Left,
        r#"SELECT EXISTS (SELECT 1 FROM track_analyses
                           WHERE status = 'running'
                             AND coalesce(lease_until, updated_at + make_interval(secs => $1)) < now()) AS "expired!",
                  EXISTS (SELECT 1 FROM track_analyses
                           WHERE status = 'pending' AND attempt >= max_attempts) AS "exhausted!",
                  EXISTS (SELECT 1 FROM track_analyses
                           WHERE status = 'pending' AND turn IS NULL AND next_run_at <= now())
                  OR EXISTS (SELECT 1 FROM track_analyses a
                              WHERE status = 'pending' AND waits_for IS NOT NULL
                                AND NOT EXISTS (SELECT 1 FROM track_analyses twin
                                                 WHERE twin.id = a.waits_for AND twin.status = 'running'))
                                                                                              AS "waiting!",
                  EXISTS (SELECT 1 FROM track_analyses
                           WHERE status = 'pending' AND turn IS NOT NULL AND next_run_at <= now()) AS "due!""#,
        LEASELESS.as_secs_f64()
    )
    .fetch_one(pool)
    .await?;
    Ok(left)
}

/// Lets analyses into the line whose time has come, or whose twin has ended.
async fn promote(pool: &PgPool) -> Result<u64> {
    // Two statements: each reads the head of an index of its own.
    let due = sqlx::query!(
        "WITH waiting AS (
             SELECT id FROM track_analyses
              WHERE status = 'pending' AND turn IS NULL AND next_run_at <= now()
              ORDER BY next_run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE track_analyses a SET turn = arsis_next_turn(a.owner_id, a.priority), waits_for = NULL
           FROM waiting WHERE a.id = waiting.id",
        MAX_PROMOTED
    )
    .execute(pool)
    .await?;
    let twins = sqlx::query!(
        "WITH waiting AS (
             SELECT id FROM track_analyses a
              WHERE status = 'pending' AND waits_for IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM track_analyses twin
                                 WHERE twin.id = a.waits_for AND twin.status = 'running')
              LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE track_analyses a
            SET turn = arsis_next_turn(a.owner_id, a.priority), waits_for = NULL, next_run_at = now()
           FROM waiting WHERE a.id = waiting.id",
        MAX_PROMOTED
    )
    .execute(pool)
    .await?;
    Ok(due.rows_affected() + twins.rows_affected())
}

/// Takes running analyses from workers that stopped renewing. Their tracks are locked first, as everywhere
/// (`lock_track_of`); those that others hold at the moment are left for the next round.
async fn rescue(db: &mut PgConnection) -> Result<(u64, u64)> {
    // The first rescue is for a worker that was merely killed: at once. From the second on the analysis itself
    // may be what kills workers: they get the same growing pause as other failures.
    let tracks = sqlx::query_scalar!(
        "SELECT id FROM reference_tracks
          WHERE id IN (SELECT track_id FROM track_analyses
                        WHERE status = 'running'
                          AND coalesce(lease_until, updated_at + make_interval(secs => $2)) < now()
                        ORDER BY id LIMIT $1)
          ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        BATCH,
        LEASELESS.as_secs_f64()
    )
    .fetch_all(&mut *db)
    .await?;
    if tracks.is_empty() {
        return Ok((0, 0));
    }
    let rows = sqlx::query!(
        r#"WITH expired AS (
               SELECT id, lease_token, cancel_requested OR attempt >= max_attempts AS ends
                 FROM track_analyses
                WHERE status = 'running' AND track_id = ANY ($9)
                  AND coalesce(lease_until, updated_at + make_interval(secs => $10)) < now()
                ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED),
           history AS (
               UPDATE track_analysis_attempts h
                  SET ended_at = now(), outcome = 'expired', error_kind = $2, error_message = $3
                 FROM expired WHERE h.token = expired.lease_token AND h.ended_at IS NULL)
           UPDATE track_analyses a
              SET status = CASE WHEN ends THEN 'error' ELSE 'pending' END,
                  completed_at = CASE WHEN ends THEN now() END,
                  error_kind = CASE WHEN a.cancel_requested THEN $4 ELSE $2 END,
                  error_message = CASE WHEN a.cancel_requested THEN $5 WHEN ends THEN $3 END,
                  lease_token = NULL, lease_until = NULL, worker = NULL, updated_at = now(),
                  turn = CASE WHEN a.attempt <= 1 THEN a.turn END,
                  next_run_at = now() + make_interval(secs => CASE WHEN a.attempt <= 1 THEN 0
                      ELSE least($6::float8 * power($8::float8, a.attempt - 2), $7::float8) END)
             FROM expired WHERE a.id = expired.id
           RETURNING a.id, a.track_id, a.status AS "status: Status", a.error_message"#,
        BATCH,
        WORKER_LOST,
        WORKER_LOST_MESSAGE,
        CANCELLED,
        CANCELLED_MESSAGE,
        BACKOFF_BASE.as_secs_f64(),
        BACKOFF_MAX.as_secs_f64(),
        f64::from(BACKOFF_FACTOR),
        &tracks,
        LEASELESS.as_secs_f64()
    )
    .fetch_all(&mut *db)
    .await?;
    let mut ended = 0;
    for row in &rows {
        if row.status == Status::Error {
            ended += 1;
            settle(db, row.id, row.track_id, row.error_message.as_deref()).await?;
        }
    }
    Ok((rows.len() as u64 - ended, ended))
}

/// Ends pending analyses that have no attempt left, such as rows that others wrote so.
async fn end_exhausted(db: &mut PgConnection) -> Result<u64> {
    let tracks = sqlx::query_scalar!(
        "SELECT id FROM reference_tracks
          WHERE id IN (SELECT track_id FROM track_analyses
                        WHERE status = 'pending' AND attempt >= max_attempts ORDER BY id LIMIT $1)
          ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        BATCH
    )
    .fetch_all(&mut *db)
    .await?;
    if tracks.is_empty() {
        return Ok(0);
    }
    let rows = sqlx::query!(
        "WITH exhausted AS (
             SELECT id FROM track_analyses
              WHERE status = 'pending' AND attempt >= max_attempts AND track_id = ANY ($4)
              ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE track_analyses a
            SET status = 'error', completed_at = now(), updated_at = now(),
                error_kind = coalesce(error_kind, $2), error_message = coalesce(error_message, $3)
           FROM exhausted WHERE a.id = exhausted.id
         RETURNING a.id, a.track_id, a.error_message",
        BATCH,
        WORKER_LOST,
        WORKER_LOST_MESSAGE,
        &tracks
    )
    .fetch_all(&mut *db)
    .await?;
    for row in &rows {
        settle(db, row.id, row.track_id, row.error_message.as_deref()).await?;
    }
    Ok(rows.len() as u64)
}

async fn settle(
    db: &mut PgConnection,
    analysis_id: Uuid,
    track_id: Uuid,
    message: Option<&str>,
) -> Result<()> {
    super::drop_results(db, analysis_id).await?;
    super::settle_track_after_failure(db, track_id, message.unwrap_or(WORKER_LOST_MESSAGE)).await
}

/// Makes as many tickets as due analyses lack. Which analysis a ticket was made for does not matter: the claim
/// decides, so counting is enough.
async fn make_tickets(db: &mut PgConnection) -> Result<u64> {
    // One reaper at a time, or each would make the same tickets; the others have nothing to add.
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended('arsis.analysis_tickets', 0)) AS "alone!""#
    )
    .fetch_one(&mut *db)
    .await?;
    if !alone {
        return Ok(0);
    }
    let due = sqlx::query_scalar!(
        "SELECT id FROM track_analyses
          WHERE status = 'pending' AND turn IS NOT NULL AND next_run_at <= now() AND attempt < max_attempts
            AND coalesce(arsis_version_number(version) <= arsis_version_number($2), TRUE)
            AND NOT EXISTS (SELECT 1 FROM analysis_queue WHERE paused_at IS NOT NULL)
          ORDER BY priority DESC, turn, next_run_at, id LIMIT $1",
        MAX_NEW_TICKETS,
        analysis_core::ANALYZER_VERSION
    )
    .fetch_all(&mut *db)
    .await?;
    if due.is_empty() {
        return Ok(0);
    }
    let waiting = usize::try_from(tickets::waiting(db, MAX_NEW_TICKETS).await?).unwrap_or(0);
    let missing = due.get(waiting..).unwrap_or_default();
    tickets::push(db, missing).await?;
    Ok(missing.len() as u64)
}
