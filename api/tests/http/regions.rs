//! Regions: their order, who changes them, and files of labels.

use crate::support::{Person, Server, expect_problem, id, pointers};
use api::Config;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use store::access;
use uuid::Uuid;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../export/tests/read_exports.py");
const VENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-python/bin/python");
const MODERATOR: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0002);
const ADMIN: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0003);

/// A track of Ada's, 60 s long.
struct Scene {
    server: Server,
    ada: Person,
    track: Uuid,
}

impl Scene {
    async fn new() -> Self {
        // Rights that are taken away in the database count at once.
        let server = Server::with(Config { entitlements_age: Duration::ZERO, ..Config::default() }).await;
        let ada = server.person("ada").await;
        let track = id(&server.upload(&ada, "Für Elise/§", crate::support::wav(1000)).await["track"]["id"]);
        server.execute("UPDATE reference_tracks SET duration_seconds = 60").await;
        Self { server, ada, track }
    }

    async fn holding(&self, name: &str, role: Uuid) -> Person {
        let person = self.server.person(name).await;
        let mut db = self.server.pool().acquire().await.unwrap();
        access::grant(&mut db, person.id, role).await.unwrap();
        person
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/tracks/{}/{rest}", self.track)
    }

    async fn send(&self, person: &Person, method: Method, rest: &str, body: &Value) -> Response {
        self.server.request(person, method, &self.path(rest)).json(body).send().await.unwrap()
    }

