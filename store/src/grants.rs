//! Roles: what they permit, who has them, and how far someone may pass on what they have.

use crate::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A role, with all that it permits.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Row id.
    pub id: Uuid,
    /// Name, unique.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The role whose rights it has as well.
    pub parent_role_id: Option<Uuid>,
    /// What it permits, its parents' included, as `resource:action`, in order.
    pub entitlements: Vec<String>,
}

/// A role that someone has.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The role.
    pub role_id: Uuid,
    /// Its name.
    pub role: String,
    /// Who gave it, where that was a person who is still there.
    pub granted_by: Option<Uuid>,
    /// When.
    pub granted_at: OffsetDateTime,
    /// Until when it counts; `None`: for good.
    pub expires_at: Option<OffsetDateTime>,
}

/// Most roles that a list tells.
const MAX_ROLES: i64 = 1000;

/// Every role, by name; at most a thousand.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn roles(db: &mut PgConnection) -> Result<Vec<Role>> {
    let roles = sqlx::query_as!(
        Role,
        r#"SELECT r.id, r.name, r.description, r.parent_role_id,
                  ARRAY(SELECT DISTINCT e.resource || ':' || e.action
                          FROM arsis_role_ancestry(r.id) a
                          JOIN role_entitlements re ON re.role_id = a.role_id
                          JOIN entitlements e ON e.id = re.entitlement_id
                         ORDER BY 1) AS "entitlements!"
             FROM roles r ORDER BY r.name LIMIT $1"#,
        MAX_ROLES
    )
    .fetch_all(db)
    .await?;
    Ok(roles)
}

/// The name of a role.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn role_name(db: &mut PgConnection, role_id: Uuid) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("SELECT name FROM roles WHERE id = $1", role_id).fetch_optional(db).await?)
}

/// The roles that someone has, by name; those that have expired are left out.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn of(db: &mut PgConnection, user_id: Uuid) -> Result<Vec<Grant>> {
    let grants = sqlx::query_as!(
        Grant,
        "SELECT ur.role_id, r.name AS role, ur.granted_by, ur.granted_at, ur.expires_at
           FROM user_roles ur JOIN roles r ON r.id = ur.role_id
          WHERE ur.user_id = $1 AND (ur.expires_at IS NULL OR ur.expires_at > now())
          ORDER BY r.name LIMIT $2",
        user_id,
        MAX_ROLES
    )
    .fetch_all(db)
    .await?;
    Ok(grants)
}

/// How far someone may pass on, or take away, a bundle of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// They lack some of it.
    Beyond,
    /// They have all of it, until then; `None`: for good.
    Within(Option<OffsetDateTime>),
}

/// How far `user_id` has all that a role permits.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn reach_of_role(db: &mut PgConnection, user_id: Uuid, role_id: Uuid) -> Result<Reach> {
    let row = sqlx::query!(
        r#"SELECT coalesce(bool_or(h.until IS NULL), false) AS "beyond!", nullif(min(h.until), 'infinity') AS until
             FROM arsis_role_ancestry($2) a
             JOIN role_entitlements re ON re.role_id = a.role_id
             LEFT JOIN arsis_held($1) h ON h.entitlement_id = re.entitlement_id"#,
        user_id,
        role_id
    )
    .fetch_one(db)
    .await?;
    Ok(if row.beyond { Reach::Beyond } else { Reach::Within(row.until) })
}

/// Whether `other_id` may do something that `user_id` may not, or may do it for longer.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn outranks(db: &mut PgConnection, other_id: Uuid, user_id: Uuid) -> Result<bool> {
    let outranks = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM arsis_held($1) theirs LEFT JOIN arsis_held($2) own USING (entitlement_id)
                           WHERE own.until IS NULL OR own.until < theirs.until) AS "outranks!""#,
        other_id,
        user_id
    )
    .fetch_one(db)
    .await?;
    Ok(outranks)
}

/// Gives someone a role until `expires_at`, in place of what was said about the same role before.
///
/// # Errors
/// [`crate::Error::Database`], also when one of them is not there.
pub async fn put(
    db: &mut PgConnection,
    user_id: Uuid,
    role_id: Uuid,
    granted_by: Uuid,
    expires_at: Option<OffsetDateTime>,
) -> Result<Grant> {
    let grant = sqlx::query_as!(
        Grant,
        r#"INSERT INTO user_roles AS ur (user_id, role_id, granted_by, expires_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (user_id, role_id) DO UPDATE
              SET granted_by = excluded.granted_by, granted_at = now(), expires_at = excluded.expires_at
           RETURNING ur.role_id, (SELECT name FROM roles WHERE id = ur.role_id) AS "role!", ur.granted_by,
                     ur.granted_at, ur.expires_at"#,
        user_id,
        role_id,
        granted_by,
        expires_at
    )
    .fetch_one(db)
    .await?;
    Ok(grant)
}

/// Until when someone has a role, expired or not: `Some(None)` is for good, `None` that they do not have it.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn until(
    db: &mut PgConnection,
    user_id: Uuid,
    role_id: Uuid,
) -> Result<Option<Option<OffsetDateTime>>> {
    let until = sqlx::query_scalar!(
        "SELECT expires_at FROM user_roles WHERE user_id = $1 AND role_id = $2 FOR UPDATE",
        user_id,
        role_id
    )
    .fetch_optional(db)
    .await?;
    Ok(until)
}

/// Takes a role away. `false` when they do not have it.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn remove(db: &mut PgConnection, user_id: Uuid, role_id: Uuid) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM user_roles WHERE user_id = $1 AND role_id = $2", user_id, role_id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// People who can let others in: approved, and with the rights to grant roles and to change accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrators {
    /// Now.
    pub now: i64,
    /// Of those, who can for good.
    pub for_good: i64,
}

/// Counts the administrators, and holds off every other transaction that would count them until this one ends: two
/// administrators cannot take each other's rights away at the same time.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn administrators(db: &mut PgConnection) -> Result<Administrators> {
    // The number is arbitrary; no other lock of ours has it.
    sqlx::query!("SELECT pg_advisory_xact_lock(7302300001)").execute(&mut *db).await?;
    let counts = sqlx::query_as!(
        Administrators,
        r#"SELECT count(*) AS "now!", count(*) FILTER (WHERE until = 'infinity') AS "for_good!"
             FROM (SELECT min(h.until) AS until
                     FROM users u CROSS JOIN LATERAL arsis_held(u.id) h
                    WHERE u.approved
                      AND EXISTS (SELECT 1 FROM user_roles ur WHERE ur.user_id = u.id)
                      AND (h.resource, h.action) IN (('user_roles', 'create'), ('users', 'update'))
                    GROUP BY u.id HAVING count(DISTINCT h.resource) = 2) a"#
    )
    .fetch_one(db)
    .await?;
    Ok(counts)
}
