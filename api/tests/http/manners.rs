//! Manners of the whole: limits, who is believed about addresses, other origins' pages, compression, HEAD and OPTIONS.

use crate::results::Fixture;
use crate::support::{Person, Server, expect_problem};
use api::Config;
use reqwest::{Method, Response};
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_person_who_asks_too_often_is_told_when_to_come_again() {
    let server = Server::with(Config { rate_limit: 3, ..Config::default() }).await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let again = server.person("ada").await; // another session of the same person
    let first = server.get(&ada, "/v1/tracks").await;
    assert_eq!(header(&first, "ratelimit-policy"), "\"person\";q=3;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"person\";r=2;t=20");
    // The manifest's handler lets people in by itself.
    let manifest = format!("/v1/analyses/{}/manifest", Uuid::new_v4());
    assert_eq!(header(&server.get(&again, &manifest).await, "ratelimit"), "\"person\";r=1;t=40");
    server.get(&ada, "/v1/tracks").await;
    for path in ["/v1/tracks", &manifest] {
        let refused = server.get(&ada, path).await;
        let wait: u64 = header(&refused, "retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(header(&refused, "ratelimit"), format!("\"person\";r=0;t={wait}"));
        let problem = expect_problem(refused, 429, "rate-limited").await;
        assert_eq!(problem["detail"], "one person may ask 3 times in 60 seconds");
    }
    assert_eq!(server.get(&eve, "/v1/tracks").await.status(), 200);
}

#[tokio::test]
async fn strangers_are_counted_by_address_and_probes_are_not() {
    let server = Server::with(Config {
        rate_limit_anonymous: 2,
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Config::default()
    })
    .await;
    let ask = async |path: &str, client: &str| {
        server.anonymous(Method::GET, path).header("x-forwarded-for", client).send().await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(ask("/docs", "198.51.100.1").await.status(), 200);
    }
    expect_problem(ask("/docs", "198.51.100.1").await, 429, "rate-limited").await;
    expect_problem(ask("/v1/tracks", "198.51.100.1").await, 429, "rate-limited").await;
    assert_eq!(ask("/docs", "198.51.100.2").await.status(), 200);
    assert_eq!(ask("/healthz", "198.51.100.1").await.status(), 200);
    let ready = ask("/readyz", "198.51.100.1").await;
    assert_eq!((ready.status().as_u16(), header(&ready, "ratelimit")), (200, ""));
}

#[tokio::test]
async fn a_token_that_nobody_looks_at_lifts_no_limit() {
    let server = Server::with(Config { rate_limit_anonymous: 4, ..Config::default() }).await;
    let junk = Person { id: Uuid::nil(), token: "junk".into() };
    let content = format!("/v1/uploads/{}/content?secret=a", Uuid::new_v4());
    let ask = async |method: Method, path: &str| server.request(&junk, method, path).send().await.unwrap();
    let asked = [(Method::GET, "/docs", 200), (Method::GET, "/", 200), (Method::GET, "/nowhere", 404)];
    for (method, path, status) in asked.into_iter().chain([(Method::PUT, &*content, 404)]) {
        assert_eq!(ask(method, path).await.status(), status, "{path}");
    }
    for (method, path) in [(Method::GET, "/docs"), (Method::GET, "/nowhere"), (Method::PUT, &*content)] {
        expect_problem(ask(method, path).await, 429, "rate-limited").await;
    }
    expect_problem(ask(Method::PUT, "/v1/tracks").await, 429, "rate-limited").await;
    assert_eq!(ask(Method::GET, "/healthz").await.status(), 200);
}

#[tokio::test]
async fn who_guesses_tokens_is_not_listened_to_and_neighbours_are() {
    let server = Server::with(Config { rate_limit_failures: 2, ..Config::default() }).await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    assert_eq!(server.get(&ada, "/v1/tracks").await.status(), 200);
    for i in 0..3 {
        let guess = Person { id: Uuid::nil(), token: format!("guess-{i}") };
        expect_problem(server.get(&guess, "/v1/tracks").await, 401, "unauthorized").await;
    }
    let guess = Person { id: Uuid::nil(), token: "guess".into() };
    let refused = server.get(&guess, "/v1/tracks").await;
    let wait = header(&refused, "retry-after").to_owned();
    assert_eq!(header(&refused, "ratelimit-policy"), "\"failures\";q=2;w=60");
    assert_eq!(header(&refused, "ratelimit"), format!("\"failures\";r=0;t={wait}"));
    let problem = expect_problem(refused, 429, "rate-limited").await;
    assert!(problem["detail"].as_str().unwrap().contains("from this address"), "{problem}");
    // A right guess looks no different from a wrong one now; who was in before still is.
    expect_problem(server.get(&eve, "/v1/tracks").await, 429, "rate-limited").await;
    assert_eq!(server.get(&ada, "/v1/tracks").await.status(), 200);
}

