//! What the queue costs, beside apalis alone: `cargo bench -p worker --bench queue [-- JOBS]`.
//!
//! The jobs are no analyses: an engine that reads a few bytes and returns an empty result, so that all of the time is the
//! queue's, from the ticket over claim, lease, fetch and commit to the answered ticket. Each worker has one slot and runs in
//! this process. PostgreSQL is the private one for tests, which does not wait for the disk.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should say where it failed")]

use analysis_core::analyzer::{Analysis, Observer};
use analysis_core::events::Events;
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::ManifestBuilder;
use analysis_core::summary::{AudioInfo, Summary};
use analysis_core::{Config as AnalysisConfig, Result};
use apalis::prelude::{PollWith, Strategy, TaskBuilder, WorkerBuilder, WorkerBuilderExt, task_fn};
use apalis_postgres::{Config as TicketConfig, PostgresStorage, Pubsub};
use serde_json::Value;
use sqlx::PgPool;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::analyses;
use store::objects::{Config as Storage, Objects};
use store::testing::{self, TestDatabase};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use worker::{Engine, Source};

const DEFAULT_JOBS: usize = 1000;

const WORKERS: [usize; 4] = [1, 2, 4, 8];

/// How long to watch a queue that has nothing to do.
const IDLE: Duration = Duration::from_secs(30);

/// Returns an empty result.
struct Idle;

impl Engine for Idle {
    fn analyze(
        &self,
        mut audio: Source,
        _: Option<&str>,
        config: &AnalysisConfig,
        _: &mut dyn Observer,
    ) -> Result<Analysis> {
        let fingerprint = analysis_core::fingerprint::fingerprint(&mut audio)?;
        let info = AudioInfo {
            duration_ms: 0,
            sample_rate: 44_100,
            channels: 1,
            codec: None,
            container: None,
            delay_frames: 0,
            padding_frames: 0,
            decode_errors: 0,
            truncated: false,
        };
        let manifest = ManifestBuilder::new(config, &FrameLayout::new(config));
        Ok(Analysis {
            analyzer_version: analysis_core::ANALYZER_VERSION,
            manifest: manifest.finish(info.clone(), Some(fingerprint.clone())),
            fingerprint: Some(fingerprint),
            audio: info,
            summary: Summary::default(),
            events: Events::new(vec![], vec![], vec![], vec![]),
        })
    }
}

fn main() {
    let jobs = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(DEFAULT_JOBS);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("{jobs} jobs that do nothing, each worker with one slot\n");
        println!(
            "| workers | jobs/s | ms a job | transactions a job | apalis alone: jobs/s | transactions a job |"
        );
        println!("|---:|---:|---:|---:|---:|---:|");
        for workers in WORKERS {
            let ours = measure_ours(workers, jobs).await;
            let theirs = measure_apalis(workers, jobs).await;
            println!(
                "| {workers} | {:.0} | {:.2} | {:.1} | {:.0} | {:.1} |",
                ours.per_second(jobs),
                1e3 * ours.wall.as_secs_f64() * workers as f64 / jobs as f64,
                ours.transactions as f64 / jobs as f64,
                theirs.per_second(jobs),
                theirs.transactions as f64 / jobs as f64
            );
        }
        println!("\n| idle workers | transactions a minute, all |");
        println!("|---:|---:|");
        for workers in [1, 8] {
            println!("| {workers} | {:.0} |", measure_idle(workers).await);
        }
    });
}

struct Measured {
    wall: Duration,
    transactions: i64,
}

impl Measured {
    fn per_second(&self, jobs: usize) -> f64 {
        jobs as f64 / self.wall.as_secs_f64()
    }
}

struct Fleet {
    stop: CancellationToken,
    workers: JoinSet<()>,
    folder: TempDir,
}

