//! Sections and their repeats.
//!
//! Power spectra each 10 ms and chroma each 100 ms in; sections with letters out, once the downbeats are known.

use crate::chroma::{ANCHOR_MS, ChromaAnchor, PitchClasses};
use crate::events::{Event, EventData, EventType};
use crate::novelty::{self, Peak};
use crate::section_labels::{self, Label};
use crate::units::seconds_to_ms;

/// Length of a cell, in ms: features are kept as their means over cells.
const CELL_MS: u32 = 500;
/// Hop of the spectra taken, in ms.
const SPECTRUM_MS: u32 = 10;
/// Spectra whose powers are averaged before they become decibels: 100 ms, ten times fewer logarithms.
const SPECTRA_PER_LEVEL: u32 = 10;
const LEVELS_PER_CELL: u32 = CELL_MS / SPECTRUM_MS / SPECTRA_PER_LEVEL;
const ANCHORS_PER_CELL: u32 = CELL_MS / ANCHOR_MS;
/// Bands of colour, evenly spaced on a logarithmic axis between the two edges, in Hz.
const COLOURS: usize = 12;
const LOWEST_HZ: f32 = 60.0;
const HIGHEST_HZ: f32 = 12_000.0;
/// Values of a cell: chroma, colour, level.
const VALUES: usize = 12 + COLOURS + 1;
/// A cell's levels are kept in half dB above this floor.
const FLOOR_DB: f32 = -100.0;
/// A cell quieter than this (mean power of a full-scale sine is 0 dB) is silent.
const SILENCE_DB: f32 = -75.0;
/// Music shorter than this has no sections worth naming, in seconds.
const LEAST_SECONDS: f64 = 16.0;
/// Cells joined where there are no bars, and the least length of a unit of bars, in seconds.
const UNIT_SECONDS: f64 = 1.0;
/// Bars needed before they are taken as the grid.
const LEAST_BARS: usize = 8;
/// Weights of the three kinds of feature in the distance between two units.
const CHROMA_WEIGHT: f32 = 1.0;
const COLOUR_WEIGHT: f32 = 1.0;
const LEVEL_WEIGHT: f32 = 0.7;
/// Spread under which a level or colour is taken as steady, in dB, so that featureless sound is not blown up.
const LEAST_SPREAD_DB: f32 = 3.0;

/// Features of one unit (a bar, or a second), scaled so that Euclidean distances compare.
pub(crate) type Features = [f32; VALUES];

/// A stretch of music with one character.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Where it begins, in ms.
    pub start_ms: u64,
    /// Where it ends, in ms.
    pub end_ms: u64,
    /// `A`, `B`, …, after `Z` `AA`: sections with equal labels repeat one another; `A'` is a variation of `A`.
    pub label: String,
    /// How marked its boundaries are, 0 to 1.
    pub confidence: f32,
}

impl Section {
    /// The section as an event.
    #[must_use]
    pub fn event(&self) -> Event {
        let clamp = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        Event {
            time_ms: clamp(self.start_ms),
            duration_ms: Some(clamp(self.end_ms - self.start_ms)),
            event_type: EventType::Section,
            confidence: Some(self.confidence),
            event_data: Some(EventData::Section { label: self.label.clone() }),
        }
    }
}

/// Collects what sections are found by: chroma, 12 bands of colour and level, as means over half seconds, a byte
/// each; 50 bytes a second of audio.
///
/// At the end the cells are averaged over bars (over seconds where there are no bars), and boundaries are the peaks of
/// the novelty of their self-similarity: J. Foote, "Automatic audio segmentation using a measure of audio novelty"
/// (ICME 2000). Cost and memory are linear in the length: the similarity is kept in a band around its diagonal.
#[derive(Debug, Clone)]
pub struct StructureTracker {
    /// First bin of each colour band, and the end of the last.
    edges: [usize; COLOURS + 1],
    cells: Vec<[u8; COLOURS + 1]>,
    chroma_cells: Vec<[u8; 12]>,
    power_sum: [f32; COLOURS],
    spectra: u32,
    colour_sum: [f32; COLOURS + 1],
    levels: u32,
    chroma_sum: PitchClasses,
    anchors: u32,
}

impl StructureTracker {
    /// Plans for power spectra of `bins` bins, `bin_hz` apart.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive bin numbers")]
    pub fn new(bins: usize, bin_hz: f32) -> Self {
        let edge = |i: usize| {
            let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(i as f32 / COLOURS as f32);
            ((hz / bin_hz).round() as usize).min(bins)
        };
        Self {
            edges: std::array::from_fn(edge),
            cells: Vec::new(),
            chroma_cells: Vec::new(),
            power_sum: [0.0; COLOURS],
            spectra: 0,
            colour_sum: [0.0; COLOURS + 1],
            levels: 0,
            chroma_sum: [0.0; 12],
            anchors: 0,
        }
    }

