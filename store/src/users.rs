//! People: the rows of `users` that this engine makes and reads.

use crate::{Error, Result};
use sqlx::PgConnection;
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
