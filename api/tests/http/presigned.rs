//! Uploads that go to the storage itself: announced, sent, completed. The same for a client, whatever the storage is.

use crate::support::{Person, Server, expect_problem, id, pointers, wav};
use api::Config;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::objects::{self, ObjectKey};
use uuid::Uuid;

/// One person with a server.
struct Uploads {
    server: Server,
    ada: Person,
}

impl Uploads {
    async fn on(server: Server) -> Self {
        let ada = server.person("ada").await;
        Self { server, ada }
    }

    async fn with(config: Config) -> Self {
        Self::on(Server::with(config).await).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Response {
        let request = self.server.request(&self.ada, Method::POST, path);
        body.iter().fold(request, |request, body| request.json(body)).send().await.unwrap()
    }

    async fn announce(&self, body: Value) -> Value {
        let response = self.post("/v1/uploads", Some(body)).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 201, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn announce_for(&self, audio: &[u8]) -> Value {
        self.announce(json!({"size_bytes": audio.len(), "file_name": "../My Song.wav"})).await
    }

    /// Sends as a client does that knows nothing but the answer: no token, no other header.
    async fn send(&self, announced: &Value, audio: Vec<u8>) -> Response {
        let base = reqwest::Url::parse(&self.server.url("/v1/uploads")).unwrap();
        let url = base.join(announced["url"].as_str().unwrap()).unwrap();
        let method = Method::from_bytes(announced["method"].as_str().unwrap().as_bytes()).unwrap();
        let headers = announced["headers"].as_object().unwrap();
        let request = reqwest::Client::new().request(method, url).body(audio);
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap()))
            .send()
            .await
            .unwrap()
    }

    async fn sent(&self, audio: Vec<u8>) -> Value {
        let announced = self.announce_for(&audio).await;
        assert!(self.send(&announced, audio).await.status().is_success());
        announced
    }

    async fn complete(&self, announced: &Value) -> Response {
        self.post(&format!("/v1/uploads/{}/complete", announced["id"].as_str().unwrap()), None).await
    }

    async fn status(&self, announced: &Value) -> Value {
        self.server.json(&self.ada, &format!("/v1/uploads/{}", announced["id"].as_str().unwrap())).await
    }

    async fn audio(&self, track: &Value) -> Vec<u8> {
        let path = format!("/v1/tracks/{}/audio", track["id"].as_str().unwrap());
        self.server.get(&self.ada, &path).await.bytes().await.unwrap().to_vec()
    }

