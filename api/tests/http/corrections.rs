//! What people say about beats, and grids decoded through it. Results are written as a worker writes them.

use crate::support::{Person, Server, expect_problem, id, pointers, wav};
use analysis_core::chunk::Chunk;
use analysis_core::config::Config;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::frame::{FrameLayout, FrameValues};
use analysis_core::manifest::ManifestBuilder;
use analysis_core::summary::{AudioInfo, Summary};
use analysis_core::zoom::ZoomPyramid;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use store::queue;
use store::results::{self, Finished, Writer};
use uuid::Uuid;

/// Beats of half a second with an onset on each, for a minute.
const PERIOD_MS: u32 = 500;
const DURATION_MS: u32 = 60_000;

struct Fixture {
    server: Server,
    ada: Person,
    track: Uuid,
    analysis: Uuid,
}

impl Fixture {
    /// A track that waits to be analysed.
    async fn new() -> Self {
        let server = Server::start().await;
        let ada = server.person("ada").await;
        let uploaded = server.upload(&ada, "song", wav(1000)).await;
        let (track, analysis) = (id(&uploaded["track"]["id"]), id(&uploaded["analysis"]["id"]));
        Self { server, ada, track, analysis }
    }

    async fn completed() -> Self {
        let fixture = Self::new().await;
        complete(&fixture.server, DURATION_MS).await;
        fixture
    }

    async fn send(&self, person: &Person, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.server.request(person, method, path);
        body.iter().fold(request, |request, body| request.json(body)).send().await.unwrap()
    }

    async fn say(&self, person: &Person, corrections: Value) -> Response {
        let path = format!("/v1/tracks/{}/corrections", self.track);
        self.send(person, Method::POST, &path, Some(json!({ "corrections": corrections }))).await
    }

