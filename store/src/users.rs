//! People: the rows of `users` that this engine makes and reads.

use crate::position::Position;
use crate::{Error, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Longest address accepted, in bytes (RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Row id.
    pub id: Uuid,
    /// Login address, as stored.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// Whether the account may be used.
    pub approved: bool,
}

/// Makes an approved local user, or returns the one who has this address and approves them.
///
/// Addresses are compared without regard to case and stored in lower case. Safe to repeat.
///
/// # Errors
/// [`Error::Invalid`] when `email` cannot be an address; [`Error::Database`].
pub async fn add_local(db: &mut PgConnection, email: &str, name: Option<&str>) -> Result<User> {
    let email = normalize_email(email)?;
    let user = sqlx::query_as!(
        User,
        "INSERT INTO users (email, name, approved) VALUES ($1, $2, true)
         ON CONFLICT (email) DO UPDATE
            SET approved = true, name = coalesce(users.name, excluded.name), updated_at = now()
         RETURNING id, email, name, approved",
        email,
        name
    )
    .fetch_one(db)
    .await?;
    Ok(user)
}

/// The user with this id.
///
/// # Errors
/// [`Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<User>> {
    let found = sqlx::query_as!(User, "SELECT id, email, name, approved FROM users WHERE id = $1", id)
        .fetch_optional(db)
        .await?;
    Ok(found)
}

/// A person as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Row id.
    pub id: Uuid,
    /// Login address, as stored.
    pub email: String,
    /// Display name.
    pub name: Option<String>,
    /// Whether the account may be used.
    pub approved: bool,
    /// When they last did something, to about a minute.
    pub last_activity_at: Option<OffsetDateTime>,
    /// When the account was made.
    pub created_at: OffsetDateTime,
}

/// The account with this id.
///
/// # Errors
/// [`Error::Database`].
pub async fn account(db: &mut PgConnection, id: Uuid) -> Result<Option<Account>> {
    let found = sqlx::query_as!(
        Account,
        "SELECT id, email, name, approved, last_activity_at, created_at FROM users WHERE id = $1",
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Up to `limit` accounts after `after`, newest first: those that are approved or not, and those whose address begins
/// with `email_prefix` in lower case.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    approved: Option<bool>,
    email_prefix: Option<&str>,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Account>> {
    // What stands for other characters in a pattern stands for itself here.
    let pattern = email_prefix.map(|prefix| {
        let plain = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("{plain}%")
    });
    let accounts = sqlx::query_as!(
        Account,
        "SELECT id, email, name, approved, last_activity_at, created_at FROM users
          WHERE ($1::bool IS NULL OR approved = $1)
            AND ($2::text IS NULL OR email LIKE $2)
            AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $5",
        approved,
        pattern,
        after.map(|position| position.created_at),
        after.map(|position| position.id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(accounts)
}

/// Makes an account; `None` when the address has one already. Addresses are compared without regard to case.
///
/// # Errors
/// [`Error::Invalid`] when `email` cannot be an address; [`Error::Database`].
pub async fn create(
    db: &mut PgConnection,
    email: &str,
    name: Option<&str>,
    approved: bool,
) -> Result<Option<Account>> {
    let email = normalize_email(email)?;
    let account = sqlx::query_as!(
        Account,
        "INSERT INTO users (email, name, approved) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING
         RETURNING id, email, name, approved, last_activity_at, created_at",
        email,
        name,
        approved
    )
    .fetch_optional(db)
    .await?;
    Ok(account)
}

/// Changes to an account: an outer `None` leaves a field alone, an inner `None` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New display name.
    pub name: Option<Option<String>>,
    /// Whether the account may be used from now on.
    pub approved: Option<bool>,
}

/// Applies `changes` and gives the account as it is then; `None` when there is no such account.
///
/// # Errors
/// [`Error::Database`].
pub async fn update(db: &mut PgConnection, id: Uuid, changes: &Changes) -> Result<Option<Account>> {
    let account = sqlx::query_as!(
        Account,
        "UPDATE users SET name = CASE WHEN $2 THEN $3 ELSE name END, approved = coalesce($4, approved),
                updated_at = now()
          WHERE id = $1 RETURNING id, email, name, approved, last_activity_at, created_at",
        id,
        changes.name.is_some(),
        changes.name.as_ref().and_then(Option::as_ref),
        changes.approved
    )
    .fetch_optional(db)
    .await?;
    Ok(account)
}

/// Whether there is anybody at all; a first start makes a local user.
///
/// # Errors
/// [`Error::Database`].
pub async fn any(db: &mut PgConnection) -> Result<bool> {
    let any = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM users) AS "any!""#).fetch_one(db).await?;
    Ok(any)
}

/// Lower case, no surrounding space, one `@` with something on both sides, no space or control character.
fn normalize_email(given: &str) -> Result<String> {
    let email = given.trim().to_lowercase();
    let parts_ok = email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if parts_ok && plain && email.len() <= MAX_EMAIL_BYTES {
        return Ok(email);
    }
    Err(Error::Invalid { field: "email", reason: "must be an address such as name@example.org".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_lowered() {
        assert_eq!(normalize_email(" Ada@Example.ORG ").unwrap(), "ada@example.org");
        assert_eq!(normalize_email("ada@localhost").unwrap(), "ada@localhost");
        for bad in ["", "ada", "@x", "ada@", "a@b@c", "a b@c", "a@b\nc", &format!("{}@x", "a".repeat(254))] {
            assert!(normalize_email(bad).is_err(), "{bad:?}");
        }
    }
}