    async fn is_stored(&self, key: &ObjectKey) -> bool {
        match self.server.objects.head(key).await {
            Ok(_) => true,
            Err(objects::Error::NotFound { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the sweeper does once the time of everything is over.
    async fn sweep_all(&self) {
        let mut db = self.server.pool().acquire().await.unwrap();
        sqlx::raw_sql(
            "UPDATE orphan_objects SET delete_after = now();
             UPDATE audio_uploads SET kept_until = now(), expires_at = now()",
        )
        .execute(&mut *db)
        .await
        .unwrap();
        for key in store::orphans::due(&mut db, 100, time::Duration::HOUR).await.unwrap() {
            self.server.objects.delete(&ObjectKey::parse(&key).unwrap()).await.unwrap();
            store::orphans::forget(&mut db, &key).await.unwrap();
        }
        store::uploads::forget_expired(&mut db).await.unwrap();
    }

    async fn tracks(&self) -> i64 {
        self.server.count("SELECT count(*) FROM reference_tracks").await
    }
}

fn upload_key(announced: &Value) -> ObjectKey {
    ObjectKey::upload(id(&announced["id"]))
}

async fn becomes_a_track(server: Server) {
    let uploads = Uploads::on(server).await;
    let audio = wav(100_000);
    let sha256 = store::sessions::hex(&Sha256::digest(&audio));
    let announced = uploads
        .announce(json!({
            "size_bytes": audio.len(), "sha256": sha256, "content_type": "audio/flac", "file_name": "My Song.flac",
            "artist": "Ada", "tags": ["a", "b"], "analysis_type": "rhythm", "parameters": {"hop_ms": 5},
        }))
        .await;
    assert_eq!(announced["headers"], json!({"content-type": "audio/flac"}));
    assert_eq!(uploads.status(&announced).await["status"], "pending");
    expect_problem(uploads.complete(&announced).await, 409, "upload-missing").await;
    let sent = uploads.send(&announced, audio.clone()).await;
    assert!(sent.status().is_success(), "{}", sent.status());

    let response = uploads.complete(&announced).await;
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    let track = &body["track"];
    assert_eq!(location, format!("/v1/tracks/{}", track["id"].as_str().unwrap()));
    assert_eq!(track["name"], "My Song");
    assert_eq!((&track["artist"], &track["tags"]), (&json!("Ada"), &json!(["a", "b"])));
    assert_eq!(track["mime_type"], "audio/wav", "sniffed, not believed");
    assert_eq!(track["content_sha256"], sha256);
    assert_eq!(track["file_size_bytes"], audio.len());
    assert_eq!(body["analysis"]["status"], "pending");
    assert_eq!(body["analysis"]["analysis_type"], "rhythm");
    assert_eq!(body["analysis"]["parameters"], json!({"hop_ms": 5}));
    assert_eq!(uploads.audio(track).await, audio);
    assert_eq!(uploads.server.count("SELECT count(*) FROM apalis.jobs").await, 1);

    let status = uploads.status(&announced).await;
    assert_eq!((&status["status"], &status["track_id"]), (&json!("completed"), &track["id"]));
    let again = uploads.complete(&announced).await;
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["location"], location);
    assert_eq!(again.json::<Value>().await.unwrap(), body);
    assert_eq!(uploads.tracks().await, 1);
    assert!(!uploads.is_stored(&upload_key(&announced)).await, "the copy is all that is kept");
}

#[tokio::test]
async fn an_announced_upload_becomes_a_track_in_a_directory() {
    becomes_a_track(Server::start().await).await;
}

#[tokio::test]
async fn an_announced_upload_becomes_a_track_in_s3() {
    becomes_a_track(Server::on_s3().await).await;
}

/// The address takes audio until it expires; what comes after the completion reaches nobody.
async fn stays_what_was_verified(server: Server) {
    let uploads = Uploads::on(server).await;
    let (audio, mut other) = (wav(50_000), wav(50_000));
    other[49_999] ^= 1;
    let announced = uploads.sent(audio.clone()).await;
    let body: Value = uploads.complete(&announced).await.json().await.unwrap();
    // The signed address of S3 still works; the server's own does not.
    let late = uploads.send(&announced, other.clone()).await;
    assert!(late.status().is_success() || late.status() == 404, "{}", late.status());
    assert_eq!(uploads.audio(&body["track"]).await, audio);
    let again: Value = uploads.complete(&announced).await.json().await.unwrap();
    assert_eq!(again, body);
    assert_eq!(uploads.audio(&body["track"]).await, audio);
    uploads.sweep_all().await;
    assert!(!uploads.is_stored(&upload_key(&announced)).await, "what came late is swept");
    assert_eq!(uploads.server.count("SELECT count(*) FROM orphan_objects").await, 0);
    assert_eq!(uploads.audio(&body["track"]).await, audio);
}

#[tokio::test]
async fn audio_sent_again_after_the_completion_changes_nothing_in_a_directory() {
    stays_what_was_verified(Server::start().await).await;
}

#[tokio::test]
async fn audio_sent_again_after_the_completion_changes_nothing_in_s3() {
    stays_what_was_verified(Server::on_s3().await).await;
}

/// Others' content under a name that says otherwise must never pass: results are used again by what it says.
async fn refuses_what_was_not_announced(server: Server) {
    let uploads = Uploads::on(server).await;
    let audio = wav(5000);
    let other = store::sessions::hex(&Sha256::digest(b"other"));
    let claimed = uploads.announce(json!({"size_bytes": 5000, "sha256": other})).await;
    assert!(uploads.send(&claimed, audio.clone()).await.status().is_success());
    let problem = expect_problem(uploads.complete(&claimed).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/sha256"]);
    let html = b"<!DOCTYPE html><script>alert(1)</script>".repeat(100);
    let page = uploads.announce_for(&html).await;
    assert!(uploads.send(&page, html).await.status().is_success());
    expect_problem(uploads.complete(&page).await, 415, "unsupported-media-type").await;
    // Stored past the address, as someone with access to the bucket may.
    let longer = uploads.announce_for(&audio).await;
    let body = futures::stream::iter([Ok(wav(5001).into())]);
    uploads.server.objects.put(&upload_key(&longer), "audio/wav", body).await.unwrap();
    let problem = expect_problem(uploads.complete(&longer).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/size_bytes"]);
    assert_eq!(uploads.tracks().await, 0);
    // What was refused may be sent again, and be right.
    assert!(uploads.send(&longer, audio).await.status().is_success());
    assert_eq!(uploads.complete(&longer).await.status(), 201);
    uploads.sweep_all().await;
    for announced in [claimed, page, longer] {
        assert!(!uploads.is_stored(&upload_key(&announced)).await);
    }
    assert_eq!(uploads.server.count("SELECT count(*) FROM orphan_objects").await, 0);
    assert_eq!(uploads.server.count("SELECT count(*) FROM audio_uploads").await, 0);
}

#[tokio::test]
async fn what_was_not_announced_is_refused_in_a_directory() {
    let server = Server::start().await;
    refuses_what_was_not_announced(server).await;
}

#[tokio::test]
async fn what_was_not_announced_is_refused_in_s3() {
    refuses_what_was_not_announced(Server::on_s3().await).await;
}

#[tokio::test]
async fn a_signed_address_takes_the_announced_size_alone() {
    for server in [Server::start().await, Server::on_s3().await] {
        let uploads = Uploads::on(server).await;
        let announced = uploads.announce_for(&wav(5000)).await;
        for length in [4999, 5001] {
            let response = uploads.send(&announced, wav(length)).await;
            assert!(response.status().is_client_error(), "{length}: {}", response.status());
        }
        assert!(!uploads.is_stored(&upload_key(&announced)).await);
    }
}

#[tokio::test]
async fn completions_at_once_make_one_track() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(3_000_000)).await;
    let answers = futures::future::join_all((0..8).map(|_| uploads.complete(&announced))).await;
    let mut done = 0;
    for answer in answers {
        match answer.status().as_u16() {
            201 => done += 1,
            _ => {
                assert!(answer.headers().contains_key("retry-after"));
                expect_problem(answer, 409, "upload-in-use").await;
            }
        }
    }
    assert!(done >= 1);
    assert_eq!(uploads.complete(&announced).await.status(), 201);
    assert_eq!(uploads.tracks().await, 1);
    assert_eq!(uploads.server.count("SELECT count(*) FROM track_analyses").await, 1);
    // Of the upload; none is left of a copy.
    assert_eq!(uploads.server.count("SELECT count(*) FROM orphan_objects").await, 1);
}

#[tokio::test]
async fn a_completion_whose_server_died_is_taken_up_again() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    // What a process leaves that dies between the copy and the commit.
    let (upload, copy) = (id(&announced["id"]), ObjectKey::audio(Uuid::now_v7()));
    let mut db = uploads.server.pool().acquire().await.unwrap();
    store::uploads::begin_verification(&mut db, upload, time::Duration::MINUTE).await.unwrap().unwrap();
    store::orphans::expect(&mut db, copy.as_str(), time::Duration::HOUR).await.unwrap();
    uploads.server.objects.copy(&upload_key(&announced), &copy, "audio/wav").await.unwrap();
    assert_eq!(uploads.status(&announced).await["status"], "verifying");
    expect_problem(uploads.complete(&announced).await, 409, "upload-in-use").await;
    uploads.server.execute("UPDATE audio_uploads SET verifying_until = now()").await;
    let body: Value = uploads.complete(&announced).await.json().await.unwrap();
    assert_eq!(uploads.tracks().await, 1);
    uploads.sweep_all().await;
    assert!(!uploads.is_stored(&copy).await);
    assert_eq!(uploads.audio(&body["track"]).await, wav(5000));
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    let path = format!("/v1/uploads/{}", announced["id"].as_str().unwrap());
    let abort = || uploads.server.request(&uploads.ada, Method::DELETE, &path).send();
    assert_eq!(abort().await.unwrap().status(), 204);
    assert!(uploads.server.files().is_empty());
    expect_problem(abort().await.unwrap(), 404, "not-found").await;
    expect_problem(uploads.complete(&announced).await, 404, "not-found").await;
    expect_problem(uploads.send(&announced, wav(5000)).await, 404, "not-found").await;
    assert_eq!(
        uploads.server.count("SELECT count(*) FROM audit_log WHERE event_type = 'upload.aborted'").await,
        1
    );
    let announced = uploads.sent(wav(5000)).await;
    uploads.complete(&announced).await;
    let path = format!("/v1/uploads/{}", announced["id"].as_str().unwrap());
    let abort = uploads.server.request(&uploads.ada, Method::DELETE, &path).send().await.unwrap();
    expect_problem(abort, 409, "upload-completed").await;
}

#[tokio::test]
async fn an_aborted_upload_keeps_its_room_while_the_bucket_takes_its_audio() {
    let (in_directory, in_s3) = (Server::start().await, Server::on_s3().await);
    for (server, kept) in [(in_directory, 0), (in_s3, 1)] {
        let uploads = Uploads::on(server).await;
        let announced = uploads.announce_for(&wav(5000)).await;
        let path = format!("/v1/uploads/{}", announced["id"].as_str().unwrap());
        let abort = uploads.server.request(&uploads.ada, Method::DELETE, &path).send().await.unwrap();
        assert_eq!(abort.status(), 204);
        let room = "SELECT count(*) FROM audio_uploads WHERE greatest(expires_at, kept_until) > now()";
        assert_eq!(uploads.server.count(room).await, kept);
        let mut db = uploads.server.pool().acquire().await.unwrap();
        store::uploads::forget_expired(&mut db).await.unwrap();
        assert_eq!(uploads.server.count("SELECT count(*) FROM audio_uploads").await, kept);
        assert_eq!(uploads.server.json(&uploads.ada, "/v1/uploads").await["items"], json!([]));
    }
}

#[tokio::test]
async fn an_expired_upload_is_gone() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    uploads.server.execute("UPDATE audio_uploads SET expires_at = now()").await;
    expect_problem(uploads.send(&announced, wav(5000)).await, 404, "not-found").await;
    uploads.server.execute("UPDATE audio_uploads SET kept_until = now()").await;
    expect_problem(uploads.complete(&announced).await, 404, "not-found").await;
    uploads.sweep_all().await;
    assert!(uploads.server.files().is_empty());
    assert_eq!(uploads.server.count("SELECT count(*) FROM audio_uploads").await, 0);
}

#[tokio::test]
async fn the_upload_of_a_deleted_track_is_gone_with_it() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    let body: Value = uploads.complete(&announced).await.json().await.unwrap();
    let path = format!("/v1/tracks/{}", body["track"]["id"].as_str().unwrap());
    assert_eq!(
        uploads.server.request(&uploads.ada, Method::DELETE, &path).send().await.unwrap().status(),
        204
    );
    expect_problem(uploads.complete(&announced).await, 404, "not-found").await;
    assert!(uploads.server.files().is_empty());
}

