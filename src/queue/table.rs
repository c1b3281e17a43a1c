//! Tables for people: columns as wide as what is in them.

use std::time::Duration;
use time::OffsetDateTime;

/// Longest text in a cell, in characters.
const MAX_CELL: usize = 60;

/// Rows below a heading, two spaces between the columns.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.clone().map(|cell| plain(&cell))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let body = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    line(heading) + &body.collect::<String>()
}

/// Text of others on one line: nothing that a terminal would obey, and not too long.
pub(crate) fn plain(text: &str) -> String {
    let mut plain: String = harmless(text).take(MAX_CELL + 1).collect();
    if plain.chars().count() > MAX_CELL {
        plain = plain.chars().take(MAX_CELL - 1).chain(['…']).collect();
    }
    plain
}

/// The text with a space for each character that a terminal would obey.
pub(crate) fn harmless(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c })
}

/// Whether a terminal obeys it instead of showing it: control characters (C0, DEL, C1), and what changes the direction of
/// the text after it.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A moment, UTC.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
}

/// A length of time, in its two largest units.
pub(crate) fn span(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..172_800 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} days", s / 86_400),
    }
}

/// What may be missing.
pub(crate) fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let rows = [["a".to_owned(), "long".to_owned()], ["bcd".to_owned(), String::new()]];
        assert_eq!(table(["X", "Y"], &rows), "X    Y\na    long\nbcd\n");
    }

    #[test]
    fn text_of_others_cannot_move_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(plain("a\u{9b}2Jb\u{202e}c\u{2067}d"), "a 2Jb c d");
        assert_eq!(plain(&"é".repeat(61)).chars().count(), MAX_CELL);
        assert_eq!(plain(&"é".repeat(60)), "é".repeat(60));
    }

    #[test]
    fn times_read_in_their_largest_units() {
        let check = |s, expect: &str| assert_eq!(span(Duration::from_secs(s)), expect);
        check(0, "0 s");
        check(61, "1 min 1 s");
        check(3_600, "1 h 0 min");
        check(200_000, "2 days");
        assert_eq!(moment(OffsetDateTime::UNIX_EPOCH), "1970-01-01 00:00:00");
    }
}
