//! `arsis queue retry`, `cancel` and `prune`.

use crate::cli::queue::{CancelArgs, PruneArgs, RetryArgs};
use crate::cli::wrong_usage;
use crate::say;
use anyhow::{Context, Error, Result};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use store::PgPool;
use store::analyses::{self, Status};
use store::queue::inspect::Filter;
use store::queue::operate::{self, Stopped};
use store::queue::tickets;
use uuid::Uuid;

/// What became of a list of ids.
#[derive(Default)]
struct Outcome {
    done: u64,
    /// Ids that nothing was done to, and why.
    refused: Vec<(Uuid, String)>,
    /// What ended it halfway.
    failed: Option<Error>,
}

impl Outcome {
    /// Of all that a filter left.
    fn of_many(ended: Result<u64, Stopped>, doing: &'static str) -> Self {
        match ended {
            Ok(done) => Self { done, ..Self::default() },
            Err(stopped) => {
                let done = stopped.done;
                Self { done, failed: Some(Error::new(stopped).context(doing)), ..Self::default() }
            }
        }
    }

    /// Notes what was done, and what was asked for, also when it failed halfway.
    async fn note(self, pool: &PgPool, event_type: &'static str, mut asked: Value) -> Result<Self> {
        asked["count"] = self.done.into();
        asked["complete"] = self.failed.is_none().into();
        let noted = async { super::note(&mut *pool.acquire().await?, event_type, asked).await }.await;
        match (self.failed, noted) {
            (Some(failed), noted) => {
                if let Err(error) = noted {
                    say::err(format_args!("arsis: {error:#}"));
                }
                Err(failed)
            }
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Ok(Self { failed: None, ..self }),
        }
    }

    /// Says what was done, and fails if something was not.
    fn tell(self, json: bool, did: &str) -> Result<ExitCode> {
        let refused: Vec<_> = self.refused.iter().map(|(id, why)| json!({ "id": id, "why": why })).collect();
        let document = json!({ did: self.done, "refused": refused });
        super::print(json, &document, || format!("{did} {}\n", super::analyses(self.done)))?;
        for (id, why) in &self.refused {
            say::err(format_args!("arsis: {id}: {why}"));
        }
        Ok(if self.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(crate::FAILED) })
    }
}

pub(crate) async fn retry(pool: &PgPool, args: &RetryArgs, json: bool) -> Result<ExitCode> {
    if !args.ids.is_empty() && (!args.filter.is_empty() || args.last_hours.is_some()) {
        return Err(wrong_usage("ids and filters cannot be given together".into()));
    }
    let outcome = if args.ids.is_empty() {
        let filter = Filter { error_kind: args.kind.clone(), ..args.filter.filter(args.last_hours) };
        Outcome::of_many(operate::retry_many(pool, &filter).await, "failed to retry all of them")
    } else {
        let mut outcome = Outcome::default();
        outcome.failed = retry_each(pool, &args.ids, &mut outcome).await.err();
        outcome
    };
    let mut asked = args.filter.document();
    asked["ids"] = json!(args.ids);
    asked["kind"] = json!(args.kind);
    asked["last_hours"] = json!(args.last_hours);
    outcome.note(pool, "queue.retried", asked).await?.tell(json, "retried")
}

async fn retry_each(pool: &PgPool, ids: &[Uuid], outcome: &mut Outcome) -> Result<()> {
    for &id in ids {
        let mut tx = pool.begin().await?;
        let retried = analyses::retry(&mut tx, id).await.with_context(|| format!("failed to retry {id}"))?;
        let row = analyses::get(&mut tx, id).await?;
        tx.commit().await?;
        match row {
            _ if retried => outcome.done += 1,
            Some(row) => {
                let why = format!("its status is {}: only what failed is tried again", row.status.as_str());
                outcome.refused.push((id, why));
            }
            None => outcome.refused.push((id, "there is no such analysis".into())),
        }
    }
    Ok(())
}

pub(crate) async fn cancel(pool: &PgPool, args: &CancelArgs, json: bool) -> Result<ExitCode> {
    let narrowed = !args.filter.is_empty() || args.status.is_some();
    match (args.ids.is_empty(), narrowed || args.all) {
        (true, false) => {
            return Err(wrong_usage(
                "say which: ids, --status, --owner, --track, --batch, --worker, or --all".into(),
            ));
        }
        (false, true) => return Err(wrong_usage("ids and filters cannot be given together".into())),
        _ => {}
    }
    let outcome = if args.ids.is_empty() {
        let filter = Filter { status: args.status.map(Into::into), ..args.filter.filter(None) };
        Outcome::of_many(operate::cancel_many(pool, &filter).await, "failed to cancel all of them")
    } else {
        let mut outcome = Outcome::default();
        outcome.failed = cancel_each(pool, &args.ids, &mut outcome).await.err();
        outcome
    };
    let mut asked = args.filter.document();
    asked["ids"] = json!(args.ids);
    asked["status"] = json!(args.status.map(|status| Status::from(status).as_str()));
    outcome.note(pool, "queue.cancelled", asked).await?.tell(json, "cancelled")
}

async fn cancel_each(pool: &PgPool, ids: &[Uuid], outcome: &mut Outcome) -> Result<()> {
    for &id in ids {
        let mut tx = pool.begin().await?;
        let before = analyses::get(&mut tx, id).await?;
        let after = analyses::request_cancel(&mut tx, id).await;
        let after = after.with_context(|| format!("failed to cancel {id}"))?;
        tx.commit().await?;
        match (before.map(|before| before.status), after) {
            (Some(Status::Pending | Status::Running), Some(Status::Error | Status::Running)) => {
                outcome.done += 1
            }
            (_, Some(status)) => {
                outcome.refused.push((id, format!("it is over: its status is {}", status.as_str())));
            }
            (_, None) => outcome.refused.push((id, "there is no such analysis".into())),
        }
    }
    Ok(())
}

pub(crate) async fn prune(pool: &PgPool, args: &PruneArgs, json: bool) -> Result<ExitCode> {
    let answered = tickets::prune_answered(pool, Duration::ZERO).await.context("failed to remove tickets")?;
    let stale = tickets::prune(pool).await.context("failed to remove silent listeners")?;
    let attempts = match args.history_days {
        None => 0,
        Some(days) => {
            let age = Duration::from_secs(u64::from(days) * 86_400);
            operate::prune_history(pool, age).await.context("failed to remove history")?
        }
    };
    let document = json!({ "tickets": answered + stale, "attempts": attempts });
    super::note(&mut *pool.acquire().await?, "queue.pruned", document.clone()).await?;
    super::print(json, &document, || {
        format!("removed {} tickets and listeners, and {attempts} attempts of history\n", answered + stale)
    })?;
    Ok(ExitCode::SUCCESS)
}
