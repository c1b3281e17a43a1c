//! Grids as clients see them.

use analysis_core::regrid::{Correction, Factor, Grid, GridBeat, Origin};
use analysis_core::summary::{MeterPoint, TempoPoint};
use serde::Serialize;
use std::ops::Range;
use store::corrections::Said;
use store::grids;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// Beats and bars decoded through corrections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grid)]
pub(crate) struct GridView {
    /// Names the content: another with each decoding.
    id: Uuid,
    /// Of which analysis.
    analysis_id: Uuid,
    /// Of which run of it: `Arsis-Results-Version` of its manifest.
    results_version: String,
    /// Through how many corrections.
    corrections: i32,
    /// When it was decoded.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// What is said of the whole.
    #[schema(value_type = SummaryView)]
    summary: serde_json::Value,
    /// Beats, and beside each first one of a bar a downbeat, in order of time.
    events: Vec<GridEvent>,
}

/// A beat or downbeat, in the shape of other events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GridEvent {
    /// When it happens, in ms from the first sample a listener hears.
    time_ms: u32,
    /// Always null: an instant.
    duration_ms: Option<u32>,
    /// `beat` or `downbeat`.
    event_type: &'static str,
    /// The machine's for its own beats, 1 for corrected ones, null where no measure exists.
    confidence: Option<f64>,
    /// Where it is in its bar, and where it comes from.
    event_data: GridPlace,
}

/// Place of a beat, and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GridPlace {
    /// Number of the bar, from 1.
    bar: u32,
    /// Beat within the bar, from 1.
    position: u8,
    /// `machine`: heard at this time; `corrected`: said at this time; `inferred`: follows from what was said.
    #[schema(value_type = String)]
    origin: Origin,
}

/// What is said of a grid as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GridSummary)]
pub(super) struct SummaryView {
    /// Main tempo; null with fewer than two beats.
    tempo_bpm: Option<f32>,
    /// Piecewise constant tempo.
    #[schema(value_type = Vec<GridTempo>)]
    tempo_curve: Vec<TempoPoint>,
    /// Time signature of most bars, e.g. `4/4`; null where there is none.
    time_signature: Option<String>,
    /// Time signatures in order.
    #[schema(value_type = Vec<GridMeter>)]
    time_signatures: Vec<MeterPoint>,
    /// Number of beats.
    beat_count: usize,
    /// Number of bars begun.
    bar_count: usize,
    /// Beats by where they come from.
    origins: GridOrigins,
    /// Rows of taps that were followed, in the order of their making.
    tap_rows: Vec<GridTapRow>,
    /// Taps of rows that were too short, kept no beat, or were tapped over.
    unused_taps: usize,
}

/// The tempo from a moment on.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the engine's own type")]
pub(super) struct GridTempo {
    /// From this time, in ms.
    time_ms: u32,
    /// Beats per minute.
    bpm: f32,
}

/// The time signature from a bar on.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the engine's own type")]
pub(super) struct GridMeter {
    /// From this time, in ms.
    time_ms: u32,
    /// For example `3/4`.
    time_signature: String,
}

/// Beats by where they come from.
#[derive(Debug, Serialize, ToSchema)]
struct GridOrigins {
    /// Heard at their time.
    machine: usize,
    /// Said at their time.
    corrected: usize,
    /// Following from what was said.
    inferred: usize,
}

/// What a row of taps was taken to mean.
#[derive(Debug, Serialize, ToSchema)]
struct GridTapRow {
    /// First tap, in ms.
    from_ms: u32,
    /// Last tap, in ms.
    to_ms: u32,
    /// Taps in it.
    taps: usize,
    /// How late they come on the whole, in ms.
    latency_ms: f32,
    /// Tempo that they keep, in BPM.
    bpm: f32,
}

/// What is said of `grid` as a whole.
pub(super) fn summary(grid: &Grid) -> SummaryView {
    let of = |origin: Origin| grid.beats.iter().filter(|beat| beat.origin == origin).count();
    let rows = grid.tap_rows.iter().map(|row| GridTapRow {
        from_ms: row.from_ms,
        to_ms: row.to_ms,
        taps: row.taps,
        latency_ms: row.latency_ms,
        bpm: row.bpm,
    });
    SummaryView {
        tempo_bpm: grid.tempo_bpm,
        tempo_curve: grid.tempo_curve.clone(),
        time_signature: grid.time_signature.clone(),
        time_signatures: grid.time_signatures.clone(),
        beat_count: grid.beats.len(),
        bar_count: grid.beats.chunk_by(|a, b| a.bar == b.bar).count(),
        origins: GridOrigins {
            machine: of(Origin::Machine),
            corrected: of(Origin::Corrected),
            inferred: of(Origin::Inferred),
        },
        tap_rows: rows.collect(),
        unused_taps: grid.unused_taps,
    }
}

impl GridView {
    /// A stored grid, or the beats of a span of it.
    pub(super) fn of(analysis_id: Uuid, grid: grids::Grid, span_ms: Option<Range<u32>>) -> Self {
        let within = |beat: &&GridBeat| span_ms.as_ref().is_none_or(|span| span.contains(&beat.time_ms));
        Self {
            id: grid.id,
            analysis_id,
            results_version: crate::page::time_key(grid.results_version).to_string(),
            corrections: grid.corrections,
            created_at: grid.created_at,
            summary: grid.summary,
            events: grid.beats.iter().filter(within).flat_map(events).collect(),
        }
    }
}

/// A beat as events; as elsewhere a downbeat comes before its beat.
fn events(beat: &GridBeat) -> impl Iterator<Item = GridEvent> {
    let GridBeat { time_ms, bar, position, confidence, origin } = *beat;
    // As a client reads it back, whichever way it was written: a single wider than it was has digits of its own.
    let confidence = confidence.map(|confidence| (f64::from(confidence) * 1e4).round() / 1e4);
    let event = move |event_type| GridEvent {
        time_ms,
        duration_ms: None,
        event_type,
        confidence,
        event_data: GridPlace { bar, position, origin },
    };
    (position == 1).then(|| event("downbeat")).into_iter().chain(std::iter::once(event("beat")))
}

/// A stored correction as the engine takes it; `None` for what no version of ours wrote.
pub(super) fn correction(said: &Said) -> Option<Correction> {
    let ms = |stored: i32| u32::try_from(stored).ok();
    let time_ms = ms(said.time_ms)?;
    let end_ms = said.end_time_ms.and_then(ms);
    Some(match said.kind.as_str() {
        "beat" => Correction::Beat { time_ms, moved_from_ms: said.moved_from_ms.and_then(ms) },
        "no_beat" => Correction::NoBeat { time_ms },
        "downbeat" => Correction::Downbeat { time_ms },
        "not_downbeat" => Correction::NotDownbeat { time_ms },
        "tap" => Correction::Tap { time_ms },
        "tempo" => Correction::Tempo { time_ms, end_ms, factor: factor(said.factor.as_deref()?)? },
        "shift" => Correction::Shift { time_ms, end_ms },
        "meter" => {
            Correction::Meter { time_ms, end_ms, beats_per_bar: u8::try_from(said.beats_per_bar?).ok()? }
        }
        _ => return None,
    })
}

fn factor(name: &str) -> Option<Factor> {
    Some(match name {
        "half" => Factor::Half,
        "double" => Factor::Double,
        "third" => Factor::Third,
        "triple" => Factor::Triple,
        _ => return None,
    })
}
