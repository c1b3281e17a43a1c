//! Text in columns of a terminal: as wide as it is drawn, and cut where it does not fit.

use crate::queue::table::harmless;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands where something was cut.
const CUT: char = '…';

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text without what a terminal would obey, its end cut to fit.
pub(crate) fn cut_end(text: &str, columns: usize) -> String {
    let text: String = harmless(text).collect();
    if width(&text) <= columns {
        return text;
    }
    let mut kept = take(text.chars(), columns.saturating_sub(1));
    kept.extend((columns > 0).then_some(CUT));
    kept
}

/// As [`cut_end`], but the beginning goes: of a path, the name of the file stands at the end.
pub(crate) fn cut_start(text: &str, columns: usize) -> String {
    let text: String = harmless(text).collect();
    if width(&text) <= columns {
        return text;
    }
    let kept: String = take(text.chars().rev(), columns.saturating_sub(1)).chars().rev().collect();
    (columns > 0).then_some(CUT).into_iter().collect::<String>() + &kept
}

fn take(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    chars.take_while(fits).collect()
}

/// The text, then spaces up to a width.
pub(crate) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Spaces up to a width, then the text.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_the_columns_it_takes() {
        assert_eq!(cut_end("nocturne.flac", 8), "nocturn…");
        assert_eq!(cut_start("night/nocturne.flac", 10), "…urne.flac");
        assert_eq!(cut_end("nocturne", 8), "nocturne");
        // Each of these is drawn two columns wide, and half of one is nothing.
        assert_eq!(cut_end("夜想曲第二番", 6), "夜想…");
        assert_eq!(cut_start("夜想曲第二番", 6), "…二番");
        assert_eq!((cut_end("abc", 1), cut_end("abc", 0)), ("…".into(), String::new()));
        assert_eq!(cut_end("a\u{1b}[2Jb", 9), "a [2Jb");
    }

    #[test]
    fn columns_are_filled_by_the_columns_that_are_taken() {
        assert_eq!((left("夜", 4), right("夜", 4)), ("夜  ".to_owned(), "  夜".to_owned()));
        assert_eq!(right("abc", 2), "abc");
    }
}
