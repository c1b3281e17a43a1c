//! A song as it is drawn: form, metres, tempo, key, who plays when. [`Song::render`] plays it.

use super::genre::Genre;
use super::harmony::{self, Tonality};
use super::recipes::{Feel, Groove, Recipe};
use super::tempo::{Swing, TempoPlan};
use crate::{Meter, Rng};

/// A song of a genre.
#[derive(Debug, Clone, PartialEq)]
pub struct Song {
    /// What kind of music it is.
    pub genre: Genre,
    /// What it was drawn from.
    pub seed: u64,
    /// Tempo of the first beat, in beats per minute.
    pub bpm: f64,
    /// How the tempo moves.
    pub tempo: TempoPlan,
    /// Swing; `None` where notes are even.
    pub swing: Option<Swing>,
    /// Key.
    pub tonality: Tonality,
    /// Sections, in order.
    pub sections: Vec<Section>,
    /// Beats of the first bar that are left out: what remains of it is the upbeat.
    pub missing_beats: u32,
    /// Seconds before the first beat.
    pub lead_in_s: f64,
    /// Sample rate, in Hz.
    pub sample_rate_hz: u32,
    pub(super) sound: Sound,
}

/// A stretch of bars that are played alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Equal letters sound alike.
    pub label: char,
    /// Metre of each bar.
    pub bars: Vec<Meter>,
    pub(super) part: Part,
}

/// What is played in the sections of one letter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Which of the genre's grooves.
    pub(super) groove: usize,
    /// Chord of each bar, as a scale degree; repeated.
    pub(super) chords: Vec<usize>,
    /// Scale step above the chord for each step of two bars.
    pub(super) tune: Vec<Option<usize>>,
    pub(super) drums: bool,
    pub(super) bass: bool,
    pub(super) comp: bool,
    pub(super) lead: bool,
}

/// How it is mixed and how exactly it is played.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sound {
    /// Gains of drums, bass, chords and tune around 1.
    pub(super) gains: [f64; 4],
    /// Share of the room, 0 to 1, and its decay, in seconds.
    pub(super) wet: f64,
    pub(super) decay_s: f64,
    pub(super) peak: f64,
    /// Largest deviation of a note from its place, in seconds.
    pub(super) loose_s: f64,
    /// Attack of bowed strings, in seconds.
    pub(super) bow_s: f64,
}

const FORMS: [&str; 6] = ["IABAB", "ABAB", "IABACB", "ABCB", "AABA", "IAABC"];

impl Song {
    /// Draws a song: the same genre and seed give the same song.
    #[must_use]
    pub fn random(genre: Genre, seed: u64) -> Self {
        let recipe = genre.recipe();
        let mut rng = Rng::new(seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(genre as u64));
        let bpm = between(&mut rng, recipe.bpm.0, recipe.bpm.1);
        let bpm = if recipe.feel == Feel::Machine { bpm.round() } else { bpm };
        let tonality = Tonality::random(&mut rng, recipe.minor);
        let sections = sections(&mut rng, recipe, tonality, bpm);
        let swing =
            recipe.swing.map(|(least, most, pairs)| Swing { ratio: between(&mut rng, least, most), pairs });
        let missing_beats = if rng.unit() < 0.12 { recipe.meter.beats() - 1 } else { 0 };
        Self {
            genre,
            seed,
            bpm,
            tempo: tempo(&mut rng, recipe.feel, &sections),
            swing: swing.filter(|swing| swing.ratio > 1.05),
            tonality,
            sections,
            missing_beats,
            lead_in_s: between(&mut rng, 0.05, 1.2),
            sample_rate_hz: *rng.pick(&[44_100, 44_100, 44_100, 48_000, 22_050]),
            sound: sound(&mut rng, recipe.feel),
        }
    }

    /// A name that tells the songs of a genre apart: `3-118-drift`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{:.0}-{}", self.seed, self.bpm, self.tempo.name())
    }
}

fn between(rng: &mut Rng, least: f64, most: f64) -> f64 {
    least + (most - least) * rng.unit()
}

