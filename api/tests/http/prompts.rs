//! Listening prompts: found by what they train, written by those who keep them.

use crate::support::{Person, Server, expect_problem, id, pointers};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use store::access;
use uuid::Uuid;

const MODERATOR: Uuid = Uuid::from_u128(0x0a51_5000_0001_4000_8000_0000_0000_0002);
const TEMPLATES: &str = "/v1/listening-prompts/templates";
const PRESETS: &str = "/v1/listening-prompts/presets";

/// A listener, and one who keeps the prompts.
struct Scene {
    server: Server,
    ada: Person,
    moderator: Person,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        let (ada, moderator) = (server.person("ada").await, server.person("mo").await);
        let mut db = server.pool().acquire().await.unwrap();
        access::grant(&mut db, moderator.id, MODERATOR).await.unwrap();
        drop(db);
        Self { server, ada, moderator }
    }

    async fn send(&self, person: &Person, method: Method, path: &str, body: &Value) -> Response {
        self.server.request(person, method, path).json(body).send().await.unwrap()
    }

    async fn made(&self, path: &str, body: &Value) -> Value {
        let response = self.send(&self.moderator, Method::POST, path, body).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 201, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn found(&self, person: &Person, path: &str) -> Vec<Value> {
        self.server.json(person, path).await["items"].as_array().unwrap().clone()
    }

    async fn audited(&self, event: &str) -> i64 {
        let query = "SELECT count(*) FROM audit_log WHERE event_type = $1";
        sqlx::query_scalar(query).bind(event).fetch_one(self.server.pool()).await.unwrap()
    }
}

fn template() -> Value {
    json!({"name": "Echo", "category": "space", "difficulty": "advanced", "prompt_text": "How long is the echo?",
           "hints": ["Clap.", " "], "expected_observations": ["A time"], "tags": ["reverb"], "display_order": 5})
}

fn preset(template_id: &Value) -> Value {
    let config = json!({"analysis_type": "rhythm", "event_types": ["beat"], "tolerance_ms": 70});
    json!({"name": "Tap it", "template_id": template_id, "preset_type": "tap", "config": config})
}

