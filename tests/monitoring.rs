//! What a real `arsis worker` tells of itself while it works: metrics, probes and its log.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use store::analyses::{self, Status};
use store::objects::{self, ObjectKey, Objects};
use store::testing::{self, TestDatabase};
use tempfile::TempDir;
use testmusic::{Score, WavFormat, wav_bytes};
use uuid::Uuid;

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database, a folder of objects and a worker process on them.
struct Bench {
    database: TestDatabase,
    folder: TempDir,
    worker: Child,
}

impl Bench {
    async fn start() -> Self {
        let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        let worker = Command::new(env!("CARGO_BIN_EXE_arsis"))
            .args(["worker", "--jobs", "1", "--metrics", "127.0.0.1:0", "--log-format", "json"])
            .env_clear()
            .env("DATABASE_URL", database.url())
            .env("ARSIS_DATA_DIR", folder.path())
            .env("ARSIS_TEMP_DIR", folder.path())
            // Without the warnings of statements that took over a second, as they do on a busy machine.
            .env("RUST_LOG", "warn,sqlx=error,arsis=info,api=info,worker=info,store=info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn();
        Self { database, folder, worker: worker.unwrap() }
    }

    /// The log as far as it goes, each line an object.
    fn log(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        // The worker may be in the middle of a line.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        whole.lines().map(parse).collect()
    }

    /// Where the worker says that it can be asked.
    async fn address(&self) -> String {
        self.eventually("an address in the log", async || {
            let log = self.log();
            let line = log.iter().find(|line| line["message"] == "metrics and probes are served")?;
            Some(line["address"].as_str().unwrap().to_owned())
        })
        .await
    }

    async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "no {what}: {:#?}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A pending analysis of this audio; `None` stands for an object that is not there.
    async fn pending(&self, audio: Option<Vec<u8>>) -> Uuid {
        let storage = objects::Config::Directory(self.folder.path().join("objects"));
        let objects = Objects::open(storage).await.unwrap();
        let mut db = self.database.pool().acquire().await.unwrap();
        let person = format!("{}@example.org", Uuid::new_v4());
        let owner = store::users::add_local(&mut db, &person, None).await.unwrap().id;
        let (missing, audio) = (audio.is_none(), audio.unwrap_or_default());
        let track = testing::uploaded(&mut db, &objects, owner, "A song", audio).await;
        if missing {
            objects.delete(&ObjectKey::audio(track)).await.unwrap();
        }
        analyses::create(&mut db, &testing::analysis_of(track)).await.unwrap().id
    }

    async fn until_ended(&self, id: Uuid) -> Status {
        self.eventually("end of the analysis", async || {
            let mut db = self.database.pool().acquire().await.unwrap();
            let status = analyses::get(&mut db, id).await.unwrap().unwrap().status;
            matches!(status, Status::Completed | Status::Error).then_some(status)
        })
        .await
    }

    /// SIGTERM, and the log of the whole life.
    fn end(mut self) -> Vec<Value> {
        kill(Pid::from_raw(self.worker.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(self.worker.wait().unwrap().success());
        self.log()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}

fn song() -> Vec<u8> {
    let piece = Score::demo().render();
    let samples: Vec<f32> = piece.mono().into_iter().take(5 * piece.sample_rate_hz as usize).collect();
    wav_bytes(&samples, piece.sample_rate_hz, 1, WavFormat::Int16)
}

async fn ask(address: &str, path: &str) -> (u16, String) {
    let response = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The value of the one series that begins so.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(series)).collect();
    let [value] = found.as_slice() else { panic!("{series}: {found:?} in {text}") };
    value.trim().parse().unwrap()
}

/// That the text is OpenMetrics: each family is declared once and before its samples, none comes twice, and it ends.
#[track_caller]
fn expect_open_metrics(text: &str) {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (mut families, mut samples) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let (what, rest) = comment.split_once(' ').unwrap();
            let family = rest.split(' ').next().unwrap();
            assert!(what != "TYPE" || families.insert(family.to_owned()), "{family} comes twice");
            continue;
        }
        let (sample, _) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let bare = ["_total", "_bucket", "_sum", "_count", "_info"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|bare| families.contains(*bare)))
            .unwrap_or(name);
        assert!(families.contains(bare), "{name} has no type");
        assert!(samples.insert(sample.to_owned()), "{sample} comes twice");
    }
}

