//! The API's own description, for programs and for people.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;
use std::sync::LazyLock;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(crate::router::description);

/// What the page may do: run the script and wear the style that come from here, and ask here.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A new version of the server has a new page: its parts are asked for again each time.
const FRESH: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));

/// This description, OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "service", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Value)))]
pub(crate) async fn openapi() -> Json<&'static Value> {
    Json(&DESCRIPTION)
}

/// The reference as a page for people; it asks nobody but this server.
#[utoipa::path(get, path = "/docs", operation_id = "getDocsPage", tag = "service", security(()),
    responses((status = 200, description = "A page", content_type = "text/html", body = String)))]
pub(crate) async fn page() -> impl IntoResponse {
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    ([policy, FRESH], Html(include_str!("docs/page.html")))
}

/// The page's script, which makes the reference of `/openapi.json`.
#[utoipa::path(get, path = "/docs/reference.js", operation_id = "getDocsScript", tag = "service", security(()),
    responses((status = 200, description = "A script", content_type = "text/javascript", body = String)))]
pub(crate) async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    ([kind, FRESH], include_str!("docs/reference.js"))
}

/// The page's style.
#[utoipa::path(get, path = "/docs/reference.css", operation_id = "getDocsStyle", tag = "service", security(()),
    responses((status = 200, description = "A style", content_type = "text/css", body = String)))]
pub(crate) async fn style() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    ([kind, FRESH], include_str!("docs/reference.css"))
}
