//! A database, a bucket, worker processes, and everything that can happen to them.

mod audio;
mod cluster;
mod process;
mod relay;
mod storage;

pub(crate) use audio::{LONG_PIECE, Piece};
pub(crate) use cluster::{Cluster, Crash};
pub(crate) use process::{Setup, Worker};
pub(crate) use relay::{Cut, Relay};
pub(crate) use storage::{Fault, Storage};
pub(crate) use store::testing::analysis_of;

use analysis_core::events::Event;
use analysis_core::manifest::Manifest;
use nix::sys::signal::Signal;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use store::analyses::{self, Analysis, Status};
use store::frames::EventFilter;
use store::objects::{self, ObjectKey, Objects};
use store::testing::{self, TestDatabase};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use uuid::Uuid;

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lease of a worker at default settings.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// A test that measures has the machine to itself.
static MACHINE: RwLock<()> = RwLock::const_new(());

#[expect(dead_code, reason = "held, never read")]
enum Share {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

enum Database {
    /// Of the server that all tests share.
    Shared(TestDatabase),
    /// On a server of the test's own.
    Own(Cluster),
}

/// What worker processes share with the test.
pub(crate) struct Bench {
    database: Database,
    pub(crate) storage: Storage,
    objects: Objects,
    owner: Uuid,
    folder: TempDir,
    _share: Share,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let share = Share::Shared(MACHINE.read().await);
        Self::on(Database::Shared(TestDatabase::new().await), share).await
    }

    /// While no other test runs.
    pub(crate) async fn alone() -> Self {
        let share = Share::Alone(MACHINE.write().await);
        Self::on(Database::Shared(TestDatabase::new().await), share).await
    }

    /// With a database server that the test may end and start again.
    pub(crate) async fn with_cluster() -> Self {
        let share = Share::Shared(MACHINE.read().await);
        Self::on(Database::Own(Cluster::start().await), share).await
    }

