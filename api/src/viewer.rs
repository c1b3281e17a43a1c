//! The viewer: the page that people open. Built from `web/`, within the binary.
//!
//! Its files know nothing; the page asks this API as any other client does.

use crate::conditional;
use crate::problem::{Kind, Problem};
use crate::state::App;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write as _;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Files;

/// What the page may do: everything with this server, nothing with others. Pictures that it makes are blobs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; \
                      media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's addresses.
const PAGES: [&str; 2] = ["/", "/tracks/{track_id}"];

/// Those of its parts.
const PARTS: [&str; 2] = ["/icon.svg", "/assets/{name}"];

/// All of them.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    PAGES.into_iter().chain(PARTS)
}

/// They are no operations of the API, and its description is silent about them.
pub(crate) fn routes() -> Router<App> {
    let pages = PAGES.into_iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    PARTS.into_iter().fold(pages, |router, path| router.route(path, get(part)))
}

/// The page is the same at each of its addresses: it reads the address itself.
async fn page(headers: HeaderMap) -> Result<Response, Problem> {
    serve("index.html", &headers)
}

/// For a browser whose address leads nowhere: the page, which says so. Programs and the API's own paths get a problem document.
pub(crate) fn lost(request: &Request) -> Option<Response> {
    let asks_for_page = |accept: &HeaderValue| accept.as_bytes().starts_with(b"text/html");
    let is_browser = request.headers().get(header::ACCEPT).is_some_and(asks_for_page);
    if request.method() != Method::GET || !is_browser || request.uri().path().starts_with("/v1/") {
        return None;
    }
    let mut page = serve("index.html", &HeaderMap::new()).ok()?;
    *page.status_mut() = StatusCode::NOT_FOUND;
    Some(page)
}

async fn part(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    serve(uri.path().trim_start_matches('/'), &headers)
}

fn serve(path: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let file = Files::get(path).ok_or_else(|| Problem::new(Kind::NotFound))?;
    let etag = etag(&file);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        // A new version of the server has a new page: its parts are asked for again each time.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, etag.clone()),
        (header::CONTENT_TYPE, content_type(&file)),
    ];
    let headers: HeaderMap = headers.into_iter().filter_map(header_pair).collect();
    if conditional::matches(asked, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, file.data).into_response())
}

fn header_pair((name, value): (HeaderName, String)) -> Option<(HeaderName, HeaderValue)> {
    Some((name, HeaderValue::try_from(value).ok()?))
}

/// The first 128 bits of the content's SHA-256.
fn etag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

fn content_type(file: &EmbeddedFile) -> String {
    let kind = file.metadata.mimetype();
    if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
}
