//! Rows of `track_analyses`: one analysis of one track, from the request to the result.
//!
//! The row is the truth about a job. [`crate::queue`] moves it through its life:
//!
//! ```text
//!             ┌──── transient failure, lease expired, handed back ────┐
//!             ▼                                                       │
//! create → pending ──────────── claim ───────────────────────────→ running → completed
//!             │                                                       │
//!             └ cancelled, superseded → error ← permanent, out of attempts, cancelled
//!                                         │
//!             pending ←─ retry ───────────┘
//! ```

use crate::{Result, queue};
use analysis_core::config::{AnalysisType, Config, SampleType};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{PgConnection, Postgres};
use time::OffsetDateTime;
use uuid::Uuid;

/// `error_kind` of an analysis that someone cancelled.
pub const CANCELLED: &str = "cancelled";

/// `error_message` of an analysis that someone cancelled.
pub(crate) const CANCELLED_MESSAGE: &str = "The analysis was cancelled.";

/// `error_kind` of an analysis that waited when one of a later version was asked for in its place.
pub const SUPERSEDED: &str = "superseded";

const SUPERSEDED_MESSAGE: &str = "A newer analysis of the same kind was asked for in its place.";

/// Where an analysis is in its life. The names are those of `track_analyses.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a worker, or for its next attempt.
    Pending,
    /// A worker holds its lease.
    Running,
    /// Its result can be read.
    Completed,
    /// It failed for good, or was cancelled: `error_message` says why.
    Error,
}

impl Status {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
        }
    }

    /// Reads the stored name. A status that we do not know is someone else's: it reads as an error, and
    /// is never changed by us.
    pub(crate) fn from_stored(name: &str) -> Self {
        match name {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "completed" => Self::Completed,
            _ => Self::Error,
        }
    }
}

impl sqlx::Type<Postgres> for Status {
    fn type_info() -> PgTypeInfo {
        <str as sqlx::Type<Postgres>>::type_info()
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Status {
    fn decode(value: PgValueRef<'r>) -> std::result::Result<Self, BoxDynError> {
        Ok(Self::from_stored(<&str as sqlx::Decode<Postgres>>::decode(value)?))
    }
}

/// What can be asked for beside the type; what is absent takes the default of [`Config`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// See [`Config::hop_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_ms: Option<u32>,
    /// See [`Config::bands`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bands: Option<usize>,
    /// See [`Config::sample_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_type: Option<SampleType>,
    /// See [`Config::chunk_frames`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_frames: Option<usize>,
    /// See [`Config::zoom_levels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoom_levels: Option<u32>,
}

impl Parameters {
    /// The same parameters without those that are the default anyway, so that equal ones are stored alike.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let default = Config::default();
        fn unless<T: PartialEq>(given: Option<T>, default: T) -> Option<T> {
            given.filter(|given| *given != default)
        }
        Self {
            hop_ms: unless(self.hop_ms, default.hop_ms),
            bands: unless(self.bands, default.bands),
            sample_type: unless(self.sample_type, default.sample_type),
            chunk_frames: unless(self.chunk_frames, default.chunk_frames),
            zoom_levels: unless(self.zoom_levels, default.zoom_levels),
        }
    }

    /// As `track_analyses.parameters` holds them.
    pub(crate) fn stored(&self) -> Value {
        // Numbers and names: nothing here that JSON could not hold.
        serde_json::to_value(self.canonical()).unwrap_or_default()
    }

    /// Reads `track_analyses.parameters`, which others may have written.
    ///
    /// # Errors
    /// It is no object, has a field that we do not know, or one of another type.
    pub fn from_stored(stored: &Value) -> std::result::Result<Self, serde_json::Error> {
        // Derived code would take an array as well, and its numbers in the order of our fields.
        serde_json::Map::<String, Value>::deserialize(stored)?;
        Self::deserialize(stored)
    }

