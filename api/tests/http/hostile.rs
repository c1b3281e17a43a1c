//! Requests that no client library would send, over a bare socket: refused cleanly, and nothing of them stays.

use crate::support::{Person, Server, eventually, expect_problem, wav};
use api::Config;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n";
const FORM: &str = "Content-Type: multipart/form-data; boundary=b\r\n";

/// Sends a request head and pieces of a body; gives all that comes back. What the server no longer reads is no failure.
async fn exchange(server: &Server, head: String, body: &[&[u8]]) -> String {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let body: Vec<Vec<u8>> = body.iter().map(|piece| piece.to_vec()).collect();
    let sending = tokio::spawn(async move {
        writing.write_all(head.as_bytes()).await?;
        for piece in body {
            writing.write_all(&piece).await?;
        }
        Ok::<_, std::io::Error>(writing) // open until the answer has come
    });
    let mut answer = Vec::new();
    let whole = tokio::time::timeout(Duration::from_secs(30), async {
        let mut buffer = [0; 4096];
        // An answer that asks for more, or one without its body yet, is not all.
        while let Ok(read @ 1..) = reading.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
            if answer.ends_with(b"}") {
                break;
            }
        }
    });
    whole.await.unwrap();
    sending.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(person: &Person, headers: &str) -> String {
    format!(
        "POST /v1/tracks HTTP/1.1\r\nHost: arsis\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
        person.token
    )
}

