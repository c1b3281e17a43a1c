//! Corrections by what they act on, contradictions settled.

use super::{Correction, FEWEST_TAPS, Factor, SAME_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// A pause this long ends a row of taps, in ms.
const ROW_ENDS_MS: u32 = 3_000;

/// Everything that was asked, in the order in which it is done.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Changes of level and phase, in the order of their making.
    pub(super) changes: Vec<Change>,
    /// Beats put in and taken out.
    pub(super) points: Points,
    /// Where bars start, and how long they are.
    pub(super) bars: Marks,
    /// Taps in rows too short to say anything, or tapped over later.
    pub(super) stray_taps: usize,
}

/// A change of level or phase.
#[derive(Debug)]
pub(super) enum Change {
    /// Said in words.
    Level(Level),
    /// Tapped.
    Taps(Row),
}

/// Another level, or half a beat, in a span.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) from_ms: f64,
    pub(super) to_ms: f64,
    /// `None`: half a beat later.
    pub(super) factor: Option<Factor>,
}

/// Taps in a row.
#[derive(Debug)]
pub(super) struct Row {
    /// Strictly rising.
    pub(super) times_ms: Vec<f64>,
    /// What it speaks for: half-way to the rows around.
    pub(super) claim_ms: (f64, f64),
    /// Place of its last tap among the corrections.
    made: usize,
}

/// Beats put in and taken out, in ms. No two are of the same moment.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// Beats that are here to the ms.
    pub(super) beats: BTreeSet<u32>,
    /// Where there is no beat, and whether one was only dragged away from there.
    pub(super) gone: BTreeMap<u32, bool>,
}

/// What is said of bars.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Whether a bar starts here.
    pub(super) starts: BTreeMap<u32, bool>,
    /// Beats in a bar from here, and until when.
    pub(super) meters: BTreeMap<u32, (u8, Option<u32>)>,
}

/// Times that are of the same moment as this one.
fn same(time_ms: u32) -> RangeInclusive<u32> {
    time_ms.saturating_sub(SAME_MS)..=time_ms.saturating_add(SAME_MS)
}

/// Removes what is of the same moment.
fn forget<T>(marks: &mut BTreeMap<u32, T>, time_ms: u32) {
    let near: Vec<u32> = marks.range(same(time_ms)).map(|(at, _)| *at).collect();
    for at in near {
        marks.remove(&at);
    }
}

impl Points {
    fn put(&mut self, time_ms: u32) {
        self.take(time_ms);
        self.beats.insert(time_ms);
    }

    fn remove(&mut self, time_ms: u32, dragged: bool) {
        self.take(time_ms);
        self.gone.insert(time_ms, dragged);
    }

    fn take(&mut self, time_ms: u32) {
        let near: Vec<u32> = self.beats.range(same(time_ms)).copied().collect();
        for at in near {
            self.beats.remove(&at);
        }
        forget(&mut self.gone, time_ms);
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.beats.is_empty() && self.gone.is_empty()
    }
}

impl Marks {
    /// Where bars are said to start, rising, in ms.
    pub(super) fn downbeats_ms(&self) -> Vec<f64> {
        self.starts.iter().filter(|(_, starts)| **starts).map(|(at, _)| f64::from(*at)).collect()
    }
}

impl Asked {
    /// Sorts corrections of a track of this length, given in the order of their making.
    pub(super) fn of(corrections: &[Correction], duration_ms: u32) -> Self {
        let mut asked = Self::default();
        let mut levels = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        for (made, correction) in corrections.iter().enumerate() {
            match *correction {
                Correction::Tap { time_ms } => tap(&mut rows, made, time_ms.min(duration_ms)),
                Correction::Tempo { time_ms, end_ms, factor } => {
                    levels.push((made, span(time_ms, end_ms, Some(factor))));
                }
                Correction::Shift { time_ms, end_ms } => levels.push((made, span(time_ms, end_ms, None))),
                point => asked.note(point, duration_ms),
            }
        }
        let taps: usize = rows.iter().map(|row| row.times_ms.len()).sum();
        let rows = that_speak(rows, duration_ms);
        asked.stray_taps = taps - rows.iter().map(|row| row.times_ms.len()).sum::<usize>();
        let levels = levels.into_iter().map(|(made, level)| (made, Change::Level(level)));
        let rows = rows.into_iter().map(|row| (row.made, Change::Taps(row)));
        let mut changes: Vec<(usize, Change)> = levels.chain(rows).collect();
        changes.sort_by_key(|(made, _)| *made);
        asked.changes = changes.into_iter().map(|(_, change)| change).collect();
        asked
    }

