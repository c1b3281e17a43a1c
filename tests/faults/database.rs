//! PostgreSQL that crashes, is away, does not answer, or loses a connection at the worst moment.

use crate::support::{Bench, Crash, Cut, LEASE, LONG_PIECE, Piece};
use std::time::{Duration, Instant};
use store::analyses::Status;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_in_the_middle_of_a_job_costs_nothing_but_time() {
    check_restart(Crash::Immediate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_in_the_middle_of_a_job_costs_nothing_but_time() {
    check_restart(Crash::Kill).await;
}

async fn check_restart(how: Crash) {
    let bench = Bench::with_cluster().await;
    let piece = &LONG_PIECE;
    let workers = [bench.worker("first").await, bench.worker("second").await];
    let job = bench.pending(piece).await;
    bench.until_under_way(job.id, 3).await;
    bench.cluster().crash(how).await;
    bench.cluster().start_again().await;
    bench.until_completed(job.id).await;
    bench.assert_result(job.id, piece).await;
    // Each worker takes work as before, though the connections that it listened on are gone.
    let next = bench.pending(&Piece::short(1)).await;
    bench.until_completed(next.id).await;
    bench.until_tickets_are_answered().await;
    bench.assert_nothing_left().await;
    bench.end(workers).await;
}

/// Longer than a lease, as any longer absence is: whoever held one has lost it.
const AWAY: Duration = Duration::from_secs(LEASE.as_secs() + 5);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_away_or_silent_for_longer_than_a_lease_is_waited_for() {
    tokio::join!(check_away(), check_silent());
}

async fn check_away() {
    let bench = Bench::with_cluster().await;
    let (running, waiting) = (&LONG_PIECE, Piece::short(1));
    let workers = [bench.worker("first").await, bench.worker("second").await];
    let job = bench.pending(running).await;
    bench.until_under_way(job.id, 3).await;
    bench.cluster().crash(Crash::Immediate).await;
    tokio::time::sleep(AWAY).await; // the fault itself
    bench.cluster().start_again().await;
    let next = bench.pending(&waiting).await;
    for (id, piece) in [(job.id, &**running), (next.id, &waiting)] {
        bench.until_completed(id).await;
        bench.assert_result(id, piece).await;
    }
    let attempts = bench.row(job.id).await.attempt;
    assert!(attempts <= 2, "{attempts} attempts");
    bench.assert_nothing_left().await;
    bench.end(workers).await;
}

async fn check_silent() {
    let bench = Bench::new().await;
    let (relay, url) = bench.relay();
    let mut setup = bench.setup();
    setup.database_url = url;
    let worker = bench.worker_with("behind the relay", &setup).await;
    let piece = &LONG_PIECE;
    let job = bench.pending(piece).await;
    bench.until_under_way(job.id, 3).await;
    relay.stall();
    tokio::time::sleep(AWAY).await; // the fault itself
    relay.resume();
    bench.until_completed(job.id).await;
    bench.assert_result(job.id, piece).await;
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

/// How long a worker may take to see that connections are dead on which nothing comes any more, and to work again.
const RECOVERY: Duration = Duration::from_secs(100);

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_went_silent_for_good_are_replaced() {
    let bench = Bench::new().await;
    let (relay, url) = bench.relay();
    let mut setup = bench.setup();
    setup.database_url = url;
    let worker = bench.worker_with("behind the relay", &setup).await;
    let piece = &LONG_PIECE;
    let job = bench.pending(piece).await;
    bench.until_under_way(job.id, 3).await;
    relay.forget_open_connections();
    let since = Instant::now();
    bench.until_completed(job.id).await;
    bench.assert_result(job.id, piece).await;
    println!("completed {:.1?} after its connections went silent", since.elapsed());
    assert!(since.elapsed() < RECOVERY, "it took {:?}", since.elapsed());
    let next = bench.pending(&Piece::short(1)).await;
    bench.until_completed(next.id).await;
    bench.end([worker]).await;
}

/// The connection ends in the middle of the commit of a result.
async fn check(cut: Cut) {
    let bench = Bench::new().await;
    let (relay, url) = bench.relay();
    let mut setup = bench.setup();
    setup.database_url = url;
    let worker = bench.worker_with("behind the relay", &setup).await;
    relay.cut_next(cut);
    let piece = &Piece::short(1);
    let job = bench.pending(piece).await;
    relay.until_cut().await;
    if cut == Cut::AfterCommit {
        assert_eq!(bench.row(job.id).await.status, Status::Completed, "the server has committed");
    }
    let row = bench.until_completed(job.id).await;
    assert_eq!(row.attempt, 1, "the result is kept and committed again, not computed again");
    bench.assert_outcomes(job.id, &["completed"]).await;
    bench.assert_result(job.id, piece).await;
    // The worker knows that it is done: it is free for the next one.
    let next = bench.pending(&Piece::short(2)).await;
    bench.until_completed(next.id).await;
    assert_eq!(worker.log().matches("outcome=\"completed\"").count(), 2, "{}", worker.log());
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_before_the_server_hears_of_the_commit_loses_nothing() {
    check(Cut::BeforeCommit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_server_has_committed_doubles_nothing() {
    check(Cut::AfterCommit).await;
}
