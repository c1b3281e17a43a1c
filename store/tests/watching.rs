//! What those who watch analyses are told, and of what nobody is.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::queue::{self, Lease, Progress, Renewal};
use store::testing::TestDatabase;
use store::watching::{self, Changes, Heard};
use support::{LEASE, claimed, execute, owner};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use uuid::Uuid;

async fn report(pool: &PgPool, lease: &Lease, done_ms: u64) {
    let progress = Progress { done_ms, total_ms: None };
    let renewal = queue::renew(pool, lease, progress, LEASE).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed { cancel_requested: false });
}

#[tokio::test]
async fn changes_are_announced_by_id_and_renewals_without_progress_are_not() {
    let database = TestDatabase::new().await;
    let (pool, mut changes) = (database.pool(), Changes::new(database.pool()));
    let (first, second) = (claimed(pool).await.lease, claimed(pool).await.lease);
    assert_eq!(changes.next().await, Heard::Began);
    let mut expect = async |id: Uuid| {
        let Heard::Changed(ids) = changes.next().await else { return false };
        ids == [id]
    };
    report(pool, &first, 0).await;
    report(pool, &second, 1).await;
    assert!(expect(second.analysis_id).await, "the first one is where it was");
    report(pool, &second, 1).await;
    report(pool, &first, 5).await;
    assert!(expect(first.analysis_id).await);
    execute(pool, "UPDATE track_analyses SET worker = 'another' WHERE id = $1", first.analysis_id).await;
    execute(pool, "UPDATE track_analyses SET cancel_requested = TRUE WHERE id = $1", first.analysis_id).await;
    assert!(expect(first.analysis_id).await);
    queue::release(pool, &second).await.unwrap();
    assert!(expect(second.analysis_id).await);
    execute(pool, "DELETE FROM track_analyses WHERE id = $1", second.analysis_id).await;
    assert!(expect(second.analysis_id).await);
}

#[tokio::test]
async fn a_lost_connection_is_told_and_made_anew() {
    let database = TestDatabase::new().await;
    let (pool, mut changes) = (database.pool(), Changes::new(database.pool()));
    let lease = claimed(pool).await.lease;
    for done_ms in 1..4 {
        assert_eq!(changes.next().await, Heard::Began);
        changes.check().await;
        report(pool, &lease, done_ms).await;
        assert_eq!(changes.next().await, Heard::Changed(vec![lease.analysis_id]), "it answers, and was kept");
        let end = "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT 1 AS%')";
        assert_eq!(support::count(pool, end).await, 1);
    }
}

/// Hands all it is told to PostgreSQL and back, until it is to forget the connections that there are: they say nothing then,
/// and never end.
fn relay(upstream: PathBuf, forget: Arc<Notify>) -> TempDir {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(upstream.join(".s.PGSQL.5432")).await.unwrap();
            let forget = forget.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = forget.notified() => std::future::pending().await,
                }
            });
        }
    });
    dir
}

#[tokio::test]
async fn a_connection_that_says_nothing_for_ever_is_given_up_for_another() {
    let database = TestDatabase::new().await;
    let options = database.pool().connect_options();
    let forget = Arc::new(Notify::new());
    let dir = relay(options.get_socket().unwrap().clone(), forget.clone());
    let behind = PgPool::connect_lazy_with(options.as_ref().clone().socket(dir.path()));
    let mut changes = Changes::new(&behind);
    assert_eq!(changes.next().await, Heard::Began);
    forget.notify_waiters();
    changes.check().await;
    let again = tokio::time::timeout(Duration::from_secs(30), changes.next()).await;
    assert_eq!(again.unwrap(), Heard::Began);
}

#[tokio::test]
async fn only_sessions_in_force_of_approved_users_count() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut db = pool.acquire().await.unwrap();
    let session = async |db: &mut store::PgConnection, hours: i64, approved: bool| -> Uuid {
        let user = owner(pool).await;
        sqlx::query("UPDATE users SET approved = $2 WHERE id = $1")
            .bind(user)
            .bind(approved)
            .execute(&mut *db)
            .await
            .unwrap();
        let insert = "INSERT INTO sessions (user_id, token, expires_at)
             VALUES ($1, gen_random_uuid()::text, now() + make_interval(hours => $2::int)) RETURNING id";
        sqlx::query_scalar(insert).bind(user).bind(hours).fetch_one(db).await.unwrap()
    };
    let good = session(&mut db, 1, true).await;
    let ids = [good, session(&mut db, -1, true).await, session(&mut db, 1, false).await, Uuid::new_v4()];
    assert_eq!(watching::sessions_in_force(&mut db, &ids).await.unwrap(), [good]);
}
