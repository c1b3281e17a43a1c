//! Who comes when: turns among owners, waiting beside the line, and the queue's switch.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use analysis_core::config::AnalysisType;
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Duration;
use store::analyses::{self, NewAnalysis, Status};
use store::queue::{self, pause, reaper};
use store::testing::TestDatabase;
use support::{
    LEASE, claim, claimed, count, create, execute, expire, fast_forward, new, owner, pending, row, track_of,
};
use uuid::Uuid;

/// Whose analysis is claimed next.
async fn next_owner(pool: &PgPool) -> Option<Uuid> {
    let claim = claim(pool, "w", LEASE).await?;
    let owner = "SELECT user_id FROM reference_tracks WHERE id = $1";
    Some(sqlx::query_scalar(owner).bind(claim.track_id).fetch_one(pool).await.unwrap())
}

/// Rows as another program writes them, many in one statement.
async fn flood(pool: &PgPool, owner: Uuid, count: i32) {
    let insert = "WITH tracks AS (
            INSERT INTO reference_tracks (user_id, name, r2_key, file_size_bytes, mime_type)
            SELECT $1, 'Song', 'tracks/song', 1000, 'audio/flac' FROM generate_series(1, $2) RETURNING id)
        INSERT INTO track_analyses (track_id, analysis_type, version) SELECT id, 'full', 'test' FROM tracks";
    sqlx::query(insert).bind(owner).bind(count).execute(pool).await.unwrap();
}

#[tokio::test]
async fn one_owners_thousand_do_not_keep_others_waiting() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bea, cy) = (owner(pool).await, owner(pool).await, owner(pool).await);
    flood(pool, ada, 1000).await;
    for _ in 0..10 {
        assert_eq!(next_owner(pool).await, Some(ada), "nobody else is there");
    }
    flood(pool, bea, 3).await;
    flood(pool, cy, 1).await;
    let mut counts = HashMap::new();
    for _ in 0..9 {
        *counts.entry(next_owner(pool).await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!((counts[&bea], counts[&cy]), (3, 1), "{counts:?}");
}

#[tokio::test]
async fn owners_take_turns_whether_their_analyses_came_one_by_one_or_at_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bea) = (owner(pool).await, owner(pool).await);
    flood(pool, ada, 5).await;
    for _ in 0..5 {
        let track_id = track_of(pool, bea).await;
        pending(pool, track_id).await;
    }
    for turn in 0..5 {
        let pair = [next_owner(pool).await.unwrap(), next_owner(pool).await.unwrap()];
        assert!(pair.contains(&ada) && pair.contains(&bea), "turn {turn}: {pair:?}");
    }
}

#[tokio::test]
async fn a_newcomer_is_not_put_behind_what_an_owner_has_running() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bea) = (owner(pool).await, owner(pool).await);
    flood(pool, ada, 8).await;
    for _ in 0..8 {
        next_owner(pool).await.unwrap();
    }
    // All of Ada's run; nothing waits. Bea's fifty must not all come before Ada's next.
    flood(pool, bea, 50).await;
    flood(pool, ada, 1).await;
    let order =
        [next_owner(pool).await.unwrap(), next_owner(pool).await.unwrap(), next_owner(pool).await.unwrap()];
    assert!(order.contains(&ada), "Ada waits behind {order:?}");
}

#[tokio::test]
async fn what_asks_for_a_later_version_is_left_to_newer_workers() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = support::track(pool).await;
    create(pool, NewAnalysis { version: "arsis-999.0.0", ..new(track_id) }).await;
    assert!(claim(pool, "w", LEASE).await.is_none());
    execute(pool, "DELETE FROM apalis.jobs WHERE $1 IS NOT NULL", track_id).await;
    assert_eq!(reaper::reap(pool).await.unwrap().ticketed, 0, "nor do we make tickets for it");
    for version in ["arsis-0.0.9", analysis_core::ANALYZER_VERSION, "platform-7", ""] {
        let track_id = support::track(pool).await;
        let id = create(pool, NewAnalysis { version, ..new(track_id) }).await.id;
        let claim = claim(pool, "w", LEASE).await;
        assert_eq!(claim.map(|claim| claim.lease.analysis_id), Some(id), "{version:?}");
    }
}

#[tokio::test]
async fn a_paused_queue_begins_nothing_and_goes_on_when_resumed() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let running = claimed(pool).await;
    let waiting = pending(pool, support::track(pool).await).await;
    let mut db = pool.acquire().await.unwrap();
    pause::pause(&mut db, "ada").await.unwrap();
    pause::pause(&mut db, "bea").await.unwrap();
    assert_eq!(pause::paused(&mut db).await.unwrap().unwrap().by, "ada", "who was first");
    assert!(claim(pool, "w", LEASE).await.is_none());
    assert!(
        matches!(
            queue::renew(pool, &running.lease, queue::Progress::default(), LEASE).await.unwrap(),
            queue::Renewal::Renewed { .. }
        ),
        "what runs goes on"
    );
    execute(pool, "DELETE FROM apalis.jobs WHERE $1 IS NOT NULL", waiting.id).await;
    assert_eq!(reaper::reap(pool).await.unwrap().ticketed, 0);
    assert!(pause::resume(&mut db).await.unwrap());
    assert!(!pause::resume(&mut db).await.unwrap());
    assert_eq!(pause::paused(&mut db).await.unwrap(), None);
    assert_eq!(reaper::reap(pool).await.unwrap().ticketed, 1);
    assert_eq!(claim(pool, "w", LEASE).await.unwrap().lease.analysis_id, waiting.id);
}

