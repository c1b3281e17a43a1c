//! Hears of pending analyses that others wrote: the trigger on `track_analyses` announces them.

use crate::Result;
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Name of the channel, as in the migration.
const CHANNEL: &str = "arsis_analysis_pending";

/// Pause before listening again after it failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Listens on a connection of its own, which is made when it is first needed and again whenever it breaks.
#[derive(Debug)]
pub struct Announcements {
    pool: PgPool,
    listener: Option<PgListener>,
}

impl Announcements {
    /// Does not connect yet.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), listener: None }
    }

    /// Returns when something was announced since the last call, or may have been missed. Cancel safe. Waits for ever
    /// while the database is away: use it with a timeout, and look for yourself when that is over.
    pub async fn next(&mut self) {
        loop {
            let Some(listener) = &mut self.listener else {
                match self.connect().await {
                    // What was announced before we listened was not heard.
                    Ok(()) => return,
                    Err(error) => {
                        tracing::debug!(%error, "cannot listen for announcements, polling instead");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(_)) => {
                    // One round sees all rows: what else is announced already needs no round of its own.
                    while listener.next_buffered().is_some() {}
                    return;
                }
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        self.listener = Some(listener);
        Ok(())
    }
}

/// Makes those who listen look for due analyses, once the caller's transaction is committed.
pub(super) async fn announce(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(r#"SELECT 1 AS "one!" FROM pg_notify($1, '')"#, CHANNEL).fetch_one(db).await?;
    Ok(())
}
