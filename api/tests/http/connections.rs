//! Clients that mean no good: slow, oversized and malformed requests, as bytes on a connection.

use crate::support::{Person, Server};
use api::Config;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one who sends these bytes reads until the connection ends, or until nothing comes any more.
async fn answer(server: &Server, sent: &[u8]) -> String {
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    // The server may stop listening in the middle.
    let _ = connection.write_all(sent).await;
    read(&mut connection).await
}

async fn read(connection: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A server that says nothing and goes away is an answer, too; one that hangs is a failure.
    let reading = tokio::time::timeout(Duration::from_secs(30), connection.read_to_end(&mut text)).await;
    assert!(reading.is_ok(), "the connection ends");
    String::from_utf8_lossy(&text).into_owned()
}

#[track_caller]
fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn impatient() -> Config {
    let (header_timeout, body_timeout) = (Duration::from_millis(200), Duration::from_millis(200));
    Config { header_timeout, body_timeout, ..Config::default() }
}

/// The head of a request of `person`, to be ended.
fn head(person: &Person, request_line: &str) -> String {
    format!("{request_line}\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n", person.token)
}

#[tokio::test]
async fn who_says_nothing_or_says_it_slowly_is_let_go() {
    let server = Server::with(impatient()).await;
    // Nothing; the beginning of HTTP/1; what may become HTTP/2; HTTP/2 without a request.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for sent in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ", b"P", b"PRI * HTTP/2.0\r\n", preface] {
        let answer = answer(&server, sent).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    // A connection that has been answered is not kept for ever, either.
    let kept = answer(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&kept), "200");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::with(impatient()).await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let head = head(&ada, &format!("PATCH /v1/tracks/{track} HTTP/1.1"));
    for length in ["content-length: 100", "transfer-encoding: chunked"] {
        let sent = format!("{head}content-type: application/json\r\n{length}\r\n\r\n");
        let answer = answer(&server, sent.as_bytes()).await;
        assert_eq!(status(&answer), "408", "{answer}");
        assert!(answer.contains("request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn connections_have_places_and_the_next_waits_for_one() {
    let server = Server::with(Config { max_connections: 2, ..Config::default() }).await;
    let hello = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = TcpStream::connect(server.address).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    let mut buffer = [0; 12];
    for connection in [&mut first, &mut second] {
        connection.write_all(hello).await.unwrap();
        connection.read_exact(&mut buffer).await.unwrap();
    }
    let mut third = TcpStream::connect(server.address).await.unwrap();
    third.write_all(hello).await.unwrap();
    assert_eq!(third.try_read(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    third.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_and_trusted_proxies_have_more() {
    let hello = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let local = vec!["127.0.0.1/32".parse().unwrap()];
    for (trusted_proxies, answered) in [(vec![], false), (local, true)] {
        let config = Config { max_connections_per_address: 1, trusted_proxies, ..Config::default() };
        let server = Server::with(config).await;
        let mut first = TcpStream::connect(server.address).await.unwrap();
        let mut buffer = [0; 12];
        first.write_all(hello).await.unwrap();
        first.read_exact(&mut buffer).await.unwrap();
        let mut second = TcpStream::connect(server.address).await.unwrap();
        let _ = second.write_all(hello).await;
        assert_eq!(second.read_exact(&mut buffer).await.is_ok(), answered);
    }
}

#[tokio::test]
async fn who_does_not_read_the_answers_is_let_go() {
    let config = Config { max_connections: 1, rate_limit_anonymous: 0, ..impatient() };
    let server = Server::with(config).await;
    let mut deaf = TcpStream::connect(server.address).await.unwrap();
    let many = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500);
    let _ = deaf.write_all(&many).await;
    let hello = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&answer(&server, hello).await), "200");
    drop(deaf);
}

#[tokio::test]
async fn http2_without_a_request_under_way_is_let_go() {
    let server = Server::with(impatient()).await;
    let fields = b"\x82\x86\x04\x08/healthz\x41\x01x";
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    sent.extend([0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    sent.extend(fields);
    assert!(answer(&server, &sent).await.contains("\"ok\""));
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = Server::start().await;
    let many: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    let many = answer(&server, format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes()).await;
    assert_eq!(status(&many), "431", "{many}");
    let large = "a".repeat(200_000);
    let large = answer(&server, format!("GET / HTTP/1.1\r\nhost: x\r\nx: {large}\r\n\r\n").as_bytes()).await;
    assert_eq!(status(&large), "431", "{large}");
    let long = "a".repeat(10_000);
    let long =
        answer(&server, format!("GET /{long} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
    assert_eq!(status(&long), "414", "{long}");
    assert!(long.contains("uri-too-long"), "{long}");
    let query = "a".repeat(10_000);
    let query = format!("GET /docs?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(status(&answer(&server, query.as_bytes()).await), "414");
}

#[tokio::test]
async fn a_host_is_named_once() {
    let server = Server::start().await;
    for (hosts, version, expect) in [
        ("host: x\r\n", "1.1", "200"),
        ("", "1.1", "400"),
        ("host: x\r\nhost: x\r\n", "1.1", "400"),
        ("", "1.0", "200"),
    ] {
        let sent = format!("GET /healthz HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let answer = answer(&server, sent.as_bytes()).await;
        assert_eq!(status(&answer), expect, "{hosts:?}: {answer}");
        assert!(expect == "200" || answer.contains("malformed-request"), "{answer}");
    }
}

#[tokio::test]
async fn where_a_request_ends_is_never_in_doubt() {
    let server = Server::start().await;
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in [
        "content-length: 4\r\ncontent-length: 40\r\n",
        "content-length: 4, 40\r\n",
        "content-length: +4\r\n",
        "content-length: -1\r\n",
        "content-length: 99999999999999999999\r\n",
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding : chunked\r\n",
        " folded: header\r\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
    ] {
        let sent = format!("POST /v1/batches HTTP/1.1\r\nhost: x\r\n{lengths}\r\n{smuggled}");
        let answer = answer(&server, sent.as_bytes()).await;
        assert_eq!(status(&answer), "400", "{lengths:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lengths:?}: {answer}");
    }
    // Both at once: the encoding counts (RFC 9112, section 6.3), or the request is refused; what follows is no request
    // of its own.
    let both = "content-length: 4\r\ntransfer-encoding: chunked\r\n";
    let sent = format!("POST /v1/batches HTTP/1.1\r\nhost: x\r\n{both}\r\n{smuggled}");
    let answer = answer(&server, sent.as_bytes()).await;
    assert!(!answer.contains("\"ok\""), "{answer}");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let server = Server::start().await;
    for sent in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answer = answer(&server, sent).await;
        assert_eq!(status(&answer), "400", "{:?}: {answer}", String::from_utf8_lossy(sent));
    }
}

#[tokio::test]
async fn nothing_that_is_sent_becomes_a_header() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let name = "a\r\nset-cookie: stolen=1\r\n\r\n<html>\"";
    let track = server.upload(&ada, "song", crate::support::wav(200)).await;
    let id = track["track"]["id"].as_str().unwrap();
    let patch = server.request(&ada, reqwest::Method::PATCH, &format!("/v1/tracks/{id}"));
    assert_eq!(patch.json(&serde_json::json!({ "name": name })).send().await.unwrap().status(), 200);
    let escaped = "%0d%0aset-cookie:%20stolen=1";
    for (path, extra) in [
        (format!("/v1/tracks/{id}/audio"), ""),
        (format!("/v1/tracks/{escaped}"), ""),
        (format!("/v1/tracks?cursor={escaped}"), ""),
        ("/v1/tracks".to_owned(), "x-request-id: a%0d%0aset-cookie: b\r\norigin: https://x%0d%0a\r\n"),
    ] {
        let sent = format!("{}{extra}\r\n", head(&ada, &format!("GET {path} HTTP/1.1")));
        let answer = answer(&server, sent.as_bytes()).await;
        let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 ") && !head.contains("\r\nset-cookie"), "{head}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let server = Server::start().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let running = tokio::spawn(connection);
    let mut ask = async |name: fn(usize) -> String, headers: usize| {
        let request = hyper::Request::get(server.url("/healthz"));
        let request = (0..headers).fold(request, |request, i| request.header(name(i), "a=b"));
        sender.send_request(request.body(String::new()).unwrap()).await.unwrap()
    };
    assert_eq!(ask(|_| String::new(), 0).await.status(), 200);
    // Heads are bounded as those of HTTP/1.1 are; a cookie may come in pieces (RFC 9113, section 8.2.3).
    assert_eq!(ask(|i| format!("x-{i}"), 100).await.status(), 200);
    let refused = ask(|i| format!("x-{i}"), 101).await;
    assert_eq!(
        (refused.status(), &refused.headers()["content-type"]),
        (431.try_into().unwrap(), &"application/problem+json".parse().unwrap())
    );
    assert_eq!(ask(|_| "cookie".into(), 150).await.status(), 200);
    drop(sender);
    running.await.unwrap().unwrap();
}