#[tokio::test]
async fn a_snoozed_analysis_comes_back_later_and_lost_no_attempt() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut claimed = claimed(pool).await;
    let id = claimed.lease.analysis_id;
    for _ in 0..3 {
        assert!(snooze(pool, &claimed.lease).await);
        let row = row(pool, id).await;
        assert_eq!(
            (row.status, row.attempt, row.error_kind.as_deref()),
            (Status::Pending, 0, Some("disk_full"))
        );
        assert!(claim(pool, "w", LEASE).await.is_none(), "not before its time");
        fast_forward(pool, id).await;
        claimed = claim(pool, "w", LEASE).await.unwrap();
        assert_eq!(claimed.lease.attempt, 1);
    }
    let snoozed = "SELECT count(*) FROM track_analysis_attempts WHERE outcome = 'snoozed'";
    assert_eq!(count(pool, snoozed).await, 2, "the history keeps the first and the last");
}

async fn snooze(pool: &PgPool, lease: &queue::Lease) -> bool {
    let pause = Duration::from_secs(30);
    queue::snooze(pool, lease, pause, "disk_full", "The disk is full.", "ENOSPC").await.unwrap()
}

#[tokio::test]
async fn an_analysis_is_not_put_off_without_end() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let first = claimed(pool).await;
    let id = first.lease.analysis_id;
    assert!(snooze(pool, &first.lease).await);
    let earlier = "UPDATE track_analysis_attempts SET started_at = started_at - interval '7 hours' WHERE analysis_id = $1";
    execute(pool, earlier, id).await;
    fast_forward(pool, id).await;
    let again = claim(pool, "w", LEASE).await.unwrap();
    assert!(!snooze(pool, &again.lease).await, "for hours now");
    let failure = queue::Failure { kind: "disk_full", message: "m", cause: "c", permanent: false };
    queue::fail(pool, &again.lease, &failure).await.unwrap();
    fast_forward(pool, id).await;
    let again = claim(pool, "w", LEASE).await.unwrap();
    assert_eq!(again.lease.attempt, 2, "that one counted");
    assert!(snooze(pool, &again.lease).await, "and begins anew");
}

#[tokio::test]
async fn a_worker_that_hears_late_of_a_cancel_hands_back_what_was_sent_round_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let claim = claimed(pool).await;
    assert_eq!(queue::release(pool, &claim.lease).await.unwrap(), queue::Released::HandedBack);
    let row = row(pool, claim.lease.analysis_id).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 0), "nobody asks for it to stop");
}

#[tokio::test]
async fn an_analysis_waits_for_its_twin_and_no_longer() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let twin = claimed(pool).await;
    let other = claimed(pool).await;
    let id = other.lease.analysis_id;
    queue::wait_for(pool, &other.lease, twin.lease.analysis_id).await.unwrap();
    let row_now = row(pool, id).await;
    assert_eq!((row_now.status, row_now.attempt), (Status::Pending, 0));
    assert_eq!(reaper::reap(pool).await.unwrap().promoted, 0, "the twin runs");
    assert!(claim(pool, "w", LEASE).await.is_none());
    // However the twin ends: here its worker dies.
    expire(pool, twin.lease.analysis_id).await;
    let reaped = reaper::reap(pool).await.unwrap();
    assert_eq!(reaped.rescued, 1);
    let promoted = reaped.promoted + reaper::reap(pool).await.unwrap().promoted;
    assert_eq!(promoted, 1);
    let mut ids = Vec::new();
    while let Some(claim) = claim(pool, "w", LEASE).await {
        ids.push(claim.lease.analysis_id);
    }
    assert!(ids.contains(&id) && ids.len() == 2, "{ids:?}");
    let history = "SELECT count(*) FROM track_analysis_attempts WHERE outcome IS NULL AND ended_at IS NULL";
    assert_eq!(count(pool, history).await, 2, "waiting left no attempt behind");
}

#[tokio::test]
async fn an_analysis_told_to_stop_does_not_come_back_from_snoozing_or_waiting() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for way in ["snooze", "wait"] {
        let claim = claimed(pool).await;
        let id = claim.lease.analysis_id;
        let mut tx = pool.begin().await.unwrap();
        analyses::request_cancel(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        match way {
            "snooze" => assert!(queue::snooze(pool, &claim.lease, LEASE, "k", "m", "c").await.unwrap()),
            _ => queue::wait_for(pool, &claim.lease, Uuid::new_v4()).await.unwrap(),
        }
        let row = row(pool, id).await;
        assert_eq!(
            (row.status, row.error_kind.as_deref()),
            (Status::Error, Some(analyses::CANCELLED)),
            "{way}"
        );
    }
}

#[tokio::test]
async fn one_worker_of_a_fleet_looks_after_the_queue_at_a_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let asked = (0..8).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { reaper::its_turn(&pool, Duration::from_secs(3600)).await.unwrap() })
    });
    let mut turns = 0;
    for turn in asked.collect::<Vec<_>>() {
        turns += u32::from(turn.await.unwrap());
    }
    assert_eq!(turns, 1);
    assert!(reaper::its_turn(pool, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn many_whose_time_has_come_enter_the_line_fairly() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bea) = (owner(pool).await, owner(pool).await);
    for who in [ada, ada, ada, bea] {
        let track_id = track_of(pool, who).await;
        create(pool, NewAnalysis { analysis_type: AnalysisType::Rhythm, ..new(track_id) }).await;
    }
    sqlx::query("UPDATE track_analyses SET turn = NULL, next_run_at = now() - make_interval(secs => 1)")
        .execute(pool)
        .await
        .unwrap();
    assert!(claim(pool, "w", LEASE).await.is_none());
    assert_eq!(reaper::reap(pool).await.unwrap().promoted, 4);
    let first = [next_owner(pool).await.unwrap(), next_owner(pool).await.unwrap()];
    assert!(first.contains(&bea), "Bea's one is not behind Ada's three: {first:?}");
}