impl Fleet {
    async fn start(pool: &PgPool, objects: &Objects, workers: usize) -> Self {
        let mut fleet = Self {
            stop: CancellationToken::new(),
            workers: JoinSet::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        for _ in 0..workers {
            let config = worker::Config {
                jobs: NonZeroUsize::MIN,
                temp_dir: fleet.folder.path().to_owned(),
                ..worker::Config::default()
            };
            let pool = store::pool_beside(pool, 4);
            let (objects, stop) = (objects.clone(), fleet.stop.clone());
            fleet.workers.spawn(async move {
                worker::run_engine(config, pool, objects, Arc::new(Idle), stop).await.unwrap();
            });
        }
        fleet
    }

    async fn stop(self) {
        self.stop.cancel();
        self.workers.join_all().await;
    }
}

async fn measure_ours(workers: usize, jobs: usize) -> Measured {
    let database = TestDatabase::new().await;
    let (pool, folder) = (database.pool(), tempfile::tempdir().unwrap());
    let objects = Objects::open(Storage::Directory(folder.path().to_owned())).await.unwrap();
    enqueue(pool, &objects, jobs).await;
    let before = transactions(pool).await;
    let began = Instant::now();
    let fleet = Fleet::start(pool, &objects, workers).await;
    let left = "SELECT count(*) FROM track_analyses WHERE status <> 'completed'";
    until_none(pool, left).await;
    let wall = began.elapsed();
    fleet.stop().await;
    Measured { wall, transactions: transactions(pool).await - before }
}

async fn enqueue(pool: &PgPool, objects: &Objects, jobs: usize) {
    let mut db = pool.acquire().await.unwrap();
    let user = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    for job in 0..jobs {
        let track = testing::uploaded(&mut db, objects, user.id, "A song", job.to_string()).await;
        analyses::create(&mut db, &testing::analysis_of(track)).await.unwrap();
    }
}

/// The same number of tickets, answered by apalis' own workers and nothing else.
async fn measure_apalis(workers: usize, jobs: usize) -> Measured {
    const QUEUE: &str = "bench";
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let tickets = (0..jobs).map(|_| TaskBuilder::new(b"{}".to_vec()).run_at_timestamp(0).build()).collect();
    let mut db = pool.acquire().await.unwrap();
    apalis_postgres::queries::push_tasks(&mut *db, QUEUE, tickets).await.unwrap();
    drop(db);
    let before = transactions(pool).await;
    let began = Instant::now();
    let stop = CancellationToken::new();
    let mut listeners = JoinSet::new();
    for worker in 0..workers {
        let pool = store::pool_beside(pool, 4);
        let stop = stop.clone();
        listeners.spawn(async move {
            let config = TicketConfig::default().queue(QUEUE).batch_size(1);
            let storage = PostgresStorage::<Value>::new(&pool).with_config(config);
            let notified = Strategy::new().stream(Pubsub::new(pool.clone(), QUEUE.to_owned()));
            WorkerBuilder::new(format!("bench-{worker}"))
                .backend(PollWith::new(storage, notified))
                .concurrency(1)
                .build(task_fn(async |_: Value| Ok::<(), Infallible>(())))
                .run_until(async move {
                    stop.cancelled().await;
                    Ok::<(), std::io::Error>(())
                })
                .await
                .unwrap();
        });
    }
    until_none(pool, "SELECT count(*) FROM apalis.jobs WHERE job_type = 'bench' AND status <> 'Done'").await;
    let wall = began.elapsed();
    stop.cancel();
    listeners.join_all().await;
    Measured { wall, transactions: transactions(pool).await - before }
}

async fn measure_idle(workers: usize) -> f64 {
    let database = TestDatabase::new().await;
    let (pool, folder) = (database.pool(), tempfile::tempdir().unwrap());
    let objects = Objects::open(Storage::Directory(folder.path().to_owned())).await.unwrap();
    let fleet = Fleet::start(pool, &objects, workers).await;
    tokio::time::sleep(Duration::from_secs(3)).await; // the start is not what is measured
    let before = transactions(pool).await;
    tokio::time::sleep(IDLE).await;
    let after = transactions(pool).await;
    fleet.stop().await;
    (after - before) as f64 * 60.0 / IDLE.as_secs_f64()
}

/// Looks every few milliseconds, so that looking costs little.
async fn until_none(pool: &PgPool, left: &'static str) {
    loop {
        let left: i64 = sqlx::query_scalar(left).fetch_one(pool).await.unwrap();
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Transactions of the database so far, those of looking included. What other connections did is counted within a second.
async fn transactions(pool: &PgPool) -> i64 {
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let committed = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    sqlx::query_scalar(committed).fetch_one(pool).await.unwrap()
}
