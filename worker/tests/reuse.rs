//! The same audio is analysed once, whoever it belongs to.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::sync::atomic::Ordering;
use store::analyses::Status;
use store::frames::{self, EventFilter};
use support::Bench;
use uuid::Uuid;

/// Everything that readers see of a result, without the ids of its rows.
async fn result(bench: &Bench, id: Uuid) -> (String, Vec<(i16, i32, Vec<u8>)>, Vec<(i32, String)>) {
    let row = bench.row(id).await;
    let mut db = bench.pool().acquire().await.unwrap();
    let manifest = frames::manifest(&mut db, id).await.unwrap();
    let chunks = "SELECT m.level, d.chunk_index, d.frame_data FROM analysis_frame_data d
                    JOIN analysis_frame_manifests m ON m.id = d.manifest_id
                   WHERE m.analysis_id = $1 ORDER BY m.level, d.chunk_index";
    let chunks = sqlx::query_as(chunks).bind(id).fetch_all(bench.pool()).await.unwrap();
    let filter = EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: 100 };
    let events = frames::events(&mut db, id, &filter).await.unwrap();
    let events = events.into_iter().map(|event| (event.time_ms, event.event_type)).collect();
    (format!("{:?} {:?} {manifest:?}", row.summary, row.version), chunks, events)
}

async fn reused_from(bench: &Bench, id: Uuid) -> Option<Uuid> {
    let reused = "SELECT reused_from FROM track_analyses WHERE id = $1";
    sqlx::query_scalar(reused).bind(id).fetch_one(bench.pool()).await.unwrap()
}

async fn completed(bench: &Bench, id: Uuid) {
    let row = bench.until(id, |row| matches!(row.status, Status::Completed | Status::Error)).await;
    assert_eq!(row.status, Status::Completed, "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_of_the_same_audio_is_taken_and_outlives_where_it_came_from() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let adas = bench.track_of_audio("music").await;
    let first = bench.pending_of(adas).await;
    completed(&bench, first).await;
    let second = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, second).await;
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 1);
    assert_eq!(reused_from(&bench, second).await, Some(first));
    let taken = result(&bench, second).await;
    assert!(!taken.1.is_empty() && !taken.2.is_empty());
    assert_eq!(taken, result(&bench, first).await);

    let outcome = "SELECT outcome FROM track_analysis_attempts WHERE analysis_id = $1";
    let outcome: String = sqlx::query_scalar(outcome).bind(second).fetch_one(bench.pool()).await.unwrap();
    assert_eq!(outcome, "reused");
    let track = "SELECT status, bpm FROM reference_tracks WHERE id = (SELECT track_id FROM track_analyses WHERE id = $1)";
    let track: (String, Option<f32>) =
        sqlx::query_as(track).bind(second).fetch_one(bench.pool()).await.unwrap();
    assert_eq!(track, ("ready".into(), Some(120.0)));

    sqlx::query("DELETE FROM reference_tracks WHERE id = $1").bind(adas).execute(bench.pool()).await.unwrap();
    assert_eq!(result(&bench, second).await, taken, "it has rows of its own");

    let third = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, third).await;
    assert_eq!(result(&bench, third).await, taken);
    assert_eq!(reused_from(&bench, third).await, Some(first), "the one that was made, also of a copy");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_audio_that_is_being_analysed_is_waited_for() {
    let bench = Bench::new().await;
    let gate = bench.folder.path().join("gate");
    let audio = gate.to_str().unwrap().to_owned();
    let worker = bench.start();
    let first = bench.pending_of(bench.track_of_audio(audio.clone()).await).await;
    bench.until_under_way(first).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(bench.pending_of(bench.track_of_audio(audio.clone()).await).await);
    }
    for id in &others {
        let waits = "SELECT waits_for FROM track_analyses WHERE id = $1";
        loop {
            let waits: Option<Uuid> =
                sqlx::query_scalar(waits).bind(id).fetch_one(bench.pool()).await.unwrap();
            if waits == Some(first) {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Its slot is free meanwhile.
    completed(&bench, bench.pending("music").await).await;
    std::fs::write(&gate, "").unwrap();
    for id in others {
        completed(&bench, id).await;
        assert_eq!(bench.row(id).await.attempt, 1, "waiting is no attempt");
        assert_eq!(reused_from(&bench, id).await, Some(first));
    }
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 2);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_parameters_or_another_version_are_analysed() {
    let bench = Bench::new().await;
    let worker = bench.start();
    completed(&bench, bench.pending_of(bench.track_of_audio("music").await).await).await;
    sqlx::query("UPDATE track_analyses SET version = 'arsis-0.0.1'").execute(bench.pool()).await.unwrap();
    completed(&bench, bench.pending_of(bench.track_of_audio("music").await).await).await;
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 2, "the result of another version will not do");
    let track_id = bench.track_of_audio("music").await;
    let insert = "INSERT INTO track_analyses (track_id, analysis_type, version, parameters)
                  VALUES ($1, 'full', 'test', '{\"bands\": 32}') RETURNING id";
    let id = sqlx::query_scalar(insert).bind(track_id).fetch_one(bench.pool()).await.unwrap();
    completed(&bench, id).await;
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 3);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twin_of_one_that_fails_is_analysed_itself() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let first = bench.pending_of(bench.track_of_audio("damaged").await).await;
    bench.until(first, |row| row.status == Status::Error).await;
    let second = bench.pending_of(bench.track_of_audio("damaged").await).await;
    bench.until(second, |row| row.status == Status::Error).await;
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 2);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_of_unknown_checksum_is_known_again_and_none_is_written_down() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let first = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, first).await;
    let track_id = bench.track_of_audio("music").await;
    let forget = "UPDATE reference_tracks SET content_sha256 = NULL WHERE id = $1";
    sqlx::query(forget).bind(track_id).execute(bench.pool()).await.unwrap();
    let second = bench.pending_of(track_id).await;
    completed(&bench, second).await;
    assert_eq!(reused_from(&bench, second).await, Some(first));
    // Its owner may put another file there: a checksum of ours would have that refused.
    assert_eq!(bench.count("SELECT count(*) FROM reference_tracks WHERE content_sha256 IS NULL").await, 1);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_incomplete_or_about_to_go_is_not_waited_for() {
    let bench = Bench::new().await;
    let worker = bench.start();
    let first = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, first).await;
    let mut tx = bench.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM track_analyses WHERE id = $1 FOR UPDATE")
        .bind(first)
        .execute(&mut *tx)
        .await
        .unwrap();
    let second = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, second).await;
    tx.rollback().await.unwrap();
    assert_eq!((reused_from(&bench, second).await, bench.row(second).await.attempt), (None, 1));

    sqlx::query("UPDATE track_analyses SET total_ms = NULL").execute(bench.pool()).await.unwrap();
    let third = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, third).await;
    assert_eq!(reused_from(&bench, third).await, None);

    sqlx::query("UPDATE track_analyses SET summary = '{}'").execute(bench.pool()).await.unwrap();
    let fourth = bench.pending_of(bench.track_of_audio("music").await).await;
    completed(&bench, fourth).await;
    assert_eq!(reused_from(&bench, fourth).await, None);
    assert_eq!(worker.engine.begun.load(Ordering::SeqCst), 4);
    worker.end().await;
}
