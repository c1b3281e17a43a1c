//! What people read: a few lines and a small picture of the bands.

use super::document::Document;
use crate::queue::table::harmless;
use analysis_core::AnalysisType;
use analysis_core::events::EventData;
use picture::Overview;
use std::collections::BTreeMap;
use std::fmt::Write;

const COLUMNS: usize = 72;
const ROWS: usize = 8;
/// What a row spans below its loudest level, in dB.
const RANGE_DB: f32 = 36.0;
/// A row this quiet throughout stays empty, in dB.
const QUIETEST_DB: f32 = -70.0;

/// Everything said about one file.
pub(crate) fn describe(document: &Document, overview: &Overview) -> String {
    let mut out = headline(document);
    for (name, value) in facts(document) {
        let _ = writeln!(out, "  {name:<11}{value}");
    }
    out.push_str(&picture(document, overview));
    out
}

fn headline(document: &Document) -> String {
    let audio = &document.analysis.audio;
    let channels = match audio.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    let kind: Vec<&str> =
        [&audio.container, &audio.codec].into_iter().flatten().map(String::as_str).collect();
    let rate = f64::from(audio.sample_rate) / 1000.0;
    let length = clock_tenths(audio.duration_ms);
    let file: String = harmless(&document.file).collect();
    format!("{file}  {length}  {}  {rate} kHz {channels}\n", kind.join(" "))
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let (audio, summary) = (&document.analysis.audio, &document.analysis.summary);
    let mut facts = Vec::new();
    if summary.beat_count.is_some() {
        facts.push(("tempo", tempo(document)));
        facts.push(("beats", beats(document)));
    }
    if let Some(key) = &summary.key {
        let next = key.runner_up.as_ref().map(|k| format!("; next {k}")).unwrap_or_default();
        facts.push(("key", format!("{} (confidence {:.2}{next})", key.name, key.confidence)));
    } else if listens_for_key(document.analysis.manifest.analysis_type) {
        facts.push(("key", "none heard".into()));
    }
    if summary.chord_count.is_some() {
        facts.push(("chords", chords(document).unwrap_or_else(|| "none heard".into())));
    }
    if let Some(hz) = summary.tuning_hz {
        facts.push(("tuning", format!("A = {hz:.1} Hz")));
    }
    if summary.loudness.is_some() {
        facts.push(("loudness", loudness(document)));
    }
    if let Some(sections) = sections(document) {
        facts.push(("sections", sections));
    }
    if audio.decode_errors > 0 {
        facts.push((
            "damage",
            format!("{} packets could not be decoded and were skipped", audio.decode_errors),
        ));
    }
    if audio.truncated {
        facts.push(("damage", "the file ends before its header says it should".into()));
    }
    facts
}

fn listens_for_key(kind: AnalysisType) -> bool {
    matches!(kind, AnalysisType::Full | AnalysisType::Tonal | AnalysisType::Structure)
}

fn tempo(document: &Document) -> String {
    let summary = &document.analysis.summary;
    let Some(bpm) = summary.tempo_bpm else { return "no beat heard".into() };
    let confidence = summary.tempo_confidence.unwrap_or_default();
    let others: Vec<String> = summary
        .tempo_candidates
        .iter()
        .filter(|c| (c.bpm - bpm).abs() > 0.04 * bpm)
        .take(2)
        .map(|c| format!("{:.1}", c.bpm))
        .collect();
    let also = if others.is_empty() { String::new() } else { format!("; else {}", others.join(" or ")) };
    format!("{bpm:.1} BPM (confidence {confidence:.2}{also})")
}

/// Halves of a beat that differ by more than this ratio are worth a word.
const SWUNG: f32 = 1.2;

