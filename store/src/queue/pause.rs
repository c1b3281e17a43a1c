//! The queue's switch: while it is paused no analysis is begun anywhere, and those that run go on.

use crate::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Since when the queue is paused, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// When it was paused.
    pub since: OffsetDateTime,
    /// Who did it.
    pub by: String,
}

/// Pauses the queue. One that is paused stays as it was.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn pause(db: &mut PgConnection, by: &str) -> Result<()> {
    sqlx::query!("UPDATE analysis_queue SET paused_at = now(), paused_by = $1 WHERE paused_at IS NULL", by)
        .execute(db)
        .await?;
    Ok(())
}

/// Lets the queue go on; `false` when it was not paused.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn resume(db: &mut PgConnection) -> Result<bool> {
    let resumed = sqlx::query!(
        "UPDATE analysis_queue SET paused_at = NULL, paused_by = NULL WHERE paused_at IS NOT NULL"
    )
    .execute(&mut *db)
    .await?;
    // The tickets of the time between are spent: wake those who make new ones.
    super::announcements::announce(db).await?;
    Ok(resumed.rows_affected() > 0)
}

/// Since when and by whom the queue is paused, if it is.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn paused(db: &mut PgConnection) -> Result<Option<Pause>> {
    let row = sqlx::query!(
        r#"SELECT paused_at AS "since!", coalesce(paused_by, '') AS "by!" FROM analysis_queue
            WHERE paused_at IS NOT NULL"#
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Pause { since: row.since, by: row.by }))
}
