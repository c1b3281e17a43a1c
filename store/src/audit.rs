//! The audit trail, for those who may read it. [`crate::access::record`] writes it.

use crate::Result;
use crate::position::Position;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A line of the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Row id.
    pub id: Uuid,
    /// Who did it.
    pub user_id: Option<Uuid>,
    /// Through which session; unknown once that has ended.
    pub session_id: Option<Uuid>,
    /// What happened, e.g. `track.deleted`.
    pub event_type: String,
    /// Kind of thing it was done to.
    pub resource_type: Option<String>,
    /// Which one.
    pub resource_id: Option<Uuid>,
    /// `create`, `read`, `update` or `delete`.
    pub action: Option<String>,
    /// `success` or `failure`.
    pub status: String,
    /// Anything else worth keeping.
    pub details: Option<Value>,
    /// Address of the client.
    pub ip_address: Option<String>,
    /// Browser or client.
    pub user_agent: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Which lines are wanted: those to which all that is given applies.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Of this user.
    pub user_id: Option<Uuid>,
    /// Of this event.
    pub event_type: Option<&'a str>,
    /// About things of this kind.
    pub resource_type: Option<&'a str>,
    /// About this thing.
    pub resource_id: Option<Uuid>,
    /// At or after this.
    pub from: Option<OffsetDateTime>,
    /// Before this.
    pub to: Option<OffsetDateTime>,
}

/// Up to `limit` lines after `after`, newest first.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter<'_>,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Line>> {
    let lines = sqlx::query_as!(
        Line,
        "SELECT id, user_id, session_id, event_type, resource_type, resource_id, action, status, details,
                ip_address, user_agent, request_id, created_at
           FROM audit_log
          WHERE ($1::uuid IS NULL OR user_id = $1)
            AND ($2::text IS NULL OR event_type = $2)
            AND ($3::text IS NULL OR resource_type = $3)
            AND ($4::uuid IS NULL OR resource_id = $4)
            AND ($5::timestamptz IS NULL OR created_at >= $5)
            AND ($6::timestamptz IS NULL OR created_at < $6)
            AND ($7::timestamptz IS NULL OR (created_at, id) < ($7, $8::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $9",
        filter.user_id,
        filter.event_type,
        filter.resource_type,
        filter.resource_id,
        filter.from,
        filter.to,
        after.map(|position| position.created_at),
        after.map(|position| position.id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(lines)
}