/// A form of about a minute.
fn sections(rng: &mut Rng, recipe: &Recipe, tonality: Tonality, bpm: f64) -> Vec<Section> {
    let form = *rng.pick(&FORMS);
    let bar_s = f64::from(recipe.meter.beats()) * 60.0 / bpm;
    let bars = between(rng, 45.0, 70.0) / bar_s / form.len() as f64;
    let bars = ((bars / 2.0).round() as usize * 2).clamp(2, 16);
    let changes = recipe.other_meter.filter(|_| rng.unit() < 0.4);
    let mut known: Vec<(char, Part)> = Vec::new();
    let section = |label: char| {
        if !known.iter().any(|(letter, _)| *letter == label) {
            known.push((label, part(rng, recipe, tonality, label)));
        }
        let place = known.iter().position(|(letter, _)| *letter == label).unwrap_or(0);
        let mut meters = vec![recipe.meter; bars];
        match changes {
            // Less than a bar is put in at the end; another metre holds for the section.
            Some(other) if label == 'A' && other.count < 3 => meters.push(other),
            Some(other) if label == 'B' && other.count >= 3 => meters = vec![other; bars],
            _ => {}
        }
        Section { label, bars: meters, part: known[place].1.clone() }
    };
    form.chars().map(section).collect()
}

/// Who plays what in the sections of a letter: `I` begins, `C` breathes, `B` has the tune.
fn part(rng: &mut Rng, recipe: &Recipe, tonality: Tonality, label: char) -> Part {
    let mut chance = |share: f64| rng.unit() < share;
    let (drums, bass) = match label {
        'I' => (chance(0.7), chance(0.5)),
        'C' => (chance(0.5), chance(0.6)),
        _ => (true, true),
    };
    let lead = recipe.sings || label == 'B' || chance(0.35);
    let groove = rng.below(recipe.grooves.len());
    let Groove { div, .. } = recipe.grooves[groove];
    let steps = 2 * div * recipe.meter.beats() as usize;
    let weak = if div > 3 && recipe.busy < 0.8 { 0.5 * recipe.busy } else { recipe.busy };
    let tune = harmony::tune(rng, steps, div, weak);
    Part { groove, chords: tonality.chord_loop(rng), tune, drums, bass, comp: true, lead }
}

fn tempo(rng: &mut Rng, feel: Feel, sections: &[Section]) -> TempoPlan {
    let share = rng.unit();
    let to = if rng.unit() < 0.5 { between(rng, 0.8, 0.92) } else { between(rng, 1.08, 1.25) };
    let beats = |sections: &[Section]| sections.iter().flat_map(|s| &s.bars).map(|m| m.beats()).sum::<u32>();
    let turn = sections.len() / 2;
    let after = f64::from(beats(&sections[..turn])) / f64::from(beats(sections));
    let drift = TempoPlan::Drift { depth: between(rng, 0.02, 0.07) };
    let phrase = 4 * sections[0].bars[0].beats() as usize;
    let rubato = TempoPlan::Rubato { depth: between(rng, 0.15, 0.45), beats: phrase };
    match feel {
        Feel::Machine if share < 0.85 => TempoPlan::Constant,
        Feel::Machine => TempoPlan::Ramp { to },
        Feel::Band if share < 0.45 => TempoPlan::Constant,
        Feel::Band if share < 0.75 => drift,
        Feel::Band if share < 0.88 => TempoPlan::Ramp { to },
        Feel::Band => TempoPlan::Step { to, after },
        Feel::Free if share < 0.25 => TempoPlan::Constant,
        Feel::Free if share < 0.55 => drift,
        Feel::Free => rubato,
    }
}

fn sound(rng: &mut Rng, feel: Feel) -> Sound {
    let loosest_s = match feel {
        Feel::Machine => 0.0,
        Feel::Band => 0.010,
        Feel::Free => 0.018,
    };
    Sound {
        gains: [0, 1, 2, 3].map(|_| between(rng, 0.6, 1.4)),
        wet: between(rng, 0.0, 0.35),
        decay_s: between(rng, 0.3, 1.6),
        peak: between(rng, 0.3, 0.97),
        loose_s: loosest_s * rng.unit(),
        bow_s: between(rng, 0.03, 0.07),
    }
}