/// That what a worker tells and what the documentation explains are the same.
#[track_caller]
fn expect_documented(text: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md");
    let rows = std::fs::read_to_string(path).unwrap();
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `arsis_"));
    let documented: BTreeSet<String> =
        rows.map(|row| format!("arsis_{}", row.split('`').next().unwrap())).collect();
    let told = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| {
        let (family, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        format!("{family}{suffix}")
    });
    let mut told: BTreeSet<String> = told.collect();
    // The API's.
    told.insert("arsis_http_request_duration_seconds".into());
    assert_eq!(told, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_is_one_line_of_the_log_and_one_count() {
    let bench = Bench::start().await;
    let address = bench.address().await;
    let song = bench.pending(Some(self::song())).await;
    let again = bench.pending(Some(self::song())).await;
    let noise = bench.pending(Some(b"this is no music".to_vec())).await;
    let missing = bench.pending(None).await;
    assert_eq!(bench.until_ended(song).await, Status::Completed);
    assert_eq!(bench.until_ended(again).await, Status::Completed);
    assert_eq!(bench.until_ended(noise).await, Status::Error);
    assert_eq!(bench.until_ended(missing).await, Status::Error);

    // The last attempt is counted when its line is written, which is after its row has ended.
    let text = bench
        .eventually("third count", async || {
            let (status, text) = ask(&address, "/metrics").await;
            assert_eq!(status, 200);
            text.contains("worker_failures_total{kind=\"object_missing\"} 1").then_some(text)
        })
        .await;
    expect_open_metrics(&text);
    let count = |series: &str| value(&text, series);
    assert_eq!(count("arsis_worker_attempts_total{type=\"full\",outcome=\"completed\"}"), 1.0);
    assert_eq!(count("arsis_worker_attempts_total{type=\"full\",outcome=\"reused\"}"), 1.0);
    assert_eq!(count("arsis_worker_attempts_total{type=\"full\",outcome=\"failed\"}"), 2.0);
    assert_eq!(count("arsis_worker_failures_total{kind=\"unrecognized\"}"), 1.0);
    assert_eq!(count("arsis_worker_attempt_duration_seconds_count{type=\"full\"}"), 4.0);
    assert_eq!(count("arsis_worker_wait_seconds_count"), 4.0);
    assert!((4.9..5.1).contains(&count("arsis_worker_audio_seconds_total")), "{text}");
    assert!(count("arsis_worker_fetched_bytes_total") > 100_000.0);
    assert_eq!((count("arsis_worker_slots"), count("arsis_worker_jobs_running")), (1.0, 0.0));
    assert_eq!(count("arsis_queue_reached"), 1.0);

    expect_documented(&text);

    let log = bench.end();
    for (id, outcome, kind) in [
        (song, "completed", Value::Null),
        (again, "reused", Value::Null),
        (noise, "failed", "unrecognized".into()),
        (missing, "failed", "object_missing".into()),
    ] {
        let of_it: Vec<&Value> = log.iter().filter(|line| line["analysis.id"] == id.to_string()).collect();
        // No line of another kind either, within the span of its job.
        let in_span = log.iter().filter(|line| line["span"]["analysis.id"] == id.to_string()).count();
        assert_eq!(in_span, 0, "{log:#?}");
        let [line] = of_it.as_slice() else { panic!("{id}: {of_it:#?}") };
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line["error.kind"], kind, "{line}");
        assert_eq!(line["error.cause"].is_string(), kind.is_string(), "{line}");
        assert_eq!((&line["attempt"], &line["of"], &line["type"]), (&1.into(), &8.into(), &"full".into()));
        for field in ["track.id", "worker"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
        assert!(line["waited_ms"].is_u64() && line["wall_ms"].is_u64(), "{line}");
        if outcome == "completed" {
            assert_eq!(line["audio_ms"], 5000, "{line}");
            for field in ["fetch_ms", "analyze_ms", "commit_ms", "bytes", "speed"] {
                assert!(line[field].is_number(), "{field}: {line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_its_database_lives_and_is_not_ready() {
    let mut bench = Bench::start().await;
    let address = bench.address().await;
    bench.eventually("readiness", async || (ask(&address, "/readyz").await.0 == 200).then_some(())).await;
    assert_eq!(ask(&address, "/healthz").await, (200, "ok\n".into()));

    let (other, url) = (TestDatabase::new().await, bench.database.url().to_owned());
    drop(std::mem::replace(&mut bench.database, other));
    assert_eq!(ask(&address, "/readyz").await, (503, "the database does not answer\n".into()), "{url}");
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    let text = bench
        .eventually("end of the counts", async || {
            let text = ask(&address, "/metrics").await.1;
            text.contains("\narsis_queue_reached 0\n").then_some(text)
        })
        .await;
    expect_open_metrics(&text);
    assert!(!text.contains("arsis_queue_analyses"), "{text}");
}

/// Wrong values of the environment are said before anything begins.
#[test]
fn a_wrong_log_format_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_arsis"))
        .arg("worker")
        .env_clear()
        .env("ARSIS_LOG_FORMAT", "xml")
        .env("ARSIS_DATA_DIR", PathBuf::from("/nonexistent"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ARSIS_LOG_FORMAT is \"xml\"; it must be text or json"), "{said}");
}