#[tokio::test]
async fn open_uploads_are_bounded_in_number_and_bytes() {
    let config = Config { max_open_uploads: 2, max_open_upload_bytes: 10_000, ..Config::default() };
    let uploads = Uploads::with(config).await;
    let size = |bytes: usize| Some(json!({"size_bytes": bytes}));
    expect_problem(uploads.post("/v1/uploads", size(10_001)).await, 409, "too-many-uploads").await;
    let first = uploads.sent(wav(1000)).await;
    expect_problem(uploads.post("/v1/uploads", size(9001)).await, 409, "too-many-uploads").await;
    uploads.announce_for(&wav(9000)).await;
    expect_problem(uploads.post("/v1/uploads", size(1)).await, 409, "too-many-uploads").await;
    assert_eq!(uploads.server.count("SELECT count(*) FROM orphan_objects").await, 2);
    // Another person has room of their own, and a completed upload takes none.
    let bob = uploads.server.person("bob").await;
    let request = uploads.server.request(&bob, Method::POST, "/v1/uploads").json(&json!({"size_bytes": 1}));
    assert_eq!(request.send().await.unwrap().status(), 201);
    assert_eq!(uploads.complete(&first).await.status(), 201);
    uploads.announce_for(&wav(1000)).await;
}

#[tokio::test]
async fn announcements_at_once_do_not_pass_the_bound() {
    let uploads = Uploads::with(Config { max_open_uploads: 3, ..Config::default() }).await;
    let announce = || uploads.post("/v1/uploads", Some(json!({"size_bytes": 1})));
    let answers = futures::future::join_all((0..10).map(|_| announce())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 201).count(), 3);
}

