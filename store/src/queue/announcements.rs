//! Hears what triggers on `track_analyses` announce: pending analyses that others wrote, and running ones that someone
//! asked to stop.

use crate::Result;
use sqlx::postgres::{PgListener, PgNotification};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// Announces that analyses are pending. Name of the channel, as in the migration.
const PENDING: &str = "arsis_analysis_pending";

/// Announces that someone asked a running analysis to stop; the payload is its id.
const CANCEL: &str = "arsis_analysis_cancel";

/// Pause before listening again after it failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Listens on a connection of its own, which is made when it is first needed and again whenever it breaks.
#[derive(Debug)]
pub struct Announcements {
    pool: PgPool,
    listener: Option<PgListener>,
}

/// What was announced since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Analyses are pending, or may be: what was announced before we listened was not heard.
    pub pending: bool,
    /// Running analyses that must stop. One that was announced while nobody listened is missing here; whoever renews
    /// its lease is told.
    pub cancelled: Vec<Uuid>,
}

impl Heard {
    fn add(&mut self, notification: &PgNotification) {
        if notification.channel() == PENDING {
            self.pending = true;
        } else if let Ok(id) = notification.payload().parse() {
            self.cancelled.push(id);
        }
    }
}

impl Announcements {
    /// Does not connect yet.
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), listener: None }
    }

    /// Returns when something was announced since the last call, or may have been missed. Cancel safe. Waits for ever
    /// while the database is away: look for yourself at intervals, too.
    pub async fn next(&mut self) -> Heard {
        loop {
            let Some(listener) = &mut self.listener else {
                match self.connect().await {
                    Ok(()) => return Heard { pending: true, cancelled: Vec::new() },
                    Err(error) => {
                        tracing::debug!(%error, "cannot listen for announcements, polling instead");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(first)) => {
                    let mut heard = Heard::default();
                    heard.add(&first);
                    // One look sees all rows: what else is announced already needs no look of its own.
                    while let Some(next) = listener.next_buffered() {
                        heard.add(&next);
                    }
                    return heard;
                }
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen_all([PENDING, CANCEL]).await?;
        self.listener = Some(listener);
        Ok(())
    }
}

/// Makes those who listen look for due analyses, once the caller's transaction is committed.
pub(super) async fn announce(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(r#"SELECT 1 AS "one!" FROM pg_notify($1, '')"#, PENDING).fetch_one(db).await?;
    Ok(())
}
