//! The viewer: its sources are sound, what is served is built from them, and it works in Chromium against a live server
//! (`web/tests`).

use crate::live::Live;
use crate::node::{chromium, node, run};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use testmusic::Score;
use uuid::Uuid;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web");

/// Files below a folder, by their path within it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[test]
fn the_sources_pass_the_compilers_checks() {
    for project in [".", "tests"] {
        let mut check = node(FOLDER);
        check.args(["node_modules/typescript/bin/tsc", "--noEmit", "-p", project]);
        run(check);
    }
}

#[test]
fn what_is_served_is_built_from_the_sources() {
    let folder = tempfile::tempdir().unwrap();
    let mut build = node(FOLDER);
    build.args(["node_modules/vite/bin/vite.js", "build", "--emptyOutDir", "--outDir"]).arg(folder.path());
    run(build);
    let committed = Path::new(FOLDER).join("dist");
    let (made, there) = (files(folder.path()), files(&committed));
    if made != there && std::env::var_os("UPDATE").is_some() {
        fs::remove_dir_all(&committed).unwrap();
        for (path, content) in made {
            let path = committed.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        return;
    }
    assert!(made == there, "web/dist is not built from these sources: UPDATE=1 writes it");
}

/// Ten hours of clicks at 120 BPM, 8 kHz, mono, a byte a sample: little to store, and as many frames as any music has.
fn write_ten_hours(path: &Path) {
    const RATE: u32 = 8000;
    const SECONDS: u32 = 36_000;
    let mut file = BufWriter::new(File::create(path).unwrap());
    let bytes = RATE * SECONDS;
    for part in [b"RIFF".as_slice(), &(36 + bytes).to_le_bytes(), b"WAVEfmt ", &16_u32.to_le_bytes()] {
        file.write_all(part).unwrap();
    }
    for short in [1_u16, 1] {
        file.write_all(&short.to_le_bytes()).unwrap();
    }
    for long in [RATE, RATE] {
        file.write_all(&long.to_le_bytes()).unwrap();
    }
    for short in [1_u16, 8] {
        file.write_all(&short.to_le_bytes()).unwrap();
    }
    file.write_all(b"data").unwrap();
    file.write_all(&bytes.to_le_bytes()).unwrap();
    let click = |at: u32| if at % 4000 < 80 && (at / 8).is_multiple_of(2) { 250 } else { 128 };
    let second: Vec<u8> = (0..RATE).map(click).collect();
    for _ in 0..SECONDS {
        file.write_all(&second).unwrap();
    }
    file.flush().unwrap();
}

/// Uploads ten hours; gives the track's id and its analysis'.
async fn upload_ten_hours(live: &Live) -> (String, Uuid) {
    let path = live.folder().join("long.wav");
    write_ten_hours(&path);
    let length = fs::metadata(&path).unwrap().len();
    let body = reqwest::Body::from(tokio::fs::File::open(&path).await.unwrap());
    let request = live.request(Method::POST, "/v1/tracks?name=Ten+hours").body(body);
    let request = request.header("content-type", "audio/wav").header("content-length", length);
    let made: Value = live.json(request).await;
    fs::remove_file(&path).unwrap();
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    (id(&made["track"]), id(&made["analysis"]).parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_in_chromium() {
    let mut live = Live::start(&[]).await;
    live.work();
    let audio = live.folder().join("demo.wav");
    fs::write(&audio, Score::demo().render().wav()).unwrap();
    let (long, analysis) = upload_ten_hours(&live).await;
    live.completed(analysis).await;
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("viewer");
    let mut test = node(FOLDER);
    test.args(["node_modules/@playwright/test/cli.js", "test"]);
    test.env("ARSIS_URL", &live.url).env("ARSIS_TOKEN", &live.token).env("ARSIS_CHROMIUM", chromium());
    test.env("ARSIS_AUDIO", audio).env("ARSIS_LONG_TRACK", long).env("ARSIS_TEST_OUTPUT", output);
    let told = tokio::task::spawn_blocking(move || run(test)).await.unwrap();
    println!("{told}");
}
