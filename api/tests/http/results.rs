//! Results of analyses: manifest, chunks, frames and events. The rows are written as a worker writes them.

use crate::support::{Person, Server, expect_problem, id, pointers, wav};
use analysis_core::chunk::{Chunk, decode_chunk, encode_payload, unpack};
use analysis_core::config::Config;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::frame::{FrameLayout, FrameValues};
use analysis_core::manifest::{Manifest, ManifestBuilder};
use analysis_core::segments::SegmentData;
use analysis_core::spotify;
use analysis_core::summary::{AudioInfo, Summary};
use analysis_core::zoom::ZoomPyramid;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use store::queue::{self, Failure, Lease};
use store::results::{self, Finished, Writer};
use uuid::Uuid;

/// 3,000 frames of 10 ms: chunks of 1,024 frames, the last one short.
const FRAMES: u32 = 3000;

/// What an analysis made.
pub(crate) struct Made {
    pub(crate) layout: FrameLayout,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) manifest: Manifest,
    /// Frames of every level, end to end.
    pub(crate) levels: Vec<Vec<u8>>,
}

pub(crate) fn config() -> Config {
    Config { bands: 8, zoom_levels: 2, ..Config::default() }
}

pub(crate) fn make() -> Made {
    let config = config();
    let layout = FrameLayout::new(&config);
    let mut pyramid = ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames).unwrap();
    let mut builder = ManifestBuilder::new(&config, &layout);
    let mut chunks = Vec::new();
    let mut keep = |chunk: Chunk| {
        builder.add(&chunk)?;
        chunks.push(chunk);
        Ok(())
    };
    for i in 0..FRAMES {
        let mut frame = Vec::new();
        layout.encode(&values(i), &mut frame);
        pyramid.push(&frame, &mut keep).unwrap();
    }
    pyramid.finish(&mut keep).unwrap();
    let audio = AudioInfo {
        duration_ms: u64::from(FRAMES) * 10,
        sample_rate: 44_100,
        channels: 2,
        codec: None,
        container: None,
        delay_frames: 0,
        padding_frames: 0,
        decode_errors: 0,
        truncated: false,
    };
    let manifest = builder.finish(audio, None);
    let mut levels = vec![Vec::new(); manifest.levels.len()];
    chunks.sort_by_key(|chunk| (chunk.level, chunk.index));
    for chunk in &chunks {
        let frames = decode_chunk(&chunk.bytes, &layout, 1 << 20).unwrap().frames;
        levels[chunk.level as usize].extend_from_slice(&frames);
    }
    Made { layout, chunks, manifest, levels }
}

/// Values that differ from frame to frame; every third frame has no centroid.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn values(i: u32) -> FrameValues<'static> {
    const BANDS: [f32; 8] = [-10.0, -20.0, -30.0, -40.0, -50.0, -60.0, -70.0, -80.0];
    const CHROMA: [f32; 12] = [0.5; 12];
    FrameValues {
        bands_db: &BANDS,
        loudness_lufs: -60.0 + (i % 50) as f32,
        peak_dbfs: -(i as f32 % 60.0),
        onset: (i % 11) as f32 / 11.0,
        centroid_hz: (!i.is_multiple_of(3)).then_some(440.0),
        chroma: Some(&CHROMA),
    }
}

fn events() -> Vec<Event> {
    let beats = (0..40_u32).map(|i| Event {
        time_ms: i * 500,
        duration_ms: None,
        event_type: if i % 4 == 0 { EventType::Downbeat } else { EventType::Beat },
        confidence: Some(0.5),
        event_data: Some(EventData::Beat { bar: i / 4 + 1, position: u8::try_from(i % 4 + 1).unwrap() }),
    });
    beats.collect()
}

/// A server with a track whose analysis runs.
pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) ada: Person,
    pub(crate) analysis: Uuid,
    pub(crate) lease: Lease,
    pub(crate) made: Made,
}

impl Fixture {
    pub(crate) async fn running() -> Self {
        Self::running_on(Server::start().await).await
    }

    async fn running_on(server: Server) -> Self {
        let ada = server.person("ada").await;
        let uploaded = server.upload(&ada, "song", wav(1000)).await;
        let analysis = id(&uploaded["analysis"]["id"]);
        let claim = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap();
        Self { server, ada, analysis, lease: claim.unwrap().lease, made: make() }
    }

