//! Workers with an engine that does what the "audio" says, on a database and a directory of the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its scene must fail, and say where"
)]

pub(crate) mod bucket;

use analysis_core::analyzer::{Analysis, Observer, Progress};
use analysis_core::chunk::Chunk;
use analysis_core::events::{Event, EventType, Events};
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::ManifestBuilder;
use analysis_core::summary::{AudioInfo, Summary};
use analysis_core::{Config as AnalysisConfig, Error, Result};
use bucket::Bucket;
use bytes::Bytes;
use sqlx::PgPool;
use std::io::{self, Read, Seek};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::analyses::{self, NewAnalysis, Parameters};
use store::objects::{Config as Storage, ObjectKey, Objects};
use store::testing::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::{Engine, Source};

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// Does what the first line of the file says.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) begun: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl Engine for Scripted {
    fn analyze(
        &self,
        mut audio: Source,
        _: Option<&str>,
        config: &AnalysisConfig,
        observer: &mut dyn Observer,
    ) -> Result<Analysis> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(running, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        let outcome = perform(&mut audio, config, observer);
        self.running.fetch_sub(1, Ordering::SeqCst);
        outcome
    }
}

fn perform(audio: &mut Source, config: &AnalysisConfig, observer: &mut dyn Observer) -> Result<Analysis> {
    let fingerprint = analysis_core::fingerprint::fingerprint(audio)?;
    let mut text = String::new();
    audio.read_to_string(&mut text)?;
    follow(text.lines().next().unwrap_or_default(), audio, observer)?;
    outcome(config, fingerprint)
}

