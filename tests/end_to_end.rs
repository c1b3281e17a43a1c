//! Upload → storage → analysed → served, over real PostgreSQL and the real S3 protocol, and everything that comes
//! back is what the engine computes here, byte for byte.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

use analysis_core::analyzer::{Analysis, Frame};
use analysis_core::chunk::{self, Chunk};
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use analysis_core::summary::Summary;
use analysis_core::{Config, Observer, analyze};
use futures::StreamExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::objects::{self, ObjectKey, Objects, S3Config};
use store::sessions::{self, Origin};
use store::testing::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
const MAX_PAYLOAD_BYTES: usize = 64 << 20;
const BUCKET: &str = "audio";

/// A database, a bucket, an API and a worker, and somebody who uses them.
struct Service {
    address: String,
    token: String,
    client: Client,
    database: TestDatabase,
    bucket: TempDir,
    stop: CancellationToken,
    api: JoinHandle<std::io::Result<()>>,
    worker: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    async fn start() -> Self {
        let (database, bucket) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        let storage = objects::Config::S3(serve_s3(bucket.path()).await);
        let objects = Objects::open(storage).await.unwrap();
        let stop = CancellationToken::new();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = api::App::new(database.pool().clone(), objects.clone(), api::Config::default());
        let api = tokio::spawn(api::serve(listener, app, stop.clone().cancelled_owned()));
        let settings = worker::Config {
            jobs: NonZeroUsize::new(2).unwrap(),
            temp_dir: bucket.path().join("worker"),
            ..worker::Config::default()
        };
        let worker = worker::run(settings, database.pool().clone(), objects, stop.clone());
        let worker = tokio::spawn(worker);

        let mut db = database.pool().acquire().await.unwrap();
        let user = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
        let token = sessions::create(&mut db, user.id, sessions::OPERATOR_LIFETIME, Origin::default()).await;
        let token = token.unwrap().expose().to_owned();
        Self { address, token, client: Client::new(), database, bucket, stop, api, worker }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address)).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    #[track_caller]
    fn json(&self, path: &str) -> impl Future<Output = Value> {
        let request = self.request(Method::GET, path);
        let path = path.to_owned();
        async move {
            let response = request.send().await.unwrap();
            let (status, body) = (response.status(), response.text().await.unwrap());
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
            serde_json::from_str(&body).unwrap()
        }
    }

    /// Uploads a file as a form; gives the ids of its track and of its analysis.
    async fn upload(&self, name: &str, audio: Vec<u8>) -> (Uuid, Uuid) {
        let part = reqwest::multipart::Part::bytes(audio).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().text("name", "The song").part("file", part);
        let response = self.request(Method::POST, "/v1/tracks").multipart(form).send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&body["analysis"]["status"], &body["track"]["status"]),
            (&"pending".into(), &"processing".into())
        );
        let id = |value: &Value| value["id"].as_str().unwrap().parse().unwrap();
        (id(&body["track"]), id(&body["analysis"]))
    }

    /// Follows the server-sent events of an analysis to the last one, which is given.
    async fn follow(&self, analysis: Uuid) -> Value {
        let response = self.get(&format!("/v1/analyses/{analysis}/progress")).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let all = async {
            let (mut text, mut stream) = (String::new(), response.bytes_stream());
            while let Some(piece) = stream.next().await {
                text += std::str::from_utf8(&piece.unwrap()).unwrap();
            }
            text
        };
        let text = tokio::time::timeout(PATIENCE, all).await.unwrap();
        let events = text.split("\n\n").filter(|event| event.contains("event: progress"));
        let states: Vec<Value> = events.map(data).collect();
        assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "each event tells a change: {text}");
        let (last, before) = states.split_last().unwrap();
        assert!(
            before.iter().all(|state| state["status"] != "completed" && state["status"] != "error"),
            "{text}"
        );
        last.clone()
    }

    /// A chunk as it is stored, and as a client without zstd gets it.
    async fn chunk(&self, analysis: Uuid, level: u32, index: u32) -> (Vec<u8>, Vec<u8>) {
        let path = format!("/v1/analyses/{analysis}/chunks/{index}?level={level}");
        let ask = async |coding: &str| {
            let request = self.request(Method::GET, &path).header("accept-encoding", coding);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let sent =
                response.headers().get("content-encoding").map(|coding| coding.to_str().unwrap().to_owned());
            assert_eq!(sent.as_deref(), (coding == "zstd").then_some("zstd"));
            response.bytes().await.unwrap().to_vec()
        };
        (ask("zstd").await, ask("identity").await)
    }

    /// All events of an analysis, page by page.
    async fn events(&self, analysis: Uuid) -> Vec<Value> {
        let (mut events, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.json(&format!("/v1/analyses/{analysis}/events?limit=100{cursor}")).await;
            events.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return events };
            cursor = format!("&cursor={next}");
        }
    }

    async fn rows(&self) -> BTreeMap<&'static str, i64> {
        let mut rows = BTreeMap::new();
        for (table, query) in [
            ("reference_tracks", "SELECT count(*) FROM reference_tracks"),
            ("track_analyses", "SELECT count(*) FROM track_analyses"),
            ("analysis_frame_manifests", "SELECT count(*) FROM analysis_frame_manifests"),
            ("analysis_frame_data", "SELECT count(*) FROM analysis_frame_data"),
            ("analysis_events", "SELECT count(*) FROM analysis_events"),
        ] {
            rows.insert(table, sqlx::query_scalar(query).fetch_one(self.database.pool()).await.unwrap());
        }
        rows
    }

    /// The bucket's file that holds a track's audio.
    fn object(&self, track: Uuid) -> PathBuf {
        self.bucket.path().join(BUCKET).join(ObjectKey::audio(track).as_str())
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.api).await.unwrap().unwrap().unwrap();
        tokio::time::timeout(PATIENCE, self.worker).await.unwrap().unwrap().unwrap();
    }
}

