//! The `Range` header of RFC 9110, section 14, for a single range of bytes.

use std::ops::Range;

/// What a `Range` header asks of a content of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything: no header, another unit, bad syntax, or several ranges. Section 14.2 lets a server ignore
    /// a header it does not support; several ranges would need `multipart/byteranges`, which no player needs.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Nothing of it lies within the content: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a content of `length` bytes.
pub(crate) fn parse(header: &str, length: u64) -> Asked {
    let Some((unit, set)) = header.split_once('=') else { return Asked::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Asked::Whole;
    }
    let mut specs = set.split(',').map(str::trim).filter(|spec| !spec.is_empty());
    match (specs.next(), specs.next()) {
        (Some(spec), None) => one(spec, length).unwrap_or(Asked::Whole),
        _ => Asked::Whole,
    }
}

/// One `first-last`, `first-` or `-suffix`; `None` for bad syntax.
fn one(spec: &str, length: u64) -> Option<Asked> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(part(length.saturating_sub(suffix)..length));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(part(first..last.saturating_add(1).min(length)))
}

fn part(range: Range<u64>) -> Asked {
    if range.start < range.end { Asked::Part(range) } else { Asked::Unsatisfiable }
}

/// Digits only; a number too large to hold lies beyond every content.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(header: &str, length: u64, expect: Asked) {
        assert_eq!(parse(header, length), expect, "{header:?} of {length}");
    }

    #[test]
    fn ranges_as_in_the_standard() {
        check("bytes=0-499", 10_000, Asked::Part(0..500));
        check("bytes=500-999", 10_000, Asked::Part(500..1000));
        check("bytes=-500", 10_000, Asked::Part(9500..10_000));
        check("bytes=9500-", 10_000, Asked::Part(9500..10_000));
        check("bytes=0-0", 10_000, Asked::Part(0..1));
        check("bytes=-20000", 10_000, Asked::Part(0..10_000));
        check("bytes=9999-123456", 10_000, Asked::Part(9999..10_000));
        check("Bytes = 0-1", 10, Asked::Part(0..2));
        check("bytes=0-18446744073709551615", 10, Asked::Part(0..10));
        check("bytes=0-99999999999999999999999", 10, Asked::Part(0..10));
    }

    #[test]
    fn what_lies_outside_is_unsatisfiable() {
        check("bytes=10000-", 10_000, Asked::Unsatisfiable);
        check("bytes=-0", 10_000, Asked::Unsatisfiable);
        check("bytes=0-", 0, Asked::Unsatisfiable);
        check("bytes=99999999999999999999999-", 10, Asked::Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,4-5",
            "items=0-1",
            "bytes=+1-2",
        ] {
            check(header, 10, Asked::Whole);
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(header in "(bytes=)?[-0-9, a]{0,12}", length in 0_u64..50) {
            if let Asked::Part(range) = parse(&header, length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }

        /// Naive twin: keep the positions that the standard's words select, one by one.
        #[test]
        fn a_range_selects_what_the_words_say(first in 0_u64..60, last in 0_u64..60, length in 0_u64..50) {
            let words: Vec<u64> = (0..length).filter(|i| first <= *i && *i <= last).collect();
            let expect = match (words.first(), words.last()) {
                _ if last < first => Asked::Whole,
                (Some(a), Some(b)) => Asked::Part(*a..b + 1),
                _ => Asked::Unsatisfiable,
            };
            prop_assert_eq!(parse(&format!("bytes={first}-{last}"), length), expect);
        }
    }
}
