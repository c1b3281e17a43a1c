//! The ends of attempts that came to nothing. Each is one transaction under the lease.

use super::{
    BACKOFF_BASE, BACKOFF_FACTOR, BACKOFF_MAX, Failure, Held, Lease, Verdict, enqueue, hold_with_track,
    interval,
};
use crate::{Result, Transaction, analyses};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// Longest an analysis stands aside for a twin; then it looks again.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How long an analysis may be put off again and again without that counting as an attempt.
const LONGEST_SNOOZE: Duration = Duration::from_secs(6 * 3600);

/// What became of an analysis that was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It is pending, for whoever is free.
    HandedBack,
    /// It ended: someone had asked for it to stop.
    Cancelled,
}

/// Ends an attempt that failed: for good, or until the next attempt after an exponentially growing, jittered wait.
///
/// # Errors
/// [`crate::Error::LeaseLost`]: someone else decides about this analysis now. [`crate::Error::Database`].
pub async fn fail(pool: &PgPool, lease: &Lease, failure: &Failure<'_>) -> Result<Verdict> {
    let mut tx = pool.begin().await?;
    let held = hold_with_track(&mut tx, lease).await?;
    let verdict = if failure.permanent || lease.attempt >= held.max_attempts {
        end_in_error(&mut tx, lease, held.track_id, failure.kind, failure.message).await?;
        Verdict::Failed
    } else if held.cancel_requested {
        end_as_cancelled(&mut tx, lease, &held).await?;
        Verdict::Cancelled
    } else {
        Verdict::Retrying { after: postpone(&mut tx, lease, failure).await? }
    };
    let outcome = match verdict {
        Verdict::Failed => "failed",
        Verdict::Cancelled => "cancelled",
        Verdict::Retrying { .. } => "retrying",
    };
    close_attempt(&mut tx, lease, outcome, Some(failure)).await?;
    tx.commit().await?;
    Ok(verdict)
}

/// How the attempt before this one failed, of the same round of attempts; those handed back or put off do not count.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn previous_failure(pool: &PgPool, lease: &Lease) -> Result<Option<String>> {
    if lease.attempt <= 1 {
        return Ok(None);
    }
    let kind = sqlx::query_scalar!(
        "SELECT error_kind FROM track_analysis_attempts
          WHERE analysis_id = $1 AND token <> $2 AND outcome IN ('retrying', 'expired')
          ORDER BY started_at DESC LIMIT 1",
        lease.analysis_id,
        lease.token
    )
    .fetch_optional(pool)
    .await?;
    Ok(kind.flatten())
}

/// Hands an analysis back unfinished, at shutdown or because someone asked for it to stop. Asked to stop, it ends: status
/// `error`, kind [`analyses::CANCELLED`]. Else it can be claimed at once, and the attempt does not count; so also when the
/// worker heard late of a request for an analysis that has been sent round again since.
///
/// # Errors
/// [`crate::Error::LeaseLost`], [`crate::Error::Database`].
pub async fn release(pool: &PgPool, lease: &Lease) -> Result<Released> {
    let mut tx = pool.begin().await?;
    let held = hold_with_track(&mut tx, lease).await?;
    if held.cancel_requested {
        return end_as_asked(tx, lease, &held).await.map(|()| Released::Cancelled);
    }
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'pending', attempt = attempt - 1, next_run_at = now(), lease_token = NULL,
                lease_until = NULL, worker = NULL, done_ms = NULL, total_ms = NULL, updated_at = now()
          WHERE id = $1",
        lease.analysis_id
    )
    .execute(&mut *tx)
    .await?;
    close_attempt(&mut tx, lease, "released", None).await?;
    enqueue(&mut tx, lease.analysis_id).await?;
    tx.commit().await?;
    Ok(Released::HandedBack)
}

