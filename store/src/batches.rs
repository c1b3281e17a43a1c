//! Many analyses asked for at once: all tracks of a person, with this version of the analyzer.

use crate::analyses::{self, CANCELLED, CANCELLED_MESSAGE, Parameters};
use crate::{Error, Result};
use analysis_core::config::AnalysisType;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// Priority of a batch unless its maker says otherwise: what people wait for comes before.
pub const PRIORITY: i16 = -10;

/// Analyses cancelled in one transaction.
const CANCELLED_AT_ONCE: i64 = 2_000;

/// What [`create`] writes.
#[derive(Debug, Clone)]
pub struct NewBatch<'a> {
    /// Whose tracks.
    pub user_id: Uuid,
    /// Who asked.
    pub requested_by: Option<Uuid>,
    /// What to compute.
    pub analysis_type: AnalysisType,
    /// In which shape.
    pub parameters: Parameters,
    /// The analyzer's version that the results should have.
    pub version: &'a str,
    /// Higher runs first; [`PRIORITY`] leaves the way to others.
    pub priority: i16,
}

/// A row of `analysis_batches`, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Row id.
    pub id: Uuid,
    /// Whose tracks.
    pub user_id: Uuid,
    /// What to compute, as stored.
    pub analysis_type: String,
    /// The analyzer's version asked for.
    pub version: String,
    /// In which shape, as stored.
    pub parameters: Value,
    /// Tracks that needed no new analysis: one of the kind was there, completed or to come.
    pub skipped_count: i32,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// Its analyses by status, as they are now. Fewer than were made when tracks were deleted since.
    pub counts: Counts,
}

/// Analyses of a batch by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait.
    pub pending: i64,
    /// Are being made.
    pub running: i64,
    /// Can be read.
    pub completed: i64,
    /// Failed, or were cancelled.
    pub error: i64,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.pending + self.running + self.completed + self.error
    }
}

