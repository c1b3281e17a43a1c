//! What a user may do beyond their own things, and the record of what was done.

use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;
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

/// `entitlements.resource` for accounts.
pub const USERS: &str = "users";

/// `entitlements.resource` for the roles and what they permit.
pub const ROLES: &str = "roles";

/// `entitlements.resource` for grants of roles to people.
pub const GRANTS: &str = "user_roles";

/// `entitlements.resource` for others' sessions.
pub const SESSIONS: &str = "sessions";

/// `entitlements.resource` for the audit trail.
pub const AUDIT: &str = "audit_log";

/// What a person may do beyond their own things, through their roles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    entitlements: Vec<Entitlement>,
}

/// Leave to do something with every thing of a kind, whoever owns it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entitlement {
    /// Kind of thing, e.g. [`TRACKS`].
    pub resource: String,
    /// What may be done with it, by the name of an [`Action`].
    pub action: String,
    /// Until when; `None`: for good.
    pub until: Option<OffsetDateTime>,
    /// How long that is from now on, by the clock of the database.
    pub lasts: Option<Duration>,
}

impl Held {
    /// The entitlement that allows `action` on `resource`.
    #[must_use]
    pub fn find(&self, resource: &str, action: Action) -> Option<&Entitlement> {
        self.entitlements.iter().find(|held| held.resource == resource && held.action == action.as_str())
    }

    /// All of them.
    #[must_use]
    pub fn entitlements(&self) -> &[Entitlement] {
        &self.entitlements
    }
}

/// What `user_id` may do through their roles.
///
/// A role has its own entitlements and those of its parents, all the way up; a grant counts until it
/// expires. A cycle among parents ends the walk and is no error.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn held(db: &mut PgConnection, user_id: Uuid) -> Result<Held> {
    let rows = sqlx::query!(
        r#"SELECT resource AS "resource!", action AS "action!", nullif(max(until), 'infinity') AS until,
                  extract(epoch FROM nullif(max(until), 'infinity') - now())::float8 AS lasts_s
             FROM arsis_held($1) GROUP BY resource, action ORDER BY resource, action"#,
        user_id
    )
    .fetch_all(db)
    .await?;
    let entitlements = rows.into_iter().map(|row| Entitlement {
        resource: row.resource,
        action: row.action,
        until: row.until,
        lasts: row.lasts_s.map(|lasts_s| Duration::try_from_secs_f64(lasts_s).unwrap_or_default()),
    });
    Ok(Held { entitlements: entitlements.collect() })
}

/// Whether a role of `user_id` grants `action` on every `resource`, whoever owns it; see [`held`].
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn is_entitled(
    db: &mut PgConnection,
    user_id: Uuid,
    resource: &str,
    action: Action,
) -> Result<bool> {
    Ok(held(db, user_id).await?.find(resource, action).is_some())
}

/// The role of the seeds that may see and steer the queue, and nothing else.
pub const OPERATOR: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0004);

/// The role of the seeds that may do everything.
pub const ADMIN: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0003);

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
    record_each(db, entry, [(entry.resource_id, entry.details.clone())]).await
}

/// Writes a line for each of many things that the same was done to: `entry` with the id and the details of each. Nothing
/// is written for none.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn record_each(
    db: &mut PgConnection,
    entry: &AuditEntry<'_>,
    things: impl IntoIterator<Item = (Option<Uuid>, Option<Value>)>,
) -> Result<()> {
    let (ids, details): (Vec<Option<Uuid>>, Vec<Option<Value>>) = things.into_iter().unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO audit_log (user_id, session_id, event_type, resource_type, resource_id, action, status,
                                details, ip_address, user_agent, request_id)
         SELECT $1, $2, $3, $4, thing.id, $6, $7, thing.details, $9, $10, $11
           FROM unnest($5::uuid[], $8::jsonb[]) AS thing (id, details)",
        entry.user_id,
        entry.session_id,
        entry.event_type,
        entry.resource_type,
        &ids as &[Option<Uuid>],
        entry.action.map(Action::as_str),
        if entry.succeeded { "success" } else { "failure" },
        &details as &[Option<Value>],
        entry.ip_address,
        entry.user_agent,
        entry.request_id
    )
    .execute(db)
    .await?;
    Ok(())
}
