//! Uploads whose audio the client sends to the storage itself: announced, then completed.
//!
//! ```text
//! pending ──begin_verification──► verifying ──complete──► completed
//!    ▲                                │
//!    └────give_up, or the lease ends──┘         abort: hidden;  kept_until over: gone
//! ```
//!
//! The object of an upload stays among the orphans from its announcement on, whatever becomes of the upload: its address
//! takes audio until it expires, also after the upload was completed or aborted.

use crate::Result;
use crate::sessions::Token;
use serde_json::Value;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// What a new upload starts from.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Id; the object's key is made from it.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Size of the audio, in bytes.
    pub size_bytes: i64,
    /// SHA-256 of the audio in lower-case hex, where the client said it.
    pub sha256: Option<String>,
    /// Type that the request to the storage says.
    pub content_type: String,
    /// What the track is to be called, and its analysis.
    pub about: Value,
    /// Secret of the address, where the server itself takes the audio.
    pub secret: Option<Token>,
    /// Until when the address takes audio.
    pub expires_at: OffsetDateTime,
    /// Until when the upload can be completed.
    pub kept_until: OffsetDateTime,
}

/// An upload as stored.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as in NewUpload")]
pub struct Upload {
    pub id: Uuid,
    pub user_id: Uuid,
    pub size_bytes: i64,
    pub sha256: Option<String>,
    pub content_type: String,
    pub about: Value,
    pub expires_at: OffsetDateTime,
    pub kept_until: OffsetDateTime,
    /// Its audio is being read now.
    pub verifying: bool,
    /// What it became.
    pub track_id: Option<Uuid>,
    /// What was answered then.
    pub answer: Option<Value>,
    pub created_at: OffsetDateTime,
}

/// How much one person may have announced and not completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Uploads.
    pub count: i64,
    /// Bytes of all of them.
    pub bytes: i64,
}

/// Hold on the verification of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    upload_id: Uuid,
    verifier: Uuid,
}

/// Writes a new upload; `false` when there is no room for it. One after the other for each person: two at once would each
/// find the last place free.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn announce(db: &mut PgConnection, new: &NewUpload, room: Room) -> Result<bool> {
    let lock = format!("audio_uploads {}", new.user_id);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock).execute(&mut *db).await?;
    let done = sqlx::query!(
        "INSERT INTO audio_uploads
                (id, user_id, size_bytes, sha256, content_type, about, secret_hash, expires_at, kept_until)
         SELECT $1, $2, $3::bigint, $4, $5, $6, $7, $8, $9
           FROM (SELECT count(*) AS count, coalesce(sum(size_bytes), 0) AS bytes FROM audio_uploads
                  WHERE user_id = $2 AND track_id IS NULL AND greatest(expires_at, kept_until) > now()) AS open
          WHERE open.count < $10 AND open.bytes + $3::bigint <= $11::bigint",
        new.id,
        new.user_id,
        new.size_bytes,
        new.sha256,
        new.content_type,
        new.about,
        new.secret.as_ref().map(Token::hash),
        new.expires_at,
        new.kept_until,
        room.count,
        room.bytes
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The upload with this id, whoever owns it, while it is kept.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<Upload>> {
    let upload = sqlx::query_as!(
        Upload,
        r#"SELECT id, user_id, size_bytes, sha256, content_type, about, expires_at, kept_until,
                  coalesce(track_id IS NULL AND verifying_until > now(), false) AS "verifying!", track_id, answer,
                  created_at
             FROM audio_uploads WHERE id = $1 AND kept_until > now()"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(upload)
}

/// Up to `limit` uploads of a user that are kept, newest first, after the one created at `before`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    user_id: Uuid,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Upload>> {
    let uploads = sqlx::query_as!(
        Upload,
        r#"SELECT id, user_id, size_bytes, sha256, content_type, about, expires_at, kept_until,
                  coalesce(track_id IS NULL AND verifying_until > now(), false) AS "verifying!", track_id, answer,
                  created_at
             FROM audio_uploads
            WHERE user_id = $1 AND kept_until > now()
              AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $4"#,
        user_id,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(uploads)
}

/// The upload that takes audio at an address with this secret, now.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn at_address(db: &mut PgConnection, id: Uuid, secret: &Token) -> Result<Option<Upload>> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM audio_uploads
          WHERE id = $1 AND secret_hash = $2 AND track_id IS NULL AND expires_at > now()",
        id,
        secret.hash()
    )
    .fetch_optional(&mut *db)
    .await?;
    match open {
        Some(id) => get(db, id).await,
        None => Ok(None),
    }
}

