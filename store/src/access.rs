//! What a user may do beyond their own things, and the record of what was done.

use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use std::fmt;
use uuid::Uuid;

/// What is done to a resource. The names are those of `entitlements.action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make a new one.
    Create,
    /// Look at one.
    Read,
    /// Change one.
    Update,
    /// Remove one.
    Delete,
}

impl Action {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `entitlements.resource` for tracks and everything that hangs on them.
pub const TRACKS: &str = "reference_tracks";

/// `entitlements.resource` for the queue of analyses: what operators see and steer.
pub const QUEUE: &str = "analysis_queue";

/// Whether a role of `user_id` grants `action` on every `resource`, whoever owns it.
///
/// A role has its own entitlements and those of its parents, all the way up; a grant counts until it
/// expires. A cycle among parents ends the walk and is no error (`UNION` drops roles seen before).
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn is_entitled(
    db: &mut PgConnection,
    user_id: Uuid,
    resource: &str,
    action: Action,
) -> Result<bool> {
    let entitled = sqlx::query_scalar!(
        r#"WITH RECURSIVE held (role_id) AS (
               SELECT role_id FROM user_roles
                WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > now())
               UNION
               SELECT r.parent_role_id FROM roles r JOIN held h ON r.id = h.role_id
                WHERE r.parent_role_id IS NOT NULL)
           SELECT EXISTS (
               SELECT 1 FROM held h
                 JOIN role_entitlements re ON re.role_id = h.role_id
                 JOIN entitlements e ON e.id = re.entitlement_id
                WHERE e.resource = $2 AND e.action = $3) AS "entitled!""#,
        user_id,
        resource,
        action.as_str()
    )
    .fetch_one(db)
    .await?;
    Ok(entitled)
}

/// The role of the seeds that may see and steer the queue, and nothing else.
pub const OPERATOR: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0004);

/// Gives `user_id` a role for good. Returns its name; `None` when there is no such role.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn grant(db: &mut PgConnection, user_id: Uuid, role_id: Uuid) -> Result<Option<String>> {
    let name =
        sqlx::query_scalar!("SELECT name FROM roles WHERE id = $1", role_id).fetch_optional(&mut *db).await?;
    if name.is_some() {
        sqlx::query!(
            "INSERT INTO user_roles (user_id, role_id) VALUES ($1, $2)
             ON CONFLICT (user_id, role_id) DO UPDATE SET expires_at = NULL",
            user_id,
            role_id
        )
        .execute(db)
        .await?;
    }
    Ok(name)
}

/// One line of the audit trail.
#[derive(Debug, Clone, Default)]
pub struct AuditEntry<'a> {
    /// Who did it.
    pub user_id: Option<Uuid>,
    /// Through which session.
    pub session_id: Option<Uuid>,
    /// What happened, e.g. `track.deleted`.
    pub event_type: &'a str,
    /// Kind of thing it was done to, e.g. [`TRACKS`].
    pub resource_type: Option<&'a str>,
    /// Which one.
    pub resource_id: Option<Uuid>,
    /// What was done, in terms of [`Action`].
    pub action: Option<Action>,
    /// Whether it was done (`success`) or refused (`failure`).
    pub succeeded: bool,
    /// Anything else worth keeping. No secrets.
    pub details: Option<Value>,
    /// Address of the client.
    pub ip_address: Option<&'a str>,
    /// Browser or client.
    pub user_agent: Option<&'a str>,
    /// The request's id.
    pub request_id: Option<&'a str>,
}

/// Writes a line to the audit trail. Call it in the transaction of the act, so that one cannot be without
/// the other.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn record(db: &mut PgConnection, entry: &AuditEntry<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_log (user_id, session_id, event_type, resource_type, resource_id, action, status,
                                details, ip_address, user_agent, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        entry.user_id,
        entry.session_id,
        entry.event_type,
        entry.resource_type,
        entry.resource_id,
        entry.action.map(Action::as_str),
        if entry.succeeded { "success" } else { "failure" },
        entry.details,
        entry.ip_address,
        entry.user_agent,
        entry.request_id
    )
    .execute(db)
    .await?;
    Ok(())
}
