//! Claims, leases, retries and rescue, against a real server.

#[path = "queue/overview.rs"]
mod overview;
mod support;

use analysis_core::config::AnalysisType;
use std::time::Duration;
use store::Error;
use store::analyses::{self, NewAnalysis, Status};
use store::queue::{self, Failure, Progress, Released, Renewal, Verdict, reaper};
use store::testing::TestDatabase;
use support::{
    LEASE, claim, claimed, count, create, execute, expire, fast_forward, new, pending, row, tickets, track,
    track_state,
};

const TRANSIENT: Failure<'_> = Failure {
    kind: "storage_unavailable",
    message: "The storage is away.",
    cause: "refused",
    permanent: false,
};

const PERMANENT: Failure<'_> = Failure {
    kind: "unsupported_codec",
    message: "This codec is not known.",
    cause: "codec 0x1234",
    permanent: true,
};

#[tokio::test]
async fn a_leased_analysis_cannot_be_claimed_again() {
    let database = TestDatabase::new().await;
    let first = claimed(database.pool()).await;
    assert_eq!(first.lease.attempt, 1);
    assert!(claim(database.pool(), "second", LEASE).await.is_none());
    let only = queue::claim(database.pool(), "second", LEASE).await.unwrap();
    assert!(only.is_none());
    let row = row(database.pool(), first.lease.analysis_id).await;
    assert_eq!((row.status, row.attempt), (Status::Running, 1));
}

#[tokio::test]
async fn many_claimants_at_once_get_each_analysis_once() {
    let database = TestDatabase::new().await;
    for _ in 0..20 {
        let track_id = track(database.pool()).await;
        pending(database.pool(), track_id).await;
    }
    let claimants = (0..40).map(|i| {
        let pool = database.pool().clone();
        tokio::spawn(async move { claim(&pool, &format!("worker {i}"), LEASE).await })
    });
    let mut ids = Vec::new();
    for claimant in claimants.collect::<Vec<_>>() {
        ids.extend(claimant.await.unwrap().map(|claim| claim.lease.analysis_id));
    }
    let claims = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), claims, "no analysis was claimed twice");
    // A claimant that met only rows others were just taking may have come away with none; none is lost.
    while let Some(claim) = claim(database.pool(), "late", LEASE).await {
        ids.push(claim.lease.analysis_id);
    }
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn higher_priority_is_claimed_first() {
    let database = TestDatabase::new().await;
    let track_id = track(database.pool()).await;
    pending(database.pool(), track_id).await;
    let urgent = NewAnalysis { priority: 5, analysis_type: AnalysisType::Rhythm, ..new(track_id) };
    let urgent = create(database.pool(), urgent).await;
    assert_eq!(claim(database.pool(), "w", LEASE).await.unwrap().lease.analysis_id, urgent.id);
}

#[tokio::test]
async fn a_stale_token_changes_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let stale = claimed(pool).await.lease;
    expire(pool, stale.analysis_id).await;
    assert_eq!(reaper::reap(pool).await.unwrap().rescued, 1);
    let current = claim(pool, "second", LEASE).await.unwrap().lease;
    assert_eq!(current.attempt, 2);

    let before = row(pool, stale.analysis_id).await;
    assert_eq!(queue::renew(pool, &stale, Progress::default(), LEASE).await.unwrap(), Renewal::Lost);
    assert!(matches!(queue::fail(pool, &stale, &PERMANENT).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(queue::release(pool, &stale).await, Err(Error::LeaseLost { .. })));
    assert_eq!(row(pool, stale.analysis_id).await, before);

    let renewed = queue::renew(pool, &current, Progress::default(), LEASE).await.unwrap();
    assert_eq!(renewed, Renewal::Renewed { cancel_requested: false });
}

