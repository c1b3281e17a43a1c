//! Object storage that refuses, fails, is slow, breaks off, or has something else than what was uploaded.

use crate::support::{Bench, Fault, LEASE, Piece};
use reqwest::StatusCode;
use std::time::Duration;
use store::analyses::Status;

/// How often the storage is asked for a body in one attempt, before any of it has come.
const TRIES: usize = 3;

/// The first attempts fail for the storage, which meets the fault so often; the second succeed.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_whose_storage_answers_500_503_or_half_the_audio_are_put_off() {
    let bench = Bench::new().await;
    let faults = [
        (Fault::Answer(StatusCode::INTERNAL_SERVER_ERROR), TRIES),
        (Fault::Answer(StatusCode::SERVICE_UNAVAILABLE), TRIES),
        // Once the body has begun nothing is asked for again.
        (Fault::CutAfter(8_000), 1),
    ];
    let mut jobs = Vec::new();
    for (seed, (fault, times)) in (1..).zip(faults) {
        let piece = Piece::short(seed);
        jobs.push((bench.pending_with(&piece, fault.clone(), times).await, piece, fault));
    }
    let other = bench.pending(&Piece::short(9)).await;
    let worker = bench.worker("worker").await;
    let put_off = jobs.iter().map(async |(job, piece, fault)| {
        let row = bench.until(job.id, "the attempt fails", |row| row.error_kind.is_some()).await;
        let state = (row.status, row.error_kind.as_deref());
        assert_eq!(state, (Status::Pending, Some("storage_unavailable")), "{fault:?}");
        assert!(row.next_run_at > row.updated_at, "{fault:?}: not at once: {row:?}");
        bench.until_completed(job.id).await;
        bench.assert_outcomes(job.id, &["retrying", "completed"]).await;
        bench.assert_result(job.id, piece).await;
    });
    futures::future::join_all(put_off).await;
    // What is well was not held up.
    let other = bench.row(other.id).await;
    assert_eq!((other.status, other.attempt), (Status::Completed, 1));
    for (job, ..) in &jobs {
        let row = bench.row(job.id).await;
        assert!(other.completed_at < row.completed_at, "{other:?}, {row:?}");
    }
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_storage_refuses_connections_is_put_off_until_it_is_back() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let job = bench.pending(piece).await;
    bench.storage.go_away().await;
    let worker = bench.worker("worker").await;
    bench
        .until(job.id, "the attempt fails", |row| row.error_kind.as_deref() == Some("storage_unavailable"))
        .await;
    bench.storage.come_back().await;
    bench.until_completed(job.id).await;
    bench.assert_outcomes(job.id, &["retrying", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_takes_longer_than_a_lease_to_come_is_waited_for() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let job = bench.pending_with(piece, Fault::Lasting(LEASE + Duration::from_secs(3)), 1).await;
    let workers = [bench.worker("first").await, bench.worker("second").await];
    bench.until_completed(job.id).await;
    bench.assert_outcomes(job.id, &["completed"]).await;
    bench.assert_result(job.id, piece).await;
    bench.end(workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_missing_ends_the_job_with_a_clear_message() {
    let bench = Bench::new().await;
    let job = bench.pending(&Piece::short(1)).await;
    std::fs::remove_file(bench.storage.file(&job.key)).unwrap();
    let worker = bench.worker("worker").await;
    let row = bench.until(job.id, "the job ends", |row| row.status == Status::Error).await;
    assert_eq!(row.error_kind.as_deref(), Some("object_missing"));
    let message = "The track's audio file is not in the storage any more.";
    assert_eq!((row.error_message.as_deref(), row.attempt), (Some(message), 1));
    bench.assert_outcomes(job.id, &["failed"]).await;
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_another_than_was_uploaded_ends_the_job_with_a_clear_message() {
    let bench = Bench::new().await;
    let (same_size, shorter) = (bench.pending(&Piece::short(1)).await, bench.pending(&Piece::short(2)).await);
    std::fs::write(bench.storage.file(&same_size.key), Piece::short(3).audio).unwrap();
    std::fs::write(bench.storage.file(&shorter.key), &Piece::short(2).audio[..8_000]).unwrap();
    let worker = bench.worker("worker").await;
    for job in [&same_size, &shorter] {
        let row = bench.until(job.id, "the job ends", |row| row.status == Status::Error).await;
        assert_eq!(row.error_kind.as_deref(), Some("object_changed"));
        let message = "The stored audio is not the file that was uploaded: it was changed or replaced since.";
        assert_eq!((row.error_message.as_deref(), row.attempt), (Some(message), 1));
    }
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}
