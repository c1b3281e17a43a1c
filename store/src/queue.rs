//! Who works on what: claims, leases, retries and rescue of analyses.
//!
//! The row of `track_analyses` is the truth; see [`crate::analyses`] for its states. A claim gives a worker the row
//! under a lease: a token, valid until `lease_until`, which every write of the worker must show. Whoever loses the
//! lease (it expired and was taken over, the analysis was deleted) changes nothing any more, however late it wakes.
//! Jobs are therefore started at least once and committed at most once.
//!
//! | the attempt | becomes | counts as an attempt | by |
//! |---|---|---|---|
//! | succeeds | `completed` | yes | [`crate::results::finish`] |
//! | fails for good | `error` | yes | [`fail`] |
//! | fails for now | `pending`, later; `error` when out of attempts | yes | [`fail`] |
//! | is cancelled | `error`, kind `cancelled` | yes | [`release`] |
//! | fails for now or is handed back after a cancel | `error`, kind `cancelled` | yes | [`fail`], [`release`] |
//! | is handed back at shutdown | `pending`, at once | no | [`release`] |
//! | cannot be made here and now | `pending`, later | no | [`snooze`] |
//! | would repeat what another is at | `pending`, until that one ends | no | [`wait_for`] |
//! | finds the result made already | `completed`, with a copy of it | yes | [`crate::results::reuse`] |
//! | dies without a word | `pending`; `error` when out of attempts | yes | [`reaper::reap`] |
//!
//! A pending row stands in line, with a `turn`, or waits beside it: for its time or for another analysis ([`reaper`] lets
//! it into the line then). Turns are given by the database when a row is inserted, fair among the owners of tracks.
//!
//! Tickets ([`tickets`]) only say that there is work; which work is decided by the claim. A ticket too many finds
//! nothing to do; a missing one is made by the reaper. `docs/QUEUE.md` tells all of it.

pub mod announcements;
mod endings;
pub mod estimate;
pub mod gauges;
pub mod inspect;
pub mod operate;
pub mod overview;
pub mod pause;
pub mod reaper;
pub mod tickets;

use crate::{Error, Result};
use serde_json::Value;
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

pub use endings::{Released, fail, previous_failure, release, snooze, wait_for};
pub(crate) use endings::{close_attempt, drop_results, settle_track_after_failure};
pub use tickets::enqueue;

/// Wait before the second attempt; each further one waits [`BACKOFF_FACTOR`] times as long, up to [`BACKOFF_MAX`].
pub const BACKOFF_BASE: Duration = Duration::from_secs(5);

/// How many times longer each wait is than the one before. With 8 attempts, which is what a row has by default, a
/// storage or database may be away for half an hour before analyses end in error.
pub const BACKOFF_FACTOR: u32 = 3;

/// Longest wait between two attempts, before jitter.
pub const BACKOFF_MAX: Duration = Duration::from_secs(600);

/// The right to work on an analysis. Only the claim makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Of which analysis.
    pub analysis_id: Uuid,
    /// The fence: rows change only for the holder of the current token.
    pub token: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: i32,
}

/// A leased analysis and what is needed to begin it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// How many attempts there may be.
    pub max_attempts: i32,
    /// The track.
    pub track_id: Uuid,
    /// What to compute, as stored: rows may come from others.
    pub analysis_type: String,
    /// In which shape, as stored.
    pub parameters: Value,
    /// Where the audio is stored.
    pub r2_key: String,
    /// The audio's type as its uploader named it.
    pub mime_type: String,
    /// The track's name.
    pub track_name: String,
    /// From when it was due to the claim.
    pub waited: Duration,
    /// SHA-256 of the audio file in hex; unknown for tracks that others inserted.
    pub content_sha256: Option<String>,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Audio analysed, in ms.
    pub done_ms: u64,
    /// Length of the audio, in ms, where the file says it.
    pub total_ms: Option<u64>,
}

/// What [`renew`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Renewal {
    /// The lease is good for another while.
    Renewed {
        /// Someone asked for the analysis to stop: stop, and say so with [`release`].
        cancel_requested: bool,
    },
    /// The lease is someone else's now, or the analysis is gone: stop, and write nothing.
    Lost,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// Machine-readable cause, e.g. `unsupported_codec`.
    pub kind: &'a str,
    /// For a person.
    pub message: &'a str,
    /// The whole chain of causes, for an operator.
    pub cause: &'a str,
    /// Another attempt would fail alike.
    pub permanent: bool,
}

/// What became of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There will be another attempt.
    Retrying {
        /// After this long.
        after: Duration,
    },
    /// The analysis ended in `error`.
    Failed,
    /// There would have been another attempt, had nobody asked for the analysis to stop: it ended as cancelled.
    Cancelled,
}