    /// Takes the power spectrum of the next 10 ms (`bins` bins; what is missing counts as silence).
    pub fn push_spectrum(&mut self, power: &[f32]) {
        for (band, total) in self.power_sum.iter_mut().enumerate() {
            let (from, to) = (self.edges[band].min(power.len()), self.edges[band + 1].min(power.len()));
            *total += sum(&power[from..to]);
        }
        self.spectra += 1;
        if self.spectra == SPECTRA_PER_LEVEL {
            self.close_level();
        }
    }

    fn close_level(&mut self) {
        let count = self.spectra as f32;
        for (colour, power) in self.colour_sum.iter_mut().zip(&self.power_sum) {
            *colour += level_db(power / count);
        }
        self.colour_sum[COLOURS] += level_db(self.power_sum.iter().sum::<f32>() / count);
        self.power_sum = [0.0; COLOURS];
        self.spectra = 0;
        self.levels += 1;
        if self.levels == LEVELS_PER_CELL {
            self.close_cell();
        }
    }

    fn close_cell(&mut self) {
        let count = self.levels as f32;
        self.cells.push(self.colour_sum.map(|sum| byte(2.0 * (sum / count - FLOOR_DB))));
        self.colour_sum = [0.0; COLOURS + 1];
        self.levels = 0;
    }

    /// Takes the next chroma anchor.
    pub fn push_anchor(&mut self, anchor: &ChromaAnchor) {
        for (sum, class) in self.chroma_sum.iter_mut().zip(&anchor.chroma) {
            *sum += class;
        }
        self.anchors += 1;
        if self.anchors == ANCHORS_PER_CELL {
            self.close_chroma_cell();
        }
    }

    fn close_chroma_cell(&mut self) {
        let count = self.anchors as f32;
        self.chroma_cells.push(self.chroma_sum.map(|sum| byte(255.0 * sum / count)));
        self.chroma_sum = [0.0; 12];
        self.anchors = 0;
    }

    /// The sections of all that was heard, in order and without gaps, given the times of its downbeats, in
    /// seconds and ascending. Empty when the music is too short, silent, or of one character throughout.
    #[must_use]
    pub fn finish(mut self, downbeats_s: &[f64], duration_s: f64) -> Vec<Section> {
        if self.spectra > 0 {
            self.close_level();
        }
        if self.levels > 0 {
            self.close_cell();
        }
        if self.anchors > 0 {
            self.close_chroma_cell();
        }
        if self.cells.is_empty() || duration_s < LEAST_SECONDS || !self.sounds() {
            return Vec::new();
        }
        let starts = unit_starts(downbeats_s, duration_s);
        let features = self.features(&starts, duration_s);
        let unit_seconds = duration_s / starts.len() as f64;
        let peaks = novelty::boundaries(&features, unit_seconds);
        sections(&starts, &features, &peaks, duration_s)
    }

    fn sounds(&self) -> bool {
        let loudest = self.cells.iter().map(|cell| cell[COLOURS]).max().unwrap_or(0);
        f32::from(loudest) / 2.0 + FLOOR_DB > SILENCE_DB
    }

    /// Scaled features of every unit.
    fn features(&self, starts: &[f64], duration_s: f64) -> Vec<Features> {
        let ends = starts[1..].iter().copied().chain([duration_s]);
        let mut units: Vec<Features> =
            starts.iter().zip(ends).map(|(&from, to)| self.mean(from, to)).collect();
        for unit in &mut units {
            let length = unit[..12].iter().map(|c| c * c).sum::<f32>().sqrt().max(1e-3);
            unit[..12].iter_mut().for_each(|class| *class *= CHROMA_WEIGHT / length);
        }
        for value in 12..VALUES {
            let weight =
                if value == VALUES - 1 { LEVEL_WEIGHT } else { COLOUR_WEIGHT / (COLOURS as f32).sqrt() };
            standardise(&mut units, value, weight);
        }
        units
    }