    /// The configuration that these ask for. Call [`Config::validate`] before using it.
    #[must_use]
    pub fn config(&self, analysis_type: AnalysisType) -> Config {
        let default = Config::default();
        Config {
            analysis_type,
            hop_ms: self.hop_ms.unwrap_or(default.hop_ms),
            bands: self.bands.unwrap_or(default.bands),
            sample_type: self.sample_type.unwrap_or(default.sample_type),
            chunk_frames: self.chunk_frames.unwrap_or(default.chunk_frames),
            zoom_levels: self.zoom_levels.unwrap_or(default.zoom_levels),
            limits: default.limits,
            threads: default.threads,
        }
    }
}

/// What [`create`] writes.
#[derive(Debug, Clone)]
pub struct NewAnalysis<'a> {
    /// Of which track.
    pub track_id: Uuid,
    /// What to compute.
    pub analysis_type: AnalysisType,
    /// In which shape.
    pub parameters: Parameters,
    /// The analyzer's version as known to the caller; the worker writes its own when it is done.
    pub version: &'a str,
    /// Who asked.
    pub requested_by: Option<Uuid>,
    /// Higher runs first. Default 0.
    pub priority: i16,
    /// Not before this moment; `None`: as soon as it is its turn.
    pub run_at: Option<OffsetDateTime>,
}

/// A row of `track_analyses`, without the manifest.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "columns: docs/SCHEMA.md says what each is for")]
pub struct Analysis {
    pub id: Uuid,
    pub track_id: Uuid,
    pub analysis_type: String,
    pub version: String,
    pub status: Status,
    pub started_at: Option<OffsetDateTime>,
    pub completed_at: Option<OffsetDateTime>,
    pub error_kind: Option<String>,
    pub error_message: Option<String>,
    pub summary: Option<Value>,
    pub attempt: i32,
    pub max_attempts: i32,
    pub next_run_at: OffsetDateTime,
    /// The analysis of the same audio that it waits for, whosever it is; `next_run_at` says nothing then.
    pub waits_for: Option<Uuid>,
    pub cancel_requested: bool,
    pub done_ms: Option<i64>,
    pub total_ms: Option<i64>,
    pub parameters: Value,
    pub requested_by: Option<Uuid>,
    pub priority: i16,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// The stored name of an analysis type.
#[must_use]
pub fn type_name(analysis_type: AnalysisType) -> &'static str {
    analysis_type.as_str()
}

/// Reads the stored name of an analysis type; `None` for one that we do not compute.
#[must_use]
pub fn type_from_name(name: &str) -> Option<AnalysisType> {
    let all = [
        AnalysisType::Full,
        AnalysisType::Spectral,
        AnalysisType::Rhythm,
        AnalysisType::Tonal,
        AnalysisType::Structure,
    ];
    all.into_iter().find(|candidate| type_name(*candidate) == name)
}

/// Asks for an analysis: writes a pending row and its ticket, in the caller's transaction, so that neither is there without
/// the other.
///
/// While one of the same track, type, version and parameters waits or runs, there is no second: the one that is there is
/// returned, hurried on if this request has the higher priority or the earlier time. Analyses of the same kind and an
/// earlier version that still wait end as [`SUPERSEDED`].
///
/// # Errors
/// [`crate::Error::Database`], also when the track does not exist.
pub async fn create(db: &mut PgConnection, new: &NewAnalysis<'_>) -> Result<Analysis> {
    queue::lock_track(db, new.track_id).await?;
    let parameters = new.parameters.stored();
    let id = match under_way(db, new, &parameters).await? {
        Some(id) => {
            hurry(db, id, new).await?;
            id
        }
        None => insert(db, new, &parameters).await?,
    };
    if is_in_line(db, id).await? {
        queue::enqueue(db, id).await?;
    }
    Ok(get(db, id).await?.ok_or(sqlx::Error::RowNotFound)?)
}

async fn is_in_line(db: &mut PgConnection, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT status = 'pending' AND turn IS NOT NULL AS "in_line!" FROM track_analyses WHERE id = $1"#,
        id
    )
    .fetch_one(db)
    .await?)
}