    async fn on(database: Database, share: Share) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::start(&folder.path().join("bucket")).await;
        let objects = Objects::open(objects::Config::S3(storage.config())).await.unwrap();
        let mut db = pool_of(&database).await.acquire().await.unwrap();
        let owner = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap().id;
        drop(db);
        Self { database, storage, objects, owner, folder, _share: share }
    }

    /// Connections to the database, which no fault befalls while the server runs.
    pub(crate) async fn pool(&self) -> PgPool {
        pool_of(&self.database).await
    }

    /// The server of [`Bench::with_cluster`].
    pub(crate) fn cluster(&self) -> &Cluster {
        match &self.database {
            Database::Own(cluster) => cluster,
            Database::Shared(_) => panic!("the server is not the test's own"),
        }
    }

    /// A relay to the database, and its address on the way through.
    pub(crate) fn relay(&self) -> (Relay, String) {
        let Database::Shared(database) = &self.database else { panic!("a cluster has its own relay") };
        let options = database.pool().connect_options();
        let relay = Relay::to(options.get_socket().unwrap());
        let url = relay.url(options.get_username(), options.get_database().unwrap());
        (relay, url)
    }

    /// A worker at default settings with one slot.
    pub(crate) fn setup(&self) -> Setup {
        let database_url = match &self.database {
            Database::Shared(database) => database.url().to_owned(),
            Database::Own(cluster) => cluster.url(),
        };
        let temp = self.folder.path().join("temp");
        let mut environment = self.storage.environment().to_vec();
        environment.push(("ARSIS_TEMP_DIR", temp.to_str().unwrap().to_owned()));
        Setup { jobs: 1, database_url, environment, through: Vec::new() }
    }

    /// Starts a worker, and waits until it works.
    pub(crate) async fn worker(&self, name: &str) -> Worker {
        self.worker_with(name, &self.setup()).await
    }

    pub(crate) async fn worker_with(&self, name: &str, setup: &Setup) -> Worker {
        let mut worker = Worker::start(self.folder.path(), name, setup);
        let started = eventually("the worker starts", async || {
            assert!(worker.ended().is_none(), "the worker has ended: {}", worker.log());
            worker.name()
        });
        started.await;
        worker
    }

    /// Ends workers as a service manager does, and checks that they end well. Afterwards nothing of theirs is left, nor
    /// of those that were killed, which the next worker to start sees to.
    pub(crate) async fn end(&self, workers: impl IntoIterator<Item = Worker>) {
        let last = self.worker("last").await;
        let mut workers: Vec<Worker> = workers.into_iter().chain([last]).collect();
        for worker in &workers {
            worker.signal(Signal::SIGTERM);
        }
        for worker in &mut workers {
            let ended = eventually("a worker ends", async || worker.ended()).await;
            assert!(ended.success(), "{ended}");
        }
        let left: Vec<_> =
            std::fs::read_dir(self.temp_dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "temporary files are left: {left:?}");
    }

    pub(crate) fn temp_dir(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A track of this audio.
    pub(crate) async fn track(&self, piece: &Piece) -> Uuid {
        self.track_of_file(piece.audio.clone()).await
    }

    async fn track_of_file(&self, file: Vec<u8>) -> Uuid {
        let mut db = self.pool().await.acquire().await.unwrap();
        testing::uploaded(&mut db, &self.objects, self.owner, "A song", file).await
    }

    /// A pending analysis of a track.
    pub(crate) async fn pending_of(&self, track_id: Uuid) -> Uuid {
        let mut db = self.pool().await.acquire().await.unwrap();
        analyses::create(&mut db, &analysis_of(track_id)).await.unwrap().id
    }

    /// A track of this audio and its pending analysis.
    pub(crate) async fn pending(&self, piece: &Piece) -> Job {
        self.pending_file(piece.audio.clone()).await
    }

    /// A track of what may be no audio at all, and its pending analysis.
    pub(crate) async fn pending_file(&self, file: Vec<u8>) -> Job {
        let track = self.track_of_file(file).await;
        Job { key: ObjectKey::audio(track), id: self.pending_of(track).await, track }
    }

    /// As [`Bench::pending`]; who reads the audio meets the fault so often.
    pub(crate) async fn pending_with(&self, piece: &Piece, fault: Fault, times: usize) -> Job {
        let track = self.track(piece).await;
        let key = ObjectKey::audio(track);
        self.storage.fail(&key, fault, times);
        Job { key, id: self.pending_of(track).await, track }
    }

    pub(crate) async fn row(&self, id: Uuid) -> Analysis {
        let mut db = self.pool().await.acquire().await.unwrap();
        analyses::get(&mut db, id).await.unwrap().unwrap()
    }

    /// Waits until the row is as `wanted`.
    pub(crate) async fn until(&self, id: Uuid, what: &str, wanted: impl Fn(&Analysis) -> bool) -> Analysis {
        eventually(what, async || Some(self.row(id).await).filter(|row| wanted(row))).await
    }

    pub(crate) async fn until_completed(&self, id: Uuid) -> Analysis {
        self.until(id, "the analysis is completed", |row| {
            assert_ne!(row.status, Status::Error, "{row:?}");
            row.status == Status::Completed
        })
        .await
    }

    /// Waits until a worker has stored this many chunks of a running analysis; gives the worker's name.
    pub(crate) async fn until_under_way(&self, id: Uuid, chunks: usize) -> String {
        eventually("a worker runs it and has stored chunks", async || {
            let row = self.row(id).await;
            assert_ne!(
                row.status,
                Status::Completed,
                "over before it could be caught: the piece is too short"
            );
            let stored = self.chunks(id).await.len();
            (row.status == Status::Running && stored >= chunks).then_some(())?;
            self.holder(id).await
        })
        .await
    }

    /// Waits until a worker asks for the audio of a job.
    pub(crate) async fn until_read(&self, job: &Job) {
        eventually("a worker asks for the audio", async || (self.storage.reads(&job.key) > 0).then_some(()))
            .await;
    }

    /// The name of the worker that has or had the analysis.
    pub(crate) async fn holder(&self, id: Uuid) -> Option<String> {
        let query = sqlx::query_scalar("SELECT worker FROM track_analyses WHERE id = $1").bind(id);
        query.fetch_one(&self.pool().await).await.unwrap()
    }

    /// How the attempts of an analysis ended, in order; `None` for one that has not.
    pub(crate) async fn outcomes(&self, id: Uuid) -> Vec<Option<String>> {
        let history =
            "SELECT outcome FROM track_analysis_attempts WHERE analysis_id = $1 ORDER BY started_at";
        sqlx::query_scalar(history).bind(id).fetch_all(&self.pool().await).await.unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_outcomes(&self, id: Uuid, expect: &[&str]) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let outcomes = self.outcomes(id).await;
            let outcomes: Vec<_> =
                outcomes.iter().map(|outcome| outcome.as_deref().unwrap_or("open")).collect();
            assert!(outcomes == expect, "{place}: {outcomes:?}, expected {expect:?}");
        }
    }

    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool().await).await.unwrap()
    }

    /// Every chunk stored, whoever may read it: level and index, bytes.
    pub(crate) async fn chunks(&self, id: Uuid) -> Vec<((u32, u32), Vec<u8>)> {
        let rows: Vec<(i16, i32, Vec<u8>)> = sqlx::query_as(
            "SELECT m.level, d.chunk_index, d.frame_data FROM analysis_frame_data d
               JOIN analysis_frame_manifests m ON m.id = d.manifest_id WHERE m.analysis_id = $1",
        )
        .bind(id)
        .fetch_all(&self.pool().await)
        .await
        .unwrap();
        let place = |level: i16, index: i32| (u32::try_from(level).unwrap(), u32::try_from(index).unwrap());
        rows.into_iter().map(|(level, index, bytes)| (place(level, index), bytes)).collect()
    }

    /// What is stored of a completed analysis is what one undisturbed run computes: nothing twice, nothing of another
    /// attempt, nothing missing; and one attempt completed it.
    pub(crate) async fn assert_result(&self, id: Uuid, piece: &Piece) {
        let mut db = self.pool().await.acquire().await.unwrap();
        let manifest = store::frames::manifest(&mut db, id).await.unwrap().unwrap();
        let manifest: Manifest = serde_json::from_value(manifest).unwrap();
        assert_eq!(manifest, piece.analysis.manifest);
        let filter =
            EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: i64::from(u32::MAX) };
        let events = store::frames::events(&mut db, id, &filter).await.unwrap();
        let mut events: Vec<Event> = events.into_iter().map(|row| row.try_into().unwrap()).collect();
        let mut expected: Vec<Event> = piece.analysis.events.iter().collect();
        // Rows of one moment have no order.
        for list in [&mut events, &mut expected] {
            list.sort_by_key(|event| (event.time_ms, format!("{event:?}")));
        }
        assert!(events == expected, "{} events instead of {}", events.len(), expected.len());
        let stored = self.chunks(id).await;
        assert_eq!(stored.len(), piece.chunks.len(), "no chunk is stored twice");
        assert!(stored.into_iter().collect::<BTreeMap<_, _>>() == piece.chunks);
        let levels: i64 =
            sqlx::query_scalar("SELECT count(*) FROM analysis_frame_manifests WHERE analysis_id = $1")
                .bind(id)
                .fetch_one(&mut *db)
                .await
                .unwrap();
        assert_eq!(
            usize::try_from(levels).unwrap(),
            piece.analysis.manifest.levels.len(),
            "a row for each level"
        );
        let completed =
            self.outcomes(id).await.into_iter().flatten().filter(|outcome| outcome == "completed");
        assert_eq!(completed.count(), 1);
    }

    /// Nothing is left over: of what ended in error no results, of what ended no open attempt and no lease.
    pub(crate) async fn assert_nothing_left(&self) {
        for (what, statement) in LEFT_OVER {
            eventually(what, async || (self.count(statement).await == 0).then_some(())).await;
        }
    }

    /// Waits until every ticket is answered or removed. Those of a worker that is gone take half a minute.
    pub(crate) async fn until_tickets_are_answered(&self) {
        let open = "SELECT count(*) FROM apalis.jobs WHERE status <> 'Done'";
        eventually("every ticket is answered", async || (self.count(open).await == 0).then_some(())).await;
    }
}