    /// Mean over the cells between two times: chroma, colour against the level, level, both in dB.
    fn mean(&self, from_s: f64, to_s: f64) -> Features {
        let cell_s = f64::from(CELL_MS) / 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "cells of a track's length"
        )]
        let (first, last) = ((from_s / cell_s) as usize, (to_s / cell_s).ceil() as usize);
        let (mut sum, mut weights) = ([0.0_f32; VALUES], 0.0_f32);
        for cell in first..last.min(self.cells.len()).max(first + 1) {
            let cell = cell.min(self.cells.len() - 1);
            let start = cell as f64 * cell_s;
            #[expect(clippy::cast_possible_truncation, reason = "a share of a cell")]
            let overlap = ((to_s.min(start + cell_s) - from_s.max(start)) / cell_s).max(1e-3) as f32;
            let level = f32::from(self.cells[cell][COLOURS]) / 2.0 + FLOOR_DB;
            for (class, sum) in sum[..12].iter_mut().enumerate() {
                *sum += overlap
                    * self.chroma_cells.get(cell).map_or(0.0, |chroma| f32::from(chroma[class]) / 255.0);
            }
            for (band, sum) in sum[12..12 + COLOURS].iter_mut().enumerate() {
                let colour = f32::from(self.cells[cell][band]) / 2.0 + FLOOR_DB - level;
                *sum += overlap * if level < SILENCE_DB { -30.0 } else { colour.max(-60.0) };
            }
            sum[VALUES - 1] += overlap * level.max(SILENCE_DB);
            weights += overlap;
        }
        sum.map(|value| value / weights)
    }
}

/// Starts of the units: downbeats, every second, third … one where bars are short, or whole seconds without bars.
/// The first unit begins at 0.
fn unit_starts(downbeats_s: &[f64], duration_s: f64) -> Vec<f64> {
    let inside: Vec<f64> =
        downbeats_s.iter().copied().filter(|&t| t >= 0.0 && t < duration_s - 0.25).collect();
    let span = inside.last().zip(inside.first()).map_or(0.0, |(last, first)| last - first);
    if inside.len() < LEAST_BARS || span < 0.5 * duration_s {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a track's length"
        )]
        let count = (duration_s / UNIT_SECONDS).floor().max(1.0) as usize;
        return (0..count).map(|i| i as f64 * UNIT_SECONDS).collect();
    }
    let mut starts = vec![0.0];
    for &downbeat in &inside {
        let last = starts[starts.len() - 1];
        if starts.len() == 1 && downbeat < UNIT_SECONDS {
            starts[0] = downbeat; // a pick-up belongs to the first bar
        } else if downbeat - last >= UNIT_SECONDS - 1e-6 {
            starts.push(downbeat);
        }
    }
    starts
}

fn standardise(units: &mut [Features], value: usize, weight: f32) {
    let count = units.len() as f32;
    let mean = units.iter().map(|unit| unit[value]).sum::<f32>() / count;
    let spread = (units.iter().map(|unit| (unit[value] - mean).powi(2)).sum::<f32>() / count).sqrt();
    let scale = weight / spread.max(LEAST_SPREAD_DB);
    units.iter_mut().for_each(|unit| unit[value] = (unit[value] - mean) * scale);
}

/// Sections between the boundaries; neighbours of one letter are one.
fn sections(starts: &[f64], features: &[Features], peaks: &[Peak], duration_s: f64) -> Vec<Section> {
    if peaks.is_empty() {
        return Vec::new();
    }
    let mut bounds: Vec<usize> = vec![0];
    bounds.extend(peaks.iter().map(|peak| peak.unit));
    bounds.push(features.len());
    let labels = section_labels::assign(features, &bounds);
    let mut sections: Vec<Section> = Vec::new();
    let mut kept: Vec<Label> = Vec::new();
    for (i, &label) in labels.iter().enumerate() {
        let start_ms = if i == 0 { 0 } else { seconds_to_ms(starts[bounds[i]]) };
        let end_ms =
            if i == peaks.len() { seconds_to_ms(duration_s) } else { seconds_to_ms(starts[bounds[i + 1]]) };
        let sides = [i.checked_sub(1).map(|p| peaks[p].confidence), peaks.get(i).map(|peak| peak.confidence)];
        let count = sides.iter().flatten().count().max(1) as f32;
        let confidence = sides.iter().flatten().sum::<f32>() / count;
        match sections.last_mut() {
            Some(last) if kept.last().is_some_and(|kept| kept.letter == label.letter) => last.end_ms = end_ms,
            _ => {
                sections.push(Section { start_ms, end_ms, label: String::new(), confidence });
                kept.push(label);
            }
        }
    }
    for (section, name) in sections.iter_mut().zip(section_labels::names(&kept)) {
        section.label = name;
    }
    if sections.len() > 1 { sections } else { Vec::new() }
}

/// Sum in eight lanes, which the compiler keeps in one register, in an order that never varies.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let eights = values.chunks_exact(8);
    let rest: f32 = eights.remainder().iter().sum();
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane += value;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

fn level_db(power: f32) -> f32 {
    crate::units::power_to_db(power).max(FLOOR_DB)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of u8")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
