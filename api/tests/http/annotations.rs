//! Annotations: who sees them, who changes them, and what may be in them.

use crate::support::{Person, Server, expect_problem, id, pointers};
use api::Config;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use store::access;
use uuid::Uuid;

const MODERATOR: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0002);
const ADMIN: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0003);

/// A track of Ada's, 60 s long, and those who might look at it.
struct Scene {
    server: Server,
    ada: Person,
    eve: Person,
    moderator: Person,
    admin: Person,
    track: Uuid,
}

impl Scene {
    async fn new() -> Self {
        // Rights that are taken away in the database count at once.
        let server = Server::with(Config { entitlements_age: Duration::ZERO, ..Config::default() }).await;
        let ada = server.person("ada").await;
        let (eve, moderator, admin) =
            (server.person("eve").await, server.person("mo").await, server.person("admin").await);
        let mut db = server.pool().acquire().await.unwrap();
        access::grant(&mut db, moderator.id, MODERATOR).await.unwrap();
        access::grant(&mut db, admin.id, ADMIN).await.unwrap();
        drop(db);
        let track = server.track(&ada).await;
        server.execute("UPDATE reference_tracks SET duration_seconds = 60").await;
        Self { server, ada, eve, moderator, admin, track }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/tracks/{}/annotations{rest}", self.track)
    }

    async fn send(&self, person: &Person, method: Method, rest: &str, body: &Value) -> Response {
        self.server.request(person, method, &self.path(rest)).json(body).send().await.unwrap()
    }

    async fn post(&self, person: &Person, body: &Value) -> Response {
        self.send(person, Method::POST, "", body).await
    }

    async fn delete(&self, person: &Person, id: Uuid) -> Response {
        self.server.request(person, Method::DELETE, &self.path(&format!("/{id}"))).send().await.unwrap()
    }

    async fn made(&self, person: &Person, body: &Value) -> Value {
        let response = self.post(person, body).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 201, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn titles(&self, person: &Person, query: &str) -> Vec<String> {
        let list = self.server.json(person, &self.path(query)).await;
        list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().into()).collect()
    }