/// What there is none of when all analyses have ended.
const LEFT_OVER: [(&str, &str); 5] = [
    (
        "no analysis is pending or running",
        "SELECT count(*) FROM track_analyses WHERE status NOT IN ('completed', 'error')",
    ),
    ("no attempt is open", "SELECT count(*) FROM track_analysis_attempts WHERE ended_at IS NULL"),
    (
        "nothing is stored of analyses that failed",
        "SELECT (SELECT count(*) FROM analysis_frame_manifests m JOIN track_analyses a ON a.id = m.analysis_id
                  WHERE a.status = 'error')
              + (SELECT count(*) FROM analysis_events e JOIN track_analyses a ON a.id = e.analysis_id
                  WHERE a.status = 'error')",
    ),
    (
        "no chunk is without its level",
        "SELECT count(*) FROM analysis_frame_data d
          WHERE NOT EXISTS (SELECT 1 FROM analysis_frame_manifests m WHERE m.id = d.manifest_id)",
    ),
    (
        "no lease is held by what has ended",
        "SELECT count(*) FROM track_analyses
          WHERE status IN ('completed', 'error') AND (lease_token IS NOT NULL OR lease_until IS NOT NULL)",
    ),
];

/// A track and its analysis.
pub(crate) struct Job {
    pub(crate) track: Uuid,
    pub(crate) key: ObjectKey,
    pub(crate) id: Uuid,
}

async fn pool_of(database: &Database) -> PgPool {
    match database {
        Database::Shared(database) => database.pool().clone(),
        Database::Own(cluster) => cluster.pool().await,
    }
}

/// Looks until `found` gives something.
#[track_caller]
pub(crate) fn eventually<T>(
    what: &str,
    mut found: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let looked = async {
            loop {
                if let Some(thing) = found().await {
                    return thing;
                }
                tokio::time::sleep(Duration::from_millis(10)).await; // between looks, not instead of them
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("{place}: never: {what}"))
    }
}