    async fn made(&self, body: &Value) -> Value {
        let response = self.send(&self.ada, Method::POST, "regions", body).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 201, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn names(&self, query: &str) -> String {
        let list = self.server.json(&self.ada, &self.path(&format!("regions{query}"))).await;
        list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    /// Sends a file as it is.
    async fn import(&self, rest: &str, content_type: &str, file: impl Into<reqwest::Body>) -> Response {
        let request = self.server.request(&self.ada, Method::POST, &self.path(rest));
        request.header("content-type", content_type).body(file).send().await.unwrap()
    }

    async fn export(&self, rest: &str) -> String {
        let response = self.server.get(&self.ada, &self.path(rest)).await;
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    }
}

fn region(start_ms: u32, name: &str) -> Value {
    json!({"start_time_ms": start_ms, "end_time_ms": start_ms + 1000, "name": name})
}

/// What was said of things, without what changes when they are made again.
fn said(list: &Value) -> Vec<Value> {
    let mut items = list["items"].as_array().unwrap().clone();
    for item in &mut items {
        for name in ["id", "track_id", "author_id", "etag", "created_at", "updated_at"] {
            item.as_object_mut().unwrap().remove(name).unwrap();
        }
    }
    items
}

#[tokio::test]
async fn regions_come_by_time_until_they_are_put_in_order() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for (start, name) in [(3000, "d"), (0, "a"), (2000, "c"), (1000, "b")] {
        ids.push(scene.made(&region(start, name)).await["id"].clone());
    }
    assert_eq!(scene.names("").await, "abcd");
    let order = async |who: &Person, ids: &[Value]| {
        scene.send(who, Method::PUT, "regions/order", &json!({"region_ids": ids})).await
    };
    let answer = order(&scene.ada, &[ids[0].clone(), ids[2].clone()]).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["region_ids"], json!([ids[0], ids[2], ids[1], ids[3]]));
    assert_eq!(scene.names("").await, "dcab");
    assert_eq!(scene.made(&region(0, "e")).await["display_order"], 5, "new ones come last then");
    assert_eq!(scene.names("").await, "dcabe");
    let problem = order(&scene.ada, &[ids[0].clone(), json!(Uuid::nil()), ids[0].clone()]).await;
    let problem = expect_problem(problem, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/region_ids/1", "#/region_ids/2"]);
    let moderator = scene.holding("mo", MODERATOR).await;
    expect_problem(order(&moderator, &ids).await, 404, "not-found").await;
    // A page goes on where it ended, whatever came in between.
    let page = scene.server.json(&scene.ada, &scene.path("regions?limit=2")).await;
    let first = json!({"start_time_ms": 0, "end_time_ms": 1, "name": "x", "display_order": 0});
    scene.made(&first).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(scene.names(&format!("?limit=9&cursor={cursor}")).await, "abe");
}

#[tokio::test]
async fn an_order_of_one_is_an_order() {
    let scene = Scene::new().await;
    let first = scene.made(&region(3000, "a")).await;
    let order = json!({"region_ids": [first["id"]]});
    assert_eq!(scene.send(&scene.ada, Method::PUT, "regions/order", &order).await.status(), 200);
    scene.made(&region(0, "b")).await;
    assert_eq!(scene.names("").await, "ab");
}

#[tokio::test]
async fn a_region_is_checked_filtered_and_changed() {
    let scene = Scene::new().await;
    let body = json!({"start_time_ms": 5000, "end_time_ms": 9000, "name": "Hook", "section_type": "pre_chorus",
                      "color": "#ABCDEF", "description": "x", "display_order": 7});
    let made = scene.made(&body).await;
    scene.made(&region(0, "a")).await;
    assert_eq!((&made["color"], &made["display_order"]), (&json!("#abcdef"), &json!(7)));
    for (query, expected) in [
        ("?section_type=pre_chorus", "Hook"),
        ("?from_ms=1000", "Hook"),
        ("?from_ms=999&to_ms=5000", "a"),
        ("?to_ms=5001", "Hooka"),
        (&format!("?author_id={}", Uuid::nil()), ""),
    ] {
        assert_eq!(scene.names(query).await, expected, "{query}");
    }
    for (name, value) in [
        ("end_time_ms", json!(5000)),
        ("start_time_ms", json!(9000)),
        ("end_time_ms", json!(60_011)),
        ("name", json!("")),
        ("section_type", json!("Chorus")),
        ("section_type", json!("")),
        ("color", json!("#12")),
        ("display_order", json!(-1)),
        ("display_order", json!(1_000_001)),
        ("description", json!("x".repeat(4001))),
    ] {
        let rest = format!("regions/{}", id(&made["id"]));
        let patch = json!({ name: value });
        let problem = scene.send(&scene.ada, Method::PATCH, &rest, &patch).await;
        let problem = expect_problem(problem, 422, "validation-failed").await;
        let pointer = if name == "start_time_ms" { "end_time_ms" } else { name };
        assert_eq!(pointers(&problem), [format!("#/{pointer}")], "{patch}");
        let mut whole = body.clone();
        whole[name] = value;
        let problem = scene.send(&scene.ada, Method::POST, "regions", &whole).await;
        assert_eq!(
            pointers(&expect_problem(problem, 422, "validation-failed").await),
            [format!("#/{pointer}")]
        );
    }
    let rest = format!("regions/{}", id(&made["id"]));
    let null = scene.send(&scene.ada, Method::PATCH, &rest, &json!({"end_time_ms": null})).await;
    expect_problem(null, 422, "validation-failed").await;
    let patch = json!({"section_type": null, "color": null, "start_time_ms": 8999});
    let changed: Value = scene.send(&scene.ada, Method::PATCH, &rest, &patch).await.json().await.unwrap();
    assert_eq!(
        (&changed["section_type"], &changed["color"], &changed["start_time_ms"]),
        (&Value::Null, &Value::Null, &json!(8999))
    );
    assert_eq!((&changed["display_order"], &changed["description"]), (&json!(7), &json!("x")));
    // What others wrote in their own words stays while something else is changed.
    scene.server.execute("UPDATE track_regions SET color = 'red', section_type = 'A-part'").await;
    let changed: Value =
        scene.send(&scene.ada, Method::PATCH, &rest, &json!({"name": "n"})).await.json().await.unwrap();
    assert_eq!((&changed["color"], &changed["section_type"]), (&json!("red"), &json!("A-part")));
}

#[tokio::test]
async fn who_may_do_what_with_a_region() {
    let scene = Scene::new().await;
    let eve = scene.server.person("eve").await;
    let (moderator, admin) = (scene.holding("mo", MODERATOR).await, scene.holding("admin", ADMIN).await);
    for (who, read, create, change) in [
        (&eve, 404, 404, 404),
        (&moderator, 200, 404, 403),
        (&admin, 200, 201, 200),
        (&scene.ada, 200, 201, 200),
    ] {
        let hers = scene.made(&region(0, "a")).await;
        let rest = format!("regions/{}", id(&hers["id"]));
        assert_eq!(scene.server.get(who, &scene.path("regions")).await.status(), read);
        assert_eq!(scene.server.get(who, &scene.path(&rest)).await.status(), read);
        assert_eq!(scene.server.get(who, &scene.path("regions/export/jams")).await.status(), read);
        assert_eq!(scene.send(who, Method::POST, "regions", &region(0, "b")).await.status(), create);
        let bulk = if create == 201 { 200 } else { create };
        assert_eq!(scene.send(who, Method::POST, "regions/bulk", &json!({})).await.status(), bulk);
        let import = scene.server.request(who, Method::POST, &scene.path("regions/import"));
        let import = import.header("content-type", "text/plain").body("0\t1\tx\n").send().await.unwrap();
        assert_eq!(import.status(), create);
        assert_eq!(scene.send(who, Method::PATCH, &rest, &json!({"name": "c"})).await.status(), change);
        let removed = if change == 200 { 204 } else { change };
        assert_eq!(scene.send(who, Method::DELETE, &rest, &json!({})).await.status(), removed);
    }
    let audited = "SELECT count(*) FROM audit_log WHERE event_type IN ('region.updated', 'region.deleted')";
    assert_eq!(scene.server.count(audited).await, 3, "what the admin did, and what its author removed");
    // An author keeps their own.
    let theirs = scene.send(&admin, Method::POST, "regions", &region(0, "theirs")).await;
    let rest = format!("regions/{}", id(&theirs.json::<Value>().await.unwrap()["id"]));
    scene.server.execute("DELETE FROM user_roles").await;
    assert_eq!(scene.server.get(&admin, &scene.path("regions")).await.status(), 404);
    assert_eq!(scene.send(&admin, Method::PATCH, &rest, &json!({"name": "c"})).await.status(), 200);
    assert_eq!(scene.send(&scene.ada, Method::DELETE, &rest, &json!({})).await.status(), 204);
    assert_eq!(scene.server.count(audited).await, 4);
}

#[tokio::test]
async fn a_bulk_is_all_or_nothing() {
    let scene = Scene::new().await;
    let (a, b) = (scene.made(&region(0, "a")).await, scene.made(&region(1000, "b")).await);
    let bad = json!({"create": [region(59_500, "c")], "update": [{"id": a["id"], "set": {"name": "x"}}],
                     "delete": [{"id": b["id"]}, {"id": Uuid::nil()}]});
    let problem = scene.send(&scene.ada, Method::POST, "regions/bulk", &bad).await;
    let problem = expect_problem(problem, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/delete/1/id", "#/create/0/end_time_ms"]);
    let stale = json!({"delete": [{"id": a["id"]}, {"id": b["id"], "etag": "\"0\""}]});
    let problem = scene.send(&scene.ada, Method::POST, "regions/bulk", &stale).await;
    expect_problem(problem, 412, "precondition-failed").await;
    for odd in [json!({"creates": []}), json!([]), json!({"update": [{"id": a["id"], "set": {"odd": 1}}]})] {
        let problem = scene.send(&scene.ada, Method::POST, "regions/bulk", &odd).await;
        expect_problem(problem, 422, "validation-failed").await;
    }
    assert_eq!(scene.names("").await, "ab");
    let good = json!({"create": [region(2000, "c")], "update": [{"id": a["id"], "set": {"name": "x"}}],
                      "delete": [{"id": b["id"]}]});
    assert_eq!(scene.send(&scene.ada, Method::POST, "regions/bulk", &good).await.status(), 200);
    assert_eq!(scene.names("").await, "xc");
    let removed =
        "SELECT count(*) FROM audit_log WHERE event_type = 'region.deleted' AND resource_id IS NOT NULL
        AND details ->> 'author_id' = user_id::text";
    assert_eq!(scene.server.count(removed).await, 1);
}

#[tokio::test]
async fn what_is_exported_can_be_imported_again() {
    let scene = Scene::new().await;
    let names = ["Chorus", "Ünï \"quoted\" \\ 🎵", "c, d; e"];
    for (i, name) in names.iter().enumerate() {
        let start = 1000 * u32::try_from(i).unwrap() + 1;
        let order = 3 - i;
        scene
            .made(
                &json!({"start_time_ms": start, "end_time_ms": start + 999, "name": name, "color": "#123456",
            "section_type": if i == 1 { json!("verse") } else { Value::Null }, "description": "a\nb",
            "display_order": order}),
            )
            .await;
        let note = json!({"start_time_ms": start, "end_time_ms": if i == 0 { json!(59_999) } else { Value::Null },
            "title": name, "content": "a\tb", "category": "x", "is_private": i == 2});
        assert_eq!(scene.send(&scene.ada, Method::POST, "annotations", &note).await.status(), 201);
    }
    for kind in ["regions", "annotations"] {
        let before = scene.server.json(&scene.ada, &scene.path(kind)).await;
        let other = Scene::new().await;
        let file = scene.export(&format!("{kind}/export/jams")).await;
        let answer = other.import(&format!("{kind}/import"), "application/json", file).await;
        assert_eq!(answer.status(), 201);
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({"format": "jams", "count": 3, "dry_run": false})
        );
        let after = other.server.json(&other.ada, &other.path(kind)).await;
        assert_eq!(said(&after), said(&before), "{kind}: nothing is lost");
        let other = Scene::new().await;
        let file = scene.export(&format!("{kind}/export/audacity")).await;
        let answer = other.import(&format!("{kind}/import"), "text/plain; charset=utf-8", file.clone()).await;
        assert_eq!(answer.status(), 201);
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        let again = other.export(&format!("{kind}/export/audacity")).await;
        let mut again: Vec<String> = again.lines().map(str::to_owned).collect();
        lines.sort();
        again.sort();
        assert_eq!(lines, again, "{kind}: times and words are the same");
    }
}

#[tokio::test]
async fn an_export_of_nothing_can_be_imported_again() {
    let scene = Scene::new().await;
    for kind in ["regions", "annotations"] {
        for (form, content_type) in [("jams", "application/json"), ("audacity", "text/plain")] {
            let file = scene.export(&format!("{kind}/export/{form}")).await;
            let answer = scene.import(&format!("{kind}/import"), content_type, file).await;
            assert_eq!(answer.status(), 201, "{kind} {form}");
            assert_eq!(answer.json::<Value>().await.unwrap()["count"], 0);
        }
    }
}

#[tokio::test]
async fn exports_are_read_by_others_and_have_a_name() {
    let scene = Scene::new().await;
    scene.made(&region(1500, "Chorus")).await;
    let note = json!({"start_time_ms": 250, "title": "here"});
    assert_eq!(scene.send(&scene.ada, Method::POST, "annotations", &note).await.status(), 201);
    let folder = tempfile::tempdir().unwrap();
    for (kind, namespace, expected) in [
        ("regions", "segment_open", json!([[1.5, 1.0, "Chorus", null]])),
        ("annotations", "tag_open", json!([[0.25, 0.0, "here", null]])),
    ] {
        for known in [true, false] {
            let length = if known { "60" } else { "NULL" };
            let statement = format!("UPDATE reference_tracks SET duration_seconds = {length}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(scene.server.pool()).await.unwrap();
            let response = scene.server.get(&scene.ada, &scene.path(&format!("{kind}/export/jams"))).await;
            assert_eq!(response.headers()["content-type"], "application/json");
            let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
            assert!(name.contains(&format!("filename=\"F_r Elise__ {kind}.jams\"")), "{name}");
            assert!(
                name.contains(&format!("filename*=UTF-8''F%C3%BCr%20Elise_%C2%A7%20{kind}.jams")),
                "{name}"
            );
            let file = folder.path().join("file.jams");
            std::fs::write(&file, response.bytes().await.unwrap()).unwrap();
            let jam = read("jams", &file);
            assert_eq!(jam["annotations"], json!({ namespace: expected }));
            assert_eq!(jam["tools"], json!(["Arsis"]));
        }
        let response = scene.server.get(&scene.ada, &scene.path(&format!("{kind}/export/audacity"))).await;
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        let file = folder.path().join("file.txt");
        std::fs::write(&file, response.bytes().await.unwrap()).unwrap();
        assert_eq!(read("audacity", &file).as_array().unwrap().len(), 1);
    }
    for path in ["regions/export/csv", "annotations/export/", "regions/export/JAMS"] {
        expect_problem(scene.server.get(&scene.ada, &scene.path(path)).await, 404, "not-found").await;
    }
}

/// What a reader that is not ours says of a file.
#[track_caller]
fn read(kind: &str, file: &Path) -> Value {
    let made = || if Path::new(VENV).exists() { VENV.into() } else { "python3".into() };
    let python = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| made());
    let ran = Command::new(python).arg(READER).arg(kind).arg(file).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice::<Value>(&ran.stdout).unwrap()[0].take()
}

#[tokio::test]
async fn a_bad_file_is_refused_whole_with_every_place() {
    let scene = Scene::new().await;
    let labels =
        "\u{feff}0\t1\ta\r\n\\\t100\t200\r\n\r\nx\t2\tb\r\n3\t2\tc\r\n59\t61\td\r\n4\t4\te\r\n5\t6\t\r\n";
    let refused = async |rest: &str, content_type: &str, file: &[u8]| {
        let answer = scene.import(rest, content_type, file.to_vec()).await;
        pointers(&expect_problem(answer, 422, "validation-failed").await)
    };
    // What is no label at all comes before what is a label that cannot be.
    assert_eq!(refused("regions/import", "text/plain", labels.as_bytes()).await, ["line 4", "line 5"]);
    let labels = labels.replace("x\t2\tb\r\n3\t2\tc\r\n", "");
    let places = refused("regions/import", "text/plain", labels.as_bytes()).await;
    assert_eq!(places, ["line 4", "line 5", "line 6"], "beyond the track, a moment, no name");
    assert_eq!(refused("annotations/import", "text/plain", labels.as_bytes()).await, ["line 4", "line 6"]);
    let jams = json!({"annotations": [
        {"namespace": "beat", "data": "odd"},
        {"namespace": "segment_open", "data": [
            {"time": 0, "duration": 1, "value": "a", "confidence": null},
            {"time": -1, "duration": 1, "value": "a"},
            {"time": 1, "duration": 1e308, "value": "a"},
            {"time": 1, "duration": 1, "value": 5},
            {"time": null, "value": "a"}, []]},
        {"namespace": "segment_salami_upper", "data": {"time": []}}]});
    let places = refused("regions/import", "application/json", jams.to_string().as_bytes()).await;
    let expected = [
        "#/annotations/1/data/1/time",
        "#/annotations/1/data/2/duration",
        "#/annotations/1/data/3/value",
        "#/annotations/1/data/4/time",
        "#/annotations/1/data/4/duration",
        "#/annotations/1/data/5",
        "#/annotations/2/data",
    ];
    assert_eq!(places, expected);
    assert_eq!(
        refused("annotations/import", "application/json", jams.to_string().as_bytes()).await,
        ["#/annotations"]
    );
    let sandbox = json!({"annotations": [{"namespace": "segment_open",
        "data": [{"time": 0, "duration": 1, "value": "a"}],
        "sandbox": {"arsis": [{"time": 0, "value": "a", "color": 5}]}}]});
    let places = refused("regions/import", "application/json", sandbox.to_string().as_bytes()).await;
    assert_eq!(places, ["#/annotations/0/data/0"]);
    for (file, place) in [
        (b"{".to_vec(), "#"),
        (b"\xff\xfe{\0}\0".to_vec(), "#"),
        (b"[]".to_vec(), "#/annotations"),
        (b"{\"annotations\": [{\"data\": []}]}".to_vec(), "#/annotations/0/namespace"),
        ("[".repeat(100_000).into_bytes(), "#"),
        (
            b"{\"annotations\": [{\"namespace\": \"segment_open\", \"data\":
               [{\"time\": 1e999, \"duration\": 0, \"value\": \"x\"}]}]}"
                .to_vec(),
            "#/annotations/0/data/0/time",
        ),
    ] {
        assert_eq!(refused("regions/import", "application/json", &file).await, [place]);
    }
    for file in [
        &b"NaN\t1\ta"[..],
        b"-1\t1\ta",
        b"1e308\t1e308\ta",
        b"0\tinf\ta",
        b"0\t1\t\x00",
        b"0\t1\t\x1b[31m",
        b"0\t1\t\xff",
        b"0",
        b"\\\t1\t2",
        b"\xff\xfe0\0\t\0",
        &[b'x'; 100_000],
    ] {
        assert_eq!(refused("annotations/import", "text/plain", file).await, ["line 1"], "{file:?}");
    }
    let many = "0\t1\ta\n".repeat(5001);
    assert_eq!(refused("regions/import", "text/plain", many.as_bytes()).await, ["line 5001"]);
    assert_eq!(refused("regions/import", "text/plain", "?\n".repeat(500).as_bytes()).await.len(), 100);
    assert_eq!(refused("regions/import", "text/plain", "0\t1\t\n".repeat(500).as_bytes()).await.len(), 100);
    assert_eq!(scene.names("").await, "", "nothing was made");
}

#[tokio::test]
async fn a_file_is_taken_by_its_type_or_its_named_form() {
    let scene = Scene::new().await;
    let labels = "1\t2\tPre-Chorus\n\\\t20.5\t-1\n3\t4\tOdd one\n";
    let dry = scene.import("regions/import?dry_run=true", "text/plain", labels).await;
    assert_eq!(dry.status(), 200);
    assert_eq!(
        dry.json::<Value>().await.unwrap(),
        json!({"format": "audacity", "count": 2, "dry_run": true})
    );
    assert_eq!(scene.names("").await, "");
    for (rest, content_type) in
        [("regions/import", "application/xml"), ("regions/import", "application/octet-stream")]
    {
        expect_problem(scene.import(rest, content_type, labels).await, 415, "unsupported-media-type").await;
    }
    let odd = scene.import("regions/import?format=csv", "text/plain", labels).await;
    assert_eq!(pointers(&expect_problem(odd, 422, "validation-failed").await), ["format"]);
    let large = scene.import("regions/import", "text/plain", vec![b'\n'; (4 << 20) + 1]).await;
    expect_problem(large, 413, "payload-too-large").await;
    assert_eq!(scene.import("regions/import", "text/plain", vec![b'\n'; 4 << 20]).await.status(), 201);
    let keyed = async || {
        let request =
            scene.server.request(&scene.ada, Method::POST, &scene.path("regions/import?format=audacity"));
        request
            .header("idempotency-key", "k")
            .header("content-type", "application/octet-stream")
            .body(labels)
            .send()
            .await
            .unwrap()
    };
    let made = keyed().await;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["location"].to_str().unwrap(), scene.path("regions"));
    assert_eq!(keyed().await.headers()["idempotency-replayed"], "true");
    let list = scene.server.json(&scene.ada, &scene.path("regions")).await;
    let types: Vec<&Value> =
        list["items"].as_array().unwrap().iter().map(|item| &item["section_type"]).collect();
    assert_eq!(types, [&json!("pre_chorus"), &Value::Null], "made once");
    // Annotations have moments, privacy, and namespaces to choose from.
    let labels = "1\tOld moment\n2\t2\tmoment\n";
    let answer = scene.import("annotations/import?is_private=false", "text/plain", labels).await;
    assert_eq!(answer.status(), 201);
    let jams = json!({"annotations": [{"namespace": "mood_thayer", "data": [{"time": 3, "duration": 0, "value": "calm"}]}]});
    let answer =
        scene.import("annotations/import?namespace=mood_thayer", "application/json", jams.to_string()).await;
    assert_eq!(answer.status(), 201);
    let list = scene.server.json(&scene.ada, &scene.path("annotations")).await;
    let items: Vec<(&Value, &Value, &Value)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["title"], &item["end_time_ms"], &item["is_private"]))
        .collect();
    let null = Value::Null;
    assert_eq!(
        items,
        [
            (&json!("Old moment"), &null, &json!(false)),
            (&json!("moment"), &null, &json!(false)),
            (&json!("calm"), &null, &json!(true))
        ]
    );
}

