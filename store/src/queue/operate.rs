//! What operators do with many analyses at once.
//!
//! Retrying and cancelling go analysis by analysis, each in a transaction of its own, as [`analyses::retry`] and
//! [`analyses::request_cancel`] say: whoever is stopped in the middle has done the part that they have done.

use super::inspect::{Filter, list};
use crate::Result;
use crate::analyses::{self, Status};
use sqlx::PgPool;
use std::time::Duration;

/// Analyses looked up at a time.
const BATCH: i64 = 200;

/// Rows of history removed in one transaction.
const PRUNE_BATCH: i64 = 5_000;

/// Sends every failed analysis that `filter` leaves round again, its `status` apart; those that were cancelled or
/// superseded only when the filter names that kind. Returns how many. What fails again meanwhile is left as it is.
///
/// # Errors
/// [`crate::Error::Database`], [`crate::Error::Tickets`]; those retried by then stay retried.
pub async fn retry_many(pool: &PgPool, filter: &Filter) -> Result<u64> {
    let failed = Filter { status: Some(Status::Error), ..filter.clone() };
    let (mut retried, mut after) = (0, None);
    loop {
        let page = list(&mut *pool.acquire().await?, &failed, after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(retried) };
        after = Some(last.position());
        for entry in page {
            if filter.error_kind.is_none()
                && entry.error_kind.as_deref().is_some_and(|kind| !is_failure(kind))
            {
                continue;
            }
            let mut tx = pool.begin().await?;
            let done = analyses::retry(&mut tx, entry.id).await?;
            tx.commit().await?;
            retried += u64::from(done);
        }
    }
}

/// Asks every analysis that `filter` leaves and that has not ended to stop. Returns how many were asked.
///
/// # Errors
/// [`crate::Error::Database`]; those asked by then stay asked.
pub async fn cancel_many(pool: &PgPool, filter: &Filter) -> Result<u64> {
    let mut asked = 0;
    for status in [Status::Pending, Status::Running] {
        if filter.status.is_none_or(|wanted| wanted == status) {
            asked += cancel_all(pool, &Filter { status: Some(status), ..filter.clone() }).await?;
        }
    }
    Ok(asked)
}

async fn cancel_all(pool: &PgPool, filter: &Filter) -> Result<u64> {
    let (mut asked, mut after) = (0, None);
    loop {
        let page = list(&mut *pool.acquire().await?, filter, after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(asked) };
        after = Some(last.position());
        for entry in page.into_iter().filter(|entry| !entry.cancel_requested) {
            let mut tx = pool.begin().await?;
            let status = analyses::request_cancel(&mut tx, entry.id).await?;
            tx.commit().await?;
            asked += u64::from(matches!(status, Some(Status::Running | Status::Error)));
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

/// Whether it ended against everybody's will.
fn is_failure(error_kind: &str) -> bool {
    ![analyses::CANCELLED, analyses::SUPERSEDED].contains(&error_kind)
}
