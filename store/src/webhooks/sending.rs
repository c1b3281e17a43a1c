//! Hands deliveries to the processes that send them, and writes down what came of it.
//!
//! A process claims a delivery for the time of a lease. If it dies, the lease runs out and another claims it: a delivery
//! is sent at least once, and each time with the same event id.

use super::Secret;
use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a process may claim.
#[derive(Debug, Clone, Default)]
pub struct Room<'a> {
    /// Most deliveries in all.
    pub free: i64,
    /// Most that it sends to a host at a time.
    pub per_host: i64,
    /// Most that it sends for a person at a time.
    pub per_owner: i64,
    /// The hosts of what it sends now: one entry for each.
    pub hosts: &'a [String],
    /// The owners of what it sends now: one entry for each.
    pub owners: &'a [Uuid],
}

/// A delivery to be sent by whoever claimed it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery.
    pub id: Uuid,
    /// The fence.
    pub token: Uuid,
    /// Its webhook.
    pub webhook_id: Uuid,
    /// Whose webhook it is.
    pub owner_id: Uuid,
    /// Where to send it.
    pub url: String,
    /// The URL's host.
    pub host: String,
    /// What signs it.
    pub secret: Secret,
    /// What signs it as well, after a change of secrets.
    pub previous_secret: Option<Secret>,
    /// Of which event.
    pub event_id: Uuid,
    /// What happened.
    pub event_type: String,
    /// What is told about it.
    pub data: Value,
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// Which attempt this is, from 1.
    pub attempt: i32,
}

/// Claims due deliveries for the time of `lease`: in turn from each owner and each host, the longest due first, so that
/// nobody's many deliveries, and no slow host's, keep those of others waiting. Those of people who are not approved wait.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn claim(db: &mut PgConnection, room: &Room<'_>, lease: Duration) -> Result<Vec<Claimed>> {
    // From webhook to webhook through the index of what waits, with a few of each: a backlog costs no more than one delivery.
    let claimed = sqlx::query_as!(
        Claimed,
        r#"WITH RECURSIVE waiting AS (
               (SELECT webhook_id FROM webhook_deliveries WHERE status = 'pending' ORDER BY webhook_id LIMIT 1)
               UNION ALL
               SELECT (SELECT d.webhook_id FROM webhook_deliveries d
                        WHERE d.status = 'pending' AND d.webhook_id > waiting.webhook_id
                        ORDER BY d.webhook_id LIMIT 1)
                 FROM waiting WHERE waiting.webhook_id IS NOT NULL),
           due AS (
               SELECT d.id, d.next_attempt_at, w.host, w.user_id,
                      row_number() OVER (PARTITION BY w.user_id ORDER BY d.next_attempt_at, d.id)
                      + (SELECT count(*) FROM unnest($5::uuid[]) AS busy WHERE busy = w.user_id) AS of_owner
                 FROM waiting JOIN webhooks w ON w.id = waiting.webhook_id AND w.active
                 JOIN users u ON u.id = w.user_id AND u.approved
                CROSS JOIN LATERAL (
                      SELECT id, next_attempt_at FROM webhook_deliveries
                       WHERE webhook_id = w.id AND status = 'pending' AND next_attempt_at <= now()
                       ORDER BY next_attempt_at, id LIMIT $3) AS d),
           turns AS (
               SELECT id, next_attempt_at, of_owner,
                      row_number() OVER (PARTITION BY host ORDER BY of_owner, next_attempt_at, id)
                      + (SELECT count(*) FROM unnest($4::text[]) AS busy WHERE busy = host) AS of_host
                 FROM due WHERE of_owner <= $3),
           chosen AS (
               SELECT id, of_owner, of_host, next_attempt_at FROM turns WHERE of_host <= $2
                ORDER BY of_owner, of_host, next_attempt_at LIMIT $1),
           held AS (
               SELECT d.id FROM webhook_deliveries d JOIN chosen USING (id)
                WHERE d.status = 'pending' AND d.next_attempt_at <= now()
                ORDER BY d.id FOR UPDATE OF d SKIP LOCKED)
           UPDATE webhook_deliveries d
              SET attempt = d.attempt + 1, lease_token = gen_random_uuid(), last_attempt_at = now(),
                  next_attempt_at = now() + make_interval(secs => $6)
             FROM held, webhooks w
            WHERE d.id = held.id AND w.id = d.webhook_id
        RETURNING d.id, d.lease_token AS "token!", d.webhook_id, w.user_id AS owner_id, w.url, w.host, w.secret AS "secret: Secret",
                  CASE WHEN w.previous_secret_until > now() THEN w.previous_secret END AS "previous_secret?: Secret",
                  d.event_id, d.event_type, d.data, d.created_at AS occurred_at, d.attempt"#,
        room.free,
        room.per_host,
        room.per_owner,
        room.hosts,
        room.owners,
        lease.as_secs_f64()
    )
    .fetch_all(db)
    .await?;
    Ok(claimed)
}

