//! What operators see, and what they do with many analyses at once.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

#[expect(dead_code, reason = "other tests need the rest")]
mod support;

use std::time::Duration;
use store::analyses::{self, CANCELLED, Status};
use store::queue::inspect::{self, Filter};
use store::queue::{self, Failure, Progress, operate, reaper, tickets as queue_tickets};
use store::testing::TestDatabase;
use support::{LEASE, claim, claimed, count, execute, expire, pending, row, tickets, track};
use uuid::Uuid;

const DAMAGED: Failure<'_> = failure("corrupt_audio");
const UNKNOWN: Failure<'_> = failure("unsupported_codec");
const DAY: Duration = Duration::from_secs(24 * 3600);

const fn failure(kind: &'static str) -> Failure<'static> {
    Failure { kind, message: "It cannot be read.", cause: "frame 7: no sync word", permanent: true }
}

/// A new track's analysis that failed.
async fn failed(database: &TestDatabase, failure: &Failure<'_>) -> Uuid {
    let lease = claimed(database.pool()).await.lease;
    queue::fail(database.pool(), &lease, failure).await.unwrap();
    lease.analysis_id
}

/// A new track's analysis that somebody stopped while it ran.
async fn stopped(database: &TestDatabase) -> Uuid {
    let lease = claimed(database.pool()).await.lease;
    let mut db = database.pool().acquire().await.unwrap();
    analyses::request_cancel(&mut db, lease.analysis_id).await.unwrap();
    queue::release(database.pool(), &lease).await.unwrap();
    lease.analysis_id
}

async fn ids(database: &TestDatabase, filter: Filter) -> Vec<Uuid> {
    let mut db = database.pool().acquire().await.unwrap();
    let found = inspect::list(&mut db, &filter, None, 100).await.unwrap();
    found.into_iter().map(|entry| entry.id).collect()
}

#[tokio::test]
async fn the_list_is_newest_first_page_by_page_and_filtered() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (old, new) = (failed(&database, &DAMAGED).await, failed(&database, &UNKNOWN).await);
    let running = claimed(pool).await.lease.analysis_id;
    let waiting = pending(pool, track(pool).await).await;
    let everything = Filter::default();
    assert_eq!(ids(&database, everything.clone()).await, [waiting.id, running, new, old]);

    let mut db = pool.acquire().await.unwrap();
    let first = inspect::list(&mut db, &everything, None, 3).await.unwrap();
    let rest = inspect::list(&mut db, &everything, Some(first[2].position()), 3).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.id).collect::<Vec<_>>(), [old]);

    let failures = Filter { status: Some(Status::Error), ..Filter::default() };
    assert_eq!(ids(&database, failures).await, [new, old]);
    let damaged = Filter { error_kind: Some("corrupt_audio".into()), ..Filter::default() };
    assert_eq!(ids(&database, damaged).await, [old]);
    assert_eq!(ids(&database, Filter { track_id: Some(waiting.track_id), ..everything }).await, [waiting.id]);
    let owner = inspect::get(&mut db, running).await.unwrap().unwrap().owner_id;
    assert_eq!(ids(&database, Filter { owner_id: Some(owner), ..Filter::default() }).await, [running]);
    let nobody = Filter { worker: Some("nobody".into()), ..Filter::default() };
    assert!(ids(&database, nobody).await.is_empty());
    execute(pool, "UPDATE track_analyses SET completed_at = now() - interval '2 days' WHERE id = $1", old)
        .await;
    assert_eq!(ids(&database, Filter { ended_within: Some(DAY), ..Filter::default() }).await, [new]);
}

#[tokio::test]
async fn an_analysis_shows_why_it_failed_and_every_attempt() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let id = claimed(pool).await.lease.analysis_id;
    expire(pool, id).await;
    reaper::reap(pool).await.unwrap();
    let lease = claim(pool, "second", LEASE).await.unwrap().lease;
    queue::fail(pool, &lease, &DAMAGED).await.unwrap();

    let mut db = pool.acquire().await.unwrap();
    let entry = inspect::get(&mut db, id).await.unwrap().unwrap();
    assert_eq!((entry.status, entry.cause.as_deref()), (Status::Error, Some(DAMAGED.cause)));
    let attempts = inspect::attempts(&mut db, id, 10).await.unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|one| (one.attempt, one.worker.as_str(), one.outcome.as_deref(), one.error_kind.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (2, "second", Some("failed"), Some(DAMAGED.kind)),
            (1, "first", Some("expired"), Some(reaper::WORKER_LOST))
        ]
    );
    assert!(attempts.iter().all(|one| one.ended_at.is_some()));
    assert_eq!(inspect::attempts(&mut db, id, 1).await.unwrap(), attempts[..1]);
    assert_eq!(inspect::get(&mut db, Uuid::new_v4()).await.unwrap(), None);
}

