//! The queue in numbers, against a real server.

use crate::support::{LEASE, claim, execute, new, pending, track};
use std::time::Duration;
use store::analyses::NewAnalysis;
use store::queue::overview::{self, Counts, Depth};
use store::testing::TestDatabase;
use uuid::Uuid;

#[expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]
async fn of_priority(pool: &sqlx::PgPool, priority: i16) -> Uuid {
    let track_id = track(pool).await;
    let mut db = pool.acquire().await.unwrap();
    store::analyses::create(&mut db, &NewAnalysis { priority, ..new(track_id) }).await.unwrap().id
}

#[expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]
async fn counts(pool: &sqlx::PgPool) -> Counts {
    overview::counts(&mut pool.acquire().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_empty_queue_counts_nothing() {
    let database = TestDatabase::new().await;
    assert_eq!(counts(database.pool()).await, Counts::default());
}

#[tokio::test]
async fn each_analysis_counts_for_what_it_waits_for() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // The one that is claimed comes first.
    of_priority(pool, 7).await;
    let expired = claim(pool, "lost", LEASE).await.unwrap().lease.analysis_id;
    execute(
        pool,
        "UPDATE track_analyses SET lease_until = now() - interval '1 second' WHERE id = $1",
        expired,
    )
    .await;
    of_priority(pool, 3).await;
    of_priority(pool, -2).await;
    let scheduled = of_priority(pool, 0).await;
    execute(
        pool,
        "UPDATE track_analyses SET turn = NULL, next_run_at = now() + interval '1 hour' WHERE id = $1",
        scheduled,
    )
    .await;
    let waiting = of_priority(pool, 0).await;
    execute(
        pool,
        "UPDATE track_analyses SET turn = NULL, waits_for = gen_random_uuid() WHERE id = $1",
        waiting,
    )
    .await;
    // Due, and nobody has put it in line yet.
    let due = of_priority(pool, 0).await;
    execute(
        pool,
        "UPDATE track_analyses SET turn = NULL, next_run_at = now() - interval '90 seconds' WHERE id = $1",
        due,
    )
    .await;
    let ended = of_priority(pool, 0).await;
    execute(pool, "UPDATE track_analyses SET status = 'error' WHERE id = $1", ended).await;

    let counts = counts(pool).await;
    assert_eq!(counts.high, Depth { in_line: 1, running: 1, ..Depth::default() });
    assert_eq!(counts.normal, Depth { in_line: 1, scheduled: 1, waiting: 1, running: 0 });
    assert_eq!(counts.low, Depth { in_line: 1, ..Depth::default() });
    assert_eq!(counts.total(), Depth { in_line: 3, scheduled: 1, waiting: 1, running: 1 });
    assert_eq!(counts.expired, 1);
    let oldest = counts.oldest_due.unwrap().as_secs();
    assert!((90..150).contains(&oldest), "{oldest}");
}

#[tokio::test]
async fn a_pause_and_the_last_look_are_told_with_their_age() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    pending(pool, track_id).await;
    sqlx::query(
        "WITH round AS (INSERT INTO analysis_queue_rounds VALUES ('arsis-0.1.0', now() - interval '2 minutes'))
         UPDATE analysis_queue SET paused_at = now() - interval '1 minute'",
    )
    .execute(pool)
    .await
    .unwrap();
    let counts = counts(pool).await;
    assert!(counts.paused.unwrap() >= Duration::from_secs(60));
    assert!(counts.looked_after.unwrap() >= Duration::from_secs(120));
    assert_eq!(counts.tickets, 1);
}
