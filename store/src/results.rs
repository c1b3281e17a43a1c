//! The way of a result into the database: chunks as they come, then everything else in one commit.
//!
//! [`begin`] removes what an earlier attempt left, [`append`] stores finished chunks, [`finish`] is the commit point:
//! before it readers see a running analysis, after it a completed one. Every step shows the lease; without it nothing
//! is written.

use crate::queue::{self, Lease};
use crate::{Error, Result};
use analysis_core::events::Event;
use analysis_core::summary::Summary;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// How many times coarser each zoom level is than the one below.
const ZOOM: u32 = analysis_core::config::ZOOM_FACTOR;

/// Most events in one INSERT: keeps a statement's memory in bounds for tracks of many hours.
const EVENTS_PER_INSERT: usize = 10_000;

/// What is known of the frames before the first one is there.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Hop of level 0, in ms.
    pub hop_ms: u32,
    /// Frequency bands in a frame.
    pub bands: usize,
    /// Bytes of a frame.
    pub bytes_per_frame: usize,
    /// Frames in a full chunk.
    pub chunk_frames: usize,
    /// Zoom levels beside level 0.
    pub zoom_levels: u32,
    /// The fields of a frame, as the manifest will have them.
    pub frame_layout: Value,
    /// Version of the analyzer at work.
    pub analyzer_version: String,
}

/// A finished chunk, borrowed from whoever made it.
#[derive(Debug, Clone, Copy)]
pub struct NewChunk<'a> {
    /// Zoom level.
    pub level: u32,
    /// Place within the level.
    pub index: u32,
    /// First frame.
    pub start_frame: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// The bytes, stored as they are: one zstd frame.
    pub bytes: &'a [u8],
}

/// What there is to store when the audio has been read to its end.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// Stored beside the row, for quick access.
    pub summary: &'a Summary,
    /// The manifest document, stored as it is and in columns.
    pub manifest: &'a Value,
    /// In order of time.
    pub events: &'a [Event],
}

/// An attempt that writes.
#[derive(Debug, Clone)]
pub struct Writer {
    lease: Lease,
    hop_ms: u32,
    manifest_ids: Vec<Uuid>,
}

impl Writer {
    /// The lease it writes under.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
}

/// Begins to write: removes what earlier attempts left and makes a provisional manifest row for every level.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`], [`Error::Invalid`] for numbers that the columns cannot hold.
pub async fn begin(pool: &PgPool, lease: &Lease, shape: &Shape) -> Result<Writer> {
    let mut tx = pool.begin().await?;
    queue::hold(&mut tx, lease).await?;
    queue::drop_results(&mut tx, lease.analysis_id).await?;
    let mut manifest_ids = Vec::new();
    for level in 0..=shape.zoom_levels {
        let id = sqlx::query_scalar!(
            "INSERT INTO analysis_frame_manifests
                 (analysis_id, attempt, level, hop_ms, frame_count, duration_ms, sample_rate, bands,
                  bytes_per_frame, frame_layout, analyzer_version, chunk_size_frames, total_chunks)
             VALUES ($1, $2, $3, $4, 0, 0, 0, $5, $6, $7, $8, $9, 0) RETURNING id",
            lease.analysis_id,
            lease.attempt,
            column::<_, i16>("level", level)?,
            column::<_, i32>("hop_ms", level_hop_ms(shape.hop_ms, level)?)?,
            column::<_, i32>("bands", shape.bands)?,
            column::<_, i32>("bytes_per_frame", shape.bytes_per_frame)?,
            shape.frame_layout,
            shape.analyzer_version,
            column::<_, i32>("chunk_frames", shape.chunk_frames)?
        )
        .fetch_one(&mut *tx)
        .await?;
        manifest_ids.push(id);
    }
    tx.commit().await?;
    Ok(Writer { lease: *lease, hop_ms: shape.hop_ms, manifest_ids })
}

