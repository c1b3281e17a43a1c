//! The picture of a comparison: both sides over one axis of time.

use super::scoring::Comparison;
use super::side::Side;
use crate::analyze::picture::{span, style};
use crate::cli::picture::LookArgs;
use anyhow::Result;
use picture::{Figure, Heat, Lane, Matches, Region, Regions};
use scores::chords::Span as Chord;
use scores::events::{BEAT_WINDOW_S, matches};
use std::path::Path;

/// Sections and chords of both, beats and downbeats joined where they are the same, and the bands of audio.
///
/// # Errors
/// When the part that is asked for is beyond the end.
pub(crate) fn svg(a: &Side, b: &Side, comparison: &Comparison, look: &LookArgs) -> Result<String> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` clamps to the range of u64"
    )]
    let length_ms = (1000.0 * a.end_s().max(b.end_s())).ceil() as u64;
    let span = span(look.picture_span, length_ms)?;
    let title = format!("A: {}  ·  B: {}", file_name(&a.name), file_name(&b.name));
    let mut figure = Figure::new(&title, &in_words(comparison), span, style(look)?);
    for (letter, side) in [("A", a), ("B", b)] {
        let sections = side.sections.clone().unwrap_or_default();
        figure.push(Lane::Regions(Regions::new(&format!("sections {letter}"), sections)));
    }
    for (letter, side) in [("A", a), ("B", b)] {
        let chords = side.chords.iter().flatten().map(region).collect();
        figure.push(Lane::Regions(Regions::new(&format!("chords {letter}"), chords)));
    }
    figure.push(Lane::Matches(compared("beats", a.beats.as_deref(), b.beats.as_deref())));
    figure.push(Lane::Matches(compared("bars", a.downbeats.as_deref(), b.downbeats.as_deref())));
    if let Some(frames) = a.frames.as_ref().or(b.frames.as_ref()) {
        let (overview, first_ms) = frames.columns.drawn();
        let bars_ms = a.downbeats.iter().flatten().map(|time_s| 1000.0 * time_s).collect();
        let bands = Heat::bands(overview, first_ms, frames.hop_ms, &frames.band_edges_hz);
        figure.push(Lane::Heat(bands.with_lines(bars_ms)));
    }
    Ok(figure.svg())
}

fn file_name(name: &str) -> String {
    Path::new(name).file_name().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn in_words(comparison: &Comparison) -> String {
    let beats = comparison.beats.as_ref().map(|beats| format!("beats F {:.3}", beats.f_measure));
    let downbeats =
        comparison.downbeats.as_ref().map(|downbeats| format!("downbeats F {:.3}", downbeats.f_measure));
    let readings = comparison.readings.iter().map(|reading| reading.trim_end_matches('.').to_owned());
    beats.into_iter().chain(downbeats).chain(readings).collect::<Vec<String>>().join("  ·  ")
}

fn region(chord: &Chord) -> Region {
    Region { from_ms: 1000.0 * chord.start, to_ms: 1000.0 * chord.end, label: chord.name.clone() }
}

/// What is the same of two lists in seconds; nothing where one side does not say.
fn compared(name: &str, a: Option<&[f64]>, b: Option<&[f64]>) -> Matches {
    let (Some(a), Some(b)) = (a, b) else { return Matches::default() };
    let (mut in_a, mut in_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut matched_ms = Vec::new();
    for (at, said) in matches(a, b, BEAT_WINDOW_S) {
        (in_a[at], in_b[said]) = (true, true);
        matched_ms.push((1000.0 * a[at], 1000.0 * b[said]));
    }
    let alone = |times: &[f64], taken: &[bool]| {
        times.iter().zip(taken).filter(|(_, taken)| !**taken).map(|(time, _)| 1000.0 * time).collect()
    };
    Matches { name: name.to_owned(), missed_ms: alone(a, &in_a), extra_ms: alone(b, &in_b), matched_ms }
}
