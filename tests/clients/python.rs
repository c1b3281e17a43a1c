//! The example client in Python against a live server: what it reads is what the server says. And what it does when answers fail.

use crate::live::{Live, python};
use crate::node::run;
use reqwest::Method;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/client.py");

async fn client(live: &Live, token: &str, audio: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(python());
    command.arg(CLIENT).arg(audio).args(arguments).current_dir(live.folder());
    command.env("ARSIS_URL", &live.url).env("ARSIS_TOKEN", token);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_uploads_follows_and_reads() {
    let mut live = Live::start(&[]).await;
    live.work();
    let output = client(&live, &live.token, &live.music(), &["--json", "--npy", "bands.npy"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("completed 100%"));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let analysis = said["analysis"].as_str().unwrap();

    let page = format!("/v1/analyses/{analysis}/events?type=beat&limit=1000");
    let page = live.json(live.request(Method::GET, &page)).await;
    let beats: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|beat| &beat["time_ms"]).collect();
    assert!(!beats.is_empty());
    assert_eq!(said["beats_ms"].as_array().unwrap().iter().collect::<Vec<_>>(), beats);

    let frames = format!("/v1/analyses/{analysis}/frames?max_frames=2000");
    let frames = live.json(live.request(Method::GET, &frames).header("accept", "application/json")).await;
    assert_eq!(said["frames"]["frame-count"], frames["frame_count"]);
    let bands = std::fs::read(live.folder().join("bands.npy")).unwrap();
    assert_eq!(values(&bands), bands_of(&frames));
}

/// The values of an array of 32-bit floats as numpy writes it.
fn values(npy: &[u8]) -> Vec<f32> {
    let header = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let text = String::from_utf8_lossy(&npy[10..10 + header]);
    assert!(text.contains("'<f4'") && text.contains("'fortran_order': False"), "{text}");
    npy[10 + header..].chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn bands_of(frames: &Value) -> Vec<f32> {
    let bands = frames["fields"].as_array().unwrap().iter().find(|field| field["name"] == "bands").unwrap();
    let rows = bands["values"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    rows.map(|value| value.to_string().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_the_server_says_is_wrong() {
    let live = Live::start(&[]).await;
    let refused = client(&live, "wrong", &live.music(), &[]).await;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("A session token is needed"), "{text}");
    let path = live.folder().join("no-audio.wav");
    std::fs::write(&path, "no audio").unwrap();
    let refused = client(&live, &live.token, &path, &[]).await;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("not supported"), "{text}");
}

#[test]
fn it_tries_again_what_passes() {
    let mut test = Command::new(python());
    test.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python/tries.py"));
    test.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python"));
    run(test);
}