    /// Says it, and gives what was made.
    async fn said(&self, person: &Person, corrections: Value) -> Value {
        let response = self.say(person, corrections).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 201, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn regrid(&self, person: &Person, body: Option<Value>) -> Response {
        let path = format!("/v1/analyses/{}/regrid", self.analysis);
        self.send(person, Method::POST, &path, body).await
    }

    async fn grid(&self, person: &Person) -> Value {
        let response = self.regrid(person, None).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn corrections(&self) -> String {
        format!("/v1/tracks/{}/corrections", self.track)
    }
}

fn beats(grid: &Value) -> Vec<u64> {
    let events = grid["events"].as_array().unwrap().iter();
    events.filter(|e| e["event_type"] == "beat").map(|e| e["time_ms"].as_u64().unwrap()).collect()
}

fn machine() -> Vec<u64> {
    (0..u64::from(DURATION_MS)).step_by(PERIOD_MS as usize).collect()
}

/// Analyses what waits, as a worker does.
async fn complete(server: &Server, duration_ms: u32) {
    let claim = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap();
    let config = Config { bands: 8, zoom_levels: 1, ..Config::default() };
    let layout = FrameLayout::new(&config);
    let mut pyramid = ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames).unwrap();
    let mut builder = ManifestBuilder::new(&config, &layout);
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut keep = |chunk: Chunk| {
        builder.add(&chunk)?;
        chunks.push(chunk);
        Ok(())
    };
    for i in 0..duration_ms / 10 {
        let onset = if (i * 10).is_multiple_of(PERIOD_MS) { 0.6 } else { 0.02 };
        let mut frame = Vec::new();
        let values = FrameValues {
            bands_db: &[-20.0; 8],
            loudness_lufs: -20.0,
            peak_dbfs: -3.0,
            onset,
            centroid_hz: None,
            chroma: None,
        };
        layout.encode(&values, &mut frame);
        pyramid.push(&frame, &mut keep).unwrap();
    }
    pyramid.finish(&mut keep).unwrap();
    let audio = AudioInfo { duration_ms: duration_ms.into(), ..AudioInfo::of_samples(44_100, 2) };
    let manifest = builder.finish(audio, None);
    let writer = Writer::new(&claim.lease, &config).unwrap();
    let summary =
        Summary { tempo_bpm: Some(120.0), time_signature: Some("4/4".into()), ..Summary::default() };
    let events = (0..duration_ms / PERIOD_MS).flat_map(|i| {
        let place = EventData::Beat { bar: i / 4 + 1, position: u8::try_from(i % 4 + 1).unwrap() };
        let event = move |event_type| Event {
            time_ms: i * PERIOD_MS,
            duration_ms: None,
            event_type,
            confidence: Some(0.9),
            event_data: Some(place.clone()),
        };
        i.is_multiple_of(4)
            .then(|| event(EventType::Downbeat))
            .into_iter()
            .chain([event(EventType::Beat)])
            .collect::<Vec<_>>()
    });
    let finished = Finished { chunks: &chunks, summary: &summary, manifest: &manifest, events };
    results::finish(server.pool(), &writer, finished).await.unwrap();
}

#[tokio::test]
async fn corrections_are_made_read_moved_and_removed() {
    let fixture = Fixture::completed().await;
    let ada = &fixture.ada;
    let body = json!({ "analysis_id": fixture.analysis, "source": "drag",
        "corrections": [{ "kind": "beat", "time_ms": 1040, "moved_from_ms": 1000 },
            { "kind": "tempo", "time_ms": 0, "end_time_ms": 500, "factor": "double" }] });
    let made = fixture.send(ada, Method::POST, &fixture.corrections(), Some(body)).await;
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = made.json().await.unwrap();
    let beat = &made["corrections"][0];
    assert_eq!(
        (&beat["kind"], &beat["time_ms"], &beat["moved_from_ms"]),
        (&json!("beat"), &json!(1040), &json!(1000))
    );
    assert_eq!((&beat["source"], &beat["analysis_id"]), (&json!("drag"), &json!(fixture.analysis)));
    let manifest = fixture.server.get(ada, &format!("/v1/analyses/{}/manifest", fixture.analysis)).await;
    assert_eq!(manifest.headers()["arsis-results-version"].to_str().unwrap(), beat["results_version"]);
    let listed = fixture.server.json(ada, &location).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(listed["items"][1], *beat, "in order of time");
    for (query, pointer) in [
        ("from_ms=5&to_ms=5", "to_ms"),
        ("from_ms=6&to_ms=5", "to_ms"),
        ("to_ms=3000000000&from_ms=4000000000", "to_ms"),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let refused =
                fixture.send(ada, method, &format!("{}?{query}", fixture.corrections()), None).await;
            assert_eq!(pointers(&expect_problem(refused, 422, "validation-failed").await), [pointer]);
        }
    }
    let one = format!("{}/{}", fixture.corrections(), beat["id"].as_str().unwrap());
    assert_eq!(fixture.server.json(ada, &one).await, *beat);
    let moved = fixture.send(ada, Method::PATCH, &one, Some(json!({ "time_ms": 1050 }))).await;
    assert_eq!(moved.json::<Value>().await.unwrap()["time_ms"], 1050);
    let times = [json!(-1), json!(70_000), json!(null)].map(|time_ms| json!({ "time_ms": time_ms }));
    for bad in times.into_iter().chain([json!({ "end_time_ms": 2_000 })]) {
        let refused = fixture.send(ada, Method::PATCH, &one, Some(bad)).await;
        expect_problem(refused, 422, "validation-failed").await;
    }
    assert_eq!(fixture.send(ada, Method::DELETE, &one, None).await.status(), 204);
    expect_problem(fixture.server.get(ada, &one).await, 404, "not-found").await;
    expect_problem(fixture.send(ada, Method::DELETE, &one, None).await, 404, "not-found").await;
    let audited = "SELECT count(*) FROM audit_log WHERE event_type = 'corrections.deleted'";
    assert_eq!(fixture.server.count(audited).await, 1);
}

