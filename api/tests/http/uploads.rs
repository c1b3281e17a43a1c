//! Uploads: what becomes a track, what is refused, and that nothing stays of what was not finished.

use crate::support::{Person, Server, eventually, expect_problem, id, pointers, wav};
use api::Config;
use futures::{StreamExt, stream};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

async fn send(server: &Server, person: &Person, form: Form) -> Response {
    server.request(person, Method::POST, "/v1/tracks").multipart(form).send().await.unwrap()
}

fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("../My Song.wav").mime_str("text/plain").unwrap()
}

async fn assert_nothing_stays(server: &Server) {
    let rows = "SELECT (SELECT count(*) FROM reference_tracks) + (SELECT count(*) FROM track_analyses)
                     + (SELECT count(*) FROM orphan_objects)";
    assert_eq!(server.count(rows).await, 0);
    assert_eq!(server.files(), Vec::<std::path::PathBuf>::new());
}

async fn becomes_a_track(server: Server) {
    let ada = server.person("ada").await;
    let audio = wav(100_000);
    let form = Form::new()
        .text("artist", "Ada")
        .text("tags", "a, b")
        .part("file", file(audio.clone()))
        .text("tags", "c")
        .text("analysis_type", "rhythm")
        .text("parameters", "{\"hop_ms\": 5}");
    let response = send(&server, &ada, form).await;
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    let track = &body["track"];
    assert_eq!(location, format!("/v1/tracks/{}", track["id"].as_str().unwrap()));
    assert_eq!(track["name"], "My Song");
    assert_eq!(track["artist"], "Ada");
    assert_eq!(track["tags"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(track["mime_type"], "audio/wav", "sniffed, not believed");
    assert_eq!(track["status"], "processing");
    assert_eq!(track["file_size_bytes"], audio.len());
    assert_eq!(track["content_sha256"], store::sessions::hex(&Sha256::digest(&audio)));
    assert_eq!(body["analysis"]["status"], "pending");
    assert_eq!(body["analysis"]["analysis_type"], "rhythm");
    assert_eq!(body["analysis"]["parameters"], serde_json::json!({"hop_ms": 5}));
    assert_eq!(&server.json(&ada, &location).await, track);
    assert!(server.has_audio(id(&track["id"])).await);
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 0);
    assert_eq!(server.count("SELECT count(*) FROM apalis.jobs").await, 1);
}

#[tokio::test]
async fn an_upload_becomes_a_track_and_a_pending_analysis() {
    becomes_a_track(Server::start().await).await;
}

#[tokio::test]
async fn an_upload_becomes_a_track_in_s3_too() {
    becomes_a_track(Server::on_s3().await).await;
}

#[tokio::test]
async fn a_raw_body_is_an_upload_too() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let request = server.request(&ada, Method::POST, "/v1/tracks?name=Raw&artist=Ada&analysis_type=spectral");
    let response = request.header("content-type", "audio/flac").body(wav(5000)).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["track"]["name"], "Raw");
    assert_eq!(body["track"]["mime_type"], "audio/wav");
    assert_eq!(body["analysis"]["analysis_type"], "spectral");
    let unknown_length = Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(wav(5000))]));
    let request = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", "audio/wav");
    expect_problem(request.body(unknown_length).send().await.unwrap(), 411, "length-required").await;
    let request = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", "text/html");
    expect_problem(request.body("<html>").send().await.unwrap(), 415, "unsupported-media-type").await;
}

