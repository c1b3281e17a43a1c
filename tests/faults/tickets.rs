//! Tickets that are wrong, doubled, lost, or in the wrong hands. They are only wake-ups: the rows are the truth.

use crate::support::{Bench, Fault, Piece, analysis_of};
use store::queue;

const QUEUE: &str = "arsis.analyses";

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_cannot_be_read_stop_no_worker() {
    let bench = Bench::new().await;
    let worker = bench.worker("worker").await;
    let foreign = [
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "no JSON at all \u{1}"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAW", "[]"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAX", r#"{"analysis_id": 7, "of": "a later version"}"#),
        ("not-a-ulid", "{}"),
        ("", "{}"),
    ];
    for (seed, (id, payload)) in (1..).zip(foreign) {
        sqlx::query(
            "INSERT INTO apalis.jobs (id, job_type, job, run_at) VALUES ($1, $2, $3, to_timestamp(0))",
        )
        .bind(id)
        .bind(QUEUE)
        .bind(payload.as_bytes())
        .execute(&bench.pool().await)
        .await
        .unwrap();
        sqlx::query("SELECT pg_notify('apalis::job::insert', $1)")
            .bind(serde_json::json!({ "job_type": QUEUE, "id": id }).to_string())
            .execute(&bench.pool().await)
            .await
            .unwrap();
        let job = bench.pending(&Piece::short(seed)).await;
        bench.until_completed(job.id).await;
    }
    bench.until_tickets_are_answered().await;
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_too_many_fails_no_transaction_and_starts_nothing_twice() {
    let bench = Bench::new().await;
    let piece = &Piece::short(1);
    let track = bench.track(piece).await;
    let mut request = bench.pool().await.begin().await.unwrap();
    let id = store::analyses::create(&mut request, &analysis_of(track)).await.unwrap().id;
    for _ in 0..5 {
        queue::enqueue(&mut request, id).await.unwrap();
    }
    request.commit().await.unwrap();
    let workers = [bench.worker("first").await, bench.worker("second").await];
    bench.until_completed(id).await;
    let mut again = bench.pool().await.acquire().await.unwrap();
    queue::enqueue(&mut again, id).await.unwrap();
    bench.until_tickets_are_answered().await;
    bench.assert_outcomes(id, &["completed"]).await;
    bench.assert_result(id, piece).await;
    bench.end(workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_tickets_are_made_again() {
    let bench = Bench::new().await;
    let mut jobs = Vec::new();
    for seed in 0..5 {
        jobs.push(bench.pending(&Piece::short(seed)).await);
    }
    sqlx::query("DELETE FROM apalis.jobs").execute(&bench.pool().await).await.unwrap();
    let worker = bench.worker("worker").await;
    for job in jobs {
        bench.until_completed(job.id).await;
    }
    bench.end([worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_keeps_tickets_waiting_behind_its_long_job() {
    let bench = Bench::new().await;
    let long = bench.pending_with(&Piece::short(0), Fault::Gate, 1).await;
    let busy = bench.worker("busy").await;
    bench.until_read(&long).await;
    let mut jobs = Vec::new();
    for seed in 1..=5 {
        jobs.push(bench.pending(&Piece::short(seed)).await);
    }
    let idle = bench.worker("idle").await;
    for job in &jobs {
        bench.until_completed(job.id).await;
        assert_eq!(bench.holder(job.id).await, idle.name());
    }
    assert_eq!(bench.outcomes(long.id).await, [None]);
    bench.storage.open_gate();
    bench.until_completed(long.id).await;
    bench.until_tickets_are_answered().await;
    bench.end([busy, idle]).await;
}