#[tokio::test]
async fn a_renewal_extends_the_lease_and_publishes_progress() {
    let database = TestDatabase::new().await;
    let lease = claimed(database.pool()).await.lease;
    let progress = Progress { done_ms: 1500, total_ms: Some(60_000) };
    let hour = Duration::from_secs(3600);
    assert_ne!(queue::renew(database.pool(), &lease, progress, hour).await.unwrap(), Renewal::Lost);
    let row = row(database.pool(), lease.analysis_id).await;
    assert_eq!((row.done_ms, row.total_ms), (Some(1500), Some(60_000)));
    let extended = "SELECT count(*) FROM track_analyses WHERE lease_until > now() + interval '59 minutes'";
    assert_eq!(count(database.pool(), extended).await, 1);
}

#[tokio::test]
async fn a_lease_that_holds_is_not_rescued() {
    let database = TestDatabase::new().await;
    claimed(database.pool()).await;
    assert_eq!(reaper::reap(database.pool()).await.unwrap(), reaper::Reaped::default());
}

#[tokio::test]
async fn an_expired_lease_is_rescued_by_one_of_many_reapers_and_gets_a_ticket() {
    let database = TestDatabase::new().await;
    let lease = claimed(database.pool()).await.lease;
    sqlx::query("DELETE FROM apalis.jobs").execute(database.pool()).await.unwrap();
    expire(database.pool(), lease.analysis_id).await;
    let reapers = (0..8).map(|_| {
        let pool = database.pool().clone();
        tokio::spawn(async move { reaper::reap(&pool).await.unwrap() })
    });
    let mut rescued = 0;
    for reaper in reapers.collect::<Vec<_>>() {
        rescued += reaper.await.unwrap().rescued;
    }
    assert_eq!(rescued, 1);
    // Reapers that were at it together may have left the ticket to each other; the next round makes it.
    reaper::reap(database.pool()).await.unwrap();
    assert_eq!(tickets(database.pool()).await, 1);
    let row = row(database.pool(), lease.analysis_id).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 1));
    assert!(claim(database.pool(), "second", LEASE).await.is_some(), "a first rescue is due at once");
}

#[tokio::test]
async fn an_analysis_whose_workers_all_die_ends_in_error_with_its_history() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let id = pending(pool, track_id).await.id;
    for attempt in 1..=8 {
        fast_forward(pool, id).await;
        let claim = claim(pool, "doomed", LEASE).await.expect("attempts are left");
        assert_eq!(claim.lease.attempt, attempt);
        expire(pool, id).await;
        reaper::reap(pool).await.unwrap();
    }
    fast_forward(pool, id).await;
    assert!(claim(pool, "doomed", LEASE).await.is_none());
    let row = row(pool, id).await;
    assert_eq!((row.status, row.error_kind.as_deref()), (Status::Error, Some(reaper::WORKER_LOST)));
    assert_eq!(track_state(pool, track_id).await, ("error".into(), row.error_message));
    let history =
        "SELECT count(*) FROM track_analysis_attempts WHERE outcome = 'expired' AND ended_at IS NOT NULL";
    assert_eq!(count(pool, history).await, 8);
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_after_a_growing_wait_until_attempts_run_out() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let id = pending(pool, track_id).await.id;
    for attempt in 1..8 {
        let lease = claim(pool, "w", LEASE).await.unwrap().lease;
        let Verdict::Retrying { after } = queue::fail(pool, &lease, &TRANSIENT).await.unwrap() else {
            panic!("attempt {attempt} of 8 is not the last");
        };
        let nominal = (queue::BACKOFF_BASE * queue::BACKOFF_FACTOR.pow(attempt - 1)).min(queue::BACKOFF_MAX);
        assert!(
            nominal.mul_f64(0.7) < after && after < nominal.mul_f64(1.3),
            "{after:?} is about {nominal:?}"
        );
        assert!(claim(pool, "w", LEASE).await.is_none(), "not before its time");
        let row = row(pool, id).await;
        assert_eq!((row.status, row.error_kind.as_deref()), (Status::Pending, Some("storage_unavailable")));
        assert_eq!(track_state(pool, track_id).await.0, "processing");
        fast_forward(pool, id).await;
    }
    let lease = claim(pool, "w", LEASE).await.unwrap().lease;
    assert_eq!(queue::fail(pool, &lease, &TRANSIENT).await.unwrap(), Verdict::Failed);
    assert_eq!(row(pool, id).await.status, Status::Error);
    let causes = "SELECT count(*) FROM track_analysis_attempts WHERE cause = 'refused'";
    assert_eq!(count(pool, causes).await, 8);
}