#[tokio::test]
async fn a_running_analysis_says_how_far_it_is() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    execute(
        pool,
        "UPDATE track_analyses SET started_at = now() - interval '10 seconds' WHERE id = $1",
        lease.analysis_id,
    )
    .await;
    let progress = Progress { done_ms: 15_000, total_ms: Some(60_000) };
    let renewed = queue::renew(pool, &lease, progress, LEASE).await.unwrap();
    assert_eq!(renewed, queue::Renewal::Renewed { cancel_requested: false });
    let mut db = pool.acquire().await.unwrap();
    let entry = inspect::get(&mut db, lease.analysis_id).await.unwrap().unwrap();
    let observed = entry.observed().unwrap();
    assert_eq!(observed.fraction(), Some(0.25));
    let remaining = observed.remaining().unwrap();
    assert!((30..60).contains(&remaining.as_secs()), "three times what it took: {remaining:?}");
    queue::fail(pool, &lease, &DAMAGED).await.unwrap();
    let entry = inspect::get(&mut db, lease.analysis_id).await.unwrap().unwrap();
    assert_eq!(entry.observed(), None, "it runs no longer");
}

#[tokio::test]
async fn workers_are_those_that_listen_and_those_that_hold_leases() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    claimed(pool).await;
    sqlx::raw_sql(
        "INSERT INTO apalis.workers (id, worker_type, storage_name, last_seen) VALUES
             ('idle-1/0', 'arsis.analyses', 'x', now() - interval '2 seconds'), ('idle-1/1', 'arsis.analyses', 'x', now()),
             ('gone-1/0', 'arsis.analyses', 'x', now() - interval '5 minutes'), ('other/0', 'mails', 'x', now())",
    )
    .execute(pool)
    .await
    .unwrap();
    let mut db = pool.acquire().await.unwrap();
    let workers = inspect::workers(&mut db, Duration::from_secs(60)).await.unwrap();
    let told: Vec<_> =
        workers.iter().map(|one| (one.name.as_str(), one.silent.is_some(), one.running)).collect();
    assert_eq!(told, [("first", false, 1), ("idle-1", true, 0)]);
}

#[tokio::test]
async fn failures_are_counted_by_kind() {
    let database = TestDatabase::new().await;
    for failure in [&DAMAGED, &UNKNOWN, &DAMAGED] {
        failed(&database, failure).await;
    }
    let old = failed(&database, &UNKNOWN).await;
    execute(
        database.pool(),
        "UPDATE track_analyses SET completed_at = now() - interval '25 hours' WHERE id = $1",
        old,
    )
    .await;
    let mut db = database.pool().acquire().await.unwrap();
    let failures = inspect::failures(&mut db, DAY).await.unwrap();
    let told: Vec<_> = failures.iter().map(|one| (one.kind.as_str(), one.count)).collect();
    assert_eq!(told, [("corrupt_audio", 2), ("unsupported_codec", 1)]);
}

#[tokio::test]
async fn what_somebody_wanted_so_is_no_failure() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let damaged = failed(&database, &DAMAGED).await;
    let stopped = stopped(&database).await;
    let superseded = failed(&database, &DAMAGED).await;
    execute(pool, "UPDATE track_analyses SET error_kind = 'superseded' WHERE id = $1", superseded).await;
    let nameless = failed(&database, &DAMAGED).await;
    execute(pool, "UPDATE track_analyses SET error_kind = NULL WHERE id = $1", nameless).await;
    let waiting = pending(pool, track(pool).await).await.id;

    let mut db = pool.acquire().await.unwrap();
    let told = inspect::failures(&mut db, DAY).await.unwrap();
    let told: Vec<_> = told.iter().map(|one| (one.kind.as_str(), one.count)).collect();
    assert_eq!(told, [("corrupt_audio", 1), ("unknown", 1)]);
    let failures = Filter { failures_only: true, ..Filter::default() };
    assert_eq!(ids(&database, failures.clone()).await, [nameless, damaged]);
    let failures = Filter { status: Some(Status::Error), ..failures };
    assert_eq!(ids(&database, failures).await, [nameless, damaged]);
    assert_eq!(operate::retry_many(pool, &Filter::default()).await.unwrap(), 2);
    for wanted in [stopped, superseded] {
        assert_eq!(row(pool, wanted).await.status, Status::Error);
    }
    assert_eq!(row(pool, waiting).await.status, Status::Pending);
}

#[tokio::test]
async fn what_goes_wrong_halfway_says_how_many_were_done() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (first, second) = (failed(&database, &DAMAGED).await, failed(&database, &DAMAGED).await);
    // The list begins with the one that failed last.
    let refusal = format!("ALTER TABLE track_analyses ADD CHECK (id <> '{first}' OR status <> 'pending')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(refusal)).execute(pool).await.unwrap();
    assert_eq!(operate::retry_many(pool, &Filter::default()).await.unwrap_err().done, 1);
    assert_eq!(row(pool, second).await.status, Status::Pending);
}