fn follow(script: &str, audio: &mut Source, observer: &mut dyn Observer) -> Result<()> {
    observer.on_chunk(chunk(0))?;
    match script {
        "music" => {}
        "damaged" => return Err(Error::Corrupt { detail: "no frame decodes".into() }),
        "unreadable" => return Err(Error::Io(io::Error::other("the disk is on fire"))),
        "panics" => panic!("index out of bounds"),
        // Works on until it is told to stop.
        "endless" => loop {
            std::thread::sleep(Duration::from_millis(2));
            observer.on_progress(Progress { done_ms: 100, total_ms: Some(200) })?;
        },
        // Reads on, and says nothing to the observer.
        "searches" => loop {
            audio.rewind()?;
            audio.read_exact(&mut [0])?;
        },
        // Works on, deaf, until the file it names exists.
        gate => {
            while !Path::new(gate).exists() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
    observer.on_chunk(chunk(1))?;
    observer.on_progress(Progress { done_ms: 200, total_ms: Some(200) })
}

fn chunk(index: u32) -> Chunk {
    Chunk { level: 0, index, start_frame: index * 10, frame_count: 10, crc32: 0, bytes: vec![7; 10] }
}

fn outcome(config: &AnalysisConfig, fingerprint: String) -> Result<Analysis> {
    let beat = Event {
        time_ms: 100,
        duration_ms: None,
        event_type: EventType::Beat,
        confidence: None,
        event_data: None,
    };
    let audio = AudioInfo {
        duration_ms: 200,
        sample_rate: 44_100,
        channels: 2,
        codec: None,
        container: None,
        delay_frames: 0,
        padding_frames: 0,
        decode_errors: 0,
        truncated: false,
    };
    let mut manifest = ManifestBuilder::new(config, &FrameLayout::new(config));
    manifest.add(&chunk(0))?;
    manifest.add(&chunk(1))?;
    Ok(Analysis {
        analyzer_version: analysis_core::ANALYZER_VERSION,
        manifest: manifest.finish(audio.clone(), Some(fingerprint.clone())),
        fingerprint: Some(fingerprint),
        audio,
        summary: Summary { tempo_bpm: Some(120.0), ..Summary::default() },
        events: Events::new(vec![], vec![], vec![], vec![beat]),
    })
}

/// A database, a storage and a folder for temporary files.
pub(crate) struct Bench {
    pub(crate) database: TestDatabase,
    pub(crate) folder: TempDir,
    pub(crate) objects: Objects,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = open_objects(folder.path()).await;
        Self { database: TestDatabase::new().await, folder, objects }
    }

    /// With a bucket in place of the directory.
    pub(crate) async fn with_bucket() -> (Self, Bucket) {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket::new(&folder.path().join("bucket")).await;
        let objects = bucket::open_objects(bucket.endpoint()).await;
        (Self { database: TestDatabase::new().await, folder, objects }, bucket)
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// A track whose audio is `script`, and like no other's.
    pub(crate) async fn track(&self, script: &str) -> Uuid {
        self.track_of_audio(format!("{script}\n{}", Uuid::new_v4())).await
    }

    /// A pending analysis of a track whose audio is `script`, filled up to a size.
    pub(crate) async fn pending_sized(&self, script: &str, bytes: usize) -> Uuid {
        let mut audio = format!("{script}\n{}\n", Uuid::new_v4());
        audio.extend(std::iter::repeat_n(' ', bytes - audio.len()));
        let track_id = self.track_of_audio(audio).await;
        self.pending_of(track_id).await
    }

    /// A track of exactly this audio, and of an owner of its own.
    pub(crate) async fn track_of_audio(&self, audio: impl Into<Bytes>) -> Uuid {
        let id = Uuid::new_v4();
        let key = ObjectKey::audio(id);
        let audio = futures::stream::iter([Ok(audio.into())]);
        let stored = self.objects.put(&key, "audio/wav", audio).await.unwrap();
        sqlx::query(
            "WITH owner AS (INSERT INTO users (name, email) VALUES ('Ada', $1 || '@example.org') RETURNING id)
             INSERT INTO reference_tracks (id, user_id, name, r2_key, file_size_bytes, mime_type, content_sha256)
             SELECT $2, id, 'Song', $3, 5, 'audio/wav', $4 FROM owner",
        )
        .bind(id.to_string())
        .bind(id)
        .bind(key.as_str())
        .bind(stored.sha256)
        .execute(self.pool())
        .await
        .unwrap();
        id
    }

    /// A pending analysis of a track whose audio is `script`.
    pub(crate) async fn pending(&self, script: &str) -> Uuid {
        let track_id = self.track(script).await;
        self.pending_of(track_id).await
    }

    pub(crate) async fn pending_of(&self, track_id: Uuid) -> Uuid {
        let mut db = self.pool().acquire().await.unwrap();
        let new = NewAnalysis {
            track_id,
            analysis_type: analysis_core::AnalysisType::Full,
            parameters: Parameters::default(),
            version: "test",
            requested_by: None,
            priority: 0,
            run_at: None,
        };
        analyses::create(&mut db, &new).await.unwrap().id
    }

    pub(crate) fn config(&self) -> worker::Config {
        config(self.folder.path())
    }

    pub(crate) fn start(&self) -> Running {
        self.start_with(self.config())
    }

    pub(crate) fn start_with(&self, config: worker::Config) -> Running {
        let (stop, engine) = (CancellationToken::new(), Arc::new(Scripted::default()));
        let worker = worker::run_engine(
            config,
            self.pool().clone(),
            self.objects.clone(),
            engine.clone(),
            stop.clone(),
        );
        Running { stop, engine, worker: tokio::spawn(worker) }
    }

    pub(crate) async fn row(&self, id: Uuid) -> analyses::Analysis {
        let mut db = self.pool().acquire().await.unwrap();
        analyses::get(&mut db, id).await.unwrap().unwrap()
    }

    /// Waits until the row is as `wanted`.
    pub(crate) async fn until(
        &self,
        id: Uuid,
        wanted: impl Fn(&analyses::Analysis) -> bool,
    ) -> analyses::Analysis {
        let looked = async {
            loop {
                let row = self.row(id).await;
                if wanted(&row) {
                    return row;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looked).await {
            Ok(row) => row,
            Err(_) => panic!("not in time: {:?}", self.row(id).await),
        }
    }

    /// Waits until a running analysis has a chunk that can be read: it is in the middle of its work.
    pub(crate) async fn until_under_way(&self, id: Uuid) {
        let looked = async {
            loop {
                let mut db = self.pool().acquire().await.unwrap();
                if !store::frames::chunks_between(&mut db, id, 0, 0, 1, None, 1).await.unwrap().is_empty() {
                    return;
                }
                drop(db);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.expect("the analysis begins");
    }

    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(self.pool()).await.unwrap()
    }

    /// A gate script, and the file that opens it.
    pub(crate) fn gate(&self) -> (String, PathBuf) {
        let path = self.folder.path().join(format!("gate-{}", Uuid::new_v4()));
        (path.to_str().unwrap().to_owned(), path)
    }

    /// Asks a running analysis to stop, and waits until it has. Gives how long that took.
    pub(crate) async fn cancel(&self, id: Uuid) -> Duration {
        let mut db = self.pool().acquire().await.unwrap();
        let asked_at = Instant::now();
        let status = analyses::request_cancel(&mut db, id).await.unwrap();
        assert_eq!(status, Some(analyses::Status::Running));
        let row = self.until(id, |row| row.status == analyses::Status::Error).await;
        assert_eq!(row.error_kind.as_deref(), Some(analyses::CANCELLED));
        asked_at.elapsed()
    }

    /// Waits until a worker hears what the database announces.
    pub(crate) async fn until_listening(&self) {
        let listeners = "SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND query LIKE 'LISTEN%arsis_analysis_cancel%'
                            AND state = 'idle'";
        let looked = async {
            while self.count(listeners).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.expect("the worker listens");
    }

    /// Sizes of the copies that workers have made, in bytes.
    pub(crate) fn copies(&self) -> Vec<u64> {
        let folders =
            self.temporary().into_iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
        let files = folders.flatten().filter(|file| file.file_name() != "lock");
        // One that is removed at this moment is none.
        files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).collect()
    }

    /// Files of workers below the folder for temporary files.
    pub(crate) fn temporary(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("temp")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

pub(crate) async fn open_objects(folder: &Path) -> Objects {
    Objects::open(Storage::Directory(folder.join("objects"))).await.unwrap()
}

/// A quick worker.
pub(crate) fn config(folder: &Path) -> worker::Config {
    worker::Config {
        jobs: NonZeroUsize::new(2).unwrap(),
        temp_dir: folder.join("temp"),
        lease: Duration::from_secs(10),
        renew_every: Duration::from_millis(50),
        store_every: Duration::from_millis(10),
        reap_every: Duration::from_millis(200),
        ..worker::Config::default()
    }
}

/// A worker of this process.
pub(crate) struct Running {
    pub(crate) stop: CancellationToken,
    pub(crate) engine: Arc<Scripted>,
    worker: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// How the worker ended, by itself.
    pub(crate) async fn outcome(self) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.worker).await.expect("the worker ends").unwrap()
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.worker).await.expect("the worker ends").unwrap().unwrap();
    }
}
