//! Object storage that refuses, fails, is slow, breaks off, or has something else than what was uploaded.

use crate::support::{Bench, Fault, LEASE, Piece};
use reqwest::StatusCode;
use std::time::Duration;
use store::analyses::Status;

/// How often the storage is asked for a body in one attempt, before any of it has come.
const TRIES: usize = 3;

/// The first attempt fails for the storage, which meets the fault so often; the second succeeds.
async fn check_put_off(fault: Fault, times: usize) {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let job = bench.pending_with(piece, fault.clone(), times).await;
    let other = bench.pending(&Piece::short(2)).await;
    let worker = bench.worker("worker").await;
    let row = bench.until(job.id, "the attempt fails", |row| row.error_kind.is_some()).await;
    assert_eq!(
        (row.status, row.error_kind.as_deref()),
        (Status::Pending, Some("storage_unavailable")),
        "{fault:?}"
    );
    assert!(row.next_run_at > row.updated_at, "not at once: {row:?}");
    // What is well is not held up.
    bench.until_completed(other.id).await;
    assert_eq!(bench.row(job.id).await.status, Status::Pending);
    bench.until_completed(job.id).await;
    bench.assert_outcomes(job.id, &["retrying", "completed"]).await;
    bench.assert_result(job.id, piece).await;
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_storage_answers_503_is_put_off() {
    check_put_off(Fault::Answer(StatusCode::SERVICE_UNAVAILABLE), TRIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_storage_answers_500_is_put_off() {
    check_put_off(Fault::Answer(StatusCode::INTERNAL_SERVER_ERROR), TRIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_cut_in_the_middle_is_never_taken_for_the_whole() {
    // Once the body has begun nothing is asked for again.
    check_put_off(Fault::CutAfter(8_000), 1).await;
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
