//! Which pages of other origins may read the answers: the CORS protocol of the Fetch standard.

use crate::digest;
use crate::limits;
use crate::request::REQUEST_ID;
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// How long a browser may remember what it was told, in seconds; none remembers for longer.
const MAX_AGE_S: u32 = 7200;

/// What pages may do.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What pages may send. With credentials there is no "all" (Fetch, section 3.3.2).
const SENT: [HeaderName; 15] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::RANGE,
    REQUEST_ID,
    digest::CONTENT_DIGEST,
    digest::REPR_DIGEST,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-requested-with"),
];

/// What pages may read beside what they always may. [`expose`] adds those that begin with `arsis-`.
const READ: [HeaderName; 14] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    REQUEST_ID,
    digest::REPR_DIGEST,
    HeaderName::from_static("idempotency-replayed"),
    limits::POLICY,
    limits::REMAINING,
];

/// Lets pages of the allowed origins read, with the session cookie. Other origins are told nothing.
pub(crate) async fn allow(State(app): State<App>, request: Request, next: Next) -> Response {
    let origins = &app.config().allowed_origins;
    let allowed = |origin: &&HeaderValue| origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
    let origin = request.headers().get(header::ORIGIN).filter(allowed).cloned();
    let mut response = if is_preflight(&request) {
        preflight(origin.is_some())
    } else {
        let mut response = next.run(request).await;
        if origin.is_some() {
            expose(response.headers_mut());
        }
        response
    };
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if !origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// Whether a browser asks what it may send on behalf of a page.
fn is_preflight(request: &Request) -> bool {
    let has = |name| request.headers().contains_key(name);
    *request.method() == Method::OPTIONS && has(header::ORIGIN) && has(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(allowed: bool) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let asked = "access-control-request-method, access-control-request-headers";
    headers.insert(header::VARY, HeaderValue::from_static(asked));
    if allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        list(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &SENT.map(|name| name.to_string()));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_S));
    }
    response
}

/// Lets pages read the headers of an answer, those of our own that it has included.
fn expose(headers: &mut HeaderMap) {
    let own = headers.keys().filter(|name| name.as_str().starts_with("arsis-"));
    let names: Vec<String> = READ.iter().chain(own).map(HeaderName::to_string).collect();
    list(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &names);
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::try_from(values.join(", ")) {
        headers.insert(name, value);
    }
}
