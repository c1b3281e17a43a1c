//! What a worker counts of itself, in the form that Prometheus reads. The label sets are bounded by the code.

use crate::failure::KINDS;
use crate::report::{self, Outcome};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use store::queue::reaper::Reaped;

/// Upper ends of the buckets of times, in seconds: from a short file that is refused to ten hours of audio.
const SECONDS: [f64; 15] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0];

type Seconds = Counter<f64, AtomicU64>;

/// A worker's counters and gauges.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    slots: Gauge,
    running: Gauge,
    attempts: Family<AttemptLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    duration: Family<TypeLabels, Histogram>,
    wait: Histogram,
    audio: Seconds,
    fetched: Counter,
    temporary: Gauge,
    unrenewed: Counter,
    put_right: Family<ActionLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    r#type: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

impl Metrics {
    /// All at zero, and all there: the first event of a series that is not there before it is no increase to Prometheus.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("arsis"),
            slots: Gauge::default(),
            running: Gauge::default(),
            attempts: Family::default(),
            failures: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            wait: Histogram::new(SECONDS),
            audio: Seconds::default(),
            fetched: Counter::default(),
            temporary: Gauge::default(),
            unrenewed: Counter::default(),
            put_right: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("worker_slots", "Analyses that this worker takes at a time", metrics.slots.clone());
        registry.register("worker_jobs_running", "Analyses that this worker is at", metrics.running.clone());
        registry.register(
            "worker_attempts",
            "Attempts that ended, by type of analysis and outcome",
            metrics.attempts.clone(),
        );
        registry.register(
            "worker_failures",
            "Attempts that ended in a failure, whether or not another follows, by its kind",
            metrics.failures.clone(),
        );
        registry.register(
            "worker_attempt_duration_seconds",
            "From the claim of an analysis to the end of the attempt",
            metrics.duration.clone(),
        );
        registry.register(
            "worker_wait_seconds",
            "From the time an analysis was due to its claim",
            metrics.wait.clone(),
        );
        registry.register(
            "worker_audio_seconds",
            "Audio analysed; its rate is the speed of the worker as a multiple of real time",
            metrics.audio.clone(),
        );
        registry.register("worker_fetched_bytes", "Bytes of audio files opened", metrics.fetched.clone());
        registry.register(
            "worker_temp_bytes",
            "Bytes of audio copied from object storage that lie in this worker's temporary folder",
            metrics.temporary.clone(),
        );
        registry.register(
            "worker_lease_renewal_failures",
            "Renewals of a lease that the database did not answer in time or with an error",
            metrics.unrenewed.clone(),
        );
        registry.register(
            "worker_reaper_analyses",
            "Analyses that this worker has put right for the fleet, by what it did",
            metrics.put_right.clone(),
        );
        metrics.begin_at_zero();
        metrics
    }

    fn begin_at_zero(&self) {
        for r#type in report::type_labels() {
            for outcome in report::OUTCOMES {
                drop(self.attempts.get_or_create(&AttemptLabels { r#type, outcome }));
            }
        }
        for kind in KINDS {
            drop(self.failures.get_or_create(&FailureLabels { kind }));
        }
        self.reaped(&Reaped::default());
    }

    /// Appends the series to `text`.
    pub(crate) fn encode(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = encode_registry(text, &self.registry);
    }

    pub(crate) fn set_slots(&self, slots: usize) {
        self.slots.set(i64::try_from(slots).unwrap_or(i64::MAX));
    }

    pub(crate) fn set_temporary_bytes(&self, bytes: u64) {
        self.temporary.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// An analysis that waited so long was claimed.
    pub(crate) fn attempt_began(&self, waited: Duration) {
        self.running.inc();
        self.wait.observe(waited.as_secs_f64());
    }

    pub(crate) fn attempt_ended(&self, r#type: &'static str, outcome: &Outcome, took: Duration) {
        self.running.dec();
        self.attempts.get_or_create(&AttemptLabels { r#type, outcome: outcome.name() }).inc();
        self.duration.get_or_create(&TypeLabels { r#type }).observe(took.as_secs_f64());
        if let Some(kind) = outcome.error_kind() {
            debug_assert!(KINDS.contains(&kind), "{kind} is not among the known kinds");
            self.failures.get_or_create(&FailureLabels { kind }).inc();
        }
    }

    pub(crate) fn analysed_ms(&self, audio_ms: u64) {
        self.audio.inc_by(Duration::from_millis(audio_ms).as_secs_f64());
    }

    pub(crate) fn fetched(&self, bytes: u64) {
        self.fetched.inc_by(bytes);
    }

    pub(crate) fn lease_not_renewed(&self) {
        self.unrenewed.inc();
    }

    pub(crate) fn reaped(&self, reaped: &Reaped) {
        let Reaped { rescued, ended, promoted, ticketed } = *reaped;
        for (action, count) in
            [("rescued", rescued), ("ended", ended), ("promoted", promoted), ("ticketed", ticketed)]
        {
            self.put_right.get_or_create(&ActionLabels { action }).inc_by(count);
        }
    }
}
