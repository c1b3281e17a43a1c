//! `arsis queue`: what an operator sees of the queue, and does with it.
//!
//! The same rows as the API's, in the same JSON; who may reach the database may do all of it. What is done leaves a line
//! in the audit trail.

mod act;
mod drain;
mod show;
mod status;
pub(crate) mod table;

use crate::cli::queue::{FilterArgs, QueueArgs, QueueCommand};
use crate::fleet::{self, Database};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;
use store::access::{self, Action, AuditEntry};
use store::queue::inspect::Filter;
use store::{PgConnection, PgPool};

/// Runs one of the commands.
pub(crate) async fn run(args: &QueueArgs) -> Result<ExitCode> {
    let database = Database::open_existing().await?;
    let ended = dispatch(args, &database.pool).await;
    database.close().await;
    ended
}

async fn dispatch(args: &QueueArgs, pool: &PgPool) -> Result<ExitCode> {
    match &args.command {
        QueueCommand::Status => status::run(pool, args.json).await,
        QueueCommand::List(list) => show::list(pool, list, args.json).await,
        QueueCommand::Show { id } => show::one(pool, *id, args.json).await,
        QueueCommand::Retry(retry) => act::retry(pool, retry, args.json).await,
        QueueCommand::Cancel(cancel) => act::cancel(pool, cancel, args.json).await,
        QueueCommand::Drain(drain) => drain::drain(pool, drain, args.json).await,
        QueueCommand::Resume => drain::resume(pool, args.json).await,
        QueueCommand::Prune(prune) => act::prune(pool, prune, args.json).await,
    }
}

impl FilterArgs {
    fn filter(&self, last_hours: Option<u32>) -> Filter {
        Filter {
            owner_id: self.owner,
            track_id: self.track,
            batch_id: self.batch,
            worker: self.worker.clone(),
            ended_within: last_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600)),
            ..Filter::default()
        }
    }

    /// As the audit trail keeps it.
    fn document(&self) -> Value {
        let Self { owner, track, batch, worker } = self;
        json!({ "owner": owner, "track": track, "batch": batch, "worker": worker })
    }
}

/// So many analyses.
fn analyses(count: u64) -> String {
    if count == 1 { "1 analysis".to_owned() } else { format!("{count} analyses") }
}

/// Prints a document for scripts, or what `text` says to people. A reader that went away has seen what it wanted.
fn print(json: bool, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let text = if json { escaped(document)? } else { text() };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("failed to print"),
        _ => Ok(()),
    }
}

/// JSON in which nothing is left that a terminal would obey. Such characters stand in strings alone.
fn escaped(document: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(document).context("failed to write JSON")?;
    let mut escaped = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c != '\n' && table::is_obeyed(c) {
            escaped += &format!("\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped.push('\n');
    Ok(escaped)
}

/// Notes in the audit trail what was done from the command line, and by whom.
async fn note(db: &mut PgConnection, event_type: &'static str, mut details: Value) -> Result<()> {
    details["by"] = fleet::operator().into();
    let entry = AuditEntry {
        event_type,
        resource_type: Some(access::QUEUE),
        action: Some(Action::Update),
        succeeded: true,
        details: Some(details),
        user_agent: Some("arsis queue"),
        ..AuditEntry::default()
    };
    access::record(db, &entry).await.context("failed to write the audit trail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_a_terminal_obeys_and_means_the_same() {
        let said = json!({ "name": "a\u{9b}2J\u{7f}\u{1b}b\u{202e}c\u{2069}é" });
        let json = escaped(&said).unwrap();
        assert!(!json.chars().any(|c| c != '\n' && table::is_obeyed(c)), "{json:?}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), said);
    }
}
