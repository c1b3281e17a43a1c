//! Which ends of analyses are told, and how deliveries are shared among those who send them.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use analysis_core::config::Config;
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::ManifestBuilder;
use analysis_core::summary::{AudioInfo, Summary};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;
use store::analyses;
use store::queue::{self, Claim, Failure, reaper};
use store::results::{self, Finished, Writer, reuse};
use store::testing::TestDatabase;
use store::webhooks::sending::{self, Claimed, Room};
use store::webhooks::{self, COMPLETED, FAILED, NewWebhook, Secret, deliveries};
use support::{LEASE, claim, count, execute, expire, fast_forward, owner, pending, track_of};
use uuid::Uuid;

const LATER: Duration = Duration::from_secs(60);

fn failure(permanent: bool) -> Failure<'static> {
    Failure { kind: "storage_unavailable", message: "The storage is away.", cause: "refused", permanent }
}

/// A webhook of someone for everything.
async fn webhook(pool: &PgPool, user_id: Uuid, host: &str) -> Uuid {
    let secret = Secret::generate().unwrap();
    let new = NewWebhook {
        user_id,
        url: &format!("https://{host}/"),
        host,
        description: None,
        events: &[COMPLETED.to_owned(), FAILED.to_owned()],
        active: true,
        secret: &secret,
    };
    webhooks::insert(&mut pool.acquire().await.unwrap(), &new, 20).await.unwrap().unwrap().id
}

/// Someone with a webhook and an analysis that runs.
async fn running(pool: &PgPool) -> (Uuid, Claim) {
    let ada = owner(pool).await;
    webhook(pool, ada, "a.example").await;
    let track_id = track_of(pool, ada).await;
    pending(pool, track_id).await;
    (ada, claim(pool, "first", LEASE).await.unwrap())
}

/// The types and error kinds of the events so far.
async fn told(pool: &PgPool) -> Vec<(String, Option<String>)> {
    let query = "SELECT event_type, data->>'error_kind' FROM webhook_deliveries ORDER BY created_at, id";
    sqlx::query_as(query).fetch_all(pool).await.unwrap()
}

#[track_caller]
fn assert_told(told: &[(String, Option<String>)], expect: &[(&str, Option<&str>)]) {
    let told: Vec<_> = told.iter().map(|(event, kind)| (event.as_str(), kind.as_deref())).collect();
    assert_eq!(told, expect);
}

async fn finish(pool: &PgPool, claim: &Claim) {
    let config = Config { bands: 8, zoom_levels: 0, ..Config::default() };
    let audio = AudioInfo {
        duration_ms: 1500,
        sample_rate: 44_100,
        channels: 2,
        codec: None,
        container: None,
        delay_frames: 0,
        padding_frames: 0,
        decode_errors: 0,
        truncated: false,
    };
    let manifest =
        ManifestBuilder::new(&config, &FrameLayout::new(&config)).finish(audio, Some("abc".into()));
    let summary = Summary { tempo_bpm: Some(124.0), ..Summary::default() };
    let writer = Writer::new(&claim.lease, &config).unwrap();
    let finished =
        Finished { chunks: &[], summary: &summary, manifest: &manifest, events: std::iter::empty() };
    results::finish(pool, &writer, finished).await.unwrap();
}

#[tokio::test]
async fn a_result_is_told_once_and_a_further_run_once_more() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    assert_told(&told(pool).await, &[]);
    finish(pool, &first).await;
    assert_told(&told(pool).await, &[(COMPLETED, None)]);
    // What changes afterwards is no end.
    execute(
        pool,
        "UPDATE track_analyses SET status = status, updated_at = now() WHERE id = $1",
        first.lease.analysis_id,
    )
    .await;
    assert_told(&told(pool).await, &[(COMPLETED, None)]);
    execute(pool, "UPDATE track_analyses SET status = 'pending' WHERE id = $1", first.lease.analysis_id)
        .await;
    let second = claim(pool, "second", LEASE).await.unwrap();
    finish(pool, &second).await;
    assert_told(&told(pool).await, &[(COMPLETED, None), (COMPLETED, None)]);
    assert_eq!(count(pool, "SELECT count(DISTINCT event_id) FROM webhook_deliveries").await, 2);
}