/// Puts an analysis off that cannot be made here and now, through no fault of its own (a full disk, say): it is due again
/// `after` that long, and the attempt does not count. One that someone asked to stop ends as cancelled instead.
///
/// `kind` and `message` say on the row what it waits for. Of the attempts put off one after the other, the history keeps the
/// first and the last. After six hours of that `false` is returned and nothing is written: [`fail`] it.
///
/// # Errors
/// [`crate::Error::LeaseLost`], [`crate::Error::Database`].
pub async fn snooze(
    pool: &PgPool,
    lease: &Lease,
    after: Duration,
    kind: &str,
    message: &str,
    cause: &str,
) -> Result<bool> {
    let mut tx = pool.begin().await?;
    let held = hold_with_track(&mut tx, lease).await?;
    if held.cancel_requested {
        return end_as_asked(tx, lease, &held).await.map(|()| true);
    }
    if is_tired(&mut tx, lease).await? {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'pending', attempt = attempt - 1, next_run_at = now() + $2, turn = NULL, lease_token = NULL,
                lease_until = NULL, worker = NULL, done_ms = NULL, total_ms = NULL, error_kind = $3,
                error_message = $4, updated_at = now()
          WHERE id = $1",
        lease.analysis_id,
        interval(after),
        kind,
        message
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM track_analysis_attempts h
          WHERE analysis_id = $1 AND outcome = 'snoozed' AND started_at > arsis_snoozed_since($1)",
        lease.analysis_id
    )
    .execute(&mut *tx)
    .await?;
    let failure = Failure { kind, message, cause, permanent: false };
    close_attempt(&mut tx, lease, "snoozed", Some(&failure)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether an analysis has been put off again and again for longer than that may go on.
async fn is_tired(db: &mut PgConnection, lease: &Lease) -> Result<bool> {
    let tired = sqlx::query_scalar!(
        r#"SELECT coalesce(arsis_snoozed_since($1) < now() - make_interval(secs => $2), FALSE) AS "tired!""#,
        lease.analysis_id,
        LONGEST_SNOOZE.as_secs_f64()
    )
    .fetch_one(db)
    .await?;
    Ok(tired)
}

/// Ends an attempt whose analysis someone asked to stop.
async fn end_as_asked(mut tx: Transaction, lease: &Lease, held: &Held) -> Result<()> {
    end_as_cancelled(&mut tx, lease, held).await?;
    close_attempt(&mut tx, lease, "cancelled", None).await?;
    tx.commit().await?;
    Ok(())
}

/// Puts an analysis aside until `twin`, a running analysis of the same audio, has ended: as if it had never been claimed.
/// One that someone asked to stop ends as cancelled instead.
///
/// # Errors
/// [`crate::Error::LeaseLost`], [`crate::Error::Database`].
pub async fn wait_for(pool: &PgPool, lease: &Lease, twin: Uuid) -> Result<()> {
    let mut tx = pool.begin().await?;
    let held = hold_with_track(&mut tx, lease).await?;
    if held.cancel_requested {
        return end_as_asked(tx, lease, &held).await;
    }
    sqlx::query!(
        "WITH unbegun AS (DELETE FROM track_analysis_attempts WHERE token = $2)
         UPDATE track_analyses
            SET status = 'pending', attempt = attempt - 1, next_run_at = now() + make_interval(secs => $4),
                turn = NULL, waits_for = $3, lease_token = NULL, lease_until = NULL, worker = NULL, started_at = NULL,
                done_ms = NULL, total_ms = NULL, updated_at = now()
          WHERE id = $1",
        lease.analysis_id,
        lease.token,
        twin,
        LONGEST_WAIT.as_secs_f64()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn postpone(db: &mut PgConnection, lease: &Lease, failure: &Failure<'_>) -> Result<Duration> {
    // Up to a quarter more or less, so that what failed together does not come back together.
    let wait_s = sqlx::query_scalar!(
        r#"UPDATE track_analyses
              SET status = 'pending', turn = NULL, lease_token = NULL, lease_until = NULL, worker = NULL,
                  error_kind = $2, error_message = $3, updated_at = now(),
                  next_run_at = now() + make_interval(secs =>
                      least($4::float8 * power($6::float8, attempt - 1), $5::float8) * (0.75 + 0.5 * random()))
            WHERE id = $1
            RETURNING extract(epoch FROM next_run_at - now())::float8 AS "wait_s!""#,
        lease.analysis_id,
        failure.kind,
        failure.message,
        BACKOFF_BASE.as_secs_f64(),
        BACKOFF_MAX.as_secs_f64(),
        f64::from(BACKOFF_FACTOR)
    )
    .fetch_one(db)
    .await?;
    Ok(Duration::try_from_secs_f64(wait_s).unwrap_or_default())
}

async fn end_as_cancelled(db: &mut PgConnection, lease: &Lease, held: &Held) -> Result<()> {
    end_in_error(db, lease, held.track_id, analyses::CANCELLED, analyses::CANCELLED_MESSAGE).await
}

async fn end_in_error(
    db: &mut PgConnection,
    lease: &Lease,
    track_id: Uuid,
    kind: &str,
    message: &str,
) -> Result<()> {
    drop_results(db, lease.analysis_id).await?;
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'error', error_kind = $2, error_message = $3, lease_token = NULL, lease_until = NULL,
                completed_at = now(), updated_at = now()
          WHERE id = $1",
        lease.analysis_id,
        kind,
        message
    )
    .execute(&mut *db)
    .await?;
    settle_track_after_failure(db, track_id, message).await
}

/// Removes every result row of an analysis, whoever wrote it: results are replaced as a whole.
pub(crate) async fn drop_results(db: &mut PgConnection, analysis_id: Uuid) -> Result<()> {
    sqlx::query!(
        "WITH events AS (DELETE FROM analysis_events WHERE analysis_id = $1)
         DELETE FROM analysis_frame_manifests WHERE analysis_id = $1",
        analysis_id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says on the track that its analysis failed, unless another analysis of it succeeded or is still to come. The
/// caller holds the track ([`lock_track_of`]): two last analyses that fail at once would each see the other at work.
pub(crate) async fn settle_track_after_failure(
    db: &mut PgConnection,
    track_id: Uuid,
    message: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE reference_tracks SET status = 'error', error_message = $2, updated_at = now()
          WHERE id = $1 AND NOT EXISTS (
                SELECT 1 FROM track_analyses
                 WHERE track_id = $1 AND status IN ('completed', 'pending', 'running'))",
        track_id,
        message
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn close_attempt(
    db: &mut PgConnection,
    lease: &Lease,
    outcome: &str,
    failure: Option<&Failure<'_>>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE track_analysis_attempts
            SET ended_at = now(), outcome = $2, error_kind = $3, error_message = $4, cause = $5
          WHERE token = $1",
        lease.token,
        outcome,
        failure.map(|failure| failure.kind),
        failure.map(|failure| failure.message),
        failure.map(|failure| failure.cause)
    )
    .execute(db)
    .await?;
    Ok(())
}
