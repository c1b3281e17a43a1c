//! Grids that people had decoded through their corrections: the rows of `beat_grids`, and what they are decoded from.

use crate::frames::{self, Source};
use crate::row_bytes::RowBytes;
use crate::{Error, Result};
use analysis_core::regrid::{GridBeat, MachineBeat, Origin};
use bytes::Bytes;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A grid as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Names the content: another with each decoding.
    pub id: Uuid,
    /// Of which run of the analysis it is: when that was completed.
    pub results_version: OffsetDateTime,
    /// Its beats, rising.
    pub beats: Vec<GridBeat>,
    /// What is said of the whole.
    pub summary: Value,
    /// Through how many corrections it was decoded.
    pub corrections: i32,
    /// When it was decoded.
    pub created_at: OffsetDateTime,
}

/// A grid to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewGrid<'a> {
    /// Of which analysis.
    pub analysis_id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// Of which run of the analysis.
    pub results_version: OffsetDateTime,
    /// Its beats, rising.
    pub beats: &'a [GridBeat],
    /// What is said of the whole.
    pub summary: &'a Value,
    /// Through how many corrections it was decoded.
    pub corrections: i32,
}

/// Columns of beats.
#[derive(Default)]
struct Columns {
    times_ms: Vec<i32>,
    bars: Vec<i32>,
    positions: Vec<i16>,
    confidences: Vec<Option<f32>>,
    origins: Vec<i16>,
}

impl Columns {
    fn of(beats: &[GridBeat]) -> Result<Self> {
        let mut columns = Self::default();
        for beat in beats {
            columns.times_ms.push(column("time_ms", beat.time_ms)?);
            columns.bars.push(column("bar", beat.bar)?);
            columns.positions.push(beat.position.into());
            columns.confidences.push(beat.confidence);
            columns.origins.push(match beat.origin {
                Origin::Machine => 0,
                Origin::Corrected => 1,
                Origin::Inferred => 2,
            });
        }
        Ok(columns)
    }

    /// Columns of unequal length end with the shortest.
    fn beats(self) -> Result<Vec<GridBeat>> {
        let places = self.bars.into_iter().zip(self.positions);
        let said = self.confidences.into_iter().zip(self.origins);
        let beats = self.times_ms.into_iter().zip(places).zip(said);
        let beat = |((time_ms, (bar, position)), (confidence, origin))| {
            let origin = match origin {
                0 => Origin::Machine,
                1 => Origin::Corrected,
                _ => Origin::Inferred,
            };
            Ok(GridBeat {
                time_ms: column("time_ms", time_ms)?,
                bar: column("bar", bar)?,
                position: column("position", position)?,
                confidence,
                origin,
            })
        };
        beats.map(beat).collect()
    }
}

fn column<A: Copy + std::fmt::Display, B: TryFrom<A>>(field: &'static str, value: A) -> Result<B> {
    B::try_from(value).map_err(|_| Error::Invalid { field, reason: format!("{value} does not fit") })
}

/// A person's newest grid of an analysis, whatever run it is of.
///
/// # Errors
/// [`Error::Database`], [`Error::Invalid`] for a row that nobody of ours wrote.
pub async fn get(db: &mut PgConnection, analysis_id: Uuid, user_id: Uuid) -> Result<Option<Grid>> {
    let row = sqlx::query!(
        r#"SELECT id, results_version, times_ms, bars, positions, confidences AS "confidences: Vec<Option<f32>>",
                  origins, summary, corrections, created_at
             FROM beat_grids WHERE analysis_id = $1 AND user_id = $2"#,
        analysis_id,
        user_id
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns {
        times_ms: row.times_ms,
        bars: row.bars,
        positions: row.positions,
        confidences: row.confidences,
        origins: row.origins,
    };
    Ok(Some(Grid {
        id: row.id,
        results_version: row.results_version,
        beats: columns.beats()?,
        summary: row.summary,
        corrections: row.corrections,
        created_at: row.created_at,
    }))
}

/// Which grid is a person's newest of an analysis, and of which run: its id changes with its content.
///
/// # Errors
/// [`Error::Database`].
pub async fn newest(
    db: &mut PgConnection,
    analysis_id: Uuid,
    user_id: Uuid,
) -> Result<Option<(Uuid, OffsetDateTime)>> {
    let row = sqlx::query!(
        "SELECT id, results_version FROM beat_grids WHERE analysis_id = $1 AND user_id = $2",
        analysis_id,
        user_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.results_version)))
}

/// A person's newest grid of these results, as events and exports show it in place of the machine's beats; `None` where
/// there is none, or it is of results that were replaced.
///
/// # Errors
/// As [`get`].
pub async fn of_results(
    db: &mut PgConnection,
    analysis_id: Uuid,
    user_id: Uuid,
    completed_at: OffsetDateTime,
) -> Result<Option<Grid>> {
    Ok(get(db, analysis_id, user_id).await?.filter(|grid| grid.results_version == completed_at))
}

