//! Oneself, and administration: accounts, sessions, roles, the audit trail.

use crate::support::{Person, Server, expect_problem, pointers};
use api::Config;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

const ADMIN: &str = "admin";

/// A person with a role of the seeds or of a test.
async fn with_role(server: &Server, name: &str, role: &str) -> Person {
    let person = server.person(name).await;
    let grant = "INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM roles WHERE name = $2";
    let done = sqlx::query(grant).bind(person.id).bind(role).execute(server.pool()).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    person
}

/// A role with these entitlements, by their names.
async fn make_role(server: &Server, name: &str, entitlements: &[&str]) -> Uuid {
    let insert = "INSERT INTO roles (name) VALUES ($1) RETURNING id";
    let id: Uuid = sqlx::query_scalar(insert).bind(name).fetch_one(server.pool()).await.unwrap();
    let give = "INSERT INTO role_entitlements SELECT $1, id FROM entitlements WHERE name = ANY($2)";
    let names: Vec<String> = entitlements.iter().map(|name| (*name).to_owned()).collect();
    sqlx::query(give).bind(id).bind(names).execute(server.pool()).await.unwrap();
    id
}

async fn role_id(server: &Server, name: &str) -> Uuid {
    sqlx::query_scalar("SELECT id FROM roles WHERE name = $1")
        .bind(name)
        .fetch_one(server.pool())
        .await
        .unwrap()
}

async fn send(server: &Server, person: &Person, method: Method, path: &str, body: Value) -> Response {
    server.request(person, method, path).json(&body).send().await.unwrap()
}

async fn grant(server: &Server, by: &Person, to: &Person, role: Uuid, body: Value) -> Response {
    send(server, by, Method::PUT, &format!("/v1/admin/users/{}/roles/{role}", to.id), body).await
}

async fn revoke(server: &Server, by: &Person, of: &Person, role: Uuid) -> Response {
    let path = format!("/v1/admin/users/{}/roles/{role}", of.id);
    server.request(by, Method::DELETE, &path).send().await.unwrap()
}

#[tokio::test]
async fn one_sees_oneself_and_signs_out() {
    let server = Server::start().await;
    let ada = with_role(&server, "ada", "moderator").await;
    let me = server.json(&ada, "/v1/me").await;
    assert_eq!(me["email"], "ada@example.org");
    assert_eq!(me["roles"][0]["role"], "moderator");
    assert!(
        me["entitlements"]
            .as_array()
            .unwrap()
            .contains(&json!({"resource": "reference_tracks", "action": "read"}))
    );
    let sessions = server.json(&ada, "/v1/me/sessions").await;
    assert_eq!(sessions["items"][0], me["session"]);
    assert_eq!(me["session"]["current"], true);
    assert!(!sessions.to_string().contains(&ada.token));
    let out = server.request(&ada, Method::DELETE, "/v1/me/session").send().await.unwrap();
    assert_eq!(out.status(), 204);
    expect_problem(server.get(&ada, "/v1/me").await, 401, "session-expired").await;
    assert_eq!(
        server.count("SELECT count(*) FROM audit_log WHERE event_type = 'session.signed_out'").await,
        1
    );
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let phone = server.person("ada").await; // the same account again: another session
    let sessions = server.json(&phone, "/v1/me/sessions").await;
    let items = sessions["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let other = items.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/v1/me/sessions/{}", other["id"].as_str().unwrap());
    let end = async |person: &Person| server.request(person, Method::DELETE, &path).send().await.unwrap();
    expect_problem(end(&eve).await, 404, "not-found").await;
    assert_eq!(server.get(&ada, "/v1/me").await.status(), 200);
    assert_eq!(end(&phone).await.status(), 204);
    expect_problem(end(&phone).await, 404, "not-found").await;
    expect_problem(server.get(&ada, "/v1/me").await, 401, "session-expired").await;
    assert_eq!(server.get(&phone, "/v1/me").await.status(), 200);
}

