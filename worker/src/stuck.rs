//! Analyses that were told to stop and do not.
//!
//! A thread cannot be ended from outside. The slot of one that hangs stays taken, because its core is; a worker all of
//! whose slots are taken so can do nothing any more, and ends, so that who supervises its process starts another.

use crate::Context;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;

/// How many there are.
#[derive(Debug, Default)]
pub(crate) struct Stuck(AtomicUsize);

impl Stuck {
    /// # Errors
    /// When there is none of `jobs` slots left.
    pub(crate) fn check(&self, jobs: usize) -> anyhow::Result<()> {
        let stuck = self.0.load(Ordering::SeqCst);
        anyhow::ensure!(
            stuck < jobs,
            "all {jobs} slots are taken by analyses that do not stop: the process must be started again"
        );
        Ok(())
    }
}

/// Waits, with the job's slot, until a thread that should have stopped has, or the worker ends.
pub(crate) async fn outlast<T>(context: &Context, thread: JoinHandle<T>) {
    let jobs = context.config.jobs.get();
    let stuck = context.stuck.0.fetch_add(1, Ordering::SeqCst) + 1;
    tracing::error!(stuck, jobs, "an analysis does not stop; its slot stays taken until it does");
    if stuck >= jobs {
        tracing::error!("no slot is left, the worker ends");
        context.shutdown.cancel();
    }
    tokio::select! {
        // With the worker, not before: that it was stuck is what the worker's end says.
        () = context.shutdown.cancelled() => return,
        _ = thread => {}
    }
    context.stuck.0.fetch_sub(1, Ordering::SeqCst);
    tracing::warn!("an analysis that did not stop has ended; its slot is free again");
}
