//! Session tokens. Only a token's SHA-256 is stored, so that a copy of the database opens no door.

use crate::position::Position;
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::fmt;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A session token in the clear: 256 random bits in hex. Shown once, kept nowhere; its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Draws a new token from the system's random source.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no randomness.
    pub fn generate() -> Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::Io(std::io::Error::other(error)))?;
        Ok(Self(hex(&bytes)))
    }

    /// Wraps what a caller presented. Any text may be a token of the platform; it is only ever hashed.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The token in the clear, for the one who is to use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What `sessions.token` holds: the SHA-256 in lower-case hex.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Who is asking, and through which session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: Uuid,
    /// Their session.
    pub session_id: Uuid,
}

/// What a presented token turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// A session in force of an approved user.
    Valid(Identity),
    /// No session has this token.
    Unknown,
    /// The session is over.
    Expired,
    /// The session is in force, but its user is not approved (yet, or any more).
    Unapproved(Identity),
}

/// Where a session was opened from, as far as known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// Browser or client.
    pub user_agent: Option<&'a str>,
    /// Address of the client.
    pub ip_address: Option<&'a str>,
}

/// How long a token is good for that an operator makes by hand.
pub const OPERATOR_LIFETIME: Duration = Duration::days(365);

/// Opens a session for `user_id` that lasts `lifetime`, and returns its token: the only time it is seen.
///
/// # Errors
/// [`Error::Database`], also when there is no such user; [`Error::Io`].
pub async fn create(
    db: &mut PgConnection,
    user_id: Uuid,
    lifetime: Duration,
    origin: Origin<'_>,
) -> Result<Token> {
    let token = Token::generate()?;
    sqlx::query!(
        "INSERT INTO sessions (user_id, token, expires_at, user_agent, ip_address) VALUES ($1, $2, $3, $4, $5)",
        user_id,
        token.hash(),
        OffsetDateTime::now_utc() + lifetime,
        origin.user_agent,
        origin.ip_address
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Finds out what `token` is.
///
/// One hash and one query whatever the answer. The index compares hashes, so the time it takes tells
/// nothing about how much of a token was guessed. Activity is noted at most once a minute, so that reading
/// does not write.
///
/// # Errors
/// [`Error::Database`].
pub async fn look_up(db: &mut PgConnection, token: &Token) -> Result<Lookup> {
    let session = sqlx::query_as!(
        Session,
        r#"SELECT session_id AS "session_id!", user_id AS "user_id!", approved AS "approved!",
                  expired AS "expired!", stale AS "stale!"
             FROM arsis_session($1)"#,
        token.hash()
    )
    .fetch_optional(&mut *db)
    .await?;
    admit(db, session).await
}

/// A session as the function `arsis_session` gives it.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) approved: bool,
    pub(crate) expired: bool,
    /// Its activity was not noted for a while.
    pub(crate) stale: bool,
}

/// What is to be thought of a session that a query gave together with other things; notes its activity.
///
/// # Errors
/// [`Error::Database`].
pub async fn admit(db: &mut PgConnection, session: Option<Session>) -> Result<Lookup> {
    let Some(session) = session else { return Ok(Lookup::Unknown) };
    let identity = Identity { user_id: session.user_id, session_id: session.session_id };
    if session.expired {
        return Ok(Lookup::Expired);
    }
    if !session.approved {
        return Ok(Lookup::Unapproved(identity));
    }
    if session.stale {
        touch(db, identity).await?;
    }
    Ok(Lookup::Valid(identity))
}

/// Notes activity of a session and its user. The condition is repeated so that of many requests in the same
/// moment one writes.
async fn touch(db: &mut PgConnection, identity: Identity) -> Result<()> {
    sqlx::query!(
        "WITH touched AS (
             UPDATE sessions SET last_activity_at = now()
              WHERE id = $1 AND coalesce(last_activity_at < now() - interval '1 minute', true)
          RETURNING user_id)
         UPDATE users SET last_activity_at = now() WHERE id IN (SELECT user_id FROM touched)",
        identity.session_id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a session now. Ending one that is over already is no error.
///
/// # Errors
/// [`Error::Database`].
pub async fn end(db: &mut PgConnection, session_id: Uuid) -> Result<()> {
    sqlx::query!("UPDATE sessions SET expires_at = least(expires_at, now()) WHERE id = $1", session_id)
        .execute(db)
        .await?;
    Ok(())
}

/// An open session, as its owner and administrators see it: without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Row id.
    pub id: Uuid,
    /// When it was opened.
    pub created_at: OffsetDateTime,
    /// When it was last used, to about a minute.
    pub last_activity_at: Option<OffsetDateTime>,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// Browser or client that opened it.
    pub user_agent: Option<String>,
    /// Address from which it was opened.
    pub ip_address: Option<String>,
}

/// Up to `limit` open sessions of a user after `after`, newest first.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    user_id: Uuid,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Open>> {
    let sessions = sqlx::query_as!(
        Open,
        "SELECT id, created_at, last_activity_at, expires_at, user_agent, ip_address FROM sessions
          WHERE user_id = $1 AND expires_at > now()
            AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $4",
        user_id,
        after.map(|position| position.created_at),
        after.map(|position| position.id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(sessions)
}

/// One open session of a user.
///
/// # Errors
/// [`Error::Database`].
pub async fn get(db: &mut PgConnection, user_id: Uuid, session_id: Uuid) -> Result<Option<Open>> {
    let session = sqlx::query_as!(
        Open,
        "SELECT id, created_at, last_activity_at, expires_at, user_agent, ip_address FROM sessions
          WHERE id = $2 AND user_id = $1 AND expires_at > now()",
        user_id,
        session_id
    )
    .fetch_optional(db)
    .await?;
    Ok(session)
}

/// Holds off every other change of which sessions a user has until the transaction ends: what ends them all meets none that
/// is about to be replaced. Not by the user's row, which is written after a session's when activity is noted.
async fn hold(db: &mut PgConnection, user_id: Uuid) -> Result<()> {
    // The number is arbitrary; no other pair of ours begins with it.
    sqlx::query!("SELECT pg_advisory_xact_lock(730230002, hashtext($1::uuid::text))", user_id)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a session of a user now. `false` when they have no such session open.
///
/// # Errors
/// [`Error::Database`].
pub async fn end_of(db: &mut PgConnection, user_id: Uuid, session_id: Uuid) -> Result<bool> {
    hold(db, user_id).await?;
    let done = sqlx::query!(
        "UPDATE sessions SET expires_at = now() WHERE id = $2 AND user_id = $1 AND expires_at > now()",
        user_id,
        session_id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every open session of a user now; tells how many there were.
///
/// # Errors
/// [`Error::Database`].
pub async fn end_all(db: &mut PgConnection, user_id: Uuid) -> Result<u64> {
    hold(db, user_id).await?;
    let done = sqlx::query!(
        "UPDATE sessions SET expires_at = now() WHERE user_id = $1 AND expires_at > now()",
        user_id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Puts a session with a new token in the place of one, which ends now. The new one lasts as long as the old would have:
/// a token that was stolen cannot be kept alive. `None` when the session is over: of two that rotate it one wins.
///
/// # Errors
/// [`Error::Database`]; [`Error::Io`].
pub async fn rotate(
    db: &mut PgConnection,
    session_id: Uuid,
    origin: Origin<'_>,
) -> Result<Option<(Token, Open)>> {
    let token = Token::generate()?;
    let user_id = sqlx::query_scalar!("SELECT user_id FROM sessions WHERE id = $1", session_id);
    let Some(user_id) = user_id.fetch_optional(&mut *db).await? else { return Ok(None) };
    hold(db, user_id).await?;
    let session = sqlx::query_as!(
        Open,
        "WITH old AS (SELECT id, user_id, expires_at FROM sessions WHERE id = $1 AND expires_at > now() FOR UPDATE),
              ended AS (UPDATE sessions SET expires_at = now() FROM old WHERE sessions.id = old.id)
         INSERT INTO sessions (user_id, token, expires_at, user_agent, ip_address, rotated_from)
         SELECT user_id, $2, expires_at, $3, $4, id FROM old
         RETURNING id, created_at, last_activity_at, expires_at, user_agent, ip_address",
        session_id,
        token.hash(),
        origin.user_agent,
        origin.ip_address
    )
    .fetch_optional(db)
    .await?;
    Ok(session.map(|session| (token, session)))
}

/// A further session of the person whose session this is, ending when it does: for another place to be signed in at, and to
/// sign out of alone. `None` where the session is over.
///
/// # Errors
/// [`Error::Database`]; [`Error::Io`].
pub async fn branch(
    db: &mut PgConnection,
    session_id: Uuid,
    origin: Origin<'_>,
) -> Result<Option<(Token, Open)>> {
    let token = Token::generate()?;
    let session = sqlx::query_as!(
        Open,
        "INSERT INTO sessions (user_id, token, expires_at, user_agent, ip_address)
         SELECT user_id, $2, expires_at, $3, $4 FROM sessions WHERE id = $1 AND expires_at > now()
         RETURNING id, created_at, last_activity_at, expires_at, user_agent, ip_address",
        session_id,
        token.hash(),
        origin.user_agent,
        origin.ip_address
    )
    .fetch_optional(db)
    .await?;
    Ok(session.map(|session| (token, session)))
}

/// Removes what has expired, by the database's own clean-up functions. Safe to run anywhere, any time.
///
/// # Errors
/// [`Error::Database`].
pub async fn clean_up(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT cleanup_expired_sessions(), cleanup_expired_oauth_states()").execute(db).await?;
    Ok(())
}

/// Bytes as lower-case hex, the form in which hashes are stored.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_256_bits_and_never_twice_the_same() {
        let (a, b) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_eq!(a.expose().len(), 64);
        assert_ne!(a, b);
    }

    #[test]
    fn the_hash_is_sha256_in_hex_and_debug_shows_nothing() {
        let token = Token::presented("abc"); // FIPS 180-4's own example
        assert_eq!(token.hash(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(!format!("{token:?}").contains("abc"));
    }
}
