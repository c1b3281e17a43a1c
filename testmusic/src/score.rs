//! A small arranger: drums, bass, chords and a tune over a form of sections.

use crate::voices::Mix;
use crate::{Meter, Piece, Rng, Truth};

/// How the drums and bass play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Kick on one and three, snare on two and four, hats on eighths.
    Rock,
    /// Kick on every beat, open hat between, claps on two and four.
    House,
    /// Bass on one, chords on the other beats.
    Waltz,
    /// No drums: plucked chords on the beats and a tune.
    Ballad,
}

/// What to play.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Beats per minute at the start.
    pub tempo_bpm: f64,
    /// Tempo at the end; the beat length moves evenly between the two.
    pub end_tempo_bpm: f64,
    /// Beats in a bar (2..=7).
    pub beats_per_bar: u32,
    /// Pitch class of the tonic, C = 0.
    pub tonic: u8,
    /// Minor rather than major.
    pub minor: bool,
    /// One letter a section; equal letters sound alike.
    pub form: String,
    /// Bars in each section.
    pub bars_per_section: u32,
    /// How drums and bass play.
    pub style: Style,
    /// Seconds before the first beat.
    pub lead_in_s: f64,
    /// Sample rate, in Hz.
    pub sample_rate_hz: u32,
    /// Chooses the tune and the chords.
    pub seed: u64,
}

const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];

/// Chord roots as scale degrees (0 = tonic); every loop starts on the tonic and turns back to it.
const MAJOR_LOOPS: [[usize; 4]; 3] = [[0, 4, 5, 3], [0, 5, 3, 4], [0, 3, 1, 4]];
const MINOR_LOOPS: [[usize; 4]; 3] = [[0, 5, 2, 6], [0, 3, 6, 4], [0, 6, 5, 4]];

impl Default for Score {
    fn default() -> Self {
        Self {
            tempo_bpm: 120.0,
            end_tempo_bpm: 120.0,
            beats_per_bar: 4,
            tonic: 0,
            minor: false,
            form: "AB".into(),
            bars_per_section: 8,
            style: Style::Rock,
            lead_in_s: 0.25,
            sample_rate_hz: 44_100,
            seed: 1,
        }
    }
}

impl Score {
    /// The piece of the demonstration: 40 seconds in A minor at 116 BPM, in the form A B A B.
    #[must_use]
    pub fn demo() -> Self {
        let form = "ABAB".to_owned();
        let base = Self {
            tempo_bpm: 116.0,
            end_tempo_bpm: 116.0,
            tonic: 9,
            minor: true,
            seed: 7,
            ..Self::default()
        };
        Self { form, bars_per_section: 5, ..base }
    }

    /// Plays it.
    #[must_use]
    pub fn render(&self) -> Piece {
        let starts = self.beat_times();
        let seconds = starts.last().copied().unwrap_or_default() + 1.2;
        let mut mix = Mix::new(seconds, self.sample_rate_hz);
        let mut truth = self.empty_truth();
        truth.meters = vec![(self.lead_in_s, Meter::new(self.beats_per_bar, 4))];
        let mut rng = Rng::new(self.seed);
        let mut letters: Vec<(char, [usize; 4], Vec<usize>)> = Vec::new();
        for (section, letter) in self.form.chars().enumerate() {
            if !letters.iter().any(|known| known.0 == letter) {
                letters.push((letter, self.chord_loop(&mut rng, letters.len()), self.tune(&mut rng)));
            }
            let index = letters.iter().position(|known| known.0 == letter).unwrap_or(0);
            let first = section * (self.bars_per_section * self.beats_per_bar) as usize;
            truth.sections.push((starts[first], letter));
            let (_, chords, tune) = &letters[index];
            for bar in 0..self.bars_per_section as usize {
                let beat = first + bar * self.beats_per_bar as usize;
                let times = &starts[beat..=beat + self.beats_per_bar as usize];
                let degree = chords[bar % 4];
                truth.chords.push((times[0], self.chord_name(degree)));
                self.play_bar(&mut mix, times, degree, tune, index, bar, &mut rng);
            }
        }
        truth.beats = starts[..starts.len() - 1].to_vec();
        truth.downbeats = truth.beats.iter().copied().step_by(self.beats_per_bar as usize).collect();
        mix.normalise(0.89);
        Piece { sample_rate_hz: self.sample_rate_hz, left: mix.left, right: mix.right, truth }
    }

    /// Starts of all beats and, last, the end of the final bar.
    fn beat_times(&self) -> Vec<f64> {
        let beats = self.form.chars().count() as u32 * self.bars_per_section * self.beats_per_bar;
        let mut time = self.lead_in_s;
        let mut times = vec![time];
        for beat in 0..beats {
            let share = f64::from(beat) / f64::from(beats.max(1));
            time += 60.0 / self.tempo_bpm * (1.0 - share) + 60.0 / self.end_tempo_bpm * share;
            times.push(time);
        }
        times
    }

    fn empty_truth(&self) -> Truth {
        let mode = if self.minor { "minor" } else { "major" };
        let key = format!("{} {mode}", NAMES[usize::from(self.tonic % 12)]);
        Truth { tempo_bpm: self.tempo_bpm, beats_per_bar: self.beats_per_bar, key, ..Truth::default() }
    }

    fn chord_loop(&self, rng: &mut Rng, known: usize) -> [usize; 4] {
        let loops = if self.minor { &MINOR_LOOPS } else { &MAJOR_LOOPS };
        let first = (rng.unit() * 3.0) as usize;
        loops[(first + known) % 3]
    }