    /// Points and bars.
    fn note(&mut self, correction: Correction, duration_ms: u32) {
        let within = |time_ms: u32| time_ms.min(duration_ms);
        match correction {
            Correction::Beat { time_ms, moved_from_ms } => {
                if let Some(from_ms) = moved_from_ms {
                    let started = self
                        .bars
                        .starts
                        .range(same(within(from_ms)))
                        .next()
                        .map(|(at, starts)| (*at, *starts));
                    self.points.remove(within(from_ms), true);
                    // A bar that was said to start at the beat starts where it was dragged to.
                    if let Some((at, starts)) = started {
                        self.bars.starts.remove(&at);
                        self.bars.starts.insert(within(time_ms), starts);
                    }
                }
                self.points.put(within(time_ms));
            }
            Correction::NoBeat { time_ms } => {
                self.points.remove(within(time_ms), false);
                forget(&mut self.bars.starts, within(time_ms));
            }
            Correction::Downbeat { time_ms } => {
                self.points.put(within(time_ms));
                self.start(within(time_ms), true);
            }
            Correction::NotDownbeat { time_ms } => self.start(within(time_ms), false),
            Correction::Meter { time_ms, end_ms, beats_per_bar } => {
                forget(&mut self.bars.meters, within(time_ms));
                self.bars.meters.insert(within(time_ms), (beats_per_bar.max(1), end_ms));
            }
            Correction::Tap { .. } | Correction::Tempo { .. } | Correction::Shift { .. } => {}
        }
    }

    fn start(&mut self, time_ms: u32, starts: bool) {
        forget(&mut self.bars.starts, time_ms);
        self.bars.starts.insert(time_ms, starts);
    }
}

fn span(time_ms: u32, end_ms: Option<u32>, factor: Option<Factor>) -> Level {
    let to_ms = end_ms.map_or(f64::INFINITY, f64::from);
    Level { from_ms: time_ms.into(), to_ms, factor }
}

/// Adds a tap to the row that it goes on, or begins another.
fn tap(rows: &mut Vec<Row>, made: usize, time_ms: u32) {
    let time_ms = f64::from(time_ms);
    match rows.last_mut() {
        Some(row)
            if row
                .times_ms
                .last()
                .is_some_and(|last| *last < time_ms && time_ms - last <= ROW_ENDS_MS.into()) =>
        {
            row.times_ms.push(time_ms);
            row.made = made;
        }
        _ => rows.push(Row { times_ms: vec![time_ms], claim_ms: (0.0, 0.0), made }),
    }
}

/// Rows that are long enough and were not tapped over later, with what they speak for.
fn that_speak(rows: Vec<Row>, duration_ms: u32) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    for row in rows.into_iter().filter(|row| row.times_ms.len() >= FEWEST_TAPS).rev() {
        let apart = |other: &Row| row.last() < other.first() || other.last() < row.first();
        if kept.iter().all(apart) {
            kept.push(row);
        }
    }
    kept.sort_by(|a, b| a.first().total_cmp(&b.first()));
    let ends: Vec<(f64, f64)> = kept.iter().map(|row| (row.first(), row.last())).collect();
    for (i, row) in kept.iter_mut().enumerate() {
        let from = i.checked_sub(1).map_or(0.0, |before| f64::midpoint(ends[before].1, ends[i].0));
        let to = ends.get(i + 1).map_or(duration_ms.into(), |after| f64::midpoint(ends[i].1, after.0));
        row.claim_ms = (from, to);
    }
    kept
}

impl Row {
    pub(super) fn first(&self) -> f64 {
        self.times_ms.first().copied().unwrap_or_default()
    }

    pub(super) fn last(&self) -> f64 {
        self.times_ms.last().copied().unwrap_or_default()
    }
}