#[tokio::test]
async fn a_rotated_token_opens_what_the_old_one_no_longer_does() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let expires = server.json(&ada, "/v1/me").await["session"]["expires_at"].clone();
    let rotate = async |person: &Person| {
        server.request(person, Method::POST, "/v1/me/session/rotate").send().await.unwrap()
    };
    let rotated = rotate(&ada).await;
    assert_eq!(rotated.headers()["cache-control"], "no-store");
    let body: Value = rotated.json().await.unwrap();
    assert_eq!(body["session"]["expires_at"], expires, "a stolen token cannot be kept alive");
    expect_problem(rotate(&ada).await, 401, "session-expired").await;
    let again = Person { token: body["token"].as_str().unwrap().to_owned(), ..ada };
    assert_eq!(server.json(&again, "/v1/me").await["session"]["id"], body["session"]["id"]);
    assert_eq!(server.count("SELECT count(*) FROM sessions WHERE rotated_from IS NOT NULL").await, 1);
    let cookie = format!("session={}", again.token);
    let by_cookie = server.anonymous(Method::POST, "/v1/me/session/rotate").header("cookie", cookie);
    let by_cookie = by_cookie.header("origin", server.url("")).send().await.unwrap();
    expect_problem(by_cookie, 403, "forbidden").await;
}

