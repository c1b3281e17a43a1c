//! The queue in numbers, for operators and their monitoring.

use super::reaper::LEASELESS;
use super::tickets;
use crate::Result;
use sqlx::PgConnection;
use std::time::Duration;

/// Most tickets counted.
const MAX_TICKETS: i64 = 100_000;

/// How many analyses that have not ended there are, and since when they wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of a priority above 0.
    pub high: Depth,
    /// Of priority 0, which is what analyses have unless they were asked for with another.
    pub normal: Depth,
    /// Of a priority below 0.
    pub low: Depth,
    /// Running ones whose lease is over and that nobody has taken from their worker yet.
    pub expired: u64,
    /// Since when the one that has been due longest could have been begun; `None` when none is due.
    pub oldest_due: Option<Duration>,
    /// Tickets that nobody has taken, counted up to 100,000. As many as are in line, more or less.
    pub tickets: u64,
    /// Since when nothing is begun because somebody paused the queue; `None` when it runs.
    pub paused: Option<Duration>,
    /// Since when no worker has put right what others left lying; `None` when none ever has.
    pub looked_after: Option<Duration>,
}

/// Analyses of one class of priority by what they wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due: they wait for a worker alone.
    pub in_line: u64,
    /// Not due yet: a later attempt, or a run that was asked for at a time.
    pub scheduled: u64,
    /// Wait for another analysis of the same audio, whose result they will take.
    pub waiting: u64,
    /// Being worked on.
    pub running: u64,
}

impl Counts {
    /// All classes of priority together.
    #[must_use]
    pub fn total(&self) -> Depth {
        let sum = |of: fn(&Depth) -> u64| of(&self.high) + of(&self.normal) + of(&self.low);
        Depth {
            in_line: sum(|depth| depth.in_line),
            scheduled: sum(|depth| depth.scheduled),
            waiting: sum(|depth| depth.waiting),
            running: sum(|depth| depth.running),
        }
    }
}

/// Counts what has not ended; what has is never looked at, however much there is of it. With 100,000 analyses in line
/// and as many tickets this takes about 60 ms, with few a few milliseconds.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn counts(db: &mut PgConnection) -> Result<Counts> {
    let mut counts = count_analyses(db).await?;
    counts.tickets = unsigned(tickets::waiting(db, MAX_TICKETS).await?);
    let queue = sqlx::query!(
        r#"SELECT extract(epoch FROM now() - paused_at)::float8 AS paused_s,
                  (SELECT extract(epoch FROM now() - max(began_at))::float8 FROM analysis_queue_rounds)
                      AS looked_after_s
             FROM analysis_queue"#
    )
    .fetch_one(db)
    .await?;
    counts.paused = queue.paused_s.map(seconds);
    counts.looked_after = queue.looked_after_s.map(seconds);
    Ok(counts)
}

/// Each branch reads one of the partial indexes of what has not ended.
async fn count_analyses(db: &mut PgConnection) -> Result<Counts> {
    let rows = sqlx::query!(
        r#"SELECT class AS "class!", sum(in_line)::int8 AS "in_line!", sum(scheduled)::int8 AS "scheduled!",
                  sum(waiting)::int8 AS "waiting!", sum(running)::int8 AS "running!", sum(expired)::int8 AS "expired!",
                  extract(epoch FROM now() - min(due_at))::float8 AS oldest_due_s
             FROM (
               SELECT sign(priority) AS class, count(*) AS in_line, 0 AS scheduled, 0 AS waiting, 0 AS running,
                      0 AS expired, min(next_run_at) AS due_at
                 FROM track_analyses WHERE status = 'pending' AND turn IS NOT NULL GROUP BY 1
               UNION ALL
               SELECT sign(priority), count(*) FILTER (WHERE waits_for IS NULL AND next_run_at <= now()),
                      count(*) FILTER (WHERE waits_for IS NULL AND next_run_at > now()),
                      count(*) FILTER (WHERE waits_for IS NOT NULL), 0, 0,
                      min(next_run_at) FILTER (WHERE waits_for IS NULL AND next_run_at <= now())
                 FROM track_analyses WHERE status = 'pending' AND turn IS NULL GROUP BY 1
               UNION ALL
               SELECT sign(priority), 0, 0, 0, count(*), count(*) FILTER (
                      WHERE coalesce(lease_until, updated_at + make_interval(secs => $1)) < now()), NULL
                 FROM track_analyses WHERE status = 'running' GROUP BY 1
             ) AS counted GROUP BY class"#,
        LEASELESS.as_secs_f64()
    )
    .fetch_all(db)
    .await?;
    let mut counts = Counts::default();
    for row in rows {
        let depth = match row.class {
            class if class > 0.0 => &mut counts.high,
            class if class < 0.0 => &mut counts.low,
            _ => &mut counts.normal,
        };
        *depth = Depth {
            in_line: unsigned(row.in_line),
            scheduled: unsigned(row.scheduled),
            waiting: unsigned(row.waiting),
            running: unsigned(row.running),
        };
        counts.expired += unsigned(row.expired);
        counts.oldest_due = counts.oldest_due.max(row.oldest_due_s.map(seconds));
    }
    Ok(counts)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Times of the future, which rows of others may hold, are now.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
