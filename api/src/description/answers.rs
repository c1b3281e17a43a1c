//! Answers that follow from the layers an operation lies behind, from its parameters and from its body.

use super::{Operation, component, parameters};
use crate::limits;
use crate::problem::{Kind, TYPE_BASE};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Response headers: name, name of the component, type, what they say, whether they are always there.
const HEADERS: [(&str, &str, &str, &str, bool); 6] = [
    (
        "X-Request-Id",
        "RequestId",
        "string",
        "Names the request in the log: the client's own id, or a new one",
        true,
    ),
    ("WWW-Authenticate", "WwwAuthenticate", "string", "How to say who asks", true),
    ("Retry-After", "RetryAfter", "integer", "When to ask again, in seconds", false),
    (
        "RateLimit-Policy",
        "RateLimitPolicy",
        "string",
        "A limit: its name, how many requests (`q`) in how many seconds (`w`)",
        false,
    ),
    (
        "RateLimit",
        "RateLimit",
        "string",
        "How many requests are left of it (`r`), and for how many seconds (`t`)",
        false,
    ),
    ("ETag", "ETag", "string", "Names this content; pass it as `If-None-Match`", true),
];

const PROBLEM: &str = "application/problem+json";

/// References to the schemas of what has versions.
pub(super) fn versioned(schemas: &Value) -> BTreeSet<String> {
    let all = schemas.as_object().into_iter().flatten();
    let versioned = all.filter(|(_, schema)| schema["properties"]["etag"].is_object());
    versioned.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

/// Adds the shared answers, and makes the operation's own exact. What is made and `versioned` comes with its tag.
pub(super) fn share(operation: &mut Operation, method: &str, path: &str, versioned: &BTreeSet<String>) {
    if let Some(body) = operation.get_mut("requestBody") {
        bytes_are_any(body);
    }
    let limited = !limits::EXEMPT.contains(&path);
    let mut shared = statuses(operation);
    shared.extend(limited.then_some(429));
    let Some(Value::Object(answers)) = operation.get_mut("responses") else { return };
    for status in shared {
        answers.entry(status.to_string()).or_insert(Value::Null);
    }
    let conditional = answers.contains_key("304");
    for (status, answer) in answers {
        let status = status.parse().unwrap_or_default();
        let silent = answer.get("description").is_none_or(|text| text.as_str() == Some(""));
        if silent && problems().contains_key(&status) {
            *answer = component("responses", &problem_name(status));
            continue;
        }
        if silent {
            answer["description"] = describe(status).into();
        }
        contents(answer);
        let made = answer["content"]["application/json"]["schema"]["$ref"].as_str().map(str::to_owned);
        if status == 201 && made.is_some_and(|made| versioned.contains(&made)) {
            answer["headers"]["ETag"] =
                json!({ "description": "This version of it", "schema": { "type": "string" } });
        }
        let waits = method == "get" && status == 202;
        let tagged = conditional && matches!(status, 200 | 206 | 304);
        for (name, holds) in [
            ("X-Request-Id", true),
            ("Retry-After", waits),
            ("ETag", tagged),
            ("RateLimit", limited),
            ("RateLimit-Policy", limited),
        ] {
            if holds {
                answer["headers"][name] = header(name);
            }
        }
    }
}

/// Which problems come back whatever the handler does.
fn statuses(operation: &Operation) -> BTreeSet<u16> {
    let mut all = BTreeSet::from([400, 414, 431, 500, 504]);
    let open =
        operation.get("security").and_then(Value::as_array).is_some_and(|any| any.contains(&json!({})));
    if !open {
        all.extend([401, 403, 503]);
    }
    let keyed = parameters::has(operation, "Idempotency-Key");
    if keyed {
        all.insert(409);
    }
    let body = operation.get("requestBody");
    if body.is_some_and(|body| body["content"].get("application/json").is_some()) {
        all.extend([408, 413, 415, 422]);
    }
    if keyed {
        all.insert(422);
    }
    if parameters::has_query(operation) {
        all.insert(422);
    }
    let path = operation.get("parameters").and_then(Value::as_array);
    if path.into_iter().flatten().any(|parameter| parameter["in"] == "path") {
        // It is looked up.
        all.extend([404, 503]);
    }
    all
}

/// What is bytes has no schema (OpenAPI 3.1, section 4.8.14.2): it is no list of numbers.
fn bytes_are_any(body: &mut Value) {
    let binary = |media: &str| {
        media == "application/octet-stream" || media.starts_with("audio/") || media.starts_with("video/")
    };
    let content = body.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, body) in content.filter(|(media, _)| binary(media)) {
        body["schema"] = json!({});
    }
}

