//! The picture of an analysis.

use crate::axis::{Span, clock};
use crate::beats::{Beats, Mark};
use crate::curve::{Curve, Shape};
use crate::figure::{Figure, Lane, Style};
use crate::heat::{Heat, columns_between};
use crate::overview::Overview;
use crate::regions::{Region, Regions};
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::summary::{AudioInfo, Summary};

/// Loudness below this is drawn as this, in LUFS.
const QUIETEST_LUFS: f64 = -70.0;

/// What was heard of a track, as far as a picture shows it.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// What the picture is called: the file's name.
    pub title: &'a str,
    /// The audio as it was found.
    pub audio: &'a AudioInfo,
    /// The whole in a few fields.
    pub summary: &'a Summary,
    /// The frames.
    pub overview: &'a Overview,
    /// Centre of the overview's first frame, in ms.
    pub first_ms: f64,
    /// Time between frames, in ms.
    pub hop_ms: f64,
    /// Corner frequencies of the bands, two more than bands.
    pub band_edges_hz: &'a [f32],
}

/// The picture of a stretch of an analysis: sections, keys, chords, beats, bands, chroma, tempo, loudness, as far as there
/// are any. Events come in order of time.
#[must_use]
pub fn figure_of<'a>(
    heard: &Heard<'a>,
    events: impl Iterator<Item = Event>,
    span: Span,
    style: Style,
) -> Figure<'a> {
    let lists = Lists::of(events, heard.audio.duration_ms as f64, span);
    let mut figure = Figure::new(heard.title, &in_words(heard), span, style);
    figure.push(Lane::Regions(Regions::new("sections", lists.sections)));
    figure.push(Lane::Regions(Regions::new("keys", lists.keys)));
    figure.push(Lane::Regions(Regions::new("chords", lists.chords)));
    let bars_ms = lists.beats.iter().filter(|beat| beat.bar.is_some()).map(|beat| beat.time_ms).collect();
    figure.push(Lane::Beats(Beats::new("bars", lists.beats)));
    let Heard { overview, first_ms, hop_ms, band_edges_hz, .. } = *heard;
    if overview.bands() > 0 && !overview.is_empty() {
        figure.push(Lane::Heat(Heat::bands(overview, first_ms, hop_ms, band_edges_hz).with_lines(bars_ms)));
    }
    if overview.has_chroma() {
        figure.push(Lane::Heat(Heat::chroma(overview, first_ms, hop_ms)));
    }
    let curves = [tempo(heard), loudness(heard, span, style)];
    curves.into_iter().flatten().for_each(|curve| figure.push(Lane::Curve(curve)));
    figure
}

/// Events by kind.
#[derive(Default)]
struct Lists {
    sections: Vec<Region>,
    keys: Vec<Region>,
    chords: Vec<Region>,
    beats: Vec<Mark>,
}

impl Lists {
    fn of(events: impl Iterator<Item = Event>, end_ms: f64, span: Span) -> Self {
        let mut lists = Self::default();
        for event in events {
            let from_ms = f64::from(event.time_ms);
            let to_ms = event.duration_ms.map_or(end_ms, |ms| from_ms + f64::from(ms));
            let region = |label: String| Region { from_ms, to_ms, label };
            let is_near = to_ms >= span.from_ms() && from_ms <= span.to_ms();
            match (event.event_type, event.event_data) {
                (EventType::Beat, data) if span.holds(from_ms) => {
                    let bar = match data {
                        Some(EventData::Beat { bar, position: 1 }) => Some(bar),
                        _ => None,
                    };
                    lists.beats.push(Mark { time_ms: from_ms, bar });
                }
                (EventType::Section, Some(EventData::Section { label })) => {
                    lists.sections.push(region(label))
                }
                (EventType::Key, Some(EventData::Name { name })) => lists.keys.push(region(name)),
                (EventType::Chord, Some(EventData::Chord { name, .. })) if is_near => {
                    lists.chords.push(region(name))
                }
                _ => {}
            }
        }
        lists
    }
}

/// Tempo, metre, key, length and loudness, as far as they are known.
fn in_words(heard: &Heard<'_>) -> String {
    let Heard { audio, summary, .. } = heard;
    let loudness = summary.loudness.and_then(|loudness| loudness.integrated_lufs);
    let parts = [
        summary.tempo_bpm.map(|bpm| format!("{bpm:.1} BPM")),
        summary.time_signature.clone(),
        summary.key.as_ref().map(|key| key.name.clone()),
        loudness.map(|lufs| format!("{lufs:.1} LUFS").replace('-', "−")),
        Some(clock(audio.duration_ms as f64, true)),
    ];
    parts.into_iter().flatten().collect::<Vec<String>>().join("  ·  ")
}

/// The tempo curve on an axis that reaches at least 5 % beyond it: a steady tempo is a flat line.
fn tempo(heard: &Heard<'_>) -> Option<Curve> {
    let points: Vec<(f64, f64)> =
        heard.summary.tempo_curve.iter().map(|p| (f64::from(p.time_ms), f64::from(p.bpm))).collect();
    let low = points.iter().map(|p| p.1).reduce(f64::min)?;
    let high = points.iter().map(|p| p.1).reduce(f64::max)?;
    Some(Curve::new("tempo", "tempo (BPM)", Shape::Steps, points, (low * 0.95, high * 1.05)))
}

/// Loudness in as many points as the picture is wide, with the integrated loudness as a level.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the width of a picture")]
fn loudness(heard: &Heard<'_>, span: Span, style: Style) -> Option<Curve> {
    let Heard { overview, first_ms, hop_ms, .. } = *heard;
    if !overview.has_loudness() {
        return None;
    }
    let count = (style.plot_width() as usize).min(overview.len());
    let time_ms = |point: f64| span.from_ms() + span.length_ms() * point / count as f64;
    let value = |point: usize| {
        let columns = columns_between(overview, first_ms, hop_ms, |share| time_ms(point as f64 + share));
        (time_ms(point as f64 + 0.5), overview.loudness_lufs(columns).max(QUIETEST_LUFS))
    };
    let points: Vec<(f64, f64)> = (0..count).map(value).collect();
    let loudest = points.iter().map(|point| point.1).fold(QUIETEST_LUFS, f64::max);
    // Of silence there is nothing to draw.
    let high = (loudest > QUIETEST_LUFS).then(|| (loudest / 5.0).ceil() * 5.0)?;
    let low = points.iter().map(|point| point.1).fold(high - 10.0, f64::min);
    let integrated = heard.summary.loudness.and_then(|loudness| loudness.integrated_lufs).map(f64::from);
    let curve =
        Curve::new("loudness", "loudness (LUFS)", Shape::Lines, points, ((low / 5.0).floor() * 5.0, high));
    Some(curve.with_level(integrated))
}
