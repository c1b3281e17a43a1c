//! Exports as files: the bytes that the command writes, under a safe name, and when there are none.

use crate::results::{Fixture, MODERATOR, events_of_every_shape};
use crate::support::{expect_problem, id, pointers};
use analysis_core::events::Event;
use analysis_core::summary::Summary;
use export::rekordbox::Collection;
use export::{Track, audacity, csv, document, jams};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Cursor;
use store::queue::{self, Failure};
use uuid::Uuid;

const FORMS: [&str; 6] = ["json", "jsonl", "jams", "csv", "audacity", "rekordbox"];

fn summary() -> Summary {
    Summary {
        tempo_bpm: Some(120.1),
        beat_count: Some(40),
        time_signature: Some("4/4".into()),
        ..Summary::default()
    }
}

/// What the writers of forms make of an analysis.
fn written(fixture: &Fixture, form: &str, name: &str, events: &Vec<Event>) -> Vec<u8> {
    let (manifest, summary) = (&fixture.made.manifest, summary());
    let track = Track {
        title: name,
        fingerprint: manifest.fingerprint.as_deref(),
        analyzer_version: &manifest.analyzer_version,
        ..Track::new(name, &manifest.audio, &summary, events)
    };
    let mut out = Vec::new();
    match form {
        "json" => document::write(&track, manifest, &mut out),
        "jsonl" => document::write_line(&track, manifest, &mut out),
        "jams" => jams::write(&track, &mut out),
        "csv" => csv::Table::new(&mut out).and_then(|mut table| table.add(&track)),
        "audacity" => audacity::write(&track, &mut out),
        _ => {
            let mut collection = Collection::new(Cursor::new(Vec::new()));
            collection.add(&track).unwrap();
            collection.finish(&manifest.analyzer_version, &mut out)
        }
    }
    .unwrap();
    out
}