/// Problems have a media type of their own, and so have events.
fn contents(answer: &mut Value) {
    bytes_are_any(answer);
    let Some(Value::Object(content)) = answer.get_mut("content") else { return };
    let problem = component("schemas", "Problem");
    if content.get("application/json").is_some_and(|json| json["schema"] == problem)
        && let Some(body) = content.remove("application/json")
    {
        content.insert(PROBLEM.into(), body);
    }
    for (media, body) in content {
        if media == "text/event-stream" {
            body["schema"] = server_sent_event(body["schema"].take());
        }
    }
}

/// One event of a stream whose data are JSON of `schema`, or any text.
fn server_sent_event(schema: Value) -> Value {
    let text = schema["type"] == "string";
    let json = json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": schema });
    let data = if text { json!({ "type": "string" }) } else { json };
    let properties = json!({ "event": { "type": "string" }, "id": { "type": "string" }, "data": data });
    json!({ "description": "Each event of the stream", "type": "object", "properties": properties })
}

fn describe(status: u16) -> &'static str {
    match status {
        200 => "What was asked for",
        201 => "It was made",
        202 => "It will be done",
        204 => "Done, and nothing to say",
        304 => "Unchanged",
        _ => StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("An answer"),
    }
}

fn header(name: &str) -> Value {
    let found = HEADERS.iter().find(|(header, ..)| *header == name);
    component("headers", found.map_or(name, |(_, shared, ..)| shared))
}

/// The shared headers.
pub(super) fn headers() -> Value {
    let one = |(_, shared, kind, description, required): (&str, &str, &str, &str, bool)| {
        let header = json!({ "description": description, "required": required, "schema": { "type": kind } });
        (shared.to_owned(), header)
    };
    Value::Object(HEADERS.into_iter().map(one).collect())
}

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// What can go wrong, by status.
fn problems() -> BTreeMap<u16, Vec<Kind>> {
    let mut all: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in Kind::ALL {
        all.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    all
}

/// An answer for every status with a problem.
pub(super) fn components() -> Value {
    let all = problems().into_iter().map(|(status, kinds)| (problem_name(status), problem(status, &kinds)));
    Value::Object(all.collect())
}

fn problem(status: u16, kinds: &[Kind]) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let examples: Map<String, Value> =
        kinds.iter().map(|kind| (kind.slug().to_owned(), example(*kind))).collect();
    let mut names = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
    names.extend((status == 401).then_some("WWW-Authenticate"));
    names.extend(matches!(status, 409 | 429 | 503).then_some("Retry-After"));
    let headers: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), header(name))).collect();
    let body = json!({ "schema": component("schemas", "Problem"), "examples": examples });
    json!({ "description": titles.join("; or: "), "headers": headers, "content": { PROBLEM: body } })
}

fn example(kind: Kind) -> Value {
    let value = json!({ "type": type_uri(kind), "title": kind.title(), "status": kind.status().as_u16() });
    json!({ "summary": kind.title(), "value": value })
}

fn type_uri(kind: Kind) -> String {
    format!("{TYPE_BASE}{}", kind.slug())
}

/// Lists the types of problems in their schema.
pub(super) fn name_problem_types(schema: &mut Value) {
    let all: Vec<String> = Kind::ALL.iter().map(|kind| type_uri(*kind)).collect();
    schema["properties"]["type"]["enum"] = all.into();
}
