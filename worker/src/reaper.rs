//! Puts right what workers left lying, at intervals and when a row from elsewhere is announced.

use crate::failure::chain;
use crate::{ANSWER_LIMIT, Context};
use std::time::{Duration, Instant};
use store::queue::reaper::{self, Reaped};
use store::queue::tickets;
use uuid::Uuid;

/// How often answered tickets are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// Shortest time between two rounds of the fleet, however many rows are announced.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(context: &Context) {
    let shutdown = &context.shutdown;
    let mut pruned_at = Instant::now();
    // The first round is this worker's own: it may be the only one, come back after a crash.
    let mut pause = Duration::ZERO;
    while !shutdown.is_cancelled() {
        context.config.monitor.turned();
        match store::within(ANSWER_LIMIT, round(context, pause)).await {
            Ok(reaped) => {
                context.config.monitor.metrics().reaped(&reaped);
                let Reaped { rescued, ended, .. } = reaped;
                if rescued + ended > 0 {
                    tracing::warn!(rescued, ended, "took analyses from lost workers");
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "could not look after the queue"),
        }
        if pruned_at.elapsed() >= PRUNE_EVERY {
            pruned_at = Instant::now();
            prune(context).await;
        }
        let next_round = async {
            let period = uneven(context.config.reap_every);
            let announced = tokio::time::timeout(period, context.pending_announced.notified()).await.is_ok();
            if announced {
                // Others hear of it, too. Whoever is first makes the round; it began after the announcement.
                tokio::time::sleep(PAUSE).await;
            }
            if announced { PAUSE } else { context.config.reap_every / 2 }
        };
        pause = tokio::select! {
            () = shutdown.cancelled() => return,
            pause = next_round => pause,
        };
    }
}

/// The period, a quarter longer or shorter: workers that keep time with one another would leave the rounds to one of them.
fn uneven(period: Duration) -> Duration {
    let [chance, ..] = Uuid::new_v4().into_bytes();
    period.mul_f64(0.75 + f64::from(chance) / 510.0)
}

/// Looks after the queue, unless somebody in the fleet did so within `pause`.
async fn round(context: &Context, pause: Duration) -> store::Result<Reaped> {
    if !reaper::its_turn(&context.pool, pause).await? {
        return Ok(Reaped::default());
    }
    reaper::reap(&context.pool).await
}

/// Removes old tickets. A worker does so before it listens, too: a listener takes up what dead ones have left.
pub(crate) async fn prune(context: &Context) {
    if let Err(error) = store::within(ANSWER_LIMIT, tickets::prune(&context.pool)).await {
        tracing::warn!(error = chain(&error), "could not remove old tickets");
    }
}
