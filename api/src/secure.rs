//! Headers that tell browsers to be careful, on every answer.

use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Nothing of an answer is to be run or shown as a page. Pages have policies of their own.
const NO_PAGE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is forbidden to frame a page, whatever its own policy says.
const NO_FRAME: &str = "DENY";

/// Adds what is missing.
pub(crate) async fn protect(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = |text| HeaderValue::from_static(text);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, fixed(NO_FRAME));
    headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    headers.insert(OPENER_POLICY, fixed("same-origin"));
    // Pages of allowed origins may show audio without asking for it by CORS; browsers count sites there, not origins.
    let own_pages_only = app.config().allowed_origins.is_empty();
    headers.insert(RESOURCE_POLICY, fixed(if own_pages_only { "same-origin" } else { "same-site" }));
    default(headers, header::CONTENT_SECURITY_POLICY, NO_PAGE);
    // What is said about a person is no business of caches that others share.
    default(headers, header::CACHE_CONTROL, "private, no-cache");
    let hsts_s = app.config().hsts.as_secs();
    if hsts_s > 0
        && let Ok(value) = HeaderValue::try_from(format!("max-age={hsts_s}"))
    {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
