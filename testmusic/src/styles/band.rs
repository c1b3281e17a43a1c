//! Plays a song: lays out its bars, tells what is true of it, and lets each part of the band play each bar.

use super::player::Player;
use super::recipes::Groove;
use super::song::{Section, Song};
use crate::{Meter, Piece, Rng, Truth};

/// Seconds after the last beat, for what still sounds.
const TAIL_S: f64 = 1.5;

/// A bar as it is played.
pub(super) struct Bar<'a> {
    /// Starts of its beats and, last, its end. An upbeat's are those that sound.
    pub(super) times: &'a [f64],
    pub(super) groove: &'a Groove,
    pub(super) chord: usize,
    /// Number in its section, from 0.
    pub(super) index: usize,
    /// Beats that are left out at its start.
    pub(super) skip: usize,
    /// Whether it ends its section.
    pub(super) last: bool,
}

impl Song {
    /// Plays it.
    #[must_use]
    pub fn render(&self) -> Piece {
        let mut rng = Rng::new(self.seed ^ 0x00A1_1E57_0000_0000);
        let beats = self.bars().map(|(_, meter)| meter.beats()).sum::<u32>() - self.missing_beats;
        let times = self.tempo.times(self.bpm, self.lead_in_s, beats as usize, &mut rng);
        let mut truth = self.truth(&times);
        let end_s = times.last().copied().unwrap_or_default();
        let mut player = Player::new(self, end_s + TAIL_S, rng);
        let (mut at, mut skip) = (0, self.missing_beats as usize);
        for section in &self.sections {
            truth.sections.push((times[at], section.label));
            for (index, meter) in section.bars.iter().enumerate() {
                let end = at + meter.beats() as usize - skip;
                let bar = Bar { skip, ..self.bar(section, index, &times[at..=end]) };
                self.note_bar(&mut truth, &bar, *meter);
                player.play(&section.part, &bar);
                (at, skip) = (end, 0);
            }
        }
        let (left, right) = player.finish();
        Piece { sample_rate_hz: self.sample_rate_hz, left, right, truth }
    }

    fn bars(&self) -> impl Iterator<Item = (&Section, &Meter)> {
        self.sections.iter().flat_map(|section| section.bars.iter().map(move |meter| (section, meter)))
    }

    fn bar<'a>(&self, section: &Section, index: usize, times: &'a [f64]) -> Bar<'a> {
        let part = &section.part;
        Bar {
            times,
            groove: &self.genre.recipe().grooves[part.groove],
            chord: part.chords[index % part.chords.len()],
            index,
            skip: 0,
            last: index + 1 == section.bars.len(),
        }
    }

    /// What is true of the whole.
    fn truth(&self, times: &[f64]) -> Truth {
        let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_by(f64::total_cmp);
        Truth {
            beats: times[..times.len() - 1].to_vec(),
            tempo_bpm: 60.0 / steps[steps.len() / 2],
            beats_per_bar: self.genre.recipe().meter.beats(),
            swing_ratio: self.swing.map(|swing| swing.ratio),
            key: self.tonality.name(),
            ..Truth::default()
        }
    }

    /// What is true of a bar.
    fn note_bar(&self, truth: &mut Truth, bar: &Bar<'_>, meter: Meter) {
        let start_s = bar.times[0];
        if bar.skip == 0 {
            truth.downbeats.push(start_s);
        }
        if truth.meters.last().is_none_or(|(_, known)| *known != meter) {
            truth.meters.push((start_s, meter));
        }
        let chord = self.tonality.chord_name(bar.chord);
        if truth.chords.last().is_none_or(|(_, known)| *known != chord) {
            truth.chords.push((start_s, chord));
        }
    }
}