#[tokio::test]
async fn the_audit_trail_names_the_client_behind_a_trusted_proxy_alone() {
    for (trusted, expect) in [(vec!["127.0.0.1/32".parse().unwrap()], "198.51.100.1"), (vec![], "127.0.0.1")]
    {
        let server = Server::with(Config { trusted_proxies: trusted, ..Config::default() }).await;
        let ada = server.person("ada").await;
        let track = server.track(&ada).await;
        let delete = server.request(&ada, Method::DELETE, &format!("/v1/tracks/{track}"));
        let delete = delete.header("x-forwarded-for", "203.0.113.9, 198.51.100.1");
        assert_eq!(delete.send().await.unwrap().status(), 204);
        let address: String =
            sqlx::query_scalar("SELECT ip_address FROM audit_log").fetch_one(server.pool()).await.unwrap();
        assert_eq!(address, expect);
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_and_others_are_told_nothing() {
    let allowed_origins = vec!["https://app.example".to_owned()];
    let server = Server::with(Config { allowed_origins, ..Config::default() }).await;
    let ada = server.person("ada").await;
    let ask = async |method: Method, origin: &str| {
        let request = server.request(&ada, method, "/v1/tracks").header("origin", origin);
        request.header("access-control-request-method", "PATCH").send().await.unwrap()
    };
    let read = ask(Method::GET, "https://app.example").await;
    assert_eq!(header(&read, "access-control-allow-origin"), "https://app.example");
    assert_eq!(header(&read, "access-control-allow-credentials"), "true");
    let exposed = header(&read, "access-control-expose-headers");
    for name in ["etag", "location", "retry-after", "ratelimit", "x-request-id", "content-range"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name}: {exposed}");
    }
    let preflight = ask(Method::OPTIONS, "https://app.example").await;
    assert_eq!(preflight.status(), 204);
    assert!(header(&preflight, "access-control-allow-methods").contains("PATCH"));
    assert!(header(&preflight, "access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(header(&preflight, "access-control-max-age"), "7200");
    for origin in ["https://evil.example", "https://app.example.evil.example", "null"] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = ask(method, origin).await;
            assert!(!answer.headers().keys().any(|name| name.as_str().starts_with("access-control")));
            let mut varies = answer.headers().get_all("vary").into_iter();
            assert!(varies.any(|value| value == "origin"), "a cache must not mix them up");
        }
    }
    // What goes wrong can be read, too.
    let refused = server.anonymous(Method::GET, "/v1/tracks").header("origin", "https://app.example");
    let refused = refused.send().await.unwrap();
    assert_eq!(header(&refused, "access-control-allow-origin"), "https://app.example");
    expect_problem(refused, 401, "unauthorized").await;
}

/// Headers of requests and answers, in lower case, as the description has them.
fn described_headers() -> (BTreeSet<String>, BTreeSet<String>) {
    let description = api::description();
    let resolve = |value: &Value| match value["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap().clone(),
        None => value.clone(),
    };
    let (mut sent, mut read) = (BTreeSet::new(), BTreeSet::new());
    let items = description["paths"].as_object().unwrap().values();
    for operation in items.flat_map(|item| item.as_object().unwrap().values()) {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(resolve);
        let headers = parameters.filter(|parameter| parameter["in"] == "header");
        sent.extend(headers.map(|header| header["name"].as_str().unwrap().to_lowercase()));
        for answer in operation["responses"].as_object().unwrap().values() {
            let headers = resolve(answer)["headers"].as_object().cloned().unwrap_or_default();
            read.extend(headers.keys().map(|name| name.to_lowercase()));
        }
    }
    (sent, read)
}

#[tokio::test]
async fn pages_may_send_and_read_every_header_of_the_description() {
    let allowed_origins = vec!["https://app.example".to_owned()];
    let server = Server::with(Config { allowed_origins, ..Config::default() }).await;
    let ask = async |method: Method, list: &str| {
        let request = server.anonymous(method, "/v1/tracks").header("origin", "https://app.example");
        let answer = request.header("access-control-request-method", "POST").send().await.unwrap();
        header(&answer, list).split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (mut sent, read) = described_headers();
    // Browsers set one themselves; the other means the same as Repr-Digest.
    sent.remove("accept-encoding");
    sent.insert("content-digest".into());
    assert!(sent.contains("repr-digest") && read.contains("repr-digest"));
    let allowed = ask(Method::OPTIONS, "access-control-allow-headers").await;
    assert!(sent.is_subset(&allowed), "{sent:?} beside {allowed:?}");
    let exposed = ask(Method::GET, "access-control-expose-headers").await;
    // What begins so is exposed where it is; cookies no page may read.
    let read: BTreeSet<_> =
        read.into_iter().filter(|name| !name.starts_with("arsis-") && name != "set-cookie").collect();
    let always =
        BTreeSet::from(["cache-control", "content-type", "expires", "last-modified"].map(String::from));
    let missing: Vec<_> = read.difference(&exposed).filter(|name| !always.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?} beside {exposed:?}");
}

#[tokio::test]
async fn what_is_unchanged_is_told_with_the_headers_of_the_whole() {
    let fixture = Fixture::completed().await;
    let analysis = fixture.server.json(&fixture.ada, &format!("/v1/analyses/{}", fixture.analysis)).await;
    let track = analysis["track_id"].as_str().unwrap();
    let of_analysis = |what: &str| format!("/v1/analyses/{}/{what}", fixture.analysis);
    let paths = [
        of_analysis("manifest"),
        of_analysis("events"),
        of_analysis("export/json"),
        of_analysis("frames?level=0"),
        of_analysis("chunks/0"),
        format!("/v1/audio-analysis/{track}"),
        format!("/v1/tracks/{track}/audio"),
        "/".to_owned(),
    ];
    for path in paths {
        let ask = async |method: Method, etag: &str| {
            let request = fixture.server.request(&fixture.ada, method, &path);
            let request = request.header("accept-encoding", "gzip").header("if-none-match", etag);
            let answer = request.send().await.unwrap();
            let all = answer.headers().get_all("vary").into_iter().map(|value| value.to_str().unwrap());
            let vary: BTreeSet<_> = all.flat_map(|line| line.split(", ")).map(str::to_owned).collect();
            (answer, vary)
        };
        let (whole, varies) = ask(Method::GET, "\"none\"").await;
        assert_eq!(whole.status(), 200, "{path}");
        let text = header(&whole, "content-encoding") == "gzip";
        assert!(!text || varies.contains("accept-encoding"), "{path}");
        for method in [Method::GET, Method::HEAD] {
            let (unchanged, vary) = ask(method.clone(), header(&whole, "etag")).await;
            assert_eq!(unchanged.status(), 304, "{method} {path}");
            assert!(varies.is_subset(&vary), "{method} {path}: {vary:?} where the whole has {varies:?}");
            assert_eq!(header(&unchanged, "etag"), header(&whole, "etag"), "{method} {path}");
            assert_eq!(
                header(&unchanged, "content-length"),
                "",
                "{method} {path}: it is not that of the whole"
            );
        }
    }
}

#[tokio::test]
async fn methods_are_spelled_in_one_way() {
    let allowed_origins = vec!["https://app.example".to_owned()];
    let server = Server::with(Config { allowed_origins, ..Config::default() }).await;
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    for (path, wrong, allow) in [
        ("/v1/tracks", Method::PATCH, "GET, HEAD, POST, OPTIONS"),
        ("/v1/queue/pause", Method::GET, "POST, OPTIONS"),
        ("/docs", Method::POST, "GET, HEAD, OPTIONS"),
        ("/", Method::POST, "GET, HEAD, OPTIONS"),
        ("/assets/index.js", Method::DELETE, "GET, HEAD, OPTIONS"),
    ] {
        let refused = server.anonymous(wrong.clone(), path).send().await.unwrap();
        assert_eq!(header(&refused, "allow"), allow, "{wrong} {path}");
        expect_problem(refused, 405, "method-not-allowed").await;
        for headers in [&[][..], &preflight] {
            let request = server.anonymous(Method::OPTIONS, path);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let options = request.send().await.unwrap();
            assert_eq!(
                (options.status().as_u16(), header(&options, "allow")),
                (204, allow),
                "{path} {headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn options_tells_the_methods_and_head_what_get_would() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = format!("/v1/tracks/{}", server.track(&ada).await);
    let options = server.anonymous(Method::OPTIONS, &track).send().await.unwrap();
    assert_eq!(options.status(), 204);
    let mut allowed: Vec<_> = header(&options, "allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"]);
    let nowhere = server.anonymous(Method::OPTIONS, "/nowhere").send().await.unwrap();
    expect_problem(nowhere, 404, "not-found").await;
    let description = serde_json::to_value(api::description()).unwrap();
    let paths = description["paths"].as_object().unwrap().iter();
    for (path, _) in paths.filter(|(path, item)| item["get"].is_object() && !path.ends_with("/progress")) {
        let id = track.rsplit('/').next().unwrap();
        let path = path.replace("{track_id}", id).replace("{index}", "0");
        let path = path.replace(['{', '}'], "");
        let ask = async |method: Method| {
            let response = server.request(&ada, method, &path).send().await.unwrap();
            let told = ["content-type", "etag", "cache-control", "allow"]
                .map(|name| header(&response, name).to_owned());
            (response.status(), told, response.bytes().await.unwrap())
        };
        let (get, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
        assert_eq!((get.0, &get.1), (head.0, &head.1), "{path}");
        assert!(head.2.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let hsts = std::time::Duration::from_secs(86_400);
    let server = Server::with(Config { hsts, ..Config::default() }).await;
    let ada = server.person("ada").await;
    for path in ["/v1/tracks", "/nowhere", "/docs", "/queue", "/openapi.json", "/healthz"] {
        let response = server.get(&ada, path).await;
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=86400"),
        ] {
            assert_eq!(header(&response, name), value, "{path}");
        }
        assert!(response.headers().contains_key("cache-control"), "{path}");
    }
    assert!(
        !Server::start()
            .await
            .get(&ada, "/nowhere")
            .await
            .headers()
            .contains_key("strict-transport-security")
    );
}

#[tokio::test]
async fn text_is_compressed_for_those_who_like_it_and_nothing_else_is() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let track = server.upload(&ada, "song", crate::support::wav(20_000)).await;
    let track = track["track"]["id"].as_str().unwrap();
    let ask = async |path: &str, codings: &'static str| {
        server.request(&ada, Method::GET, path).header("accept-encoding", codings).send().await.unwrap()
    };
    let description = "/openapi.json";
    let plain = ask(description, "identity").await;
    assert_eq!((header(&plain, "content-encoding"), header(&plain, "vary")), ("", "accept-encoding"));
    let plain = plain.bytes().await.unwrap();
    for coding in ["gzip", "zstd"] {
        let answer = ask(description, coding).await;
        assert_eq!(header(&answer, "content-encoding"), coding);
        assert!(answer.bytes().await.unwrap().len() < plain.len() / 3, "{coding}");
    }
    for path in ["/docs/reference.js", "/docs/reference.css", "/assets/index.js", "/assets/index.css"] {
        assert_eq!(header(&ask(path, "gzip").await, "content-encoding"), "gzip", "{path}");
    }
    assert_eq!(header(&ask("/v1/tracks", "gzip").await, "content-encoding"), "", "too small to bother");
    let picky = ask(description, "br, identity;q=0").await;
    assert_eq!((picky.status().as_u16(), header(&picky, "content-encoding")), (200, ""));
    let audio = ask(&format!("/v1/tracks/{track}/audio"), "gzip, zstd").await;
    assert_eq!((header(&audio, "content-encoding"), header(&audio, "content-length")), ("", "20000"));
    let audio = ask(&format!("/v1/tracks/{track}/audio"), "gzip").await;
    assert!(header(&audio, "etag").starts_with('"'), "a strong tag, for ranges");
}

#[tokio::test]
async fn exports_are_text_and_streams_are_not_compressed() {
    let fixture = Fixture::completed().await;
    let ask = async |what: &str| {
        let path = format!("/v1/analyses/{}/{what}", fixture.analysis);
        let request = fixture.server.request(&fixture.ada, Method::GET, &path);
        request.header("accept-encoding", "gzip").send().await.unwrap()
    };
    for form in ["json", "jsonl", "jams", "csv"] {
        assert_eq!(header(&ask(&format!("export/{form}")).await, "content-encoding"), "gzip", "{form}");
    }
    let progress = ask("progress").await;
    assert_eq!(header(&progress, "content-type"), "text/event-stream");
    assert_eq!(header(&progress, "content-encoding"), "", "each event goes out at once");
}

#[tokio::test]
async fn problems_name_the_request_they_are_about() {
    let server = Server::start().await;
    let request = server.anonymous(Method::GET, "/v1/tracks").header("x-request-id", "call-7");
    let response = request.send().await.unwrap();
    assert_eq!(header(&response, "x-request-id"), "call-7");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["request_id"], "call-7");
}

#[test]
fn the_document_tells_of_every_kind_of_problem() {
    let document = include_str!("../../../docs/API.md");
    for kind in api::problem::Kind::ALL {
        let row = format!("| `{}` | {} | ", kind.slug(), kind.status().as_u16());
        assert!(document.contains(&row), "docs/API.md does not tell what to do about {}", kind.slug());
    }
}