async fn under_way(db: &mut PgConnection, new: &NewAnalysis<'_>, parameters: &Value) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM track_analyses
          WHERE track_id = $1 AND analysis_type = $2 AND version = $3 AND parameters = $4
            AND status IN ('pending', 'running') AND NOT cancel_requested
          ORDER BY created_at, id LIMIT 1",
        new.track_id,
        type_name(new.analysis_type),
        new.version,
        parameters
    )
    .fetch_optional(db)
    .await?)
}

/// Takes over the higher priority, and the earlier time unless what it waits for is no time, or a pause after a failure.
async fn hurry(db: &mut PgConnection, id: Uuid, new: &NewAnalysis<'_>) -> Result<()> {
    sqlx::query!(
        "WITH wanted AS (
             SELECT greatest(priority, $2) AS priority,
                    CASE WHEN attempt = 0 AND waits_for IS NULL AND error_kind IS NULL
                         THEN least(next_run_at, greatest(coalesce($3, now()), now())) ELSE next_run_at END AS run_at
               FROM track_analyses WHERE id = $1)
         UPDATE track_analyses a
            SET priority = wanted.priority, next_run_at = wanted.run_at, updated_at = now(),
                turn = CASE WHEN wanted.run_at <= now() AND a.waits_for IS NULL
                            THEN arsis_next_turn(a.owner_id, wanted.priority) END
           FROM wanted
          WHERE a.id = $1 AND a.status = 'pending'
            AND (wanted.priority > a.priority OR wanted.run_at < a.next_run_at AND a.next_run_at > now())",
        id,
        new.priority,
        new.run_at
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn insert(db: &mut PgConnection, new: &NewAnalysis<'_>, parameters: &Value) -> Result<Uuid> {
    let id = sqlx::query_scalar!(
        "INSERT INTO track_analyses
             (track_id, analysis_type, version, parameters, requested_by, priority, next_run_at)
         VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now())) RETURNING id",
        new.track_id,
        type_name(new.analysis_type),
        new.version,
        parameters,
        new.requested_by,
        new.priority,
        new.run_at
    )
    .fetch_one(&mut *db)
    .await?;
    supersede(db, &[new.track_id], new.analysis_type, new.version, parameters).await?;
    Ok(id)
}