#[tokio::test]
async fn a_permanent_failure_ends_the_analysis_with_a_message() {
    let database = TestDatabase::new().await;
    let claim = claimed(database.pool()).await;
    assert_eq!(queue::fail(database.pool(), &claim.lease, &PERMANENT).await.unwrap(), Verdict::Failed);
    let row = row(database.pool(), claim.lease.analysis_id).await;
    assert_eq!((row.status, row.error_message.as_deref()), (Status::Error, Some(PERMANENT.message)));
    let track = track_state(database.pool(), claim.track_id).await;
    assert_eq!(track, ("error".into(), Some(PERMANENT.message.into())));
}

#[tokio::test]
async fn a_failure_beside_a_completed_analysis_leaves_the_track_ready() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let claim = claimed(pool).await;
    execute(pool, "UPDATE reference_tracks SET status = 'ready' WHERE id = $1", claim.track_id).await;
    execute(
        pool,
        "INSERT INTO track_analyses (track_id, analysis_type, version, status) VALUES ($1, 'full', 'x', 'completed')",
        claim.track_id,
    )
    .await;
    queue::fail(pool, &claim.lease, &PERMANENT).await.unwrap();
    assert_eq!(track_state(pool, claim.track_id).await, ("ready".into(), None));
}

#[tokio::test]
async fn of_two_last_analyses_that_fail_at_once_one_says_so_on_the_track() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for _ in 0..20 {
        let first = claimed(pool).await;
        create(pool, NewAnalysis { analysis_type: AnalysisType::Rhythm, ..new(first.track_id) }).await;
        let second = claim(pool, "second", LEASE).await.unwrap();
        let (one, other) = tokio::join!(
            queue::fail(pool, &first.lease, &PERMANENT),
            queue::fail(pool, &second.lease, &PERMANENT)
        );
        assert_eq!((one.unwrap(), other.unwrap()), (Verdict::Failed, Verdict::Failed));
        assert_eq!(track_state(pool, first.track_id).await.0, "error");
    }
}

#[tokio::test]
async fn a_track_deleted_while_its_analyses_end_is_no_deadlock() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for _ in 0..20 {
        let claim = claimed(pool).await;
        let delete =
            sqlx::query("DELETE FROM reference_tracks WHERE id = $1").bind(claim.track_id).execute(pool);
        let (failed, deleted) = tokio::join!(queue::fail(pool, &claim.lease, &PERMANENT), delete);
        deleted.unwrap();
        assert!(matches!(failed, Ok(Verdict::Failed) | Err(Error::LeaseLost { .. })), "{failed:?}");
    }
}

#[tokio::test]
async fn an_analysis_cancelled_before_it_comes_back_does_not() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut db = pool.acquire().await.unwrap();
    let (failing, returning) = (claimed(pool).await.lease, claimed(pool).await.lease);
    for lease in [failing, returning] {
        analyses::request_cancel(&mut db, lease.analysis_id).await.unwrap();
    }
    assert_eq!(queue::fail(pool, &failing, &TRANSIENT).await.unwrap(), Verdict::Cancelled);
    assert_eq!(queue::release(pool, &returning).await.unwrap(), Released::Cancelled);
    for lease in [failing, returning] {
        let row = row(pool, lease.analysis_id).await;
        assert_eq!((row.status, row.error_kind.as_deref()), (Status::Error, Some(analyses::CANCELLED)));
    }
    assert!(claim(pool, "w", LEASE).await.is_none());
}

