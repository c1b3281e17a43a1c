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

/// One sweep. What fails is told at the end, and keeps nothing else from being done; no connection to the database is held
/// while the storage works.
pub(crate) async fn once(app: &App) -> Result<()> {
    let steps = [remove_orphans(app).await, remove_unfinished(app).await, forget(app).await];
    let mut failed = steps.into_iter().filter_map(Result::err);
    let first = failed.next();
    for further in failed {
        tracing::warn!(cause = chain(&*further), "sweeping failed; it is tried again");
    }
    first.map_or(Ok(()), Err)
}

async fn remove_orphans(app: &App) -> Result<()> {
    let due = orphans::due(&mut *app.pool().acquire().await?, BATCH, RETRY_AFTER).await?;
    for key in due {
        if let Err(error) = finish(app, &key).await {
            tracing::warn!(
                object.key = key,
                cause = chain(&*error),
                "could not remove an object; it is tried again"
            );
        }
    }
    Ok(())
}

async fn remove_unfinished(app: &App) -> Result<()> {
    app.objects().remove_unfinished(app.config().upload_timeout * 2).await?;
    Ok(())
}

async fn forget(app: &App) -> Result<()> {
    let mut db = app.pool().acquire().await?;
    let age = Span::try_from(app.config().idempotency_age).unwrap_or(Span::DAY);
    let answers = idempotency::forget_older_than(&mut db, age).await.map(drop);
    let uploads = uploads::forget_expired(&mut db).await.map(drop);
    let sessions = sessions::clean_up(&mut db).await.map(drop);
    Ok(answers.and(uploads).and(sessions)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use store::objects::{self, Objects};
    use store::testing::TestDatabase;
    use store::uploads::{NewUpload, Room};
    use time::OffsetDateTime;
    use uuid::Uuid;

    #[tokio::test]
    async fn an_upload_whose_time_is_over_goes_with_what_was_sent() {
        let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        let objects = Objects::open(objects::Config::Directory(folder.path().into())).await.unwrap();
        let app = App::new(database.pool().clone(), objects, Config::default());
        let mut db = app.pool().acquire().await.unwrap();
        let user_id = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap().id;
        let now = OffsetDateTime::now_utc();
        let room = Room { count: 2, bytes: 2 };
        let mut keys = Vec::new();
        for kept_until in [now, now + Span::HOUR] {
            let (content_type, about) = ("audio/wav".to_owned(), serde_json::json!({}));
            let (id, expires_at, size_bytes) = (Uuid::now_v7(), kept_until, 1);
            let new = NewUpload {
                id,
                user_id,
                size_bytes,
                sha256: None,
                content_type,
                about,
                secret: None,
                expires_at,
                kept_until,
            };
            let key = ObjectKey::upload(id);
            orphans::expect(&mut db, key.as_str(), kept_until - now).await.unwrap();
            assert!(uploads::announce(&mut db, &new, room).await.unwrap());
            let sent = futures::stream::iter([Ok(bytes::Bytes::from_static(b"x"))]);
            app.objects().put(&key, "audio/wav", sent).await.unwrap();
            keys.push(key);
        }
        drop(db);
        once(&app).await.unwrap();
        let kept = futures::future::join_all(keys.iter().map(|key| app.objects().head(key))).await;
        assert_eq!(kept.iter().map(|head| head.is_ok()).collect::<Vec<_>>(), [false, true]);
        let mut db = app.pool().acquire().await.unwrap();
        assert_eq!(uploads::list(&mut db, user_id, None, 10).await.unwrap().len(), 1);
        assert_eq!(uploads::forget_expired(&mut db).await.unwrap(), 0, "forgotten by the sweep");
    }
}