#[tokio::test]
async fn thousands_of_taps_come_at_once_and_go_as_one_gesture() {
    let fixture = Fixture::completed().await;
    let taps =
        |count: u32| (0..count).map(|i| json!({ "kind": "tap", "time_ms": i * 11 })).collect::<Vec<_>>();
    fixture.said(&fixture.ada, json!([{ "kind": "beat", "time_ms": 7 }])).await;
    let made = fixture.said(&fixture.ada, json!(taps(5000))).await;
    assert_eq!(made["corrections"].as_array().unwrap().len(), 5000);
    assert_eq!(made["corrections"][4999]["time_ms"], 4999 * 11);
    let mut seen = Vec::new();
    let mut page =
        fixture.server.json(&fixture.ada, &format!("{}?kind=tap&limit=1000", fixture.corrections())).await;
    loop {
        seen.extend(page["items"].as_array().unwrap().iter().map(|tap| tap["time_ms"].as_u64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let next = format!("{}?kind=tap&limit=1000&cursor={cursor}", fixture.corrections());
        page = fixture.server.json(&fixture.ada, &next).await;
    }
    assert_eq!(seen, (0..5000).map(|i| i * 11).collect::<Vec<u64>>());
    let batch = made["batch_id"].as_str().unwrap();
    let undo = format!("{}?batch_id={batch}", fixture.corrections());
    let undone: Value = fixture.send(&fixture.ada, Method::DELETE, &undo, None).await.json().await.unwrap();
    assert_eq!(undone, json!({ "deleted": 5000 }));
    assert_eq!(fixture.server.count("SELECT count(*) FROM beat_corrections").await, 1);
    // There may be 20,000.
    for _ in 0..3 {
        fixture.said(&fixture.ada, json!(taps(5000))).await;
    }
    let problem = fixture.say(&fixture.ada, json!(taps(5000))).await;
    let problem = expect_problem(problem, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/corrections"]);
    let all: Value =
        fixture.send(&fixture.ada, Method::DELETE, &fixture.corrections(), None).await.json().await.unwrap();
    assert_eq!(all, json!({ "deleted": 15_001 }));
}

#[tokio::test]
async fn nonsense_is_refused_with_where_it_stands() {
    let fixture = Fixture::completed().await;
    let cases = [
        (json!([{ "kind": "beat", "time_ms": -1 }]), "#/corrections/0/time_ms"),
        (json!([{ "kind": "beat", "time_ms": 60_100 }]), "#/corrections/0/time_ms"),
        (json!([{ "kind": "beat", "time_ms": i64::MAX }]), "#/corrections/0/time_ms"),
        (
            json!([{ "kind": "tap", "time_ms": 1 }, { "kind": "tap", "time_ms": 1, "end_time_ms": 2 }]),
            "#/corrections/1/end_time_ms",
        ),
        (json!([{ "kind": "shift", "time_ms": 5, "end_time_ms": 5 }]), "#/corrections/0/end_time_ms"),
        (json!([{ "kind": "no_beat", "time_ms": 5, "moved_from_ms": 5 }]), "#/corrections/0/moved_from_ms"),
        (json!([{ "kind": "tempo", "time_ms": 5 }]), "#/corrections/0/factor"),
        (json!([{ "kind": "meter", "time_ms": 5 }]), "#/corrections/0/beats_per_bar"),
        (json!([{ "kind": "meter", "time_ms": 5, "beats_per_bar": 33 }]), "#/corrections/0/beats_per_bar"),
        (json!([]), "#/corrections"),
        (json!([{ "kind": "clap", "time_ms": 5 }]), "#/corrections/0/kind"),
        (json!([{ "kind": "beat", "time_ms": 5, "loud": true }]), "#/corrections/0/loud"),
        (json!([{ "kind": "beat", "time_ms": 1.5 }]), "#/corrections/0/time_ms"),
    ];
    for (said, pointer) in cases {
        let problem = expect_problem(fixture.say(&fixture.ada, said).await, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer], "{problem}");
    }
    let foreign = json!({ "analysis_id": Uuid::new_v4(), "corrections": [{ "kind": "tap", "time_ms": 1 }] });
    let refused = fixture.send(&fixture.ada, Method::POST, &fixture.corrections(), Some(foreign)).await;
    assert_eq!(pointers(&expect_problem(refused, 422, "validation-failed").await), ["#/analysis_id"]);
    for bad in ["kind=clap", "source=odd", "limit=0", "limit=1001", "cursor=x", "from_ms=-1", "batch_id=x"] {
        let answer = fixture.server.get(&fixture.ada, &format!("{}?{bad}", fixture.corrections())).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
    assert_eq!(fixture.server.count("SELECT count(*) FROM beat_corrections").await, 0);
}

#[tokio::test]
async fn corrections_and_grids_are_their_makers_alone() {
    let fixture = Fixture::completed().await;
    let (eve, admin) = (fixture.server.person("eve").await, fixture.server.person("admin").await);
    let grant = "INSERT INTO user_roles (user_id, role_id) SELECT u.id, re.role_id FROM users u, role_entitlements re
                   JOIN entitlements e ON e.id = re.entitlement_id
                  WHERE u.email = 'admin@example.org' AND e.resource = 'reference_tracks' AND e.action = 'read' LIMIT 1";
    fixture.server.execute(grant).await;
    let made = fixture.said(&fixture.ada, json!([{ "kind": "beat", "time_ms": 1040 }])).await;
    fixture.grid(&fixture.ada).await;
    let one = format!("{}/{}", fixture.corrections(), made["corrections"][0]["id"].as_str().unwrap());
    let (regrid, grid) = (
        format!("/v1/analyses/{}/regrid", fixture.analysis),
        format!("/v1/analyses/{}/grid", fixture.analysis),
    );
    let body = json!({ "corrections": [{ "kind": "tap", "time_ms": 1 }] });
    let (patch, list) = (json!({ "time_ms": 5 }), fixture.corrections());
    let every = [
        (Method::POST, &list, Some(body.clone())),
        (Method::GET, &list, None),
        (Method::DELETE, &list, None),
        (Method::GET, &one, None),
        (Method::PATCH, &one, Some(patch.clone())),
        (Method::DELETE, &one, None),
        (Method::POST, &regrid, None),
        (Method::GET, &grid, None),
        (Method::DELETE, &grid, None),
    ];
    for (method, path, body) in every {
        let anonymous = fixture.server.anonymous(method.clone(), path);
        let anonymous = body.iter().fold(anonymous, |request, body| request.json(body)).send().await.unwrap();
        expect_problem(anonymous, 401, "unauthorized").await;
        expect_problem(fixture.send(&eve, method, path, body).await, 404, "not-found").await;
    }
    // Who may read the track sees nothing of the owner's, and has their own.
    assert_eq!(fixture.server.json(&admin, &list).await["items"], json!([]));
    for (method, body) in [(Method::GET, None), (Method::PATCH, Some(patch)), (Method::DELETE, None)] {
        expect_problem(fixture.send(&admin, method, &one, body).await, 404, "not-found").await;
    }
    expect_problem(fixture.server.get(&admin, &grid).await, 404, "not-found").await;
    let export = format!("/v1/analyses/{}/export/json?beats=corrected", fixture.analysis);
    assert_eq!(beats(&fixture.server.json(&admin, &export).await), machine());
    assert!(beats(&fixture.server.json(&fixture.ada, &export).await).contains(&1040));
    fixture.said(&admin, json!([{ "kind": "shift", "time_ms": 0 }])).await;
    assert_eq!(beats(&fixture.grid(&admin).await)[0], 250);
    let mine = fixture.server.json(&fixture.ada, &grid).await;
    assert!(beats(&mine).contains(&1040) && beats(&mine)[0] == 0);
    let cross = "SELECT count(*) FROM audit_log WHERE event_type = 'track.cross_user_access'";
    let before = fixture.server.count(cross).await;
    assert!(before >= 3);
    // What comes to nothing was a look all the same.
    let late = fixture.say(&admin, json!([{ "kind": "tap", "time_ms": 70_000 }])).await;
    expect_problem(late, 422, "validation-failed").await;
    assert_eq!(fixture.server.count(cross).await, before + 1);
    fixture.server.execute("UPDATE track_analyses SET status = 'pending'").await;
    assert_eq!(fixture.regrid(&admin, None).await.status(), 202);
    assert_eq!(fixture.server.count(cross).await, before + 2);
}

#[tokio::test]
async fn a_grid_is_decoded_stored_and_undone() {
    let fixture = Fixture::completed().await;
    let ada = &fixture.ada;
    let path = format!("/v1/analyses/{}/grid", fixture.analysis);
    expect_problem(fixture.server.get(ada, &path).await, 404, "not-found").await;
    // Without corrections it is the machine's.
    let plain = fixture.grid(ada).await;
    assert_eq!(beats(&plain), machine());
    assert_eq!(plain["summary"]["tempo_bpm"], 120.0);
    assert_eq!(plain["summary"]["origins"], json!({ "machine": 120, "corrected": 0, "inferred": 0 }));
    let said = json!([{ "kind": "beat", "time_ms": 10_060, "moved_from_ms": 10_000 }, { "kind": "downbeat", "time_ms": 20_500 }]);
    let made = fixture.said(ada, said).await;
    let response = fixture.regrid(ada, None).await;
    assert_eq!(response.headers()["location"], path);
    let grid: Value = response.json().await.unwrap();
    assert!(beats(&grid).contains(&10_060) && !beats(&grid).contains(&10_000));
    let event = |time: u64, kind: &str| {
        let events = grid["events"].as_array().unwrap();
        events.iter().find(|e| e["time_ms"] == time && e["event_type"] == kind).cloned()
    };
    let moved = event(10_060, "beat").unwrap();
    assert_eq!(moved["event_data"], json!({ "bar": 6, "position": 1, "origin": "corrected" }));
    assert_eq!(moved["confidence"], 1.0);
    assert!(event(20_500, "downbeat").is_some() && event(22_500, "downbeat").is_some());
    assert!(event(22_000, "downbeat").is_none());
    assert_eq!(grid["corrections"], 2);
    // Stored, and not sent again to who has it.
    let stored = fixture.server.get(ada, &path).await;
    let etag = stored.headers()["etag"].clone();
    assert_eq!(stored.json::<Value>().await.unwrap(), grid);
    assert_eq!(grid["summary"]["origins"], json!({ "machine": 118, "corrected": 2, "inferred": 0 }));
    let again =
        fixture.server.request(ada, Method::GET, &path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    let part = fixture.server.json(ada, &format!("{path}?from_ms=1000&to_ms=2000")).await;
    assert_eq!(beats(&part), [1000, 1500]);
    // Through some of them.
    let first = json!({ "correction_ids": [made["corrections"][0]["id"]] });
    let some: Value = fixture.regrid(ada, Some(first)).await.json().await.unwrap();
    assert_eq!((&some["corrections"], beats(&some).contains(&10_060)), (&json!(1), true));
    assert_ne!(fixture.server.get(ada, &path).await.headers()["etag"], etag);
    let odd = fixture.regrid(ada, Some(json!({ "correction_ids": [Uuid::new_v4()] }))).await;
    assert_eq!(pointers(&expect_problem(odd, 422, "validation-failed").await), ["#/correction_ids/0"]);
    let odd = fixture.server.get(ada, &format!("{path}?from_ms=2000&to_ms=1000")).await;
    assert_eq!(pointers(&expect_problem(odd, 422, "validation-failed").await), ["to_ms"]);
    for (body, pointer) in [
        (json!([]), "#"),
        (json!({ "correction_ids": ["x"] }), "#/correction_ids/0"),
        (json!({ "results_version": 1 }), "#/results_version"),
    ] {
        let odd = fixture.regrid(ada, Some(body)).await;
        assert_eq!(pointers(&expect_problem(odd, 422, "validation-failed").await), [pointer]);
    }
    // Undone.
    fixture.send(ada, Method::DELETE, &fixture.corrections(), None).await;
    assert_eq!(beats(&fixture.grid(ada).await), machine());
    assert_eq!(fixture.send(ada, Method::DELETE, &path, None).await.status(), 204);
    expect_problem(fixture.server.get(ada, &path).await, 404, "not-found").await;
    expect_problem(fixture.send(ada, Method::DELETE, &path, None).await, 404, "not-found").await;
    let audited = "SELECT count(*) FROM audit_log WHERE event_type = 'grid.deleted'";
    assert_eq!(fixture.server.count(audited).await, 1);
}

#[tokio::test]
async fn taps_choose_the_level_of_the_whole() {
    let fixture = Fixture::completed().await;
    // On every second beat, 60 ms late.
    let taps: Vec<Value> =
        (10..26).map(|i| json!({ "kind": "tap", "time_ms": i * 1000 + 60 + i * 7 % 20 })).collect();
    fixture.said(&fixture.ada, json!(taps)).await;
    let grid = fixture.grid(&fixture.ada).await;
    assert_eq!(beats(&grid), machine().into_iter().step_by(2).collect::<Vec<_>>());
    let row = &grid["summary"]["tap_rows"][0];
    assert_eq!(row["taps"], 16);
    let latency = row["latency_ms"].as_f64().unwrap();
    assert!((50.0..85.0).contains(&latency), "{latency}");
}

#[tokio::test]
async fn a_grid_of_results_that_were_replaced_is_told_so() {
    let fixture = Fixture::completed().await;
    let ada = &fixture.ada;
    let first = fixture.grid(ada).await;
    fixture
        .server
        .execute("UPDATE track_analyses SET completed_at = completed_at + interval '1 microsecond'")
        .await;
    let path = format!("/v1/analyses/{}/grid", fixture.analysis);
    expect_problem(fixture.server.get(ada, &path).await, 409, "results-replaced").await;
    let stale = fixture.regrid(ada, Some(json!({ "results_version": first["results_version"] }))).await;
    expect_problem(stale, 409, "results-replaced").await;
    let fresh = fixture.grid(ada).await;
    assert_ne!(fresh["results_version"], first["results_version"]);
    assert_eq!(fixture.server.get(ada, &path).await.status(), 200);
}

#[tokio::test]
async fn before_an_analysis_is_done_people_may_speak_and_wait() {
    let fixture = Fixture::new().await;
    // The length is not known yet.
    fixture.said(&fixture.ada, json!([{ "kind": "tap", "time_ms": 3_600_000 }])).await;
    let wait = fixture.regrid(&fixture.ada, None).await;
    assert_eq!((wait.status().as_u16(), wait.headers().contains_key("retry-after")), (202, true));
    let path = format!("/v1/analyses/{}/grid", fixture.analysis);
    assert_eq!(fixture.server.get(&fixture.ada, &path).await.status(), 202);
    complete(&fixture.server, DURATION_MS).await;
    // A tap beyond the end counts as its end.
    assert_eq!(beats(&fixture.grid(&fixture.ada).await), machine());
}

#[tokio::test]
async fn the_same_key_makes_corrections_and_grids_once() {
    let fixture = Fixture::completed().await;
    let (list, regrid) = (fixture.corrections(), format!("/v1/analyses/{}/regrid", fixture.analysis));
    let body = json!({ "corrections": [{ "kind": "beat", "time_ms": 1040 }] });
    for (path, body) in [(&list, Some(body)), (&regrid, None)] {
        let send = async || {
            let request =
                fixture.server.request(&fixture.ada, Method::POST, path).header("idempotency-key", path);
            let response =
                body.iter().fold(request, |request, body| request.json(body)).send().await.unwrap();
            assert!(response.status().is_success());
            response.json::<Value>().await.unwrap()
        };
        assert_eq!(send().await, send().await);
    }
    assert_eq!(fixture.server.count("SELECT count(*) FROM beat_corrections").await, 1);
    // Of a grid its id is kept, however large it is; once another took its place it is not given for that one.
    let kept =
        "SELECT count(*) FROM idempotency_keys WHERE operation LIKE '%/regrid' AND length(body::text) < 100";
    assert_eq!(fixture.server.count(kept).await, 1);
    fixture.grid(&fixture.ada).await;
    let request = fixture.server.request(&fixture.ada, Method::POST, &regrid);
    let again = request.header("idempotency-key", &regrid).send().await.unwrap();
    expect_problem(again, 409, "results-replaced").await;
}

/// Prints what decoding again takes, request to answer: `cargo test -p api --test http corrections -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "prints times"]
async fn what_decoding_again_costs() {
    for (name, minutes) in [("5 min", 5), ("10 h", 600)] {
        let fixture = Fixture::new().await;
        complete(&fixture.server, minutes * 60_000).await;
        let cases = [
            ("nothing", json!([])),
            ("a dragged beat", json!([{ "kind": "beat", "time_ms": 60_080, "moved_from_ms": 60_000 }])),
            ("double", json!([{ "kind": "tempo", "time_ms": 0, "factor": "double" }])),
            (
                "16 taps at 333 ms",
                json!(
                    (0..16)
                        .map(|i| json!({ "kind": "tap", "time_ms": 120_000 + i * 333 }))
                        .collect::<Vec<_>>()
                ),
            ),
        ];
        for (case, said) in cases {
            fixture.send(&fixture.ada, Method::DELETE, &fixture.corrections(), None).await;
            if said != json!([]) {
                fixture.said(&fixture.ada, said).await;
            }
            let mut times = Vec::new();
            for _ in 0..if minutes > 5 { 2 } else { 9 } {
                let started = std::time::Instant::now();
                fixture.grid(&fixture.ada).await;
                times.push(started.elapsed());
            }
            times.sort();
            println!(
                "{name}, {case}: median {:.1?}, worst {:.1?}",
                times[times.len() / 2],
                times[times.len() - 1]
            );
        }
    }
}

#[tokio::test]
async fn as_many_corrections_as_may_be_made_fit_in_a_request_however_long_they_are() {
    let fixture = Fixture::completed().await;
    let moved = |i: u32| {
        json!({"kind": "beat", "time_ms": i * 11, "end_time_ms": null, "moved_from_ms": i * 11 + 1,
               "factor": null, "beats_per_bar": null})
    };
    let made = fixture.said(&fixture.ada, (0..5000).map(moved).collect()).await;
    assert_eq!(made["corrections"].as_array().unwrap().len(), 5000);
}

#[tokio::test]
async fn an_export_holds_the_corrected_beats_where_they_are_asked_for() {
    let fixture = Fixture::completed().await;
    let ada = &fixture.ada;
    let export = async |person: &Person, what: &str| {
        let path = format!("/v1/analyses/{}/export/{what}", fixture.analysis);
        let response = fixture.send(person, Method::GET, &path, None).await;
        assert_eq!(response.status(), 200, "{what}");
        (response.headers()["etag"].clone(), response.text().await.unwrap())
    };
    let heard = export(ada, "json").await;
    assert_eq!(export(ada, "json?beats=corrected").await, heard, "nothing is corrected yet");
    fixture.said(ada, json!([{ "kind": "tempo", "time_ms": 0, "factor": "double" }])).await;
    let grid = fixture.grid(ada).await;

    assert_eq!(export(ada, "json").await, heard);
    assert_eq!(export(ada, "json?beats=machine").await, heard);
    let (etag, corrected) = export(ada, "json?beats=corrected").await;
    assert_ne!(etag, heard.0);
    let mut document: Value = serde_json::from_str(&corrected).unwrap();
    assert_eq!(beats(&document), beats(&grid));
    assert_ne!(beats(&document), machine());
    let downbeats = |of: &Value| {
        let events = of["events"].as_array().unwrap().iter();
        events.filter(|e| e["event_type"] == "downbeat").map(|e| e["time_ms"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(downbeats(&document), downbeats(&grid));
    for field in ["tempo_bpm", "tempo_curve", "time_signature", "time_signatures", "beat_count", "bar_count"]
    {
        assert_eq!(document["summary"][field].take(), grid["summary"][field], "{field}");
    }
    let rekordbox = export(ada, "rekordbox?beats=corrected").await.1;
    assert!(rekordbox.contains(r#"Bpm="240.00""#) && !rekordbox.contains(r#"Bpm="120.00""#), "{rekordbox}");

    let path = format!("/v1/analyses/{}/export/json?beats=mine", fixture.analysis);
    let problem =
        expect_problem(fixture.send(ada, Method::GET, &path, None).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["beats"]);
}
