//! Requests that are sent twice.

use crate::support::{Person, Server, eventually, expect_problem, wav};
use futures::{StreamExt, stream};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

fn upload(server: &Server, person: &Person, key: &str, bytes: Vec<u8>) -> RequestBuilder {
    let form = Form::new().part("file", Part::bytes(bytes).file_name("a.wav"));
    server.request(person, Method::POST, "/v1/tracks").header("idempotency-key", key).multipart(form)
}

async fn body(response: Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test]
async fn an_upload_sent_twice_is_one_track() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let first = upload(&server, &ada, "k1", wav(5000)).send().await.unwrap();
    assert_eq!(first.status(), 201);
    let location = first.headers()["location"].clone();
    let first = body(first).await;
    let again = upload(&server, &ada, "k1", wav(5000)).send().await.unwrap();
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["location"], location);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(body(again).await, first);
    assert_eq!(server.count("SELECT count(*) FROM reference_tracks").await, 1);
    assert_eq!(server.files().len(), 1);
    let other = upload(&server, &ada, "k1", wav(5001)).send().await.unwrap();
    expect_problem(other, 422, "idempotency-key-reused").await;
    // A key is its user's: another's is another key.
    assert_eq!(upload(&server, &eve, "k1", wav(5000)).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_failed_upload_gives_its_key_back() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let failed = upload(&server, &ada, "k1", b"no audio".repeat(100)).send().await.unwrap();
    expect_problem(failed, 415, "unsupported-media-type").await;
    assert_eq!(upload(&server, &ada, "k1", wav(5000)).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_key_in_use_is_told_so() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let (go_on, wait) = oneshot::channel::<()>();
    let rest = stream::once(async move { wait.await.map(|()| Vec::new()) });
    let bytes = stream::iter([Ok(wav(5000))]).chain(rest);
    let form = Form::new().part("file", Part::stream(Body::wrap_stream(bytes)).file_name("a.wav"));
    let slow =
        server.request(&ada, Method::POST, "/v1/tracks").header("idempotency-key", "k1").multipart(form);
    let slow = tokio::spawn(slow.send());
    eventually("the key is claimed", || async {
        server.count("SELECT count(*) FROM idempotency_keys").await == 1
    })
    .await;
    let soon = "SELECT count(*) FROM idempotency_keys WHERE claimed_until < now() + interval '61 seconds'";
    assert_eq!(server.count(soon).await, 1, "should this process die, the key is soon free again");
    let second = upload(&server, &ada, "k1", wav(5000)).send().await.unwrap();
    assert!(second.headers().contains_key("retry-after"));
    expect_problem(second, 409, "idempotency-key-in-use").await;
    go_on.send(()).unwrap();
    assert_eq!(slow.await.unwrap().unwrap().status(), 201);
}

#[tokio::test]
async fn a_lapsed_claim_is_taken_over_and_its_late_owner_commits_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let (go_on, wait) = oneshot::channel::<()>();
    let rest = stream::once(async move { wait.await.map(|()| Vec::new()) });
    let bytes = stream::iter([Ok(wav(5000))]).chain(rest);
    let form = Form::new().part("file", Part::stream(Body::wrap_stream(bytes)).file_name("a.wav"));
    let slow =
        server.request(&ada, Method::POST, "/v1/tracks").header("idempotency-key", "k1").multipart(form);
    let slow = tokio::spawn(slow.send());
    eventually("the key is claimed", || async {
        server.count("SELECT count(*) FROM idempotency_keys").await == 1
    })
    .await;
    server.execute("UPDATE idempotency_keys SET claimed_until = now() - interval '1 second'").await;
    assert_eq!(upload(&server, &ada, "k1", wav(5000)).send().await.unwrap().status(), 201);
    go_on.send(()).unwrap();
    expect_problem(slow.await.unwrap().unwrap(), 409, "idempotency-key-in-use").await;
    assert_eq!(server.count("SELECT count(*) FROM reference_tracks").await, 1);
    assert_eq!(server.files().len(), 1);
}

