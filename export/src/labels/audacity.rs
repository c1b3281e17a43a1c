//! Label tracks of Audacity: `start`, `end` and `label`, between them tabs, a label a line, times in seconds.
//!
//! A moment has its start as its end. A line that begins with a backslash tells the frequencies of the label before it
//! (`\`, low, high): it is checked, and the frequencies are left out. Old label tracks have moments as `start` and
//! `label` alone. Lines end in LF or CRLF; empty ones, and the byte order mark of Windows' editors, are passed over.

use super::{Fault, Found, Label, Limits, Reading, milliseconds, no_time};
use crate::track::Seconds;
use serde_json::Map;
use std::io::{self, Write};

/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Writes labels, a line each. Tabs and ends of lines in a label become spaces.
///
/// # Errors
/// Those of `out`.
pub fn write(labels: &[Label], out: &mut impl Write) -> io::Result<()> {
    for label in labels {
        let (start, end) = (Seconds(label.start_ms.into()), label.end_ms.unwrap_or(label.start_ms));
        // Times are whole ms; Audacity itself writes six decimals.
        writeln!(out, "{start}000\t{}000\t{}", Seconds(end.into()), one_line(&label.text))?;
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// Reads a label track.
///
/// # Errors
/// Everything that is wrong, by line.
pub fn read(document: &[u8], limits: Limits) -> Result<Vec<Found>, Vec<Fault>> {
    let mut reading = Reading::new(limits);
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let mut labelled = false;
    for (i, line) in document.split(|byte| *byte == b'\n').enumerate() {
        if reading.is_over() {
            break;
        }
        let place = format!("line {}", i + 1);
        match text(line) {
            Ok("") => {}
            Ok(line) if line.starts_with('\\') => match frequencies(line) {
                Ok(()) if labelled => {}
                Ok(()) => reading.fault(place, "tells frequencies, and there is no label before it"),
                Err(reason) => reading.fault(place, reason),
            },
            Ok(line) => match label(line) {
                Ok(label) => reading.keep(place, label),
                Err(reason) => reading.fault(place, reason),
            },
            Err(reason) => reading.fault(place, reason),
        }
        labelled |= !line.trim_ascii().is_empty();
    }
    reading.finish()
}

/// A line as text, without its end.
fn text(line: &[u8]) -> Result<&str, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("is longer than {MAX_LINE_BYTES} bytes"));
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())
}

fn label(line: &str) -> Result<Label, String> {
    let (start, rest) = line.split_once('\t').unwrap_or((line, ""));
    let start_ms = time(start).ok_or_else(|| format!("its start {}", no_time()))?;
    let (end, text) = rest.split_once('\t').unwrap_or((rest, ""));
    let Ok(number) = end.trim().parse::<f64>() else {
        // The old form of a moment: what follows is its label.
        return moment(start_ms, rest);
    };
    let end_ms = milliseconds(number).ok_or_else(|| format!("its end {}", no_time()))?;
    if end_ms < start_ms {
        return Err("its end must not be before its start".into());
    }
    let text = text.replace('\t', " ");
    Ok(Label { start_ms, end_ms: (end_ms > start_ms).then_some(end_ms), text, details: Map::new() })
}

fn moment(start_ms: u32, text: &str) -> Result<Label, String> {
    if text.is_empty() {
        return Err("must be start, end and label with tabs between them".into());
    }
    Ok(Label { start_ms, end_ms: None, text: text.replace('\t', " "), details: Map::new() })
}

fn time(text: &str) -> Option<u32> {
    milliseconds(text.trim().parse().ok()?)
}

/// Checks `\`, low and high, in Hz. Audacity writes -1 where a label has no such end.
fn frequencies(line: &str) -> Result<(), String> {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    match line.split('\t').collect::<Vec<_>>()[..] {
        ["\\", low, high] if is_number(low) && is_number(high) => Ok(()),
        _ => Err("begins with a backslash, and must tell a low and a high frequency after it".into()),
    }
}
