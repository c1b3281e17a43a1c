//! The API's own description, for programs and for people.

use crate::problem::Kind;
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::LazyLock;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(crate::router::description);

/// The page, with the problems' list filled in; it reads the rest from `/openapi.json`.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let mut rows = String::new();
    for kind in Kind::ALL {
        // Writing to a String cannot fail.
        let _ = write!(
            rows,
            "<tr><td>{}</td><td><code>{}{}</code></td><td>{}</td></tr>",
            kind.status().as_u16(),
            crate::problem::TYPE_BASE,
            kind.slug(),
            kind.title()
        );
    }
    include_str!("docs.html").replace("<!--problems-->", &rows)
});

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
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], Html(PAGE.as_str()))
}
