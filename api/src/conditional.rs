//! `If-None-Match` (RFC 9110, section 13.1.2).

use axum::http::{HeaderMap, header};

/// Whether the client has the content that `etag` (strong, with its quotes) names.
pub(crate) fn matches(headers: &HeaderMap, etag: &str) -> bool {
    tags(headers).any(|tag| tag == "*" || tag == etag)
}

/// What the client has, or `*`. The comparison is weak: `W/` is left out.
pub(crate) fn tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    // Our tags hold no commas, so cutting at them cannot cut one of ours.
    lines.flat_map(|line| line.split(',')).map(|tag| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn any_tag_of_the_list_matches() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            matches(&headers, "\"abc\"")
        };
        assert!(check("\"abc\"") && check("W/\"abc\"") && check("\"x\", \"abc\"") && check("*"));
        assert!(!check("abc") && !check("\"abcd\"") && !check(""));
        assert!(!matches(&HeaderMap::new(), "\"abc\""));
    }
}
