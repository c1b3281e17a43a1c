//! Webhooks: who wants to hear of the ends of analyses, and at which URL.
//!
//! What is to be sent is a row of [`deliveries`]. A trigger writes it in the transaction that ends an analysis, whoever
//! ends it; [`sending`] hands rows to the processes that send.

pub mod deliveries;
mod secret;
pub mod sending;

pub use secret::Secret;

use crate::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The event of an analysis that was completed.
pub const COMPLETED: &str = "analysis.completed";

/// The event of an analysis that ended without a result: it failed for good, was cancelled or superseded.
pub const FAILED: &str = "analysis.failed";

/// The event of a test, which nobody subscribes to.
pub const PING: &str = "ping";

/// A subscription, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Row id.
    pub id: Uuid,
    /// Where events are sent.
    pub url: String,
    /// What its owner says about it.
    pub description: Option<String>,
    /// Which events.
    pub events: Vec<String>,
    /// Whether events are written and sent.
    pub active: bool,
    /// Until when the secret before this one signs, too.
    pub previous_secret_until: Option<OffsetDateTime>,
    /// The first failure since the last success.
    pub failing_since: Option<OffsetDateTime>,
    /// When it was deactivated, unless its owner did that.
    pub deactivated_at: Option<OffsetDateTime>,
    /// Why: `gone` or `failing`.
    pub deactivated_reason: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When its owner changed it last.
    pub updated_at: OffsetDateTime,
}

/// What a new subscription starts from.
#[derive(Debug, Clone)]
pub struct NewWebhook<'a> {
    /// Whose it is.
    pub user_id: Uuid,
    /// Where events are sent.
    pub url: &'a str,
    /// The URL's host.
    pub host: &'a str,
    /// What its owner says about it.
    pub description: Option<&'a str>,
    /// Which events.
    pub events: &'a [String],
    /// Whether events are written and sent.
    pub active: bool,
    /// What signs.
    pub secret: &'a Secret,
}

/// Changes: an outer `None` leaves a field alone, an inner `None` empties it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// A new URL, and its host; what failed at another is forgotten.
    pub url: Option<(String, String)>,
    /// New text.
    pub description: Option<Option<String>>,
    /// New events in place of the old.
    pub events: Option<Vec<String>>,
    /// Begin or end; beginning forgets why it was deactivated, and what failed before.
    pub active: Option<bool>,
}

/// Adds a subscription; `None` when the person has `most` already.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert(db: &mut PgConnection, new: &NewWebhook<'_>, most: i64) -> Result<Option<Webhook>> {
    // One at a time for a person, so that two do not both take the last place.
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", new.user_id)
        .fetch_optional(&mut *db)
        .await?;
    let webhook = sqlx::query_as!(
        Webhook,
        "INSERT INTO webhooks (user_id, url, host, description, events, active, secret)
         SELECT $1, $2, $3, $4, $5, $6, $7
          WHERE (SELECT count(*) FROM webhooks WHERE user_id = $1) < $8
         RETURNING id, url, description, events, active, previous_secret_until, failing_since, deactivated_at,
                   deactivated_reason, created_at, updated_at",
        new.user_id,
        new.url,
        new.host,
        new.description,
        new.events,
        new.active,
        new.secret.bytes(),
        most
    )
    .fetch_optional(db)
    .await?;
    Ok(webhook)
}

/// Up to `limit` subscriptions of a person after `after`, newest first.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    user_id: Uuid,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Webhook>> {
    let webhooks = sqlx::query_as!(
        Webhook,
        "SELECT id, url, description, events, active, previous_secret_until, failing_since, deactivated_at,
                deactivated_reason, created_at, updated_at
           FROM webhooks
          WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $4",
        user_id,
        after.map(|(created_at, _)| created_at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(webhooks)
}

/// A subscription of this person.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, user_id: Uuid, id: Uuid) -> Result<Option<Webhook>> {
    let webhook = sqlx::query_as!(
        Webhook,
        "SELECT id, url, description, events, active, previous_secret_until, failing_since, deactivated_at,
                deactivated_reason, created_at, updated_at
           FROM webhooks WHERE user_id = $1 AND id = $2",
        user_id,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(webhook)
}

/// Applies `changes` to a subscription of this person and gives it as it is then.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update(
    db: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    changes: &Changes,
) -> Result<Option<Webhook>> {
    let webhook = sqlx::query_as!(
        Webhook,
        "UPDATE webhooks SET
                url                = coalesce($3, url),
                host               = coalesce($4, host),
                description        = CASE WHEN $5 THEN $6 ELSE description END,
                events             = coalesce($7, events),
                active             = coalesce($8, active),
                failing_since      = CASE WHEN ($8 AND NOT active) OR $3 <> url THEN NULL
                                          ELSE failing_since END,
                deactivated_at     = CASE WHEN $8 THEN NULL ELSE deactivated_at END,
                deactivated_reason = CASE WHEN $8 THEN NULL ELSE deactivated_reason END,
                updated_at         = now()
          WHERE user_id = $1 AND id = $2
         RETURNING id, url, description, events, active, previous_secret_until, failing_since, deactivated_at,
                   deactivated_reason, created_at, updated_at",
        user_id,
        id,
        changes.url.as_ref().map(|(url, _)| url),
        changes.url.as_ref().map(|(_, host)| host),
        changes.description.is_some(),
        changes.description.as_ref().and_then(Option::as_ref),
        changes.events.as_deref(),
        changes.active
    )
    .fetch_optional(db)
    .await?;
    Ok(webhook)
}

/// Gives a subscription of this person a new secret; the old one signs as well for `grace`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn rotate(
    db: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    secret: &Secret,
    grace: Duration,
) -> Result<Option<Webhook>> {
    let webhook = sqlx::query_as!(
        Webhook,
        "UPDATE webhooks
            SET previous_secret = secret, secret = $3, updated_at = now(),
                previous_secret_until = now() + make_interval(secs => $4)
          WHERE user_id = $1 AND id = $2
         RETURNING id, url, description, events, active, previous_secret_until, failing_since, deactivated_at,
                   deactivated_reason, created_at, updated_at",
        user_id,
        id,
        secret.bytes(),
        grace.as_seconds_f64()
    )
    .fetch_optional(db)
    .await?;
    Ok(webhook)
}

/// Removes a subscription of this person with everything that was and would be sent. `false` when there is none.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete(db: &mut PgConnection, user_id: Uuid, id: Uuid) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM webhooks WHERE user_id = $1 AND id = $2", user_id, id);
    Ok(done.execute(db).await?.rows_affected() == 1)
}