#[tokio::test]
async fn a_row_that_someone_else_left_running_is_rescued_after_a_day() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    for hours in [23, 25] {
        sqlx::query(
            "INSERT INTO track_analyses (track_id, analysis_type, version, status, updated_at)
             VALUES ($1, 'full', 'x', 'running', now() - make_interval(hours => $2))",
        )
        .bind(track_id)
        .bind(hours)
        .execute(pool)
        .await
        .unwrap();
    }
    assert_eq!(reaper::reap(pool).await.unwrap().rescued, 1);
    assert_eq!(count(pool, "SELECT count(*) FROM track_analyses WHERE status = 'running'").await, 1);
}

#[tokio::test]
async fn an_analysis_handed_back_is_due_at_once_and_lost_no_attempt() {
    let database = TestDatabase::new().await;
    let lease = claimed(database.pool()).await.lease;
    assert_eq!(queue::release(database.pool(), &lease).await.unwrap(), Released::HandedBack);
    let again = claim(database.pool(), "second", LEASE).await.unwrap().lease;
    assert_eq!((again.analysis_id, again.attempt), (lease.analysis_id, 1));
    assert_eq!(tickets(database.pool()).await, 2, "a ticket for the first claim, one for the second");
}

#[tokio::test]
async fn cancelling_a_pending_analysis_ends_it_and_a_running_one_is_told_with_the_renewal() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    let waiting = pending(pool, track_id).await;
    let mut db = pool.acquire().await.unwrap();
    assert_eq!(analyses::request_cancel(&mut db, waiting.id).await.unwrap(), Some(Status::Error));
    let row_after = row(pool, waiting.id).await;
    assert_eq!(row_after.error_kind.as_deref(), Some(analyses::CANCELLED));
    assert!(claim(pool, "w", LEASE).await.is_none());

    let running = claimed(pool).await.lease;
    assert_eq!(analyses::request_cancel(&mut db, running.analysis_id).await.unwrap(), Some(Status::Running));
    let renewal = queue::renew(pool, &running, Progress::default(), LEASE).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed { cancel_requested: true });
    assert_eq!(queue::release(pool, &running).await.unwrap(), Released::Cancelled);
    assert_eq!(row(pool, running.analysis_id).await.error_kind.as_deref(), Some(analyses::CANCELLED));

    let missing = analyses::request_cancel(&mut db, uuid::Uuid::new_v4()).await.unwrap();
    assert_eq!(missing, None);
}

#[tokio::test]
async fn a_cancelled_analysis_whose_worker_died_is_not_tried_again() {
    let database = TestDatabase::new().await;
    let lease = claimed(database.pool()).await.lease;
    let mut db = database.pool().acquire().await.unwrap();
    analyses::request_cancel(&mut db, lease.analysis_id).await.unwrap();
    expire(database.pool(), lease.analysis_id).await;
    assert_eq!(reaper::reap(database.pool()).await.unwrap().ended, 1);
    let row = row(database.pool(), lease.analysis_id).await;
    assert_eq!((row.status, row.error_kind.as_deref()), (Status::Error, Some(analyses::CANCELLED)));
}

#[tokio::test]
async fn retrying_a_failed_analysis_gives_it_fresh_attempts() {
    let database = TestDatabase::new().await;
    let claim_ = claimed(database.pool()).await;
    let mut db = database.pool().acquire().await.unwrap();
    assert!(
        !analyses::retry(&mut db, claim_.lease.analysis_id).await.unwrap(),
        "a running one is not retried"
    );
    queue::fail(database.pool(), &claim_.lease, &PERMANENT).await.unwrap();
    assert!(analyses::retry(&mut db, claim_.lease.analysis_id).await.unwrap());
    let row = row(database.pool(), claim_.lease.analysis_id).await;
    assert_eq!((row.status, row.attempt, row.error_message), (Status::Pending, 0, None));
    assert_eq!(track_state(database.pool(), claim_.track_id).await, ("processing".into(), None));
    assert_eq!(claim(database.pool(), "w", LEASE).await.unwrap().lease.attempt, 1);
}