#[tokio::test]
async fn another_persons_upload_is_not_there() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    let bob = uploads.server.person("bob").await;
    let path = format!("/v1/uploads/{}", announced["id"].as_str().unwrap());
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/complete")),
    ] {
        let response = uploads.server.request(&bob, method.clone(), &path).send().await.unwrap();
        let theirs = expect_problem(response, 404, "not-found").await;
        let nowhere = path.replace(announced["id"].as_str().unwrap(), &Uuid::nil().to_string());
        let response = uploads.server.request(&bob, method, &nowhere).send().await.unwrap();
        assert_eq!(expect_problem(response, 404, "not-found").await, theirs);
    }
    assert_eq!(uploads.server.json(&bob, "/v1/uploads").await, json!({"items": []}));
    assert_eq!(uploads.server.json(&uploads.ada, "/v1/uploads").await["items"].as_array().unwrap().len(), 1);
    for wrong in
        ["secret=", "secret=x", &format!("secret={}", "0".repeat(64)), &format!("secret={}", "ü".repeat(500))]
    {
        let request = uploads.server.anonymous(Method::PUT, &format!("{path}/content?{wrong}"));
        expect_problem(request.body(wav(5000)).send().await.unwrap(), 404, "not-found").await;
    }
}

#[tokio::test]
async fn an_announcement_is_checked_field_by_field() {
    let uploads = Uploads::on(Server::start().await).await;
    let bad = json!({
        "size_bytes": 0, "sha256": "ABC", "content_type": "text/html\r\nX: y", "file_name": "a\u{0}b",
        "name": "x".repeat(501), "artist": "a\u{7}b", "tags": vec!["t"; 51], "analysis_type": "deep",
        "parameters": {"hop_ms": 0},
    });
    let problem =
        expect_problem(uploads.post("/v1/uploads", Some(bad)).await, 422, "validation-failed").await;
    assert_eq!(
        pointers(&problem),
        [
            "#/size_bytes",
            "#/sha256",
            "#/content_type",
            "#/file_name",
            "#/name",
            "#/artist",
            "#/tags",
            "#/analysis_type",
            "#/parameters/hop_ms",
        ]
    );
    for bad in [json!({}), json!({"size_bytes": -1}), json!({"size_bytes": 1, "colour": "red"}), json!([])] {
        expect_problem(uploads.post("/v1/uploads", Some(bad)).await, 422, "validation-failed").await;
    }
    let large = json!({"size_bytes": (2_u64 << 30) + 1});
    expect_problem(uploads.post("/v1/uploads", Some(large)).await, 413, "payload-too-large").await;
    assert_eq!(uploads.server.count("SELECT count(*) FROM audio_uploads").await, 0);
    assert_eq!(uploads.server.count("SELECT count(*) FROM orphan_objects").await, 0);
}

