//! Names of files that are answered (RFC 6266), in any alphabet (RFC 8187).

use axum::http::HeaderValue;
use std::fmt::Write as _;

/// Longest name without its extension, in characters.
const MAX_CHARS: usize = 100;

/// `Content-Disposition` of a file to be saved as `name.extension`: in ASCII for all, in UTF-8 for those that know how.
pub(crate) fn attachment(name: &str, extension: &str) -> HeaderValue {
    let name = plain(name);
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let text = format!(
        "attachment; filename=\"{ascii}.{extension}\"; filename*=UTF-8''{}.{extension}",
        escaped(&name)
    );
    // Nothing but printable ASCII is left.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// A name without what ends names, leads elsewhere or is escaped: quotes, slashes, percent signs, controls.
fn plain(name: &str) -> String {
    let unsafe_in_names =
        |c: char| c.is_control() || matches!(c, '"' | '\\' | '/' | ':' | '*' | '?' | '<' | '>' | '|' | '%');
    let name: String =
        name.chars().take(MAX_CHARS).map(|c| if unsafe_in_names(c) { '_' } else { c }).collect();
    let name = name.trim().trim_matches('.').trim();
    if name.is_empty() { "track".into() } else { name.to_owned() }
}

/// `value-chars` of RFC 8187: all but letters, digits and a few signs as `%XX` of its UTF-8.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_comes_in_both_forms() {
        let value = attachment("Für Elise.", "jams");
        let expected = "attachment; filename=\"F_r Elise.jams\"; filename*=UTF-8''F%C3%BCr%20Elise.jams";
        assert_eq!(value, expected);
        assert!(attachment("../../etc/passwd", "txt").to_str().unwrap().contains("\"_.._etc_passwd.txt\""));
        assert!(attachment(" .. ", "txt").to_str().unwrap().contains("\"track.txt\""));
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_quotes(name: String) {
            let value = attachment(&name, "txt");
            let value = value.to_str().unwrap();
            prop_assert_eq!(value.matches('"').count(), 2);
            prop_assert!(!value.contains(['\\', '/', '\r', '\n']));
        }
    }
}
