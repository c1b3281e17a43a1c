//! A track to analyse, and what the database says about it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set its scene must fail, and say where"
)]

use analysis_core::config::AnalysisType;
use sqlx::PgPool;
use std::time::Duration;
use store::analyses::{self, Analysis, NewAnalysis, Parameters};
use store::queue::{self, Claim, reaper};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// Someone who has tracks.
pub(crate) async fn owner(pool: &PgPool) -> Uuid {
    let insert = "INSERT INTO users (name, email, approved) VALUES ('Ada', gen_random_uuid()::text || '@example.org', true) RETURNING id";
    sqlx::query_scalar(insert).fetch_one(pool).await.unwrap()
}

/// A track of theirs, without analyses.
pub(crate) async fn track_of(pool: &PgPool, owner: Uuid) -> Uuid {
    let insert = "INSERT INTO reference_tracks (user_id, name, r2_key, file_size_bytes, mime_type)
                  VALUES ($1, 'Song', 'tracks/song', 1000, 'audio/flac') RETURNING id";
    sqlx::query_scalar(insert).bind(owner).fetch_one(pool).await.unwrap()
}

/// A track of someone's, without analyses.
pub(crate) async fn track(pool: &PgPool) -> Uuid {
    track_of(pool, owner(pool).await).await
}

/// A pending analysis with its ticket.
pub(crate) async fn pending(pool: &PgPool, track_id: Uuid) -> Analysis {
    create(pool, new(track_id)).await
}

pub(crate) async fn create(pool: &PgPool, new: NewAnalysis<'_>) -> Analysis {
    let mut tx = pool.begin().await.unwrap();
    let analysis = analyses::create(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    analysis
}

pub(crate) fn new(track_id: Uuid) -> NewAnalysis<'static> {
    NewAnalysis {
        track_id,
        analysis_type: AnalysisType::Full,
        parameters: Parameters::default(),
        version: "test",
        requested_by: None,
        priority: 0,
        run_at: None,
    }
}

/// A claimed analysis of a new track.
pub(crate) async fn claimed(pool: &PgPool) -> Claim {
    let track_id = track(pool).await;
    pending(pool, track_id).await;
    claim(pool, "first", LEASE).await.expect("there is a pending analysis")
}

pub(crate) async fn claim(pool: &PgPool, worker: &str, lease: Duration) -> Option<Claim> {
    queue::claim(pool, worker, lease).await.unwrap()
}

pub(crate) async fn row(pool: &PgPool, id: Uuid) -> Analysis {
    let mut db = pool.acquire().await.unwrap();
    analyses::get(&mut db, id).await.unwrap().expect("the analysis is there")
}

/// As if the worker had not renewed for longer than its lease.
pub(crate) async fn expire(pool: &PgPool, id: Uuid) {
    execute(pool, "UPDATE track_analyses SET lease_until = now() - interval '1 second' WHERE id = $1", id)
        .await;
}

/// As if the time of the next attempt had come, and been noticed.
pub(crate) async fn fast_forward(pool: &PgPool, id: Uuid) {
    execute(pool, "UPDATE track_analyses SET next_run_at = now() WHERE id = $1", id).await;
    reaper::reap(pool).await.unwrap();
}

pub(crate) async fn execute(pool: &PgPool, statement: &'static str, id: Uuid) {
    sqlx::query(statement).bind(id).execute(pool).await.unwrap();
}

pub(crate) async fn count(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(pool).await.unwrap()
}

pub(crate) async fn tickets(pool: &PgPool) -> i64 {
    count(pool, "SELECT count(*) FROM apalis.jobs WHERE status = 'Pending'").await
}

pub(crate) async fn track_state(pool: &PgPool, track_id: Uuid) -> (String, Option<String>) {
    sqlx::query_as("SELECT status, error_message FROM reference_tracks WHERE id = $1")
        .bind(track_id)
        .fetch_one(pool)
        .await
        .unwrap()
}