#[tokio::test]
async fn the_result_of_another_analysis_is_told_like_ones_own() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    finish(pool, &first).await;
    let bob = owner(pool).await;
    let bobs = webhook(pool, bob, "b.example").await;
    let track_id = track_of(pool, bob).await;
    pending(pool, track_id).await;
    let second = claim(pool, "second", LEASE).await.unwrap();
    assert!(reuse::copy(pool, &second.lease, first.lease.analysis_id).await.unwrap());
    let delivery: (Uuid, String) = sqlx::query_as(
        "SELECT webhook_id, data->>'track_id' FROM webhook_deliveries WHERE data->>'analysis_id' = $1::text",
    )
    .bind(second.lease.analysis_id.to_string())
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(delivery, (bobs, track_id.to_string()));
    assert_told(&told(pool).await, &[(COMPLETED, None), (COMPLETED, None)]);
}

#[tokio::test]
async fn a_failure_is_told_when_it_is_final_and_not_when_it_is_tried_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    queue::fail(pool, &first.lease, &failure(false)).await.unwrap();
    fast_forward(pool, first.lease.analysis_id).await;
    let second = claim(pool, "second", LEASE).await.unwrap();
    queue::release(pool, &second.lease).await.unwrap();
    let third = claim(pool, "third", LEASE).await.unwrap();
    assert_told(&told(pool).await, &[]);
    queue::fail(pool, &third.lease, &failure(true)).await.unwrap();
    assert_told(&told(pool).await, &[(FAILED, Some("storage_unavailable"))]);
}

#[tokio::test]
async fn a_worker_that_died_for_the_last_time_is_told_as_a_failure() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    execute(pool, "UPDATE track_analyses SET max_attempts = 2 WHERE id = $1", first.lease.analysis_id).await;
    expire(pool, first.lease.analysis_id).await;
    reaper::reap(pool).await.unwrap();
    assert_told(&told(pool).await, &[]);
    claim(pool, "second", LEASE).await.unwrap();
    expire(pool, first.lease.analysis_id).await;
    reaper::reap(pool).await.unwrap();
    assert_told(&told(pool).await, &[(FAILED, Some("worker_lost"))]);
}

#[tokio::test]
async fn who_stops_an_analysis_that_waits_or_runs_hears_of_its_end() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, first) = running(pool).await;
    let waiting = pending(pool, track_of(pool, ada).await).await;
    let mut tx = pool.begin().await.unwrap();
    analyses::request_cancel(&mut tx, waiting.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_told(&told(pool).await, &[(FAILED, Some("cancelled"))]);
    let mut tx = pool.begin().await.unwrap();
    analyses::request_cancel(&mut tx, first.lease.analysis_id).await.unwrap();
    tx.commit().await.unwrap();
    queue::release(pool, &first.lease).await.unwrap();
    assert_told(&told(pool).await, &[(FAILED, Some("cancelled")), (FAILED, Some("cancelled"))]);
}

#[tokio::test]
async fn an_end_that_is_not_committed_is_not_told_and_one_that_others_write_is() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    let end = "UPDATE track_analyses SET status = 'error', error_message = repeat('x', 5000), summary = '[]'
                WHERE id = $1";
    let mut tx = pool.begin().await.unwrap();
    sqlx::query(end).bind(first.lease.analysis_id).execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_told(&told(pool).await, &[]);
    execute(pool, end, first.lease.analysis_id).await;
    assert_told(&told(pool).await, &[(FAILED, None)]);
    let length = "SELECT length(data->>'error_message')::bigint FROM webhook_deliveries";
    assert_eq!(count(pool, length).await, 1000);
}