    pub(crate) async fn write(&self, how_many: usize) -> Writer {
        let pool = self.server.pool();
        let writer = Writer::new(&self.lease, &config()).unwrap();
        let chunks = &self.made.chunks[..how_many.min(self.made.chunks.len())];
        results::append(pool, &writer, chunks).await.unwrap();
        writer
    }

    pub(crate) async fn completed() -> Self {
        Self::completed_on(Server::start().await).await
    }

    async fn completed_on(server: Server) -> Self {
        let fixture = Self::running_on(server).await;
        fixture.complete(&Summary::default(), events()).await;
        fixture
    }

    pub(crate) async fn complete(&self, summary: &Summary, events: Vec<Event>) {
        let writer = self.write(usize::MAX).await;
        let manifest = &self.made.manifest;
        let finished = Finished { chunks: &[], summary, manifest, events: events.into_iter() };
        results::finish(self.server.pool(), &writer, finished).await.unwrap();
    }

    pub(crate) async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request =
            self.server.request(&self.ada, Method::GET, &format!("/v1/analyses/{}/{path}", self.analysis));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send()
            .await
            .unwrap()
    }

    fn chunk(&self, level: u32, index: u32) -> &Chunk {
        self.made.chunks.iter().find(|chunk| (chunk.level, chunk.index) == (level, index)).unwrap()
    }

    /// The frames of a level from one to before another, as the analysis made them.
    pub(crate) fn frames(&self, level: usize, from: usize, to: usize) -> &[u8] {
        let width = self.made.layout.bytes_per_frame();
        &self.made.levels[level][from * width..to * width]
    }
}

#[tokio::test]
async fn a_chunk_goes_out_as_stored_or_unpacked() {
    let fixture = Fixture::completed().await;
    for (level, index) in [(0, 0), (0, 2), (1, 0), (2, 0)] {
        let chunk = fixture.chunk(level, index);
        let path = format!("chunks/{index}?level={level}");
        let stored = fixture.ask(&path, &[("accept-encoding", "gzip, zstd")]).await;
        assert_eq!(stored.status(), 200);
        assert_eq!(stored.headers()["content-encoding"], "zstd");
        assert_eq!(stored.headers()["content-type"], "application/octet-stream");
        assert_eq!(stored.headers()["vary"], "accept-encoding");
        assert_eq!(stored.headers()["cache-control"], "private, no-cache", "no version is named");
        assert!(!stored.headers()["etag"].to_str().unwrap().starts_with("W/"));
        assert_eq!(stored.bytes().await.unwrap(), chunk.bytes);
        let plain = fixture.ask(&path, &[]).await;
        assert!(!plain.headers().contains_key("content-encoding"));
        assert_eq!(plain.headers()["vary"], "accept-encoding");
        let plain = plain.bytes().await.unwrap();
        assert_eq!(plain, unpack(&chunk.bytes, 1 << 20).unwrap());
        // The same, by the way round: packing the decoded frames again.
        let (mut payload, frames) =
            (Vec::new(), decode_chunk(&chunk.bytes, &fixture.made.layout, 1 << 20).unwrap().frames);
        encode_payload(&fixture.made.layout, level, chunk.start_frame, &frames, &mut payload).unwrap();
        assert_eq!(plain, payload);
    }
    for missing in
        ["chunks/3", "chunks/0?level=3", "chunks/4294967295", "chunks/0?level=65535", "chunks/x", "chunks/-1"]
    {
        expect_problem(fixture.ask(missing, &[]).await, 404, "not-found").await;
    }
    let refused = fixture.ask("chunks/0", &[("accept-encoding", "identity;q=0, gzip")]).await;
    expect_problem(refused, 406, "not-acceptable").await;
}

