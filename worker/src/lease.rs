//! Keeps the lease of a running job, and tells the job when it must stop.

use crate::failure::chain;
use crate::report::Measures;
use crate::{Config, Context};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::queue::{self, Lease, Progress, Renewal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often to look whether the time is over.
const LIMIT_LOOK: Duration = Duration::from_secs(1);

/// Why a job stops before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Someone asked for it.
    Cancelled,
    /// The lease is someone else's, or could not be renewed in time and soon will be.
    LeaseLost,
    /// The worker ends.
    HandBack,
    /// It took longer than an attempt may take.
    TimedOut,
}

/// What the job and the keeper of its lease share.
#[derive(Debug, Default)]
pub(crate) struct Status {
    stop: OnceLock<Stop>,
    /// Cancelled when `stop` is set.
    stopped: CancellationToken,
    /// Since when the engine has the audio.
    analysing_since: OnceLock<Instant>,
    done_ms: AtomicU64,
    /// 0: not known.
    total_ms: AtomicU64,
    pub(crate) measures: Measures,
}

impl Status {
    /// Why to stop, if so.
    pub(crate) fn stop(&self) -> Option<Stop> {
        self.stop.get().copied()
    }

    /// Whether whoever waits for [`Status::stopped`] has been told.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Returns when the job must stop.
    pub(crate) async fn stopped(&self) -> Stop {
        self.stopped.cancelled().await;
        self.stop().unwrap_or(Stop::LeaseLost)
    }

    pub(crate) fn set_progress(&self, progress: Progress) {
        self.done_ms.store(progress.done_ms, Ordering::Relaxed);
        self.total_ms.store(progress.total_ms.unwrap_or(0), Ordering::Relaxed);
    }

    /// The engine has the audio from now on.
    pub(crate) fn begin_analysing(&self) {
        // There is one engine a job.
        let _ = self.analysing_since.set(Instant::now());
    }

    pub(crate) fn progress(&self) -> Progress {
        let total_ms = self.total_ms.load(Ordering::Relaxed);
        Progress {
            done_ms: self.done_ms.load(Ordering::Relaxed),
            total_ms: (total_ms > 0).then_some(total_ms),
        }
    }

    pub(crate) fn set_stop(&self, stop: Stop) {
        // The first reason stands.
        let _ = self.stop.set(stop);
        self.stopped.cancel();
    }
}

/// Renews the lease, which was asked for at `leased_at`, and says when the job must stop. Drop it when the job has ended: a job that was told to stop needs
/// a while for it, and another worker must not take the analysis meanwhile. Returns when the lease is lost.
pub(crate) async fn keep(context: &Context, lease: &Lease, leased_at: Instant, status: &Status) {
    let watch = async {
        let reason = tokio::select! {
            () = context.hand_back.cancelled() => Stop::HandBack,
            () = overdue(&context.config, status) => Stop::TimedOut,
        };
        status.set_stop(reason);
        std::future::pending().await
    };
    tokio::select! {
        () = renew_until_lost(context, lease, leased_at, status) => status.set_stop(Stop::LeaseLost),
        () = watch => {}
    }
}

/// Returns when the job has taken longer than it may.
async fn overdue(config: &Config, status: &Status) {
    let began = Instant::now();
    loop {
        // Fetching is bounded by what is the most for all: how long it takes is the network's doing.
        let (since, limit) = match status.analysing_since.get() {
            Some(since) => (*since, config.allowance(status.progress())),
            None => (began, config.time_limit),
        };
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            return;
        }
        // The limit moves with what becomes known of the audio.
        tokio::time::sleep(left.min(LIMIT_LOOK)).await;
    }
}

async fn renew_until_lost(context: &Context, lease: &Lease, leased_at: Instant, status: &Status) {
    let config = &context.config;
    // Not at once: the claim has just made the lease, and many jobs are over before it must be renewed.
    let mut ticks =
        tokio::time::interval_at(tokio::time::Instant::now() + config.renew_every, config.renew_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed_at = leased_at;
    loop {
        ticks.tick().await;
        // Counted from before the request: the lease runs from when the server wrote it, which is later.
        let asked_at = Instant::now();
        let left = config.lease.saturating_sub(renewed_at.elapsed());
        let renewal = queue::renew(&context.renewals, lease, status.progress(), config.lease);
        match tokio::time::timeout(left, renewal).await {
            Ok(Ok(Renewal::Renewed { cancel_requested })) => {
                renewed_at = asked_at;
                if cancel_requested {
                    status.set_stop(Stop::Cancelled);
                }
            }
            Ok(Ok(Renewal::Lost)) => return,
            Ok(Err(error)) => {
                context.config.monitor.metrics().lease_not_renewed();
                tracing::warn!(error = chain(&error), "could not renew a lease yet");
            }
            Err(_) => context.config.monitor.metrics().lease_not_renewed(),
        }
        if renewed_at.elapsed() >= config.lease {
            return;
        }
    }
}
