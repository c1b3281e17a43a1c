//! Beats and bars decoded again through what a person says about them, from what is stored of the track: without
//! audio and without its spectra.
//!
//! In: the machine's beats, the stored onset strength, and corrections in the order in which they were made. Out: a grid
//! in which each beat says whether it is the machine's, the person's or follows from what the person said. Without
//! corrections it is the machine's grid to the millisecond.
//!
//! How far a correction reaches:
//!
//! | correction | reach |
//! |---|---|
//! | `Tempo`, `Shift` | the span that it names, to the end of the track where it names no end |
//! | `Tap`, four and more in a row | level and phase of the whole track, or half-way to the next row of taps |
//! | `Beat`, `NoBeat` | the beats around, up to where the decoded grid falls in with the one before (at most 32 beats) |
//! | `Downbeat`, `NotDownbeat`, `Meter` | the count of bars from there until the next such correction, or until the machine's bars agree |
//!
//! Changes of level and phase are made in the order of their making; points come after them all, so that a corrected
//! beat is in the grid to the millisecond and a removed one is not, whatever else was said. Where two corrections
//! contradict each other within [`SAME_MS`], the later one holds.
//!
//! Ellis, "Beat tracking by dynamic programming", JNMR 36(1), 2007, for the path between what is known (`path`);
//! the machine's own beats, on which it leans, come from the bar pointer of Whiteley, Cemgil & Godsill (2006) and Krebs,
//! Böck & Widmer (2015), see [`crate::beats`].
//!
//! Linear in the length of the track. Memory: some 20 bytes for each 10 ms, and 100 for each beat.

mod bars;
mod course;
mod levels;
mod path;
mod points;
mod pulse;
mod strength;
mod taps;

use crate::summary::{MeterPoint, Summary, TempoPoint};
use crate::tempo;
use pulse::Pulse;
use serde::{Deserialize, Serialize};
use strength::Strength;

/// Corrections this near to each other, in ms, speak of the same moment.
pub const SAME_MS: u32 = 30;

/// Fewest taps in a row that say anything.
pub const FEWEST_TAPS: usize = 4;

/// A beat as the machine stored it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachineBeat {
    /// Time, in ms.
    pub time_ms: u32,
    /// Number of its bar, from 1.
    pub bar: u32,
    /// Position in its bar, from 1 (the downbeat).
    pub position: u8,
    /// Probability that it is right, 0 to 1.
    pub confidence: Option<f32>,
}

/// What is stored of a track.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// The machine's beats, rising.
    pub beats: &'a [MachineBeat],
    /// Onset strength of the frames of level 0, 0 to 1; empty where it was not stored.
    pub onset: &'a [f32],
    /// Time between those frames, in ms.
    pub hop_ms: u32,
    /// Length of the track, in ms: no beat comes later.
    pub duration_ms: u32,
    /// What the machine says of the whole: holds as long as the beats that it rests on do.
    pub summary: &'a Summary,
}

/// How many times as many beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// Every second beat goes.
    Half,
    /// A beat comes between every two.
    Double,
    /// Every third beat stays.
    Third,
    /// Two beats come between every two.
    Triple,
}

/// What a person says. Times in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Correction {
    /// A beat is here.
    Beat {
        /// When.
        time_ms: u32,
        /// Where the beat was that was dragged here.
        moved_from_ms: Option<u32>,
    },
    /// No beat is here: the nearest one, if it is near, goes.
    NoBeat {
        /// When.
        time_ms: u32,
    },
    /// A bar starts here, and so a beat is here.
    Downbeat {
        /// When.
        time_ms: u32,
    },
    /// No bar starts at the beat that is nearest: the bar goes on.
    NotDownbeat {
        /// When.
        time_ms: u32,
    },
    /// The person tapped here, with jitter and a delay of their own.
    Tap {
        /// When.
        time_ms: u32,
    },
    /// The tempo of a span is another multiple of the pulse.
    Tempo {
        /// From here …
        time_ms: u32,
        /// … until before here; `None`: the end.
        end_ms: Option<u32>,
        /// Which.
        factor: Factor,
    },
    /// The beats of a span are half a beat late: each moves to half-way to the next.
    Shift {
        /// From here …
        time_ms: u32,
        /// … until before here; `None`: the end.
        end_ms: Option<u32>,
    },
    /// A bar starts at the beat nearest to here, and each has so many beats.
    Meter {
        /// From here …
        time_ms: u32,
        /// … until before here; `None`: until the next correction of bars.
        end_ms: Option<u32>,
        /// Beats in a bar, at least 1.
        beats_per_bar: u8,
    },
}

/// Where a beat comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The machine said it, at this time.
    Machine,
    /// The person said it, at this time.
    Corrected,
    /// It follows from what the person said.
    Inferred,
}