/// The JSON of a server-sent event.
fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(line.unwrap_or_else(|| panic!("no data: {event}"))).unwrap()
}

/// An S3 service of this process that checks signatures; the bucket's files lie below `root`.
async fn serve_s3(root: &Path) -> S3Config {
    std::fs::create_dir(root.join(BUCKET)).unwrap();
    let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        while let Ok((socket, _)) = listener.accept().await {
            let connection = http.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    S3Config {
        endpoint: Some(endpoint),
        bucket: BUCKET.into(),
        region: "us-east-1".into(),
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        path_style: true,
    }
}

/// What the engine gives for a file in this process.
#[derive(Default)]
struct Local {
    chunks: BTreeMap<(u32, u32), Vec<u8>>,
    /// Every frame of level 0, as it was packed.
    frames: Vec<u8>,
}

impl Observer for Local {
    fn on_frame(&mut self, frame: &Frame<'_>) -> analysis_core::Result<()> {
        self.frames.extend_from_slice(frame.bytes);
        Ok(())
    }

    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.chunks.insert((chunk.level, chunk.index), chunk.bytes);
        Ok(())
    }
}

fn compute(audio: &[u8]) -> (Analysis, Local) {
    let mut local = Local::default();
    let analysis = analyze(Cursor::new(audio.to_vec()), None, &Config::default(), &mut local).unwrap();
    (analysis, local)
}

/// A value as it reads after a way through text, as HTTP takes it.
fn through_text(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn fixture(kind: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(format!("demo.{kind}"))).unwrap()
}

