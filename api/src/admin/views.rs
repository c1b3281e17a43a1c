//! What administration answers with.

use serde::Serialize;
use serde_json::Value;
use store::audit::Line;
use store::grants::{Grant, Role};
use store::sessions::Open;
use store::users::Account;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// A person's account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    /// Id.
    id: Uuid,
    /// Login address.
    email: String,
    /// Display name.
    name: Option<String>,
    /// Whether the account may be used.
    approved: bool,
    /// When they last did something, to about a minute.
    #[serde(with = "rfc3339::option")]
    last_activity_at: Option<OffsetDateTime>,
    /// When the account was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Account> for UserView {
    fn from(account: Account) -> Self {
        let Account { id, email, name, approved, last_activity_at, created_at } = account;
        Self { id, email, name, approved, last_activity_at, created_at }
    }
}

/// An open session. Its token is told nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// Id.
    id: Uuid,
    /// Whether this request came with it.
    current: bool,
    /// When it was opened.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last used, to about a minute.
    #[serde(with = "rfc3339::option")]
    last_activity_at: Option<OffsetDateTime>,
    /// When it ends.
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    /// Browser or client that opened it.
    user_agent: Option<String>,
    /// Address from which it was opened.
    ip_address: Option<String>,
}

impl SessionView {
    pub(crate) fn new(session: Open, current: Uuid) -> Self {
        let Open { id, created_at, last_activity_at, expires_at, user_agent, ip_address } = session;
        Self { id, current: id == current, created_at, last_activity_at, expires_at, user_agent, ip_address }
    }
}

/// A role that someone has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
pub(crate) struct GrantView {
    /// The role.
    role_id: Uuid,
    /// Its name.
    role: String,
    /// Who gave it; absent where the platform or the command did.
    granted_by: Option<Uuid>,
    /// When.
    #[serde(with = "rfc3339")]
    granted_at: OffsetDateTime,
    /// Until when it counts; `null`: for good.
    #[serde(with = "rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> Self {
        let Grant { role_id, role, granted_by, granted_at, expires_at } = grant;
        Self { role_id, role, granted_by, granted_at, expires_at }
    }
}

/// Roles that someone has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Grants {
    /// By name.
    pub(super) items: Vec<GrantView>,
}

/// A role, and all that it permits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(crate) struct RoleView {
    /// Id.
    id: Uuid,
    /// Name, unique.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// The role whose rights it has as well.
    parent_role_id: Option<Uuid>,
    /// What it permits, its parents' included, as `resource:action`.
    entitlements: Vec<String>,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        let Role { id, name, description, parent_role_id, entitlements } = role;
        Self { id, name, description, parent_role_id, entitlements }
    }
}

/// The roles that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Roles {
    /// By name; at most a thousand.
    pub(super) items: Vec<RoleView>,
}

/// A line of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLine)]
pub(crate) struct AuditView {
    /// Id.
    id: Uuid,
    /// Who did it.
    user_id: Option<Uuid>,
    /// Through which session. Of one that was removed `details` keeps the id.
    session_id: Option<Uuid>,
    /// What happened, e.g. `track.deleted`.
    event_type: String,
    /// Kind of thing it was done to.
    resource_type: Option<String>,
    /// Which one.
    resource_id: Option<Uuid>,
    /// `create`, `read`, `update` or `delete`.
    action: Option<String>,
    /// `success` or `failure`.
    status: String,
    /// Anything else worth keeping.
    details: Option<Value>,
    /// Address of the client.
    ip_address: Option<String>,
    /// Browser or client.
    user_agent: Option<String>,
    /// The request's id.
    request_id: Option<String>,
    /// When.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Line> for AuditView {
    fn from(line: Line) -> Self {
        Self {
            id: line.id,
            user_id: line.user_id,
            session_id: line.session_id,
            event_type: line.event_type,
            resource_type: line.resource_type,
            resource_id: line.resource_id,
            action: line.action,
            status: line.status,
            details: line.details,
            ip_address: line.ip_address,
            user_agent: line.user_agent,
            request_id: line.request_id,
            created_at: line.created_at,
        }
    }
}
