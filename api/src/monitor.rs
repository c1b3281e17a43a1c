//! A listener for those who keep a process running: metrics, liveness and readiness, without a session.
//!
//! What it tells names no user and no track, but it is not for the public: it gets an address of its own, in the
//! network of the operator.

use crate::health;
use crate::metrics::{CONTENT_TYPE, Exposition};
use crate::state::App;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What can be asked about a process.
pub trait Probe: Send + Sync + 'static {
    /// Whether the process does what it is for, or would if the world let it; one that does not is to be restarted.
    fn is_alive(&self) -> bool;

    /// Whether it can do it now.
    ///
    /// Errors say what stands in the way, in a few words.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;
}

impl Probe for App {
    fn is_alive(&self) -> bool {
        true
    }

    async fn ready(&self) -> Result<(), String> {
        health::ready(self).await.map_err(|problem| problem.detail().to_owned())
    }
}

/// Serves `/metrics`, `/healthz` and `/readyz` until it is dropped.
///
/// # Errors
/// An I/O error when connections can no longer be accepted.
pub async fn serve_monitor(listener: TcpListener, told: Exposition, probe: impl Probe) -> io::Result<()> {
    let probe = Arc::new(probe);
    let router = Router::new()
        .route("/metrics", get(metrics).with_state(told))
        .route("/healthz", get(healthz).with_state(probe.clone()))
        .route("/readyz", get(readyz).with_state(probe));
    axum::serve(listener, router).await
}

async fn metrics(State(told): State<Exposition>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], told.text().await)
}

async fn healthz<P: Probe>(State(probe): State<Arc<P>>) -> Response {
    answer(if probe.is_alive() { Ok(()) } else { Err("stuck".into()) })
}

async fn readyz<P: Probe>(State(probe): State<Arc<P>>) -> Response {
    answer(probe.ready().await)
}

fn answer(outcome: Result<(), String>) -> Response {
    match outcome {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}
