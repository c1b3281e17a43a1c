//! What operators see of the queue: analyses, their attempts, workers, failures.

use super::estimate::Observed;
use super::reaper::LEASELESS;
use crate::Result;
use crate::analyses::{self, Status};
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// Kinds of `error` that are no failure: somebody wanted it so.
const WANTED: [&str; 2] = [analyses::CANCELLED, analyses::SUPERSEDED];

/// Which analyses. What is `None` leaves all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub status: Option<Status>,
    /// With this `error_kind`: failed for it, or to be tried again after it.
    pub error_kind: Option<String>,
    /// Of this user's tracks.
    pub owner_id: Option<Uuid>,
    /// Of this track.
    pub track_id: Option<Uuid>,
    /// Of this batch.
    pub batch_id: Option<Uuid>,
    /// Held by this worker, now or last.
    pub worker: Option<String>,
    /// Ended within this long, by the database's clock.
    pub ended_within: Option<Duration>,
    /// Failures alone: in error, and neither cancelled nor superseded.
    pub failures_only: bool,
}

/// A place in [`list`]: `at` and `id` of the last entry seen.
pub type Position = (OffsetDateTime, Uuid);

/// An analysis as operators see it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "columns: docs/SCHEMA.md says what each is for")]
pub struct Entry {
    pub id: Uuid,
    pub track_id: Uuid,
    pub track_name: String,
    pub owner_id: Uuid,
    pub batch_id: Option<Uuid>,
    pub analysis_type: String,
    pub version: String,
    pub status: Status,
    pub priority: i16,
    pub attempt: i32,
    pub max_attempts: i32,
    pub worker: Option<String>,
    pub cancel_requested: bool,
    pub done_ms: Option<i64>,
    pub total_ms: Option<i64>,
    pub error_kind: Option<String>,
    pub error_message: Option<String>,
    /// The chain of causes of the last attempt that ended.
    pub cause: Option<String>,
    pub next_run_at: OffsetDateTime,
    /// The analysis of the same audio that it waits for; `next_run_at` says nothing then.
    pub waits_for: Option<Uuid>,
    pub started_at: Option<OffsetDateTime>,
    pub completed_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// What lists are ordered by: when it ended, or was asked for while it has not.
    pub at: OffsetDateTime,
}

impl Entry {
    /// Its place in [`list`].
    #[must_use]
    pub fn position(&self) -> Position {
        (self.at, self.id)
    }

    /// When it may be begun; `None` unless it waits, and while it waits for another.
    #[must_use]
    pub fn run_at(&self) -> Option<OffsetDateTime> {
        (self.status == Status::Pending && self.waits_for.is_none()).then_some(self.next_run_at)
    }

    /// How far it is, while it runs.
    #[must_use]
    pub fn observed(&self) -> Option<Observed> {
        let Self { started_at, updated_at, done_ms, total_ms, .. } = *self;
        (self.status == Status::Running).then_some(Observed { started_at, updated_at, done_ms, total_ms })
    }
}

/// Analyses, newest first: by when they ended, or were asked for while they have not. Those of one status are read from an
/// index that has them in this order: a statement of its own, so that no plan for all of them is taken for it.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (after_at, after_id) = after.unzip();
    macro_rules! page {
        ($of_status:tt) => {
            sqlx::query_as!(
                Entry,
                r#"WITH page AS (
               SELECT a.*, t.name AS track_name, t.user_id, coalesce(a.completed_at, a.created_at) AS at
                 FROM track_analyses a JOIN reference_tracks t ON t.id = a.track_id
                WHERE "# + $of_status + r#"
                  AND ($2::text IS NULL OR a.error_kind = $2)
                  AND ($3::uuid IS NULL OR t.user_id = $3)
                  AND ($4::uuid IS NULL OR a.track_id = $4)
                  AND ($5::uuid IS NULL OR a.batch_id = $5)
                  AND ($6::text IS NULL OR a.worker = $6)
                  AND ($7::float8 IS NULL OR a.completed_at > now() - make_interval(secs => $7))
                  AND (NOT $11::bool OR a.status = 'error' AND coalesce(a.error_kind, '') <> ALL ($12))
                  AND ($8::timestamptz IS NULL OR (coalesce(a.completed_at, a.created_at), a.id) < ($8, $9))
                ORDER BY at DESC, a.id DESC LIMIT $10)
           SELECT id, track_id, track_name, user_id AS owner_id, batch_id, analysis_type, version,
                  status AS "status: Status", priority, attempt, max_attempts, worker, cancel_requested, done_ms,
                  total_ms, error_kind, error_message, last.cause AS "cause?", next_run_at, waits_for,
                  started_at, completed_at, created_at, updated_at, at AS "at!"
             FROM page
             LEFT JOIN LATERAL (
                  SELECT h.cause FROM track_analysis_attempts h
                   WHERE h.analysis_id = page.id AND h.ended_at IS NOT NULL ORDER BY h.started_at DESC LIMIT 1) last ON TRUE
            ORDER BY at DESC, id DESC"#,
                filter.status.map(Status::as_str),
                filter.error_kind.as_deref(),
                filter.owner_id,
                filter.track_id,
                filter.batch_id,
                filter.worker.as_deref(),
                filter.ended_within.map(|within| within.as_secs_f64()),
                after_at,
                after_id,
                limit,
                filter.failures_only,
                &WANTED.map(str::to_owned)
            )
        };
    }
    let page = match filter.status {
        Some(_) => page!("a.status = $1").fetch_all(db).await?,
        None => page!("$1::text IS NULL").fetch_all(db).await?,
    };
    Ok(page)
}

