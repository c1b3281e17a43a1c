//! `arsis queue list` and `arsis queue show`.

use super::status::how_far;
use super::table::{harmless, moment, or_dash, plain, table};
use crate::cli::queue::ListArgs;
use anyhow::{Context, Result};
use api::queue::views::{AttemptView, QueueEntryView};
use serde::Serialize;
use std::process::ExitCode;
use store::PgPool;
use store::queue::inspect::{self, Attempt, Entry, Filter};
use uuid::Uuid;

/// Most attempts shown.
const MOST_ATTEMPTS: i64 = 1000;

/// An analysis and its history.
#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    analysis: QueueEntryView,
    attempts: Vec<AttemptView>,
}

pub(crate) async fn list(pool: &PgPool, args: &ListArgs, json: bool) -> Result<ExitCode> {
    let filter = Filter {
        status: args.status.map(Into::into),
        error_kind: args.kind.clone(),
        ..args.filter.filter(args.last_hours)
    };
    let mut db = pool.acquire().await?;
    let entries = inspect::list(&mut db, &filter, None, args.limit.into()).await?;
    let rows: Vec<_> = entries.iter().map(row).collect();
    let views: Vec<_> = entries.into_iter().map(QueueEntryView::from).collect();
    super::print(json, &views, || {
        table(["ANALYSIS", "TYPE", "STATUS", "AT (UTC)", "ATTEMPT", "WHAT", "TRACK"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Entry) -> [String; 7] {
    [
        entry.id.to_string(),
        entry.analysis_type.clone(),
        entry.status.as_str().to_owned(),
        moment(entry.at),
        format!("{} of {}", entry.attempt, entry.max_attempts),
        what(entry),
        entry.track_name.clone(),
    ]
}

/// How far it is, what it waits for, or why it failed.
fn what(entry: &Entry) -> String {
    if entry.observed().is_some() {
        return how_far(entry).0;
    }
    if let Some(id) = entry.waits_for {
        return format!("waits for {id}");
    }
    or_dash(entry.error_kind.as_ref(), Clone::clone)
}

pub(crate) async fn one(pool: &PgPool, id: Uuid, json: bool) -> Result<ExitCode> {
    let mut db = pool.acquire().await?;
    let entry = inspect::get(&mut db, id).await?.with_context(|| format!("there is no analysis {id}"))?;
    let attempts = inspect::attempts(&mut db, id, MOST_ATTEMPTS).await?;
    let text = facts(&entry) + "\n" + &history(&attempts);
    let attempts = attempts.into_iter().map(|attempt| AttemptView::new(attempt, true)).collect();
    super::print(json, &Document { analysis: entry.into(), attempts }, || text)?;
    Ok(ExitCode::SUCCESS)
}

fn facts(entry: &Entry) -> String {
    let (progress, left) = how_far(entry);
    let lines = [
        ("analysis", Some(entry.id.to_string())),
        ("track", Some(format!("{} {}", entry.track_id, plain(&entry.track_name)))),
        ("owner", Some(entry.owner_id.to_string())),
        ("batch", entry.batch_id.map(|id| id.to_string())),
        ("type", Some(format!("{} by {}", plain(&entry.analysis_type), plain(&entry.version)))),
        ("status", Some(entry.status.as_str().to_owned())),
        ("priority", Some(entry.priority.to_string())),
        ("attempt", Some(format!("{} of {}", entry.attempt, entry.max_attempts))),
        ("worker", entry.worker.as_deref().map(plain)),
        ("progress", entry.observed().map(|_| format!("{progress}, left {left}"))),
        ("asked", Some(moment(entry.created_at) + " UTC")),
        ("not before", entry.run_at().map(|at| moment(at) + " UTC")),
        ("waits for", entry.waits_for.map(|id| id.to_string())),
        ("begun", entry.started_at.map(|at| moment(at) + " UTC")),
        ("ended", entry.completed_at.map(|at| moment(at) + " UTC")),
        ("error", entry.error_kind.as_deref().map(plain)),
        ("message", entry.error_message.as_deref().map(|text| harmless(text).collect())),
        ("cause", entry.cause.as_deref().map(|text| harmless(text).collect())),
    ];
    let told = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:11}{}\n", value?)));
    told.collect()
}

fn history(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return "no attempts\n".to_owned();
    }
    let row = |attempt: &Attempt| {
        [
            attempt.attempt.to_string(),
            moment(attempt.started_at),
            or_dash(attempt.ended_at, moment),
            or_dash(attempt.outcome.clone(), |outcome| outcome),
            or_dash(attempt.error_kind.clone(), |kind| kind),
            attempt.worker.clone(),
            or_dash(attempt.cause.clone(), |cause| cause),
        ]
    };
    let heading = ["ATTEMPT", "BEGUN (UTC)", "ENDED (UTC)", "OUTCOME", "KIND", "WORKER", "CAUSE"];
    table(heading, &attempts.iter().map(row).collect::<Vec<_>>())
}
