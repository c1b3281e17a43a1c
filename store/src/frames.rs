//! Reading results: manifest, chunks and events.
//!
//! A completed analysis is read whole. Of a running one the chunks that its current attempt has stored can be read,
//! so that a viewer sees it grow; of any other nothing.
//!
//! What is served often ([`manifest_for`], [`chunk_for`]) is one query: who asks, whose it is, whether it is there, and
//! the bytes, unless the reader has them or may not see them.

use crate::Result;
use crate::analyses::Status;
use crate::row_bytes::RowBytes;
use crate::sessions::{Session, Token};
use analysis_core::events::Event;
use bytes::Bytes;
use serde_json::Value;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

/// A chunk as it is stored: one zstd frame, see docs/FRAME-FORMAT.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// Place within its level.
    pub chunk_index: i32,
    /// First frame.
    pub start_frame: i32,
    /// Number of frames.
    pub frame_count: i32,
    /// Time of the first frame, in ms.
    pub start_time_ms: i32,
    /// Time of the frame after the last one, in ms.
    pub end_time_ms: i32,
    /// The stored bytes.
    pub bytes: Bytes,
}

/// Of what a result is, as of the moment at which it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The track.
    pub track_id: Uuid,
    /// Whose track it is.
    pub owner_id: Uuid,
    /// Of the analysis: only results of a completed one are final.
    pub status: Status,
    /// When the run that the results are of was completed: tells runs of the same analysis apart.
    pub completed_at: Option<OffsetDateTime>,
}

impl Source {
    /// What an outer join gave.
    fn of(
        track_id: Option<Uuid>,
        owner_id: Option<Uuid>,
        status: Option<Status>,
        completed_at: Option<OffsetDateTime>,
    ) -> Option<Self> {
        Some(Self { track_id: track_id?, owner_id: owner_id?, status: status?, completed_at })
    }
}

/// Who asks for a result.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// What they presented.
    pub token: &'a Token,
    /// Whether they may read what is another's: a role grants it.
    pub granted: bool,
}

/// What a [`Reader`] asked for, and who they are.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// Their session, for [`crate::sessions::admit`].
    pub session: Session,
    /// What they asked for; `None` when there is no such analysis.
    pub found: Option<T>,
}

/// A manifest for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFor {
    /// Of what it is.
    pub source: Source,
    /// The document as JSON text, of a completed analysis. Absent when the reader has it, or it is another's.
    pub json: Option<Bytes>,
}

/// A chunk for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkFor {
    /// Of what it is.
    pub source: Source,
    /// Names the stored bytes, which never change: a chunk that takes their place has another id. Absent when there
    /// is no such chunk.
    pub id: Option<Uuid>,
    /// The stored bytes. Absent when there is no such chunk, the reader has it, or it is another's.
    pub bytes: Option<Bytes>,
}

/// What can be told of a level before it is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLevel {
    /// Names the level of this attempt: another attempt's has another.
    pub manifest_id: Uuid,
    /// The engine that computes the values.
    pub analyzer_version: String,
    /// 0 is the finest.
    pub level: i16,
    /// Hop between frames, in ms.
    pub hop_ms: i32,
    /// Frequency bands in a frame.
    pub bands: i32,
    /// Bytes of a frame.
    pub bytes_per_frame: i32,
    /// Frames in a full chunk.
    pub chunk_size_frames: i32,
    /// The fields of a frame.
    pub frame_layout: Value,
    /// Chunks that can be read now; they lie end to end from the first.
    pub stored_chunks: i64,
    /// Frames in them.
    pub stored_frames: i64,
}

/// A row of `analysis_events`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Identifies the row; order of events at the same time.
    pub id: Uuid,
    /// When it happens, in ms.
    pub time_ms: i32,
    /// How long it lasts, in ms.
    pub duration_ms: Option<i32>,
    /// What it is.
    pub event_type: String,
    /// 0 to 1.
    pub confidence: Option<f32>,
    /// Details by type, as JSON text.
    pub event_data: Option<String>,
}

impl TryFrom<StoredEvent> for Event {
    type Error = serde_json::Error;

    /// The event as the engine told it. Fails for a row that no engine wrote.
    fn try_from(row: StoredEvent) -> std::result::Result<Self, serde_json::Error> {
        let ms = |stored: i32| u32::try_from(stored).map_err(serde::de::Error::custom);
        Ok(Self {
            time_ms: ms(row.time_ms)?,
            duration_ms: row.duration_ms.map(ms).transpose()?,
            event_type: serde_json::from_value(Value::String(row.event_type))?,
            confidence: row.confidence,
            event_data: row.event_data.as_deref().map(serde_json::from_str).transpose()?,
        })
    }
}

