//! A worker process killed in the middle of a job, for real.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use store::analyses::Status;
use support::Bench;
use tokio_util::sync::CancellationToken;

const DATABASE: &str = "ARSIS_TEST_DATABASE";
const FOLDER: &str = "ARSIS_TEST_FOLDER";

/// What a worker process runs: this binary starts itself with this test alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is the worker process of the other test"]
async fn worker_process() {
    let (Ok(database), Ok(folder)) = (std::env::var(DATABASE), std::env::var(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    let pool = sqlx::PgPool::connect(&database).await.unwrap();
    let objects = support::open_objects(&folder).await;
    let engine = Arc::new(support::Scripted::default());
    let never = CancellationToken::new();
    let config = worker::Config { lease: Duration::from_secs(3), ..support::config(&folder) };
    worker::run_engine(config, pool, objects, engine, never).await.unwrap();
}

struct Process(Child);

impl Process {
    fn start(database: &str, folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "worker_process"])
            .env(DATABASE, database)
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_is_killed_is_finished_by_another_once_and_soon() {
    let bench = Bench::new().await;
    let (script, gate) = bench.gate();
    let id = bench.pending(&script).await;
    let first = Process::start(bench.database.url(), bench.folder.path());
    bench.until_under_way(id).await;
    drop(first);
    // Nothing half-written is taken for a result, and the killed worker's file is still there.
    assert_ne!(bench.row(id).await.status, Status::Completed);
    assert_eq!(bench.temporary().len(), 1);

    std::fs::write(&gate, "").unwrap();
    let second = Process::start(bench.database.url(), bench.folder.path());
    let row = bench.until(id, |row| row.status == Status::Completed).await;
    assert_eq!(row.attempt, 2);
    assert_eq!(bench.count("SELECT count(*) FROM analysis_frame_manifests").await, 4);
    assert_eq!(bench.count("SELECT count(*) FROM analysis_frame_data").await, 2);
    assert_eq!(bench.count("SELECT count(*) FROM analysis_events").await, 1);
    let outcomes: Vec<String> =
        sqlx::query_scalar("SELECT outcome FROM track_analysis_attempts ORDER BY started_at")
            .fetch_all(bench.pool())
            .await
            .unwrap();
    assert_eq!(outcomes, ["expired", "completed"]);
    assert_eq!(bench.temporary().len(), 1, "the killed worker's folder is gone, the second's is there");
    drop(second);
}
