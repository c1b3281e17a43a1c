//! The life of jobs under running workers.

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;
use store::analyses::{self, Status};
use store::frames::{self, EventFilter};
use store::objects::ObjectKey;
use store::queue::tickets;
use support::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_fetched_analysed_and_committed() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let id = bench.pending("music").await;
    let row = bench.until(id, |row| row.status == Status::Completed).await;
    assert_eq!((row.attempt, row.done_ms), (1, Some(200)));
    let mut db = bench.pool().acquire().await.unwrap();
    let chunks = frames::chunks_between(&mut db, id, 0, 0, 200, None, 10).await.unwrap();
    assert_eq!((chunks.len(), &chunks[1].bytes[..]), (2, &[7; 10][..]));
    let all = EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: 10 };
    assert_eq!(frames::events(&mut db, id, &all).await.unwrap().len(), 1);
    worker.end().await;
    assert!(bench.temporary().is_empty(), "{:?}", bench.temporary());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ticket_of_a_job_is_answered_and_then_pruned() {
    let bench = Bench::new().await;
    let worker = bench.start();
    for script in ["music", "damaged"] {
        let id = bench.pending(script).await;
        bench.until(id, |row| matches!(row.status, Status::Completed | Status::Error)).await;
    }
    worker.end().await;
    let answered = "SELECT count(*) FROM apalis.jobs WHERE status = 'Done' AND done_at IS NOT NULL";
    assert!(bench.count(answered).await >= 2);
    let left = "SELECT count(*) FROM apalis.jobs WHERE status IN ('Queued', 'Running')";
    assert_eq!(bench.count(left).await, 0);
    let later = "UPDATE apalis.jobs SET done_at = done_at - interval '2 hours'";
    sqlx::query(later).execute(bench.pool()).await.unwrap();
    tickets::prune(bench.pool()).await.unwrap();
    assert_eq!(bench.count(answered).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_waited_for_a_worker_is_done_when_one_starts() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(bench.pending("music").await);
    }
    let worker = bench.start();
    for id in ids {
        bench.until(id, |row| row.status == Status::Completed).await;
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_inserted_by_hand_is_picked_up() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let track_id = bench.track("music").await;
    let id = sqlx::query_scalar(
        "INSERT INTO track_analyses (track_id, analysis_type, version) VALUES ($1, 'rhythm', '1') RETURNING id",
    )
    .bind(track_id)
    .fetch_one(bench.pool())
    .await
    .unwrap();
    bench.until(id, |row| row.status == Status::Completed).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_end_with_a_message() {
    let bench = Bench::new().await;
    let worker = bench.start();
    for (analysis_type, parameters, kind) in [
        ("astrology", "{}", "unknown_analysis_type"),
        ("full", r#"{"hop_ms": 5000}"#, "invalid_parameters"),
        ("full", r#"{"hop": 10}"#, "invalid_parameters"),
        ("full", "[1]", "invalid_parameters"),
    ] {
        let track_id = bench.track("music").await;
        let id = sqlx::query_scalar(
            "INSERT INTO track_analyses (track_id, analysis_type, version, parameters)
             VALUES ($1, $2, '1', $3::jsonb) RETURNING id",
        )
        .bind(track_id)
        .bind(analysis_type)
        .bind(parameters)
        .fetch_one(bench.pool())
        .await
        .unwrap();
        let row = bench.until(id, |row| row.status == Status::Error).await;
        assert_eq!(row.error_kind.as_deref(), Some(kind), "{row:?}");
        assert_eq!(row.attempt, 1, "not tried again");
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_audio_and_a_missing_object_end_with_a_message_a_person_understands() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let damaged = bench.pending("damaged").await;
    let row = bench.until(damaged, |row| row.status == Status::Error).await;
    assert_eq!(row.error_message.as_deref(), Some("The file is damaged: its audio cannot be decoded."));
    assert_eq!(bench.count("SELECT count(*) FROM analysis_frame_data").await, 0);

    let track_id = bench.track("music").await;
    bench.objects.delete(&ObjectKey::audio(track_id)).await.unwrap();
    let missing = bench.pending_of(track_id).await;
    let row = bench.until(missing, |row| row.status == Status::Error).await;
    assert_eq!(row.error_kind.as_deref(), Some("object_missing"));
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transient_failure_is_put_off() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let id = bench.pending("unreadable").await;
    let row = bench.until(id, |row| row.error_kind.is_some()).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 1));
    assert!(row.next_run_at > row.updated_at, "not at once: {row:?}");
    let cause: String = sqlx::query_scalar("SELECT cause FROM track_analysis_attempts")
        .fetch_one(bench.pool())
        .await
        .unwrap();
    assert!(cause.contains("the disk is on fire"), "{cause}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_its_job_alone() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let (panics, music) = (bench.pending("panics").await, bench.pending("music").await);
    let row = bench.until(panics, |row| row.status == Status::Error).await;
    assert_eq!(row.error_kind.as_deref(), Some("internal_error"));
    bench.until(music, |row| row.status == Status::Completed).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_the_work_and_frees_the_slot() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let id = bench.pending("endless").await;
    bench.until(id, |row| row.done_ms == Some(100)).await;
    let mut db = bench.pool().acquire().await.unwrap();
    analyses::request_cancel(&mut db, id).await.unwrap();
    let row = bench.until(id, |row| row.status == Status::Error).await;
    assert_eq!(row.error_kind.as_deref(), Some(analyses::CANCELLED));
    assert_eq!(worker.engine.running.load(Ordering::SeqCst), 0);
    assert_eq!(bench.count("SELECT count(*) FROM analysis_frame_data").await, 0);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_slow_to_stop_keeps_its_lease_until_it_has() {
    let bench = Bench::new().await;
    let (time_limit, lease) = (Duration::from_secs(3), Duration::from_secs(3));
    let config = worker::Config { time_limit, lease, ..bench.config() };
    let worker = bench.start_with(config);
    let (script, gate) = bench.gate();
    let id = bench.pending(&script).await;
    bench.until_under_way(id).await;
    tokio::time::sleep(time_limit + 2 * lease).await;
    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Running, 1));
    std::fs::write(&gate, "").unwrap();
    let row = bench.until(id, |row| row.error_kind.is_some()).await;
    assert_eq!((row.error_kind.as_deref(), row.attempt), (Some("timed_out"), 1));
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_deleted_under_its_analyses_ends_them_and_nothing_else() {
    let bench = Bench::new().await;
    let worker = bench.start();
    for _ in 0..5 {
        let (script, gate) = bench.gate();
        let track_id = bench.track(&script).await;
        let id = bench.pending_of(track_id).await;
        bench.until_under_way(id).await;
        // The commit begins while the track is being deleted.
        std::fs::write(&gate, "").unwrap();
        let delete = sqlx::query("DELETE FROM reference_tracks WHERE id = $1").bind(track_id);
        delete.execute(bench.pool()).await.unwrap();
    }
    let music = bench.pending("music").await;
    bench.until(music, |row| row.status == Status::Completed).await;
    worker.end().await;
    assert_eq!(bench.count("SELECT count(*) FROM track_analyses").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_run_at_once_than_there_are_slots() {
    let bench = Bench::new().await;
    let (script, gate) = bench.gate();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.pending(&script).await);
    }
    let worker = bench.start();
    // Each stores its first chunk and then waits at the gate: two are at it at once.
    while bench.count("SELECT count(*) FROM analysis_frame_data").await < 2 {}
    std::fs::write(&gate, "").unwrap();
    for id in ids {
        bench.until(id, |row| row.status == Status::Completed).await;
    }
    assert_eq!(worker.engine.most_at_once.load(Ordering::SeqCst), 2);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_a_job_is_finished_when_it_is_done_in_time() {
    let bench = Bench::new().await;
    let (script, gate) = bench.gate();
    let worker = bench.start();
    let id = bench.pending(&script).await;
    bench.until_under_way(id).await;
    worker.stop.cancel();
    std::fs::write(&gate, "").unwrap();
    worker.end().await;
    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Completed, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_a_long_job_is_handed_back_and_done_by_another_worker() {
    let bench = Bench::new().await;
    let config = worker::Config { drain: Duration::from_millis(100), ..bench.config() };
    let worker = bench.start_with(config);
    let id = bench.pending("endless").await;
    bench.until_under_way(id).await;
    worker.end().await;
    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 0));
    assert!(bench.temporary().is_empty());
}

/// Ends every second try to close an attempt as a server does that is shut down. A sequence counts what is rolled back.
const AWAY_AT_FIRST: &str = "
    CREATE SEQUENCE tries;
    CREATE FUNCTION away_at_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') % 2 = 1 THEN RAISE EXCEPTION 'shutting down' USING ERRCODE = '57P01'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER away_at_first BEFORE UPDATE ON track_analysis_attempts
        FOR EACH ROW EXECUTE FUNCTION away_at_first();";

#[tokio::test(flavor = "multi_thread")]
async fn how_an_attempt_ended_is_written_once_the_database_is_back() {
    let bench = Bench::new().await;
    sqlx::raw_sql(AWAY_AT_FIRST).execute(bench.pool()).await.unwrap();
    let config = worker::Config { drain: Duration::from_millis(100), ..bench.config() };
    let worker = bench.start_with(config);
    let damaged = bench.pending("damaged").await;
    let row = bench.until(damaged, |row| row.status == Status::Error).await;
    assert_eq!(row.attempt, 1, "not left to the reaper: {row:?}");

    let cancelled = bench.pending("endless").await;
    bench.until_under_way(cancelled).await;
    let mut db = bench.pool().acquire().await.unwrap();
    analyses::request_cancel(&mut db, cancelled).await.unwrap();
    bench.until(cancelled, |row| row.status == Status::Error).await;
    let ended = "SELECT count(*) FROM track_analysis_attempts WHERE outcome IN ('failed', 'cancelled')";
    assert_eq!(bench.count(ended).await, 2, "none expired");

    let handed_back = bench.pending("endless").await;
    bench.until_under_way(handed_back).await;
    worker.end().await;
    let row = bench.row(handed_back).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 0));
    assert_eq!(bench.count("SELECT last_value FROM tries").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let bench = Bench::new().await;
    let (script, gate) = bench.gate();
    let worker = bench.start();
    let id = bench.pending(&script).await;
    bench.until_under_way(id).await;
    // As if another worker had rescued and claimed it.
    sqlx::query(
        "UPDATE track_analyses SET lease_token = gen_random_uuid(), attempt = 2, worker = 'other',
                lease_until = now() + interval '1 hour' WHERE id = $1",
    )
    .bind(id)
    .execute(bench.pool())
    .await
    .unwrap();
    std::fs::write(&gate, "").unwrap();
    worker.end().await;
    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Running, 2));
    assert_eq!(bench.count("SELECT count(*) FROM analysis_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_dead_workers_are_removed_and_those_of_living_ones_stay() {
    let bench = Bench::new().await;
    let temp = bench.folder.path().join("temp");
    let (dead, other) = (temp.join("arsis-worker-dead"), temp.join("someone-else"));
    for folder in [&dead, &other] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("lock"), "").unwrap();
        std::fs::write(folder.join("audio"), "left behind").unwrap();
    }
    let (script, gate) = bench.gate();
    let first = bench.start();
    let id = bench.pending(&script).await;
    bench.until_under_way(id).await;
    assert!(!dead.exists() && other.exists());
    let second = bench.start();
    let next = bench.pending("music").await;
    bench.until(next, |row| row.status == Status::Completed).await;
    std::fs::write(&gate, "").unwrap();
    bench.until(id, |row| row.status == Status::Completed).await;
    first.end().await;
    second.end().await;
    assert_eq!(bench.temporary(), [other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_ready_from_when_it_listens_to_when_it_is_told_to_end() {
    let bench = Bench::new().await;
    let config = bench.config();
    let monitor = config.monitor.clone();
    assert_eq!(monitor.ready().await, Err("the worker has not begun".into()));
    let worker = bench.start_with(config);
    let (script, gate) = bench.gate();
    let id = bench.pending(&script).await;
    bench.until_under_way(id).await;
    assert_eq!(monitor.ready().await, Ok(()));
    let mut text = String::new();
    monitor.encode(&mut text);
    assert!(text.contains("arsis_worker_jobs_running 1\n"), "{text}");
    worker.stop.cancel();
    assert_eq!(monitor.ready().await, Err("the worker is shutting down".into()));
    std::fs::write(gate, "").unwrap();
    worker.end().await;
    text.clear();
    monitor.encode(&mut text);
    assert!(text.contains("arsis_worker_jobs_running 0\n"), "{text}");
    assert!(monitor.is_alive());
}