/// Stores finished chunks, all or none; a chunk that is stored already stays as it is, so that a write whose answer
/// was lost can be repeated. Readers may see them while the analysis runs.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`], [`Error::Invalid`] for a level that [`begin`] was not told of.
pub async fn append(pool: &PgPool, writer: &Writer, chunks: &[NewChunk<'_>]) -> Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut columns = ChunkColumns::default();
    for chunk in chunks {
        columns.push(writer, chunk)?;
    }
    let mut tx = pool.begin().await?;
    queue::hold(&mut tx, &writer.lease).await?;
    columns.insert(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Chunks column by column, as UNNEST takes them.
#[derive(Default)]
struct ChunkColumns<'a> {
    manifest_ids: Vec<Uuid>,
    indices: Vec<i32>,
    start_frames: Vec<i32>,
    end_frames: Vec<i32>,
    start_times_ms: Vec<i32>,
    end_times_ms: Vec<i32>,
    frame_counts: Vec<i32>,
    bytes: Vec<&'a [u8]>,
}

impl<'a> ChunkColumns<'a> {
    fn push(&mut self, writer: &Writer, chunk: &NewChunk<'a>) -> Result<()> {
        let level = usize::try_from(chunk.level).unwrap_or(usize::MAX);
        let manifest_id = *writer.manifest_ids.get(level).ok_or_else(|| Error::Invalid {
            field: "level",
            reason: format!("{level} is beyond the {} levels announced", writer.manifest_ids.len()),
        })?;
        let hop_ms = u64::from(level_hop_ms(writer.hop_ms, chunk.level)?);
        let start = u64::from(chunk.start_frame);
        let end = start + u64::from(chunk.frame_count);
        self.manifest_ids.push(manifest_id);
        self.indices.push(column("chunk index", chunk.index)?);
        self.start_frames.push(column("start_frame", start)?);
        self.end_frames.push(column("end_frame", end)?);
        self.start_times_ms.push(column("start_time_ms", start * hop_ms)?);
        self.end_times_ms.push(column("end_time_ms", end * hop_ms)?);
        self.frame_counts.push(column("frame_count", chunk.frame_count)?);
        self.bytes.push(chunk.bytes);
        Ok(())
    }

    async fn insert(&self, db: &mut PgConnection) -> Result<()> {
        sqlx::query!(
            "INSERT INTO analysis_frame_data
                 (manifest_id, chunk_index, start_frame, end_frame, start_time_ms, end_time_ms, frame_count,
                  frame_data, compressed, compression_type)
             SELECT *, TRUE, 'zstd' FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[],
                                                $7::int[], $8::bytea[])
             ON CONFLICT (manifest_id, chunk_index) DO NOTHING",
            &self.manifest_ids,
            &self.indices,
            &self.start_frames,
            &self.end_frames,
            &self.start_times_ms,
            &self.end_times_ms,
            &self.frame_counts,
            &self.bytes as &[&[u8]]
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// The commit point: manifests, events, summary, the completed analysis and the ready track, all or none.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`]; [`Error::Invalid`] when the manifest and the stored chunks do not agree
/// or a number does not fit its column.
pub async fn finish(pool: &PgPool, writer: &Writer, finished: &Finished<'_>) -> Result<()> {
    let manifest = ManifestColumns::deserialize(finished.manifest)
        .map_err(|error| Error::Invalid { field: "manifest", reason: error.to_string() })?;
    let lease = &writer.lease;
    let mut tx = pool.begin().await?;
    let held = queue::hold(&mut tx, lease).await?;
    complete_manifests(&mut tx, writer, &manifest).await?;
    insert_events(&mut tx, lease.analysis_id, finished.events).await?;
    let summary = serde_json::to_value(finished.summary)
        .map_err(|error| Error::Invalid { field: "summary", reason: error.to_string() })?;
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'completed', completed_at = now(), updated_at = now(), version = $2, summary = $3,
                manifest = $4, done_ms = $5, total_ms = $5, lease_token = NULL, lease_until = NULL,
                cancel_requested = FALSE, error_kind = NULL, error_message = NULL
          WHERE id = $1",
        lease.analysis_id,
        manifest.analyzer_version,
        summary,
        finished.manifest,
        column::<_, i64>("duration_ms", manifest.duration_ms)?
    )
    .execute(&mut *tx)
    .await?;
    ready_track(&mut tx, held.track_id, finished.summary, manifest.duration_ms).await?;
    queue::close_attempt(&mut tx, lease, "completed", None).await?;
    tx.commit().await?;
    Ok(())
}

/// The part of the manifest document that has columns of its own.
#[derive(Deserialize)]
struct ManifestColumns {
    manifest_version: u32,
    analyzer_version: String,
    duration_ms: u64,
    sample_rate: u32,
    fingerprint: Option<String>,
    levels: Vec<LevelColumns>,
}

#[derive(Deserialize)]
struct LevelColumns {
    level: u32,
    hop_ms: u32,
    frame_count: u64,
    total_chunks: u64,
}

async fn complete_manifests(
    db: &mut PgConnection,
    writer: &Writer,
    manifest: &ManifestColumns,
) -> Result<()> {
    for level in &manifest.levels {
        let place = usize::try_from(level.level).unwrap_or(usize::MAX);
        let Some(id) = writer.manifest_ids.get(place) else {
            return Err(Error::Invalid {
                field: "manifest",
                reason: format!("level {place} was not announced"),
            });
        };
        let stored = sqlx::query!(
            r#"UPDATE analysis_frame_manifests m
                  SET manifest_version = $2, hop_ms = $3, frame_count = $4, duration_ms = $5, sample_rate = $6,
                      fingerprint = $7, analyzer_version = $8, total_chunks = $9
                WHERE id = $1
               RETURNING (SELECT count(*) FROM analysis_frame_data WHERE manifest_id = m.id) AS "chunks!",
                         (SELECT coalesce(sum(frame_count), 0) FROM analysis_frame_data
                           WHERE manifest_id = m.id) AS "frames!""#,
            id,
            column::<_, i32>("manifest_version", manifest.manifest_version)?,
            column::<_, i32>("hop_ms", level.hop_ms)?,
            column::<_, i32>("frame_count", level.frame_count)?,
            column::<_, i32>("duration_ms", manifest.duration_ms)?,
            column::<_, i32>("sample_rate", manifest.sample_rate)?,
            manifest.fingerprint,
            manifest.analyzer_version,
            column::<_, i32>("total_chunks", level.total_chunks)?
        )
        .fetch_one(&mut *db)
        .await?;
        if (u64::try_from(stored.chunks), u64::try_from(stored.frames))
            != (Ok(level.total_chunks), Ok(level.frame_count))
        {
            let reason = format!(
                "level {place} should have {} frames in {} chunks, {} in {} are stored",
                level.frame_count, level.total_chunks, stored.frames, stored.chunks
            );
            return Err(Error::Invalid { field: "manifest", reason });
        }
    }
    // A level announced and not used, as the coarse ones of an audio of a few frames.
    let used: Vec<i16> = manifest.levels.iter().filter_map(|level| i16::try_from(level.level).ok()).collect();
    sqlx::query!(
        "DELETE FROM analysis_frame_manifests WHERE analysis_id = $1 AND level <> ALL ($2)",
        writer.lease.analysis_id,
        &used
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn insert_events(db: &mut PgConnection, analysis_id: Uuid, events: &[Event]) -> Result<()> {
    for part in events.chunks(EVENTS_PER_INSERT) {
        let times: Vec<i32> =
            part.iter().map(|event| column("time_ms", event.time_ms)).collect::<Result<_>>()?;
        let durations: Vec<Option<i32>> = part
            .iter()
            .map(|event| event.duration_ms.map(|ms| column("duration_ms", ms)).transpose())
            .collect::<Result<_>>()?;
        let types: Vec<&str> = part.iter().map(|event| event.event_type.as_str()).collect();
        let confidences: Vec<Option<f32>> = part.iter().map(|event| event.confidence).collect();
        let data: Vec<Option<Value>> = part
            .iter()
            .map(|event| event.event_data.as_ref().and_then(|data| serde_json::to_value(data).ok()))
            .collect();
        sqlx::query!(
            "INSERT INTO analysis_events (analysis_id, time_ms, duration_ms, event_type, confidence, event_data)
             SELECT $1, * FROM UNNEST($2::int[], $3::int[], $4::text[], $5::real[], $6::jsonb[])",
            analysis_id,
            &times,
            &durations as &[Option<i32>],
            &types as &[&str],
            &confidences as &[Option<f32>],
            &data as &[Option<Value>]
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// What was not asked for or not found leaves what the track says as it is: its owner may have written it.
async fn ready_track(
    db: &mut PgConnection,
    track_id: Uuid,
    summary: &Summary,
    duration_ms: u64,
) -> Result<()> {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the column is REAL")]
    let duration_s = (duration_ms as f64 / 1000.0) as f32;
    sqlx::query!(
        "UPDATE reference_tracks
            SET status = 'ready', error_message = NULL, updated_at = now(), duration_seconds = $2,
                bpm = coalesce($3, bpm), key_signature = coalesce($4, key_signature)
          WHERE id = $1",
        track_id,
        duration_s,
        summary.tempo_bpm,
        summary.key.as_ref().map(|key| key.name.as_str())
    )
    .execute(db)
    .await?;
    Ok(())
}

fn level_hop_ms(hop_ms: u32, level: u32) -> Result<u32> {
    ZOOM.checked_pow(level).and_then(|factor| factor.checked_mul(hop_ms)).ok_or_else(|| Error::Invalid {
        field: "level",
        reason: format!("level {level} of a {hop_ms} ms hop is too coarse to be stored"),
    })
}

/// A number as its column holds it.
fn column<T, C: TryFrom<T>>(field: &'static str, value: T) -> Result<C>
where
    T: Copy + std::fmt::Display,
{
    C::try_from(value)
        .map_err(|_| Error::Invalid { field, reason: format!("{value} is more than the column can hold") })
}

/// Whether the attempt under this lease was committed; for one whose answer to [`finish`] was lost on the way.
///
/// # Errors
/// [`Error::Database`].
pub async fn is_committed(pool: &PgPool, lease: &Lease) -> Result<bool> {
    let outcome =
        sqlx::query_scalar!("SELECT outcome FROM track_analysis_attempts WHERE token = $1", lease.token)
            .fetch_optional(pool)
            .await?;
    Ok(outcome.flatten().as_deref() == Some("completed"))
}