/// Which events to read.
#[derive(Debug, Clone)]
pub struct EventFilter<'a> {
    /// Only these types; empty: all.
    pub types: &'a [String],
    /// Only events that begin at or after this, in ms.
    pub from_ms: Option<i32>,
    /// Only events that begin before this, in ms.
    pub to_ms: Option<i32>,
    /// Only events after this `(time_ms, id)`: the last one of the page before.
    pub after: Option<(i32, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// What is read in it is as of one moment: results may be replaced between two looks. It is for reading alone; drop it
/// when it is done.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn snapshot(db: &mut PgConnection) -> Result<Transaction<'_, Postgres>> {
    Ok(db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

/// The manifest document of a completed analysis, as it was stored.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn manifest(db: &mut PgConnection, analysis_id: Uuid) -> Result<Option<Value>> {
    let manifest = sqlx::query_scalar!(
        "SELECT manifest FROM track_analyses WHERE id = $1 AND status = 'completed'",
        analysis_id
    )
    .fetch_optional(db)
    .await?;
    Ok(manifest.flatten())
}

/// The levels that can be read, of a completed or a running analysis, finest first.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn levels(db: &mut PgConnection, analysis_id: Uuid) -> Result<Vec<StoredLevel>> {
    Ok(sqlx::query_as!(
        StoredLevel,
        r#"SELECT m.id AS manifest_id, m.analyzer_version, m.level, m.hop_ms, m.bands, m.bytes_per_frame,
                  m.chunk_size_frames, m.frame_layout, d.chunks AS "stored_chunks!", d.frames AS "stored_frames!"
             FROM analysis_frame_manifests m JOIN track_analyses a ON a.id = m.analysis_id,
                  LATERAL (SELECT count(*) AS chunks, coalesce(sum(frame_count), 0) AS frames
                             FROM analysis_frame_data WHERE manifest_id = m.id) AS d
            WHERE m.analysis_id = $1
              AND (a.status = 'completed' OR (a.status = 'running' AND m.lease_token = a.lease_token))
            ORDER BY m.level"#,
        analysis_id
    )
    .fetch_all(db)
    .await?)
}

/// Of what the results of an analysis are, or `None` when there is no such analysis.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn source(db: &mut PgConnection, analysis_id: Uuid) -> Result<Option<Source>> {
    Ok(sqlx::query_as!(
        Source,
        r#"SELECT a.track_id, t.user_id AS owner_id, a.status AS "status: Status", a.completed_at
             FROM track_analyses a JOIN reference_tracks t ON t.id = a.track_id
            WHERE a.id = $1"#,
        analysis_id
    )
    .fetch_optional(db)
    .await?)
}

