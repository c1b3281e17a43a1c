//! Counters and gauges in the form that Prometheus reads: OpenMetrics text 1.0.

use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use store::PgPool;
use store::access::Action;
use store::queue::gauges::Gauges;

/// Upper ends of the buckets of answers, in seconds. An answer takes a millisecond or a few; 30 s is the limit.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// The media type of what [`Exposition::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes series to the end of a text.
type Series = Arc<dyn Fn(&mut String) + Send + Sync>;

/// Everything that a process tells at `/metrics`: the state of the queue and what runs in the process, cheap to clone.
#[derive(Clone)]
pub struct Exposition {
    queue: Arc<Gauges>,
    series: Vec<Series>,
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Exposition {
    /// The version of the program, and the queue in the database of `pool`.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        let mut registry = Registry::default();
        let build = [("version", env!("CARGO_PKG_VERSION")), ("analyzer", analysis_core::ANALYZER_VERSION)];
        registry.register("arsis_build", "What runs here", Info::new(build));
        Self { queue: Arc::new(Gauges::new(pool)), series: Vec::new() }
            .with(move |text| encode(text, &registry))
    }

    /// The same, and what `series` appends.
    #[must_use]
    pub fn with(mut self, series: impl Fn(&mut String) + Send + Sync + 'static) -> Self {
        self.series.push(Arc::new(series));
        self
    }

    /// All series as they are now.
    pub async fn text(&self) -> String {
        let mut text = String::new();
        for series in &self.series {
            series(&mut text);
        }
        self.queue.encode(&mut text).await;
        // Writing to a String cannot fail.
        let _ = encode_eof(&mut text);
        text
    }
}

/// Requests by method, route and status. Routes are templates, so the number of series is bounded by the code.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let mut registry = Registry::default();
        let help = "Time until an answer began";
        registry.register("arsis_http_request_duration_seconds", help, requests.clone());
        Self { registry, requests }
    }
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn count(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let known = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|known| *known == method).unwrap_or("OTHER");
        let labels = RequestLabels { method, route: route.to_owned(), status };
        self.requests.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }

    /// Appends the series to `text`.
    pub(crate) fn encode(&self, text: &mut String) {
        encode(text, &self.registry);
    }
}

fn encode(text: &mut String, registry: &Registry) {
    // Writing to a String cannot fail.
    let _ = encode_registry(text, registry);
}

/// Counters of this process and the state of the queue, for operators. Programs that scrape have no session: they ask
/// the listener of their own (`--metrics`).
#[utoipa::path(get, path = "/metrics", tag = "service", responses(
    (status = 200, description = "OpenMetrics text, whatever `Accept` says", content_type = "application/openmetrics-text", body = String),
    (status = 403, description = "No role allows to read the queue", body = crate::problem::Body)))]
pub(crate) async fn metrics(State(app): State<App>, caller: Caller) -> Result<impl IntoResponse, Problem> {
    rights::queue(&mut *app.db().await?, &caller, Action::Read).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], app.exposition().text().await))
}