#[tokio::test]
async fn sections_of_an_analysis_become_regions() {
    let scene = Scene::new().await;
    let analyses = scene.server.json(&scene.ada, &scene.path("analyses")).await;
    let analysis = analyses["items"][0]["id"].clone();
    let ask = async |who: &Person, analysis: &Value| {
        let body = json!({ "analysis_id": analysis });
        scene.send(who, Method::POST, "regions/from-analysis", &body).await
    };
    let problem = expect_problem(ask(&scene.ada, &analysis).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/analysis_id"], "it is not completed");
    scene.server.execute("UPDATE track_analyses SET status = 'completed'").await;
    expect_problem(ask(&scene.ada, &analysis).await, 422, "validation-failed").await;
    scene
        .server
        .execute(
            "INSERT INTO analysis_events (analysis_id, time_ms, duration_ms, event_type, event_data)
             SELECT id, s.time_ms, s.duration_ms, 'section', s.said::jsonb FROM track_analyses, (VALUES
                 (0, 20000, '{\"label\": \"A\"}'), (20000, NULL, '{\"label\": \"B''\"}'), (40000, 20004, NULL))
                 AS s (time_ms, duration_ms, said)",
        )
        .await;
    let made = ask(&scene.ada, &analysis).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let spans: Vec<(&Value, &Value, &Value)> = made["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["start_time_ms"], &item["end_time_ms"], &item["name"]))
        .collect();
    assert_eq!(
        spans,
        [
            (&json!(0), &json!(20_000), &json!("Section A")),
            (&json!(20_000), &json!(40_000), &json!("Section B'")),
            (&json!(40_000), &json!(60_000), &json!("Section"))
        ]
    );
    let eve = scene.server.person("eve").await;
    expect_problem(ask(&eve, &analysis).await, 404, "not-found").await;
    // Another track's analysis is none of this one.
    let other = scene.server.upload(&scene.ada, "other", crate::support::wav(500)).await;
    let problem =
        expect_problem(ask(&scene.ada, &other["analysis"]["id"]).await, 422, "validation-failed").await;
    assert_eq!(pointers(&problem), ["#/analysis_id"]);
}