#[tokio::test]
async fn what_is_no_audio_is_refused_and_leaves_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let html = Form::new().part("file", file(b"<!DOCTYPE html><title>song</title>".repeat(100)));
    expect_problem(send(&server, &ada, html).await, 415, "unsupported-media-type").await;
    let empty = Form::new().part("file", file(Vec::new()));
    let problem = expect_problem(send(&server, &ada, empty).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["file"]);
    let none = Form::new().text("name", "song");
    expect_problem(send(&server, &ada, none).await, 422, "validation-failed").await;
    let twice = Form::new().part("file", file(wav(100))).part("file", file(wav(100)));
    expect_problem(send(&server, &ada, twice).await, 422, "validation-failed").await;
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn fields_are_checked_and_a_refused_upload_leaves_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let form = Form::new()
        .part("file", file(wav(5000)))
        .text("name", "x".repeat(501))
        .text("artist", "a\u{7}b")
        .text("analysis_type", "deep")
        .text("parameters", "{\"bands\": 7}");
    let problem = expect_problem(send(&server, &ada, form).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["name", "artist", "analysis_type", "parameters/bands"]);
    for (field, value, pointer) in [
        ("colour", "red", "colour"),
        ("parameters", "{", "parameters"),
        ("parameters", "[10]", "parameters"),
        ("parameters", "{\"hops\": 1}", "parameters/hops"),
        ("parameters", "{\"hop_ms\": \"x\"}", "parameters/hop_ms"),
    ] {
        let form = Form::new().part("file", file(wav(5000))).text(field, value);
        let problem = expect_problem(send(&server, &ada, form).await, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer]);
    }
    // What a form does not know is not read: no audio is said to be no text.
    let misnamed = Form::new().part("nofile", file(wav(5000)));
    let problem = expect_problem(send(&server, &ada, misnamed).await, 422, "validation-failed").await;
    assert_eq!(
        problem["errors"],
        serde_json::json!([{"pointer": "nofile", "detail": "is not a field of this form"}])
    );
    let nameless =
        [b"--b\r\nContent-Disposition: form-data\r\n\r\n".as_slice(), &wav(100), b"\r\n--b--\r\n"].concat();
    let request = server.request(&ada, Method::POST, "/v1/tracks");
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(nameless);
    let problem = expect_problem(request.send().await.unwrap(), 400, "malformed-request").await;
    assert!(problem["detail"].as_str().unwrap().contains("no name"), "{problem}");
    let twice = Form::new().text("name", "a").text("name", "b").part("file", file(wav(100)));
    expect_problem(send(&server, &ada, twice).await, 422, "validation-failed").await;
    let long = Form::new().text("description", "x".repeat(70_000)).part("file", file(wav(100)));
    expect_problem(send(&server, &ada, long).await, 413, "payload-too-large").await;
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn malformed_forms_are_refused_and_leave_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let cut = [head.as_bytes(), &wav(3000)].concat();
    let headless = b"--b\r\n\r\nx\r\n--b--\r\n".to_vec();
    let bodies: [(&str, Vec<u8>); 5] = [
        ("multipart/form-data; boundary=b", cut),
        ("multipart/form-data; boundary=b", headless),
        ("multipart/form-data; boundary=b", b"nothing of a form".to_vec()),
        ("multipart/form-data", b"--b--".to_vec()),
        ("multipart/form-data; boundary=b", Vec::new()),
    ];
    for (content_type, body) in bodies {
        let request = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", content_type);
        let response = request.body(body.clone()).send().await.unwrap();
        assert!(
            response.status().is_client_error(),
            "{} {:?}",
            response.status(),
            String::from_utf8_lossy(&body)
        );
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn an_upload_over_the_limit_is_refused_and_leaves_nothing() {
    let server = Server::with(Config { max_upload_bytes: 50_000, ..Config::default() }).await;
    let ada = server.person("ada").await;
    let form = Form::new().part("file", file(wav(50_001)));
    expect_problem(send(&server, &ada, form).await, 413, "payload-too-large").await;
    let raw = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", "audio/wav");
    expect_problem(raw.body(wav(50_001)).send().await.unwrap(), 413, "payload-too-large").await;
    assert_nothing_stays(&server).await;
    let form = Form::new().part("file", file(wav(50_000)));
    assert_eq!(send(&server, &ada, form).await.status(), 201);
}

/// An upload that announces a megabyte and sends a part of it.
async fn begin_upload(server: &Server, person: &Person) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/tracks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 1000000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n",
        person.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&wav(400_000)).await.unwrap();
    stream
}

#[tokio::test]
async fn a_connection_that_breaks_midway_leaves_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let stream = begin_upload(&server, &ada).await;
    eventually("bytes are stored", || async { !server.files().is_empty() }).await;
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 1);
    drop(stream);
    eventually("the entry is gone", || async {
        server.count("SELECT count(*) FROM orphan_objects").await == 0
    })
    .await;
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn a_person_has_so_many_uploads_under_way() {
    let server = Server::with(Config { max_uploads_at_once: 1, ..Config::default() }).await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let under_way = begin_upload(&server, &ada).await;
    eventually("bytes are stored", || async { !server.files().is_empty() }).await;
    let form = || Form::new().part("file", file(wav(5000)));
    expect_problem(send(&server, &ada, form()).await, 409, "too-many-uploads").await;
    assert_eq!(send(&server, &eve, form()).await.status(), 201);
    drop(under_way);
    eventually("the place is free", || async { send(&server, &ada, form()).await.status() == 201 }).await;
}

#[tokio::test]
async fn a_client_that_falls_silent_is_given_up() {
    let server =
        Server::with(Config { upload_idle_timeout: Duration::from_millis(200), ..Config::default() }).await;
    let ada = server.person("ada").await;
    let mut stream = begin_upload(&server, &ada).await;
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request-timeout"), "{answer}");
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn an_upload_that_the_end_of_the_server_breaks_off_leaves_nothing() {
    let config = Config { drain_timeout: Duration::from_secs(10), ..Config::default() };
    let mut server = Server::with(config).await;
    let ada = server.person("ada").await;
    let endless = stream::iter([Ok::<_, std::io::Error>(wav(5000))]).chain(stream::pending());
    let form = Form::new().part("file", Part::stream(Body::wrap_stream(endless)).file_name("a.wav"));
    let sending = server.request(&ada, Method::POST, "/v1/tracks").multipart(form);
    let sending = tokio::spawn(sending.send());
    eventually("storing has begun", || async { !server.files().is_empty() }).await;
    server.end().await;
    expect_problem(sending.await.unwrap().unwrap(), 503, "unavailable").await;
    assert_nothing_stays(&server).await;
}
