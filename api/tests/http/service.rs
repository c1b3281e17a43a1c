//! The server itself: health, its description, and its manners.

use crate::support::{Server, expect_problem, pointers, wav};
use api::{App, Config};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn readiness_follows_the_storage_and_the_database() {
    let server = Server::with(Config { readiness_age: Duration::ZERO, ..Config::default() }).await;
    let ask = async |path: &str| server.anonymous(Method::GET, path).send().await.unwrap();
    assert_eq!(ask("/healthz").await.status(), 200);
    assert_eq!(ask("/readyz").await.status(), 200);
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    server.remove_storage();
    let problem = expect_problem(ask("/readyz").await, 503, "unavailable").await;
    assert_eq!(problem["detail"], "the storage does not answer");
    assert_eq!(pointers(&problem), ["storage"]);
    // What needs it says that it is away, and not that there is no audio.
    let upload = server.request(&ada, Method::POST, "/v1/tracks").header("content-type", "audio/wav");
    expect_problem(upload.body(wav(100)).send().await.unwrap(), 503, "unavailable").await;
    expect_problem(server.get(&ada, &format!("/v1/tracks/{track}/audio")).await, 503, "unavailable").await;
    server.pool().close().await;
    let problem = expect_problem(ask("/readyz").await, 503, "unavailable").await;
    assert_eq!(problem["detail"], "the database does not answer");
    assert_eq!(pointers(&problem), ["database", "storage"]);
    assert_eq!(ask("/healthz").await.status(), 200);
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_served_as_it_is() {
    let server = Server::start().await;
    let served: Value =
        server.anonymous(Method::GET, "/openapi.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(served, serde_json::to_value(api::description()).unwrap());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
    // Every reference leads somewhere, and every operation says what it is for.
    let text = served.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(served.pointer(&reference[1..]).is_some(), "{reference}");
    }
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["tags"].is_array(), "{method} {path} has no tag");
        }
    }
}

#[tokio::test]
async fn the_reference_page_asks_nobody_else() {
    let server = Server::start().await;
    let ask = async |path: &str| server.anonymous(Method::GET, path).send().await.unwrap();
    for (path, kind) in [
        ("/docs", "text/html"),
        ("/docs/reference.js", "text/javascript"),
        ("/docs/reference.css", "text/css"),
    ] {
        let response = ask(path).await;
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        let text = response.text().await.unwrap();
        for outside in ["http://", "https://", "@import", "import("] {
            assert!(!text.contains(outside), "{path}: {outside}");
        }
    }
    let response = ask("/docs").await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = response.text().await.unwrap();
    for part in ["href=\"docs/reference.css\"", "src=\"docs/reference.js\""] {
        assert!(page.contains(part), "{part}");
    }
}

/// Gives everybody who is there the seeds' role of administrators, who may see the queue.
const OPERATORS: &str = "INSERT INTO user_roles (user_id, role_id)
    SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'admin'";

#[tokio::test]
async fn requests_are_counted_by_route() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    server.execute(OPERATORS).await;
    let track = server.track(&ada).await;
    server.json(&ada, &format!("/v1/tracks/{track}")).await;
    let response = server.get(&ada, "/metrics").await;
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"), "{content_type}");
    let text = response.text().await.unwrap();
    let labels = "{method=\"GET\",route=\"/v1/tracks/{track_id}\",status=\"200\"}";
    let line = format!("arsis_http_request_duration_seconds_count{labels} 1\n");
    assert!(text.contains(&line), "{text}");
    assert!(!text.contains(&track.to_string()));
    assert!(text.contains("arsis_queue_analyses{state=\"in_line\",priority=\"normal\"} 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn metrics_are_for_operators() {
    let server = Server::start().await;
    server.person("ada").await;
    server.execute(OPERATORS).await;
    let bob = server.person("bob").await;
    expect_problem(server.get(&bob, "/metrics").await, 403, "forbidden").await;
    let nobody = server.anonymous(Method::GET, "/metrics").send().await.unwrap();
    expect_problem(nobody, 401, "unauthorized").await;
}

#[tokio::test]
async fn the_monitor_answers_without_a_session() {
    let server = Server::start().await;
    let config = Config { readiness_age: Duration::ZERO, ..Config::default() };
    let app = App::new(server.pool().clone(), server.objects.clone(), config);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(api::serve_monitor(listener, app.exposition().clone(), app));
    let ask = async |path: &str| server.client.get(format!("http://{address}{path}")).send().await.unwrap();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(path).await.status(), 200, "{path}");
    }
    assert_eq!(ask("/v1/tracks").await.status(), 404);
    server.remove_storage();
    let response = ask("/readyz").await;
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (503, "the storage does not answer\n".into())
    );
    assert_eq!(ask("/healthz").await.status(), 200);
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let server = Server::start().await;
    let ask = |id: &'static str| {
        let request = server.anonymous(Method::GET, "/v1/tracks").header("x-request-id", id);
        async move { request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned() }
    };
    assert_eq!(ask("trace-1").await, "trace-1");
    let fresh = ask("not plain").await;
    assert!(uuid::Uuid::parse_str(&fresh).is_ok(), "{fresh}");
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_problem() {
    let server = Server::with(Config { max_json_bytes: 1000, ..Config::default() }).await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}");
    let send = |body: String, content_type: &'static str| {
        let request =
            server.request(&ada, Method::PATCH, &path).header("content-type", content_type).body(body);
        async move { request.send().await.unwrap() }
    };
    expect_problem(send("{".into(), "application/json").await, 400, "malformed-request").await;
    expect_problem(send("{}".into(), "text/plain").await, 415, "unsupported-media-type").await;
    expect_problem(send("[1]".into(), "application/json").await, 422, "validation-failed").await;
    let long = json!({"name": "x".repeat(1000)}).to_string();
    expect_problem(send(long, "application/json").await, 413, "payload-too-large").await;
    let put = server.request(&ada, Method::PUT, &path).send().await.unwrap();
    expect_problem(put, 405, "method-not-allowed").await;
    let nowhere = server.anonymous(Method::GET, "/nowhere").send().await.unwrap();
    expect_problem(nowhere, 404, "not-found").await;
}

