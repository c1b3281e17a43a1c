//! A comparison as people read it.

use super::scoring::Comparison;
use super::side::Kind;
use crate::queue::table::harmless;
use std::fmt::Write;

/// The two sides, a line a measure, and what to make of it.
pub(crate) fn describe(comparison: &Comparison) -> String {
    let mut out = String::new();
    for (letter, about) in [("A", &comparison.reference), ("B", &comparison.estimate)] {
        let file: String = harmless(&about.file).collect();
        let _ = writeln!(out, "{letter}  {file}  {}", about.kind.map_or("", kind));
    }
    let lines = lines(comparison);
    if lines.is_empty() {
        out.push_str("  nothing that both of them say\n");
    }
    for (name, value) in lines {
        let _ = writeln!(out, "  {name:<12}{value}");
    }
    for reading in &comparison.readings {
        let _ = writeln!(out, "→ {reading}");
    }
    out
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Analysis => "analysis",
        Kind::Jams => "JAMS",
        Kind::Labels => "label track",
        Kind::Table => "table",
        Kind::Beats => "beats",
    }
}

fn lines(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(beats) = &comparison.beats {
        let from = match comparison.scored_from_s {
            0.0 => String::new(),
            from_s => format!(", from {} on", picture::clock(1000.0 * from_s, false)),
        };
        let counts = counts(beats.matched, beats.missed, beats.extra);
        lines.push(("beats", format!("F {:.3}  ({counts}{from})", beats.f_measure)));
        let continuity =
            [beats.cml_c, beats.cml_t, beats.aml_c, beats.aml_t].map(|share| format!("{share:.3}"));
        let [cml_c, cml_t, aml_c, aml_t] = continuity;
        lines.push(("continuity", format!("CMLc {cml_c}  CMLt {cml_t}  AMLc {aml_c}  AMLt {aml_t}")));
        let offset =
            beats.median_offset_ms.map_or(String::new(), |ms| format!("  (median offset {ms:+.0} ms)"));
        lines.push(("Cemgil", format!("{:.3}{offset}", beats.cemgil)));
    }
    if let Some(downbeats) = &comparison.downbeats {
        let counts = counts(downbeats.matched, downbeats.missed, downbeats.extra);
        lines.push(("downbeats", format!("F {:.3}  ({counts})", downbeats.f_measure)));
    }
    if let Some(tempo) = &comparison.tempo {
        let verdict = match (tempo.accuracy_1, tempo.accuracy_2) {
            (true, _) => "the same within 4 %",
            (false, true) => "another level of the same",
            (false, false) => "another",
        };
        lines.push((
            "tempo",
            format!("{:.1} and {:.1} BPM: {verdict}", tempo.reference_bpm, tempo.estimate_bpm),
        ));
    }
    if let Some(key) = &comparison.key {
        lines.push(("key", format!("{} and {}: {:.1}", key.reference, key.estimate, key.weighted_score)));
    }
    if let Some(chords) = &comparison.chords {
        lines.push(("chords", format!("the same for {:.1} % of the time", 100.0 * chords.overlap)));
    }
    if let Some(sections) = &comparison.sections {
        let (half, three) = (sections.f_measure_half_s, sections.f_measure_3_s);
        lines.push(("sections", format!("F {half:.3} within 0.5 s, {three:.3} within 3 s")));
    }
    if let Some(loudness) = &comparison.loudness {
        let (a, b) = (loudness.reference_lufs, loudness.estimate_lufs);
        lines.push(("loudness", format!("{a:.1} and {b:.1} LUFS: {:+.1} LU", loudness.difference_lu)));
    }
    lines
}

fn counts(matched: usize, missed: usize, extra: usize) -> String {
    format!("{matched} matched, {missed} missed, {extra} extra")
}