#[tokio::test]
async fn an_end_is_told_by_whoever_may_write_it_though_they_may_not_write_deliveries() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (_, first) = running(pool).await;
    let role = format!("platform_{}", Uuid::new_v4().simple());
    // Their own table of the name is not taken for ours either.
    let become_them = format!(
        "CREATE ROLE {role};
         GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE ALL ON webhooks, webhook_deliveries FROM {role};
         SET LOCAL ROLE {role};
         CREATE TEMP TABLE webhooks (id INT) ON COMMIT DROP;"
    );
    let mut tx = pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(become_them)).execute(&mut *tx).await.unwrap();
    let end = "UPDATE track_analyses SET status = 'error' WHERE id = $1";
    sqlx::query(end).bind(first.lease.analysis_id).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_told(&told(pool).await, &[(FAILED, None)]);
}

#[tokio::test]
async fn a_webhook_that_is_being_removed_neither_holds_up_nor_fails_the_end_of_an_analysis() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, first) = running(pool).await;
    let kept = webhook(pool, ada, "b.example").await;
    let removed: Uuid =
        sqlx::query_scalar("SELECT id FROM webhooks WHERE host = 'a.example'").fetch_one(pool).await.unwrap();
    let mut removing = pool.begin().await.unwrap();
    assert!(webhooks::delete(&mut removing, ada, removed).await.unwrap());
    finish(pool, &first).await;
    removing.commit().await.unwrap();
    let left: Vec<Uuid> =
        sqlx::query_scalar("SELECT webhook_id FROM webhook_deliveries").fetch_all(pool).await.unwrap();
    assert_eq!(left, [kept]);
}

/// Writes deliveries of a webhook, due for so long.
async fn due(pool: &PgPool, webhook: Uuid, number: i32, seconds: f64) {
    let insert = "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data, next_attempt_at)
                  SELECT $1, gen_random_uuid(), 'ping', '{}', now() - make_interval(secs => $3) FROM generate_series(1, $2)";
    sqlx::query(insert).bind(webhook).bind(number).bind(seconds).execute(pool).await.unwrap();
}

async fn take(pool: &PgPool, room: &Room<'_>) -> Vec<Claimed> {
    sending::claim(&mut pool.acquire().await.unwrap(), room, LATER).await.unwrap()
}

/// How many were claimed for each host.
fn by_host(claimed: &[Claimed]) -> BTreeMap<&str, usize> {
    let mut hosts = BTreeMap::new();
    claimed.iter().for_each(|delivery| *hosts.entry(delivery.host.as_str()).or_default() += 1);
    hosts
}

#[tokio::test]
async fn room_is_shared_among_owners_and_hosts_whatever_waits_longest() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (ada, bob, eve) = (owner(pool).await, owner(pool).await, owner(pool).await);
    // Eve has many webhooks with a long backlog each, one of them to the host that Bob uses, too.
    for host in ["e1.example", "e2.example", "shared.example"] {
        due(pool, webhook(pool, eve, host).await, 50, 3600.0).await;
    }
    due(pool, webhook(pool, bob, "shared.example").await, 50, 60.0).await;
    due(pool, webhook(pool, ada, "a.example").await, 1, 1.0).await;

    let room = Room { free: 20, per_host: 4, per_owner: 6, ..Room::default() };
    let first = take(pool, &room).await;
    let of = |owner| first.iter().filter(|delivery| delivery.owner_id == owner).count();
    assert_eq!(of(ada), 1, "one that came last is among the first");
    assert!(of(bob) >= 2 && of(eve) <= 6, "{:?}", by_host(&first));
    assert!(by_host(&first).values().all(|number| *number <= 4), "{:?}", by_host(&first));

    // With Eve's share under way, nothing more of hers is claimed, and she keeps nobody from the shared host.
    let (hosts, owners) = (vec!["e1.example".to_owned(); 6], vec![eve; 6]);
    let room = Room { hosts: &hosts, owners: &owners, ..room };
    let second = take(pool, &room).await;
    assert!(
        !second.is_empty() && second.iter().all(|delivery| delivery.owner_id == bob),
        "{:?}",
        by_host(&second)
    );
    assert!(take(pool, &Room { free: 0, ..Room::default() }).await.is_empty());
}

