//! Puts right what workers left lying, at intervals and when a row from elsewhere is announced.

use crate::Context;
use crate::failure::chain;
use std::time::{Duration, Instant};
use store::queue::{announcements::Announcements, reaper, tickets};

/// How often answered tickets are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// Shortest time between two rounds, however many rows are announced.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(context: &Context) {
    let shutdown = &context.shutdown;
    let mut announcements = Announcements::new(&context.pool);
    let mut pruned_at = Instant::now();
    while !shutdown.is_cancelled() {
        context.config.monitor.turned();
        match reaper::reap(&context.pool).await {
            Ok(reaped) => {
                context.config.monitor.metrics().reaped(&reaped);
                if reaped.rescued + reaped.ended > 0 {
                    let (rescued, ended) = (reaped.rescued, reaped.ended);
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
            tokio::time::sleep(PAUSE).await;
            let _ = tokio::time::timeout(context.config.reap_every, announcements.next()).await;
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = next_round => {}
        }
    }
}

/// Removes old tickets. A worker does so before it listens, too: a listener takes up what dead ones have left.
pub(crate) async fn prune(context: &Context) {
    if let Err(error) = tickets::prune(&context.pool).await {
        tracing::warn!(error = chain(&error), "could not remove old tickets");
    }
}
