//! What a worker may take: time, room on the disk, slots; and how soon it lets go of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

mod support;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::analyses::Status;
use support::{Bench, config};
use uuid::Uuid;

/// What a cancel may take until the row says so and the slot is free, also on a busy machine: far less than passes until
/// the worker would hear of it by itself.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Most of a room of a MiB: no second one fits beside it.
const MOST_OF_THE_ROOM: usize = 700 << 10;

/// A worker with one slot that would hear of a cancel from its renewals only after minutes.
fn seldom_renewing(bench: &Bench) -> worker::Config {
    worker::Config {
        jobs: NonZeroUsize::MIN,
        lease: Duration::from_secs(600),
        renew_every: Duration::from_secs(200),
        ..config(bench.folder.path())
    }
}

async fn completed(bench: &Bench, id: Uuid) {
    let row = bench.until(id, |row| matches!(row.status, Status::Completed | Status::Error)).await;
    assert_eq!(row.status, Status::Completed, "{row:?}");
}

async fn cause(bench: &Bench, id: Uuid) -> String {
    let cause =
        "SELECT cause FROM track_analysis_attempts WHERE analysis_id = $1 ORDER BY started_at DESC LIMIT 1";
    sqlx::query_scalar(cause).bind(id).fetch_one(bench.pool()).await.unwrap()
}

async fn make_due(bench: &Bench, id: Uuid) {
    let due =
        sqlx::query("UPDATE track_analyses SET next_run_at = now() WHERE id = $1 AND status = 'pending'");
    due.bind(id).execute(bench.pool()).await.unwrap();
}