#[tokio::test]
async fn accounts_are_made_listed_and_blocked() {
    let server = Server::start().await;
    let admin = with_role(&server, "root", ADMIN).await;
    let body = json!({ "email": "New_One@Example.org", "name": "New", "issue_token": true });
    let create = |key: &'static str| {
        let request = server.request(&admin, Method::POST, "/v1/admin/users").header("idempotency-key", key);
        request.json(&body).send()
    };
    let made = create("k1").await.unwrap();
    assert_eq!(
        (made.status().as_u16(), &made.headers()["cache-control"]),
        (201, &"no-store".parse().unwrap())
    );
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["user"]["email"], "new_one@example.org");
    let again: Value = create("k1").await.unwrap().json().await.unwrap();
    assert_eq!((&again["user"], &again["token"]), (&made["user"], &Value::Null), "a token is told once");
    expect_problem(create("k2").await.unwrap(), 409, "email-taken").await;
    let stored: String = sqlx::query_scalar("SELECT body::text FROM idempotency_keys WHERE key = 'k1'")
        .fetch_one(server.pool())
        .await
        .unwrap();
    assert!(!stored.contains(made["token"].as_str().unwrap()));
    let new = Person {
        id: made["user"]["id"].as_str().unwrap().parse().unwrap(),
        token: made["token"].as_str().unwrap().to_owned(),
    };
    assert_eq!(server.get(&new, "/v1/me").await.status(), 200);
    assert_eq!(server.json(&admin, &location).await["approved"], true);
    let blocked =
        send(&server, &admin, Method::PATCH, &location, json!({ "approved": false, "name": null })).await;
    let blocked: Value = blocked.json().await.unwrap();
    assert_eq!((&blocked["approved"], &blocked["name"]), (&json!(false), &Value::Null));
    expect_problem(server.get(&new, "/v1/me").await, 403, "account-not-approved").await;
    let found = async |query: &str| {
        let page = server.json(&admin, &format!("/v1/admin/users?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|user| user["email"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("approved=false").await, ["new_one@example.org"]);
    assert_eq!(found("email_prefix=NEW_").await, ["new_one@example.org"]);
    assert!(found("email_prefix=newX").await.is_empty(), "an underscore is an underscore");
    assert!(found("email_prefix=%25").await.is_empty(), "a per cent sign is a per cent sign");
    assert_eq!(found("approved=true&limit=1").await, ["root@example.org"]);
}

#[tokio::test]
async fn nonsense_is_refused_by_name() {
    let server = Server::start().await;
    let admin = with_role(&server, "root", ADMIN).await;
    let users = "/v1/admin/users";
    for (body, pointer) in [
        (json!({ "email": "nobody" }), "#/email"),
        (json!({ "email": " a@example.org" }), "#/email"),
        (json!({ "email": "a@b@example.org" }), "#/email"),
        (json!({ "email": "ä@example.org" }), "#/email"),
        (json!({ "email": "a\u{0}@example.org" }), "#/email"),
        (json!({ "email": format!("{}@example.org", "a".repeat(300)) }), "#/email"),
        (json!({ "email": "a@example.org", "name": "x\u{7}" }), "#/name"),
        (json!({ "email": "a@example.org", "role": "admin" }), "#/role"),
    ] {
        let problem = send(&server, &admin, Method::POST, users, body).await;
        assert_eq!(pointers(&expect_problem(problem, 422, "validation-failed").await), [pointer]);
    }
    let me = format!("{users}/{}", admin.id);
    for body in [json!({ "approved": null }), json!({ "email": "b@example.org" }), json!([1])] {
        expect_problem(send(&server, &admin, Method::PATCH, &me, body).await, 422, "validation-failed").await;
    }
    let role = role_id(&server, "user").await;
    for at in ["2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "tomorrow"] {
        let granted = grant(&server, &admin, &admin, role, json!({ "expires_at": at })).await;
        expect_problem(granted, 422, "validation-failed").await;
    }
    for query in ["from=yesterday", "to=9999-12-31T23:59:59-23:00", "user_id=x", "event_type=%00", "limit=0"]
    {
        let answer = server.get(&admin, &format!("/v1/admin/audit?{query}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
    let nobody = Person { id: Uuid::new_v4(), token: String::new() };
    expect_problem(grant(&server, &admin, &nobody, role, json!({})).await, 404, "not-found").await;
    expect_problem(grant(&server, &admin, &admin, Uuid::new_v4(), json!({})).await, 404, "not-found").await;
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    let server = Server::start().await;
    let helper = make_role(&server, "helper", &["create_grants", "delete_grants", "read_tracks"]).await;
    let listener = make_role(&server, "listener", &["read_tracks"]).await;
    let (admin, bob) = (with_role(&server, "root", ADMIN).await, with_role(&server, "bob", "helper").await);
    let eve = server.person("eve").await;
    let everything = role_id(&server, ADMIN).await;
    let moderator = role_id(&server, "moderator").await;
    for to in [&bob, &eve] {
        for role in [everything, moderator] {
            expect_problem(grant(&server, &bob, to, role, json!({})).await, 403, "forbidden").await;
        }
    }
    assert_eq!(grant(&server, &bob, &eve, listener, json!({})).await.status(), 200);
    expect_problem(revoke(&server, &bob, &admin, everything).await, 403, "forbidden").await;
    assert_eq!(revoke(&server, &bob, &eve, listener).await.status(), 204);
    // Not for longer, either: not even to oneself.
    server.execute("UPDATE user_roles SET expires_at = now() + interval '1 hour' WHERE user_id = (SELECT id FROM users WHERE email LIKE 'bob%')").await;
    for to in [&bob, &eve] {
        expect_problem(grant(&server, &bob, to, helper, json!({})).await, 403, "forbidden").await;
        let late = json!({ "expires_at": time_from_now(7200) });
        expect_problem(grant(&server, &bob, to, helper, late).await, 403, "forbidden").await;
    }
    assert_eq!(
        grant(&server, &bob, &eve, listener, json!({ "expires_at": time_from_now(60) })).await.status(),
        200
    );
    // Nor is what others have for longer theirs to take away or to cut short.
    assert_eq!(grant(&server, &admin, &eve, listener, json!({})).await.status(), 200);
    expect_problem(revoke(&server, &bob, &eve, listener).await, 403, "forbidden").await;
    let soon = json!({ "expires_at": time_from_now(60) });
    expect_problem(grant(&server, &bob, &eve, listener, soon.clone()).await, 403, "forbidden").await;
    assert_eq!(grant(&server, &admin, &eve, listener, soon).await.status(), 200);
    assert_eq!(revoke(&server, &bob, &eve, listener).await.status(), 204);
    expect_problem(revoke(&server, &bob, &eve, listener).await, 404, "not-found").await;
    // The role that a parent's rights come through counts with them.
    let made = "WITH made AS (INSERT INTO roles (name, parent_role_id) SELECT 'harmless', id FROM roles WHERE name = 'admin' RETURNING id) SELECT id FROM made";
    let harmless: Uuid = sqlx::query_scalar(made).fetch_one(server.pool()).await.unwrap();
    expect_problem(grant(&server, &bob, &eve, harmless, json!({})).await, 403, "forbidden").await;
}

fn time_from_now(seconds: i64) -> String {
    let at = time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}

#[tokio::test]
async fn who_may_do_more_is_not_blocked_by_who_may_do_less() {
    let server = Server::start().await;
    make_role(&server, "clerk", &["update_users", "delete_sessions"]).await;
    let (admin, bob) = (with_role(&server, "root", ADMIN).await, with_role(&server, "bob", "clerk").await);
    let (eve, path) = (server.person("eve").await, format!("/v1/admin/users/{}", admin.id));
    let block = json!({ "approved": false });
    expect_problem(send(&server, &bob, Method::PATCH, &path, block.clone()).await, 403, "forbidden").await;
    let sessions = server.request(&bob, Method::DELETE, &format!("{path}/sessions")).send().await.unwrap();
    expect_problem(sessions, 403, "forbidden").await;
    let eves = format!("/v1/admin/users/{}", eve.id);
    let ended = server.request(&bob, Method::DELETE, &format!("{eves}/sessions")).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    // Who is an administrator for an hour does not block one for good.
    let guest = with_role(&server, "guest", ADMIN).await;
    let hour = "UPDATE user_roles SET expires_at = now() + interval '1 hour' WHERE user_id = (SELECT id FROM users WHERE email LIKE 'guest%')";
    server.execute(hour).await;
    expect_problem(send(&server, &guest, Method::PATCH, &path, block.clone()).await, 403, "forbidden").await;
    expect_problem(server.get(&eve, "/v1/me").await, 401, "session-expired").await;
    assert_eq!(send(&server, &bob, Method::PATCH, &eves, block).await.status(), 200);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::start().await;
    let admin = with_role(&server, "root", ADMIN).await;
    let role = role_id(&server, ADMIN).await;
    let me = format!("/v1/admin/users/{}", admin.id);
    let block = json!({ "approved": false });
    expect_problem(revoke(&server, &admin, &admin, role).await, 409, "last-administrator").await;
    expect_problem(send(&server, &admin, Method::PATCH, &me, block.clone()).await, 409, "last-administrator")
        .await;
    let for_an_hour = json!({ "expires_at": time_from_now(3600) });
    expect_problem(
        grant(&server, &admin, &admin, role, for_an_hour.clone()).await,
        409,
        "last-administrator",
    )
    .await;
    // A second one for an hour does not make up for the first one's leaving.
    let eve = server.person("eve").await;
    assert_eq!(grant(&server, &admin, &eve, role, for_an_hour).await.status(), 200);
    expect_problem(revoke(&server, &admin, &admin, role).await, 409, "last-administrator").await;
    assert_eq!(grant(&server, &admin, &eve, role, json!({})).await.status(), 200);
    assert_eq!(revoke(&server, &admin, &admin, role).await.status(), 204);
    expect_problem(server.get(&admin, "/v1/admin/roles").await, 403, "forbidden").await;
    assert_eq!(server.get(&eve, "/v1/admin/roles").await.status(), 200);
}

#[tokio::test]
async fn two_administrators_cannot_both_dismiss_the_other() {
    let server = Server::start().await;
    let (ada, eve) = (with_role(&server, "ada", ADMIN).await, with_role(&server, "eve", ADMIN).await);
    let role = role_id(&server, ADMIN).await;
    for _ in 0..5 {
        let (first, second) =
            tokio::join!(revoke(&server, &ada, &eve, role), revoke(&server, &eve, &ada, role));
        let statuses = [first.status().as_u16(), second.status().as_u16()];
        assert!(statuses.contains(&204) && !statuses.iter().all(|status| *status == 204), "{statuses:?}");
        let left =
            "SELECT count(*) FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE r.name = 'admin'";
        assert_eq!(server.count(left).await, 1);
        server.execute("INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u, roles r WHERE r.name = 'admin' ON CONFLICT DO NOTHING").await;
    }
}

#[tokio::test]
async fn what_is_taken_away_here_counts_no_more_at_once() {
    let server =
        Server::with(Config { entitlements_age: std::time::Duration::from_secs(600), ..Config::default() })
            .await;
    let (admin, eve) = (with_role(&server, "root", ADMIN).await, server.person("eve").await);
    let role = role_id(&server, "moderator").await;
    let ada = server.person("ada").await;
    let track = format!("/v1/tracks/{}", server.track(&ada).await);
    assert_eq!(server.get(&eve, &track).await.status(), 404);
    assert_eq!(grant(&server, &admin, &eve, role, json!({})).await.status(), 200);
    assert_eq!(server.get(&eve, &track).await.status(), 200);
    assert_eq!(revoke(&server, &admin, &eve, role).await.status(), 204);
    assert_eq!(server.get(&eve, &track).await.status(), 404);
    // What is taken away elsewhere is remembered; what expires is not.
    assert_eq!(grant(&server, &admin, &eve, role, json!({})).await.status(), 200);
    assert_eq!(server.get(&eve, &track).await.status(), 200);
    server
        .execute("DELETE FROM user_roles WHERE user_id = (SELECT id FROM users WHERE email LIKE 'eve%')")
        .await;
    assert_eq!(server.get(&eve, &track).await.status(), 200, "for a moment");
    assert_eq!(
        grant(&server, &admin, &eve, role, json!({ "expires_at": time_from_now(10) })).await.status(),
        200
    );
    crate::support::eventually("the grant has expired", || async {
        server.get(&eve, &track).await.status() == 404
    })
    .await;
}

#[tokio::test]
async fn what_administrators_do_and_what_they_are_refused_is_written_down() {
    let server = Server::start().await;
    let (admin, eve) = (with_role(&server, "root", ADMIN).await, server.person("eve").await);
    let role = role_id(&server, "moderator").await;
    for _ in 0..3 {
        expect_problem(server.get(&eve, "/v1/admin/users").await, 403, "forbidden").await;
    }
    assert_eq!(grant(&server, &admin, &eve, role, json!({})).await.status(), 200);
    let path = format!("/v1/admin/users/{}", eve.id);
    let request = server.request(&admin, Method::GET, &path).header("x-request-id", "look-1");
    assert_eq!(request.header("user-agent", "test/1").send().await.unwrap().status(), 200);
    let lines = server.json(&admin, "/v1/admin/audit").await;
    let seen: Vec<_> =
        lines["items"].as_array().unwrap().iter().map(|line| line["event_type"].as_str().unwrap()).collect();
    assert_eq!(seen, ["admin.user_read", "role.granted", "admin.refused"], "and one refusal of three");
    let read = &lines["items"][0];
    let who = [
        &read["user_id"],
        &read["resource_id"],
        &read["request_id"],
        &read["user_agent"],
        &read["ip_address"],
    ];
    assert_eq!(
        who,
        [&json!(admin.id), &json!(eve.id), &json!("look-1"), &json!("test/1"), &json!("127.0.0.1")]
    );
    assert!(read["session_id"].is_string());
    assert_eq!(lines["items"][2]["status"], "failure");
    let count = async |query: String| {
        server.json(&admin, &format!("/v1/admin/audit?{query}")).await["items"].as_array().unwrap().len()
    };
    assert_eq!(count(format!("user_id={}", eve.id)).await, 1);
    assert_eq!(count("event_type=role.granted".into()).await, 1);
    assert_eq!(count(format!("resource_type=user_roles&resource_id={}", eve.id)).await, 1);
    assert_eq!(count(format!("from={}", time_from_now(60))).await, 0);
    assert_eq!(count(format!("to={}", time_from_now(-60))).await, 0);
    assert_eq!(count(format!("from={}&limit=100", time_from_now(-60))).await, 9, "reading leaves lines, too");
}
