//! What a running analysis shows of itself: a picture that grows, and never shows what will not be there in the end.

use crate::results::{Fixture, config, make};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;
use store::queue::{self, Failure, Progress};
use store::results::{self, Writer};

#[track_caller]
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn every_level_grows_with_the_chunks_and_shows_what_will_be_there() {
    let fixture = Fixture::running().await;
    let writer = Writer::new(&fixture.lease, &config()).unwrap();
    let width = fixture.made.layout.bytes_per_frame();
    let mut finest = 0;
    for stored in 0..fixture.made.chunks.len() {
        let chunk = &fixture.made.chunks[stored];
        results::append(fixture.server.pool(), &writer, std::slice::from_ref(chunk)).await.unwrap();
        if chunk.level == 0 {
            finest += chunk.frame_count;
        }
        for level in 0..3_u32 {
            let response = fixture.ask(&format!("frames?level={level}"), &[]).await;
            assert_eq!(response.status(), 200);
            assert_eq!(
                (header(&response, "arsis-complete"), header(&response, "cache-control")),
                ("false", "no-store")
            );
            assert!(!response.headers().contains_key("etag"));
            // The last frame of a coarse level may sum up fewer: it is there when its own chunk is.
            let own = fixture.made.chunks[..=stored].iter().filter(|chunk| chunk.level == level);
            let own: u32 = own.map(|chunk| chunk.frame_count).sum();
            let frames = own.max(finest / 8_u32.pow(level));
            let hop_ms = 10 * 8_u32.pow(level);
            assert_eq!(header(&response, "arsis-available-ms"), (frames * hop_ms).to_string());
            assert_eq!(header(&response, "arsis-frame-count"), frames.to_string(), "{stored} {level}");
            let whole = &fixture.made.levels[level as usize];
            assert_eq!(response.bytes().await.unwrap(), whole[..frames as usize * width]);
        }
    }
}

#[tokio::test]
async fn what_grows_is_sent_whatever_the_client_has() {
    let fixture = Fixture::running().await;
    let writer = Writer::new(&fixture.lease, &config()).unwrap();
    results::append(fixture.server.pool(), &writer, &fixture.made.chunks[..1]).await.unwrap();
    let frames = fixture.ask("frames?level=0", &[("if-none-match", "*")]).await;
    assert_eq!(frames.status(), 200);
    let chunk = fixture.ask("chunks/0", &[]).await;
    assert_eq!((chunk.status().as_u16(), header(&chunk, "arsis-complete")), (200, "false"));
}

#[tokio::test]
async fn a_span_of_what_is_made_of_finer_frames_is_cut_to_the_span() {
    let fixture = Fixture::running().await;
    fixture.write(2).await;
    let check = async |query: &str, level: usize, from: usize, to: usize| {
        let response = fixture.ask(&format!("frames?{query}"), &[]).await;
        assert_eq!(header(&response, "arsis-start-frame"), from.to_string(), "{query}");
        assert_eq!(response.bytes().await.unwrap(), fixture.frames(level, from, to), "{query}");
    };
    check("level=0&from_ms=10235&to_ms=10241", 0, 1023, 1025).await;
    check("level=1&from_ms=800&to_ms=2000", 1, 10, 25).await;
    check("level=1&from_ms=20000&to_ms=30000", 1, 250, 256).await;
    check("level=2&from_ms=640", 2, 1, 32).await;
    check("level=0&from_ms=25000", 0, 2048, 2048).await; // nothing yet
    let json = fixture.ask("frames?level=2&from_ms=640", &[("accept", "application/json")]).await;
    assert_eq!(header(&json, "arsis-complete"), "false");
    assert_eq!(json.json::<Value>().await.unwrap()["frame_count"], 31);
}

#[tokio::test]
async fn the_level_is_the_one_that_suits_the_whole() {
    let fixture = Fixture::running().await;
    fixture.write(1).await;
    let level = async || header(&fixture.ask("frames?max_frames=1200", &[]).await, "arsis-level").to_owned();
    assert_eq!(level().await, "0", "as far as is known");
    let progress = Progress { done_ms: 10_000, total_ms: Some(30_000) };
    let renewal =
        queue::renew(fixture.server.pool(), &fixture.lease, progress, Duration::from_secs(60)).await;
    assert_eq!(renewal.unwrap(), queue::Renewal::Renewed { cancel_requested: false });
    assert_eq!(level().await, "1", "3,000 frames of level 0 will be too many");
}

#[tokio::test]
async fn a_manifest_of_what_is_there_cannot_be_taken_for_the_whole() {
    let fixture = Fixture::running().await;
    fixture.write(2).await;
    let response = fixture.ask("manifest", &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        (header(&response, "arsis-complete"), header(&response, "cache-control")),
        ("false", "no-store")
    );
    assert!(!response.headers().contains_key("arsis-results-version"));
    let manifest: Value = response.json().await.unwrap();
    assert_eq!((&manifest["complete"], &manifest["duration_ms"]), (&json!(false), &Value::Null));
    assert_eq!((&manifest["frame_count"], &manifest["available_ms"]), (&json!(2048), &json!(20_480)));
    assert_eq!(
        manifest["frame_layout"],
        serde_json::from_str::<Value>(&serde_json::to_string(&fixture.made.layout).unwrap()).unwrap()
    );
    let levels: Vec<_> =
        manifest["levels"].as_array().unwrap().iter().map(|level| level["frame_count"].clone()).collect();
    assert_eq!(levels, [2048, 256, 32]);
    assert!(analysis_core::manifest::Manifest::from_json(manifest.to_string().as_bytes()).is_err());
}

#[tokio::test]
async fn another_attempt_goes_by_another_name() {
    let fixture = Fixture::running().await;
    fixture.write(2).await;
    let attempt = async || header(&fixture.ask("frames", &[]).await, "arsis-attempt").to_owned();
    let first = attempt().await;
    assert_eq!(attempt().await, first);
    let failure = Failure { kind: "storage", message: "It went away.", cause: "test", permanent: false };
    queue::fail(fixture.server.pool(), &fixture.lease, &failure).await.unwrap();
    assert_eq!(fixture.ask("frames", &[]).await.status(), 202, "what a lost attempt left is nobody's");
    assert_eq!(fixture.ask("manifest", &[]).await.status(), 202);
    fixture.server.execute("UPDATE track_analyses SET next_run_at = now(), turn = 0").await;
    let claim = queue::claim(fixture.server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap();
    let writer = Writer::new(&claim.lease, &config()).unwrap();
    results::append(fixture.server.pool(), &writer, &make().chunks[..1]).await.unwrap();
    assert_ne!(attempt().await, first);
}

#[tokio::test]
async fn what_is_complete_says_so() {
    let fixture = Fixture::completed().await;
    for path in ["frames", "manifest"] {
        let response = fixture.ask(path, &[]).await;
        assert_eq!(header(&response, "arsis-complete"), "true", "{path}");
        assert_eq!(header(&response, "cache-control"), "private, no-cache", "{path}");
        assert!(response.headers().contains_key("etag"));
    }
}
