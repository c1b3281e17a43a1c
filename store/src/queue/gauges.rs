//! The queue's numbers in the form that Prometheus reads.

use super::overview::{self, Counts, Depth};
use crate::{Error, Result};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sqlx::PgPool;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long counts are told again before they are taken anew.
const KEEP: Duration = Duration::from_secs(5);

/// Counting takes at most one part in so many of a process' time, however long the queue and however often it is asked.
const SHARE: u32 = 100;

/// Longest wait for the database: whoever scrapes gives up after 10 s, which is Prometheus' default.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is in the queue, the same for every process at one database, counted when somebody asks.
#[derive(Debug)]
pub struct Gauges {
    pool: PgPool,
    latest: Mutex<Option<Latest>>,
}

#[derive(Debug, Clone, Copy)]
struct Latest {
    counts: Option<Counts>,
    taken: Instant,
    good_for: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DepthLabels {
    state: &'static str,
    priority: &'static str,
}

impl Gauges {
    /// Counts nothing yet.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), latest: Mutex::new(None) }
    }

    /// Appends the series to `text`. When the database does not answer that is all they say: no number is told that may
    /// not hold any more.
    pub async fn encode(&self, text: &mut String) {
        let mut registry = Registry::default();
        let counts = self.counts().await;
        let reached = Gauge::<i64>::default();
        reached.set(counts.is_some().into());
        registry.register(
            "arsis_queue_reached",
            "1 when the database could be asked about the queue",
            reached,
        );
        if let Some(counts) = counts {
            register(&mut registry, &counts);
        }
        // Writing to a String cannot fail.
        let _ = encode_registry(text, &registry);
    }

    /// Those of a moment ago, if they are fresh enough. Whoever asks meanwhile waits for the same ones.
    async fn counts(&self) -> Option<Counts> {
        let mut latest = self.latest.lock().await;
        if let Some(known) = latest.filter(|known| known.taken.elapsed() < known.good_for) {
            return known.counts;
        }
        let began = Instant::now();
        let counts =
            self.count().await.inspect_err(|error| tracing::debug!(%error, "could not count the queue"));
        let good_for = KEEP.max(began.elapsed() * SHARE);
        // An absence is over when it is over.
        let good_for = if counts.is_ok() { good_for } else { KEEP };
        let counts = counts.ok();
        *latest = Some(Latest { counts, taken: Instant::now(), good_for });
        counts
    }

    async fn count(&self) -> Result<Counts> {
        let counting = async { overview::counts(&mut *self.pool.acquire().await?).await };
        let counted = tokio::time::timeout(PATIENCE, counting).await;
        counted.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut)))
    }
}

fn register(registry: &mut Registry, counts: &Counts) {
    let depth = Family::<DepthLabels, Gauge>::default();
    for (priority, of_class) in [("high", &counts.high), ("normal", &counts.normal), ("low", &counts.low)] {
        for (state, count) in states(of_class) {
            depth.get_or_create(&DepthLabels { state, priority }).set(signed(count));
        }
    }
    registry.register(
        "arsis_queue_analyses",
        "Analyses that have not ended, by what they wait for and their class of priority",
        depth,
    );
    let mut count = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(signed(value));
        registry.register(name, help, gauge);
    };
    count(
        "arsis_queue_expired_leases",
        "Running analyses whose worker has let its lease run out and that nobody has taken from it yet",
        counts.expired,
    );
    count("arsis_queue_tickets", "Wake-ups that no worker has taken, counted up to 100,000", counts.tickets);
    count("arsis_queue_paused", "1 while the queue is paused", counts.paused.is_some().into());
    let mut age = |name: &str, help: &str, value: Option<Duration>| {
        if let Some(value) = value {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value.as_secs_f64());
            registry.register(name, help, gauge);
        }
    };
    let oldest = Some(counts.oldest_due.unwrap_or_default());
    age(
        "arsis_queue_oldest_due_seconds",
        "For how long the oldest due analysis has been due; 0: none is",
        oldest,
    );
    age(
        "arsis_queue_looked_after_seconds",
        "Since when no worker has looked for expired leases and due analyses; absent when none ever has",
        counts.looked_after,
    );
}

fn states(depth: &Depth) -> [(&'static str, u64); 4] {
    [
        ("in_line", depth.in_line),
        ("scheduled", depth.scheduled),
        ("waiting", depth.waiting),
        ("running", depth.running),
    ]
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