#[tokio::test]
async fn listening_prompts_come_in_pages() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let all = server.json(&ada, "/v1/listening-prompts/templates?limit=100").await;
    let all = all["items"].as_array().unwrap();
    assert!(all.len() > 2, "the seeds hold prompts");
    let (mut seen, mut path) = (Vec::new(), "/v1/listening-prompts/templates?limit=1".to_owned());
    loop {
        let page = server.json(&ada, &path).await;
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/listening-prompts/templates?limit=1&cursor={cursor}");
    }
    assert_eq!(&seen, all);
    let first = all[0]["id"].as_str().unwrap();
    assert_eq!(server.json(&ada, &format!("/v1/listening-prompts/templates/{first}")).await, all[0]);
    let category = all[0]["category"].as_str().unwrap();
    let same = server.json(&ada, &format!("/v1/listening-prompts/templates?category={category}")).await;
    assert!(same["items"].as_array().unwrap().iter().all(|prompt| prompt["category"] == category));
    let presets = server.json(&ada, "/v1/listening-prompts/presets").await;
    assert!(!presets["items"].as_array().unwrap().is_empty(), "the seeds hold presets");
    for preset in presets["items"].as_array().unwrap() {
        assert!(all.iter().any(|prompt| prompt["id"] == preset["template_id"]));
    }
}

#[tokio::test]
async fn values_that_the_database_cannot_hold_are_refused() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let uploaded = server.upload(&ada, "song", crate::support::wav(100)).await;
    let (track, analysis) = (&uploaded["track"]["id"], &uploaded["analysis"]["id"]);
    let id = uuid::Uuid::nil().simple();
    let paths = [
        "/v1/listening-prompts/templates?category=a%00b".to_owned(),
        "/v1/listening-prompts/templates?difficulty=%00".to_owned(),
        "/v1/listening-prompts/presets?preset_type=%00".to_owned(),
        format!("/v1/listening-prompts/presets?cursor={id}.a%00b"),
        format!("/v1/analyses/{}/events?type=%00", analysis.as_str().unwrap()),
        // The year -9999, which PostgreSQL does not know.
        format!("/v1/tracks?cursor={id}.-377705116800000000"),
        format!("/v1/tracks/{}/analyses?cursor={id}.-377705116800000000", track.as_str().unwrap()),
    ];
    for path in paths {
        expect_problem(server.get(&ada, &path).await, 422, "validation-failed").await;
    }
}

#[tokio::test]
async fn the_sweeper_removes_what_an_upload_that_died_left() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let mut db = server.pool().acquire().await.unwrap();
    let key = store::objects::ObjectKey::audio(track);
    // An adopted object is none of the sweeper's business; a key that cannot be entered twice proves nothing else.
    assert!(!store::orphans::doom(&mut db, key.as_str(), time::Duration::ZERO).await.unwrap());
    store::orphans::expect(&mut db, "tracks/dead/audio", time::Duration::ZERO).await.unwrap();
    assert_eq!(store::orphans::due(&mut db, 10, time::Duration::HOUR).await.unwrap(), ["tracks/dead/audio"]);
    assert!(
        !store::orphans::adopt(&mut db, "tracks/dead/audio").await.unwrap(),
        "too late to make a track of it"
    );
    assert!(
        store::orphans::due(&mut db, 10, time::Duration::HOUR).await.unwrap().is_empty(),
        "claimed for an hour"
    );
    store::orphans::forget(&mut db, "tracks/dead/audio").await.unwrap();
    assert!(server.has_audio(track).await);
}
