//! `Content-Disposition` (RFC 6266): under which name a file may be saved, whatever a track is called.

use std::fmt::Write as _;

/// Longest name without its extension, in bytes: common file systems hold 255.
const MAX_BYTES: usize = 200;

/// `inline`, with the name of a file of this extension for those who save it: once in ASCII for old readers, once in full
/// (RFC 8187).
pub(crate) fn inline(name: &str, extension: Option<&str>) -> String {
    let name = file_name(name, extension);
    let ascii: String = name.chars().map(|c| if c.is_ascii() && c != '%' { c } else { '_' }).collect();
    let mut text = format!("inline; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}"); // writing to a String cannot fail
        }
    }
    text
}

/// A name that leads to no other folder, hides nothing and ends as what it is.
fn file_name(name: &str, extension: Option<&str>) -> String {
    let mut stem = String::new();
    for c in name.chars().filter(|c| !is_invisible(*c)) {
        let c = if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
        if stem.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        stem.push(c);
    }
    // A leading dot hides a file; trailing dots and spaces are dropped by Windows.
    let stem = stem.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let stem = if stem.is_empty() { "audio" } else { stem };
    match extension {
        Some(extension) => {
            let ends_so = stem.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(extension));
            if ends_so { stem.to_owned() } else { format!("{stem}.{extension}") }
        }
        None => stem.to_owned(),
    }
}

/// Marks that turn the direction of text, so that `exe.mp3` may be shown of what ends in `3pm.exe`; separators of lines;
/// the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header_or_folder() {
        assert_eq!(
            inline("a\"; x=\r\ny/ü", Some("mp3")),
            "inline; filename=\"a_; x=__y__.mp3\"; filename*=UTF-8''a_%3B%20x%3D__y_%C3%BC.mp3"
        );
        assert_eq!(file_name("../../etc/passwd", Some("wav")), "_.._etc_passwd.wav");
        assert_eq!(file_name("C:\\CON\0", None), "C__CON_");
        assert_eq!(file_name("song.MP3", Some("mp3")), "song.MP3");
        assert_eq!(file_name("gpj.\u{202e}3pm.exe", Some("mp3")), "gpj.3pm.exe.mp3");
        assert_eq!(file_name(" .. ", Some("flac")), "audio.flac");
        assert_eq!(file_name("", None), "audio");
    }

    proptest! {
        #[test]
        fn whatever_the_name_the_header_stays_one_header(name in any::<String>()) {
            let text = inline(&name, Some("mp3"));
            prop_assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert_eq!(text.matches('"').count(), 2);
            let file = file_name(&name, Some("mp3"));
            prop_assert!(!file.contains(['/', '\\', '\0', '\r', '\n']) && !file.starts_with('.'));
            prop_assert!(file.len() <= MAX_BYTES + 4);
        }
    }
}
