//! Asking for analyses: once for each kind, later, by the hundred.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use analysis_core::config::{AnalysisType, SampleType};
use sqlx::PgPool;
use store::analyses::{self, NewAnalysis, Parameters, Status};
use store::batches::{self, Batch, NewBatch};
use store::queue::{self, reaper};
use store::testing::TestDatabase;
use support::{
    LEASE, claim, count, create, fast_forward, new, owner, pending, row, tickets, track, track_of,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const ALL: &str = "SELECT count(*) FROM track_analyses";

#[tokio::test]
async fn what_is_under_way_is_not_asked_for_twice() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let first = pending(pool, track_id).await;
    let spelled_out = Parameters { hop_ms: Some(10), bands: Some(64), ..Parameters::default() };
    let same = create(pool, NewAnalysis { parameters: spelled_out, ..new(track_id) }).await;
    assert_eq!(same.id, first.id, "defaults that are written out ask for the same");
    claim(pool, "w", LEASE).await.unwrap();
    assert_eq!(pending(pool, track_id).await.id, first.id, "also while it runs");
    for other in [
        NewAnalysis { analysis_type: AnalysisType::Tonal, ..new(track_id) },
        NewAnalysis { version: "other", ..new(track_id) },
        NewAnalysis {
            parameters: Parameters { sample_type: Some(SampleType::F32), ..Parameters::default() },
            ..new(track_id)
        },
        new(track(pool).await),
    ] {
        assert_ne!(create(pool, other).await.id, first.id);
    }
    assert_eq!(count(pool, ALL).await, 5);
}

#[tokio::test]
async fn of_many_who_ask_at_once_all_get_the_same() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let asked = (0..20).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { pending(&pool, track_id).await.id })
    });
    let mut ids = Vec::new();
    for id in asked.collect::<Vec<_>>() {
        ids.push(id.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(count(pool, ALL).await, 1);
}

#[tokio::test]
async fn what_has_ended_or_is_about_to_is_asked_for_anew() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let first = pending(pool, track_id).await.id;
    claim(pool, "w", LEASE).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    analyses::request_cancel(&mut tx, first).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(pending(pool, track_id).await.id, first);
}

#[tokio::test]
async fn a_scheduled_analysis_waits_for_its_time_and_no_ticket_before() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let id = create(pool, NewAnalysis { run_at: Some(tomorrow), ..new(track_id) }).await.id;
    assert_eq!(tickets(pool).await, 0);
    assert_eq!(reaper::reap(pool).await.unwrap(), reaper::Reaped::default());
    assert!(claim(pool, "w", LEASE).await.is_none());
    fast_forward(pool, id).await;
    assert_eq!(tickets(pool).await, 1);
    assert_eq!(claim(pool, "w", LEASE).await.unwrap().lease.analysis_id, id);
}

#[tokio::test]
async fn who_asks_again_for_now_or_with_a_higher_priority_hurries_it_on() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let id = create(pool, NewAnalysis { run_at: Some(tomorrow), priority: -5, ..new(track_id) }).await.id;
    let again = create(pool, NewAnalysis { priority: 3, ..new(track_id) }).await;
    assert_eq!((again.id, again.priority), (id, 3));
    assert_eq!(tickets(pool).await, 1);
    let again = create(pool, NewAnalysis { priority: -7, run_at: Some(tomorrow), ..new(track_id) }).await;
    assert_eq!(again.priority, 3, "nobody slows down what another asked for");
    assert_eq!(claim(pool, "w", LEASE).await.unwrap().lease.analysis_id, id);
}

#[tokio::test]
async fn asking_again_does_not_cut_the_pause_after_a_failure_short() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let id = pending(pool, track_id).await.id;
    let lease = claim(pool, "w", LEASE).await.unwrap().lease;
    let failure = queue::Failure { kind: "k", message: "m", cause: "c", permanent: false };
    queue::fail(pool, &lease, &failure).await.unwrap();
    assert_eq!(pending(pool, track_id).await.id, id);
    assert!(claim(pool, "w", LEASE).await.is_none());
}

#[tokio::test]
async fn an_analysis_that_waits_is_superseded_by_one_of_a_later_version() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let old = create(pool, NewAnalysis { version: "arsis-0.0.9", ..new(track_id) }).await.id;
    let tonal = NewAnalysis { version: "arsis-0.0.9", analysis_type: AnalysisType::Tonal, ..new(track_id) };
    let tonal = create(pool, tonal).await.id;
    let later = create(pool, NewAnalysis { version: "arsis-0.0.10", ..new(track_id) }).await.id;
    let row_of_old = row(pool, old).await;
    let expect = (Status::Error, Some(analyses::SUPERSEDED));
    assert_eq!((row_of_old.status, row_of_old.error_kind.as_deref()), expect);
    assert_eq!(row(pool, tonal).await.status, Status::Pending, "another kind");
    let earlier = create(pool, NewAnalysis { version: "arsis-0.0.8", ..new(track_id) }).await.id;
    assert_eq!(row(pool, later).await.status, Status::Pending, "an earlier one replaces nothing");
    assert_ne!(earlier, later);
}

