//! Names of files that are offered to be saved: `Content-Disposition` (RFC 6266), with names of any language (RFC 8187).

use axum::http::HeaderValue;
use std::fmt::Write as _;

/// Longest name without its ending, in bytes: file systems take 255 with it.
const MAX_NAME_BYTES: usize = 180;

/// What a file is called whose name leaves nothing.
const NAMELESS: &str = "track";

/// `attachment`, with a file name made of what somebody called a thing. `ending` is ours, without a dot before it.
pub(crate) fn attachment(name: &str, ending: &str) -> HeaderValue {
    value("attachment", &format!("{}.{ending}", safe(name)))
}

/// `inline`, with a name for those who save it. An ending that the name has already is not put there again.
pub(crate) fn inline(name: &str, ending: Option<&str>) -> HeaderValue {
    let name = safe(name);
    let ends_so =
        |ending: &str| name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(ending));
    match ending {
        Some(ending) if !ends_so(ending) => value("inline", &format!("{name}.{ending}")),
        _ => value("inline", &name),
    }
}

fn value(kind: &'static str, file: &str) -> HeaderValue {
    let plain: String = file.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != file {
        let _ = write!(value, "; filename*=UTF-8''{}", escaped(file)); // writing to a String cannot fail
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(kind))
}

/// A name that is a file's name everywhere, in one folder: without separators, what systems refuse, what hides, and what
/// turns the direction of writing, so that the ending is seen as it is.
fn safe(name: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || "/\\<>:\"|?*%".contains(c)
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    let name: String = name.chars().map(|c| if harmful(c) { '_' } else { c }).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name[..end].trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    match name {
        "" => NAMELESS.to_owned(),
        name if is_device(name) => format!("_{name}"),
        name => name.to_owned(),
    }
}

/// Names that Windows keeps for devices, whatever follows a dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |of: &str| {
        stem.strip_prefix(of).is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    };
    ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

/// Every byte that is no `attr-char` as `%XX` (RFC 8187, section 3.2.1).
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "%{byte:02X}"); // as above
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(name: &str, expect: &str) {
        assert_eq!(attachment(name, "csv").to_str().unwrap(), expect, "{name:?}");
    }

    #[test]
    fn names_of_music_become_names_of_files() {
        check("Song", "attachment; filename=\"Song.csv\"");
        check("AC/DC: \"Live\" 50%", "attachment; filename=\"AC_DC_ _Live_ 50_.csv\"");
        check("Für Elise", "attachment; filename=\"F_r Elise.csv\"; filename*=UTF-8''F%C3%BCr%20Elise.csv");
        check("../../etc/passwd", "attachment; filename=\"_.._etc_passwd.csv\"");
        check("a\r\nset-cookie: b", "attachment; filename=\"a__set-cookie_ b.csv\"");
        check("exe\u{202E}gpj", "attachment; filename=\"exe_gpj.csv\"");
        check("con", "attachment; filename=\"_con.csv\"");
        check("lpt1.flac", "attachment; filename=\"_lpt1.flac.csv\"");
        check("common", "attachment; filename=\"common.csv\"");
        for nothing in ["", " ", "...", ". ."] {
            check(nothing, "attachment; filename=\"track.csv\"");
        }
    }

    #[test]
    fn an_ending_is_not_put_there_twice() {
        assert_eq!(inline("song.MP3", Some("mp3")), "inline; filename=\"song.MP3\"");
        assert_eq!(inline("song", Some("mp3")), "inline; filename=\"song.mp3\"");
        assert_eq!(inline("exe.\u{202E}3pm.exe", Some("mp3")), "inline; filename=\"exe._3pm.exe.mp3\"");
        assert_eq!(inline("song", None), "inline; filename=\"song\"");
    }

    proptest! {
        #[test]
        fn any_name_gives_one_header_that_names_one_file(name in ".{0,300}") {
            let value = attachment(&name, "json");
            let text = value.to_str().unwrap();
            let plain = text.strip_prefix("attachment; filename=\"").unwrap().split('"').next().unwrap();
            prop_assert!(plain.ends_with(".json") && plain.len() > 5 && plain.len() < 200);
            prop_assert!(!plain.starts_with('.') && !plain.contains(['/', '\\', ':']));
            prop_assert_eq!(text.matches('"').count(), 2);
        }

        #[test]
        fn what_is_escaped_reads_back(name in "\\PC{0,60}") {
            let escaped = escaped(&name);
            prop_assert!(escaped.is_ascii() && !escaped.contains([' ', '"', '\'', ';', ',', '*']));
            let mut bytes = Vec::new();
            let mut rest = escaped.as_bytes();
            while let Some((first, after)) = rest.split_first() {
                if *first == b'%' {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
                    rest = &after[2..];
                } else {
                    bytes.push(*first);
                    rest = after;
                }
            }
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), name);
        }
    }
}
