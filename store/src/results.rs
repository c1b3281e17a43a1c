//! The way of a result into the database: chunks as they come, the rest in one commit.
//!
//! [`append`] stores finished chunks, many in one statement; the first time it also removes what an earlier attempt
//! left and announces the levels. [`finish`] is the commit point: before it readers see a running analysis, after it a
//! completed one. A short analysis has no [`append`]: all of it is written by [`finish`]. Every step shows the lease;
//! without it nothing is written.

pub mod reuse;

use crate::queue::{self, Lease};
use crate::{Error, Result};
use analysis_core::chunk::Chunk;
use analysis_core::config::{Config, ZOOM_FACTOR};
use analysis_core::events::Event;
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::Manifest;
use analysis_core::summary::Summary;
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Most events in one INSERT: keeps a statement's memory in bounds for tracks of many hours.
const EVENTS_PER_INSERT: usize = 10_000;

/// What there is to store when the audio has been read to its end.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a, I> {
    /// The chunks that were not appended yet.
    pub chunks: &'a [Chunk],
    /// Stored beside the row, for quick access.
    pub summary: &'a Summary,
    /// Stored as a document, and in columns.
    pub manifest: &'a Manifest,
    /// In order of time. Taken a few thousand at a time: a track of many hours has half a million.
    pub events: I,
}

/// An attempt that writes.
#[derive(Debug)]
pub struct Writer {
    lease: Lease,
    levels: LevelColumns,
    hop_ms: u32,
    /// Whether the levels are announced. Set when that is committed: a write whose answer was lost is repeated whole.
    announced: AtomicBool,
}

impl Writer {
    /// Writes nothing yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for numbers that the columns cannot hold.
    pub fn new(lease: &Lease, config: &Config) -> Result<Self> {
        let levels = LevelColumns::new(config)?;
        Ok(Self { lease: *lease, levels, hop_ms: config.hop_ms, announced: AtomicBool::new(false) })
    }

    /// The lease it writes under.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    fn manifest_id(&self, level: u32) -> Result<Uuid> {
        let place = usize::try_from(level).unwrap_or(usize::MAX);
        self.levels.manifest_ids.get(place).copied().ok_or_else(|| Error::Invalid {
            field: "level",
            reason: format!("{level} is beyond the {} levels announced", self.levels.manifest_ids.len()),
        })
    }

    /// Removes what earlier attempts left and makes a provisional manifest row for every level, once.
    async fn announce(&self, db: &mut PgConnection) -> Result<()> {
        if self.announced.load(Ordering::Relaxed) {
            return Ok(());
        }
        queue::drop_results(db, self.lease.analysis_id).await?;
        self.levels.insert(db, &self.lease).await
    }

    /// To be called when the transaction that announced is committed.
    fn set_announced(&self) {
        self.announced.store(true, Ordering::Relaxed);
    }
}

/// Stores finished chunks, all or none, in one statement; a chunk that is stored already stays as it is, so that a
/// write whose answer was lost can be repeated. Readers may see them while the analysis runs.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`], [`Error::Invalid`] for a level that the writer was not made for.
pub async fn append(pool: &PgPool, writer: &Writer, chunks: &[Chunk]) -> Result<()> {
    if chunks.is_empty() {
        return Ok(());
    }
    let columns = ChunkColumns::of(writer, chunks)?;
    let mut tx = pool.begin().await?;
    queue::hold(&mut tx, &writer.lease).await?;
    writer.announce(&mut tx).await?;
    columns.insert(&mut tx).await?;
    tx.commit().await?;
    writer.set_announced();
    Ok(())
}

/// Levels column by column, as UNNEST takes them, and what they have in common.
#[derive(Debug)]
struct LevelColumns {
    manifest_ids: Vec<Uuid>,
    levels: Vec<i16>,
    hops_ms: Vec<i32>,
    bands: i32,
    bytes_per_frame: i32,
    frame_layout: Value,
    chunk_frames: i32,
}

impl LevelColumns {
    fn new(config: &Config) -> Result<Self> {
        let layout = FrameLayout::new(config);
        let mut columns = Self {
            manifest_ids: Vec::new(),
            levels: Vec::new(),
            hops_ms: Vec::new(),
            bands: column("bands", config.bands)?,
            bytes_per_frame: column("bytes_per_frame", layout.bytes_per_frame())?,
            frame_layout: document("frame_layout", &layout)?,
            chunk_frames: column("chunk_frames", config.chunk_frames)?,
        };
        for level in 0..=config.zoom_levels {
            columns.manifest_ids.push(Uuid::new_v4());
            columns.levels.push(column("level", level)?);
            columns.hops_ms.push(column("hop_ms", level_hop_ms(config.hop_ms, level)?)?);
        }
        Ok(columns)
    }

