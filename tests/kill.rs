//! Two real `arsis worker` processes; the one at work is killed with SIGKILL, and the other finishes the job.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

use analysis_core::chunk::Chunk;
use analysis_core::manifest::Manifest;
use analysis_core::{AnalysisType, Config, Observer, analyze};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use store::analyses::{self, NewAnalysis, Parameters, Status};
use store::frames::EventFilter;
use store::objects::{self, ObjectKey, Objects};
use store::testing::TestDatabase;
use store::tracks::{self, Details, NewTrack};
use tempfile::TempDir;
use testmusic::{Score, WavFormat, wav_bytes};
use uuid::Uuid;

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is promised: from the kill to the result.
const RESCUE: Duration = Duration::from_secs(30);

/// Five minutes: some seconds of work, and some thirty chunks to be caught between.
const PIECE_SECONDS: usize = 300;

/// A long piece: the demonstration's, again and again.
fn long_piece() -> Vec<u8> {
    let piece = Score::demo().render();
    let len = PIECE_SECONDS * piece.sample_rate_hz as usize;
    let samples: Vec<f32> = piece.mono().into_iter().cycle().take(len).collect();
    wav_bytes(&samples, piece.sample_rate_hz, 1, WavFormat::Int8)
}

/// A worker process and what it logs.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(database: &TestDatabase, folder: &Path, name: &str) -> Self {
        let (log, temp) = (folder.join(format!("{name}.log")), folder.join("temp"));
        std::fs::create_dir_all(&temp).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_arsis"))
            .args(["worker", "--jobs", "1"])
            .env_clear()
            .env("DATABASE_URL", database.url())
            .env("ARSIS_DATA_DIR", folder)
            .env("ARSIS_TEMP_DIR", temp)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn();
        Self { child: child.unwrap(), log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// SIGKILL: no handler runs, nothing is put in order.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A database and a folder of objects that worker processes share with the test.
struct Bench {
    database: TestDatabase,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self { database: TestDatabase::new().await, folder: tempfile::tempdir().unwrap() }
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(self.database.pool()).await.unwrap()
    }

    /// A track of this audio, and its pending analysis.
    async fn pending(&self, audio: &[u8]) -> (Uuid, Uuid) {
        let objects =
            Objects::open(objects::Config::Directory(self.folder.path().join("objects"))).await.unwrap();
        let (id, mut db) = (Uuid::new_v4(), self.database.pool().acquire().await.unwrap());
        let key = ObjectKey::audio(id);
        let body = futures::stream::iter([Ok(audio.to_vec().into())]);
        let stored = objects.put(&key, "audio/wav", body).await.unwrap();
        let user = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
        let track = NewTrack {
            id,
            user_id: user.id,
            r2_key: key.as_str().to_owned(),
            file_size_bytes: i64::try_from(stored.size_bytes).unwrap(),
            mime_type: "audio/wav".into(),
            content_sha256: stored.sha256,
            name: "A long song".into(),
            details: Details::default(),
        };
        tracks::insert(&mut db, &track).await.unwrap();
        let analysis = NewAnalysis {
            track_id: id,
            analysis_type: AnalysisType::Full,
            parameters: Parameters::default(),
            version: analysis_core::ANALYZER_VERSION,
            requested_by: None,
            priority: 0,
            run_at: None,
        };
        (id, analyses::create(&mut db, &analysis).await.unwrap().id)
    }

    async fn row(&self, id: Uuid) -> analyses::Analysis {
        let mut db = self.database.pool().acquire().await.unwrap();
        analyses::get(&mut db, id).await.unwrap().unwrap()
    }

    /// The name of the worker that has the analysis.
    async fn worker(&self, id: Uuid) -> Option<String> {
        let query = sqlx::query_scalar("SELECT worker FROM track_analyses WHERE id = $1").bind(id);
        query.fetch_one(self.database.pool()).await.unwrap()
    }

    /// What whoever reads results sees: the manifest, if there is a result, and whether there are events.
    async fn visible(&self, id: Uuid) -> (Option<Manifest>, bool) {
        let mut db = self.database.pool().acquire().await.unwrap();
        let filter = EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: 1 };
        // Events first: had they been there without a manifest, the manifest could not come in between unseen.
        let events = store::frames::events(&mut db, id, &filter).await.unwrap();
        let manifest = store::frames::manifest(&mut db, id).await.unwrap();
        (manifest.map(|manifest| serde_json::from_value(manifest).unwrap()), !events.is_empty())
    }

    /// Every chunk stored, whoever may read it: level and index, bytes.
    async fn chunks(&self, id: Uuid) -> Vec<((u32, u32), Vec<u8>)> {
        let rows: Vec<(i16, i32, Vec<u8>)> = sqlx::query_as(
            "SELECT m.level, d.chunk_index, d.frame_data FROM analysis_frame_data d
               JOIN analysis_frame_manifests m ON m.id = d.manifest_id WHERE m.analysis_id = $1",
        )
        .bind(id)
        .fetch_all(self.database.pool())
        .await
        .unwrap();
        let place = |level: i16, index: i32| (u32::try_from(level).unwrap(), u32::try_from(index).unwrap());
        rows.into_iter().map(|(level, index, bytes)| (place(level, index), bytes)).collect()
    }
}

