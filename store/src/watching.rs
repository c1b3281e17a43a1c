//! What those who watch analyses need: to hear that some have changed, over one connection however many watch, and to read
//! many at once.

use crate::analyses::{Analysis, Status};
use crate::{Result, pool_beside, within};
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// Announces that an analysis has changed or is gone; the payload is its id. Name of the channel, as in the migration.
const CHANGED: &str = "arsis_analysis_changed";

/// Pause before listening again after it failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How long a connection may take to say that it is there.
const PING_LIMIT: Duration = Duration::from_secs(5);

/// Listens on a connection of its own, beside the pool's. It is made when it is first needed and again whenever it breaks.
#[derive(Debug)]
pub struct Changes {
    pool: PgPool,
    listener: Option<PgListener>,
}

/// What was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// These analyses have changed, or are gone. One may be named more than once.
    Changed(Vec<Uuid>),
    /// We listen, as of now: what happened before was not heard. Look at everything once.
    Began,
}

impl Changes {
    /// Does not connect yet.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool_beside(pool, 1), listener: None }
    }

    /// Returns when something is announced or may have been missed. Cancel safe. Waits while the database is away.
    pub async fn next(&mut self) -> Heard {
        loop {
            let Some(listener) = &mut self.listener else {
                match self.connect().await {
                    Ok(()) => return Heard::Began,
                    Err(error) => {
                        tracing::warn!(%error, "cannot listen for changes of analyses yet, trying again");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(first)) => {
                    let mut heard: Vec<Uuid> = first.payload().parse().into_iter().collect();
                    while let Some(next) = listener.next_buffered() {
                        heard.extend(next.payload().parse::<Uuid>());
                    }
                    return Heard::Changed(heard);
                }
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }

    /// Gives up a connection that does not answer: one whose other end is gone without a word says nothing for ever.
    pub async fn check(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        let ping = async { Ok(sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(listener).await?) };
        if within(PING_LIMIT, ping).await.is_err() {
            self.listener = None;
        }
    }

    async fn connect(&mut self) -> Result<()> {
        // A pool for each listener: one that was given up says goodbye first, and where nobody answers it holds the only
        // connection that its pool may have.
        self.pool = pool_beside(&self.pool, 1);
        let mut listener = PgListener::connect_with(&self.pool).await?;
        // Whoever is told of a lost connection listens again before they look.
        listener.eager_reconnect(false);
        listener.listen(CHANGED).await?;
        self.listener = Some(listener);
        Ok(())
    }
}

/// Those of `ids` that exist, in any order.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn analyses(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Analysis>> {
    Ok(sqlx::query_as!(
        Analysis,
        r#"SELECT id, track_id, analysis_type, version, status AS "status: Status", started_at, completed_at, error_kind, error_message,
                summary, attempt, max_attempts, next_run_at, waits_for, cancel_requested, done_ms, total_ms, parameters,
                requested_by, priority, created_at, updated_at
           FROM track_analyses WHERE id = ANY ($1)"#,
        ids
    )
    .fetch_all(db)
    .await?)
}

/// Those of `session_ids` that are in force, of users who are approved.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn sessions_in_force(db: &mut PgConnection, session_ids: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.id = ANY ($1) AND s.expires_at > now() AND u.approved",
        session_ids
    )
    .fetch_all(db)
    .await?)
}
