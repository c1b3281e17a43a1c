//! Versions of a row: two people who change the same thing hear of each other (RFC 9110, section 13.1.1).

use crate::page::time_key;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use time::OffsetDateTime;

/// The tag of a row, with its quotes. Every change sets a later `updated_at`, so no two versions share one.
pub(crate) fn etag(updated_at: OffsetDateTime) -> String {
    format!("\"{:x}\"", time_key(updated_at))
}

/// Fails with 412 when `If-Match` is there and names another version. Without it the last one to write wins.
///
/// A weak tag matches as well, other than RFC 9110 has it: our tags name what a row says and not the bytes of an answer, and
/// whoever compresses an answer makes its tag weak ([`crate::compress`] does, and so do proxies).
pub(crate) fn check_if_match(headers: &HeaderMap, updated_at: OffsetDateTime) -> Result<(), Problem> {
    let current = etag(updated_at);
    let mut lines = headers.get_all(header::IF_MATCH).into_iter().peekable();
    // Our tags hold no commas, so cutting at them cannot cut one of ours.
    let is_current = |tag: &str| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current
    };
    let named = |line: &HeaderValue| line.to_str().is_ok_and(|line| line.split(',').any(is_current));
    if lines.peek().is_none() || lines.any(named) { Ok(()) } else { Err(changed()) }
}

/// The problem of a row that is another than the client saw.
pub(crate) fn changed() -> Problem {
    Problem::detailed(Kind::PreconditionFailed, "read it again, and see what has changed")
}

/// A row with its tag.
pub(crate) fn tagged(updated_at: OffsetDateTime, view: impl Serialize) -> Response {
    let mut response = Json(view).into_response();
    if let Ok(tag) = HeaderValue::try_from(etag(updated_at)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_current_version_matches() {
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1);
        let check = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            });
            check_if_match(&headers, at).is_ok()
        };
        assert!(check(&[]) && check(&["*"]) && check(&["\"3e8\""]) && check(&["\"1\"", "\"2\", \"3e8\""]));
        assert!(check(&["W/\"3e8\""]), "it was compressed on its way");
        assert!(!check(&["W/\"3e9\""]) && !check(&["3e8"]) && !check(&["\"3e9\""]) && !check(&[""]));
    }
}