    /// Scale steps of a one-bar tune, one a half beat.
    fn tune(&self, rng: &mut Rng) -> Vec<usize> {
        (0..self.beats_per_bar * 2).map(|_| *rng.pick(&[0, 1, 2, 2, 4, 4, 5])).collect()
    }

    /// Semitones above the tonic of a scale step, which may reach over the octave.
    fn semitones(&self, step: usize) -> i32 {
        let scale = if self.minor { &MINOR } else { &MAJOR };
        scale[step % 7] + 12 * i32::try_from(step / 7).unwrap_or(0)
    }

    fn hz(&self, step: usize, octave: i32) -> f64 {
        let midi = 12 * (octave + 1) + i32::from(self.tonic % 12) + self.semitones(step);
        440.0 * (f64::from(midi - 69) / 12.0).exp2()
    }

    fn chord_name(&self, degree: usize) -> String {
        let root = (i32::from(self.tonic) + self.semitones(degree)).rem_euclid(12);
        let third = (self.semitones(degree + 2) - self.semitones(degree)).rem_euclid(12);
        let fifth = (self.semitones(degree + 4) - self.semitones(degree)).rem_euclid(12);
        let quality = match (third, fifth) {
            (3, 6) => "dim",
            (3, _) => "m",
            _ => "",
        };
        format!("{}{quality}", NAMES[usize::try_from(root).unwrap_or(0)])
    }

    #[expect(clippy::too_many_arguments, reason = "one bar is played in one place")]
    fn play_bar(
        &self,
        mix: &mut Mix,
        times: &[f64],
        degree: usize,
        tune: &[usize],
        section: usize,
        bar: usize,
        rng: &mut Rng,
    ) {
        let bar_s = times[times.len() - 1] - times[0];
        for note in 0..3 {
            let pan = -0.5 + 0.5 * note as f64;
            mix.pad(times[0], bar_s, self.hz(degree + 2 * note, 3), 0.07, pan);
        }
        for (beat, pair) in times.windows(2).enumerate() {
            let half = 0.5 * (pair[0] + pair[1]);
            let length = pair[1] - pair[0];
            self.play_drums(mix, pair[0], half, beat, rng);
            self.play_bass(mix, pair[0], half, length, degree, beat);
            if self.style != Style::Waltz || beat > 0 {
                for note in 0..3 {
                    mix.pluck(pair[0], length, self.hz(degree + 2 * note, 4), 0.09, 0.35);
                }
            }
            if section % 2 == 1 {
                let lead = [(pair[0], tune[2 * beat]), (half, tune[2 * beat + 1])];
                for (at, step) in lead {
                    mix.lead(at, 0.45 * length, self.hz(degree + step, 5), 0.10, -0.25);
                }
            } else if bar % 2 == 1 {
                mix.pluck(half, length, self.hz(degree + tune[beat], 5), 0.08, -0.4);
            }
        }
    }

    fn play_drums(&self, mix: &mut Mix, at: f64, half: f64, beat: usize, rng: &mut Rng) {
        match self.style {
            Style::Rock => {
                if beat.is_multiple_of(2) {
                    mix.kick(at, 0.9);
                } else {
                    mix.snare(at, 0.7, rng);
                }
                mix.hat(at, 0.5, false, rng);
                mix.hat(half, 0.35, false, rng);
            }
            Style::House => {
                mix.kick(at, 1.0);
                if beat % 2 == 1 {
                    mix.snare(at, 0.5, rng);
                }
                mix.hat(half, 0.6, true, rng);
            }
            Style::Waltz if beat == 0 => mix.kick(at, 0.6),
            Style::Waltz => mix.hat(at, 0.5, false, rng),
            Style::Ballad => {}
        }
    }

    fn play_bass(&self, mix: &mut Mix, at: f64, half: f64, length: f64, degree: usize, beat: usize) {
        let hz = self.hz(degree, 2);
        match self.style {
            Style::Rock => {
                mix.bass(at, 0.48 * length, hz, if beat == 0 { 0.34 } else { 0.24 });
                mix.bass(half, 0.45 * length, hz, 0.2);
            }
            Style::House => mix.bass(half, 0.45 * length, hz, 0.3),
            Style::Waltz | Style::Ballad if beat == 0 => mix.bass(at, 0.95 * length, hz, 0.36),
            Style::Waltz => {}
            Style::Ballad => mix.bass(at, 0.9 * length, self.hz(degree + 4, 2), 0.14),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_score_plays_the_same_samples() {
        let (a, b) = (Score::demo().render(), Score::demo().render());
        assert!(a.left == b.left && a.right == b.right && a.truth == b.truth);
        assert_ne!(Score { seed: 8, ..Score::demo() }.render().left, a.left);
    }

    #[test]
    fn truth_counts_every_beat_and_bar() {
        let piece = Score::demo().render();
        assert_eq!(piece.truth.beats.len(), 4 * 5 * 4);
        assert_eq!(piece.truth.downbeats.len(), 4 * 5);
        assert_eq!(piece.truth.chords[0].1, "Am");
        let gap = piece.truth.beats[1] - piece.truth.beats[0];
        assert!((gap - 60.0 / 116.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_clips_and_nothing_is_silent() {
        for style in [Style::Rock, Style::House, Style::Waltz, Style::Ballad] {
            let piece = Score { style, form: "A".into(), bars_per_section: 2, ..Score::default() }.render();
            let peak = piece.left.iter().chain(&piece.right).fold(0.0_f32, |m, s| m.max(s.abs()));
            assert!((0.5..=0.9).contains(&peak), "{style:?} peaks at {peak}");
        }
    }
}
