//! Counters in Prometheus' text format (version 0.0.4).

use crate::state::App;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Requests by method, route and status. Routes are templates, so the number of series is bounded by the code.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<BTreeMap<(String, String, u16), Series>>);

#[derive(Debug, Default, Clone, Copy)]
struct Series {
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn count(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let known = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"].contains(&method);
        let method = if known { method } else { "OTHER" };
        let mut series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = series.entry((method.to_owned(), route.to_owned(), status)).or_default();
        entry.count += 1;
        entry.seconds += elapsed.as_secs_f64();
    }

    fn render(&self) -> String {
        let series = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::from(
            "# HELP arsis_http_request_duration_seconds Time until an answer began.\n\
             # TYPE arsis_http_request_duration_seconds summary\n",
        );
        for ((method, route, status), Series { count, seconds }) in series {
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "arsis_http_request_duration_seconds_count{labels} {count}");
            let _ = writeln!(text, "arsis_http_request_duration_seconds_sum{labels} {seconds}");
        }
        text
    }
}

/// Counters of this process.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain", body = String)))]
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics().render())
}