#[tokio::test]
async fn only_a_chunk_of_a_named_version_may_be_kept_for_ever() {
    let fixture = Fixture::completed().await;
    let version = async || {
        let manifest = fixture.ask("manifest", &[]).await;
        manifest.headers()["arsis-results-version"].to_str().unwrap().to_owned()
    };
    let first = version().await;
    let path = format!("chunks/0?v={first}");
    let chunk = fixture.ask(&path, &[("accept-encoding", "zstd")]).await;
    assert_eq!(chunk.headers()["cache-control"], "private, max-age=31536000, immutable");
    assert_eq!(chunk.bytes().await.unwrap(), fixture.chunk(0, 0).bytes);
    expect_problem(fixture.ask("chunks/0?v=1", &[]).await, 404, "not-found").await;
    // As if it had been done again.
    fixture
        .server
        .execute("UPDATE track_analyses SET completed_at = completed_at + interval '1 microsecond'")
        .await;
    expect_problem(fixture.ask(&path, &[]).await, 404, "not-found").await;
    assert_ne!(version().await, first);
    assert_eq!(fixture.ask(&format!("chunks/0?v={}", version().await), &[]).await.status(), 200);
}

#[tokio::test]
async fn a_chunk_that_the_client_has_is_not_sent_again() {
    let fixture = Fixture::completed().await;
    let etag = async |coding: &str| {
        let response = fixture.ask("chunks/0", &[("accept-encoding", coding)]).await;
        response.headers()["etag"].to_str().unwrap().to_owned()
    };
    let (packed, plain) = (etag("zstd").await, etag("identity").await);
    assert_ne!(packed, plain, "different bytes, different tags");
    for (coding, tag, status) in
        [("zstd", &packed, 304), ("identity", &plain, 304), ("zstd", &plain, 200), ("identity", &packed, 200)]
    {
        let response = fixture.ask("chunks/0", &[("accept-encoding", coding), ("if-none-match", tag)]).await;
        assert_eq!(response.status(), status, "{coding} {tag}");
        assert_eq!(response.headers()["vary"], "accept-encoding");
        if status == 304 {
            assert!(!response.headers().contains_key("content-encoding"));
            assert!(response.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_tag_that_we_would_write_otherwise_is_not_ours_and_the_whole_is_sent() {
    let fixture = Fixture::completed().await;
    let tag = async |path: &str, coding: &str| {
        let response = fixture.ask(path, &[("accept-encoding", coding)]).await;
        response.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned()
    };
    for coding in ["zstd", "identity"] {
        let whole = fixture.ask("chunks/0", &[("accept-encoding", coding)]).await.bytes().await.unwrap();
        let tag = tag("chunks/0", coding).await;
        let (id, end) = tag.split_at(32);
        let id = Uuid::parse_str(id).unwrap();
        for other in [
            format!("{:X}", id.simple()),
            id.hyphenated().to_string(),
            id.braced().to_string(),
            id.urn().to_string(),
        ] {
            let tag = format!("\"{other}{end}\"");
            let headers = [("accept-encoding", coding), ("if-none-match", tag.as_str())];
            let response = fixture.ask("chunks/0", &headers).await;
            assert_eq!(response.status(), 200, "{tag}");
            assert_eq!(response.bytes().await.unwrap(), whole, "{tag}");
        }
    }
    let version = tag("manifest", "identity").await;
    for other in [format!("\"+{version}\""), format!("\"0{version}\"")] {
        let response = fixture.ask("manifest", &[("if-none-match", other.as_str())]).await;
        assert_eq!(response.status(), 200, "{other}");
        assert_eq!(Manifest::from_json(&response.bytes().await.unwrap()).unwrap(), fixture.made.manifest);
    }
}

/// Lets `eve` read what is another's.
pub(crate) const MODERATOR: &str =
    "INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u, roles r
     WHERE u.email = 'eve@example.org' AND r.name = 'moderator'";

#[tokio::test]
async fn a_session_that_ends_while_it_is_served_gets_no_empty_result() {
    let fixture = Fixture::completed().await;
    let eve = fixture.server.person("eve").await;
    fixture.server.execute(MODERATOR).await;
    // The line in the audit trail is written between the look at whose it is and the reading.
    for (change, status, slug) in [
        ("UPDATE sessions SET expires_at = now() - interval '1 second'", 401, "session-expired"),
        ("UPDATE users SET approved = false", 403, "account-not-approved"),
    ] {
        fixture.server.meanwhile(change).await;
        for path in ["chunks/0", "manifest"] {
            let path = format!("/v1/analyses/{}/{path}", fixture.analysis);
            expect_problem(fixture.server.get(&eve, &path).await, status, slug).await;
            let again = "UPDATE sessions SET expires_at = now() + interval '1 hour';
                         UPDATE users SET approved = true;";
            fixture.server.execute(again).await;
        }
    }
}

#[tokio::test]
async fn events_are_those_that_their_tag_names() {
    let fixture = Fixture::completed().await;
    let eve = fixture.server.person("eve").await;
    fixture.server.execute(MODERATOR).await;
    let path = format!("/v1/analyses/{}/events", fixture.analysis);
    // As if it were done again between the look at whose it is and the reading.
    fixture
        .server
        .meanwhile(
            "UPDATE track_analyses SET completed_at = completed_at + interval '1 s'; DELETE FROM analysis_events",
        )
        .await;
    let response = fixture.server.get(&eve, &path).await;
    let tag = response.headers()["etag"].clone();
    let events: Value = response.json().await.unwrap();
    assert_eq!(events["items"], json!([]));
    assert_eq!(fixture.ask("events", &[]).await.headers()["etag"], tag);
}

#[tokio::test]
async fn the_manifest_is_the_one_that_was_stored() {
    let fixture = Fixture::completed().await;
    let response = fixture.ask("manifest", &[]).await;
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let manifest = Manifest::from_json(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(manifest, fixture.made.manifest);
    assert_eq!(fixture.ask("manifest", &[("if-none-match", &etag)]).await.status(), 304);
}

#[tokio::test]
async fn what_the_client_has_is_told_without_reading_it() {
    let fixture = Fixture::completed().await;
    let mut tags = Vec::new();
    for path in ["chunks/0", "manifest", "events"] {
        let response = fixture.ask(path, &[("accept-encoding", "zstd")]).await;
        tags.push((path, response.headers()["etag"].to_str().unwrap().to_owned()));
    }
    // Whoever reads the chunk now gets an error; events and manifest would be others than those with the tag.
    fixture
        .server
        .execute(
            "UPDATE analysis_frame_data SET frame_data = '\\x00';
             UPDATE track_analyses SET manifest = '{}'; DELETE FROM analysis_events;",
        )
        .await;
    for (path, tag) in &tags {
        let headers = [("accept-encoding", "zstd"), ("if-none-match", tag.as_str())];
        let response = fixture.ask(path, &headers).await;
        assert_eq!(response.status(), 304, "{path}");
        assert_eq!(response.headers()["etag"], tag.as_str());
        assert!(response.bytes().await.unwrap().is_empty());
    }
    assert_eq!(fixture.ask("chunks/0", &[]).await.status(), 500, "it is read after all");
    fixture.server.execute("UPDATE track_analyses SET completed_at = completed_at + interval '1 s'").await;
    for (path, tag) in &tags[1..] {
        assert_eq!(fixture.ask(path, &[("if-none-match", tag)]).await.status(), 200, "{path}: done again");
    }
}

#[tokio::test]
async fn results_of_others_are_read_with_a_role_that_grants_it() {
    let fixture = Fixture::completed().await;
    let eve = fixture.server.person("eve").await;
    let paths =
        ["chunks/0", "manifest", "events"].map(|path| format!("/v1/analyses/{}/{path}", fixture.analysis));
    for path in &paths {
        expect_problem(fixture.server.get(&eve, path).await, 404, "not-found").await;
    }
    fixture.server.execute(MODERATOR).await;
    for path in &paths {
        let (theirs, own) =
            (fixture.server.get(&eve, path).await, fixture.server.get(&fixture.ada, path).await);
        assert_eq!(theirs.status(), 200, "{path}");
        assert_eq!(theirs.bytes().await.unwrap(), own.bytes().await.unwrap());
    }
    assert_eq!(
        fixture
            .server
            .count("SELECT count(*) FROM audit_log WHERE event_type = 'track.cross_user_access'")
            .await,
        3
    );
}

#[tokio::test]
async fn a_span_is_cut_to_the_frames_that_meet_it() {
    let fixture = Fixture::completed().await;
    let check = async |query: &str, level: usize, from: usize, to: usize| {
        let response = fixture.ask(&format!("frames?{query}"), &[]).await;
        assert_eq!(response.status(), 200, "{query}");
        let number = |name: &str| response.headers()[name].to_str().unwrap().parse::<usize>().unwrap();
        let hop_ms = 10 * 8_usize.pow(u32::try_from(level).unwrap());
        assert_eq!((number("arsis-level"), number("arsis-hop-ms")), (level, hop_ms), "{query}");
        assert_eq!((number("arsis-start-frame"), number("arsis-frame-count")), (from, to - from), "{query}");
        assert_eq!(number("arsis-bytes-per-frame"), fixture.made.layout.bytes_per_frame());
        assert_eq!(response.bytes().await.unwrap(), fixture.frames(level, from, to), "{query}");
    };
    check("", 0, 0, 3000).await;
    check("from_ms=10240&to_ms=20480", 0, 1024, 2048).await;
    check("from_ms=10235&to_ms=10241", 0, 1023, 1025).await;
    check("from_ms=29990", 0, 2999, 3000).await;
    check("from_ms=29990&to_ms=99999999", 0, 2999, 3000).await;
    check("from_ms=30000", 0, 3000, 3000).await;
    check("from_ms=4000000000", 0, 3000, 3000).await;
    check("level=1", 1, 0, 375).await;
    check("level=1&from_ms=79&to_ms=81", 1, 0, 2).await;
    check("level=2", 2, 0, 47).await;
    check("max_frames=3000", 0, 0, 3000).await;
    check("max_frames=2999", 1, 0, 375).await;
    check("max_frames=374", 2, 0, 47).await;
    check("max_frames=1", 2, 0, 47).await; // the coarsest there is
    check("max_frames=100&from_ms=1000&to_ms=2000", 0, 100, 200).await;
}

#[tokio::test]
async fn a_span_comes_as_json_in_physical_units_too() {
    let fixture = Fixture::completed().await;
    let response = fixture.ask("frames?from_ms=30&to_ms=50", &[("accept", "application/json")]).await;
    assert_eq!(response.headers()["vary"], "accept");
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (&body["start_frame"], &body["frame_count"], &body["start_time_ms"]),
        (&json!(3), &json!(2), &json!(30))
    );
    let field = |name: &str| {
        let fields = body["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(field("bands")["values"][0], json!([-10.0, -20.0, -30.0, -40.0, -50.0, -60.0, -70.0, -80.0]));
    assert_eq!(field("loudness")["values"], json!([[-57.0], [-56.0]]));
    assert_eq!(field("loudness")["unit"], "LUFS");
    assert_eq!(field("centroid")["values"], json!([[null], [69.0]]), "frame 3 has none, frame 4 is A4");
    let names: Vec<_> =
        body["fields"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect();
    assert_eq!(names, ["bands", "loudness", "peak", "onset", "centroid", "chroma"]);
}

#[tokio::test]
async fn spans_that_make_no_sense_or_are_too_large_are_refused() {
    let config = api::Config { max_span_frames: 1000, max_json_frames: 40, ..api::Config::default() };
    let fixture = Fixture::completed_on(Server::with(config).await).await;
    let refuse = async |query: &str, accept: &str, pointer: &str| {
        let response = fixture.ask(&format!("frames?{query}"), &[("accept", accept)]).await;
        let problem = expect_problem(response, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer], "{query}");
    };
    refuse("level=0", "*/*", "to_ms").await;
    refuse("level=0&to_ms=10001", "*/*", "to_ms").await; // meets the slot of a 1,001st frame
    refuse("", "application/json", "to_ms").await;
    refuse("level=3", "*/*", "level").await;
    refuse("from_ms=10&to_ms=10", "*/*", "to_ms").await;
    refuse("level=1&max_frames=5", "*/*", "max_frames").await;
    refuse("max_frames=0", "*/*", "max_frames").await;
    refuse("max_frames=1001", "*/*", "max_frames").await;
    refuse("from_ms=-1", "*/*", "from_ms").await;
    assert_eq!(fixture.ask("frames?level=0&to_ms=10000", &[]).await.status(), 200);
    let refused = fixture.ask("frames", &[("accept", "text/html")]).await;
    expect_problem(refused, 406, "not-acceptable").await;
}

#[tokio::test]
async fn events_come_in_pages_by_type_and_time() {
    let fixture = Fixture::completed().await;
    let all = fixture.ask("events", &[]).await.json::<Value>().await.unwrap();
    let all = all["items"].as_array().unwrap().clone();
    assert_eq!(all.len(), 40);
    let first = json!({"time_ms": 0, "duration_ms": null, "event_type": "downbeat", "confidence": 0.5,
        "event_data": {"bar": 1, "position": 1}});
    assert_eq!(all[0], first);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value = fixture.ask(&format!("events?limit=7{cursor}"), &[]).await.json().await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    let times = async |query: &str| {
        let page: Value = fixture.ask(&format!("events?{query}"), &[]).await.json().await.unwrap();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|event| event["time_ms"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(times("type=downbeat&to_ms=6000").await, [0, 2000, 4000]);
    assert_eq!(times("type=downbeat,beat&from_ms=1000&to_ms=2001").await, [1000, 1500, 2000]);
    assert_eq!(times("type=chord").await, [0_u64; 0]);
    let many = format!("type={}", "beat,".repeat(17));
    for bad in [
        "limit=0",
        "limit=1001",
        "cursor=x",
        "from_ms=x",
        "from_ms=2&to_ms=2",
        "type=beet",
        "type=beat,Chord",
        many.as_str(),
    ] {
        expect_problem(fixture.ask(&format!("events?{bad}"), &[]).await, 422, "validation-failed").await;
    }
}

#[tokio::test]
async fn what_is_not_there_yet_is_worth_waiting_for() {
    let fixture = Fixture::running().await;
    for path in ["manifest", "chunks/0", "frames", "events"] {
        let response = fixture.ask(path, &[]).await;
        assert_eq!(response.status(), 202, "{path}");
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["id"], &body["status"]), (&json!(fixture.analysis), &json!("running")));
    }
    fixture.write(1).await;
    let first = &fixture.made.chunks[0];
    let response = fixture.ask("chunks/0", &[("accept-encoding", "zstd")]).await;
    assert_eq!(
        response.headers()["cache-control"],
        "private, no-cache",
        "another attempt may write other bytes"
    );
    assert_eq!(response.bytes().await.unwrap(), first.bytes);
    assert_eq!(fixture.ask("chunks/1", &[]).await.status(), 202);
}

#[tokio::test]
async fn after_a_failure_the_reason_is_told() {
    let fixture = Fixture::running().await;
    let failure =
        Failure { kind: "corrupt", message: "The file is damaged.", cause: "test", permanent: true };
    queue::fail(fixture.server.pool(), &fixture.lease, &failure).await.unwrap();
    for path in ["manifest", "chunks/0", "frames", "events"] {
        let problem = expect_problem(fixture.ask(path, &[]).await, 409, "analysis-failed").await;
        assert_eq!(problem["detail"], "The file is damaged.");
    }
}

/// Segments, a section and a key beside the beats.
pub(crate) fn events_of_every_shape() -> Vec<Event> {
    let of = |time_ms: u32, event_type, event_data| Event {
        time_ms,
        duration_ms: Some(2_000),
        event_type,
        confidence: Some(0.5),
        event_data: Some(event_data),
    };
    let data = SegmentData {
        loudness_start: -30.5,
        loudness_max: -12.25,
        loudness_max_ms: 40,
        loudness_end: -20.0,
        pitches: [0.25; 12],
        timbre: [-3.5; 12],
    };
    let mut all = events();
    all.extend(
        (0..9_u32).map(|i| of(i * 2_000, EventType::Segment, EventData::Segment(Box::new(data.clone())))),
    );
    all.push(of(0, EventType::Section, EventData::Section { label: "A".into() }));
    all.push(of(0, EventType::Key, EventData::Name { name: "F# minor".into() }));
    all
}

#[tokio::test]
async fn the_shapes_of_the_retired_endpoints_hold_what_is_stored() {
    let fixture = Fixture::running().await;
    let track =
        fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await["track_id"]
            .clone();
    let paths = ["audio-analysis", "audio-features"].map(|kind| format!("/v1/{kind}/{}", id(&track)));
    for path in &paths {
        let early = fixture.server.get(&fixture.ada, path).await;
        assert_eq!(early.status(), 202, "{path}");
        assert!(early.headers().contains_key("retry-after"));
    }
    let summary = Summary {
        tempo_bpm: Some(120.0),
        time_signature: Some("4/4".into()),
        danceability: Some(1.0),
        fade_in_end_ms: Some(250),
        ..Summary::default()
    };
    fixture.complete(&summary, events_of_every_shape()).await;

    let got = fixture.server.json(&fixture.ada, &paths[0]).await;
    let audio = AudioInfo { duration_ms: 30_000, ..AudioInfo::of_samples(44_100, 2) };
    let version = &fixture.made.manifest.analyzer_version;
    let want = spotify::audio_analysis(&audio, version, &summary, events_of_every_shape());
    let want: Value = serde_json::from_slice(&serde_json::to_vec(&want).unwrap()).unwrap();
    assert_eq!(got, want);
    let lengths = ["bars", "beats", "segments", "sections"].map(|list| got[list].as_array().unwrap().len());
    assert_eq!(lengths, [10, 30, 9, 1]);
    assert_eq!((&got["sections"][0]["key"], &got["sections"][0]["mode"]), (&json!(6), &json!(0)));

    let got = fixture.server.json(&fixture.ada, &paths[1]).await;
    let said = ["tempo", "time_signature", "danceability", "duration_ms", "energy", "id"]
        .map(|name| got[name].clone());
    assert_eq!(said, [json!(120.0), json!(4), json!(0.5), json!(30_000), Value::Null, track]);
}

#[tokio::test]
async fn the_shapes_of_the_retired_endpoints_wait_for_a_full_analysis() {
    let fixture = Fixture::running().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let track = id(&analysis["track_id"]);
    let path = format!("/v1/tracks/{track}/analyses");
    let request = fixture.server.request(&fixture.ada, Method::POST, &path);
    let later: Value =
        request.json(&json!({"analysis_type": "tonal"})).send().await.unwrap().json().await.unwrap();
    let cancel = format!("/v1/analyses/{}/cancel", id(&later["id"]));
    assert_eq!(
        fixture.server.request(&fixture.ada, Method::POST, &cancel).send().await.unwrap().status(),
        202
    );
    for kind in ["audio-analysis", "audio-features"] {
        let waiting = fixture.server.get(&fixture.ada, &format!("/v1/{kind}/{track}")).await;
        assert_eq!(waiting.status(), 202, "{kind}");
        assert_eq!(waiting.json::<Value>().await.unwrap()["id"], analysis["id"], "{kind}");
    }
}

#[tokio::test]
async fn the_shapes_of_the_retired_endpoints_are_their_owners() {
    let fixture = Fixture::completed().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let eve = fixture.server.person("eve").await;
    for kind in ["audio-analysis", "audio-features"] {
        let path = format!("/v1/{kind}/{}", id(&analysis["track_id"]));
        expect_problem(fixture.server.get(&eve, &path).await, 404, "not-found").await;
        let nobodys = format!("/v1/{kind}/{}", Uuid::new_v4());
        expect_problem(fixture.server.get(&fixture.ada, &nobodys).await, 404, "not-found").await;
        let first = fixture.server.get(&fixture.ada, &path).await;
        let etag = first.headers()["etag"].clone();
        let again = fixture.server.request(&fixture.ada, Method::GET, &path).header("if-none-match", etag);
        assert_eq!(again.send().await.unwrap().status(), 304);
    }
}

#[tokio::test]
async fn what_is_compressed_on_the_way_has_a_weak_tag_that_is_known_again() {
    let fixture = Fixture::completed().await;
    let tag = |response: &Response| response.headers()["etag"].to_str().unwrap().to_owned();
    let plain = tag(&fixture.ask("manifest", &[("accept-encoding", "identity")]).await);
    let packed = fixture.ask("manifest", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = tag(&packed);
    assert_eq!(packed, format!("W/{plain}"));
    for known in [&plain, &packed] {
        let again = fixture.ask("manifest", &[("accept-encoding", "gzip"), ("if-none-match", known)]).await;
        assert_eq!((again.status().as_u16(), &tag(&again)), (304, known));
    }
    // A chunk goes out as it is stored, to the byte: its tag stays strong.
    let chunk = fixture.ask("chunks/0", &[("accept-encoding", "gzip, zstd")]).await;
    assert_eq!((&chunk.headers()["content-encoding"], &tag(&chunk)[..1]), (&"zstd".parse().unwrap(), "\""));
}
