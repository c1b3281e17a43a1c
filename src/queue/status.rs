//! `arsis queue status`.

use super::table::{moment, or_dash, span, table};
use anyhow::Result;
use api::queue::views::{FailuresView, QueueEntryView, QueueView, WorkerView};
use api::queue::{FAILURES_WITHIN, WORKERS_WITHIN};
use serde::Serialize;
use std::process::ExitCode;
use store::PgPool;
use store::analyses::Status;
use store::queue::inspect::{self, Entry, Failures, Filter, Worker};
use store::queue::overview::{self, Counts};
use store::queue::pause::{self, Pause};

/// Most running analyses told.
const MOST_RUNNING: i64 = 1000;

/// All there is to say.
struct Seen {
    counts: Counts,
    pause: Option<Pause>,
    running: Vec<Entry>,
    workers: Vec<Worker>,
    failures: Vec<Failures>,
}

/// The API's document, and what runs.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    queue: QueueView,
    running: Vec<QueueEntryView>,
}

pub(crate) async fn run(pool: &PgPool, json: bool) -> Result<ExitCode> {
    let seen = look(pool).await?;
    let text = if json { String::new() } else { text(&seen) };
    super::print(json, &Document::from(seen), || text)?;
    Ok(ExitCode::SUCCESS)
}

async fn look(pool: &PgPool) -> Result<Seen> {
    let mut db = pool.acquire().await?;
    Ok(Seen {
        counts: overview::counts(&mut db).await?,
        pause: pause::paused(&mut db).await?,
        running: running(&mut db).await?,
        workers: inspect::workers(&mut db, WORKERS_WITHIN).await?,
        failures: inspect::failures(&mut db, FAILURES_WITHIN).await?,
    })
}

/// What runs, the newest first.
async fn running(db: &mut store::PgConnection) -> store::Result<Vec<Entry>> {
    let filter = Filter { status: Some(Status::Running), ..Filter::default() };
    inspect::list(db, &filter, None, MOST_RUNNING).await
}

impl From<Seen> for Document {
    fn from(seen: Seen) -> Self {
        let workers = seen.workers.into_iter().map(WorkerView::from).collect();
        let failures = seen.failures.into_iter().map(FailuresView::from).collect();
        Self {
            queue: QueueView::new(&seen.counts, seen.pause, workers, failures),
            running: seen.running.into_iter().map(QueueEntryView::from).collect(),
        }
    }
}

fn text(seen: &Seen) -> String {
    let parts = [facts(seen), running_table(&seen.running), workers_table(seen), failures_table(seen)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn facts(seen: &Seen) -> String {
    let depth = seen.counts.total();
    let state = match &seen.pause {
        None => "runs".to_owned(),
        Some(pause) => {
            format!("paused since {} UTC by {}", moment(pause.since), super::table::plain(&pause.by))
        }
    };
    let oldest = seen.counts.oldest_due.map(|oldest| format!(", due for {} at most", span(oldest)));
    let mut lines = vec![
        ("queue", state),
        ("in line", format!("{}{}", depth.in_line, oldest.unwrap_or_default())),
        ("running", depth.running.to_string()),
        ("scheduled", format!("{}, not due yet", depth.scheduled)),
        ("waiting", format!("{}, for another analysis of the same audio", depth.waiting)),
    ];
    if seen.counts.expired > 0 {
        lines.push((
            "silent",
            format!("{} running ones whose worker says nothing any more", seen.counts.expired),
        ));
    }
    lines.push(("workers", seen.workers.len().to_string()));
    lines.into_iter().map(|(name, value)| format!("{name:10}{value}\n")).collect()
}

fn running_table(running: &[Entry]) -> String {
    if running.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = running.iter().map(running_row).collect();
    table(["RUNNING", "TYPE", "PROGRESS", "LEFT", "ATTEMPT", "WORKER", "TRACK"], &rows)
}

fn running_row(entry: &Entry) -> [String; 7] {
    let (progress, left) = how_far(entry);
    [
        entry.id.to_string(),
        entry.analysis_type.clone(),
        progress,
        left,
        format!("{} of {}", entry.attempt, entry.max_attempts),
        entry.worker.clone().unwrap_or_default(),
        entry.track_name.clone(),
    ]
}

/// The part done, and the time left.
pub(crate) fn how_far(entry: &Entry) -> (String, String) {
    let observed = entry.observed();
    let fraction = observed.and_then(|observed| observed.fraction());
    let remaining = observed.and_then(|observed| observed.remaining());
    let left = if entry.cancel_requested { "stopping".to_owned() } else { or_dash(remaining, span) };
    (or_dash(fraction, |fraction| format!("{:.0} %", fraction * 100.0)), left)
}

fn workers_table(seen: &Seen) -> String {
    if seen.workers.is_empty() {
        return "no worker was heard of within a minute\n".to_owned();
    }
    let row = |worker: &Worker| {
        let heard = or_dash(worker.silent, |silent| format!("{} ago", span(silent)));
        [worker.name.clone(), worker.running.to_string(), heard]
    };
    table(["WORKER", "RUNS", "HEARD OF"], &seen.workers.iter().map(row).collect::<Vec<_>>())
}

fn failures_table(seen: &Seen) -> String {
    if seen.failures.is_empty() {
        return String::new();
    }
    let row =
        |failures: &Failures| [failures.kind.clone(), failures.count.to_string(), moment(failures.last_at)];
    let rows: Vec<_> = seen.failures.iter().map(row).collect();
    table(["FAILED WITHIN 24 H", "COUNT", "LAST (UTC)"], &rows)
}
