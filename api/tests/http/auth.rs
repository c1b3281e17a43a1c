//! Who may come in, and whose things they see.

use crate::support::{Person, Server, expect_problem, wav};
use api::Config;
use reqwest::Method;
use std::time::Duration;
use store::access::{Action, TRACKS, is_entitled};
use uuid::Uuid;

/// Routes that anybody may ask.
const OPEN: [&str; 7] =
    ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/reference.js", "/docs/reference.css", "/queue"];

/// The route whose address holds its own secret; a session would change nothing.
const ADDRESSED: &str = "/v1/uploads/{upload_id}/content";

#[tokio::test]
async fn every_route_but_the_open_ones_needs_a_session() {
    let server = Server::start().await;
    let description = serde_json::to_value(api::description()).unwrap();
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let address = fill(path);
            let anonymous = server.anonymous(method.clone(), &address).send().await.unwrap();
            if OPEN.contains(&path.as_str()) {
                assert_eq!(anonymous.status(), 200, "{path}");
                continue;
            }
            if path == ADDRESSED {
                expect_problem(anonymous, 422, "validation-failed").await;
                let address = format!("{address}?secret=x");
                let guessed = server.anonymous(method, &address).send().await.unwrap();
                expect_problem(guessed, 404, "not-found").await;
                continue;
            }
            let challenge = anonymous.headers()["www-authenticate"].to_str().unwrap().to_owned();
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            expect_problem(anonymous, 401, "unauthorized").await;
            let stranger = Person { id: Uuid::nil(), token: "no-such-token".into() };
            let unknown = server.request(&stranger, method, &address).send().await.unwrap();
            expect_problem(unknown, 401, "unauthorized").await;
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked} routes");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_those_who_may_come_in() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let description = serde_json::to_value(api::description()).unwrap();
    let nobody = "00000000-0000-0000-0000-000000000000";
    let paths = description["paths"].as_object().unwrap().keys().filter(|path| path.contains('{'));
    let malformed = paths.map(|path| (fill(path).replace(nobody, "x"), "gzip", 404));
    let others = [
        (format!("/v1/analyses/{nobody}/chunks/x"), "gzip", 404),
        (format!("/v1/analyses/{nobody}/chunks/0?level=x"), "gzip", 422),
        (format!("/v1/analyses/{nobody}/chunks/0?v=%00"), "gzip", 422),
        (format!("/v1/analyses/{nobody}/chunks/0"), "identity;q=0", 406),
    ];
    let requests: Vec<_> = malformed.chain(others).collect();
    let ask = async |person: &Person, (path, coding, _): &(String, &str, u16)| {
        let request = server.request(person, Method::GET, path).header("accept-encoding", *coding);
        request.send().await.unwrap()
    };
    let stranger = Person { id: Uuid::nil(), token: "nonsense".into() };
    for request in &requests {
        let known = ask(&ada, request).await.status();
        if known != 405 {
            assert_eq!(known, request.2, "{request:?}");
            expect_problem(ask(&stranger, request).await, 401, "unauthorized").await;
        }
    }
    server.execute("UPDATE users SET approved = false").await;
    for request in requests.iter().filter(|request| request.0.contains("chunks")) {
        expect_problem(ask(&ada, request).await, 403, "account-not-approved").await;
    }
}

fn fill(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{index}" => "0".to_owned(),
        part if part.starts_with('{') => Uuid::nil().to_string(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn expired_and_unapproved_sessions_are_told_apart() {
    let server = Server::start().await;
    let (expired, unapproved) = (server.person("expired").await, server.person("unapproved").await);
    server.execute("UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = (SELECT id FROM users WHERE email LIKE 'expired%')").await;
    server.execute("UPDATE users SET approved = false WHERE email LIKE 'unapproved%'").await;
    let analysis = format!("/v1/analyses/{}", Uuid::nil());
    for path in ["/v1/tracks", &format!("{analysis}/manifest"), &format!("{analysis}/chunks/0")] {
        expect_problem(server.get(&expired, path).await, 401, "session-expired").await;
        expect_problem(server.get(&unapproved, path).await, 403, "account-not-approved").await;
    }
}

#[tokio::test]
async fn a_cookie_reads_freely_and_writes_from_known_origins_only() {
    let server = Server::with(api::Config {
        allowed_origins: vec!["https://app.example".into()],
        ..api::Config::default()
    })
    .await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let cookie = format!("theme=dark; session={}", ada.token);
    let send = |method: Method, origin: Option<String>| {
        let path = format!("/v1/tracks/{track}");
        let request = server.anonymous(method, &path).header("cookie", &cookie);
        let request = request.header("content-type", "application/json").body("{\"genre\": \"dub\"}");
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        async move { request.send().await.unwrap() }
    };
    assert_eq!(send(Method::GET, None).await.status(), 200);
    expect_problem(send(Method::PATCH, None).await, 403, "origin-refused").await;
    expect_problem(send(Method::PATCH, Some("https://evil.example".into())).await, 403, "origin-refused")
        .await;
    assert_eq!(send(Method::PATCH, Some("https://app.example".into())).await.status(), 200);
    assert_eq!(send(Method::PATCH, Some(server.url(""))).await.status(), 200);
}

#[tokio::test]
async fn two_tokens_at_once_are_refused() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    for second in [format!("Bearer {}", ada.token), "Bearer other".to_owned()] {
        for path in ["/v1/tracks", &format!("/v1/analyses/{}/manifest", Uuid::nil())] {
            let request = server.request(&ada, Method::GET, path).header("authorization", &second);
            let problem = expect_problem(request.send().await.unwrap(), 400, "malformed-request").await;
            assert!(problem["detail"].as_str().unwrap().contains("Authorization"), "{problem}");
        }
    }
}

#[tokio::test]
async fn only_a_tokens_hash_is_stored() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let stored: String =
        sqlx::query_scalar("SELECT token FROM sessions").fetch_one(server.pool()).await.unwrap();
    assert_eq!(stored, store::sessions::Token::presented(&ada.token).hash());
    assert_ne!(stored, ada.token);
    let with_hash = Person { token: stored, ..ada };
    expect_problem(server.get(&with_hash, "/v1/tracks").await, 401, "unauthorized").await;
}

