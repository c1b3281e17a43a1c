//! Checksums of content in headers (RFC 9530), by SHA-256 alone.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// A checksum that a request announced, and in which header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    header: HeaderName,
    /// In lower-case hex.
    sha256: String,
}

/// The header's value for content with this SHA-256 in hex; `None` for what is none.
pub(crate) fn of_sha256(hex: &str) -> Option<String> {
    let digits = hex.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..32).map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()).collect();
    bytes.map(|bytes| format!("sha-256=:{}:", STANDARD.encode(bytes)))
}

/// What the headers of a body that is the audio itself say about it. Both mean the same there: the body is the whole
/// representation, and is not packed. Algorithms that are not known are passed over, as section 2 wants.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Option<Announced>, Problem> {
    for header in [REPR_DIGEST, CONTENT_DIGEST] {
        for value in headers.get_all(&header) {
            let invalid = || Problem::invalid_field(header.as_str(), "must be sha-256=:BASE64: (RFC 9530)");
            if let Some(sha256) = parse(value.to_str().map_err(|_| invalid())?).map_err(|()| invalid())? {
                return Ok(Some(Announced { header, sha256 }));
            }
        }
    }
    Ok(None)
}

/// The SHA-256 in a dictionary of checksums, if there is one.
fn parse(value: &str) -> Result<Option<String>, ()> {
    // A comma is in no base64, so cutting at commas cuts between members.
    let mut members = value.split(',').filter_map(|member| member.trim().split_once('='));
    let Some((_, item)) = members.find(|(key, _)| *key == "sha-256") else { return Ok(None) };
    let bytes = item.strip_prefix(':').and_then(|item| item.strip_suffix(':')).ok_or(())?;
    let bytes = STANDARD.decode(bytes).map_err(drop)?;
    if bytes.len() == 32 { Ok(Some(store::sessions::hex(&bytes))) } else { Err(()) }
}

/// Refuses content that is not what was announced.
pub(crate) fn check(announced: Option<&Announced>, sha256: &str) -> Result<(), Problem> {
    match announced {
        Some(announced) if announced.sha256 != sha256 => {
            let detail = format!("the audio has SHA-256 {sha256}, announced was {}", announced.sha256);
            Err(Problem::invalid_field(announced.header.as_str(), detail))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of nothing, as in FIPS 180-4's examples and RFC 9530, appendix B.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_ITEM: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

    #[test]
    fn a_checksum_is_written_and_read_as_in_the_standard() {
        assert_eq!(of_sha256(EMPTY).as_deref(), Some(EMPTY_ITEM));
        assert_eq!(parse(EMPTY_ITEM), Ok(Some(EMPTY.into())));
        assert_eq!(parse(&format!("sha-512=:AA==:, {EMPTY_ITEM}")), Ok(Some(EMPTY.into())));
        assert_eq!(parse("sha-512=:AA==:"), Ok(None));
        assert_eq!(parse(""), Ok(None));
        for bad in ["sha-256=:AA==:", "sha-256=abc", "sha-256=:", "sha-256=:!:"] {
            assert_eq!(parse(bad), Err(()), "{bad}");
        }
        for bad in ["", "e3", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(of_sha256(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_header_gets_an_answer(value in ".*") {
            let _ = parse(&value);
        }
    }
}
