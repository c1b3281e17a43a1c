//! What a worker lets others see of itself: its counters, whether it lives, whether it is ready for work.

use crate::metrics::Metrics;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use store::PgPool;
use store::queue::tickets;
use tokio_util::sync::CancellationToken;

/// A worker whose loops have not turned for so long is stuck. A round takes seconds even when the database is away.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Longest wait for the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// A look into a worker, cheap to clone. Made before the worker, it is given to it with
/// [`Config::monitor`](crate::Config::monitor).
#[derive(Debug, Clone)]
pub struct Monitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    made: Instant,
    /// When the worker's loop last turned, in ms since `made`.
    turned_ms: AtomicU64,
    worker: OnceLock<Worker>,
}

/// What the worker is known by once it has started.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) pool: PgPool,
    pub(crate) name: String,
    pub(crate) temp: PathBuf,
    pub(crate) shutdown: CancellationToken,
}

impl Default for Monitor {
    fn default() -> Self {
        Self(Arc::new(Inner {
            metrics: Metrics::new(),
            made: Instant::now(),
            turned_ms: AtomicU64::new(0),
            worker: OnceLock::new(),
        }))
    }
}

impl Monitor {
    /// Appends the worker's series to `text`, in the form that Prometheus reads.
    pub fn encode(&self, text: &mut String) {
        if let Some(worker) = self.0.worker.get() {
            self.metrics().set_temporary_bytes(bytes_in(&worker.temp));
        }
        self.metrics().encode(text);
    }

    /// Whether the worker's loops turn, or it comes to its end, which has limits of its own. Whether there is work, or a
    /// database, does not matter.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        if self.0.worker.get().is_some_and(|worker| worker.shutdown.is_cancelled()) {
            return true;
        }
        let turned = Duration::from_millis(self.0.turned_ms.load(Ordering::Relaxed));
        self.0.made.elapsed().saturating_sub(turned) < STUCK_AFTER
    }

    /// Whether the worker begins what is put into the queue.
    ///
    /// # Errors
    /// What stands in the way, in a few words.
    pub async fn ready(&self) -> Result<(), String> {
        let Some(worker) = self.0.worker.get() else { return Err("the worker has not begun".into()) };
        if worker.shutdown.is_cancelled() {
            return Err("the worker is shutting down".into());
        }
        let listening = tickets::is_listening(&worker.pool, &worker.name);
        match tokio::time::timeout(PATIENCE, listening).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the worker does not listen to the queue yet".into()),
            Ok(Err(_)) | Err(_) => Err("the database does not answer".into()),
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn started(&self, worker: Worker) {
        // A monitor is for one worker; the first is shown.
        let _ = self.0.worker.set(worker);
    }

    pub(crate) fn turned(&self) {
        let since = u64::try_from(self.0.made.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.turned_ms.store(since, Ordering::Relaxed);
    }
}

/// Bytes of the files in a folder; those that go meanwhile count for nothing.
fn bytes_in(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_ends_is_alive_for_as_long_as_it_takes() {
        let shutdown = CancellationToken::new();
        let made = Instant::now().checked_sub(STUCK_AFTER * 2).unwrap();
        let monitor = Monitor(Arc::new(Inner {
            metrics: Metrics::new(),
            made,
            turned_ms: AtomicU64::new(0),
            worker: OnceLock::new(),
        }));
        monitor.started(Worker {
            pool: PgPool::connect_lazy("postgres://localhost/none").unwrap(),
            name: "worker".into(),
            temp: PathBuf::new(),
            shutdown: shutdown.clone(),
        });
        assert!(!monitor.is_alive(), "its loops do not turn");
        shutdown.cancel();
        assert!(monitor.is_alive());
    }

    #[test]
    fn every_series_is_there_before_anything_happens() {
        let mut text = String::new();
        Monitor::default().encode(&mut text);
        for series in [
            r#"failures_total{kind="internal_error"}"#,
            r#"failures_total{kind="timed_out"}"#,
            r#"attempts_total{type="full",outcome="snoozed"}"#,
            r#"attempts_total{type="unknown",outcome="failed"}"#,
            r#"reaper_analyses_total{action="rescued"}"#,
        ] {
            assert!(text.contains(&format!("\narsis_worker_{series} 0\n")), "{series}: {text}");
        }
    }
}
