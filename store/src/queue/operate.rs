//! What operators do with many analyses at once.
//!
//! Retrying and cancelling go analysis by analysis, each in a transaction of its own, as [`analyses::retry`] and
//! [`analyses::request_cancel`] say: whoever is stopped in the middle has done the part that they have done.

use super::inspect::{Filter, list};
use crate::analyses::{self, Status};
use crate::{Error, Result};
use sqlx::PgPool;
use std::time::Duration;

/// Analyses looked up at a time.
const BATCH: i64 = 200;

/// Rows of history removed in one transaction.
const PRUNE_BATCH: i64 = 5_000;

/// What went wrong in the middle of many, and how many were done by then.
#[derive(Debug, thiserror::Error)]
#[error("stopped after {done}")]
pub struct Stopped {
    /// Analyses that were retried or asked to stop; they stay so.
    pub done: u64,
    /// What went wrong.
    #[source]
    pub cause: Error,
}

/// Sends every failed analysis that `filter` leaves round again, its `status` apart; those that were cancelled or
/// superseded only when the filter names that kind. Returns how many. What fails again meanwhile is left as it is.
///
/// # Errors
/// [`Stopped`], for [`crate::Error::Database`] or [`crate::Error::Tickets`].
pub async fn retry_many(pool: &PgPool, filter: &Filter) -> std::result::Result<u64, Stopped> {
    let failures_only = filter.failures_only || filter.error_kind.is_none();
    let failed = Filter { status: Some(Status::Error), failures_only, ..filter.clone() };
    let mut done = 0;
    let ended = retry_all(pool, &failed, &mut done).await;
    ended.map(|()| done).map_err(|cause| Stopped { done, cause })
}

async fn retry_all(pool: &PgPool, filter: &Filter, done: &mut u64) -> Result<()> {
    let mut after = None;
    loop {
        let page = list(&mut *pool.acquire().await?, filter, after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.position());
        for entry in page {
            let mut tx = pool.begin().await?;
            let retried = analyses::retry(&mut tx, entry.id).await?;
            tx.commit().await?;
            *done += u64::from(retried);
        }
    }
}

/// Asks every analysis that `filter` leaves and that has not ended to stop. Returns how many were asked.
///
/// # Errors
/// [`Stopped`], for [`crate::Error::Database`].
pub async fn cancel_many(pool: &PgPool, filter: &Filter) -> std::result::Result<u64, Stopped> {
    let mut done = 0;
    for status in [Status::Pending, Status::Running] {
        if filter.status.is_none_or(|wanted| wanted == status) {
            let of_status = Filter { status: Some(status), ..filter.clone() };
            let ended = cancel_all(pool, &of_status, &mut done).await;
            ended.map_err(|cause| Stopped { done, cause })?;
        }
    }
    Ok(done)
}

async fn cancel_all(pool: &PgPool, filter: &Filter, done: &mut u64) -> Result<()> {
    let mut after = None;
    loop {
        let page = list(&mut *pool.acquire().await?, filter, after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.position());
        for entry in page.into_iter().filter(|entry| !entry.cancel_requested) {
            let mut tx = pool.begin().await?;
            let status = analyses::request_cancel(&mut tx, entry.id).await?;
            tx.commit().await?;
            *done += u64::from(matches!(status, Some(Status::Running | Status::Error)));
        }
    }
}

/// Removes the history of attempts at analyses that ended longer ago than `age`. Results stay, and so does what the
/// analysis itself says about its failure. Returns how many attempts were removed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn prune_history(pool: &PgPool, age: Duration) -> Result<u64> {
    let mut removed = 0;
    loop {
        let done = sqlx::query!(
            "DELETE FROM track_analysis_attempts WHERE token IN (
                 SELECT h.token FROM track_analysis_attempts h
                   JOIN track_analyses a ON a.id = h.analysis_id
                  WHERE a.status IN ('completed', 'error') AND a.completed_at < now() - make_interval(secs => $1)
                  LIMIT $2)",
            age.as_secs_f64(),
            PRUNE_BATCH
        )
        .execute(pool)
        .await?;
        removed += done.rows_affected();
        if done.rows_affected() < PRUNE_BATCH.unsigned_abs() {
            return Ok(removed);
        }
    }
}