#[tokio::test]
async fn templates_are_found_by_what_they_train() {
    let scene = Scene::new().await;
    let all = scene.found(&scene.ada, &format!("{TEMPLATES}?limit=100")).await;
    let orders: Vec<i64> = all.iter().map(|item| item["display_order"].as_i64().unwrap()).collect();
    assert!(orders.is_sorted() && all.len() == 28);
    let found = async |query: &str| scene.found(&scene.ada, &format!("{TEMPLATES}?limit=100&{query}")).await;
    let meter = found("category=meter&difficulty=beginner").await;
    assert!(!meter.is_empty() && meter.iter().all(|item| item["category"] == "meter"));
    let counting = found("tag=counting").await;
    assert_eq!(counting.len(), 3);
    let downbeat = found("q=WHERE%20IS%20%22one%22").await;
    assert_eq!(downbeat.len(), 1);
    assert_eq!(downbeat[0]["name"], "Find the downbeat");
    assert!(found("q=%25").await.is_empty(), "a percent sign is no wildcard");
    for bad in [format!("q={}", "x".repeat(101)), "tag=%00".into(), "include_inactive=x".into()] {
        let answer = scene.server.get(&scene.ada, &format!("{TEMPLATES}?{bad}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
    let of_one = scene
        .found(&scene.ada, &format!("{PRESETS}?template_id={}", downbeat[0]["id"].as_str().unwrap()))
        .await;
    assert_eq!(of_one.len(), 2);
    let one =
        scene.server.json(&scene.ada, &format!("{PRESETS}/{}", of_one[0]["id"].as_str().unwrap())).await;
    assert_eq!(one, of_one[0]);
    expect_problem(
        scene.server.get(&scene.ada, &format!("{PRESETS}/{}", Uuid::nil())).await,
        404,
        "not-found",
    )
    .await;
}

#[tokio::test]
async fn only_those_who_keep_prompts_write_them_and_it_is_noted() {
    let scene = Scene::new().await;
    let made = scene.made(TEMPLATES, &template()).await;
    assert_eq!((&made["hints"], &made["is_active"]), (&json!(["Clap."]), &json!(true)));
    let path = format!("{TEMPLATES}/{}", made["id"].as_str().unwrap());
    let tapped = scene.made(PRESETS, &preset(&made["id"])).await;
    let preset_path = format!("{PRESETS}/{}", tapped["id"].as_str().unwrap());
    for (method, path, body) in [
        (Method::POST, TEMPLATES, template()),
        (Method::PATCH, path.as_str(), json!({"name": "x"})),
        (Method::DELETE, path.as_str(), Value::Null),
        (Method::POST, PRESETS, preset(&made["id"])),
        (Method::PATCH, preset_path.as_str(), json!({"name": "x"})),
        (Method::DELETE, preset_path.as_str(), Value::Null),
    ] {
        expect_problem(scene.send(&scene.ada, method, path, &body).await, 403, "forbidden").await;
    }
    let patch = json!({"name": "Echoes", "hints": null, "tags": []});
    let changed = scene.send(&scene.moderator, Method::PATCH, &path, &patch).await;
    let etag = changed.headers()["etag"].to_str().unwrap().to_owned();
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(
        (&changed["name"], &changed["hints"], &changed["tags"]),
        (&json!("Echoes"), &Value::Null, &json!([]))
    );
    assert_eq!(changed["prompt_text"], made["prompt_text"]);
    assert_eq!(changed["etag"], json!(etag));
    let stale = scene.server.request(&scene.moderator, Method::PATCH, &path);
    let stale = stale.header("if-match", made["etag"].as_str().unwrap()).json(&patch).send().await.unwrap();
    expect_problem(stale, 412, "precondition-failed").await;
    // A template does not take presets along unasked.
    let kept = scene.send(&scene.moderator, Method::DELETE, &path, &Value::Null).await;
    expect_problem(kept, 409, "in-use").await;
    let both = format!("{path}?with_presets=true");
    assert_eq!(scene.send(&scene.moderator, Method::DELETE, &both, &Value::Null).await.status(), 204);
    for path in [&path, &preset_path] {
        expect_problem(scene.server.get(&scene.moderator, path).await, 404, "not-found").await;
        let gone = scene.send(&scene.moderator, Method::PATCH, path, &json!({"name": "x"})).await;
        expect_problem(gone, 404, "not-found").await;
    }
    for (event, times) in [
        ("prompt_template.created", 1),
        ("prompt_template.updated", 1),
        ("prompt_template.deleted", 1),
        ("prompt_preset.created", 1),
        ("prompt_preset.updated", 0),
        ("prompt_preset.deleted", 1),
    ] {
        assert_eq!(scene.audited(event).await, times, "{event}");
    }
}

#[tokio::test]
async fn what_is_not_active_is_seen_by_those_who_write_it() {
    let scene = Scene::new().await;
    let made = scene.made(TEMPLATES, &template()).await;
    let preset = scene.made(PRESETS, &preset(&made["id"])).await;
    let (path, preset_path) = (
        format!("{TEMPLATES}/{}", made["id"].as_str().unwrap()),
        format!("{PRESETS}/{}", preset["id"].as_str().unwrap()),
    );
    let hidden = scene.send(&scene.moderator, Method::PATCH, &path, &json!({"is_active": false})).await;
    assert_eq!(hidden.status(), 200);
    for path in [&path, &preset_path] {
        expect_problem(scene.server.get(&scene.ada, path).await, 404, "not-found").await;
        assert_eq!(scene.server.get(&scene.moderator, path).await.status(), 200);
    }
    for list in [
        format!("{TEMPLATES}?tag=reverb&category=space&difficulty=advanced"),
        format!("{PRESETS}?template_id={}", id(&made["id"])),
    ] {
        assert!(scene.found(&scene.ada, &list).await.is_empty());
        assert!(scene.found(&scene.moderator, &list).await.is_empty(), "unless asked for");
        let all = format!("{list}&include_inactive=true");
        expect_problem(scene.server.get(&scene.ada, &all).await, 403, "forbidden").await;
        assert_eq!(scene.found(&scene.moderator, &all).await.len(), 1);
    }
    scene.send(&scene.moderator, Method::PATCH, &path, &json!({"is_active": true})).await;
    let off = scene.send(&scene.moderator, Method::PATCH, &preset_path, &json!({"is_active": false})).await;
    assert_eq!(off.status(), 200);
    expect_problem(scene.server.get(&scene.ada, &preset_path).await, 404, "not-found").await;
}

#[tokio::test]
async fn a_template_is_checked() {
    let scene = Scene::new().await;
    for (name, value, pointer) in [
        ("name", json!(" "), "#/name"),
        ("name", json!("a\tb"), "#/name"),
        ("category", json!("Space"), "#/category"),
        ("category", json!(""), "#/category"),
        ("difficulty", json!("hard"), "#/difficulty"),
        ("prompt_text", json!(""), "#/prompt_text"),
        ("prompt_text", json!("x".repeat(4001)), "#/prompt_text"),
        ("hints", json!(["a", "\u{0}"]), "#/hints/1"),
        ("hints", json!(vec!["x"; 21]), "#/hints"),
        ("expected_observations", json!(["x".repeat(4001)]), "#/expected_observations/0"),
        ("tags", json!(vec!["x"; 51]), "#/tags"),
        ("display_order", json!(-1), "#/display_order"),
        ("hints", json!("one"), "#/hints"),
        ("created_by", json!(null), "#/created_by"),
    ] {
        let mut body = template();
        body[name] = value;
        let answer = scene.send(&scene.moderator, Method::POST, TEMPLATES, &body).await;
        assert_eq!(pointers(&expect_problem(answer, 422, "validation-failed").await), [pointer], "{name}");
    }
}

#[tokio::test]
async fn a_preset_has_what_its_type_needs() {
    let scene = Scene::new().await;
    // Those of the seeds stand as they are.
    for seeded in scene.found(&scene.ada, &format!("{PRESETS}?limit=100")).await {
        let patch = json!({"preset_type": seeded["preset_type"], "config": seeded["config"]});
        let path = format!("{PRESETS}/{}", seeded["id"].as_str().unwrap());
        let answer = scene.send(&scene.moderator, Method::PATCH, &path, &patch).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }
    let made = scene.made(TEMPLATES, &template()).await;
    let refused = async |kind: &str, config: Value| {
        let body = json!({"name": "x", "template_id": made["id"], "preset_type": kind, "config": config});
        let answer = scene.send(&scene.moderator, Method::POST, PRESETS, &body).await;
        pointers(&expect_problem(answer, 422, "validation-failed").await)
    };
    assert_eq!(refused("tap", json!({"analysis_type": "full"})).await, ["#/config/event_types"]);
    assert_eq!(
        refused("choice", json!({"analysis_type": "full"})).await,
        ["#/config/summary_field", "#/config/options"]
    );
    assert_eq!(
        refused("compare", json!({"analysis_type": "full", "frame_field": "loudness"})).await,
        ["#/config/excerpt_ms"]
    );
    assert_eq!(refused("sing", json!({"analysis_type": "full"})).await, ["#/preset_type"]);
    for (odd, pointer) in [
        (json!(null), "#/config"),
        (json!([]), "#/config"),
        (json!("x"), "#/config"),
        (json!({}), "#/config"),
        (json!({"analysis_type": "full", "odd": 1}), "#/config/odd"),
        (json!({"analysis_type": "full", "end_at": 2}), "#/config/end_at"),
        (
            json!({"analysis_type": "full", "filter": {"type": "lowpass", "cutoff_hz": "x"}}),
            "#/config/filter/cutoff_hz",
        ),
    ] {
        assert_eq!(refused("tap", odd).await, [pointer]);
    }
    // What the analysis does not tell cannot be asked for.
    for (kind, config, pointer) in [
        (
            "choice",
            json!({"analysis_type": "tonal", "summary_field": "nope", "options": ["a"]}),
            "summary_field",
        ),
        (
            "choice",
            json!({"analysis_type": "rhythm", "summary_field": "key.mode", "options": ["a"]}),
            "summary_field",
        ),
        (
            "choice",
            json!({"analysis_type": "tonal", "summary_field": "key", "options": ["a"]}),
            "summary_field",
        ),
        (
            "estimate",
            json!({"analysis_type": "structure", "summary_field": "loudness.range_lu", "tolerance": 1}),
            "summary_field",
        ),
        ("tap", json!({"analysis_type": "rhythm", "event_types": ["section"]}), "event_types/0"),
        ("mark", json!({"analysis_type": "tonal", "event_types": ["key", "beat"]}), "event_types/1"),
        ("mark", json!({"analysis_type": "spectral", "event_types": ["onset"]}), "event_types/0"),
        (
            "mark",
            json!({"analysis_type": "tonal", "event_types": ["key"], "exclude_event_types": ["segment"]}),
            "exclude_event_types/0",
        ),
        ("draw", json!({"analysis_type": "tonal", "frame_field": "loudness"}), "frame_field"),
        ("loop", json!({"analysis_type": "full", "loop_bars": 4, "end_at": "the end"}), "end_at"),
    ] {
        assert_eq!(refused(kind, config.clone()).await, [format!("#/config/{pointer}")], "{config}");
    }
    let bad = json!({"analysis_type": "all", "event_types": ["beat", "bang"], "tolerance_ms": 1.5, "show": ["x"],
        "playback_rate": 0, "excerpts": [0.5, 2], "filter": {"type": "comb", "cutoff_hz": 5}, "click": "x"});
    let expected = [
        "#/config/analysis_type",
        "#/config/click",
        "#/config/filter/type",
        "#/config/event_types/1",
        "#/config/show/0",
        "#/config/tolerance_ms",
        "#/config/playback_rate",
        "#/config/filter/cutoff_hz",
        "#/config/excerpts/1",
    ];
    assert_eq!(refused("tap", bad).await, expected);
    let large = json!({"analysis_type": "full", "event_types": ["beat"], "category": "x".repeat(9000)});
    assert_eq!(refused("tap", large).await, ["#/config"]);
    let nowhere = scene.send(&scene.moderator, Method::POST, PRESETS, &preset(&json!(Uuid::nil()))).await;
    assert_eq!(pointers(&expect_problem(nowhere, 422, "validation-failed").await), ["#/template_id"]);
    // A patch changes parts of a configuration.
    let tapped = scene.made(PRESETS, &preset(&made["id"])).await;
    let path = format!("{PRESETS}/{}", tapped["id"].as_str().unwrap());
    let patch = json!({"config": {"tolerance_ms": null, "answers": 4}});
    let changed: Value =
        scene.send(&scene.moderator, Method::PATCH, &path, &patch).await.json().await.unwrap();
    assert_eq!(changed["config"], json!({"analysis_type": "rhythm", "event_types": ["beat"], "answers": 4}));
    let patch = json!({"preset_type": "loop"});
    let answer = scene.send(&scene.moderator, Method::PATCH, &path, &patch).await;
    assert_eq!(pointers(&expect_problem(answer, 422, "validation-failed").await), ["#/config/loop_bars"]);
}
