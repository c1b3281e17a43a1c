//! A track's audio, whole and in parts, from a directory and from S3.

use crate::support::{Person, Server, expect_problem, wav};
use reqwest::{Method, Response};
use uuid::Uuid;

const BYTES: usize = 10_000;

struct Fixture {
    server: Server,
    ada: Person,
    track: Uuid,
}

impl Fixture {
    async fn new(server: Server) -> Self {
        let ada = server.person("ada").await;
        let uploaded = server.upload(&ada, "a \"song\" – ü", wav(BYTES)).await;
        let track = crate::support::id(&uploaded["track"]["id"]);
        Self { server, ada, track }
    }

    async fn ask(&self, method: Method, headers: &[(&str, &str)]) -> Response {
        let request = self.server.request(&self.ada, method, &format!("/v1/tracks/{}/audio", self.track));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send()
            .await
            .unwrap()
    }

    async fn range(&self, range: &str) -> Response {
        self.ask(Method::GET, &[("range", range)]).await
    }

    async fn check_part(&self, range: &str, from: usize, to: usize) {
        let response = self.range(range).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(response.headers()["content-range"], format!("bytes {from}-{}/{BYTES}", to - 1));
        assert_eq!(response.headers()["content-length"], (to - from).to_string());
        assert_eq!(response.bytes().await.unwrap(), wav(BYTES)[from..to], "{range}");
    }
}

async fn serves_ranges(server: Server) {
    let fixture = Fixture::new(server).await;
    let whole = fixture.ask(Method::GET, &[]).await;
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.headers()["content-type"], "audio/wav");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["content-length"], BYTES.to_string());
    assert_eq!(
        whole.headers()["content-disposition"],
        "inline; filename=\"a _song_ _ _.wav\"; filename*=UTF-8''a%20_song_%20%E2%80%93%20%C3%BC.wav"
    );
    assert_eq!(whole.bytes().await.unwrap(), wav(BYTES));
    fixture.check_part("bytes=0-99", 0, 100).await;
    fixture.check_part("bytes=100-100", 100, 101).await;
    fixture.check_part("bytes=9990-", 9990, BYTES).await;
    fixture.check_part("bytes=-10", 9990, BYTES).await;
    fixture.check_part("bytes=9999-123456789", 9999, BYTES).await;
    fixture.check_part("bytes=-123456789", 0, BYTES).await;
    for beyond in ["bytes=10000-", "bytes=10000-10001", "bytes=-0"] {
        let response = fixture.range(beyond).await;
        assert_eq!(response.headers()["content-range"], format!("bytes */{BYTES}"));
        expect_problem(response, 416, "range-not-satisfiable").await;
    }
    for ignored in ["bytes=0-1,5-6", "bytes=5-1", "lines=0-1", "bytes=x"] {
        let response = fixture.range(ignored).await;
        assert_eq!(
            (response.status().as_u16(), response.bytes().await.unwrap().len()),
            (200, BYTES),
            "{ignored}"
        );
    }
}

#[tokio::test]
async fn ranges_are_served_from_a_directory() {
    serves_ranges(Server::start().await).await;
}

#[tokio::test]
async fn ranges_are_served_from_s3() {
    serves_ranges(Server::on_s3().await).await;
}

#[tokio::test]
async fn a_wrong_size_in_the_row_does_not_shift_a_suffix() {
    let fixture = Fixture::new(Server::start().await).await;
    fixture.server.execute("UPDATE reference_tracks SET file_size_bytes = 5000").await;
    fixture.check_part("bytes=-10", 9990, BYTES).await;
    fixture.check_part("bytes=7000-7009", 7000, 7010).await;
}

#[tokio::test]
async fn head_gives_the_headers_alone() {
    let fixture = Fixture::new(Server::start().await).await;
    let head = fixture.ask(Method::HEAD, &[("range", "bytes=0-1")]).await;
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], BYTES.to_string());
    assert_eq!(head.headers()["content-type"], "audio/wav");
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn conditions_are_honoured() {
    let fixture = Fixture::new(Server::start().await).await;
    let etag = fixture.ask(Method::HEAD, &[]).await.headers()["etag"].to_str().unwrap().to_owned();
    let unchanged = fixture.ask(Method::GET, &[("if-none-match", &etag)]).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.headers()["etag"], etag);
    assert_eq!(fixture.ask(Method::GET, &[("if-none-match", "\"other\"")]).await.status(), 200);
    let range = ("range", "bytes=0-1");
    assert_eq!(fixture.ask(Method::GET, &[range, ("if-range", &etag)]).await.status(), 206);
    assert_eq!(fixture.ask(Method::GET, &[range, ("if-range", "\"other\"")]).await.status(), 200);
    assert_eq!(fixture.ask(Method::GET, &[range, ("if-range", &format!("W/{etag}"))]).await.status(), 200);
    assert_eq!(
        fixture.ask(Method::GET, &[range, ("if-range", "Sat, 21 Nov 2026 00:00:00 GMT")]).await.status(),
        200
    );
}

#[tokio::test]
async fn audio_that_is_gone_from_storage_is_not_found() {
    let fixture = Fixture::new(Server::start().await).await;
    fixture.server.objects.delete(&store::objects::ObjectKey::audio(fixture.track)).await.unwrap();
    let problem = expect_problem(fixture.ask(Method::GET, &[]).await, 404, "not-found").await;
    assert_eq!(problem["detail"], "the audio is not in storage");
}

#[tokio::test]
async fn a_type_that_browsers_would_run_is_not_passed_on() {
    let fixture = Fixture::new(Server::start().await).await;
    fixture.server.execute("UPDATE reference_tracks SET mime_type = 'text/html'").await;
    let response = fixture.ask(Method::GET, &[]).await;
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    fixture.server.execute("UPDATE reference_tracks SET mime_type = 'Audio/WebM; codecs=opus'").await;
    assert_eq!(fixture.ask(Method::GET, &[]).await.headers()["content-type"], "audio/webm");
}