/// Ends analyses that wait and that one of a later version replaces. The caller holds the tracks.
pub(crate) async fn supersede(
    db: &mut PgConnection,
    track_ids: &[Uuid],
    analysis_type: AnalysisType,
    version: &str,
    parameters: &Value,
) -> Result<()> {
    sqlx::query!(
        "WITH superseded AS (
             UPDATE track_analyses
                SET status = 'error', error_kind = $5, error_message = $6, completed_at = now(), updated_at = now()
              WHERE track_id = ANY ($1) AND analysis_type = $2 AND parameters = $4 AND status = 'pending'
                AND arsis_version_number(version) < arsis_version_number($3)
             RETURNING id),
         events AS (DELETE FROM analysis_events WHERE analysis_id IN (SELECT id FROM superseded))
         DELETE FROM analysis_frame_manifests WHERE analysis_id IN (SELECT id FROM superseded)",
        track_ids,
        type_name(analysis_type),
        version,
        parameters,
        SUPERSEDED,
        SUPERSEDED_MESSAGE
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One analysis, or `None` when there is no such row.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<Analysis>> {
    Ok(sqlx::query_as!(
        Analysis,
        r#"SELECT id, track_id, analysis_type, version, status AS "status: Status", started_at, completed_at, error_kind, error_message,
                summary, attempt, max_attempts, next_run_at, waits_for, cancel_requested, done_ms, total_ms, parameters,
                requested_by, priority, created_at, updated_at
           FROM track_analyses WHERE id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?)
}

/// A track's analyses, newest first; `before` is the `(created_at, id)` of the last one on the page before.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    track_id: Uuid,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Analysis>> {
    let (created_at, id) = before.unzip();
    Ok(sqlx::query_as!(
        Analysis,
        r#"SELECT id, track_id, analysis_type, version, status AS "status: Status", started_at, completed_at, error_kind, error_message,
                summary, attempt, max_attempts, next_run_at, waits_for, cancel_requested, done_ms, total_ms, parameters,
                requested_by, priority, created_at, updated_at
           FROM track_analyses
          WHERE track_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
          ORDER BY created_at DESC, id DESC LIMIT $4"#,
        track_id,
        created_at,
        id,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// A track's newest completed analysis, of any type or of one.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn latest_completed(
    db: &mut PgConnection,
    track_id: Uuid,
    analysis_type: Option<AnalysisType>,
) -> Result<Option<Analysis>> {
    Ok(sqlx::query_as!(
        Analysis,
        r#"SELECT id, track_id, analysis_type, version, status AS "status: Status", started_at, completed_at, error_kind, error_message,
                summary, attempt, max_attempts, next_run_at, waits_for, cancel_requested, done_ms, total_ms, parameters,
                requested_by, priority, created_at, updated_at
           FROM track_analyses
          WHERE track_id = $1 AND status = 'completed' AND ($2::text IS NULL OR analysis_type = $2)
          ORDER BY completed_at DESC NULLS LAST, id DESC LIMIT 1"#,
        track_id,
        analysis_type.map(type_name)
    )
    .fetch_optional(db)
    .await?)
}

/// Asks for an analysis to stop. A pending one ends at once; the worker of a running one sees the request when it
/// next renews its lease, within about a second. One that has ended stays as it is.
///
/// Returns the status after the request, or `None` when there is no such row. Call it in a transaction.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn request_cancel(db: &mut PgConnection, id: Uuid) -> Result<Option<Status>> {
    queue::lock_track_of(db, id).await?;
    let after = sqlx::query!(
        "UPDATE track_analyses
            SET cancel_requested = TRUE, updated_at = now(),
                status        = CASE status WHEN 'pending' THEN 'error' ELSE status END,
                completed_at  = CASE status WHEN 'pending' THEN now() ELSE completed_at END,
                error_kind    = CASE status WHEN 'pending' THEN $2 ELSE error_kind END,
                error_message = CASE status WHEN 'pending' THEN $3 ELSE error_message END
          WHERE id = $1 AND status IN ('pending', 'running')
          RETURNING status, track_id",
        id,
        CANCELLED,
        CANCELLED_MESSAGE
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(after) = after {
        let status = Status::from_stored(&after.status);
        if status == Status::Error {
            queue::drop_results(db, id).await?; // of an attempt that failed for now
            queue::settle_track_after_failure(db, after.track_id, CANCELLED_MESSAGE).await?;
        }
        return Ok(Some(status));
    }
    let status =
        sqlx::query_scalar!("SELECT status FROM track_analyses WHERE id = $1", id).fetch_optional(db).await?;
    Ok(status.as_deref().map(Status::from_stored))
}

/// Sends a failed or cancelled analysis round again, with fresh attempts. `false` when it is not in error. Call it in
/// a transaction.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn retry(db: &mut PgConnection, id: Uuid) -> Result<bool> {
    queue::lock_track_of(db, id).await?;
    // What else a fresh start means is written once, in the trigger track_analyses_restart.
    let track_id = sqlx::query_scalar!(
        "UPDATE track_analyses SET status = 'pending', updated_at = now()
          WHERE id = $1 AND status = 'error' RETURNING track_id",
        id
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(track_id) = track_id else { return Ok(false) };
    sqlx::query!(
        "UPDATE reference_tracks SET status = 'processing', error_message = NULL, updated_at = now()
          WHERE id = $1 AND status = 'error'",
        track_id
    )
    .execute(&mut *db)
    .await?;
    queue::enqueue(db, id).await?;
    Ok(true)
}
