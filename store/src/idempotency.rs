//! Answers to POSTs that carried an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), so that a
//! retry gets the first answer and nothing happens twice.
//!
//! A request claims its key, works, and writes its answer in the transaction of its effect. A claim lapses,
//! so that a process that died does not block the key; whoever lost a claim commits nothing.

use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A request's hold on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    user_id: Uuid,
    key: String,
    claim: Uuid,
}

/// An answer worth repeating.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Location` header.
    pub location: Option<String>,
    /// JSON body.
    pub body: Value,
}

/// What was found under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Nothing: the key is now ours.
    Claimed(Claim),
    /// Another request with this key is being worked on.
    UnderWay,
    /// The key was used for another operation.
    OtherOperation,
    /// The operation was done before.
    Done {
        /// What was asked then.
        fingerprint: String,
        /// What was answered.
        answer: Answer,
    },
}

/// Claims `key` of `user_id` for `operation` (method and path), for at most `lease`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn claim(
    db: &mut PgConnection,
    user_id: Uuid,
    key: &str,
    operation: &str,
    lease: Duration,
) -> Result<Found> {
    let claim = Claim { user_id, key: key.to_owned(), claim: Uuid::new_v4() };
    let claimed = sqlx::query!(
        "INSERT INTO idempotency_keys AS k (user_id, key, operation, claim, claimed_until)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, key) DO UPDATE
            SET claim = excluded.claim, claimed_until = excluded.claimed_until, operation = excluded.operation
          WHERE k.status IS NULL AND k.claimed_until <= now()",
        user_id,
        key,
        operation,
        claim.claim,
        OffsetDateTime::now_utc() + lease
    )
    .execute(&mut *db)
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(Found::Claimed(claim));
    }
    find(db, user_id, key, operation).await
}

/// What an existing row says.
async fn find(db: &mut PgConnection, user_id: Uuid, key: &str, operation: &str) -> Result<Found> {
    let row = sqlx::query!(
        "SELECT operation, fingerprint, status, location, body FROM idempotency_keys
          WHERE user_id = $1 AND key = $2",
        user_id,
        key
    )
    .fetch_optional(db)
    .await?;
    // Released between the two statements: the client may simply ask again.
    let Some(row) = row else { return Ok(Found::UnderWay) };
    if row.operation != operation {
        return Ok(Found::OtherOperation);
    }
    let Some(status) = row.status.and_then(|status| u16::try_from(status).ok()) else {
        return Ok(Found::UnderWay);
    };
    let answer = Answer { status, location: row.location, body: row.body.unwrap_or(Value::Null) };
    Ok(Found::Done { fingerprint: row.fingerprint.unwrap_or_default(), answer })
}

/// Holds a claim for another `lease` from now. `false` when it is lost: it lapsed and another took the key.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn extend(db: &mut PgConnection, claim: &Claim, lease: Duration) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET claimed_until = $4
          WHERE user_id = $1 AND key = $2 AND claim = $3 AND status IS NULL",
        claim.user_id,
        claim.key,
        claim.claim,
        OffsetDateTime::now_utc() + lease
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the answer, in the transaction of the effect. `false` when the claim has lapsed and another holds
/// the key: the transaction must not be committed.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn complete(
    db: &mut PgConnection,
    claim: &Claim,
    fingerprint: &str,
    answer: &Answer,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET fingerprint = $4, status = $5, location = $6, body = $7
          WHERE user_id = $1 AND key = $2 AND claim = $3 AND status IS NULL",
        claim.user_id,
        claim.key,
        claim.claim,
        fingerprint,
        i16::try_from(answer.status).unwrap_or(i16::MAX),
        answer.location,
        answer.body
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a key back after a failure, so that a retry may try again.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn release(db: &mut PgConnection, claim: &Claim) -> Result<()> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND claim = $3 AND status IS NULL",
        claim.user_id,
        claim.key,
        claim.claim
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets answers older than `age`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn forget_older_than(db: &mut PgConnection, age: Duration) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE created_at < $1 AND (status IS NOT NULL OR claimed_until < now())",
        OffsetDateTime::now_utc() - age
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
