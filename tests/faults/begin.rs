//! How soon an idle worker begins.

use crate::support::{Bench, Piece, analysis_of};
use time::OffsetDateTime;

const JOBS: usize = 200;

/// What is promised for 99 of 100 jobs, from the commit of the request to the start of the job, in ms. Where other programs
/// take the processors it is asked of half of them, and 99 of 100 begin before the next look at the queue (2 s), for which
/// a job waits whose wake-up was lost.
const PROMISED_MS: f64 = 100.0;
const BEFORE_THE_NEXT_LOOK_MS: f64 = 1_000.0;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_begins_within_100_ms_of_the_request() {
    let bench = Bench::alone().await;
    let worker = bench.worker("idle").await;
    let mut waits_ms = Vec::new();
    for seed in 0..JOBS {
        let track = bench.track(&Piece::short(seed as u64)).await;
        let mut request = bench.pool().await.begin().await.unwrap();
        let id = store::analyses::create(&mut request, &analysis_of(track)).await.unwrap().id;
        // Before the commit, which is therefore counted in.
        let now = "SELECT clock_timestamp()";
        let committed: OffsetDateTime = sqlx::query_scalar(now).fetch_one(&mut *request).await.unwrap();
        request.commit().await.unwrap();
        let row = bench.until_completed(id).await;
        waits_ms.push((row.started_at.unwrap() - committed).as_seconds_f64() * 1000.0);
    }
    waits_ms.sort_by(f64::total_cmp);
    let (p50, p99) = (waits_ms[JOBS / 2], waits_ms[JOBS * 99 / 100]);
    println!("from enqueue to start: p50 {p50:.1} ms, p99 {p99:.1} ms, longest {:.1} ms", waits_ms[JOBS - 1]);
    assert!(p50 < PROMISED_MS, "p50 {p50:.1} ms");
    assert!(p99 < BEFORE_THE_NEXT_LOOK_MS, "p99 {p99:.1} ms");
    bench.end([worker]).await;
}
