//! A label track as Audacity imports and exports it: `start`, `end` and `label`, between them tabs, a label a line,
//! times in seconds with six decimals. A point has its start as its end.
//!
//! Beats are points named `bar.position`; sections (`section A`), keys (`key A minor`) and chords (`Am`) are regions.
//! Tatums, onsets and segments are left out: they would bury the rest.

use crate::Track;
use crate::stretches::{end_ms, ended};
use crate::track::{Seconds, words};
use analysis_core::events::{Event, EventData, EventType};
use std::io::{self, Write};

/// Writes the labels of a track, in order of time; nothing where there is none.
///
/// # Errors
/// Those of `out`.
pub fn write(track: &Track<'_>, out: &mut impl Write) -> io::Result<()> {
    for event in ended(track) {
        if let Some(label) = label(&event) {
            let (start, end) = (Seconds(event.time_ms.into()), Seconds(end_ms(&event)));
            // Times are whole ms; Audacity itself writes six decimals.
            writeln!(out, "{start}000\t{end}000\t{label}")?;
        }
    }
    Ok(())
}

fn label(event: &Event) -> Option<String> {
    match (event.event_type, &event.event_data) {
        (EventType::Beat, Some(EventData::Beat { bar, position })) => Some(format!("{bar}.{position}")),
        (EventType::Section, _) => Some(one_line("section ", words(event)?)),
        (EventType::Key, _) => Some(one_line("key ", words(event)?)),
        (EventType::Chord, _) => Some(one_line("", words(event)?)),
        _ => None,
    }
}

/// Tabs and ends of lines would end the label.
fn one_line(prefix: &str, words: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words = words.chars().map(|c| if breaks(c) { ' ' } else { c });
    prefix.chars().chain(words).collect()
}
