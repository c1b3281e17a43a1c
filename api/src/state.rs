//! What every handler works with.

use crate::config::Config;
use crate::manners::Manners;
use crate::metrics::{Exposition, Metrics};
use crate::problem::Problem;
use crate::progress::Hub;
use std::sync::Arc;
use store::objects::Objects;
use store::{PgPool, PooledConnection, Transaction};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How much of the time of a request a single statement may take.
const STATEMENT_SHARE: f64 = 0.9;

/// The API's state, cheap to clone.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    objects: Objects,
    config: Config,
    metrics: Arc<Metrics>,
    exposition: Exposition,
    closing: CancellationToken,
    breaking_off: CancellationToken,
    uploads: TaskTracker,
    manners: Manners,
    hub: Hub,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(pool: PgPool, objects: Objects, config: Config) -> Self {
        let told = Exposition::new(&pool);
        Self::telling(told, pool, objects, config)
    }

    /// [`App::new`], with what else runs in this process to tell at `/metrics`.
    #[must_use]
    pub fn telling(told: Exposition, pool: PgPool, objects: Objects, config: Config) -> Self {
        let metrics = Arc::new(Metrics::default());
        let counted = metrics.clone();
        let manners = Manners::new(&config);
        let closing = CancellationToken::new();
        let hub = Hub::new(&pool, &config, &closing);
        Self(Arc::new(Inner {
            pool,
            objects,
            config,
            metrics,
            exposition: told.with(move |text| counted.encode(text)),
            closing,
            breaking_off: CancellationToken::new(),
            uploads: TaskTracker::new(),
            manners,
            hub,
        }))
    }

    /// What is allowed.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.0.objects
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What is remembered about those who ask.
    pub(crate) fn manners(&self) -> &Manners {
        &self.0.manners
    }

    /// What this process tells at `/metrics`.
    #[must_use]
    pub fn exposition(&self) -> &Exposition {
        &self.0.exposition
    }

    /// Cancelled when the server shuts down: endless answers end then.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// Cancelled when half the time to drain is over: uploads break off then, and have the other half to clean up.
    pub(crate) fn breaking_off(&self) -> &CancellationToken {
        &self.0.breaking_off
    }

    /// Uploads under way, and batches being cancelled. They outlive their connections, and the server waits for them.
    pub(crate) fn uploads(&self) -> &TaskTracker {
        &self.0.uploads
    }

    /// Who watches which analyses.
    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// A connection. Hold it for queries only, never while a client sends or reads.
    pub(crate) async fn db(&self) -> Result<PooledConnection, Problem> {
        Ok(self.0.pool.acquire().await.map_err(store::Error::from)?)
    }

    /// A transaction. The end of the request ends its work: what the database is at then, it breaks off a little before.
    pub(crate) async fn begin(&self) -> Result<Transaction, Problem> {
        let limit = self.0.config.request_timeout.mul_f64(STATEMENT_SHARE);
        Ok(store::begin_within(&self.0.pool, limit).await?)
    }
}

/// Commits, with a problem for an error.
pub(crate) async fn commit(tx: Transaction) -> Result<(), Problem> {
    Ok(tx.commit().await.map_err(store::Error::from)?)
}