#[tokio::test]
async fn more_than_s3_takes_at_once_is_refused_whatever_the_limit() {
    let config = Config { max_upload_bytes: 10 << 30, max_open_upload_bytes: 100 << 30, ..Config::default() };
    let uploads = Uploads::with(config).await;
    let announce = |bytes: u64| uploads.post("/v1/uploads", Some(json!({"size_bytes": bytes})));
    assert_eq!(announce(5 << 30).await.status(), 201);
    expect_problem(announce((5 << 30) + 1).await, 413, "payload-too-large").await;
}

#[tokio::test]
async fn an_announcement_with_a_key_is_made_once() {
    let uploads = Uploads::on(Server::start().await).await;
    let announce = |bytes: usize| {
        let request = uploads.server.request(&uploads.ada, Method::POST, "/v1/uploads");
        request.header("idempotency-key", "k").json(&json!({"size_bytes": bytes})).send()
    };
    let first: Value = announce(5000).await.unwrap().json().await.unwrap();
    let again: Value = announce(5000).await.unwrap().json().await.unwrap();
    assert_eq!(first, again);
    expect_problem(announce(5001).await.unwrap(), 422, "idempotency-key-reused").await;
    assert_eq!(uploads.server.count("SELECT count(*) FROM audio_uploads").await, 1);
}

#[tokio::test]
async fn a_server_whose_storage_fails_says_so_and_completes_later() {
    let uploads = Uploads::on(Server::start().await).await;
    let announced = uploads.sent(wav(5000)).await;
    // The copy is not entered: as if the database failed at that moment.
    uploads.server.execute("ALTER TABLE track_analyses RENAME TO elsewhere").await;
    expect_problem(uploads.complete(&announced).await, 500, "internal-error").await;
    uploads.server.execute("ALTER TABLE elsewhere RENAME TO track_analyses").await;
    assert_eq!(uploads.tracks().await, 0);
    assert_eq!(uploads.server.files().len(), 1, "the upload stays, the copy does not");
    assert_eq!(uploads.complete(&announced).await.status(), 201);
}