#[tokio::test]
async fn a_claim_is_extended_until_another_holds_the_key() {
    use store::idempotency::{Found, claim, extend};
    use time::Duration;
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let mut db = server.pool().acquire().await.unwrap();
    let Found::Claimed(first) = claim(&mut db, ada.id, "k1", "POST /x", Duration::ZERO).await.unwrap() else {
        panic!("nobody else has it")
    };
    assert!(extend(&mut db, &first, Duration::MINUTE).await.unwrap());
    assert_eq!(claim(&mut db, ada.id, "k1", "POST /x", Duration::MINUTE).await.unwrap(), Found::UnderWay);
    assert!(extend(&mut db, &first, Duration::ZERO).await.unwrap());
    let taken = claim(&mut db, ada.id, "k1", "POST /x", Duration::MINUTE).await.unwrap();
    assert!(matches!(taken, Found::Claimed(_)), "{taken:?}");
    assert!(!extend(&mut db, &first, Duration::MINUTE).await.unwrap());
}

#[tokio::test]
async fn an_analysis_asked_for_twice_is_one() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}/analyses");
    let ask = |path: &str, key: &str, body: Value| {
        let request = server.request(&ada, Method::POST, path).header("idempotency-key", key).json(&body);
        async move { request.send().await.unwrap() }
    };
    let rhythm = json!({"analysis_type": "rhythm"});
    let first = ask(&path, "k1", rhythm.clone()).await;
    assert_eq!(first.status(), 202);
    let first = body(first).await;
    assert_eq!(body(ask(&path, "k1", rhythm.clone()).await).await, first);
    assert_eq!(server.count("SELECT count(*) FROM track_analyses").await, 2); // the upload's own, and this
    let other = ask(&path, "k1", json!({"analysis_type": "tonal"})).await;
    expect_problem(other, 422, "idempotency-key-reused").await;
    let cancel = format!("/v1/analyses/{}/cancel", first["id"].as_str().unwrap());
    expect_problem(ask(&cancel, "k1", json!({})).await, 422, "idempotency-key-reused").await;
    let cancelled = ask(&cancel, "k2", json!({})).await;
    assert_eq!(cancelled.status(), 202);
    let cancelled = body(cancelled).await;
    assert_eq!(body(ask(&cancel, "k2", json!({})).await).await, cancelled);
    for bad in ["", " ", &"x".repeat(256)] {
        let problem = expect_problem(ask(&path, bad, rhythm.clone()).await, 422, "validation-failed").await;
        assert_eq!(crate::support::pointers(&problem), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn a_hundred_at_once_are_one() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}/analyses");
    let asked = (0..100).map(|_| {
        let request = server
            .request(&ada, Method::POST, &path)
            .header("idempotency-key", "k1")
            .json(&json!({"analysis_type": "rhythm"}));
        async { body(request.send().await.unwrap()).await["id"].clone() }
    });
    let ids: Vec<Value> = stream::iter(asked).buffer_unordered(100).collect().await;
    assert!(ids.iter().all(|id| id.is_string() && *id == ids[0]), "{ids:?}");
    assert_eq!(server.count("SELECT count(*) FROM track_analyses").await, 2);
}

#[tokio::test]
async fn what_was_made_is_told_with_its_tag_and_so_is_a_replay() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    for (kind, made) in [
        ("annotations", json!({"start_time_ms": 0, "title": "here"})),
        ("regions", json!({"start_time_ms": 0, "end_time_ms": 10, "name": "here"})),
    ] {
        let path = format!("/v1/tracks/{track}/{kind}");
        for replayed in [false, true] {
            let request = server.request(&ada, Method::POST, &path).header("idempotency-key", kind);
            let answer = request.json(&made).send().await.unwrap();
            assert_eq!(answer.status(), 201, "{kind}");
            assert_eq!(answer.headers().contains_key("idempotency-replayed"), replayed);
            let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
            let location = answer.headers()["location"].to_str().unwrap().to_owned();
            assert_eq!(body(answer).await["etag"], etag, "{kind}");
            assert_eq!(server.get(&ada, &location).await.headers()["etag"], etag, "{kind}");
        }
    }
}
