//! The list of tracks: filters, orders, and pages that new tracks do not shift.

use crate::support::{Person, Server, expect_problem, wav};
use serde_json::{Value, json};

/// A server with tracks of two people, some of equal rank and some without a tempo.
async fn library() -> (Server, Person) {
    let server = Server::start().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    for name in ["delta", "Alpha", "charlie", "alpha", "Émile"] {
        server.upload(&ada, name, wav(100)).await;
    }
    server.upload(&bob, "alpha of Bob", wav(100)).await;
    server
        .execute(
            "UPDATE reference_tracks SET bpm = 120, duration_seconds = 10 WHERE name IN ('delta', 'charlie');
             UPDATE reference_tracks SET bpm = 90.5, duration_seconds = 20 WHERE name = 'Alpha';
             UPDATE reference_tracks SET artist = 'Ünder 100%', tags = '{live,Live}' WHERE name = 'delta';
             UPDATE reference_tracks SET album = 'Under_100', tags = '{live}' WHERE name = 'charlie';",
        )
        .await;
    (server, ada)
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|track| track["name"].as_str().unwrap().to_owned()).collect()
}

/// All pages of two, with a track inserted before the second.
async fn walk(server: &Server, person: &Person, query: &str) -> Vec<String> {
    let mut page = server.json(person, &format!("/v1/tracks?limit=2&{query}")).await;
    let mut seen = names(&page);
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = server.json(person, &format!("/v1/tracks?limit=2&{query}&cursor={cursor}")).await;
        seen.extend(names(&page));
    }
    seen
}

#[tokio::test]
async fn every_order_shows_every_track_once() {
    let (server, ada) = library().await;
    let check = async |query: &str, expect: &[&str]| {
        assert_eq!(walk(&server, &ada, query).await, expect, "{query}");
    };
    check("", &["Émile", "alpha", "charlie", "Alpha", "delta"]).await;
    check("sort=created_at&order=asc", &["delta", "Alpha", "charlie", "alpha", "Émile"]).await;
    // Names that differ in capitals alone come in the order of their ids, which is that of their creation.
    check("sort=name", &["Alpha", "alpha", "charlie", "delta", "Émile"]).await;
    check("sort=name&order=desc", &["Émile", "delta", "charlie", "alpha", "Alpha"]).await;
    check("sort=bpm", &["alpha", "Émile", "Alpha", "delta", "charlie"]).await;
    check("sort=bpm&order=desc", &["charlie", "delta", "Alpha", "Émile", "alpha"]).await;
    check("sort=duration_ms", &["alpha", "Émile", "delta", "charlie", "Alpha"]).await;
    check("sort=duration_ms&order=desc", &["Alpha", "charlie", "delta", "Émile", "alpha"]).await;
}

#[tokio::test]
async fn a_track_that_comes_meanwhile_shifts_no_page() {
    let (server, ada) = library().await;
    for (query, expect) in [("sort=name", ["charlie", "delta"]), ("sort=bpm&order=desc", ["Alpha", "Émile"])]
    {
        let first = server.json(&ada, &format!("/v1/tracks?limit=2&{query}")).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        server.upload(&ada, "aardvark", wav(100)).await;
        server.execute("UPDATE reference_tracks SET bpm = 200 WHERE name = 'aardvark'").await;
        let second = server.json(&ada, &format!("/v1/tracks?limit=2&{query}&cursor={cursor}")).await;
        assert_eq!(names(&second), expect, "{query}");
        server.execute("DELETE FROM reference_tracks WHERE name = 'aardvark'").await;
    }
}

#[tokio::test]
async fn filters_find_text_labels_and_states_as_they_are_meant() {
    let (server, ada) = library().await;
    for (query, expect) in [
        ("q=ALPHA&sort=name", vec!["Alpha", "alpha"]),
        ("q=%C3%BCnder&sort=name", vec!["delta"]),
        ("q=under_1", vec!["charlie"]),
        ("q=100%25", vec!["delta"]),
        ("q=%25", vec!["delta"]),
        ("q=%27%3B+DROP+TABLE+reference_tracks%3B--", vec![]),
        ("tag=live&sort=name", vec!["charlie", "delta"]),
        ("tag=Live", vec!["delta"]),
        ("tag=li", vec![]),
        ("tag=live&q=delta&status=processing&sort=bpm", vec!["delta"]),
        ("status=ready", vec![]),
    ] {
        assert_eq!(walk(&server, &ada, query).await, expect, "{query}");
    }
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused() {
    let (server, ada) = library().await;
    let page = server.json(&ada, "/v1/tracks?limit=1&sort=name").await;
    let of_names = page["next_cursor"].as_str().unwrap();
    let long = "x".repeat(201);
    for bad in [
        "sort=size",
        "order=up",
        "q=",
        "q=+",
        "q=a%00b",
        "q=a%07b",
        "tag=",
        "status=READY",
        "colour=red",
        &format!("q={long}"),
        &format!("cursor={of_names}"),
        &format!("sort=bpm&cursor={of_names}"),
        &format!("sort=name&order=desc&cursor={of_names}"),
        &format!("sort=name&status=processing&cursor={of_names}"),
        &format!("sort=name&cursor={of_names}!"),
        "sort=name&sort=name",
    ] {
        let answer = server.get(&ada, &format!("/v1/tracks?{bad}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
    let webhooks = server.get(&ada, &format!("/v1/webhooks?sort=name&cursor={of_names}")).await;
    expect_problem(webhooks, 422, "validation-failed").await;
}

#[tokio::test]
async fn what_a_query_says_wrong_is_named() {
    let (server, ada) = library().await;
    for (query, pointer, detail) in [
        ("limit=abc", "limit", "must be an integer from 0 to 4294967295"),
        ("limit=1&limit=2", "limit", "must be given once"),
        ("tag=a&q=b%00", "q", "must not contain NUL"),
    ] {
        let answer = server.get(&ada, &format!("/v1/tracks?{query}")).await;
        let problem = expect_problem(answer, 422, "validation-failed").await;
        assert_eq!(problem["errors"][0], json!({ "pointer": pointer, "detail": detail }), "{query}");
    }
}

#[tokio::test]
async fn tracks_that_others_wrote_are_listed_whatever_they_are_ordered_by() {
    let (server, ada) = library().await;
    server
        .execute(
            "UPDATE reference_tracks SET bpm = 'NaN', duration_seconds = 'Infinity' WHERE name = 'delta';
             UPDATE reference_tracks SET bpm = 'Infinity', duration_seconds = '-Infinity' WHERE name = 'charlie';
             UPDATE reference_tracks SET bpm = '-Infinity', duration_seconds = 'NaN' WHERE name = 'Alpha';
             UPDATE reference_tracks
                SET name = 'beta ' || (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i)
              WHERE name = 'Émile';",
        )
        .await;
    let check = async |query: &str, expect: [&str; 5]| {
        let mut seen = walk(&server, &ada, query).await;
        seen.iter_mut().for_each(|name| *name = name.split(' ').next().unwrap().to_owned());
        assert_eq!(seen, expect, "{query}");
    };
    check("sort=name", ["Alpha", "alpha", "beta", "charlie", "delta"]).await;
    check("sort=name&order=desc", ["delta", "charlie", "beta", "alpha", "Alpha"]).await;
    // None has a tempo or a length that counts: they come in the order of their ids.
    for by in ["bpm", "duration_ms"] {
        check(&format!("sort={by}"), ["delta", "Alpha", "charlie", "alpha", "beta"]).await;
        check(&format!("sort={by}&order=desc"), ["beta", "alpha", "charlie", "Alpha", "delta"]).await;
    }
}
