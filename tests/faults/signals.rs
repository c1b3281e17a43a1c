//! Workers that are stopped, continued, and asked to end.

use crate::support::{Bench, Fault, LEASE, LONG_PIECE, Piece, eventually};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};
use store::analyses::Status;

/// How long a worker that was asked to end goes on with what it has begun.
const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_for_longer_than_its_lease_changes_nothing_when_it_wakes() {
    let bench = Bench::new().await;
    let piece = &LONG_PIECE;
    let mut workers = vec![bench.worker("first").await, bench.worker("second").await];
    let job = bench.pending(piece).await;
    let holder = bench.until_under_way(job.id, 3).await;
    let at_work = workers.iter().position(|worker| worker.name().as_ref() == Some(&holder)).unwrap();
    let late = workers.swap_remove(at_work);
    late.signal(Signal::SIGSTOP);
    bench.until_completed(job.id).await;
    let completed = bench.row(job.id).await;

    late.signal(Signal::SIGCONT);
    let sees = async || late.log().contains("outcome=\"lost\"").then_some(());
    eventually("it sees that it is late", sees).await;
    assert_eq!(bench.row(job.id).await, completed);
    bench.assert_outcomes(job.id, &["expired", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    // It goes on with other work: both have something to do, and neither can do both.
    let mut others = Vec::new();
    for seed in 0..2 {
        others.push(bench.pending_with(&Piece::short(seed), Fault::Gate, 1).await);
    }
    for other in &others {
        bench.until_read(other).await;
    }
    bench.storage.open_gate();
    for other in &others {
        bench.until_completed(other.id).await;
    }
    bench.assert_nothing_left().await;
    workers.push(late);
    bench.end(workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_finishes_its_job_or_hands_it_back() {
    tokio::join!(check_finishes(), check_hands_back());
}

/// A job that it can finish, under its lease.
async fn check_finishes() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    // Longer than the lease: it must be renewed while the worker drains, or the other one would begin the job again.
    let lasting = Fault::Lasting(LEASE + Duration::from_secs(3));
    let mut ending = bench.worker("ending").await;
    let job = bench.pending_with(piece, lasting, 1).await;
    bench.until_read(&job).await;
    let other = bench.worker("other").await;
    ending.signal(Signal::SIGTERM);
    // What comes now is for the other.
    let next = bench.pending(&Piece::short(2)).await;
    bench.until_completed(next.id).await;
    assert_eq!(bench.holder(next.id).await, other.name());
    let status = eventually("it ends", async || ending.ended()).await;
    assert!(status.success(), "{status}");
    assert_eq!(bench.row(job.id).await.status, Status::Completed);
    assert_eq!(bench.holder(job.id).await, ending.name());
    bench.assert_outcomes(job.id, &["completed"]).await;
    bench.assert_result(job.id, piece).await;
    bench.assert_nothing_left().await;
    bench.end([other]).await;
}

/// A job that takes longer: another worker does it.
async fn check_hands_back() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let mut ending = bench.worker("ending").await;
    let job = bench.pending_with(piece, Fault::Gate, 1).await;
    bench.until_read(&job).await;
    let other = bench.worker("other").await;
    ending.signal(Signal::SIGTERM);
    let asked_at = Instant::now();
    let row = bench.until_completed(job.id).await;
    let took = asked_at.elapsed();
    assert!(took >= DRAIN, "handed back after {took:?}: before the deadline");
    assert!(took < DRAIN + Duration::from_secs(20), "it took {took:?}");
    assert_eq!(row.attempt, 1, "being handed back costs no attempt");
    assert_eq!(bench.holder(job.id).await, other.name());
    bench.assert_outcomes(job.id, &["released", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    let status = eventually("it ends", async || ending.ended()).await;
    assert!(status.success(), "{status}");
    bench.assert_nothing_left().await;
    bench.end([other]).await;
}