/// The manifest, if the reader may read it and has not the one of a run completed at one of the times in `known`. `None`
/// when no session has the token.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn manifest_for(
    db: &mut PgConnection,
    reader: Reader<'_>,
    analysis_id: Uuid,
    known: &[OffsetDateTime],
) -> Result<Option<Answer<ManifestFor>>> {
    let row = sqlx::query!(
        r#"SELECT s.session_id AS "session_id!", s.user_id AS "user_id!", s.approved AS "approved!",
                  s.expired AS "expired!", s.stale AS "stale!",
                  t.id AS "track_id?", t.user_id AS "owner_id?", a.status AS "status?: Status", a.completed_at,
                  CASE WHEN (t.user_id = s.user_id OR $3) AND s.approved AND NOT s.expired
                            AND a.status = 'completed' AND (a.completed_at = ANY ($4)) IS NOT TRUE
                       THEN a.manifest::text END AS "json: RowBytes"
             FROM arsis_session($1) s
             LEFT JOIN (track_analyses a JOIN reference_tracks t ON t.id = a.track_id) ON a.id = $2"#,
        reader.token.hash(),
        analysis_id,
        reader.granted,
        known
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let session = Session {
        session_id: row.session_id,
        user_id: row.user_id,
        approved: row.approved,
        expired: row.expired,
        stale: row.stale,
    };
    let source = Source::of(row.track_id, row.owner_id, row.status, row.completed_at);
    let found = source.map(|source| ManifestFor { source, json: row.json.map(Bytes::from) });
    Ok(Some(Answer { session, found }))
}

/// The chunk at a place, if the reader may read it and it is not one of `known`. `None` when no session has the token.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn chunk_for(
    db: &mut PgConnection,
    reader: Reader<'_>,
    analysis_id: Uuid,
    level: i16,
    index: i32,
    known: &[Uuid],
) -> Result<Option<Answer<ChunkFor>>> {
    let row = sqlx::query!(
        r#"SELECT s.session_id AS "session_id!", s.user_id AS "user_id!", s.approved AS "approved!",
                  s.expired AS "expired!", s.stale AS "stale!",
                  t.id AS "track_id?", t.user_id AS "owner_id?", a.status AS "status?: Status", a.completed_at,
                  d.id AS "id?",
                  CASE WHEN (t.user_id = s.user_id OR $5) AND s.approved AND NOT s.expired AND d.id <> ALL ($6)
                       THEN d.frame_data END AS "bytes: RowBytes"
             FROM arsis_session($1) s
             LEFT JOIN (track_analyses a JOIN reference_tracks t ON t.id = a.track_id) ON a.id = $2
             LEFT JOIN (analysis_frame_manifests m
                        JOIN analysis_frame_data d ON d.manifest_id = m.id AND d.chunk_index = $4)
               ON m.analysis_id = a.id AND m.level = $3
              AND (a.status = 'completed' OR (a.status = 'running' AND m.lease_token = a.lease_token))
            LIMIT 1"#,
        reader.token.hash(),
        analysis_id,
        level,
        index,
        reader.granted,
        known
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let session = Session {
        session_id: row.session_id,
        user_id: row.user_id,
        approved: row.approved,
        expired: row.expired,
        stale: row.stale,
    };
    let source = Source::of(row.track_id, row.owner_id, row.status, row.completed_at);
    let found = source.map(|source| ChunkFor { source, id: row.id, bytes: row.bytes.map(Bytes::from) });
    Ok(Some(Answer { session, found }))
}

/// The chunks of a level that hold frames from `from_ms` to before `to_ms`, in order; `after_index` is the last one
/// of the page before.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn chunks_between(
    db: &mut PgConnection,
    analysis_id: Uuid,
    level: i16,
    from_ms: i32,
    to_ms: i32,
    after_index: Option<i32>,
    limit: i64,
) -> Result<Vec<StoredChunk>> {
    Ok(sqlx::query_as!(
        StoredChunk,
        r#"SELECT d.chunk_index, d.start_frame, d.frame_count, d.start_time_ms, d.end_time_ms,
                  d.frame_data AS "bytes: RowBytes"
           FROM analysis_frame_data d
           JOIN analysis_frame_manifests m ON m.id = d.manifest_id
           JOIN track_analyses a ON a.id = m.analysis_id
          WHERE m.analysis_id = $1 AND m.level = $2
            AND (a.status = 'completed' OR (a.status = 'running' AND m.lease_token = a.lease_token))
            AND d.start_time_ms < $4 AND d.end_time_ms > $3 AND d.chunk_index > $5
          ORDER BY d.chunk_index LIMIT $6"#,
        analysis_id,
        level,
        from_ms,
        to_ms,
        after_index.unwrap_or(-1),
        limit
    )
    .fetch_all(db)
    .await?)
}

/// A completed analysis' events in order of time, a page of them.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn events(
    db: &mut PgConnection,
    analysis_id: Uuid,
    filter: &EventFilter<'_>,
) -> Result<Vec<StoredEvent>> {
    let (after_ms, after_id) = filter.after.unzip();
    Ok(sqlx::query_as!(
        StoredEvent,
        "SELECT e.id, e.time_ms, e.duration_ms, e.event_type, e.confidence,
                e.event_data::text AS event_data
           FROM analysis_events e JOIN track_analyses a ON a.id = e.analysis_id
          WHERE e.analysis_id = $1 AND a.status = 'completed'
            AND (cardinality($2::text[]) = 0 OR e.event_type = ANY ($2))
            AND ($3::int IS NULL OR e.time_ms >= $3)
            AND ($4::int IS NULL OR e.time_ms < $4)
            AND ($5::int IS NULL OR (e.time_ms, e.id) > ($5, $6))
          ORDER BY e.time_ms, e.id LIMIT $7",
        analysis_id,
        filter.types,
        filter.from_ms,
        filter.to_ms,
        after_ms,
        after_id,
        filter.limit
    )
    .fetch_all(db)
    .await?)
}

/// [`events`], and of what they are, both as of one moment. `None` when there is no such analysis.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn events_with_source(
    db: &mut PgConnection,
    analysis_id: Uuid,
    filter: &EventFilter<'_>,
) -> Result<Option<(Source, Vec<StoredEvent>)>> {
    let mut tx = snapshot(db).await?;
    let source = source(&mut tx, analysis_id).await?;
    let rows = events(&mut tx, analysis_id, filter).await?;
    tx.commit().await?;
    Ok(source.map(|source| (source, rows)))
}
