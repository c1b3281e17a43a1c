//! The listener for metrics and probes that a role may have beside its work.

use crate::fleet;
use anyhow::Result;
use api::{App, Exposition, Probe};
use std::net::SocketAddr;
use store::PgPool;
use tokio::task::JoinHandle;
use worker::Monitor;

/// What a process with a worker tells: the queue and the worker.
pub(crate) fn exposition(pool: &PgPool, worker: &Monitor) -> Exposition {
    let worker = worker.clone();
    Exposition::new(pool).with(move |text| worker.encode(text))
}

/// A worker, as those see it who keep it running.
pub(crate) struct Monitored(pub(crate) Monitor);

impl Probe for Monitored {
    fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    async fn ready(&self) -> Result<(), String> {
        self.0.ready().await
    }
}

/// API and worker in one process.
pub(crate) struct Both(pub(crate) App, pub(crate) Monitored);

impl Probe for Both {
    fn is_alive(&self) -> bool {
        self.0.is_alive() && self.1.is_alive()
    }

    async fn ready(&self) -> Result<(), String> {
        self.0.ready().await?;
        self.1.ready().await
    }
}

/// A listener under way, or none.
pub(crate) struct Listening(Option<JoinHandle<()>>);

impl Listening {
    /// Ends it: last of all, so that it can be asked how the process ends.
    pub(crate) fn end(self) {
        if let Some(task) = self.0 {
            task.abort();
        }
    }
}

/// Answers on an address, if there is one.
pub(crate) async fn start(
    address: Option<SocketAddr>,
    told: Exposition,
    probe: impl Probe,
) -> Result<Listening> {
    let Some(address) = address else { return Ok(Listening(None)) };
    let listener = fleet::listen(address, "--metrics or ARSIS_METRICS_LISTEN").await?;
    tracing::info!(address = %listener.local_addr()?, "metrics and probes are served");
    Ok(Listening(Some(tokio::spawn(async move {
        if let Err(error) = api::serve_monitor(listener, told, probe).await {
            tracing::error!(%error, "metrics and probes are not served any more");
        }
    }))))
}
