//! Webhooks: subscriptions, and what their owner sees of them.

mod delivery;
mod receiver;

use crate::support::{Person, Server, expect_problem, id, pointers};
use api::Config;
use receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A server that sends to receivers of the test.
fn private() -> Config {
    Config { webhook_private_addresses: true, ..Config::default() }
}

async fn post(server: &Server, person: &Person, path: &str) -> reqwest::Response {
    server.request(person, Method::POST, path).send().await.unwrap()
}

/// A webhook for both events; gives the answer.
async fn subscribe(server: &Server, person: &Person, url: &str) -> Value {
    let body = json!({"url": url, "events": ["analysis.completed", "analysis.failed"]});
    let answer = server.request(person, Method::POST, "/v1/webhooks").json(&body).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 201, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", id(&webhook["id"]))
}

async fn audited(server: &Server, event: &str) -> i64 {
    let query = sqlx::query_scalar(
        "SELECT count(*) FROM audit_log WHERE event_type = $1 AND resource_type = 'webhooks'
            AND user_id IS NOT NULL AND request_id IS NOT NULL AND ip_address IS NOT NULL",
    );
    query.bind(event).fetch_one(server.pool()).await.unwrap()
}

#[tokio::test]
async fn a_webhook_is_made_looked_at_changed_and_removed() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let body = json!({"url": "https://Hooks.example.org/arsis", "events": ["analysis.failed", "analysis.failed"],
        "description": " mine "});
    let answer = server.request(&ada, Method::POST, "/v1/webhooks").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = answer.json().await.unwrap();
    assert_eq!(location, path(&made));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let seen = server.json(&ada, &location).await;
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(seen, shown, "all but the secret is shown again");
    assert_eq!(seen["url"], "https://hooks.example.org/arsis");
    assert_eq!((&seen["events"], &seen["active"]), (&json!(["analysis.failed"]), &json!(true)));
    assert_eq!(seen["description"], "mine");
    assert_eq!(server.json(&ada, "/v1/webhooks").await["items"], json!([seen]));

    let patch = async |body: Value| {
        let answer = server.request(&ada, Method::PATCH, &location).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()
    };
    let changed =
        patch(json!({"active": false, "events": ["analysis.completed"], "description": null})).await;
    assert_eq!(changed["active"], false);
    assert_eq!(changed["events"], json!(["analysis.completed"]));
    assert_eq!(changed["description"], json!(null));
    assert_eq!(changed["url"], seen["url"], "what is absent stays");
    assert_eq!(changed["deactivated_at"], json!(null), "its owner did that");
    assert_eq!(patch(json!({"url": "https://a.example/?x=1"})).await["url"], "https://a.example/?x=1");
    for field in ["url", "events", "active"] {
        let body = json!({ (field): null });
        let answer = server.request(&ada, Method::PATCH, &location).json(&body).send().await.unwrap();
        let problem = expect_problem(answer, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [format!("#/{field}")]);
    }

    let delete = || server.request(&ada, Method::DELETE, &location).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    expect_problem(delete().await.unwrap(), 404, "not-found").await;
    expect_problem(server.get(&ada, &location).await, 404, "not-found").await;
    for (event, times) in [("webhook.created", 1), ("webhook.updated", 2), ("webhook.deleted", 1)] {
        assert_eq!(audited(&server, event).await, times, "{event}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_named() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let post = async |body: Value| {
        server.request(&ada, Method::POST, "/v1/webhooks").json(&body).send().await.unwrap()
    };
    let url = "https://hooks.example.org/";
    let event = json!(["analysis.completed"]);
    for bad in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://a:b@example.org/",
        "https://example.org:22/",
        "",
        "x",
        "https://é.org",
        "https://example.org/\u{0}",
    ] {
        let problem = post(json!({"url": bad, "events": event})).await;
        assert_eq!(pointers(&expect_problem(problem, 422, "validation-failed").await), ["#/url"], "{bad}");
    }
    let bodies = [
        (json!({"url": url, "events": []}), "#/events"),
        (json!({"url": url, "events": vec!["analysis.completed"; 11]}), "#/events"),
        (json!({"url": url, "events": ["track.deleted"]}), "#/events/0"),
        (json!({"url": url, "events": event, "description": "x".repeat(501)}), "#/description"),
        (json!({"url": url, "events": event, "description": "a\u{0}b"}), "#/description"),
        (json!({"url": url, "events": event, "secret": "whsec_mine"}), "#/secret"),
        (json!({"url": url}), "#"),
        (json!({"events": event}), "#"),
    ];
    for (body, pointer) in bodies {
        let problem = expect_problem(post(body.clone()).await, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    let webhook = subscribe(&server, &ada, url).await;
    for body in [json!({"url": "https://10.0.0.1/"}), json!({"events": []}), json!({"secret": "x"})] {
        let answer = server.request(&ada, Method::PATCH, &path(&webhook)).json(&body).send().await.unwrap();
        expect_problem(answer, 422, "validation-failed").await;
    }
    assert_eq!(server.json(&ada, &path(&webhook)).await["url"], url);
}

#[tokio::test]
async fn a_person_has_at_most_twenty_in_pages_that_new_ones_do_not_shift() {
    let server = Server::start().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let mut made = Vec::new();
    for i in 0..20 {
        made.push(subscribe(&server, &ada, &format!("https://{i}.example/")).await["id"].clone());
        if i == 9 {
            subscribe(&server, &bob, "https://bob.example/").await;
        }
    }
    let body = json!({"url": "https://more.example/", "events": ["analysis.failed"]});
    let more = server.request(&ada, Method::POST, "/v1/webhooks").json(&body).send().await.unwrap();
    expect_problem(more, 409, "too-many-webhooks").await;
    let mut seen = Vec::new();
    let mut page = server.json(&ada, "/v1/webhooks?limit=7").await;
    loop {
        seen.extend(page["items"].as_array().unwrap().iter().map(|webhook| webhook["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = server.json(&ada, &format!("/v1/webhooks?limit=7&cursor={cursor}")).await;
    }
    made.reverse();
    assert_eq!(seen, made);
    for bad in ["limit=0", "limit=101", "cursor=x"] {
        let answer = server.get(&ada, &format!("/v1/webhooks?{bad}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
}

#[tokio::test]
async fn anothers_webhook_cannot_be_told_from_none() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let webhook = subscribe(&server, &ada, "https://hooks.example.org/").await;
    let other = subscribe(&server, &eve, "https://eve.example/").await;
    let tested = post(&server, &ada, &format!("{}/test", path(&webhook))).await;
    let delivery = id(&tested.json::<Value>().await.unwrap()["id"]);
    let theirs = path(&webhook);
    let none = format!("/v1/webhooks/{}", Uuid::new_v4());
    let mut answers = Vec::new();
    for base in [&theirs, &none] {
        let requests = [
            (Method::GET, base.clone()),
            (Method::PATCH, base.clone()),
            (Method::POST, format!("{base}/rotate-secret")),
            (Method::POST, format!("{base}/test")),
            (Method::GET, format!("{base}/deliveries")),
            (Method::GET, format!("{base}/deliveries/{delivery}")),
            (Method::POST, format!("{base}/deliveries/{delivery}/redeliver")),
            (Method::DELETE, base.clone()),
        ];
        for (method, path) in requests {
            let mut request = server.request(&eve, method.clone(), &path);
            if method == Method::PATCH {
                request = request.json(&json!({"active": false}));
            }
            answers.push(expect_problem(request.send().await.unwrap(), 404, "not-found").await);
        }
    }
    assert_eq!(answers[..8], answers[8..]);
    // Nor through a webhook of one's own.
    let through = format!("{}/deliveries/{delivery}", path(&other));
    expect_problem(server.get(&eve, &through).await, 404, "not-found").await;
    let through = post(&server, &eve, &format!("{through}/redeliver")).await;
    expect_problem(through, 404, "not-found").await;
    assert_eq!(server.json(&eve, "/v1/webhooks").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.json(&ada, &theirs).await["active"], true);
    for (method, path) in
        [(Method::GET, "/v1/webhooks"), (Method::POST, "/v1/webhooks"), (Method::GET, &theirs)]
    {
        expect_problem(server.anonymous(method, path).send().await.unwrap(), 401, "unauthorized").await;
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_nothing_twice_and_tells_no_secret() {
    let server = Server::with(private()).await;
    let ada = server.person("ada").await;
    let receiver = Receiver::start().await;
    let send = async |path: &str, key: &str, body: Option<Value>| {
        let mut request = server.request(&ada, Method::POST, path).header("Idempotency-Key", key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotency-replayed");
        let unkept = answer.headers().get("cache-control").is_some_and(|control| control == "no-store");
        let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
        assert!(unkept || body.get("secret").is_none(), "who passes a secret on does not store it");
        (status, replayed, body)
    };
    let body = |event| Some(json!({"url": receiver.url(), "events": [event]}));
    let (status, _, first) = send("/v1/webhooks", "make", body("analysis.failed")).await;
    let (again_status, replayed, mut again) = send("/v1/webhooks", "make", body("analysis.failed")).await;
    assert_eq!((status, again_status, replayed), (201, 201, true));
    assert_eq!(again.get("secret"), None);
    again["secret"] = first["secret"].clone();
    assert_eq!(again, first);
    let (status, _, _) = send("/v1/webhooks", "make", body("analysis.completed")).await;
    assert_eq!(status, 422, "the key was used for another request");

    let rotate = format!("{}/rotate-secret", path(&first));
    let (status, _, rotated) = send(&rotate, "rotate", None).await;
    assert_eq!(status, 200);
    assert_ne!(rotated["secret"], first["secret"]);
    let (_, replayed, again) = send(&rotate, "rotate", None).await;
    assert!(replayed && again.get("secret").is_none(), "{again}");
    assert_eq!(audited(&server, "webhook.secret_rotated").await, 1);

    let test = format!("{}/test", path(&first));
    let (status, _, tested) = send(&test, "test", None).await;
    let (_, replayed, again) = send(&test, "test", None).await;
    assert_eq!((status, replayed, &again), (202, true, &tested));
    assert_eq!(server.count("SELECT count(*) FROM webhook_deliveries").await, 1);
    let stored = "SELECT count(*) FROM idempotency_keys WHERE body::text LIKE '%whsec%'";
    assert_eq!(server.count(stored).await, 0, "no answer that is kept has a secret");
}