/// Puts a person's newest grid in place of the one before; gives its id and when. `None` when the results that it is of
/// were replaced meanwhile: nothing is written then.
///
/// # Errors
/// [`Error::Database`]; [`Error::Invalid`] for a number that its column cannot hold.
pub async fn put(db: &mut PgConnection, new: &NewGrid<'_>) -> Result<Option<(Uuid, OffsetDateTime)>> {
    let columns = Columns::of(new.beats)?;
    let row = sqlx::query!(
        "INSERT INTO beat_grids
             (analysis_id, user_id, id, results_version, times_ms, bars, positions, confidences, origins, summary,
              corrections)
         SELECT a.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
           FROM track_analyses a WHERE a.id = $1 AND a.status = 'completed' AND a.completed_at = $4 FOR SHARE
         ON CONFLICT (analysis_id, user_id) DO UPDATE SET
              id = excluded.id, results_version = excluded.results_version, times_ms = excluded.times_ms,
              bars = excluded.bars, positions = excluded.positions, confidences = excluded.confidences,
              origins = excluded.origins, summary = excluded.summary, corrections = excluded.corrections,
              created_at = now()
         RETURNING id, created_at",
        new.analysis_id,
        new.user_id,
        Uuid::now_v7(),
        new.results_version,
        &columns.times_ms,
        &columns.bars,
        &columns.positions,
        &columns.confidences as &[Option<f32>],
        &columns.origins,
        new.summary,
        new.corrections
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.created_at)))
}

/// Removes a person's grid of an analysis; whether there was one.
///
/// # Errors
/// [`Error::Database`].
pub async fn delete(db: &mut PgConnection, analysis_id: Uuid, user_id: Uuid) -> Result<bool> {
    let done =
        sqlx::query!("DELETE FROM beat_grids WHERE analysis_id = $1 AND user_id = $2", analysis_id, user_id)
            .execute(db)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// What a grid is decoded from, beside the frames.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Of which results.
    pub source: Source,
    /// The machine's beats, rising.
    pub beats: Vec<MachineBeat>,
    /// The summary of the analysis as it was stored.
    pub summary: Option<Value>,
    /// The manifest of the analysis as it was stored.
    pub manifest: Option<Value>,
}

/// What a grid of an analysis is decoded from; `None` when there is no such analysis. One that is not completed has
/// neither beats nor summary.
///
/// # Errors
/// [`Error::Database`], [`Error::Invalid`] for events that no engine wrote.
pub async fn ground(db: &mut PgConnection, analysis_id: Uuid) -> Result<Option<Ground>> {
    let Some(source) = frames::source(db, analysis_id).await? else { return Ok(None) };
    let row = sqlx::query!(
        "SELECT summary, manifest FROM track_analyses WHERE id = $1 AND status = 'completed'",
        analysis_id
    )
    .fetch_optional(&mut *db)
    .await?;
    let (summary, manifest) = row.map_or((None, None), |row| (row.summary, row.manifest));
    let rows = sqlx::query!(
        r#"SELECT e.time_ms, e.confidence, (e.event_data->>'bar')::int AS bar,
                  (e.event_data->>'position')::smallint AS position
             FROM analysis_events e JOIN track_analyses a ON a.id = e.analysis_id
            WHERE e.analysis_id = $1 AND a.status = 'completed' AND e.event_type = 'beat'
            ORDER BY e.time_ms, e.id"#,
        analysis_id
    )
    .fetch_all(db)
    .await?;
    let beat = |row: (i32, Option<f32>, Option<i32>, Option<i16>)| {
        let (time_ms, confidence, bar, position) = row;
        Ok(MachineBeat {
            time_ms: column("time_ms", time_ms)?,
            bar: column("bar", bar.unwrap_or(1))?,
            position: column("position", position.unwrap_or(1))?,
            confidence,
        })
    };
    let beats = rows.into_iter().map(|row| beat((row.time_ms, row.confidence, row.bar, row.position)));
    Ok(Some(Ground { source, beats: beats.collect::<Result<_>>()?, summary, manifest }))
}

/// Stored chunks of the finest level, in order, from `after_index` on, at most `limit`, of the run completed at
/// `completed_at`: each with its place.
///
/// # Errors
/// [`Error::Database`].
pub async fn chunks(
    db: &mut PgConnection,
    analysis_id: Uuid,
    completed_at: OffsetDateTime,
    after_index: i32,
    limit: i64,
) -> Result<Vec<(i32, Bytes)>> {
    let rows = sqlx::query!(
        r#"SELECT d.chunk_index, d.frame_data AS "bytes: RowBytes"
             FROM analysis_frame_data d
             JOIN analysis_frame_manifests m ON m.id = d.manifest_id
             JOIN track_analyses a ON a.id = m.analysis_id
            WHERE m.analysis_id = $1 AND m.level = 0 AND a.status = 'completed' AND a.completed_at = $2
              AND d.chunk_index > $3
            ORDER BY d.chunk_index LIMIT $4"#,
        analysis_id,
        completed_at,
        after_index,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.chunk_index, Bytes::from(row.bytes))).collect())
}