/// Everything that is served of a completed analysis is what the engine computes here.
async fn assert_served_is_computed(service: &Service, analysis: Uuid, audio: &[u8]) {
    let (computed, local) = compute(audio);
    let served = service.json(&format!("/v1/analyses/{analysis}/manifest")).await;
    assert_eq!(served, through_text(&computed.manifest));
    let manifest = Manifest::from_json(served.to_string().as_bytes()).unwrap();

    let mut stored = BTreeMap::new();
    for level in &manifest.levels {
        for index in 0..level.total_chunks {
            let (zstd, plain) = service.chunk(analysis, level.level, index).await;
            assert!(chunk::unpack(&zstd, MAX_PAYLOAD_BYTES).unwrap() == plain, "{}/{index}", level.level);
            stored.insert((level.level, index), zstd);
        }
        let beyond = format!("/v1/analyses/{analysis}/chunks/{}?level={}", level.total_chunks, level.level);
        assert_eq!(service.get(&beyond).await.status(), StatusCode::NOT_FOUND);
    }
    assert!(stored == local.chunks, "every chunk of every level");

    let source = |level, index| Ok(stored[&(level, index)].clone());
    let range = FrameReader::new(manifest, source).unwrap().read(0, 0, u64::MAX).unwrap();
    assert!(range.frames == local.frames, "the frames that a client decodes");
    assert_eq!(service.events(analysis).await, *through_text(&computed.events).as_array().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_is_analysed_stored_and_served_byte_for_byte() {
    let service = Service::start().await;
    let mut uploaded = Vec::new();
    for kind in ["m4a", "flac"] {
        let audio = fixture(kind);
        uploaded.push((kind, service.upload(&format!("demo.{kind}"), audio.clone()).await, audio));
    }
    for (kind, (track, analysis), audio) in &uploaded {
        let last = service.follow(*analysis).await;
        assert_eq!((&last["status"], &last["error_message"]), (&"completed".into(), &Value::Null), "{kind}");
        assert_eq!(last["attempt"], 1, "{kind}");
        assert_served_is_computed(&service, *analysis, audio).await;

        let (computed, _) = compute(audio);
        let summary: Summary = serde_json::from_value(last["summary"].clone()).unwrap();
        assert_eq!(summary, computed.summary, "{kind}");
        let track = service.json(&format!("/v1/tracks/{track}")).await;
        assert_eq!((&track["status"], &track["name"]), (&"ready".into(), &"The song".into()));
        assert_eq!(
            (&track["duration_ms"], &track["key_signature"]),
            (&24_000.into(), &"A minor".into()),
            "{kind}"
        );
        assert!((track["bpm"].as_f64().unwrap() - 116.0).abs() < 0.58, "{kind}: {}", track["bpm"]);
    }
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audio_comes_back_whole_and_in_parts() {
    let service = Service::start().await;
    let audio = fixture("ogg");
    let (track, _) = service.upload("demo.ogg", audio.clone()).await;
    let path = format!("/v1/tracks/{track}/audio");
    let whole = service.get(&path).await;
    assert_eq!(
        (whole.status(), &whole.headers()["content-type"]),
        (StatusCode::OK, &"audio/ogg".parse().unwrap())
    );
    assert!(whole.bytes().await.unwrap() == audio);
    let last = audio.len() - 1;
    for (asked, first, end) in
        [("bytes=0-0", 0, 1), ("bytes=1000-70000", 1_000, 70_001), ("bytes=-5", last - 4, last + 1)]
    {
        let part = service.request(Method::GET, &path).header("range", asked).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{asked}");
        let range = format!("bytes {first}-{}/{}", end - 1, audio.len());
        assert_eq!(part.headers()["content-range"], range.as_str(), "{asked}");
        assert!(part.bytes().await.unwrap() == audio[first..end], "{asked}");
    }
    let beyond = format!("bytes={}-", audio.len());
    let refused = service.request(Method::GET, &path).header("range", beyond).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let stranger = service.client.get(format!("{}{path}", service.address)).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_ends_as_an_error_that_a_person_understands() {
    let service = Service::start().await;
    // A FLAC file whose every audio frame was overwritten.
    let mut damaged = fixture("flac");
    let audio_starts = damaged.len() / 50;
    damaged[audio_starts..].fill(0x55);
    damaged[42..audio_starts].fill(0);
    let (track, analysis) = service.upload("damaged.flac", damaged).await;
    let last = service.follow(analysis).await;
    assert_eq!(last["status"], "error", "{last}");
    let message = last["error_message"].as_str().unwrap();
    assert!(message.ends_with('.') && message.split(' ').count() > 4, "a sentence: {message}");
    assert!(message.contains("audio"), "{message}");
    assert_eq!(last["attempt"], 1, "trying again would change nothing");

    let track = service.json(&format!("/v1/tracks/{track}")).await;
    assert_eq!((&track["status"], &track["error_message"]), (&"error".into(), &message.into()));
    let manifest = service.get(&format!("/v1/analyses/{analysis}/manifest")).await;
    assert_eq!(
        (manifest.status(), manifest.headers()["content-type"].to_str().unwrap()),
        (StatusCode::CONFLICT, "application/problem+json")
    );
    let problem: Value = manifest.json().await.unwrap();
    assert_eq!(problem["detail"], message);
    let rows = service.rows().await;
    assert_eq!(
        (rows["analysis_frame_data"], rows["analysis_frame_manifests"], rows["analysis_events"]),
        (0, 0, 0)
    );
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_track_takes_its_audio_and_rows_with_it() {
    let service = Service::start().await;
    let (audio, empty) = (fixture("mp3"), service.rows().await);
    let (track, analysis) = service.upload("demo.mp3", audio.clone()).await;
    assert_eq!(service.follow(analysis).await["status"], "completed");
    assert!(std::fs::read(service.object(track)).unwrap() == audio, "the bucket holds what was uploaded");
    assert!(service.rows().await.values().all(|count| *count > 0));

    let path = format!("/v1/tracks/{track}");
    let deleted = service.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(service.rows().await, empty);
    assert!(!service.object(track).exists(), "the object is gone");
    for path in [path.clone(), format!("{path}/audio"), format!("/v1/analyses/{analysis}/manifest")] {
        assert_eq!(service.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    service.end().await;
}