/// A form sent in chunks, whose length nobody knows.
async fn send_form(server: &Server, person: &Person, pieces: &[&[u8]]) -> String {
    let mut chunked = Vec::new();
    for piece in pieces {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    exchange(server, post(person, &format!("{FORM}Transfer-Encoding: chunked\r\n")), &[&chunked]).await
}

#[track_caller]
fn check(answer: &str, status: u16, slug: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status} expected: {answer}");
    assert!(answer.contains(&format!("problems/{slug}\"")), "{slug} expected: {answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

async fn assert_nothing_stays(server: &Server) {
    eventually("what was begun is removed", || async {
        let rows = "SELECT (SELECT count(*) FROM reference_tracks) + (SELECT count(*) FROM track_analyses)
                         + (SELECT count(*) FROM orphan_objects)";
        server.count(rows).await == 0 && server.files().is_empty()
    })
    .await;
}

async fn begin(config: Config) -> (Server, Person) {
    let server = Server::with(config).await;
    let ada = server.person("ada").await;
    (server, ada)
}

#[tokio::test]
async fn a_body_too_large_by_its_own_word_is_refused_before_it_is_asked_for() {
    let (server, ada) = begin(Config::default()).await;
    let head =
        post(&ada, "Content-Type: audio/wav\r\nContent-Length: 3221225472\r\nExpect: 100-continue\r\n");
    let answer = exchange(&server, head, &[]).await;
    check(&answer, 413, "payload-too-large");
    assert!(!answer.contains("100 Continue"), "{answer}");
    for length in ["-1", "1e3", "18446744073709551616", "5, 6"] {
        let head = post(&ada, &format!("Content-Type: audio/wav\r\nContent-Length: {length}\r\n"));
        let answer = exchange(&server, head, &[b"RIFF"]).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{length}: {answer}");
    }
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_gets_it() {
    let (server, ada) = begin(Config::default()).await;
    let audio = wav(5000);
    let head = post(&ada, "Content-Type: audio/wav\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n");
    let answer = exchange(&server, head, &[&audio]).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created"), "{answer}");
    let stranger = Person { token: "0".repeat(64), ..ada };
    let head = post(&stranger, "Content-Type: audio/wav\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n");
    let answer = exchange(&server, head, &[]).await;
    check(&answer, 401, "unauthorized");
    assert!(!answer.contains("100 Continue"), "{answer}");
}

#[tokio::test]
async fn a_stream_that_goes_past_the_limit_is_refused() {
    let (server, ada) = begin(Config { max_upload_bytes: 50_000, ..Config::default() }).await;
    let audio = wav(50_001);
    let answer = send_form(&server, &ada, &[FILE.as_bytes(), &audio, b"\r\n--b--\r\n"]).await;
    check(&answer, 413, "payload-too-large");
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn malformed_forms_are_refused() {
    let (server, ada) = begin(Config::default()).await;
    let audio = wav(3000);
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
    };
    let many = field("tags", "t").repeat(10_000);
    let unknown = field("x", "y").repeat(10_000);
    let twice = field("artist", "x").repeat(2);
    let all_tags = field("tags", &"t,".repeat(30_000)).repeat(40);
    let endless = vec![b'x'; 8 << 20];
    let lines = "X-A: b\r\n".repeat(1000);
    let nested = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\
                  \r\n--c\r\nContent-Disposition: file; filename=\"a.wav\"\r\n\r\nRIFF\r\n--c--\r\n--b--\r\n";
    let end: &[u8] = b"\r\n--b--\r\n";
    let cases: [(&str, Vec<&[u8]>, u16, &str); 12] = [
        ("no end", vec![FILE.as_bytes(), &audio], 400, "malformed-request"),
        ("no parts", vec![b"--b--\r\n"], 422, "validation-failed"),
        ("a preamble without end", vec![&endless], 413, "payload-too-large"),
        ("headers without end", vec![b"--b\r\nX: ", &endless], 413, "payload-too-large"),
        ("a thousand headers", vec![b"--b\r\n", lines.as_bytes(), b"\r\n", end], 400, "malformed-request"),
        ("nested", vec![nested.as_bytes()], 415, "unsupported-media-type"),
        ("ten thousand labels", vec![&many, end], 400, "malformed-request"),
        ("labels of two megabytes", vec![&all_tags, end], 413, "payload-too-large"),
        ("ten thousand parts of no meaning", vec![&unknown, end], 422, "validation-failed"),
        ("a field twice", vec![&twice, FILE.as_bytes(), &audio, end], 422, "validation-failed"),
        (
            "two files",
            vec![FILE.as_bytes(), &audio, b"\r\n", FILE.as_bytes(), &audio, end],
            422,
            "validation-failed",
        ),
        ("another boundary", vec![b"--c\r\n\r\n--c--\r\n"], 400, "malformed-request"),
    ];
    for (what, pieces, status, slug) in cases {
        let answer = send_form(&server, &ada, &pieces).await;
        assert!(!answer.is_empty(), "{what}");
        eprintln!("{what}");
        check(&answer, status, slug);
    }
    let head = post(&ada, "Content-Type: multipart/form-data\r\nContent-Length: 5\r\n");
    check(&exchange(&server, head, &[b"--b--"]).await, 400, "malformed-request");
    assert_nothing_stays(&server).await;
    let late = [FILE.as_bytes(), &audio, b"\r\n", &field("name", "late"), b"--b--\r\n"];
    let answer = send_form(&server, &ada, &late).await;
    assert!(answer.starts_with("HTTP/1.1 201") && answer.contains("\"name\":\"late\""), "{answer}");
}

#[tokio::test]
async fn names_of_files_lead_nowhere() {
    let (server, ada) = begin(Config::default()).await;
    let audio = wav(3000);
    for (file_name, name) in [
        ("../../../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system"),
        ("/", "Untitled"),
        ("a\tb.wav", "ab"),
        ("%00%2e%2e%2fx.wav", "%00%2e%2e%2fx"),
        ("\\\"; filename=\\\"b.wav", "\"; filename=\"b"),
        ("'; DROP TABLE reference_tracks; --.wav", "'; DROP TABLE reference_tracks; --"),
    ] {
        let part =
            format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n");
        let answer = send_form(&server, &ada, &[part.as_bytes(), &audio, b"\r\n--b--\r\n"]).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{file_name}: {answer}");
        let body: Value =
            serde_json::from_str(&answer[answer.find("{\"").unwrap()..=answer.rfind('}').unwrap()]).unwrap();
        assert_eq!(body["track"]["name"], name, "{file_name}");
    }
    let bell = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\x07.wav\"\r\n\r\n";
    let answer = send_form(&server, &ada, &[bell, &audio, b"\r\n--b--\r\n"]).await;
    check(&answer, 400, "malformed-request");
    let root = server.files();
    assert!(root.iter().all(|file| file.ends_with("audio")), "{root:?}");
}

#[tokio::test]
async fn text_stays_text_in_the_database_and_in_headers() {
    let (server, ada) = begin(Config::default()).await;
    let evil =
        "x'); DELETE FROM reference_tracks; --\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script> $1 \\ \u{202e}";
    let part = reqwest::multipart::Part::bytes(wav(3000)).file_name("a.wav");
    let fields = ["name", "description", "artist", "album", "genre"];
    let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, name| form.text(*name, evil));
    let form =
        form.text("tags", evil.replace(',', " ").chars().take(100).collect::<String>()).part("file", part);
    let response = server.request(&ada, Method::POST, "/v1/tracks").multipart(form).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let body: Value = response.json().await.unwrap();
    for name in fields {
        assert_eq!(body["track"][name], evil.trim(), "{name}");
    }
    let path = format!("/v1/tracks/{}/audio", body["track"]["id"].as_str().unwrap());
    let audio = server.get(&ada, &path).await;
    assert!(!audio.headers().contains_key("x-evil"));
    assert_eq!(audio.headers().get_all("content-disposition").iter().count(), 1);
    let search = reqwest::Url::parse_with_params("http://x/v1/tracks", [("q", "x'); DELETE")]).unwrap();
    let found = server.json(&ada, &format!("/v1/tracks?{}", search.query().unwrap())).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn packed_bodies_are_never_unpacked() {
    let (server, ada) = begin(Config::default()).await;
    for encoding in ["gzip", "zstd", "br", "deflate", "gzip, identity", "x"] {
        for kind in ["audio/wav", "multipart/form-data; boundary=b"] {
            let headers =
                format!("Content-Type: {kind}\r\nContent-Encoding: {encoding}\r\nContent-Length: 5\r\n");
            check(&exchange(&server, post(&ada, &headers), &[b"abcde"]).await, 415, "unsupported-media-type");
        }
    }
    let announced = server.request(&ada, Method::POST, "/v1/uploads").json(&json!({"size_bytes": 5}));
    let announced: Value = announced.send().await.unwrap().json().await.unwrap();
    let put = server.anonymous(Method::PUT, announced["url"].as_str().unwrap());
    let response = put.header("content-encoding", "gzip").body("abcde").send().await.unwrap();
    expect_problem(response, 415, "unsupported-media-type").await;
    assert!(server.files().is_empty());
    let plain =
        post(&ada, "Content-Type: audio/wav\r\nContent-Encoding: identity\r\nContent-Length: 3000\r\n");
    assert!(exchange(&server, plain, &[&wav(3000)]).await.starts_with("HTTP/1.1 201"));
}

#[tokio::test]
async fn what_only_says_that_it_is_audio_is_refused() {
    let (server, ada) = begin(Config::default()).await;
    let bomb = [&b"\x28\xb5\x2f\xfd"[..], &[0; 4096]].concat();
    for (what, bytes) in [
        ("html", b"<!DOCTYPE html><script>alert(1)</script>".to_vec()),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
        ("zip", [&b"PK\x03\x04"[..], &[0; 4096]].concat()),
        ("gzip", [&b"\x1f\x8b\x08\0"[..], &[0; 4096]].concat()),
        ("zstd", bomb),
        ("pdf", b"%PDF-1.7\n".repeat(100)),
        ("an executable", [&b"\x7fELF\x02"[..], &[0; 4096]].concat()),
        ("a picture in MP4's container", [&b"\0\0\0\x1cftypheic"[..], &[0; 4096]].concat()),
        ("html behind spaces", [&[b' '; 4096][..], b"<html>"].concat()),
        ("a cut signature", b"RIFF".to_vec()),
    ] {
        let request = server.request(&ada, Method::POST, "/v1/tracks?name=song.wav");
        let response = request.header("content-type", "audio/wav").body(bytes).send().await.unwrap();
        assert_eq!(response.status(), 415, "{what}");
        expect_problem(response, 415, "unsupported-media-type").await;
    }
    let empty = post(&ada, "Content-Type: audio/wav\r\nContent-Length: 0\r\n");
    check(&exchange(&server, empty, &[]).await, 422, "validation-failed");
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn checksums_that_were_announced_must_hold() {
    let (server, ada) = begin(Config::default()).await;
    let send = |header: &'static str, value: String| {
        let request = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", "audio/wav");
        request.header(header, value).body(wav(3000)).send()
    };
    let right = sha256_item(&wav(3000));
    for header in ["repr-digest", "content-digest"] {
        expect_problem(send(header, sha256_item(b"other")).await.unwrap(), 422, "validation-failed").await;
        expect_problem(send(header, "sha-256=abc".into()).await.unwrap(), 422, "validation-failed").await;
        assert_nothing_stays(&server).await;
    }
    let body: Value = send("repr-digest", right.clone()).await.unwrap().json().await.unwrap();
    let path = format!("/v1/tracks/{}/audio", body["track"]["id"].as_str().unwrap());
    assert_eq!(server.get(&ada, &path).await.headers()["repr-digest"], right);
}

fn sha256_item(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes)))
}