    async fn audited(&self, event: &str) -> i64 {
        let query = "SELECT count(*) FROM audit_log WHERE event_type = $1";
        sqlx::query_scalar(query).bind(event).fetch_one(self.server.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn an_annotation_is_written_read_changed_and_removed() {
    let scene = Scene::new().await;
    let body = json!({"start_time_ms": 1000, "end_time_ms": 2000, "title": " Horns ", "content": "loud\nand clear",
                      "category": "instrument", "color": "#F80"});
    let response = scene.post(&scene.ada, &body).await;
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = response.json().await.unwrap();
    assert_eq!(
        (&made["title"], &made["color"], &made["is_private"]),
        (&json!("Horns"), &json!("#ff8800"), &json!(true))
    );
    assert_eq!(made["author_id"], json!(scene.ada.id));
    let got = scene.server.get(&scene.ada, &location).await;
    assert_eq!(got.headers()["etag"].to_str().unwrap(), made["etag"].as_str().unwrap());
    assert_eq!(got.json::<Value>().await.unwrap(), made);
    let rest = format!("/{}", id(&made["id"]));
    let patch = json!({"end_time_ms": null, "category": null, "title": "Brass"});
    let changed = scene.send(&scene.ada, Method::PATCH, &rest, &patch).await;
    assert_eq!(changed.status(), 200);
    let etag = changed.headers()["etag"].to_str().unwrap().to_owned();
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["etag"], json!(etag));
    assert_ne!(changed["etag"], made["etag"]);
    assert_eq!(
        (&changed["title"], &changed["end_time_ms"], &changed["category"]),
        (&json!("Brass"), &Value::Null, &Value::Null)
    );
    assert_eq!(changed["content"], "loud\nand clear", "what is absent stays");
    assert_eq!(scene.delete(&scene.ada, id(&made["id"])).await.status(), 204);
    expect_problem(scene.server.get(&scene.ada, &location).await, 404, "not-found").await;
    assert_eq!(scene.audited("annotation.deleted").await, 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let scene = Scene::new().await;
    let refused = async |body: Value| {
        let problem = expect_problem(scene.post(&scene.ada, &body).await, 422, "validation-failed").await;
        pointers(&problem)
    };
    let with = |name: &str, value: Value| {
        let mut body = json!({"start_time_ms": 1000, "title": "x"});
        body[name] = value;
        body
    };
    for (name, value) in [
        ("start_time_ms", json!(-1)),
        ("start_time_ms", json!(60_011)),
        ("start_time_ms", json!(9_000_000_000_000_i64)),
        ("end_time_ms", json!(1000)),
        ("end_time_ms", json!(999)),
        ("end_time_ms", json!(60_011)),
        ("title", json!("")),
        ("title", json!(" \u{3000}")),
        ("title", json!("x".repeat(201))),
        ("title", json!("a\nb")),
        ("title", json!("a\u{0}b")),
        ("title", json!("a\u{2028}b")),
        ("content", json!("x".repeat(4001))),
        ("content", json!("\u{1b}[31m")),
        ("category", json!("x".repeat(51))),
        ("color", json!("red")),
        ("color", json!("#ff880")),
    ] {
        assert_eq!(refused(with(name, value.clone())).await, [format!("#/{name}")], "{name}: {value}");
    }
    for (name, value) in [
        ("start_time_ms", json!(1.5)),
        ("start_time_ms", json!(1e300)),
        ("odd", json!(1)),
        ("title", json!(null)),
    ] {
        refused(with(name, value)).await;
    }
    let all = refused(json!({"start_time_ms": -1, "title": "", "color": ""})).await;
    assert_eq!(all, ["#/start_time_ms", "#/title", "#/color"], "every error at once");
    // The end itself is within the track, and a little more is rounding.
    assert_eq!(scene.made(&scene.ada, &with("end_time_ms", json!(60_010))).await["end_time_ms"], 60_000);
    // A track of unknown length takes any time.
    scene.server.execute("UPDATE reference_tracks SET duration_seconds = NULL").await;
    scene.made(&scene.ada, &with("end_time_ms", json!(i32::MAX))).await;
    assert_eq!(refused(with("end_time_ms", json!(i64::from(i32::MAX) + 1))).await, ["#/end_time_ms"]);
}

#[tokio::test]
async fn a_private_annotation_is_its_authors_alone() {
    let scene = Scene::new().await;
    let hers = scene.made(&scene.ada, &json!({"start_time_ms": 1, "title": "hers"})).await;
    let admins = scene.made(&scene.admin, &json!({"start_time_ms": 2, "title": "admin's"})).await;
    scene.made(&scene.admin, &json!({"start_time_ms": 3, "title": "for all", "is_private": false})).await;
    assert_eq!(scene.titles(&scene.ada, "").await, ["hers", "for all"]);
    assert_eq!(scene.titles(&scene.admin, "").await, ["admin's", "for all"]);
    assert_eq!(scene.titles(&scene.moderator, "").await, ["for all"]);
    for (who, what) in [(&scene.ada, &admins), (&scene.admin, &hers), (&scene.moderator, &hers)] {
        let one = id(&what["id"]);
        expect_problem(scene.server.get(who, &scene.path(&format!("/{one}"))).await, 404, "not-found").await;
        let patched = scene.send(who, Method::PATCH, &format!("/{one}"), &json!({"title": "x"})).await;
        expect_problem(patched, 404, "not-found").await;
        expect_problem(scene.delete(who, one).await, 404, "not-found").await;
        if who.id != scene.moderator.id {
            let bulk = json!({"delete": [{"id": one}]});
            let problem = scene.send(who, Method::POST, "/bulk", &bulk).await;
            let problem = expect_problem(problem, 422, "validation-failed").await;
            assert_eq!(pointers(&problem), ["#/delete/0/id"]);
        }
        let file = scene.server.get(who, &scene.path("/export/jams")).await.text().await.unwrap();
        assert!(!file.contains(what["title"].as_str().unwrap()), "{file}");
    }
    for query in ["?is_private=true", &format!("?author_id={}", scene.ada.id)] {
        assert!(scene.titles(&scene.moderator, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn who_may_do_what_with_an_annotation_for_all() {
    let scene = Scene::new().await;
    let body = json!({"start_time_ms": 1, "title": "for all", "is_private": false});
    for (who, status) in [(&scene.eve, 404), (&scene.moderator, 404), (&scene.ada, 201), (&scene.admin, 201)]
    {
        assert_eq!(scene.post(who, &body).await.status(), status);
    }
    let hers = id(&scene.made(&scene.ada, &body).await["id"]);
    let rest = format!("/{hers}");
    for (who, read, write) in [
        (&scene.eve, 404, 404),
        (&scene.moderator, 200, 403),
        (&scene.admin, 200, 403),
        (&scene.ada, 200, 200),
    ] {
        assert_eq!(scene.server.get(who, &scene.path(&rest)).await.status(), read);
        let patched = scene.send(who, Method::PATCH, &rest, &json!({"title": "x"})).await;
        assert_eq!(patched.status(), write);
    }
    assert_eq!(scene.delete(&scene.eve, hers).await.status(), 404);
    assert_eq!(scene.delete(&scene.moderator, hers).await.status(), 403);
    assert_eq!(scene.audited("annotation.deleted").await, 0);
    assert_eq!(scene.delete(&scene.admin, hers).await.status(), 204);
    assert_eq!(scene.audited("annotation.deleted").await, 1);
    let admins = id(&scene.made(&scene.admin, &body).await["id"]);
    let patched = scene.send(&scene.ada, Method::PATCH, &format!("/{admins}"), &json!({"title": "x"})).await;
    expect_problem(patched, 403, "forbidden").await;
    assert_eq!(scene.delete(&scene.ada, admins).await.status(), 204, "the owner may remove it");
    assert_eq!(scene.audited("annotation.deleted").await, 2);
    // An author keeps what is theirs when the right to the track is gone.
    let kept = id(&scene.made(&scene.admin, &body).await["id"]);
    scene.server.execute("DELETE FROM user_roles").await;
    assert_eq!(scene.server.get(&scene.admin, &scene.path("")).await.status(), 404);
    let rest = format!("/{kept}");
    assert_eq!(scene.send(&scene.admin, Method::PATCH, &rest, &json!({"title": "y"})).await.status(), 200);
    assert_eq!(scene.delete(&scene.admin, kept).await.status(), 204);
    let other = scene.server.track(&scene.ada).await;
    let elsewhere = format!("/v1/tracks/{other}/annotations/{hers}");
    expect_problem(scene.server.get(&scene.ada, &elsewhere).await, 404, "not-found").await;
}

#[tokio::test]
async fn a_list_filters_and_its_pages_are_not_shifted() {
    let scene = Scene::new().await;
    for (start, end, title, category) in [
        (0, Some(1000), "a", Some("x")),
        (500, None, "b", Some("y")),
        (1000, None, "c", None),
        (1000, Some(3000), "d", Some("x")),
        (5000, Some(6000), "e", None),
    ] {
        let body = json!({"start_time_ms": start, "end_time_ms": end, "title": title, "category": category,
                          "is_private": title != "e"});
        scene.made(&scene.ada, &body).await;
    }
    for (query, expected) in [
        ("", "abcde"),
        ("?from_ms=1000", "cde"),
        ("?from_ms=999", "acde"),
        ("?to_ms=1000", "ab"),
        ("?from_ms=2000&to_ms=5001", "de"),
        ("?category=x", "ad"),
        ("?is_private=false", "e"),
        ("?is_private=true&category=y", "b"),
    ] {
        assert_eq!(scene.titles(&scene.ada, query).await.concat(), expected, "{query}");
    }
    let first = scene.server.json(&scene.ada, &scene.path("?limit=3")).await;
    scene.made(&scene.ada, &json!({"start_time_ms": 10, "title": "late"})).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(scene.titles(&scene.ada, &format!("?limit=3&cursor={cursor}")).await.concat(), "de");
    for bad in [
        "from_ms=-1",
        "from_ms=x",
        "from_ms=5&to_ms=5",
        "limit=501",
        "limit=0",
        "cursor=x",
        "author_id=1",
        "category=%00",
        "is_private=2",
    ] {
        let answer = scene.server.get(&scene.ada, &scene.path(&format!("?{bad}"))).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let scene = Scene::new().await;
    let made = scene.made(&scene.ada, &json!({"start_time_ms": 1, "title": "x"})).await;
    let path = scene.path(&format!("/{}", id(&made["id"])));
    let send = async |method: Method, tag: &str| {
        let request = scene.server.request(&scene.ada, method, &path).header("if-match", tag);
        request.json(&json!({"title": "y"})).send().await.unwrap()
    };
    let seen = made["etag"].as_str().unwrap();
    expect_problem(send(Method::PATCH, "\"1\"").await, 412, "precondition-failed").await;
    let changed = send(Method::PATCH, seen).await;
    assert_eq!(changed.status(), 200);
    let now = changed.headers()["etag"].to_str().unwrap().to_owned();
    expect_problem(send(Method::PATCH, seen).await, 412, "precondition-failed").await;
    expect_problem(send(Method::DELETE, seen).await, 412, "precondition-failed").await;
    assert_eq!(send(Method::PATCH, "*").await.status(), 200);
    expect_problem(send(Method::DELETE, &now).await, 412, "precondition-failed").await;
    let now = scene.server.json(&scene.ada, &path).await["etag"].as_str().unwrap().to_owned();
    assert_eq!(send(Method::DELETE, &now).await.status(), 204);
}

#[tokio::test]
async fn many_changes_are_made_at_once_or_not_at_all() {
    let scene = Scene::new().await;
    let one = scene.made(&scene.ada, &json!({"start_time_ms": 1, "title": "one"})).await;
    let two = scene.made(&scene.ada, &json!({"start_time_ms": 2, "title": "two"})).await;
    let admins =
        scene.made(&scene.admin, &json!({"start_time_ms": 3, "title": "three", "is_private": false})).await;
    let bad = json!({
        "create": [{"start_time_ms": 5, "title": "new"}, {"start_time_ms": 70_000, "title": ""}],
        "update": [{"id": one["id"], "set": {"color": "no"}}, {"id": Uuid::nil(), "set": {}}],
        "delete": [{"id": one["id"]}, {"id": two["id"]}],
    });
    let problem =
        expect_problem(scene.send(&scene.ada, Method::POST, "/bulk", &bad).await, 422, "validation-failed")
            .await;
    let expected = [
        "#/delete/0/id",
        "#/update/0/set/color",
        "#/update/1/id",
        "#/create/1/start_time_ms",
        "#/create/1/title",
    ];
    assert_eq!(pointers(&problem), expected);
    let stale =
        json!({"update": [{"id": one["id"], "etag": "\"1\"", "set": {}}], "delete": [{"id": two["id"]}]});
    expect_problem(scene.send(&scene.ada, Method::POST, "/bulk", &stale).await, 412, "precondition-failed")
        .await;
    let theirs = json!({"update": [{"id": admins["id"], "set": {"title": "mine"}}]});
    expect_problem(scene.send(&scene.ada, Method::POST, "/bulk", &theirs).await, 403, "forbidden").await;
    let many = json!({"create": vec![json!({"start_time_ms": 5, "title": "new"}); 201]});
    let problem =
        expect_problem(scene.send(&scene.ada, Method::POST, "/bulk", &many).await, 422, "validation-failed")
            .await;
    assert_eq!(pointers(&problem), ["#/create"]);
    assert_eq!(scene.titles(&scene.ada, "").await, ["one", "two", "three"], "nothing was changed");
    let good = json!({
        "create": [{"start_time_ms": 9, "title": "nine"}, {"start_time_ms": 8, "title": "eight"}],
        "update": [{"id": one["id"], "etag": one["etag"], "set": {"title": "first"}}],
        "delete": [{"id": two["id"], "etag": two["etag"]}, {"id": admins["id"]}],
    });
    let keyed = || {
        scene.server.request(&scene.ada, Method::POST, &scene.path("/bulk")).header("idempotency-key", "k")
    };
    let done = keyed().json(&good).send().await.unwrap();
    assert_eq!(done.status(), 200);
    let done: Value = done.json().await.unwrap();
    assert_eq!(
        (&done["created"][0]["title"], &done["created"][1]["title"]),
        (&json!("nine"), &json!("eight"))
    );
    assert_eq!(done["updated"][0]["title"], "first");
    assert_eq!(done["deleted"], json!([two["id"], admins["id"]]));
    assert_eq!(
        keyed().json(&good).send().await.unwrap().json::<Value>().await.unwrap(),
        done,
        "the same answer"
    );
    assert_eq!(scene.titles(&scene.ada, "").await, ["first", "eight", "nine"]);
    assert_eq!(scene.audited("annotation.deleted").await, 2, "a line for each");
    for who in [&scene.eve, &scene.moderator] {
        expect_problem(scene.send(who, Method::POST, "/bulk", &json!({})).await, 404, "not-found").await;
    }
}

#[tokio::test]
async fn one_person_has_ten_thousand_on_a_track() {
    let scene = Scene::new().await;
    scene
        .server
        .execute(
            "INSERT INTO track_annotations (track_id, user_id, start_time_ms, title)
             SELECT id, user_id, i, 'x' FROM reference_tracks, generate_series(1, 9999) i",
        )
        .await;
    let body = json!({"start_time_ms": 1, "title": "last"});
    let two = json!({"create": [body, body]});
    expect_problem(scene.send(&scene.ada, Method::POST, "/bulk", &two).await, 409, "limit-reached").await;
    scene.made(&scene.ada, &body).await;
    expect_problem(scene.post(&scene.ada, &body).await, 409, "limit-reached").await;
    let dry = scene.server.request(&scene.ada, Method::POST, &scene.path("/import?dry_run=true"));
    let dry = dry.header("content-type", "text/plain").body("1\t1\tx\n").send().await.unwrap();
    expect_problem(dry, 409, "limit-reached").await;
    scene.made(&scene.admin, &body).await;
    // Ten pages of a file are one file.
    let file = scene.server.get(&scene.ada, &scene.path("/export/jams")).await.text().await.unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    let lengths: usize =
        file["annotations"].as_array().unwrap().iter().map(|a| a["data"].as_array().unwrap().len()).sum();
    assert_eq!(lengths, 10_000);
    let file = scene.server.get(&scene.ada, &scene.path("/export/audacity")).await.text().await.unwrap();
    assert_eq!(file.lines().count(), 10_000);
}

#[tokio::test]
async fn a_post_sent_twice_is_one_annotation() {
    let scene = Scene::new().await;
    let body = json!({"start_time_ms": 1, "title": "x"});
    let send = async |body: &Value| {
        let request = scene.server.request(&scene.ada, Method::POST, &scene.path(""));
        request.header("idempotency-key", "k").json(body).send().await.unwrap()
    };
    let first = send(&body).await;
    assert_eq!(first.status(), 201);
    let again = send(&body).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(first.headers()["location"], again.headers()["location"]);
    expect_problem(send(&json!({"start_time_ms": 2, "title": "x"})).await, 422, "idempotency-key-reused")
        .await;
    assert_eq!(scene.titles(&scene.ada, "").await, ["x"]);
}

#[tokio::test]
async fn the_tag_of_a_compressed_answer_is_good_for_a_change() {
    let scene = Scene::new().await;
    let made =
        scene.made(&scene.ada, &json!({"start_time_ms": 1, "title": "x", "content": "x".repeat(2000)})).await;
    let path = scene.path(&format!("/{}", id(&made["id"])));
    let asked = scene.server.request(&scene.ada, Method::GET, &path).header("accept-encoding", "gzip");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let change = async || {
        let request = scene.server.request(&scene.ada, Method::PATCH, &path).header("if-match", &tag);
        request.json(&json!({"title": "y"})).send().await.unwrap()
    };
    assert_eq!(change().await.status(), 200, "{tag}");
    expect_problem(change().await, 412, "precondition-failed").await;
}

#[tokio::test]
async fn a_bulk_is_read_as_strictly_as_one_alone() {
    let scene = Scene::new().await;
    let made = scene.made(&scene.ada, &json!({"start_time_ms": 1, "title": "x"})).await;
    for (body, pointer) in [
        (json!([[]]), "#"),
        (json!({"create": null}), "#/create"),
        (json!({"create": [{"start_time_ms": 1, "title": "x"}, {"title": "x"}]}), "#/create/1"),
        (json!({"create": [{"start_time_ms": "1", "title": "x"}]}), "#/create/0/start_time_ms"),
        (json!({"update": [{"id": made["id"], "set": {"titel": "x"}}]}), "#/update/0/set/titel"),
        (json!({"update": [[made["id"], null, {}]]}), "#/update/0"),
        (json!({"delete": [{"id": "x"}]}), "#/delete/0/id"),
    ] {
        let answer = scene.send(&scene.ada, Method::POST, "/bulk", &body).await;
        assert_eq!(pointers(&expect_problem(answer, 422, "validation-failed").await), [pointer], "{body}");
    }
    let whole = json!({"create": [{"start_time_ms": 74.0, "title": "y"}]});
    assert_eq!(scene.send(&scene.ada, Method::POST, "/bulk", &whole).await.status(), 200);
}

#[tokio::test]
async fn a_bulk_may_hold_all_that_it_may_say() {
    let scene = Scene::new().await;
    let new = json!({"start_time_ms": 1, "title": "x", "content": "x".repeat(4000)});
    let answer = scene.send(&scene.ada, Method::POST, "/bulk", &json!({"create": vec![new; 200]})).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_file_that_does_not_come_is_not_waited_for() {
    let server = Server::with(Config { body_timeout: Duration::from_millis(200), ..Config::default() }).await;
    let ada = server.person("ada").await;
    let path = format!("/v1/tracks/{}/annotations/import", server.track(&ada).await);
    let never = futures::stream::pending::<std::io::Result<Vec<u8>>>();
    let request = server.request(&ada, Method::POST, &path).header("content-type", "text/plain");
    let answer = request.body(reqwest::Body::wrap_stream(never)).send().await.unwrap();
    expect_problem(answer, 408, "request-timeout").await;
}
