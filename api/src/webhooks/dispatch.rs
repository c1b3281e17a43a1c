//! Sends what waits, in every process of the API: each claims what it has room for, so that any number share the work,
//! and what a process that died had claimed is claimed by another when its lease runs out.

use super::send::{Outcome, Sender};
use crate::problem::chain;
use crate::state::App;
use reqwest::StatusCode;
use std::collections::HashMap;
use std::time::Duration;
use store::webhooks::deliveries;
use store::webhooks::sending::{self, Claimed, Failure, Room};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use uuid::Uuid;

/// How often a process with nothing to send looks for something: one query that reads an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pause between two looks while there is something to send: it gathers what ends meanwhile.
const SOON: Duration = Duration::from_millis(20);

/// Pause after the database did not answer.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);

/// How long a claim lasts: well over the longest attempt and the writing down of what came of it.
const LEASE: Duration = Duration::from_secs(60);

/// Attempts at a time in a process: in all, to one host, and for one person. A receiver that lets each wait for its whole
/// time, or a person with many of them, takes no more than its share.
const MAX_UNDER_WAY: usize = 64;
const MAX_PER_HOST: i64 = 8;
const MAX_PER_OWNER: i64 = 8;

/// Waits between the attempts, before jitter of up to a fifth: the schedule of Standard Webhooks, to about a day.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(10 * 3600),
];

/// How long a webhook may fail without a success before it is deactivated.
const PATIENCE: Duration = Duration::from_secs(5 * 24 * 3600);

/// How long deliveries are kept.
const KEEP: time::Duration = time::Duration::days(30);

/// How often old ones are removed, and how many at a time.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNE_AT_ONCE: i64 = 1_000;

/// Sends until the server closes; then waits for what is under way. Dropped, it leaves that to whoever finds the leases
/// run out.
pub(crate) async fn run(app: App) {
    let sender = match Sender::new(app.config().webhook_private_addresses) {
        Ok(sender) => sender,
        Err(error) => {
            tracing::error!(cause = chain(&error), "webhooks are not sent: TLS could not be set up");
            return;
        }
    };
    let mut dispatch = Dispatch { app, sender, tasks: JoinSet::new(), under_way: HashMap::new() };
    let closing = dispatch.app.closing().clone();
    let (mut next_look, mut next_pruning) = (Instant::now(), Instant::now() + PRUNE_EVERY);
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            Some(ended) = dispatch.tasks.join_next_with_id() => {
                dispatch.settle(ended);
                // It made room for what may have waited for it.
                next_look = next_look.min(Instant::now() + SOON);
            }
            () = tokio::time::sleep_until(next_look) => next_look = Instant::now() + dispatch.look().await,
            () = tokio::time::sleep_until(next_pruning) => {
                next_pruning = Instant::now() + PRUNE_EVERY;
                dispatch.prune().await;
            }
        }
    }
    while dispatch.tasks.join_next().await.is_some() {}
}

struct Dispatch {
    app: App,
    sender: Sender,
    tasks: JoinSet<()>,
    /// To which host, and for whom, each task sends.
    under_way: HashMap<Id, (String, Uuid)>,
}