#[tokio::test]
async fn at_work_is_what_a_live_lease_is_on_and_waiting_for_another_has_no_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (silent, twin) = (claimed(pool).await.lease, claimed(pool).await.lease);
    expire(pool, silent.analysis_id).await;
    let mut db = pool.acquire().await.unwrap();
    assert_eq!(inspect::at_work(&mut db).await.unwrap().len(), 1);

    let waiting = claimed(pool).await.lease;
    queue::wait_for(pool, &waiting, twin.analysis_id).await.unwrap();
    let entry = inspect::get(&mut db, waiting.analysis_id).await.unwrap().unwrap();
    assert_eq!((entry.run_at(), entry.waits_for), (None, Some(twin.analysis_id)));
    let listed = Filter { status: Some(Status::Pending), ..Filter::default() };
    assert_eq!(inspect::list(&mut db, &listed, None, 9).await.unwrap(), [entry]);
}

#[tokio::test]
async fn many_are_retried_by_kind_and_what_was_cancelled_stays_so() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (damaged, unknown) = (failed(&database, &DAMAGED).await, failed(&database, &UNKNOWN).await);
    let stopped = stopped(&database).await;
    let of_kind = |kind: &str| Filter { error_kind: Some(kind.into()), ..Filter::default() };

    assert_eq!(operate::retry_many(pool, &of_kind("corrupt_audio")).await.unwrap(), 1);
    assert_eq!(row(pool, damaged).await.status, Status::Pending);
    assert_eq!(row(pool, unknown).await.status, Status::Error);
    assert_eq!(operate::retry_many(pool, &Filter::default()).await.unwrap(), 1);
    assert_eq!(row(pool, unknown).await.status, Status::Pending);
    assert_eq!(row(pool, stopped).await.status, Status::Error, "nobody asked for it again");
    assert_eq!(operate::retry_many(pool, &of_kind(CANCELLED)).await.unwrap(), 1);
    assert!(claim(pool, "second", LEASE).await.is_some());
}

#[tokio::test]
async fn many_are_cancelled_and_each_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let running = claimed(pool).await.lease.analysis_id;
    let track_id = track(pool).await;
    pending(pool, track_id).await;
    let elsewhere = pending(pool, track(pool).await).await.id;

    let of_track = Filter { track_id: Some(track_id), ..Filter::default() };
    assert_eq!(operate::cancel_many(pool, &of_track).await.unwrap(), 1);
    let waiting = Filter { status: Some(Status::Pending), ..Filter::default() };
    assert_eq!(operate::cancel_many(pool, &waiting).await.unwrap(), 1);
    assert_eq!(row(pool, elsewhere).await.error_kind.as_deref(), Some(CANCELLED));
    assert!(!row(pool, running).await.cancel_requested);
    assert_eq!(operate::cancel_many(pool, &Filter::default()).await.unwrap(), 1);
    let asked = row(pool, running).await;
    assert_eq!((asked.status, asked.cancel_requested), (Status::Running, true), "its worker ends it");
    assert_eq!(operate::cancel_many(pool, &Filter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn more_than_a_page_is_retried_and_cancelled() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query(
        "INSERT INTO track_analyses (track_id, analysis_type, version, status, error_kind, completed_at)
         SELECT $1, 'full', 'test', 'error', 'corrupt_audio', now() FROM generate_series(1, 450)",
    )
    .bind(track(pool).await)
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(operate::retry_many(pool, &Filter::default()).await.unwrap(), 450);
    assert_eq!(count(pool, "SELECT count(*) FROM track_analyses WHERE status = 'pending'").await, 450);
    assert_eq!(operate::cancel_many(pool, &Filter::default()).await.unwrap(), 450);
    assert_eq!(count(pool, "SELECT count(*) FROM track_analyses WHERE error_kind = 'cancelled'").await, 450);
}

#[tokio::test]
async fn pruning_takes_history_of_what_ended_long_ago_and_answered_tickets() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (old, new) = (failed(&database, &DAMAGED).await, failed(&database, &DAMAGED).await);
    let running = claimed(pool).await.lease.analysis_id;
    let aged = "UPDATE track_analyses SET completed_at = now() - interval '31 days' WHERE id = $1";
    execute(pool, aged, old).await;
    execute(pool, "UPDATE track_analyses SET started_at = now() - interval '40 days' WHERE id = $1", running)
        .await;
    assert_eq!(operate::prune_history(pool, 30 * DAY).await.unwrap(), 1);
    let mut db = pool.acquire().await.unwrap();
    let mut attempts = async |id| inspect::attempts(&mut db, id, 10).await.unwrap().len();
    assert_eq!((attempts(old).await, attempts(new).await, attempts(running).await), (0, 1, 1));
    assert!(row(pool, old).await.error_message.is_some(), "the analysis still says why it failed");

    let before = tickets(pool).await;
    sqlx::raw_sql(
        "UPDATE apalis.jobs SET status = 'Done', done_at = now()
          WHERE id = (SELECT id FROM apalis.jobs WHERE status = 'Pending' LIMIT 1)",
    )
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(queue_tickets::prune(pool).await.unwrap(), 0, "it was answered just now");
    assert_eq!(queue_tickets::prune_answered(pool, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(tickets(pool).await, before - 1);
    assert!(analyses::get(&mut pool.acquire().await.unwrap(), old).await.unwrap().is_some());
}