    async fn insert(&self, db: &mut PgConnection, lease: &Lease) -> Result<()> {
        sqlx::query!(
            "INSERT INTO analysis_frame_manifests
                 (id, level, hop_ms, analysis_id, attempt, lease_token, frame_count, duration_ms, sample_rate, bands,
                  bytes_per_frame, frame_layout, analyzer_version, chunk_size_frames, total_chunks)
             SELECT l.id, l.level, l.hop_ms, $4, $5, $6, 0, 0, 0, $7, $8, $9, $10, $11, 0
               FROM UNNEST($1::uuid[], $2::smallint[], $3::int[]) AS l (id, level, hop_ms)",
            &self.manifest_ids,
            &self.levels,
            &self.hops_ms,
            lease.analysis_id,
            lease.attempt,
            lease.token,
            self.bands,
            self.bytes_per_frame,
            self.frame_layout,
            analysis_core::ANALYZER_VERSION,
            self.chunk_frames
        )
        .execute(db)
        .await?;
        Ok(())
    }
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
    fn of(writer: &Writer, chunks: &'a [Chunk]) -> Result<Self> {
        let mut columns = Self::default();
        for chunk in chunks {
            columns.push(writer, chunk)?;
        }
        Ok(columns)
    }

    fn push(&mut self, writer: &Writer, chunk: &'a Chunk) -> Result<()> {
        let hop_ms = u64::from(level_hop_ms(writer.hop_ms, chunk.level)?);
        let start = u64::from(chunk.start_frame);
        let end = start + u64::from(chunk.frame_count);
        self.manifest_ids.push(writer.manifest_id(chunk.level)?);
        self.indices.push(column("chunk index", chunk.index)?);
        self.start_frames.push(column("start_frame", start)?);
        self.end_frames.push(column("end_frame", end)?);
        self.start_times_ms.push(column("start_time_ms", start * hop_ms)?);
        self.end_times_ms.push(column("end_time_ms", end * hop_ms)?);
        self.frame_counts.push(column("frame_count", chunk.frame_count)?);
        self.bytes.push(&chunk.bytes);
        Ok(())
    }

