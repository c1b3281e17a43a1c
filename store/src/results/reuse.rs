//! A result that was made already: the same audio, analysed by the same version with the same parameters, gives the same
//! bytes, whoever it belongs to. So it is copied, not made again.
//!
//! A copy and not a reference: each analysis keeps rows of its own, as the platform's tables have them, and lives and dies
//! with its own track. Nothing of the other's track (names, owner, what they wrote) is copied or shown; `reused_from` is
//! for operators, and names the analysis that was made, also where the copy was taken of a copy.

use super::ready_track;
use crate::analyses::{self, Parameters};
use crate::queue::{self, Lease};
use crate::{Error, Result};
use analysis_core::config::AnalysisType;
use analysis_core::summary::Summary;
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What there is of the same audio, version and parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// A completed analysis: [`copy`] its result.
    Completed(Uuid),
    /// One that runs, and began before: [`queue::wait_for`] it.
    Running(Uuid),
    /// Nothing: analyse.
    None,
}

/// Looks for an analysis of the same audio by this version of the analyzer.
///
/// `content_sha256` is the audio file's checksum in hex. A completed result counts if it was itself made of a file with
/// that checksum, a running one if its track's file was uploaded with it. Of two that began at the same instant neither may
/// see the other: then both are made.
///
/// # Errors
/// [`Error::Database`].
pub async fn find(
    pool: &PgPool,
    lease: &Lease,
    content_sha256: &str,
    analysis_type: AnalysisType,
    parameters: &Parameters,
) -> Result<Twin> {
    let (analysis_type, parameters) = (analyses::type_name(analysis_type), parameters.stored());
    let completed = sqlx::query_scalar!(
        "SELECT a.id FROM analysis_frame_manifests m JOIN track_analyses a ON a.id = m.analysis_id
          WHERE m.fingerprint = 'sha256:' || $1::text AND m.level = 0 AND m.attempt IS NOT NULL
            AND a.status = 'completed' AND a.analysis_type = $2 AND a.parameters = $3 AND a.version = $4
            AND a.summary IS NOT NULL AND a.manifest IS NOT NULL AND a.total_ms IS NOT NULL
          LIMIT 1",
        content_sha256,
        analysis_type,
        parameters,
        analysis_core::ANALYZER_VERSION
    )
    .fetch_optional(pool)
    .await?;
    if let Some(completed) = completed {
        return Ok(Twin::Completed(completed));
    }
    let running = sqlx::query_scalar!(
        "SELECT a.id FROM track_analyses a JOIN reference_tracks t ON t.id = a.track_id
          WHERE a.status = 'running' AND a.lease_until > now() AND NOT a.cancel_requested AND a.id <> $1
            AND t.content_sha256 = $2 AND a.analysis_type = $3 AND a.parameters = $4
            AND coalesce(arsis_version_number(a.version) <= arsis_version_number($5), TRUE)
            AND (a.started_at, a.id) < (SELECT started_at, id FROM track_analyses WHERE id = $1)
          LIMIT 1",
        lease.analysis_id,
        content_sha256,
        analysis_type,
        parameters,
        analysis_core::ANALYZER_VERSION
    )
    .fetch_optional(pool)
    .await?;
    Ok(running.map_or(Twin::None, Twin::Running))
}