/// Whether an upload still takes the audio that has begun to come to its address: it was not aborted, and is no track.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn is_open(db: &mut PgConnection, id: Uuid, secret: &Token) -> Result<bool> {
    let open = sqlx::query_scalar!(
        "SELECT id FROM audio_uploads
          WHERE id = $1 AND secret_hash = $2 AND track_id IS NULL AND kept_until > now()",
        id,
        secret.hash()
    )
    .fetch_optional(db)
    .await?;
    Ok(open.is_some())
}

/// Begins to verify an upload, for at most `lease`; `None` when another does, or it is completed or gone.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn begin_verification(
    db: &mut PgConnection,
    upload_id: Uuid,
    lease: Duration,
) -> Result<Option<Verification>> {
    let verification = Verification { upload_id, verifier: Uuid::new_v4() };
    let done = sqlx::query!(
        "UPDATE audio_uploads SET verifier = $2, verifying_until = now() + $3::float8 * interval '1 second'
          WHERE id = $1 AND track_id IS NULL AND kept_until > now()
            AND coalesce(verifying_until <= now(), true)",
        upload_id,
        verification.verifier,
        lease.as_seconds_f64()
    )
    .execute(db)
    .await?;
    Ok((done.rows_affected() == 1).then_some(verification))
}

/// Holds a verification for another `lease` from now; `false` when it is lost.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn extend(db: &mut PgConnection, held: Verification, lease: Duration) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE audio_uploads SET verifying_until = now() + $3::float8 * interval '1 second'
          WHERE id = $1 AND verifier = $2 AND track_id IS NULL",
        held.upload_id,
        held.verifier,
        lease.as_seconds_f64()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a verification that came to nothing, so that the next can begin at once.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn give_up(db: &mut PgConnection, held: Verification) -> Result<()> {
    sqlx::query!(
        "UPDATE audio_uploads SET verifier = NULL, verifying_until = NULL
          WHERE id = $1 AND verifier = $2 AND track_id IS NULL",
        held.upload_id,
        held.verifier
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what an upload became, in the transaction that makes its track, and keeps that for `kept_for`. `false` when the
/// verification is lost or the upload was aborted: the transaction must not be committed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn complete(
    db: &mut PgConnection,
    held: Verification,
    track_id: Uuid,
    answer: &Value,
    kept_for: Duration,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE audio_uploads
            SET track_id = $3, answer = $4, verifier = NULL, verifying_until = NULL,
                kept_until = greatest(kept_until, now() + $5::float8 * interval '1 second')
          WHERE id = $1 AND verifier = $2 AND track_id IS NULL",
        held.upload_id,
        held.verifier,
        track_id,
        answer,
        kept_for.as_seconds_f64()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends an upload that has not become a track; `false` when it has, or is gone. Its object stays among the orphans. Where
/// the storage itself takes the audio, the upload keeps its room until its address has expired: more may come there.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn abort(db: &mut PgConnection, id: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE audio_uploads
            SET kept_until = now(), verifier = NULL, verifying_until = NULL,
                expires_at = CASE WHEN secret_hash IS NULL THEN expires_at ELSE now() END
          WHERE id = $1 AND track_id IS NULL AND kept_until > now()",
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets the uploads whose time is over.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn forget_expired(db: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM audio_uploads WHERE kept_until <= now() AND expires_at <= now()")
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