    async fn insert(&self, db: &mut PgConnection) -> Result<()> {
        if self.indices.is_empty() {
            return Ok(());
        }
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

/// The commit point: the last chunks, manifests, events, summary, the completed analysis and the ready track, all or
/// none.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`]; [`Error::Invalid`] when the manifest and the stored chunks do not agree
/// or a number does not fit its column.
pub async fn finish<I>(pool: &PgPool, writer: &Writer, finished: Finished<'_, I>) -> Result<()>
where
    I: Iterator<Item = Event> + Send,
{
    let Finished { chunks, summary, manifest, events } = finished;
    let lease = &writer.lease;
    let chunks = ChunkColumns::of(writer, chunks)?;
    let mut tx = pool.begin().await?;
    let held = queue::hold_with_track(&mut tx, lease).await?;
    writer.announce(&mut tx).await?;
    chunks.insert(&mut tx).await?;
    complete_manifests(&mut tx, writer, manifest).await?;
    insert_events(&mut tx, lease.analysis_id, events).await?;
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'completed', completed_at = now(), updated_at = now(), version = $2, summary = $3,
                manifest = $4, done_ms = $5, total_ms = $5, lease_token = NULL, lease_until = NULL,
                cancel_requested = FALSE, error_kind = NULL, error_message = NULL
          WHERE id = $1",
        lease.analysis_id,
        manifest.analyzer_version,
        document("summary", summary)?,
        document("manifest", manifest)?,
        column::<_, i64>("duration_ms", manifest.duration_ms)?
    )
    .execute(&mut *tx)
    .await?;
    ready_track(&mut tx, held.track_id, summary, manifest.duration_ms).await?;
    queue::close_attempt(&mut tx, lease, "completed", None).await?;
    tx.commit().await?;
    Ok(())
}

async fn complete_manifests(db: &mut PgConnection, writer: &Writer, manifest: &Manifest) -> Result<()> {
    let (mut ids, mut hops_ms, mut frames, mut chunks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for level in &manifest.levels {
        ids.push(writer.manifest_id(level.level)?);
        hops_ms.push(column::<_, i32>("hop_ms", level.hop_ms)?);
        frames.push(column::<_, i32>("frame_count", level.frame_count)?);
        chunks.push(column::<_, i32>("total_chunks", level.total_chunks)?);
    }
    let stored = sqlx::query!(
        r#"UPDATE analysis_frame_manifests m
              SET manifest_version = $5, hop_ms = l.hop_ms, frame_count = l.frames, duration_ms = $6, sample_rate = $7,
                  fingerprint = $8, analyzer_version = $9, total_chunks = l.chunks
             FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[]) AS l (id, hop_ms, frames, chunks)
            WHERE m.id = l.id
           RETURNING m.id,
                     (SELECT count(*) FROM analysis_frame_data WHERE manifest_id = m.id) AS "chunks!",
                     (SELECT coalesce(sum(frame_count), 0) FROM analysis_frame_data
                       WHERE manifest_id = m.id) AS "frames!""#,
        &ids,
        &hops_ms,
        &frames,
        &chunks,
        column::<_, i32>("manifest_version", manifest.manifest_version)?,
        column::<_, i32>("duration_ms", manifest.duration_ms)?,
        column::<_, i32>("sample_rate", manifest.sample_rate)?,
        manifest.fingerprint,
        manifest.analyzer_version
    )
    .fetch_all(&mut *db)
    .await?;
    for (level, id) in manifest.levels.iter().zip(&ids) {
        let row = stored.iter().find(|row| row.id == *id);
        let found = row.map_or((0, 0), |row| (row.chunks, row.frames));
        if found != (i64::from(level.total_chunks), i64::from(level.frame_count)) {
            let (chunks, frames) = found;
            let reason = format!(
                "level {} should have {} frames in {} chunks, {frames} in {chunks} are stored",
                level.level, level.frame_count, level.total_chunks
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

async fn insert_events(
    db: &mut PgConnection,
    analysis_id: Uuid,
    mut events: impl Iterator<Item = Event> + Send,
) -> Result<()> {
    loop {
        let mut columns = EventColumns::default();
        for event in events.by_ref().take(EVENTS_PER_INSERT) {
            columns.push(event)?;
        }
        if columns.ids.is_empty() {
            return Ok(());
        }
        columns.insert(db, analysis_id).await?;
    }
}

/// Events column by column, as UNNEST takes them.
#[derive(Default)]
struct EventColumns {
    ids: Vec<Uuid>,
    times_ms: Vec<i32>,
    durations_ms: Vec<Option<i32>>,
    types: Vec<&'static str>,
    confidences: Vec<Option<f32>>,
    data: Vec<Option<Value>>,
}

impl EventColumns {
    fn push(&mut self, event: Event) -> Result<()> {
        // Rising in the order of their making: events at the same time are read back in the engine's order.
        self.ids.push(Uuid::now_v7());
        self.times_ms.push(column("time_ms", event.time_ms)?);
        self.durations_ms.push(event.duration_ms.map(|ms| column("duration_ms", ms)).transpose()?);
        self.types.push(event.event_type.as_str());
        self.confidences.push(event.confidence);
        self.data.push(event.event_data.map(|data| document("event_data", &data)).transpose()?);
        Ok(())
    }

    async fn insert(&self, db: &mut PgConnection, analysis_id: Uuid) -> Result<()> {
        sqlx::query!(
            "INSERT INTO analysis_events
                 (analysis_id, id, time_ms, duration_ms, event_type, confidence, event_data)
             SELECT $1, * FROM UNNEST($2::uuid[], $3::int[], $4::int[], $5::text[], $6::real[], $7::jsonb[])",
            analysis_id,
            &self.ids,
            &self.times_ms,
            &self.durations_ms as &[Option<i32>],
            &self.types as &[&str],
            &self.confidences as &[Option<f32>],
            &self.data as &[Option<Value>]
        )
        .execute(db)
        .await?;
        Ok(())
    }
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
    ZOOM_FACTOR.checked_pow(level).and_then(|factor| factor.checked_mul(hop_ms)).ok_or_else(|| {
        Error::Invalid {
            field: "level",
            reason: format!("level {level} of a {hop_ms} ms hop is too coarse to be stored"),
        }
    })
}

/// A value as its JSON text reads. Through text, because a number that is an `f32` would otherwise be stored with the
/// digits of the `f64` it becomes, and not read as the command prints it.
fn document<T: Serialize>(field: &'static str, value: &T) -> Result<Value> {
    let value = serde_json::to_string(value).and_then(|text| serde_json::from_str(&text));
    value.map_err(|error| Error::Invalid { field, reason: error.to_string() })
}

/// A number as its column holds it.
fn column<T, C: TryFrom<T>>(field: &'static str, value: T) -> Result<C>
where
    T: Copy + std::fmt::Display,
{
    C::try_from(value)
        .map_err(|_| Error::Invalid { field, reason: format!("{value} is more than the column can hold") })
}

/// Whether the attempt under this lease was committed; for one whose answer to [`finish`] or [`reuse::copy`] was lost on the way.
///
/// # Errors
/// [`Error::Database`].
pub async fn is_committed(pool: &PgPool, lease: &Lease) -> Result<bool> {
    let outcome =
        sqlx::query_scalar!("SELECT outcome FROM track_analysis_attempts WHERE token = $1", lease.token)
            .fetch_optional(pool)
            .await?;
    Ok(matches!(outcome.flatten().as_deref(), Some("completed" | "reused")))
}