/// The commit point of an analysis that takes the result of another: a copy of it, the completed analysis and the ready
/// track, all or none. `false` when the other's result is gone or about to go: then nothing was written.
///
/// # Errors
/// [`Error::LeaseLost`], [`Error::Database`]; [`Error::Invalid`] when the other's summary cannot be read.
pub async fn copy(pool: &PgPool, lease: &Lease, from: Uuid) -> Result<bool> {
    let mut tx = pool.begin().await?;
    let held = queue::hold_with_track(&mut tx, lease).await?;
    // Locked, so that it stays whole; not waited for, so that nobody waits in a circle.
    let source = sqlx::query!(
        r#"SELECT version, summary AS "summary!", manifest AS "manifest!", total_ms AS "total_ms!",
                  coalesce(reused_from, id) AS "original!"
             FROM track_analyses
            WHERE id = $1 AND status = 'completed' AND summary IS NOT NULL AND manifest IS NOT NULL
              AND total_ms IS NOT NULL
              FOR SHARE SKIP LOCKED"#,
        from
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(source) = source else { return Ok(false) };
    let invalid = |error: serde_json::Error| Error::Invalid { field: "summary", reason: error.to_string() };
    let summary = Summary::deserialize(&source.summary).map_err(invalid)?;
    let duration_ms = u64::try_from(source.total_ms).unwrap_or_default();

    queue::drop_results(&mut tx, lease.analysis_id).await?;
    copy_frames(&mut tx, lease, from).await?;
    copy_events(&mut tx, lease, from).await?;
    sqlx::query!(
        "UPDATE track_analyses
            SET status = 'completed', completed_at = now(), updated_at = now(), version = $2, summary = $3,
                manifest = $4, done_ms = $5, total_ms = $5, reused_from = $6, lease_token = NULL,
                lease_until = NULL, cancel_requested = FALSE, error_kind = NULL, error_message = NULL
          WHERE id = $1",
        lease.analysis_id,
        source.version,
        source.summary,
        source.manifest,
        source.total_ms,
        source.original
    )
    .execute(&mut *tx)
    .await?;
    ready_track(&mut tx, held.track_id, &summary, duration_ms).await?;
    queue::close_attempt(&mut tx, lease, "reused", None).await?;
    tx.commit().await?;
    Ok(true)
}

async fn copy_frames(db: &mut PgConnection, lease: &Lease, from: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO analysis_frame_manifests
             (analysis_id, attempt, lease_token, level, manifest_version, hop_ms, frame_count, duration_ms, sample_rate,
              bands, bytes_per_frame, frame_layout, events, fingerprint, analyzer_version, chunk_size_frames,
              total_chunks)
         SELECT $1, $2, $3, level, manifest_version, hop_ms, frame_count, duration_ms, sample_rate, bands,
                bytes_per_frame, frame_layout, events, fingerprint, analyzer_version, chunk_size_frames, total_chunks
           FROM analysis_frame_manifests WHERE analysis_id = $4 AND attempt IS NOT NULL",
        lease.analysis_id,
        lease.attempt,
        lease.token,
        from
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO analysis_frame_data
             (manifest_id, chunk_index, start_frame, end_frame, start_time_ms, end_time_ms, frame_count, frame_data,
              compressed, compression_type)
         SELECT mine.id, d.chunk_index, d.start_frame, d.end_frame, d.start_time_ms, d.end_time_ms, d.frame_count,
                d.frame_data, d.compressed, d.compression_type
           FROM analysis_frame_manifests mine
           JOIN analysis_frame_manifests theirs ON theirs.analysis_id = $2 AND theirs.level = mine.level
                                               AND theirs.attempt IS NOT NULL
           JOIN analysis_frame_data d ON d.manifest_id = theirs.id
          WHERE mine.analysis_id = $1",
        lease.analysis_id,
        from
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ids rise in the order of the events, as those of [`super::finish`] do: UUIDs of version 7 (RFC 9562, section 5.7) with
/// the event's number where the standard leaves room for a counter.
async fn copy_events(db: &mut PgConnection, lease: &Lease, from: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO analysis_events (analysis_id, id, time_ms, duration_ms, event_type, event_data, confidence)
         SELECT $1,
                (lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint), 12, '0')
                 || '7' || lpad(to_hex((n >> 14) & 4095), 3, '0')
                 || to_hex(8 + ((n >> 12) & 3)) || lpad(to_hex(n & 4095), 3, '0')
                 || right(gen_random_uuid()::text, 12))::uuid,
                time_ms, duration_ms, event_type, event_data, confidence
           FROM (SELECT *, row_number() OVER (ORDER BY time_ms, id) AS n
                   FROM analysis_events WHERE analysis_id = $2) AS theirs",
        lease.analysis_id,
        from
    )
    .execute(db)
    .await?;
    Ok(())
}