impl Dispatch {
    fn settle(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "an attempt to send a webhook broke off; it is made again");
                error.id()
            }
        };
        self.under_way.remove(&id);
    }

    /// Claims what there is room for, and begins to send it. Gives the time to the next look.
    async fn look(&mut self) -> Duration {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.settle(ended);
        }
        match self.claim().await {
            // There may be more, for which room is made soon.
            Ok(claimed) if claimed > 0 => SOON,
            Ok(_) => LOOK_EVERY,
            Err(error) => {
                tracing::warn!(
                    cause = chain(&error),
                    "could not look for webhooks to send; it is tried again"
                );
                PAUSE_AFTER_ERROR
            }
        }
    }

    async fn claim(&mut self) -> store::Result<usize> {
        let free = MAX_UNDER_WAY.saturating_sub(self.under_way.len());
        if free == 0 {
            return Ok(0);
        }
        let (hosts, owners): (Vec<_>, Vec<_>) = self.under_way.values().cloned().unzip();
        let room = Room {
            free: i64::try_from(free).unwrap_or(0),
            per_host: MAX_PER_HOST,
            per_owner: MAX_PER_OWNER,
            hosts: &hosts,
            owners: &owners,
        };
        let mut db = self.app.pool().acquire().await?;
        let claimed = sending::claim(&mut db, &room, LEASE).await?;
        let count = claimed.len();
        for delivery in claimed {
            let place = (delivery.host.clone(), delivery.owner_id);
            let (app, sender) = (self.app.clone(), self.sender.clone());
            let task = self.tasks.spawn(async move { deliver(&app, &sender, &delivery).await });
            self.under_way.insert(task.id(), place);
        }
        Ok(count)
    }

    /// A backlog is removed over many rounds: nobody waits for it.
    async fn prune(&self) {
        let pruned = async {
            let mut db = self.app.pool().acquire().await?;
            deliveries::prune(&mut db, KEEP, PRUNE_AT_ONCE).await
        };
        if let Err(error) = pruned.await {
            tracing::warn!(cause = chain(&error), "could not remove old deliveries; it is tried again");
        }
    }
}

async fn deliver(app: &App, sender: &Sender, claimed: &Claimed) {
    let outcome = sender.send(claimed).await;
    tracing::debug!(
        webhook.id = %claimed.webhook_id,
        delivery.id = %claimed.id,
        attempt = claimed.attempt,
        ?outcome,
        "sent a webhook"
    );
    if let Err(error) = write_down(app, claimed, &outcome).await {
        tracing::warn!(
            delivery.id = %claimed.id,
            cause = chain(&error),
            "could not write down what came of a webhook; it is sent again"
        );
    }
}

async fn write_down(app: &App, claimed: &Claimed, outcome: &Outcome) -> store::Result<bool> {
    let mut db = app.pool().acquire().await?;
    let code = |status: StatusCode| i16::try_from(status.as_u16()).unwrap_or(i16::MAX);
    let (error, response_status, asked) = match outcome {
        Outcome::Delivered(status) => return sending::delivered(&mut db, claimed, code(*status)).await,
        Outcome::Refused { status, retry_after } => ("status", Some(*status), *retry_after),
        Outcome::Failed(reason) => (reason.as_str(), None, None),
    };
    let gone = response_status == Some(StatusCode::GONE);
    let retry_in = if gone { None } else { wait_after(claimed.attempt, asked) };
    let response_status = response_status.map(code);
    let failure = Failure { error, response_status, retry_in, gone, patience: PATIENCE };
    sending::failed(&mut db, claimed, &failure).await
}

/// How long to wait after an attempt that failed, at least for as long as the receiver asked; `None` after the last.
fn wait_after(attempt: i32, asked: Option<Duration>) -> Option<Duration> {
    let place = usize::try_from(attempt).unwrap_or(0).saturating_sub(1);
    WAITS.get(place).map(|wait| asked.map_or(*wait, |asked| asked.max(*wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_spread_over_about_a_day_and_end() {
        let waits: Vec<_> = (1..).map_while(|attempt| wait_after(attempt, None)).collect();
        assert_eq!(waits, WAITS);
        assert!(waits.is_sorted());
        let hours = waits.iter().sum::<Duration>().as_secs() / 3600;
        assert!((24..=30).contains(&hours), "{hours} h");
    }

    #[test]
    fn a_receiver_can_ask_for_a_longer_wait_but_not_for_a_shorter_one() {
        let seconds = Duration::from_secs;
        assert_eq!(wait_after(1, Some(seconds(120))), Some(seconds(120)));
        assert_eq!(wait_after(2, Some(seconds(120))), Some(seconds(300)));
        assert_eq!(wait_after(8, Some(seconds(120))), None);
    }
}