/// Leases the analysis that should run next to `worker`, for `lease_for`; `None` when there is nothing to do.
///
/// Higher priorities come first, then turns. What asks for a later version of the analyzer than this one is left to
/// workers that have it, and nothing is begun while the queue is paused ([`pause`]).
///
/// No two claims ever hold the same analysis: rows that another claim is taking are skipped, not waited for.
///
/// # Errors
/// [`Error::Database`].
pub async fn claim(pool: &PgPool, worker: &str, lease_for: Duration) -> Result<Option<Claim>> {
    let row = sqlx::query!(
        r#"WITH due AS (
               SELECT id FROM track_analyses
                WHERE status = 'pending' AND turn IS NOT NULL AND next_run_at <= now() AND attempt < max_attempts
                  AND coalesce(arsis_version_number(version) <= arsis_version_number($3), TRUE)
                  AND NOT EXISTS (SELECT 1 FROM analysis_queue WHERE paused_at IS NOT NULL)
                ORDER BY priority DESC, turn, next_run_at, id LIMIT 1
                  FOR UPDATE SKIP LOCKED),
           claimed AS (
               UPDATE track_analyses a
                  SET status = 'running', attempt = a.attempt + 1, lease_token = gen_random_uuid(),
                      lease_until = now() + $1, worker = $2, started_at = now(), completed_at = NULL,
                      done_ms = 0, total_ms = NULL, error_kind = NULL, error_message = NULL,
                      summary = NULL, manifest = NULL, reused_from = NULL, updated_at = now()
                 FROM due, reference_tracks t
                WHERE a.id = due.id AND t.id = a.track_id
               RETURNING a.id, a.lease_token, a.attempt, a.max_attempts, a.track_id, a.analysis_type,
                         a.parameters, t.r2_key, t.mime_type, t.name, t.content_sha256,
                         now() - a.next_run_at AS waited),
           begun AS (
               INSERT INTO track_analysis_attempts (token, analysis_id, attempt, worker)
               SELECT lease_token, id, attempt, $2 FROM claimed)
           SELECT id, lease_token AS "token!", attempt, max_attempts, track_id, analysis_type, parameters,
                  r2_key, mime_type, name AS track_name, content_sha256,
                  extract(epoch FROM waited)::float8 AS "waited_s!"
             FROM claimed"#,
        interval(lease_for),
        worker,
        analysis_core::ANALYZER_VERSION
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claim {
        lease: Lease { analysis_id: row.id, token: row.token, attempt: row.attempt },
        max_attempts: row.max_attempts,
        track_id: row.track_id,
        analysis_type: row.analysis_type,
        parameters: row.parameters,
        r2_key: row.r2_key,
        mime_type: row.mime_type,
        track_name: row.track_name,
        waited: Duration::try_from_secs_f64(row.waited_s).unwrap_or_default(),
        content_sha256: row.content_sha256,
    }))
}

/// Extends the lease to `lease_for` from now and publishes the progress.
///
/// # Errors
/// [`Error::Database`]; the lease may still be good: try again before it expires.
pub async fn renew(pool: &PgPool, lease: &Lease, progress: Progress, lease_for: Duration) -> Result<Renewal> {
    let row = sqlx::query!(
        "UPDATE track_analyses
            SET lease_until = now() + $3, done_ms = $4, total_ms = $5, updated_at = now()
          WHERE id = $1 AND lease_token = $2 AND status = 'running'
          RETURNING cancel_requested",
        lease.analysis_id,
        lease.token,
        interval(lease_for),
        i64::try_from(progress.done_ms).unwrap_or(i64::MAX),
        progress.total_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX))
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map_or(Renewal::Lost, |row| Renewal::Renewed { cancel_requested: row.cancel_requested }))
}

/// Locks a track for the rest of the transaction. Whoever locks a track and its analyses takes the track first, as
/// deleting a track does: so nobody waits in a circle, and what is decided about a track from all of its analyses is
/// decided by one at a time.
pub(crate) async fn lock_track(db: &mut PgConnection, track_id: Uuid) -> Result<()> {
    sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM reference_tracks WHERE id = $1 FOR NO KEY UPDATE"#,
        track_id
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// [`lock_track`] by one of the track's analyses.
pub(crate) async fn lock_track_of(db: &mut PgConnection, analysis_id: Uuid) -> Result<()> {
    sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM reference_tracks
            WHERE id = (SELECT track_id FROM track_analyses WHERE id = $1) FOR NO KEY UPDATE"#,
        analysis_id
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// [`hold`] for what also writes the track.
pub(crate) async fn hold_with_track(db: &mut PgConnection, lease: &Lease) -> Result<Held> {
    lock_track_of(db, lease.analysis_id).await?;
    hold(db, lease).await
}

/// Locks the analysis for the rest of the transaction, if the lease still holds.
///
/// # Errors
/// [`Error::LeaseLost`] when it does not, [`Error::Database`].
pub(crate) async fn hold(db: &mut PgConnection, lease: &Lease) -> Result<Held> {
    let row = sqlx::query!(
        "SELECT track_id, max_attempts, cancel_requested FROM track_analyses
          WHERE id = $1 AND lease_token = $2 AND status = 'running' FOR UPDATE",
        lease.analysis_id,
        lease.token
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::LeaseLost { analysis_id: lease.analysis_id })?;
    Ok(Held {
        track_id: row.track_id,
        max_attempts: row.max_attempts,
        cancel_requested: row.cancel_requested,
    })
}

/// What [`hold`] read.
pub(crate) struct Held {
    pub(crate) track_id: Uuid,
    pub(crate) max_attempts: i32,
    /// Someone asked for the analysis to stop: it must not come back.
    pub(crate) cancel_requested: bool,
}

/// A duration for PostgreSQL, to the microsecond.
fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
