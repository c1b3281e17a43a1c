//! Tracks: listing, renaming, removing.

use crate::support::{Server, expect_problem, id, pointers, wav};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_list_comes_in_pages_that_new_tracks_do_not_shift() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    for i in 0..5 {
        server.upload(&ada, &format!("song {i}"), wav(100)).await;
    }
    let mut seen = Vec::new();
    let mut page = server.json(&ada, "/v1/tracks?limit=2").await;
    server.upload(&ada, "late", wav(100)).await;
    loop {
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|track| track["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = server.json(&ada, &format!("/v1/tracks?limit=2&cursor={cursor}")).await;
    }
    assert_eq!(seen, ["song 4", "song 3", "song 2", "song 1", "song 0"]);
}

#[tokio::test]
async fn a_list_filters_by_status_and_refuses_nonsense() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    server.track(&ada).await;
    assert_eq!(server.json(&ada, "/v1/tracks?status=processing").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.json(&ada, "/v1/tracks?status=ready").await["items"].as_array().unwrap().len(), 0);
    for bad in ["status=odd", "limit=0", "limit=101", "limit=x", "cursor=x", "cursor=%00"] {
        let answer = server.get(&ada, &format!("/v1/tracks?{bad}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_empties() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}");
    let patch = |body: serde_json::Value| {
        let request = server.request(&ada, Method::PATCH, &path).json(&body);
        async move { request.send().await.unwrap() }
    };
    let first =
        json!({"name": "  New name ", "artist": "Ada", "tags": ["a", "b", " "], "description": "x\ny"});
    assert_eq!(patch(first).await.status(), 200);
    assert_eq!(patch(json!({"artist": null})).await.status(), 200);
    let track = server.json(&ada, &path).await;
    assert_eq!(track["name"], "New name");
    assert_eq!(track["artist"], json!(null));
    assert_eq!(track["tags"], json!(["a", "b"]));
    assert_eq!(track["description"], "x\ny");
    let bad = json!({"name": " ", "artist": "x".repeat(501), "genre": "a\u{0}b", "tags": vec!["t"; 51]});
    let problem = expect_problem(patch(bad).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/name", "#/artist", "#/genre", "#/tags"]);
    expect_problem(patch(json!({"bpm": 1})).await, 422, "validation-failed").await;
    let problem = expect_problem(patch(json!({"name": null})).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/name"]);
    assert_eq!(
        patch(json!({"tags": null})).await.json::<serde_json::Value>().await.unwrap()["tags"],
        json!([])
    );
    assert_eq!(server.json(&ada, &path).await["name"], "New name");
}

#[tokio::test]
async fn a_deleted_track_takes_its_audio_and_its_rows_along() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let uploaded = server.upload(&ada, "song", wav(1000)).await;
    let (track, analysis) = (id(&uploaded["track"]["id"]), id(&uploaded["analysis"]["id"]));
    assert!(server.has_audio(track).await);
    let path = format!("/v1/tracks/{track}");
    assert_eq!(server.request(&ada, Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert!(!server.has_audio(track).await);
    assert!(server.files().is_empty());
    for path in [path.clone(), format!("{path}/audio"), format!("/v1/analyses/{analysis}")] {
        expect_problem(server.get(&ada, &path).await, 404, "not-found").await;
    }
    assert_eq!(server.count("SELECT count(*) FROM track_analyses").await, 0);
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 0);
    let again = server.request(&ada, Method::DELETE, &path).send().await.unwrap();
    expect_problem(again, 404, "not-found").await;
    assert_eq!(server.count("SELECT count(*) FROM audit_log WHERE event_type = 'track.deleted'").await, 1);
}

#[tokio::test]
async fn audio_that_two_tracks_name_goes_with_the_second() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let (first, second) = (server.track(&ada).await, server.track(&ada).await);
    let delete = async |track: uuid::Uuid| {
        let path = format!("/v1/tracks/{track}");
        assert_eq!(server.request(&ada, Method::DELETE, &path).send().await.unwrap().status(), 204);
    };
    // As the platform may write it.
    server
        .execute(
            "UPDATE reference_tracks SET r2_key = (SELECT r2_key FROM reference_tracks ORDER BY id LIMIT 1)",
        )
        .await;
    delete(first).await;
    assert!(server.has_audio(first).await, "the second track still names it");
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 0);
    // An entry from elsewhere does not doom it either.
    let key = store::objects::ObjectKey::audio(first);
    let mut db = server.pool().acquire().await.unwrap();
    store::orphans::expect(&mut db, key.as_str(), time::Duration::ZERO).await.unwrap();
    assert!(!store::orphans::doom(&mut db, key.as_str(), time::Duration::ZERO).await.unwrap());
    assert!(store::orphans::due(&mut db, 10, time::Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 0);
    drop(db);
    delete(second).await;
    assert!(!server.has_audio(first).await);
}

#[tokio::test]
async fn an_id_that_is_none_names_nothing() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    for path in ["/v1/tracks/x", "/v1/tracks/../etc", "/v1/analyses/1%00", "/v1/nothing"] {
        expect_problem(server.get(&ada, path).await, 404, "not-found").await;
    }
}
