//! Analyses: asking, looking, stopping, following.

use crate::support::{Person, Server, expect_problem, id, pointers};
use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use store::analyses::CANCELLED;
use store::queue::{self, Failure, Progress};
use uuid::Uuid;

async fn post(server: &Server, person: &Person, path: &str, body: Value) -> Response {
    server.request(person, Method::POST, path).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn an_analysis_is_accepted_and_can_be_looked_at() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}/analyses");
    let parameters = json!({"bands": 32, "sample_type": "f16"});
    let answer =
        post(&server, &ada, &path, json!({"analysis_type": "tonal", "parameters": parameters})).await;
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let analysis: Value = answer.json().await.unwrap();
    assert_eq!(analysis["status"], "pending");
    assert_eq!(analysis["parameters"], parameters);
    assert_eq!(server.json(&ada, &location).await, analysis);
    let list = server.json(&ada, &format!("{path}?limit=1")).await;
    assert_eq!(list["items"], json!([analysis]));
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = server.json(&ada, &format!("{path}?cursor={cursor}")).await;
    assert_eq!(rest["items"][0]["analysis_type"], "full");
    assert_eq!(rest.get("next_cursor"), None);
}

#[tokio::test]
async fn what_the_engine_would_refuse_is_refused_at_once() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}/analyses");
    let check = async |body: Value, pointer: &str| {
        let problem = expect_problem(post(&server, &ada, &path, body).await, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer]);
    };
    check(json!({"analysis_type": "deep"}), "#/analysis_type").await;
    check(json!({"parameters": {"hop_ms": 101}}), "#/parameters/hop_ms").await;
    check(json!({"parameters": {"bands": 300}}), "#/parameters/bands").await;
    check(json!({"parameters": {"hops": 1}}), "#/parameters/hops").await;
    check(json!({"hop_ms": 10}), "#/hop_ms").await;
    assert_eq!(server.count("SELECT count(*) FROM track_analyses").await, 1);
}

#[tokio::test]
async fn a_pending_analysis_is_cancelled_once() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let uploaded = server.upload(&ada, "song", crate::support::wav(100)).await;
    let analysis = id(&uploaded["analysis"]["id"]);
    let path = format!("/v1/analyses/{analysis}/cancel");
    let answer = post(&server, &ada, &path, json!({})).await;
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["status"], &body["error_kind"]), (&json!("error"), &json!(CANCELLED)));
    expect_problem(post(&server, &ada, &path, json!({})).await, 409, "analysis-over").await;
}

#[tokio::test]
async fn a_running_analysis_is_asked_to_stop() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    server.track(&ada).await;
    let claim = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap();
    let path = format!("/v1/analyses/{}", claim.lease.analysis_id);
    let answer = post(&server, &ada, &format!("{path}/cancel"), json!({})).await;
    assert_eq!(answer.status(), 202);
    let analysis = server.json(&ada, &path).await;
    assert_eq!((&analysis["status"], &analysis["cancel_requested"]), (&json!("running"), &json!(true)));
}

/// Reads events until the stream ends.
async fn events(response: Response) -> Vec<(String, Value)> {
    let text = response.text().await.unwrap();
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim_start().to_owned()).unwrap_or_default()
    };
    blocks.map(|block| (field(block, "id"), serde_json::from_str(&field(block, "data")).unwrap())).collect()
}

async fn follow(server: &Server, person: &Person, analysis: Uuid, last: Option<&str>) -> Response {
    let request = server.request(person, Method::GET, &format!("/v1/analyses/{analysis}/progress"));
    let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
    request.send().await.unwrap()
}

#[tokio::test]
async fn progress_is_followed_to_the_end() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    server.track(&ada).await;
    let lease = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap().lease;
    let response = follow(&server, &ada, lease.analysis_id, None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    let mut read_until = async |what: &str| {
        while !text.contains(what) {
            text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
    };
    read_until("\"running\"").await;
    let progress = Progress { done_ms: 1234, total_ms: Some(5000) };
    let renewed = queue::renew(server.pool(), &lease, progress, Duration::from_secs(60)).await.unwrap();
    assert_eq!(renewed, queue::Renewal::Renewed { cancel_requested: false });
    read_until("\"done_ms\":1234").await;
    let failure =
        Failure { kind: "corrupt", message: "The file is damaged.", cause: "test", permanent: true };
    queue::fail(server.pool(), &lease, &failure).await.unwrap();
    read_until("The file is damaged.").await;
    while stream.next().await.is_some() {}
}

#[tokio::test]
async fn an_analysis_that_is_over_is_told_once() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let uploaded = server.upload(&ada, "song", crate::support::wav(100)).await;
    let analysis = id(&uploaded["analysis"]["id"]);
    post(&server, &ada, &format!("/v1/analyses/{analysis}/cancel"), json!({})).await;
    let told = events(follow(&server, &ada, analysis, None).await).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1["status"], "error");
    assert_eq!(follow(&server, &ada, analysis, Some(&told[0].0)).await.status(), 204);
}

#[tokio::test]
async fn a_watched_server_can_still_stop() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let uploaded = server.upload(&ada, "song", crate::support::wav(100)).await;
    let response = follow(&server, &ada, id(&uploaded["analysis"]["id"]), None).await;
    let reader = tokio::spawn(events(response));
    server.stop().await;
    assert_eq!(reader.await.unwrap().len(), 1);
}