#[tokio::test]
async fn an_analysis_created_in_a_rolled_back_transaction_leaves_nothing() {
    let database = TestDatabase::new().await;
    let track_id = track(database.pool()).await;
    let mut tx = database.pool().begin().await.unwrap();
    analyses::create(&mut tx, &new(track_id)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(count(database.pool(), "SELECT count(*) FROM track_analyses").await, 0);
    assert_eq!(tickets(database.pool()).await, 0);
}

#[tokio::test]
async fn a_row_inserted_by_someone_else_gets_a_ticket() {
    let database = TestDatabase::new().await;
    let track_id = track(database.pool()).await;
    // Only the platform's own columns.
    execute(
        database.pool(),
        "INSERT INTO track_analyses (track_id, analysis_type, version) VALUES ($1, 'full', '1')",
        track_id,
    )
    .await;
    assert_eq!(tickets(database.pool()).await, 0);
    assert_eq!(reaper::reap(database.pool()).await.unwrap().ticketed, 1);
    assert_eq!(reaper::reap(database.pool()).await.unwrap().ticketed, 0, "one is enough");
    let claim = claim(database.pool(), "w", LEASE).await.unwrap();
    assert_eq!((claim.track_id, claim.analysis_type.as_str()), (track_id, "full"));
}

#[tokio::test]
async fn a_row_set_to_pending_again_by_someone_else_starts_afresh() {
    let database = TestDatabase::new().await;
    let lease = claimed(database.pool()).await.lease;
    queue::fail(database.pool(), &lease, &PERMANENT).await.unwrap();
    execute(database.pool(), "UPDATE track_analyses SET status = 'pending' WHERE id = $1", lease.analysis_id)
        .await;
    let row = row(database.pool(), lease.analysis_id).await;
    assert_eq!((row.attempt, row.error_kind), (0, None));
    assert!(claim(database.pool(), "w", LEASE).await.is_some());
}

#[tokio::test]
async fn old_tickets_are_pruned_and_open_ones_stay() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    for _ in 0..3 {
        pending(pool, track_id).await;
    }
    let answered = "UPDATE apalis.jobs SET status = 'Done', done_at = now() - interval '2 hours'
                     WHERE id IN (SELECT id FROM apalis.jobs LIMIT 2)";
    sqlx::query(answered).execute(pool).await.unwrap();
    assert_eq!(queue::tickets::prune(pool).await.unwrap(), 2);
    assert_eq!(count(pool, "SELECT count(*) FROM apalis.jobs").await, 1);
}

#[tokio::test]
async fn tickets_that_a_listener_took_and_left_are_pruned_once_it_is_silent_for_an_hour() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let track_id = track(pool).await;
    for _ in 0..5 {
        pending(pool, track_id).await;
    }
    let taken = "
        INSERT INTO apalis.workers (id, worker_type, storage_name, last_seen)
        SELECT name, 'arsis.analyses', 'PgStorage', now() - since
          FROM (VALUES ('silent', interval '2 hours'), ('alive', interval '1 second')) AS listener (name, since);
        UPDATE apalis.jobs SET status = taken.status, lock_by = listener, lock_at = now() - interval '3 hours'
          FROM (SELECT id, row_number() OVER () FROM apalis.jobs) AS numbered,
               (VALUES (1, 'Queued', 'silent'), (2, 'Running', 'silent'), (3, 'Queued', 'alive'),
                       (4, 'Running', 'alive')) AS taken (number, status, listener)
         WHERE jobs.id = numbered.id AND row_number = taken.number;";
    sqlx::raw_sql(taken).execute(pool).await.unwrap();
    assert_eq!(queue::tickets::prune(pool).await.unwrap(), 3, "two tickets and their listener");
    assert_eq!(count(pool, "SELECT count(*) FROM apalis.jobs WHERE lock_by = 'alive'").await, 2);
    assert_eq!(tickets(pool).await, 1);
}
