//! From beats to a grid of lines that DJ programs draw: stretches of one tempo, as few as keep every line within
//! [`TOLERANCE_MS`] of its beat.
//!
//! A stretch begins at an anchor: a time, a tempo in hundredths of a BPM, a metre, and the beat of the bar that its
//! first line is. Its lines follow at that tempo until the next anchor:
//!
//! ```text
//! line(i) = start + i · 60 s / bpm
//! ```
//!
//! The tempo has two decimals, so that its rounding adds up line by line; it is the rounded tempo that is held
//! against the beats. Each anchor but the first lies on a line of the stretch before it, at most 1.5 ms early: the
//! lines of two stretches never fall beside each other. A stretch ends where no tempo in hundredths reaches further,
//! and where bars are not counted on as the metre says: where it changes, or a bar is shorter or longer.

mod bars;

use analysis_core::events::{Event, EventData, EventType};
use analysis_core::summary::MeterPoint;
pub use bars::Metre;

/// Furthest that a line may lie from its beat, in ms: half of what an ear tells apart in a roll of drums.
pub const TOLERANCE_MS: f64 = 10.0;
/// How far before the line of the stretch before it an anchor lies, in ms, so that no reader draws that line as well.
const LEAD_MS: f64 = 0.5;
/// What fitting may use of the tolerance: an anchor is rounded down to whole ms on top.
const REACH_MS: f64 = TOLERANCE_MS - LEAD_MS - 1.0;
/// Beats nearer than this to the one before get no line: no music has 600 BPM.
const NEAREST_MS: u32 = 100;
/// Intervals on each side that say what is usual around one.
const NEIGHBOURS: usize = 4;
/// Longest usual interval, in ms: 30 BPM.
const SLOWEST_MS: u32 = 2000;
/// From so many usual intervals on, lines go on through a time without beats.
const PAUSE: f64 = 1.75;
/// One minute in ms, times the hundredths of a BPM.
const MINUTE: f64 = 6_000_000.0;
/// Where the first line may lie about the first beat, in ms: the place from which the first stretch reaches furthest.
const FIRST_OFFSETS_MS: [i32; 7] = [0, 2, -2, 4, -4, 6, -6];

/// Where lines begin to follow a tempo and a metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Time of the first line, in ms.
    pub time_ms: u32,
    /// Tempo, in hundredths of a beat per minute.
    pub centi_bpm: u32,
    /// Metre.
    pub metre: Metre,
    /// Beat in the bar of the first line, from 1.
    pub position: u8,
}

/// A beat and its place in the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Beat {
    time_ms: u32,
    position: u8,
    metre: Metre,
    /// Lines from the beat before to this one: 1 unless beats are missing.
    lines: u32,
}

/// The anchors for the beats among `events`, in order of time; none for fewer than two beats. `signatures` tell the
/// metre, each from its time on.
#[must_use]
pub fn anchors(events: impl Iterator<Item = Event>, signatures: &[MeterPoint]) -> Vec<Anchor> {
    let beats = beats(events, signatures);
    let mut anchors = Vec::new();
    let Some(first) = beats.first().filter(|_| beats.len() > 1) else { return anchors };
    let (mut from, mut start_ms) = (0, first_start(&beats, first.time_ms));
    while from + 1 < beats.len() {
        let run = Run::longest(&beats[from..], start_ms);
        anchors.push(anchor(&beats[from], start_ms, run.centi_bpm));
        (from, start_ms) = (from + run.beats, run.end_ms);
    }
    // The last beat needs an anchor of its own only where bars are not counted on to it.
    if let (Some(last), Some(before)) = (beats.last(), anchors.last().copied())
        && breaks(&beats, beats.len() - 1)
    {
        anchors.push(anchor(last, start_ms, before.centi_bpm));
    }
    anchors
}