#[tokio::test]
async fn each_form_holds_what_the_command_writes() {
    let fixture = Fixture::running().await;
    fixture.complete(&summary(), events_of_every_shape()).await;
    // As they are stored: in order of time, those of one moment as they were made.
    let mut events = events_of_every_shape();
    events.sort_by_key(|event| event.time_ms);
    for (form, content_type, file) in [
        ("json", "application/json", "song.json"),
        ("jsonl", "application/x-ndjson", "song.jsonl"),
        ("jams", "application/json", "song.jams"),
        ("csv", "text/csv; charset=utf-8; header=present", "song.csv"),
        ("audacity", "text/plain; charset=utf-8", "song.txt"),
        ("rekordbox", "application/xml", "song.xml"),
    ] {
        let response = fixture.ask(&format!("export/{form}"), &[]).await;
        assert_eq!(response.status(), 200, "{form}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), content_type);
        assert_eq!(header("content-disposition"), format!("attachment; filename=\"{file}\""));
        assert_eq!(header("cache-control"), "private, no-cache");
        let (etag, length) = (header("etag"), header("content-length"));
        let body = response.bytes().await.unwrap();
        assert_eq!(length, body.len().to_string());
        assert_eq!(body, written(&fixture, form, "song", &events), "{form}");
        let again = fixture.ask(&format!("export/{form}"), &[("if-none-match", &etag)]).await;
        assert_eq!((again.status().as_u16(), header_text(&again, "etag")), (304, etag), "{form}");
        assert!(again.bytes().await.unwrap().is_empty());
    }
}

fn header_text(response: &reqwest::Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_export_comes_whole_from_disk() {
    let fixture = Fixture::running().await;
    let many: Vec<Event> = (0..200_u32)
        .flat_map(|i| {
            events_of_every_shape()
                .into_iter()
                .map(move |event| Event { time_ms: event.time_ms + i * 20_000, ..event })
        })
        .collect();
    let mut events = many.clone();
    events.sort_by_key(|event| event.time_ms);
    fixture.complete(&summary(), many).await;
    let expected = written(&fixture, "json", "song", &events);
    assert!(expected.len() > 1 << 20, "{} bytes would stay in memory", expected.len());
    assert_eq!(fixture.ask("export/json", &[]).await.bytes().await.unwrap(), expected);
}

#[tokio::test]
async fn the_file_is_called_as_the_track_is_now() {
    let fixture = Fixture::completed().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let track = format!("/v1/tracks/{}", id(&analysis["track_id"]));
    let before = fixture.ask("export/csv", &[]).await.headers()["etag"].clone();
    for (name, disposition) in [
        (
            "AC/DC: \"Für\"",
            "attachment; filename=\"AC_DC_ _F_r_.csv\"; filename*=UTF-8''AC_DC_%20_F%C3%BCr_.csv",
        ),
        ("..\\..\\x", "attachment; filename=\"_.._x.csv\""),
    ] {
        let request =
            fixture.server.request(&fixture.ada, Method::PATCH, &track).json(&json!({"name": name}));
        assert_eq!(request.send().await.unwrap().status(), 200);
        let response = fixture.ask("export/csv", &[]).await;
        assert_eq!(response.headers()["content-disposition"], disposition);
        assert_ne!(response.headers()["etag"], before);
        assert!(response.text().await.unwrap().contains(&name.replace('"', "\"\"")));
    }
}

#[tokio::test]
async fn what_cannot_be_exported_says_why() {
    let fixture = Fixture::running().await;
    for form in FORMS {
        let early = fixture.ask(&format!("export/{form}"), &[]).await;
        assert_eq!(early.status(), 202, "{form}");
        assert!(early.headers().contains_key("retry-after"));
        assert_eq!(early.json::<Value>().await.unwrap()["id"], json!(fixture.analysis));
    }
    let dat = expect_problem(fixture.ask("export/dat", &[]).await, 422, "validation-failed").await;
    assert_eq!(pointers(&dat), ["format"]);
    for none in ["export/mp3", "export/JSON", "export/%00"] {
        expect_problem(fixture.ask(none, &[]).await, 404, "not-found").await;
    }
    let failure =
        Failure { kind: "corrupt", message: "The file is damaged.", cause: "test", permanent: true };
    queue::fail(fixture.server.pool(), &fixture.lease, &failure).await.unwrap();
    for form in FORMS {
        let problem =
            expect_problem(fixture.ask(&format!("export/{form}"), &[]).await, 409, "analysis-failed").await;
        assert_eq!(problem["detail"], "The file is damaged.");
    }
}

#[tokio::test]
async fn exports_are_their_owners_and_those_a_role_lets_in() {
    let fixture = Fixture::completed().await;
    let eve = fixture.server.person("eve").await;
    let path = format!("/v1/analyses/{}/export", fixture.analysis);
    for form in FORMS.iter().chain(&["dat"]) {
        expect_problem(fixture.server.get(&eve, &format!("{path}/{form}")).await, 404, "not-found").await;
    }
    let nobodys = format!("/v1/analyses/{}/export/json", Uuid::new_v4());
    expect_problem(fixture.server.get(&fixture.ada, &nobodys).await, 404, "not-found").await;
    fixture.server.execute(MODERATOR).await;
    assert_eq!(fixture.server.get(&eve, &format!("{path}/json")).await.status(), 200);
    let audited = "SELECT count(*) FROM audit_log WHERE event_type = 'track.cross_user_access'";
    assert_eq!(fixture.server.count(audited).await, 1);
}

#[tokio::test]
async fn the_retired_endpoints_say_why_there_is_nothing() {
    let fixture = Fixture::running().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let track = id(&analysis["track_id"]);
    let ask = async |kind: &str| fixture.server.get(&fixture.ada, &format!("/v1/{kind}/{track}")).await;
    let failure =
        Failure { kind: "corrupt", message: "The file is damaged.", cause: "test", permanent: true };
    queue::fail(fixture.server.pool(), &fixture.lease, &failure).await.unwrap();
    for kind in ["audio-analysis", "audio-features"] {
        let problem = expect_problem(ask(kind).await, 409, "analysis-failed").await;
        assert_eq!(problem["detail"], "The file is damaged.", "{kind}");
    }
}

#[tokio::test]
async fn a_retired_endpoint_does_not_mix_results() {
    let fixture = Fixture::completed().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let path = format!("/v1/audio-analysis/{}", id(&analysis["track_id"]));
    // As if it were done again between any two looks.
    fixture
        .server
        .execute(
            "DO $$
             DECLARE columns TEXT;
             BEGIN
                 SELECT string_agg(CASE column_name WHEN 'completed_at' THEN 'clock_timestamp() AS completed_at'
                                   ELSE quote_ident(column_name) END, ', ' ORDER BY ordinal_position)
                   INTO columns FROM information_schema.columns WHERE table_name = 'track_analyses';
                 ALTER TABLE track_analyses RENAME TO kept_analyses;
                 EXECUTE 'CREATE VIEW track_analyses AS SELECT ' || columns || ' FROM kept_analyses';
             END $$",
        )
        .await;
    let busy = fixture.server.get(&fixture.ada, &path).await;
    assert!(busy.headers().contains_key("retry-after"));
    expect_problem(busy, 503, "unavailable").await;
}
