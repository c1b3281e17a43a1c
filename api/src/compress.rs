//! gzip and zstd for text. Audio, chunks and frames are compressed already or read by ranges, and go out as they are;
//! events are sent one by one.

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Smallest body worth the trouble, in bytes: less fits in one packet anyway.
const MIN_BYTES: u64 = 1024;

/// Types that are text and are not called so.
const TEXT: [&str; 4] =
    ["application/json", "application/x-ndjson", "application/openmetrics-text", "application/xml"];

/// Sent event by event: who compresses holds back.
const EVENTS: &str = "text/event-stream";

type ByHead = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Compresses what is worth it.
pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, ByHead>> {
    let worth: ByHead = |_, _, headers, _| is_text(headers) && !holds_secret(headers);
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_BYTES).and(worth))
}

fn is_text(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    let called_text = media.starts_with("text/") && media != EVENTS;
    let text = called_text || TEXT.contains(&media) || media.ends_with("+json") || media.ends_with("+xml");
    text && !headers.contains_key(header::CONTENT_RANGE)
}

/// Whether an answer may hold a secret: how well it compresses would tell about it, if some of it is the client's choice.
fn holds_secret(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes() == b"no-store")
}

/// The status that the answer had before it was compressed.
#[derive(Debug, Clone, Copy)]
struct Before(StatusCode);

/// Notes the status for [`correct`].
pub(crate) async fn keep_status(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    response.extensions_mut().insert(Before(status));
    response
}

/// Sets right what the layer leaves wrong.
///
/// It answers 406 to those who take no coding that there is, when what they asked for is done already: they get the
/// answer as it is (RFC 9110, section 12.5.3, leaves the choice). And the tag of what was compressed becomes a weak one: a
/// strong tag means the same bytes (section 8.8.1), and the same content compresses to other bytes by another coding.
/// `If-None-Match` compares weakly, so it works as before; 304 repeats the tag as the client has it, and says what the
/// answer with a body would vary with (section 15.4.5).
pub(crate) async fn correct(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    if let Some(Before(status)) = response.extensions_mut().remove::<Before>() {
        *response.status_mut() = status;
    }
    if let Some(weak) = weak_tag(&response, known.as_ref()) {
        response.headers_mut().insert(header::ETAG, weak);
    }
    if response.status() == StatusCode::NOT_MODIFIED && may_be_text(response.headers()) {
        vary_with_coding(response.headers_mut());
    }
    response
}

/// Whether what is unchanged is text, as far as its headers tell.
fn may_be_text(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::CONTENT_TYPE) || is_text(headers)
}

fn vary_with_coding(headers: &mut HeaderMap) {
    let coding = HeaderValue::from_static("accept-encoding");
    if !headers.get_all(header::VARY).into_iter().any(|value| *value == coding) {
        headers.append(header::VARY, coding);
    }
}

/// The tag in its weak form, where that is right.
fn weak_tag(response: &Response, known: Option<&HeaderValue>) -> Option<HeaderValue> {
    let headers = response.headers();
    let tag = headers.get(header::ETAG)?.to_str().ok().filter(|tag| tag.starts_with('"'))?;
    let weak = format!("W/{tag}");
    let compressed = headers.contains_key(header::CONTENT_ENCODING) && is_text(headers);
    let known = known.and_then(|known| known.to_str().ok()).unwrap_or_default();
    let unchanged = response.status() == StatusCode::NOT_MODIFIED && known.contains(&weak);
    HeaderValue::try_from(weak).ok().filter(|_| compressed || unchanged)
}