/// One analysis as operators see it, or `None` when there is no such row.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<Entry>> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT a.id, a.track_id, t.name AS track_name, t.user_id AS owner_id, a.batch_id, a.analysis_type, a.version,
                  a.status AS "status: Status", a.priority, a.attempt, a.max_attempts, a.worker, a.cancel_requested,
                  a.done_ms, a.total_ms, a.error_kind, a.error_message,
                  (SELECT h.cause FROM track_analysis_attempts h
                    WHERE h.analysis_id = a.id AND h.ended_at IS NOT NULL ORDER BY h.started_at DESC LIMIT 1) AS cause,
                  a.next_run_at, a.waits_for, a.started_at, a.completed_at, a.created_at, a.updated_at,
                  coalesce(a.completed_at, a.created_at) AS "at!"
             FROM track_analyses a JOIN reference_tracks t ON t.id = a.track_id
            WHERE a.id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?)
}

/// An attempt at an analysis, begun and perhaps ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which one, from 1; counted afresh after a retry by hand.
    pub attempt: i32,
    /// Who made it.
    pub worker: String,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<OffsetDateTime>,
    /// How: `completed`, `failed`, `retrying`, `released`, `cancelled`, `expired` …
    pub outcome: Option<String>,
    /// Machine-readable cause of a failure.
    pub error_kind: Option<String>,
    /// The failure for a person.
    pub error_message: Option<String>,
    /// The chain of causes, for an operator.
    pub cause: Option<String>,
}

/// The last `limit` attempts at an analysis, newest first.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn attempts(db: &mut PgConnection, analysis_id: Uuid, limit: i64) -> Result<Vec<Attempt>> {
    Ok(sqlx::query_as!(
        Attempt,
        "SELECT attempt, worker, started_at, ended_at, outcome, error_kind, error_message, cause
           FROM track_analysis_attempts WHERE analysis_id = $1 ORDER BY started_at DESC, token LIMIT $2",
        analysis_id,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// A worker that showed a sign of life lately, or holds leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its name: one start of one process.
    pub name: String,
    /// How long ago it was last heard of; `None` for one that only left leases behind.
    pub silent: Option<Duration>,
    /// Analyses that it runs.
    pub running: i64,
}

/// Who works: workers heard of within `within`, and those that hold leases, by name.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn workers(db: &mut PgConnection, within: Duration) -> Result<Vec<Worker>> {
    let listeners = super::tickets::listeners(db, within).await?;
    let busy = sqlx::query!(
        r#"SELECT worker AS "name!", count(*) AS "running!" FROM track_analyses
            WHERE status = 'running' AND worker IS NOT NULL GROUP BY worker"#
    )
    .fetch_all(db)
    .await?;
    let heard = |(name, silent)| Worker { name, silent: Some(silent), running: 0 };
    let mut workers: Vec<Worker> = listeners.into_iter().map(heard).collect();
    for row in busy {
        match workers.iter_mut().find(|worker| worker.name == row.name) {
            Some(worker) => worker.running = row.running,
            None => workers.push(Worker { name: row.name, silent: None, running: row.running }),
        }
    }
    workers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(workers)
}

/// How far those are that a worker works on: not those of workers that went silent.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn at_work(db: &mut PgConnection) -> Result<Vec<Observed>> {
    Ok(sqlx::query_as!(
        Observed,
        "SELECT started_at, updated_at, done_ms, total_ms FROM track_analyses
          WHERE status = 'running' AND coalesce(lease_until, updated_at + make_interval(secs => $1)) >= now()",
        LEASELESS.as_secs_f64()
    )
    .fetch_all(db)
    .await?)
}

/// How often analyses failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// `error_kind`; `unknown` where others wrote none.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// When the last one did.
    pub last_at: OffsetDateTime,
}

/// Analyses that failed within `within`, by kind, the most frequent first. What was cancelled or superseded did not fail.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn failures(db: &mut PgConnection, within: Duration) -> Result<Vec<Failures>> {
    Ok(sqlx::query_as!(
        Failures,
        r#"SELECT coalesce(error_kind, 'unknown') AS "kind!", count(*) AS "count!", max(completed_at) AS "last_at!"
             FROM track_analyses
            WHERE status = 'error' AND completed_at > now() - make_interval(secs => $1)
              AND coalesce(error_kind, '') <> ALL ($2)
            GROUP BY 1 ORDER BY 2 DESC, 1"#,
        within.as_secs_f64(),
        &WANTED.map(str::to_owned)
    )
    .fetch_all(db)
    .await?)
}