async fn batch(pool: &PgPool, user_id: Uuid, version: &str) -> Batch {
    let new = NewBatch {
        user_id,
        requested_by: Some(user_id),
        analysis_type: AnalysisType::Full,
        parameters: Parameters::default(),
        version,
        priority: batches::PRIORITY,
    };
    let mut tx = pool.begin().await.unwrap();
    let batch = batches::create(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    batch
}

#[tokio::test]
async fn a_batch_asks_for_what_is_missing_and_tells_how_far_it_is() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bea) = (owner(pool).await, owner(pool).await);
    let mut tracks = Vec::new();
    for _ in 0..5 {
        tracks.push(track_of(pool, ada).await);
    }
    track_of(pool, bea).await;
    create(pool, NewAnalysis { version: "arsis-0.1.0", ..new(tracks[0]) }).await;
    let old = create(pool, NewAnalysis { version: "arsis-0.0.1", ..new(tracks[1]) }).await.id;
    let made = batch(pool, ada, "arsis-0.1.0").await;
    assert_eq!((made.counts.pending, made.counts.total(), made.skipped_count), (4, 4, 1));
    assert_eq!(row(pool, old).await.error_kind.as_deref(), Some(analyses::SUPERSEDED));
    assert_eq!(batch(pool, ada, "arsis-0.1.0").await.skipped_count, 5, "a second one finds nothing to do");

    // What people asked for one by one comes first.
    let first = claim(pool, "w", LEASE).await.unwrap();
    assert_eq!(first.track_id, tracks[0]);
    let second = claim(pool, "w", LEASE).await.unwrap();
    let third = claim(pool, "w", LEASE).await.unwrap();
    let failure = queue::Failure { kind: "k", message: "m", cause: "c", permanent: true };
    queue::fail(pool, &second.lease, &failure).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let now = batches::get(&mut db, made.id).await.unwrap().unwrap();
    assert_eq!(now.counts, batches::Counts { pending: 2, running: 1, completed: 0, error: 1 });

    assert_eq!(batches::cancel(pool, made.id).await.unwrap(), 3);
    let now = batches::get(&mut db, made.id).await.unwrap().unwrap();
    assert_eq!(now.counts, batches::Counts { pending: 0, running: 1, completed: 0, error: 3 });
    assert!(row(pool, third.lease.analysis_id).await.cancel_requested);
    assert_eq!(batches::cancel(pool, made.id).await.unwrap(), 0);
    let listed = batches::list(&mut db, ada, None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[1].id), (2, made.id));
    assert!(batches::list(&mut db, bea, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_of_many_thousands_is_asked_for_and_cancelled_within_a_request() {
    const MANY: i64 = 20_000;
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(25);
    let database = TestDatabase::new().await; // new: nothing is known of its tables yet
    let pool = database.pool();
    let ada = owner(pool).await;
    sqlx::query(
        "INSERT INTO reference_tracks (user_id, name, r2_key, file_size_bytes, mime_type)
         SELECT $1, 'Song', 'tracks/song', 1000, 'audio/flac' FROM generate_series(1, $2)",
    )
    .bind(ada)
    .bind(MANY)
    .execute(pool)
    .await
    .unwrap();
    let mut tx = store::begin_within(pool, LIMIT).await.unwrap();
    let new = NewBatch {
        user_id: ada,
        requested_by: None,
        analysis_type: AnalysisType::Full,
        parameters: Parameters::default(),
        version: "arsis-0.1.0",
        priority: batches::PRIORITY,
    };
    let made = batches::create(&mut tx, &new).await.unwrap();
    assert_eq!((made.counts.pending, made.skipped_count), (MANY, 0));
    let again = batches::create(&mut tx, &new).await.unwrap();
    assert_eq!((again.counts.total(), i64::from(again.skipped_count)), (0, MANY));
    tx.commit().await.unwrap();

    let cancelled = tokio::time::timeout(LIMIT, batches::cancel(pool, made.id)).await.unwrap().unwrap();
    assert_eq!(i64::try_from(cancelled).unwrap(), MANY);
    assert_eq!(count(pool, "SELECT count(*) FROM reference_tracks WHERE status = 'error'").await, MANY);
}
