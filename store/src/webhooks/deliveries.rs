//! What was sent to a webhook and what will be, as its owner sees it.

use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// One event for one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Row id.
    pub id: Uuid,
    /// For which webhook.
    pub webhook_id: Uuid,
    /// Of which event: the same for each webhook of a person, and for each attempt.
    pub event_id: Uuid,
    /// What happened.
    pub event_type: String,
    /// What is told about it.
    pub data: Value,
    /// `pending`, `delivered` or `failed`.
    pub status: String,
    /// Attempts begun since it was last asked for.
    pub attempt: i32,
    /// When a pending one is tried next; while it is sent, when it would be sent again if nothing were heard of it.
    pub next_attempt_at: OffsetDateTime,
    /// When it was tried last.
    pub last_attempt_at: Option<OffsetDateTime>,
    /// HTTP status of the last answer.
    pub response_status: Option<i16>,
    /// Why the last attempt failed, in a word.
    pub error: Option<String>,
    /// When it was delivered or given up.
    pub ended_at: Option<OffsetDateTime>,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// Up to `limit` deliveries of a webhook after `after`, newest first; `status` keeps only those. The caller knows whose it is.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    webhook_id: Uuid,
    status: Option<&str>,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let deliveries = sqlx::query_as!(
        Delivery,
        "SELECT id, webhook_id, event_id, event_type, data, status, attempt, next_attempt_at, last_attempt_at,
                response_status, error, ended_at, created_at
           FROM webhook_deliveries
          WHERE webhook_id = $1 AND ($2::text IS NULL OR status = $2)
            AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $5",
        webhook_id,
        status,
        after.map(|(created_at, _)| created_at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(deliveries)
}

/// A delivery of a webhook of this person.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(
    db: &mut PgConnection,
    user_id: Uuid,
    webhook_id: Uuid,
    id: Uuid,
) -> Result<Option<Delivery>> {
    let delivery = sqlx::query_as!(
        Delivery,
        "SELECT d.id, d.webhook_id, d.event_id, d.event_type, d.data, d.status, d.attempt, d.next_attempt_at,
                d.last_attempt_at, d.response_status, d.error, d.ended_at, d.created_at
           FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
          WHERE w.user_id = $1 AND w.id = $2 AND d.id = $3",
        user_id,
        webhook_id,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(delivery)
}

/// Writes an event that only tests the webhook. While one waits there is no second: that one is sent
/// now, and returned.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn ping(db: &mut PgConnection, webhook_id: Uuid) -> Result<Delivery> {
    // One at a time, so that two requests do not write two.
    sqlx::query!("SELECT id FROM webhooks WHERE id = $1 FOR NO KEY UPDATE", webhook_id)
        .fetch_optional(&mut *db)
        .await?;
    let waiting = sqlx::query_as!(
        Delivery,
        "UPDATE webhook_deliveries
            SET next_attempt_at = CASE WHEN lease_token IS NULL THEN now() ELSE next_attempt_at END
          WHERE id = (SELECT id FROM webhook_deliveries
                       WHERE webhook_id = $1 AND status = 'pending' AND event_type = $2 LIMIT 1)
            AND status = 'pending'
         RETURNING id, webhook_id, event_id, event_type, data, status, attempt, next_attempt_at, last_attempt_at,
                   response_status, error, ended_at, created_at",
        webhook_id,
        super::PING
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(waiting) = waiting {
        return Ok(waiting);
    }
    let written = sqlx::query_as!(
        Delivery,
        "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data)
         VALUES ($1, gen_random_uuid(), $2, jsonb_build_object('webhook_id', $1::uuid))
         RETURNING id, webhook_id, event_id, event_type, data, status, attempt, next_attempt_at, last_attempt_at,
                   response_status, error, ended_at, created_at",
        webhook_id,
        super::PING
    )
    .fetch_one(db)
    .await?;
    Ok(written)
}

/// Has a delivery sent now, with fresh attempts, whatever became of it before. One that is being sent stays as it is: whoever
/// sends it will tell.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn send_again(db: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE webhook_deliveries
            SET status = 'pending', attempt = 0, next_attempt_at = now(), ended_at = NULL, lease_token = NULL
          WHERE id = $1 AND (lease_token IS NULL OR next_attempt_at <= now())",
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets up to `most` deliveries that are older than `age`, whatever became of them; gives how many.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn prune(db: &mut PgConnection, age: Duration, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM webhook_deliveries
          WHERE id IN (SELECT id FROM webhook_deliveries WHERE created_at < now() - make_interval(secs => $1)
                        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age.as_seconds_f64(),
        most
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
