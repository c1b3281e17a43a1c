//! Objects in storage that no track refers to: uploads under way, and what deleted tracks leave behind.
//!
//! Rows and objects cannot change in one transaction. So every object that has no track has a row in
//! `orphan_objects`, and the rows change together with the tracks:
//!
//! ```text
//! upload:  expect(key) → bytes to storage → { track inserted, adopt(key) }    one transaction
//! delete:  { track deleted, abandon(key) }                                    one transaction
//! removal: doom(key) or due() → object removed → forget(key)
//! ```
//!
//! Several tracks may name one object: the platform writes rows of its own. So a key is entered only with the last
//! track that names it, and its removal does not begin while one does.
//!
//! Wherever a process dies in between, the row remains, and a later [`due`] finds the object.

use crate::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

/// Enters the key of an upload before its first byte is stored. Unless it is adopted within `patience`,
/// the object is removed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn expect(db: &mut PgConnection, key: &str, patience: Duration) -> Result<()> {
    enter(db, key, OffsetDateTime::now_utc() + patience).await
}

/// Enters the key of an object whose track was deleted before in this transaction: to be removed at once, unless
/// another track names it. `false` when one does.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn abandon(db: &mut PgConnection, key: &str) -> Result<bool> {
    // One deletion after the other: two at once would each still see the track of the other.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key).execute(&mut *db).await?;
    let shared = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM reference_tracks WHERE r2_key = $1) AS "shared!""#,
        key
    )
    .fetch_one(&mut *db)
    .await?;
    if !shared {
        enter(db, key, OffsetDateTime::now_utc()).await?;
    }
    Ok(!shared)
}

async fn enter(db: &mut PgConnection, key: &str, delete_after: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "INSERT INTO orphan_objects (r2_key, delete_after) VALUES ($1, $2)
         ON CONFLICT (r2_key) DO UPDATE SET delete_after = excluded.delete_after",
        key,
        delete_after
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes an upload's key off the list, in the transaction that makes its track. `false` when its removal has
/// begun: the object may be gone, and the transaction must not be committed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn adopt(db: &mut PgConnection, key: &str) -> Result<bool> {
    let done =
        sqlx::query!("DELETE FROM orphan_objects WHERE r2_key = $1 AND NOT doomed", key).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Begins the removal of one object, now: `false` when the key is not (or no longer) on the list or a track names
/// it, and the object must stay. Unless [`forget`] follows within `retry_after`, it is [`due`] again.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn doom(db: &mut PgConnection, key: &str, retry_after: Duration) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE orphan_objects SET doomed = true, delete_after = $2
          WHERE r2_key = $1 AND NOT EXISTS (SELECT 1 FROM reference_tracks WHERE r2_key = $1)",
        key,
        OffsetDateTime::now_utc() + retry_after
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Begins the removal of up to `limit` objects whose time has come, oldest first. Each is put off by
/// `retry_after`, so that several processes share the work and a failed removal is tried again later. Keys that a track
/// has come to name leave the list.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn due(db: &mut PgConnection, limit: i64, retry_after: Duration) -> Result<Vec<String>> {
    sqlx::query!(
        "DELETE FROM orphan_objects o
          WHERE delete_after <= now() AND EXISTS (SELECT 1 FROM reference_tracks t WHERE t.r2_key = o.r2_key)"
    )
    .execute(&mut *db)
    .await?;
    let keys = sqlx::query_scalar!(
        "UPDATE orphan_objects SET doomed = true, delete_after = $2
          WHERE r2_key IN (SELECT r2_key FROM orphan_objects o
                            WHERE delete_after <= now()
                              AND NOT EXISTS (SELECT 1 FROM reference_tracks t WHERE t.r2_key = o.r2_key)
                            ORDER BY delete_after LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING r2_key",
        limit,
        OffsetDateTime::now_utc() + retry_after
    )
    .fetch_all(db)
    .await?;
    Ok(keys)
}

/// Takes a key off the list once its object is removed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn forget(db: &mut PgConnection, key: &str) -> Result<()> {
    sqlx::query!("DELETE FROM orphan_objects WHERE r2_key = $1", key).execute(db).await?;
    Ok(())
}