/// A beat of the new grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridBeat {
    /// Time, in ms.
    pub time_ms: u32,
    /// Number of its bar, from 1.
    pub bar: u32,
    /// Position in its bar, from 1 (the downbeat).
    pub position: u8,
    /// The machine's for its own beats, 1 for corrected ones, `None` where no measure exists.
    pub confidence: Option<f32>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a row of taps was taken to mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TapRow {
    /// First tap of the row, in ms.
    pub from_ms: u32,
    /// Last tap of the row, in ms.
    pub to_ms: u32,
    /// Taps in it.
    pub taps: usize,
    /// How late they come on the whole, in ms.
    pub latency_ms: f32,
    /// Tempo that they keep, in BPM.
    pub bpm: f32,
}

/// Beats and bars, and what follows from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// Beats, strictly rising.
    pub beats: Vec<GridBeat>,
    /// Main tempo, in BPM; `None` with fewer than two beats.
    pub tempo_bpm: Option<f32>,
    /// Piecewise constant tempo.
    pub tempo_curve: Vec<TempoPoint>,
    /// Time signature of most bars; `None` where there is none.
    pub time_signature: Option<String>,
    /// Time signatures in order, each from where it begins to hold.
    pub time_signatures: Vec<MeterPoint>,
    /// Rows of taps that were followed, in the order of their making.
    pub tap_rows: Vec<TapRow>,
    /// Taps of rows that were too short or kept no beat.
    pub unused_taps: usize,
}

/// Decodes the grid again. `corrections` come in the order of their making; times after the end of the track count as
/// its end. Never panics, whatever is given.
#[must_use]
pub fn regrid(heard: &Heard<'_>, corrections: &[Correction]) -> Grid {
    let asked = course::Asked::of(corrections, heard.duration_ms);
    let mut pulses = pulse::of_machine(heard.beats);
    let mut grid = Grid::default();
    if corrections.is_empty() {
        grid.beats = heard.beats.iter().map(GridBeat::from).collect();
    } else {
        let strength = Strength::new(heard.onset, heard.hop_ms, heard.duration_ms);
        let downbeats_ms = asked.bars.downbeats_ms();
        for change in &asked.changes {
            match change {
                course::Change::Level(level) => levels::apply(&mut pulses, &strength, level, &downbeats_ms),
                course::Change::Taps(row) => match follow(&mut pulses, &strength, row) {
                    Some(read) => grid.tap_rows.push(read),
                    None => grid.unused_taps += row.times_ms.len(),
                },
            }
        }
        points::apply(&mut pulses, &strength, &asked.points);
        grid.beats = bars::count(&pulses, &asked.bars, heard.duration_ms);
    }
    grid.unused_taps += asked.stray_taps;
    describe(&mut grid, heard);
    grid
}

/// Follows a row of taps with the beats that it speaks for alone: thousands of rows cost no more than one.
fn follow(pulses: &mut Vec<Pulse>, strength: &Strength, row: &course::Row) -> Option<TapRow> {
    let (from_ms, to_ms) = row.claim_ms;
    let from = pulses.partition_point(|pulse| pulse.time_ms < from_ms);
    let to = pulses.partition_point(|pulse| pulse.time_ms <= to_ms).max(from);
    let mut own = pulses[from..to].to_vec();
    let read = taps::follow(&mut own, strength, row)?;
    levels::replace(pulses, from..to, own);
    levels::mend(pulses, [from_ms, to_ms]);
    Some(read)
}

impl From<&MachineBeat> for GridBeat {
    fn from(beat: &MachineBeat) -> Self {
        let MachineBeat { time_ms, bar, position, confidence } = *beat;
        Self { time_ms, bar, position, confidence, origin: Origin::Machine }
    }
}

/// Fills in what follows from the beats; what rests on nothing that changed stays the machine's word.
#[expect(clippy::cast_possible_truncation, reason = "tempi need no more than f32")]
fn describe(grid: &mut Grid, heard: &Heard<'_>) {
    let machine = heard.beats;
    let same = |equal: fn(&GridBeat, &MachineBeat) -> bool| {
        grid.beats.len() == machine.len() && grid.beats.iter().zip(machine).all(|(a, b)| equal(a, b))
    };
    let in_time = same(|a, b| a.time_ms == b.time_ms);
    let in_bars = in_time && same(|a, b| (a.bar, a.position) == (b.bar, b.position));
    let summary = heard.summary;
    if in_time {
        (grid.tempo_bpm, grid.tempo_curve) = (summary.tempo_bpm, summary.tempo_curve.clone());
    } else if grid.beats.len() >= 2 {
        let times: Vec<f64> = grid.beats.iter().map(|beat| f64::from(beat.time_ms) * 1e-3).collect();
        grid.tempo_bpm = tempo::main_bpm(&times).map(|bpm| bpm as f32);
        grid.tempo_curve = tempo::curve(&times);
    }
    (grid.time_signature, grid.time_signatures) = if in_bars {
        (summary.time_signature.clone(), summary.time_signatures.clone())
    } else {
        bars::signatures(&grid.beats, heard)
    };
}