#[derive(Default)]
struct Chunks(BTreeMap<(u32, u32), Vec<u8>>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.0.insert((chunk.level, chunk.index), chunk.bytes);
        Ok(())
    }
}

/// Looks until `found` gives something.
async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(thing) = found().await {
                return thing;
            }
            tokio::time::sleep(Duration::from_millis(10)).await; // between looks, not instead of them
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("never: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_job_is_finished_once_by_the_other_within_30_seconds() {
    let bench = Bench::new().await;
    let audio = long_piece();
    let mut processes =
        ["first", "second"].map(|name| Process::start(&bench.database, bench.folder.path(), name));
    for process in &processes {
        eventually("both workers are there", async || process.log().contains("worker started").then_some(()))
            .await;
    }

    let (track, id) = bench.pending(&audio).await;
    let holder = eventually("a worker runs it and has stored chunks", async || {
        let (manifest, events) = bench.visible(id).await;
        let row = bench.row(id).await;
        assert_ne!(
            row.status,
            Status::Completed,
            "it was over before it could be killed: the piece is too short"
        );
        assert!(manifest.is_none() && !events, "nothing is to be seen of a result before it is whole");
        let stored = bench.chunks(id).await.len();
        (row.status == Status::Running && stored >= 3).then_some(())?;
        bench.worker(id).await
    })
    .await;
    let at_work = processes.iter().position(|process| process.log().contains(&holder));
    let at_work = at_work.unwrap_or_else(|| panic!("nobody is {holder}"));
    processes[at_work].kill();
    let killed_at = Instant::now();

    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Running, 1), "killed in the middle");
    let left_behind = bench.chunks(id).await.len();
    assert!((3..PIECE_SECONDS / 10).contains(&left_behind), "{left_behind} chunks left behind");

    // From now until the result: either nothing is to be seen, or the whole of it.
    let manifest = eventually("the other worker finishes it", async || {
        let (manifest, events) = bench.visible(id).await;
        assert!(!events || manifest.is_some(), "events without a result");
        if manifest.is_none() {
            // The row afterwards: had it been completed before the look, the manifest would have been there.
            assert_ne!(bench.row(id).await.status, Status::Error);
        }
        manifest
    })
    .await;
    let took = killed_at.elapsed();
    println!("finished {took:.1?} after the kill, {left_behind} chunks had been left behind");
    assert!(took < RESCUE, "it took {took:?}");

    let row = bench.row(id).await;
    assert_eq!((row.status, row.attempt), (Status::Completed, 2));
    let finisher = bench.worker(id).await;
    assert_ne!(finisher.as_ref(), Some(&holder));
    assert_eq!(bench.count("SELECT count(*) FROM track_analyses").await, 1);
    let levels = i64::try_from(manifest.levels.len()).unwrap();
    assert_eq!(
        bench.count("SELECT count(*) FROM analysis_frame_manifests").await,
        levels,
        "a row for each level"
    );

    // What is stored is what one undisturbed run computes: nothing twice, nothing of the first attempt.
    let mut computed = Chunks::default();
    let cursor = std::io::Cursor::new(audio);
    let analysis = analyze(cursor, Some("wav"), &Config::default(), &mut computed).unwrap();
    assert_eq!(manifest, analysis.manifest);
    let stored = bench.chunks(id).await;
    assert_eq!(stored.len(), computed.0.len(), "no chunk is stored twice");
    assert!(stored.into_iter().collect::<BTreeMap<_, _>>() == computed.0);
    let events = i64::try_from(analysis.events.len()).unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM analysis_events").await, events);
    let ready = "SELECT count(*) FROM reference_tracks WHERE status = 'ready' AND bpm IS NOT NULL";
    assert_eq!(bench.count(ready).await, 1, "{track}");
}