/// Asks for an analysis of every track of a person that has none of the kind: same type, version and parameters,
/// completed, running or waiting. In the caller's transaction. Older versions of them that still wait end as
/// [`analyses::SUPERSEDED`].
///
/// # Errors
/// [`Error::Database`].
pub async fn create(db: &mut PgConnection, new: &NewBatch<'_>) -> Result<Batch> {
    let parameters = new.parameters.stored();
    let type_name = analyses::type_name(new.analysis_type);
    let tracks = sqlx::query_scalar!(
        "SELECT id FROM reference_tracks WHERE user_id = $1 ORDER BY id FOR NO KEY UPDATE",
        new.user_id
    )
    .fetch_all(&mut *db)
    .await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO analysis_batches (user_id, requested_by, analysis_type, version, parameters)
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        new.user_id,
        new.requested_by,
        type_name,
        new.version,
        parameters
    )
    .fetch_one(&mut *db)
    .await?;
    let lacking = lacking(db, new, &tracks, &parameters).await?;
    analyses::supersede(db, &lacking, new.analysis_type, new.version, &parameters).await?;
    sqlx::query!(
        "INSERT INTO track_analyses (track_id, analysis_type, version, parameters, requested_by, priority, batch_id)
         SELECT t.id, $2, $3, $4, $5, $6, $7 FROM UNNEST($1::uuid[]) AS t (id)",
        &lacking,
        type_name,
        new.version,
        parameters,
        new.requested_by,
        new.priority,
        id
    )
    .execute(&mut *db)
    .await?;
    let count = |count: usize| {
        i32::try_from(count).map_err(|_| Error::Invalid {
            field: "tracks",
            reason: format!("{count} are more than a batch can count"),
        })
    };
    sqlx::query!(
        "UPDATE analysis_batches SET created_count = $2, skipped_count = $3 WHERE id = $1",
        id,
        count(lacking.len())?,
        count(tracks.len() - lacking.len())?
    )
    .execute(&mut *db)
    .await?;
    Ok(get(db, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// Those of `tracks` that have no analysis of the kind. The caller holds the tracks. A statement of its own: one that fills
/// the table from a look at it would be planned for the table as it was before, and look at all of it for each track.
async fn lacking(
    db: &mut PgConnection,
    new: &NewBatch<'_>,
    tracks: &[Uuid],
    parameters: &Value,
) -> Result<Vec<Uuid>> {
    let having = sqlx::query_scalar!(
        "SELECT a.track_id FROM track_analyses a JOIN reference_tracks t ON t.id = a.track_id
          WHERE t.user_id = $1 AND a.analysis_type = $2 AND a.version = $3 AND a.parameters = $4
            AND a.status IN ('pending', 'running', 'completed') AND NOT a.cancel_requested",
        new.user_id,
        analyses::type_name(new.analysis_type),
        new.version,
        parameters
    )
    .fetch_all(db)
    .await?;
    let having: HashSet<Uuid> = having.into_iter().collect();
    Ok(tracks.iter().copied().filter(|id| !having.contains(id)).collect())
}

/// One batch, or `None` when there is no such row.
///
/// # Errors
/// [`Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<Batch>> {
    let row = sqlx::query_as!(Row, "SELECT id, user_id, analysis_type, version, parameters, skipped_count, created_at FROM analysis_batches WHERE id = $1", id)
        .fetch_optional(&mut *db)
        .await?;
    let mut batches = with_counts(db, row.into_iter().collect()).await?;
    Ok(batches.pop())
}

/// A person's batches, newest first; `before` is the `(created_at, id)` of the last one on the page before.
///
/// # Errors
/// [`Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    user_id: Uuid,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Batch>> {
    let (created_at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, user_id, analysis_type, version, parameters, skipped_count, created_at FROM analysis_batches
          WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
          ORDER BY created_at DESC, id DESC LIMIT $4",
        user_id,
        created_at,
        id,
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    with_counts(db, rows).await
}

/// Asks for every analysis of a batch to stop that has not ended, some thousands in a transaction: those that wait end at
/// once, those that run are told. Returns how many there were.
///
/// # Errors
/// [`Error::Database`]; what was cancelled before stays so.
pub async fn cancel(pool: &PgPool, id: Uuid) -> Result<u64> {
    let mut cancelled = 0;
    loop {
        let mut tx = pool.begin().await?;
        // Tracks first, as everywhere.
        let tracks = sqlx::query_scalar!(
            "SELECT id FROM reference_tracks
              WHERE id IN (SELECT track_id FROM track_analyses
                            WHERE batch_id = $1 AND status IN ('pending', 'running') AND NOT cancel_requested
                            LIMIT $2)
              ORDER BY id FOR NO KEY UPDATE",
            id,
            CANCELLED_AT_ONCE
        )
        .fetch_all(&mut *tx)
        .await?;
        if tracks.is_empty() {
            return Ok(cancelled);
        }
        cancelled += cancel_of(&mut tx, id, &tracks).await?;
        tx.commit().await?;
    }
}

/// Asks the batch's analyses of `tracks` to stop, which the caller holds. What an attempt that failed for now left of the
/// waiting ones goes, and tracks of which nothing else succeeded or is to come say so.
async fn cancel_of(db: &mut PgConnection, id: Uuid, tracks: &[Uuid]) -> Result<u64> {
    let asked = sqlx::query!(
        r#"WITH asked AS (
               UPDATE track_analyses
                  SET cancel_requested = TRUE, updated_at = now(),
                      status        = CASE status WHEN 'pending' THEN 'error' ELSE status END,
                      completed_at  = CASE status WHEN 'pending' THEN now() ELSE completed_at END,
                      error_kind    = CASE status WHEN 'pending' THEN $3 ELSE error_kind END,
                      error_message = CASE status WHEN 'pending' THEN $4 ELSE error_message END
                WHERE batch_id = $1 AND track_id = ANY ($2) AND status IN ('pending', 'running') AND NOT cancel_requested
               RETURNING id, track_id, status),
           events AS (DELETE FROM analysis_events WHERE analysis_id IN (SELECT id FROM asked WHERE status = 'error')),
           manifests AS (
               DELETE FROM analysis_frame_manifests
                WHERE analysis_id IN (SELECT id FROM asked WHERE status = 'error'))
           SELECT count(*) AS "count!", array_agg(DISTINCT track_id) FILTER (WHERE status = 'error') AS ended
             FROM asked"#,
        id,
        tracks,
        CANCELLED,
        CANCELLED_MESSAGE
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE reference_tracks t SET status = 'error', error_message = $2, updated_at = now()
          WHERE t.id = ANY ($1) AND NOT EXISTS (
                SELECT 1 FROM track_analyses a
                 WHERE a.track_id = t.id AND a.status IN ('completed', 'pending', 'running'))",
        &asked.ended.unwrap_or_default(),
        CANCELLED_MESSAGE
    )
    .execute(db)
    .await?;
    Ok(asked.count.unsigned_abs())
}

struct Row {
    id: Uuid,
    user_id: Uuid,
    analysis_type: String,
    version: String,
    parameters: Value,
    skipped_count: i32,
    created_at: OffsetDateTime,
}

async fn with_counts(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Batch>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let counted = sqlx::query!(
        r#"SELECT batch_id AS "batch_id!",
                  count(*) FILTER (WHERE status = 'pending') AS "pending!",
                  count(*) FILTER (WHERE status = 'running') AS "running!",
                  count(*) FILTER (WHERE status = 'completed') AS "completed!",
                  count(*) FILTER (WHERE status NOT IN ('pending', 'running', 'completed')) AS "error!"
             FROM track_analyses WHERE batch_id = ANY ($1) GROUP BY batch_id"#,
        &ids
    )
    .fetch_all(db)
    .await?;
    let counts = |id: Uuid| {
        let row = counted.iter().find(|row| row.batch_id == id);
        row.map_or_else(Counts::default, |row| Counts {
            pending: row.pending,
            running: row.running,
            completed: row.completed,
            error: row.error,
        })
    };
    let batch = |row: Row| Batch {
        counts: counts(row.id),
        id: row.id,
        user_id: row.user_id,
        analysis_type: row.analysis_type,
        version: row.version,
        parameters: row.parameters,
        skipped_count: row.skipped_count,
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(batch).collect())
}
