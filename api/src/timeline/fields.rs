//! Checks on what is said of a stretch of a track: times, lines, texts and colours.

use super::{LINE, TEXT};
use crate::text::Checks;

/// How far beyond a track's end a time may lie, in ms: the stored length is rounded. Such a time becomes the end.
const SLACK_MS: i64 = 10;

/// Checks the fields of one thing, and names where each is wrong.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    checks: &'a mut Checks,
    place: String,
    /// Whether fields have places of their own, or share that of the whole.
    named: bool,
    /// Length of the track, where it is known.
    length_ms: Option<i32>,
}

impl<'a> Fields<'a> {
    /// Of the JSON object at this pointer.
    pub(crate) fn of(checks: &'a mut Checks, pointer: impl Into<String>, length_ms: Option<i32>) -> Self {
        Self { checks, place: pointer.into(), named: true, length_ms }
    }

    /// Of something that a file of another form tells, at this place in it.
    pub(crate) fn at(checks: &'a mut Checks, place: impl Into<String>, length_ms: Option<i32>) -> Self {
        Self { checks, place: place.into(), named: false, length_ms }
    }

    /// Where a field is.
    fn pointer(&self, field: &str) -> String {
        if self.named { format!("{}/{field}", self.place) } else { self.place.clone() }
    }

    /// Notes an error of a field.
    pub(crate) fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        self.checks.refuse(self.pointer(field), detail);
    }

    /// A line that must say something.
    pub(crate) fn line(&mut self, field: &str, value: String) -> String {
        let line = self.checks.required(&self.pointer(field), LINE, value);
        self.check_breaks(field, &line);
        line
    }

    /// A line that may be empty, which is the same as none.
    pub(crate) fn optional_line(&mut self, field: &str, max: usize, value: String) -> Option<String> {
        let line = self.checks.optional(&self.pointer(field), max, value)?;
        self.check_breaks(field, &line);
        Some(line)
    }

    fn check_breaks(&mut self, field: &str, line: &str) {
        // They would end a label, or move it to another column, where labels go out as lines of text.
        if line.contains(['\n', '\r', '\t', '\u{2028}', '\u{2029}']) {
            self.refuse(field, "must be one line without tabs");
        }
    }

    /// Free text that may be empty.
    pub(crate) fn text(&mut self, field: &str, value: String) -> Option<String> {
        self.checks.optional(&self.pointer(field), TEXT, value)
    }

    /// A colour as `#rrggbb` or `#rgb`; it is stored as `#rrggbb` in lower case.
    pub(crate) fn color(&mut self, field: &str, value: &str) -> Option<String> {
        let color = parse_color(value);
        if color.is_none() {
            self.refuse(field, "must be a colour as #rrggbb or #rgb");
        }
        color
    }

    /// Where a stretch begins and ends, or a moment is.
    pub(crate) fn stretch(&mut self, start_ms: i64, end_ms: Option<i64>) -> (i32, Option<i32>) {
        let start = self.time("start_time_ms", start_ms);
        let end = end_ms.map(|end_ms| self.time("end_time_ms", end_ms));
        if let (Some(start), Some(Some(end))) = (start, end)
            && start >= end
        {
            self.refuse("end_time_ms", "must be after the start");
        }
        (start.unwrap_or_default(), end.map(Option::unwrap_or_default))
    }

    fn time(&mut self, field: &str, ms: i64) -> Option<i32> {
        let Some(time) = i32::try_from(ms).ok().filter(|ms| *ms >= 0) else {
            self.refuse(field, format!("must be 0 to {}", i32::MAX));
            return None;
        };
        let Some(length_ms) = self.length_ms else { return Some(time) };
        if ms > i64::from(length_ms) + SLACK_MS {
            self.refuse(field, format!("must be within the track, which is {length_ms} ms long"));
            return None;
        }
        Some(time.min(length_ms))
    }
}

/// `#rrggbb` or `#rgb` as `#rrggbb` in lower case.
fn parse_color(text: &str) -> Option<String> {
    let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let digits = match digits.len() {
        6 => digits.to_owned(),
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => return None,
    };
    Some(format!("#{}", digits.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_have_one_stored_form() {
        assert_eq!(parse_color("#FF8800").as_deref(), Some("#ff8800"));
        assert_eq!(parse_color("#f80").as_deref(), Some("#ff8800"));
        for bad in ["", "#", "f80", "#ff88", "#ff88000", "#ggg", "red", "#ff880 ", "#ä80", "#１２３"] {
            assert_eq!(parse_color(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_just_beyond_the_end_is_the_end() {
        let check = |start, end| {
            let mut checks = Checks::default();
            let stretch = Fields::of(&mut checks, "#", Some(1000)).stretch(start, end);
            checks.finish().map(|()| stretch)
        };
        assert_eq!(check(0, Some(1010)).unwrap(), (0, Some(1000)));
        assert_eq!(check(1000, None).unwrap(), (1000, None));
        for (start, end) in [(0, Some(1011)), (1011, None), (-1, None), (5, Some(5)), (1000, Some(1005))] {
            check(start, end).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_time_is_stored_that_is_not_within_the_track(start: i64, end: Option<i64>, length in prop::option::of(0..i32::MAX)) {
            let mut checks = Checks::default();
            let (start, end) = Fields::of(&mut checks, "#", length).stretch(start, end);
            if checks.finish().is_ok() {
                let length = length.unwrap_or(i32::MAX);
                prop_assert!((0..=length).contains(&start));
                prop_assert!(end.is_none_or(|end| (start + 1..=length).contains(&end)));
            }
        }
    }
}