/// Writes down that a delivery arrived. `false`: someone else decides about it now, and nothing was written.
///
/// Not for a transaction, like [`failed`]: with the delivery held it would wait for its webhook, which somebody may be
/// removing, and who removes it waits for the delivery.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delivered(db: &mut PgConnection, claimed: &Claimed, response_status: i16) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE webhook_deliveries
            SET status = 'delivered', ended_at = now(), response_status = $3, error = NULL, lease_token = NULL
          WHERE id = $1 AND lease_token = $2",
        claimed.id,
        claimed.token,
        response_status
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // Of the URL that it was sent to alone. Written when it changes something only: a healthy webhook's row is left alone.
    sqlx::query!(
        "UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND url = $2 AND failing_since IS NOT NULL",
        claimed.webhook_id,
        claimed.url
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// How an attempt failed.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// Why, in a word.
    pub error: &'a str,
    /// HTTP status of the answer, if there was one.
    pub response_status: Option<i16>,
    /// When to try again, up to a fifth later; `None`: it is given up.
    pub retry_in: Option<Duration>,
    /// The receiver wants no more.
    pub gone: bool,
    /// How long a webhook may fail without a success before it is deactivated.
    pub patience: Duration,
}

/// Writes down that an attempt failed, and deactivates a webhook that is gone or has only failed for too long, unless its
/// URL is another by now. `false`: someone else decides about the delivery now, and nothing was written.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn failed(db: &mut PgConnection, claimed: &Claimed, failure: &Failure<'_>) -> Result<bool> {
    let retry_secs = failure.retry_in.map(|wait| wait.as_secs_f64());
    let done = sqlx::query!(
        "UPDATE webhook_deliveries
            SET status = CASE WHEN $5::float8 IS NULL THEN 'failed' ELSE 'pending' END,
                ended_at = CASE WHEN $5::float8 IS NULL THEN now() END,
                next_attempt_at = now() + make_interval(secs => coalesce($5, 0) * (1 + 0.2 * random())),
                error = $3, response_status = $4, lease_token = NULL
          WHERE id = $1 AND lease_token = $2",
        claimed.id,
        claimed.token,
        failure.error,
        failure.response_status,
        retry_secs
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE webhooks
            SET failing_since = coalesce(failing_since, now()),
                active = active AND NOT doomed,
                deactivated_at = CASE WHEN active AND doomed THEN now() ELSE deactivated_at END,
                deactivated_reason = CASE WHEN active AND doomed THEN CASE WHEN $2 THEN 'gone' ELSE 'failing' END
                                          ELSE deactivated_reason END
           FROM (SELECT $2 OR coalesce(failing_since < now() - make_interval(secs => $3), FALSE) AS doomed
                   FROM webhooks WHERE id = $1) AS verdict
          WHERE id = $1 AND url = $4 AND (failing_since IS NULL OR (active AND doomed))",
        claimed.webhook_id,
        failure.gone,
        failure.patience.as_secs_f64(),
        claimed.url
    )
    .execute(db)
    .await?;
    Ok(true)
}