/// Waits until workers have looked after the queue so many times.
async fn looked_after(bench: &Bench, times: usize) {
    for _ in 0..times {
        let last = "SELECT coalesce(max(began_at)::text, '') FROM analysis_queue_rounds";
        let before: String = sqlx::query_scalar(last).fetch_one(bench.pool()).await.unwrap();
        while before == sqlx::query_scalar::<_, String>(last).fetch_one(bench.pool()).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_an_analysis_at_once_and_frees_its_slot() {
    let bench = Bench::new().await;
    let worker = bench.start_with(seldom_renewing(&bench));
    bench.until_listening().await;
    // One tells its observer how far it is, one only reads.
    for script in ["endless", "searches"] {
        let id = bench.pending(script).await;
        bench.until_under_way(id).await;
        let took = bench.cancel(id).await;
        assert!(took < AT_ONCE, "{script}: {took:?}");
        assert_eq!(worker.engine.running.load(Ordering::SeqCst), 0, "{script}");
    }
    completed(&bench, bench.pending("music").await).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_a_copy_from_the_storage_at_once_and_removes_it() {
    let (bench, bucket) = Bench::with_bucket().await;
    let worker = bench.start_with(seldom_renewing(&bench));
    bench.until_listening().await;
    bucket.shut();
    let id = bench.pending_sized("music", 1 << 20).await;
    bench.until(id, |row| row.status == Status::Running && !bench.copies().is_empty()).await;
    let took = bench.cancel(id).await;
    assert!(took < AT_ONCE, "{took:?}");
    bucket.open();
    completed(&bench, bench.pending("music").await).await;
    bench.until(id, |_| bench.copies().is_empty()).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_take_no_more_room_than_they_may_and_wait_for_one_another() {
    let (bench, _bucket) = Bench::with_bucket().await;
    let config = worker::Config {
        jobs: NonZeroUsize::new(2).unwrap(),
        temp_max_bytes: 1 << 20,
        ..seldom_renewing(&bench)
    };
    let worker = bench.start_with(config);
    bench.until_listening().await;
    let (script, gate) = bench.gate();
    let first = bench.pending_sized(&script, MOST_OF_THE_ROOM).await;
    bench.until_under_way(first).await;

    let second = bench.pending_sized("music", MOST_OF_THE_ROOM).await;
    bench.until(second, |row| row.status == Status::Running).await;
    let took = bench.cancel(second).await;
    assert!(took < AT_ONCE, "{took:?}");

    let third = bench.pending_sized("music", MOST_OF_THE_ROOM).await;
    bench.until(third, |row| row.status == Status::Running).await;
    assert_eq!(bench.copies(), [MOST_OF_THE_ROOM as u64]);
    std::fs::write(&gate, "").unwrap();
    completed(&bench, first).await;
    completed(&bench, third).await;
    assert_eq!(bench.row(third).await.attempt, 1, "waiting is no attempt");
    assert_eq!(worker.engine.most_at_once.load(Ordering::SeqCst), 1);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_could_never_be_copied_fails_with_the_limit() {
    let (bench, _bucket) = Bench::with_bucket().await;
    let worker = bench.start_with(worker::Config { temp_max_bytes: 1 << 20, ..bench.config() });
    let id = bench.pending_sized("music", (1 << 20) + 1).await;
    let row = bench.until(id, |row| row.status == Status::Error).await;
    assert_eq!((row.error_kind.as_deref(), row.attempt), (Some("file_too_large"), 1));
    assert!(row.error_message.as_ref().is_some_and(|text| text.contains("at most 1 MiB")), "{row:?}");
    assert!(cause(&bench, id).await.contains("temp_max_bytes"));
    completed(&bench, bench.pending_sized("music", 1 << 20).await).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_over_its_time_is_tried_once_more() {
    let bench = Bench::new().await;
    let worker = bench.start_with(worker::Config { time_base: Duration::from_secs(3), ..bench.config() });
    let id = bench.pending("endless").await;
    let row = bench.until(id, |row| row.error_kind.is_some()).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 1), "a host that stands still loses no job");
    make_due(&bench, id).await;
    let row = bench.until(id, |row| row.status == Status::Error).await;
    assert_eq!((row.error_kind.as_deref(), row.attempt), (Some("timed_out"), 2));
    let cause = cause(&bench, id).await;
    assert!(cause.contains("100 ms of 200 ms analysed"), "{cause}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_of_an_analysis_that_hangs_stays_taken_until_it_ends() {
    let bench = Bench::new().await;
    let worker =
        bench.start_with(worker::Config { stop_grace: Duration::from_millis(100), ..bench.config() });
    let (script, gate) = bench.gate();
    let hangs = bench.pending(&script).await;
    bench.until_under_way(hangs).await;
    bench.cancel(hangs).await;
    assert_eq!(worker.engine.running.load(Ordering::SeqCst), 1, "its thread goes on");
    // Two for the one slot that is left; each waits at its gate.
    let (script, other_gate) = bench.gate();
    let others = [bench.pending(&script).await, bench.pending(&script).await];
    bench.until(hangs, |_| worker.engine.begun.load(Ordering::SeqCst) == 2).await;
    // In this time a free slot would be given work.
    looked_after(&bench, 3).await;
    assert_eq!(worker.engine.most_at_once.load(Ordering::SeqCst), 2);
    std::fs::write(&other_gate, "").unwrap();
    for id in others {
        completed(&bench, id).await;
    }
    assert_eq!(worker.engine.most_at_once.load(Ordering::SeqCst), 2);
    std::fs::write(&gate, "").unwrap();
    bench.until(hangs, |_| worker.engine.running.load(Ordering::SeqCst) == 0).await;
    // Both slots are there again.
    let (script, last_gate) = bench.gate();
    let last = [bench.pending(&script).await, bench.pending(&script).await];
    for id in last {
        bench.until_under_way(id).await;
    }
    std::fs::write(&last_gate, "").unwrap();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_all_of_whose_slots_hang_ends_for_another_to_take_its_place() {
    let bench = Bench::new().await;
    let short = Duration::from_millis(100);
    let slots = NonZeroUsize::MIN;
    let worker = bench.start_with(worker::Config {
        jobs: slots,
        time_base: short,
        stop_grace: short,
        ..bench.config()
    });
    let (script, gate) = bench.gate();
    let hangs = bench.pending(&script).await;
    let ended = worker.outcome().await.unwrap_err();
    assert!(ended.to_string().contains("must be started again"), "{ended}");
    let row = bench.row(hangs).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 1), "written down before");
    std::fs::write(&gate, "").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_is_not_what_was_uploaded_gives_no_result() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let track_id = bench.track("music").await;
    let other = sqlx::query("UPDATE reference_tracks SET content_sha256 = repeat('0', 64) WHERE id = $1");
    other.bind(track_id).execute(bench.pool()).await.unwrap();
    let id = bench.pending_of(track_id).await;
    let row = bench.until(id, |row| row.status == Status::Error).await;
    assert_eq!((row.error_kind.as_deref(), row.attempt), (Some("object_changed"), 1), "not tried again");
    assert!(cause(&bench, id).await.contains(&"0".repeat(64)));
    assert_eq!(bench.count("SELECT count(*) FROM analysis_frame_data").await, 0);
    assert_eq!(bench.count("SELECT count(*) FROM analysis_events").await, 0);
    worker.end().await;
}