#[tokio::test]
async fn many_who_claim_at_once_get_each_delivery_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for host in ["a.example", "b.example", "c.example"] {
        let someone = owner(pool).await;
        due(pool, webhook(pool, someone, host).await, 40, 1.0).await;
    }
    let claimants = (0..8).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            let room = Room { free: 5, per_host: 5, per_owner: 5, ..Room::default() };
            while count(&pool, "SELECT count(*) FROM webhook_deliveries WHERE attempt = 0").await > 0 {
                mine.extend(take(&pool, &room).await.into_iter().map(|delivery| delivery.id));
            }
            mine
        })
    });
    let mut all = Vec::new();
    for claimant in claimants.collect::<Vec<_>>() {
        all.extend(claimant.await.unwrap());
    }
    assert_eq!(all.len(), 120);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 120);
}

#[tokio::test]
async fn a_webhook_is_judged_by_the_url_that_it_has() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let ada = owner(pool).await;
    let id = webhook(pool, ada, "old.example").await;
    due(pool, id, 1, 1.0).await;
    let room = Room { free: 5, per_host: 5, per_owner: 5, ..Room::default() };
    let claimed = take(pool, &room).await.pop().unwrap();
    execute(pool, "UPDATE webhooks SET failing_since = now() - interval '9 days' WHERE id = $1", id).await;
    let mut db = pool.acquire().await.unwrap();
    let url = Some(("https://new.example/".to_owned(), "new.example".to_owned()));
    let changes = webhooks::Changes { url, ..webhooks::Changes::default() };
    let changed = webhooks::update(&mut db, ada, id, &changes).await.unwrap().unwrap();
    assert_eq!(changed.failing_since, None);
    // The old one's answer comes after the change.
    let gone = sending::Failure {
        error: "gone",
        response_status: Some(410),
        retry_in: None,
        gone: true,
        patience: LATER,
    };
    assert!(sending::failed(&mut db, &claimed, &gone).await.unwrap());
    let now = webhooks::get(&mut db, ada, id).await.unwrap().unwrap();
    assert_eq!((now.active, now.failing_since), (true, None));
}

#[tokio::test]
async fn nothing_is_sent_for_people_who_are_not_approved() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let ada = owner(pool).await;
    due(pool, webhook(pool, ada, "a.example").await, 1, 1.0).await;
    let room = Room { free: 5, per_host: 5, per_owner: 5, ..Room::default() };
    execute(pool, "UPDATE users SET approved = false WHERE id = $1", ada).await;
    assert!(take(pool, &room).await.is_empty());
    execute(pool, "UPDATE users SET approved = true WHERE id = $1", ada).await;
    assert_eq!(take(pool, &room).await.len(), 1);
}

#[tokio::test]
async fn a_test_that_waits_to_be_tried_again_is_sent_now() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let id = webhook(pool, owner(pool).await, "a.example").await;
    let mut db = pool.acquire().await.unwrap();
    let first = deliveries::ping(&mut db, id).await.unwrap();
    let later = "UPDATE webhook_deliveries SET next_attempt_at = now() + interval '9 hours' WHERE id = $1";
    execute(pool, later, first.id).await;
    assert_eq!(deliveries::ping(&mut db, id).await.unwrap().id, first.id);
    let room = Room { free: 5, per_host: 5, per_owner: 5, ..Room::default() };
    assert_eq!(take(pool, &room).await.len(), 1);
    // One that is under way is left to who sends it.
    deliveries::ping(&mut db, id).await.unwrap();
    assert!(take(pool, &room).await.is_empty());
}

#[tokio::test]
async fn old_deliveries_are_removed_a_few_at_a_time() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let ada = owner(pool).await;
    due(pool, webhook(pool, ada, "a.example").await, 7, 1.0).await;
    sqlx::query(
        "UPDATE webhook_deliveries SET created_at = now() - interval '31 days'
          WHERE id IN (SELECT id FROM webhook_deliveries LIMIT 5)",
    )
    .execute(pool)
    .await
    .unwrap();
    let mut db = pool.acquire().await.unwrap();
    let mut removed = Vec::new();
    for _ in 0..3 {
        removed.push(deliveries::prune(&mut db, time::Duration::days(30), 3).await.unwrap());
    }
    assert_eq!(removed, [3, 2, 0]);
    assert_eq!(count(pool, "SELECT count(*) FROM webhook_deliveries").await, 2);
}
