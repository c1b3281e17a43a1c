//! Removes objects that no track refers to, and answers, uploads and sessions that are past their time.

use crate::problem::chain;
use crate::state::App;
use std::time::Duration;
use store::objects::ObjectKey;
use store::{idempotency, orphans, sessions, uploads};
use time::Duration as Span;

/// How often the sweeper looks.
const PERIOD: Duration = Duration::from_secs(60);

/// A removal that failed is tried again after this.
const RETRY_AFTER: Span = Span::minutes(10);

/// Objects removed between two looks.
const BATCH: i64 = 100;

/// Sweeping fails for the database's or the storage's reasons; nobody does anything but log them.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Removes an object that is on the list of orphans, now; one that a track has adopted stays. A failure is
/// logged and left to the sweeper.
pub(crate) async fn remove(app: &App, r2_key: &str) {
    if let Err(error) = try_remove(app, r2_key).await {
        tracing::warn!(
            object.key = r2_key,
            cause = chain(&*error),
            "could not remove an object; it is tried again"
        );
    }
}

async fn try_remove(app: &App, r2_key: &str) -> Result<()> {
    let pool = app.pool();
    if orphans::doom(&mut *pool.acquire().await?, r2_key, RETRY_AFTER).await? {
        finish(app, r2_key).await?;
    }
    Ok(())
}

/// Object first, entry second: what dies in between is done again, which changes nothing.
async fn finish(app: &App, r2_key: &str) -> Result<()> {
    app.objects().delete(&ObjectKey::parse(r2_key)?).await?;
    Ok(orphans::forget(&mut *app.pool().acquire().await?, r2_key).await?)
}

/// Sweeps until the server closes. Any number of servers may sweep the same database.
pub(crate) async fn run(app: App) {
    while tokio::time::timeout(PERIOD, app.closing().cancelled()).await.is_err() {
        if let Err(error) = once(&app).await {
            tracing::warn!(cause = chain(&*error), "sweeping failed; it is tried again");
        }
    }
}

/// One sweep.
pub(crate) async fn once(app: &App) -> Result<()> {
    let mut db = app.pool().acquire().await?;
    for key in orphans::due(&mut db, BATCH, RETRY_AFTER).await? {
        if let Err(error) = finish(app, &key).await {
            tracing::warn!(
                object.key = key,
                cause = chain(&*error),
                "could not remove an object; it is tried again"
            );
        }
    }
    app.objects().remove_unfinished(app.config().upload_timeout * 2).await?;
    let age = Span::try_from(app.config().idempotency_age).unwrap_or(Span::DAY);
    idempotency::forget_older_than(&mut db, age).await?;
    uploads::forget_expired(&mut db).await?;
    Ok(sessions::clean_up(&mut db).await?)
}