fn anchor(beat: &Beat, start_ms: f64, centi_bpm: u32) -> Anchor {
    Anchor { time_ms: whole(start_ms), centi_bpm, metre: beat.metre, position: beat.position }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` clamps to the range of u32"
)]
fn whole(ms: f64) -> u32 {
    ms as u32
}

fn first_start(beats: &[Beat], time_ms: u32) -> f64 {
    let starts = FIRST_OFFSETS_MS.map(|offset| f64::from(time_ms.saturating_add_signed(offset)));
    let reach = |start: &f64| Run::longest(beats, *start).beats;
    // Of equals the first: nearest to the beat.
    starts.into_iter().rev().max_by_key(reach).unwrap_or(f64::from(time_ms))
}

/// A stretch of one tempo.
struct Run {
    /// Beats it spans: from its first to the one that begins the next stretch.
    beats: usize,
    centi_bpm: u32,
    /// Where the next stretch begins.
    end_ms: f64,
}

impl Run {
    /// As far as one tempo, from a line at `start_ms` near the first beat, keeps its lines by the beats.
    fn longest(beats: &[Beat], start_ms: f64) -> Self {
        // Tempi that keep every line so far, in hundredths; the slowest, then the fastest.
        let (mut slowest, mut fastest) = (1.0_f64, f64::from(u32::MAX));
        let (mut lines, mut reached) = (0_u32, None);
        for (i, beat) in beats.iter().enumerate().skip(1) {
            lines = lines.saturating_add(beat.lines);
            let (x, after) = (f64::from(lines), f64::from(beat.time_ms) - start_ms);
            slowest = slowest.max((MINUTE * x / (after + REACH_MS)).ceil());
            fastest = fastest.min((MINUTE * x / (after - REACH_MS).max(1.0)).floor());
            if slowest > fastest {
                break;
            }
            let nearest = (MINUTE * x / after).round().clamp(slowest, fastest);
            reached = Some((i, nearest, start_ms + x * MINUTE / nearest));
            if breaks(beats, i) {
                break;
            }
        }
        reached.map_or_else(
            || Self::across_pause(beats, start_ms),
            |(beats, tempo, line_ms)| Self {
                beats,
                centi_bpm: whole(tempo),
                end_ms: (line_ms - LEAD_MS).floor(),
            },
        )
    }

    /// To the next beat alone, after a pause so long that no tempo in hundredths meets it: a little too slow, so that
    /// no line falls just before the beat, where the next stretch begins.
    fn across_pause(beats: &[Beat], start_ms: f64) -> Self {
        let next = &beats[1];
        let after = f64::from(next.time_ms) - start_ms;
        let tempo = (MINUTE * f64::from(next.lines) / after).floor().max(1.0);
        Self { beats: 1, centi_bpm: whole(tempo), end_ms: next.time_ms.into() }
    }
}

/// Whether counting on from the beat before does not give the place of beat `i` in its bar.
fn breaks(beats: &[Beat], i: usize) -> bool {
    let (before, beat) = (&beats[i - 1], &beats[i]);
    let counted = (u32::from(before.position) - 1 + beat.lines) % u32::from(before.metre.beats) + 1;
    beat.metre != before.metre || u32::from(beat.position) != counted
}

/// The beats that get a line.
fn beats(events: impl Iterator<Item = Event>, signatures: &[MeterPoint]) -> Vec<Beat> {
    let mut places: Vec<(u32, u8)> = Vec::new();
    for event in events.filter(|event| event.event_type == EventType::Beat) {
        let Some(EventData::Beat { position, .. }) = event.event_data else { continue };
        let free_from = places.last().map_or(0, |(time_ms, _)| time_ms.saturating_add(NEAREST_MS));
        if event.time_ms >= free_from {
            places.push((event.time_ms, position.max(1)));
        }
    }
    let metres = bars::metres(&places, signatures);
    let lines = lines(&places);
    let beat = |((&(time_ms, position), metre), lines)| Beat { time_ms, position, metre, lines };
    places.iter().zip(metres).zip(lines).map(beat).collect()
}

/// Lines from each beat's forerunner to it, 1 for the first.
fn lines(places: &[(u32, u8)]) -> Vec<u32> {
    let intervals: Vec<u32> = places.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let lines = |i: usize| {
        let around = &intervals[i.saturating_sub(NEIGHBOURS)..intervals.len().min(i + NEIGHBOURS + 1)];
        let mut around = around.to_vec();
        around.sort_unstable();
        let usual = around[around.len() / 2].min(SLOWEST_MS);
        let times = f64::from(intervals[i]) / f64::from(usual);
        if times < PAUSE { 1 } else { whole(times.round()) }
    };
    std::iter::once(1).chain((0..intervals.len()).map(lines)).take(places.len()).collect()
}
