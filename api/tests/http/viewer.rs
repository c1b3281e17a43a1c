//! The page that people open, and how it is signed in.

use crate::support::{Server, expect_problem};
use reqwest::{Method, Response};
use serde_json::Value;

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_is_the_same_at_each_of_its_addresses_and_its_parts_are_there() {
    let server = Server::start().await;
    let ask = async |path: &str| server.anonymous(Method::GET, path).send().await.unwrap();
    let page = ask("/").await;
    let policy = header(&page, "content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    let track = ask("/tracks/8c360524-4f89-44fb-b3c7-e2707f57670b").await;
    assert_eq!((track.status().as_u16(), track.text().await.unwrap()), (200, page.clone()));
    let parts: Vec<_> = page.split(['"', '\'']).filter(|text| text.starts_with('/')).collect();
    assert!(parts.len() >= 3, "a script, a style and an icon: {parts:?}");
    for path in parts {
        let part = ask(path).await;
        let kind = header(&part, "content-type").to_owned();
        assert_eq!(part.status(), 200, "{path}");
        let expected = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(kind, expected, "{path}");
    }
    for path in ["/assets/none.js", "/assets/..%2findex.html", "/assets/%2e%2e/index.html", "/index.html"] {
        expect_problem(ask(path).await, 404, "not-found").await;
    }
}

#[tokio::test]
async fn a_browser_that_is_lost_sees_the_page_and_a_program_a_problem() {
    let server = Server::start().await;
    let ask = async |path: &str| {
        let request = server.anonymous(Method::GET, path).header("accept", "text/html,*/*;q=0.8");
        request.send().await.unwrap()
    };
    let lost = ask("/nowhere").await;
    assert_eq!((lost.status().as_u16(), header(&lost, "content-type")), (404, "text/html; charset=utf-8"));
    expect_problem(ask("/v1/nowhere").await, 404, "not-found").await;
    expect_problem(server.anonymous(Method::GET, "/nowhere").send().await.unwrap(), 404, "not-found").await;
}

#[tokio::test]
async fn a_browser_asks_whether_the_page_has_changed() {
    let server = Server::start().await;
    let first = server.anonymous(Method::GET, "/").send().await.unwrap();
    assert_eq!(header(&first, "cache-control"), "no-cache");
    let known = server.anonymous(Method::GET, "/").header("if-none-match", header(&first, "etag"));
    let known = known.send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.text().await.unwrap().len()), (304, 0));
}

#[tokio::test]
async fn a_token_becomes_a_cookie_that_opens_and_ends() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let path = "/v1/me/session/cookie";
    let kept = server.request(&ada, Method::POST, path).send().await.unwrap();
    assert_eq!(kept.status(), 204);
    let cookie = header(&kept, "set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("session=") && !pair.contains(&ada.token), "a session of its own");
    for attribute in ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age="] {
        assert!(attributes.contains(attribute), "{cookie}");
    }
    assert!(!attributes.contains("Secure"), "it came by HTTP: {cookie}");
    let by_https = server.request(&ada, Method::POST, path).header("origin", "https://arsis.example.org");
    assert!(header(&by_https.send().await.unwrap(), "set-cookie").ends_with("; Secure"));

    let by_cookie = |method: Method, path: &str| server.anonymous(method, path).header("cookie", pair);
    let me: Value = by_cookie(Method::GET, "/v1/me").send().await.unwrap().json().await.unwrap();
    assert_eq!(me["user_id"], ada.id.to_string());
    let own = server.json(&ada, "/v1/me").await;
    assert_ne!(me["session"]["id"], own["session"]["id"]);
    assert_eq!(
        me["session"]["expires_at"], own["session"]["expires_at"],
        "a stolen token cannot be kept alive"
    );
    let again = by_cookie(Method::POST, path).header("origin", server.url("")).send().await.unwrap();
    expect_problem(again, 403, "forbidden").await;

    let elsewhere = by_cookie(Method::DELETE, "/v1/me/session").header("origin", "https://evil.example");
    expect_problem(elsewhere.send().await.unwrap(), 403, "origin-refused").await;
    let out = by_cookie(Method::DELETE, "/v1/me/session").header("origin", server.url(""));
    let out = out.send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert!(header(&out, "set-cookie").starts_with("session=; Path=/; Max-Age=0;"));
    expect_problem(by_cookie(Method::GET, "/v1/me").send().await.unwrap(), 401, "session-expired").await;
    assert_eq!(server.get(&ada, "/v1/me").await.status(), 200, "the link is still good elsewhere");
}
