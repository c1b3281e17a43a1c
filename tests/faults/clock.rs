//! Hosts whose clocks are wrong. All times of the queue are the database's.

use crate::support::{Bench, Fault, LEASE, Piece, Worker, eventually};
use reqwest::StatusCode;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use store::analyses::Status;

const DAY_S: i64 = 24 * 3600;

/// The library that shifts a process' clock.
fn compile_skew(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/skew.c");
    let library = folder.join("skew.so");
    let compiler =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").output();
    let compiler = compiler.unwrap();
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
    library
}

/// A worker on a host whose clock is wrong by so much.
async fn worker(bench: &Bench, skew: &Path, name: &str, by_s: i64) -> Worker {
    let mut setup = bench.setup();
    setup.environment.push(("LD_PRELOAD", skew.to_str().unwrap().to_owned()));
    setup.environment.push(("CLOCK_SKEW_S", by_s.to_string()));
    let worker = bench.worker_with(name, &setup).await;
    let today = time::OffsetDateTime::now_utc().date().to_string();
    assert!(!worker.log().starts_with(&today), "its clock is right: {}", worker.log());
    worker
}

#[tokio::test(flavor = "multi_thread")]
async fn with_clocks_a_day_off_jobs_are_rescued_neither_early_nor_late() {
    let bench = Bench::new().await;
    let skew = compile_skew(bench.folder());
    let pieces = [Piece::short(1), Piece::short(2)];
    let workers =
        [worker(&bench, &skew, "ahead", DAY_S).await, worker(&bench, &skew, "behind", -DAY_S).await];
    let mut jobs = Vec::new();
    for piece in &pieces {
        let job = bench.pending_with(piece, Fault::Gate, 2).await;
        bench.until_read(&job).await;
        jobs.push(job);
    }
    // Longer than a lease: each sees the other's leases over and over.
    tokio::time::sleep(LEASE + Duration::from_secs(3)).await;
    for job in &jobs {
        let row = bench.row(job.id).await;
        assert_eq!((row.status, row.attempt), (Status::Running, 1), "{row:?}");
    }
    let [ahead, behind] = workers;
    let of_ahead = if bench.holder(jobs[0].id).await == ahead.name() { 0 } else { 1 };
    ahead.kill();
    let killed_at = Instant::now();
    bench.storage.open_gate();
    for (job, piece) in jobs.iter().zip(&pieces) {
        bench.until_completed(job.id).await;
        bench.assert_result(job.id, piece).await;
        assert_eq!(bench.holder(job.id).await, behind.name());
    }
    assert!(killed_at.elapsed() < Duration::from_secs(40), "it took {:?}", killed_at.elapsed());
    bench.assert_outcomes(jobs[of_ahead].id, &["expired", "completed"]).await;
    bench.assert_outcomes(jobs[1 - of_ahead].id, &["completed"]).await;
    bench.end([behind]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_clock_a_day_off_a_job_is_tried_again_when_the_database_says_so() {
    let bench = Bench::new().await;
    let skew = compile_skew(bench.folder());
    for (name, by_s) in [("ahead", DAY_S), ("behind", -DAY_S)] {
        let worker = worker(&bench, &skew, name, by_s).await;
        let piece = Piece::short(by_s.unsigned_abs() + u64::from(by_s > 0));
        let job = bench.pending_with(&piece, Fault::Answer(StatusCode::SERVICE_UNAVAILABLE), 3).await;
        let failed = bench.until(job.id, "the attempt fails", |row| row.error_kind.is_some()).await;
        let begun = bench.until(job.id, "it is tried again", |row| row.attempt == 2).await;
        let (due, started) = (failed.next_run_at, begun.started_at.unwrap());
        assert!((due..due + Duration::from_secs(30)).contains(&started), "due {due}, started {started}");
        bench.until_completed(job.id).await;
        // Signatures that the storage takes although they were made with a wrong clock.
        bench.assert_outcomes(job.id, &["retrying", "completed"]).await;
        eventually("it ends", async || {
            worker.signal(nix::sys::signal::Signal::SIGTERM);
            worker.log().contains("worker ended").then_some(())
        })
        .await;
    }
}
