//! Workers that die without a word.

use crate::support::{Bench, Fault, LONG_PIECE, Piece, eventually};
use std::time::{Duration, Instant};
use store::analyses::Status;

/// From the death of a worker to the next attempt at its job: 15 s are promised at default settings, on a machine that
/// has time for it (the lease of 10 s, and up to 2.5 s until somebody looks).
const RESTART: Duration = Duration::from_secs(30);

/// From the kill to the result.
const RESCUE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_job_is_begun_again_soon_and_finished_once() {
    let bench = Bench::new().await;
    let piece = &LONG_PIECE;
    let mut workers = vec![bench.worker("first").await, bench.worker("second").await];
    let job = bench.pending(piece).await;
    let holder = bench.until_under_way(job.id, 3).await;
    let at_work = workers.iter().position(|worker| worker.name().as_ref() == Some(&holder)).unwrap();
    workers.swap_remove(at_work).kill();
    let killed_at = Instant::now();
    let row = bench.row(job.id).await;
    assert_eq!((row.status, row.attempt), (Status::Running, 1), "killed in the middle");
    let left_behind = bench.chunks(job.id).await.len();
    assert!((3..piece.chunks.len()).contains(&left_behind), "{left_behind} chunks left behind");

    bench.until(job.id, "the other worker begins it", |row| row.attempt == 2).await;
    let begun = killed_at.elapsed();
    assert!(begun < RESTART, "it took {begun:?}");
    // From now until the result: either nothing is to be seen, or the whole of it.
    eventually("the other worker finishes it", async || {
        let mut db = bench.pool().await.acquire().await.unwrap();
        let events = "SELECT count(*) FROM analysis_events";
        let events: i64 = sqlx::query_scalar(events).fetch_one(&mut *db).await.unwrap();
        let manifest = store::frames::manifest(&mut db, job.id).await.unwrap();
        assert!(events == 0 || manifest.is_some(), "events without a result");
        manifest.map(drop)
    })
    .await;
    let took = killed_at.elapsed();
    println!(
        "begun again {begun:.1?} after the kill, finished after {took:.1?}; {left_behind} chunks were left behind"
    );
    assert!(took < RESCUE, "it took {took:?}");

    assert_ne!(bench.holder(job.id).await, Some(holder));
    bench.assert_outcomes(job.id, &["expired", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    let ready = "SELECT count(*) FROM reference_tracks WHERE status = 'ready' AND bpm IS NOT NULL";
    assert_eq!(bench.count(ready).await, 1, "{}", job.track);
    bench.assert_nothing_left().await;
    bench.end(workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_had_is_taken_up_by_itself_or_another() {
    tokio::join!(check_started_again(), check_ticket_of_killed());
}

/// The same worker, started again, takes up its own job.
async fn check_started_again() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let job = bench.pending_with(piece, Fault::Gate, 1).await;
    let first = bench.worker("first").await;
    bench.until_read(&job).await;
    first.kill();
    let killed_at = Instant::now();
    let again = bench.worker("again").await;
    bench.until_completed(job.id).await;
    assert!(killed_at.elapsed() < RESTART, "it took {:?}", killed_at.elapsed());
    bench.assert_outcomes(job.id, &["expired", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    bench.end([again]).await;
}

/// As often as the row says, and no more: an analysis that kills its workers does not do so for ever.
const MAX_ATTEMPTS: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_workers_ends_in_error_with_its_history_while_others_go_on() {
    let bench = Bench::new().await;
    let poison = bench.pending_with(&Piece::short(1), Fault::Gate, usize::MAX).await;
    sqlx::query("UPDATE track_analyses SET max_attempts = $2 WHERE id = $1")
        .bind(poison.id)
        .bind(MAX_ATTEMPTS)
        .execute(&bench.pool().await)
        .await
        .unwrap();
    let mut workers = vec![bench.worker("first").await, bench.worker("second").await];
    for attempt in 1..=MAX_ATTEMPTS {
        let row = bench.until(poison.id, "the job is begun", |row| row.attempt == attempt).await;
        assert_eq!(row.status, Status::Running);
        let holder = bench.holder(poison.id).await;
        let at_work = workers.iter().position(|worker| worker.name() == holder).unwrap();
        // Whoever has it dies of it, and is started again as a service manager does.
        workers.swap_remove(at_work).kill();
        workers.push(bench.worker(&format!("after-{attempt}")).await);
        let other = bench.pending(&Piece::short(100 + u64::from(attempt.unsigned_abs()))).await;
        bench.until_completed(other.id).await;
        assert_ne!(bench.row(poison.id).await.status, Status::Completed);
    }
    let row = bench.until(poison.id, "the job is given up", |row| row.status == Status::Error).await;
    assert_eq!((row.error_kind.as_deref(), row.attempt), (Some("worker_lost"), MAX_ATTEMPTS));
    assert!(row.error_message.unwrap().contains("interrupted each time"));
    bench.assert_outcomes(poison.id, &["expired"; 3]).await;
    bench.end(workers).await;
}

/// Another worker answers the ticket of the one that was killed.
async fn check_ticket_of_killed() {
    let bench = Bench::new().await;
    let job = bench.pending_with(&Piece::short(1), Fault::Gate, 2).await;
    let killed = bench.worker("killed").await;
    bench.until_read(&job).await;
    killed.kill();
    bench.storage.open_gate();
    let other = bench.worker("other").await;
    bench.until_completed(job.id).await;
    bench.until_tickets_are_answered().await;
    bench.end([other]).await;
}