#[tokio::test]
async fn bodies_that_break_off_leave_nothing() {
    let (server, ada) = begin(Config::default()).await;
    let announced = server.request(&ada, Method::POST, "/v1/uploads").json(&json!({"size_bytes": 1_000_000}));
    let announced: Value = announced.send().await.unwrap().json().await.unwrap();
    let put = format!(
        "PUT {} HTTP/1.1\r\nHost: arsis\r\nContent-Length: 1000000\r\n\r\n",
        announced["url"].as_str().unwrap()
    );
    let raw = post(&ada, "Content-Type: audio/wav\r\nContent-Length: 1000000\r\n");
    for head in [put, raw] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&wav(400_000)).await.unwrap();
        eventually("bytes are stored", || async { !server.files().is_empty() }).await;
        drop(stream);
        eventually("nothing is stored", || async { server.files().is_empty() }).await;
    }
    let path = format!("/v1/uploads/{}/complete", announced["id"].as_str().unwrap());
    let complete = server.request(&ada, Method::POST, &path).send().await.unwrap();
    expect_problem(complete, 409, "upload-missing").await;
    assert_eq!(server.count("SELECT count(*) FROM reference_tracks").await, 0);
}

#[tokio::test]
async fn those_who_read_slowly_or_go_away_hold_nothing() {
    let (server, ada) = begin(Config::default()).await;
    let body = server.upload(&ada, "long", wav(30_000_000)).await;
    let path = format!("/v1/tracks/{}/audio", body["track"]["id"].as_str().unwrap());
    let head = format!("GET {path} HTTP/1.1\r\nHost: arsis\r\nAuthorization: Bearer {}\r\n\r\n", ada.token);
    let mut readers = Vec::new();
    // More than the pool has connections.
    for _ in 0..30 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        readers.push(stream);
    }
    assert!(open_audio() >= 30);
    assert_eq!(server.json(&ada, "/v1/tracks").await["items"].as_array().unwrap().len(), 1);
    drop(readers);
    eventually("the files are closed", || async { open_audio() == 0 }).await;
}

/// Files of 30 MB, which no other test has, that this process holds open.
fn open_audio() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    files.filter(|file| std::fs::metadata(file.path()).is_ok_and(|file| file.len() == 30_000_000)).count()
}
