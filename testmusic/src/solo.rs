//! One instrument alone, each note at a time that is known to the sample.

use crate::voices::Mix;
use crate::{Piece, Rng, Truth};

/// An instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Kick drum.
    Kick,
    /// Snare drum.
    Snare,
    /// Hi-hat, closed.
    Hat,
    /// Plucked bass.
    Bass,
    /// Plucked string.
    Pluck,
    /// Struck strings under a hammer.
    Piano,
    /// A tune with vibrato, attack 12 ms.
    Lead,
    /// Strings with a slow attack, 80 ms.
    Strings,
    /// Kick, snare, hat, bass, pluck and piano by turns at random, over quiet strings.
    Band,
}

impl Voice {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Kick,
        Self::Snare,
        Self::Hat,
        Self::Bass,
        Self::Pluck,
        Self::Piano,
        Self::Lead,
        Self::Strings,
        Self::Band,
    ];
}

/// Plays `count` notes 0.16 to 0.5 s apart, of chosen pitch and loudness (within 8 dB); gives the piece and the
/// time of each note in seconds, which is that of a sample.
#[must_use]
pub fn solo(voice: Voice, count: usize, sample_rate_hz: u32, seed: u64) -> (Piece, Vec<f64>) {
    let mut rng = Rng::new(seed);
    let rate = f64::from(sample_rate_hz);
    let mut time = 0.3;
    let times: Vec<f64> = (0..count)
        .map(|_| {
            let now = (time * rate).round() / rate;
            time += 0.16 + 0.34 * rng.unit();
            now
        })
        .collect();
    let mut mix = Mix::new(time + 1.0, sample_rate_hz);
    if voice == Voice::Band {
        [110.0, 164.81, 220.0].iter().for_each(|hz| mix.pad(0.0, time + 1.0, *hz, 0.03, 0.0));
    }
    for at in &times {
        note(&mut mix, voice, *at, &mut rng);
    }
    mix.normalise(0.8);
    (Piece { sample_rate_hz, left: mix.left, right: mix.right, truth: Truth::default() }, times)
}

fn note(mix: &mut Mix, voice: Voice, at: f64, rng: &mut Rng) {
    let gain = 0.4 + 0.6 * rng.unit();
    let step =
        |rng: &mut Rng, lowest: f64| lowest * (f64::from(*rng.pick(&[0, 2, 4, 5, 7, 9, 12])) / 12.0).exp2();
    match voice {
        Voice::Kick => mix.kick(at, gain),
        Voice::Snare => mix.snare(at, gain, rng),
        Voice::Hat => mix.hat(at, gain, false, rng),
        Voice::Bass => mix.bass(at, 0.4, step(rng, 55.0), gain),
        Voice::Pluck => mix.pluck(at, 0.6, step(rng, 220.0), 0.4 * gain, 0.0),
        Voice::Piano => mix.piano(at, 0.8, step(rng, 196.0), 0.4 * gain, 0.0),
        Voice::Lead => mix.lead(at, 0.3, step(rng, 440.0), 0.4 * gain, 0.0),
        Voice::Strings => mix.pad(at, 0.35, step(rng, 220.0), 0.4 * gain, 0.0),
        Voice::Band => {
            let any = [Voice::Kick, Voice::Snare, Voice::Hat, Voice::Bass, Voice::Pluck, Voice::Piano];
            let voice = *rng.pick(&any);
            note(mix, voice, at, rng);
        }
    }
}