#[tokio::test]
async fn activity_is_noted_at_most_once_a_minute() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let seen = "SELECT extract(epoch FROM last_activity_at)::bigint * 1000000 + extract(microseconds FROM last_activity_at)::bigint FROM sessions";
    server.execute("UPDATE sessions SET last_activity_at = now() - interval '2 minutes'").await;
    let long_ago = server.count(seen).await;
    server.json(&ada, "/v1/tracks").await;
    let noted = server.count(seen).await;
    assert_ne!(noted, long_ago);
    assert_eq!(server.count("SELECT count(*) FROM users WHERE last_activity_at IS NOT NULL").await, 1);
    server.json(&ada, "/v1/tracks").await;
    assert_eq!(server.count(seen).await, noted);
}

#[tokio::test]
async fn expired_sessions_are_cleaned_up_even_when_the_audit_trail_names_them() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}");
    assert_eq!(server.request(&ada, Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(server.count("SELECT count(*) FROM audit_log WHERE session_id IS NOT NULL").await, 1);
    server.execute("UPDATE sessions SET expires_at = now() - interval '1 year'").await;
    store::sessions::clean_up(&mut server.pool().acquire().await.unwrap()).await.unwrap();
    assert_eq!(server.count("SELECT count(*) FROM sessions").await, 0);
    assert_eq!(server.count("SELECT count(*) FROM audit_log").await, 1);
}

#[tokio::test]
async fn everybody_lists_their_own_tracks() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    server.upload(&ada, "song", wav(500)).await;
    assert_eq!(server.json(&eve, "/v1/tracks").await["items"].as_array().unwrap().len(), 0);
    assert_eq!(server.json(&ada, "/v1/tracks").await["items"].as_array().unwrap().len(), 1);
}

/// Gives `eve` a role without rights of its own, below the seeds' `moderator`, who may read every track; and
/// closes a cycle of parents.
const GRANT: &str = "
    INSERT INTO roles (name, parent_role_id) SELECT 'assistant', id FROM roles WHERE name = 'moderator';
    UPDATE roles SET parent_role_id = (SELECT id FROM roles WHERE name = 'assistant') WHERE name = 'user';
    INSERT INTO user_roles (user_id, role_id, expires_at)
        SELECT u.id, r.id, now() + interval '1 hour' FROM users u, roles r
         WHERE u.email = 'eve@example.org' AND r.name = 'assistant';";

#[tokio::test]
async fn a_role_grants_what_its_parents_may_until_it_expires_and_leaves_a_trail() {
    let server = Server::with(Config { entitlements_age: Duration::ZERO, ..Config::default() }).await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let track = server.track(&ada).await;
    let path = format!("/v1/tracks/{track}");
    server.execute(GRANT).await;
    let request = server
        .request(&eve, Method::GET, &path)
        .header("x-request-id", "look-1")
        .header("user-agent", "test/1");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let trail: (Uuid, Uuid, String, String, String, String) = sqlx::query_as(
        "SELECT user_id, resource_id, action, request_id, user_agent, ip_address FROM audit_log WHERE event_type = 'track.cross_user_access'",
    )
    .fetch_one(server.pool())
    .await
    .unwrap();
    let expect = (eve.id, track, "read".into(), "look-1".into(), "test/1".into(), "127.0.0.1".into());
    assert_eq!(trail, expect);
    let delete = server.request(&eve, Method::DELETE, &path).send().await.unwrap();
    expect_problem(delete, 404, "not-found").await;
    server.execute("UPDATE user_roles SET expires_at = now() - interval '1 second'").await;
    expect_problem(server.get(&eve, &path).await, 404, "not-found").await;
    let mut db = server.pool().acquire().await.unwrap();
    assert!(!is_entitled(&mut db, eve.id, TRACKS, Action::Read).await.unwrap());
}