fn beats(document: &Document) -> String {
    let summary = &document.analysis.summary;
    let beats = summary.beat_count.unwrap_or_default();
    let bars = summary.bar_count.unwrap_or_default();
    let mut text = match &summary.time_signature {
        Some(signature) => format!("{beats} in {bars} bars of {signature}"),
        None => beats.to_string(),
    };
    if let Some(ratio) = summary.swing_ratio.filter(|&ratio| ratio > SWUNG) {
        let _ = write!(text, ", swung {ratio:.1} to 1");
    }
    text
}

fn loudness(document: &Document) -> String {
    let Some(loudness) = &document.analysis.summary.loudness else { return String::new() };
    let said = [
        loudness.integrated_lufs.map(|integrated| format!("{integrated:.1} LUFS")),
        loudness.range_lu.map(|range| format!("range {range:.1} LU")),
        loudness.true_peak_dbtp.map(|peak| format!("true peak {peak:.1} dBTP")),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() { "silence".into() } else { said.join(", ") }
}

/// The chords that are heard longest, with their share of the time over chords.
fn chords(document: &Document) -> Option<String> {
    const NAMED: usize = 6;
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for event in document.analysis.events.iter() {
        if let (Some(EventData::Chord { name, .. }), Some(ms)) = (event.event_data, event.duration_ms) {
            *by_name.entry(name).or_default() += u64::from(ms);
        }
    }
    let all: u64 = by_name.values().sum();
    let mut longest: Vec<(String, u64)> = by_name.into_iter().collect();
    longest.sort_by_key(|(_, ms)| std::cmp::Reverse(*ms));
    let share = |ms: u64| (100 * ms + all / 2) / all.max(1);
    let named: Vec<String> =
        longest.iter().take(NAMED).map(|(name, ms)| format!("{name} {} %", share(*ms))).collect();
    (!named.is_empty()).then(|| named.join("  "))
}

fn sections(document: &Document) -> Option<String> {
    let labelled = document.analysis.events.iter().filter_map(|event| match &event.event_data {
        Some(EventData::Section { label }) => Some(format!("{label} {}", clock(u64::from(event.time_ms)))),
        _ => None,
    });
    let all: Vec<String> = labelled.collect();
    (!all.is_empty()).then(|| all.join("  "))
}

/// Rows from high to low frequency, each cell as high as its band is loud beside the loudest of its row.
fn picture(document: &Document, overview: &Overview) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut out = String::new();
    let length = overview.len();
    if length == 0 {
        return out;
    }
    let columns = COLUMNS.min(length);
    for row in (0..ROWS).rev() {
        let first = row * overview.bands() / ROWS;
        let bands = first..((row + 1) * overview.bands() / ROWS).max(first + 1);
        let level = |column: usize| {
            overview.peak(column * length / columns..((column + 1) * length).div_ceil(columns), bands.clone())
        };
        let levels: Vec<f32> = (0..columns).map(level).collect();
        let loudest = levels.iter().copied().fold(QUIETEST_DB, f32::max);
        let height = |db: f32| (1.0 + (db - loudest) / RANGE_DB) * (BARS.len() - 1) as f32;
        let bar = |db: &f32| BARS[(1..BARS.len()).filter(|step| *step as f32 <= height(*db)).count()];
        let _ = writeln!(
            out,
            "  {:>8} {}",
            document.band_label(&bands),
            levels.iter().map(bar).collect::<String>()
        );
    }
    let end = clock(document.analysis.audio.duration_ms);
    let _ = writeln!(out, "  {:>8} 0:00{end:>width$}", "", width = columns.saturating_sub(4));
    out
}

/// `m:ss` or `h:mm:ss`.
pub(crate) fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds >= 3600 {
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn clock_tenths(ms: u64) -> String {
    format!("{}.{}", clock(ms), ms % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_player() {
        assert_eq!(clock(0), "0:00");
        assert_eq!(clock(61_900), "1:01");
        assert_eq!(clock(36_000_000), "10:00:00");
        assert_eq!(clock_tenths(61_990), "1:01.9");
    }
}
