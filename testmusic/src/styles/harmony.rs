//! Keys, chords and tunes.

use crate::Rng;

const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];

/// Roots as scale degrees, 0 the tonic. Each loop starts on the tonic or soon comes to it.
const MAJOR_LOOPS: [&[usize]; 8] = [
    &[0, 4, 5, 3],
    &[0, 5, 3, 4],
    &[0, 3, 4, 4],
    &[0, 3, 0, 4],
    &[0, 5, 1, 4],
    &[0, 0, 3, 4],
    &[0, 2, 3, 4, 0, 5, 3, 4],
    &[0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4],
];
const MINOR_LOOPS: [&[usize]; 6] =
    [&[0, 5, 2, 6], &[0, 3, 5, 4], &[0, 6, 5, 4], &[0, 5, 3, 4], &[0, 0, 3, 4], &[0, 3, 0, 4, 0, 5, 3, 4]];

/// A key to play in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tonality {
    /// Pitch class of the tonic, C = 0.
    pub tonic: u8,
    /// Minor rather than major.
    pub minor: bool,
    /// The dominant of minor has the leading note.
    pub leading: bool,
}

impl Tonality {
    pub(super) fn random(rng: &mut Rng, share_minor: f64) -> Self {
        let tonic = rng.below(12) as u8;
        Self { tonic, minor: rng.unit() < share_minor, leading: rng.unit() < 0.7 }
    }

    /// For example `A minor`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{} {}", NAMES[usize::from(self.tonic % 12)], if self.minor { "minor" } else { "major" })
    }

    pub(super) fn chord_loop(self, rng: &mut Rng) -> Vec<usize> {
        if self.minor { rng.pick(&MINOR_LOOPS).to_vec() } else { rng.pick(&MAJOR_LOOPS).to_vec() }
    }

    /// Semitones above the tonic of a scale step, which may reach over the octave.
    fn semitones(self, step: usize) -> i32 {
        let scale = if self.minor { &MINOR } else { &MAJOR };
        scale[step % 7] + 12 * i32::try_from(step / 7).unwrap_or(0)
    }

    /// Frequency of a scale step in an octave (4 is that of A440), against a chord.
    pub(super) fn hz(self, chord: usize, step: usize, octave: i32) -> f64 {
        let raised = i32::from(self.leading && self.minor && chord % 7 == 4 && step % 7 == 6);
        let midi = 12 * (octave + 1) + i32::from(self.tonic % 12) + self.semitones(step) + raised;
        440.0 * (f64::from(midi - 69) / 12.0).exp2()
    }

    /// Frequency of a chord's tone: 0 its root, 1 its third, 2 its fifth, 3 its seventh. Roots lie in the octave from
    /// a fourth below the tonic, so that chords stay near one another.
    pub(super) fn tone_hz(self, chord: usize, tone: usize, octave: i32) -> f64 {
        let down = if chord >= 4 { 1 } else { 0 };
        self.hz(chord, chord + 2 * tone, octave - down)
    }

    /// Name of the triad: `Am`, `F`, `Bdim`.
    pub(super) fn chord_name(self, chord: usize) -> String {
        let above = |tone: usize| {
            (12.0 * (self.hz(chord, chord + 2 * tone, 4) / self.hz(chord, chord, 4)).log2()).round()
        };
        let root = (i32::from(self.tonic) + self.semitones(chord)).rem_euclid(12);
        let quality = match (above(1) as i32, above(2) as i32) {
            (3, 6) => "dim",
            (3, _) => "m",
            _ => "",
        };
        format!("{}{quality}", NAMES[usize::try_from(root).unwrap_or(0)])
    }
}

/// A tune of one bar: for every step of it, a scale step above the chord's root, or nothing. Strong steps are likely,
/// weak ones less so, and neighbours lie near one another.
pub(super) fn tune(rng: &mut Rng, steps: usize, per_beat: usize, busy: f64) -> Vec<Option<usize>> {
    let mut at = *rng.pick(&[0, 2, 4]);
    (0..steps)
        .map(|step| {
            let likely = if step.is_multiple_of(per_beat) { busy.max(0.65) + 0.1 } else { busy };
            let moved = at as f64 + (4.0 * rng.unit() - 2.0).round();
            at = moved.clamp(0.0, 7.0) as usize;
            (rng.unit() < likely).then_some(at)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_have_their_names_and_notes() {
        let a_minor = Tonality { tonic: 9, minor: true, leading: true };
        assert_eq!(a_minor.name(), "A minor");
        let names: Vec<String> = (0..7).map(|degree| a_minor.chord_name(degree)).collect();
        assert_eq!(names, ["Am", "Bdim", "C", "Dm", "E", "F", "G"]);
        assert!((a_minor.tone_hz(0, 0, 4) - 440.0).abs() < 1e-9);
        let natural = Tonality { leading: false, ..a_minor };
        assert_eq!(natural.chord_name(4), "Em");
        let d_major = Tonality { tonic: 2, minor: false, leading: true };
        assert_eq!(d_major.chord_name(4), "A");
    }
}
