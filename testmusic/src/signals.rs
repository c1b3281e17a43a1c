//! Signals that are hardly music: clicks at known times, silence, noise, a tone.

use crate::{Piece, Rng, Truth};

/// Clicks of 4 ms (a decaying 2 kHz burst) at `first_s`, `first_s + 60/bpm`, …, the fourth of each a little
/// higher, so that bars of four can be heard.
#[must_use]
pub fn clicks(bpm: f64, first_s: f64, seconds: f64, sample_rate_hz: u32) -> Piece {
    let rate = f64::from(sample_rate_hz);
    let mut mono = vec![0.0; (seconds * rate) as usize];
    let mut truth = Truth { tempo_bpm: bpm, beats_per_bar: 4, ..Truth::default() };
    for beat in 0.. {
        let time = first_s + f64::from(beat) * 60.0 / bpm;
        let start = (time * rate).round() as usize;
        if time + 0.004 >= seconds {
            break;
        }
        truth.beats.push(start as f64 / rate);
        let hz = if beat % 4 == 0 { 2500.0 } else { 2000.0 };
        if beat % 4 == 0 {
            truth.downbeats.push(start as f64 / rate);
        }
        for (i, sample) in mono[start..].iter_mut().take((0.004 * rate) as usize).enumerate() {
            let t = i as f64 / rate;
            *sample = (0.8 * (-t * 900.0).exp() * (std::f64::consts::TAU * hz * t).cos()) as f32;
        }
    }
    piece(mono, sample_rate_hz, truth)
}

/// Digital silence.
#[must_use]
pub fn silence(seconds: f64, sample_rate_hz: u32) -> Piece {
    piece(vec![0.0; (seconds * f64::from(sample_rate_hz)) as usize], sample_rate_hz, Truth::default())
}

/// White noise of the given peak.
#[must_use]
pub fn noise(seconds: f64, sample_rate_hz: u32, peak: f32, seed: u64) -> Piece {
    let mut rng = Rng::new(seed);
    let count = (seconds * f64::from(sample_rate_hz)) as usize;
    piece((0..count).map(|_| peak * rng.noise()).collect(), sample_rate_hz, Truth::default())
}

/// A steady sine.
#[must_use]
pub fn tone(hz: f64, seconds: f64, sample_rate_hz: u32, peak: f32) -> Piece {
    let rate = f64::from(sample_rate_hz);
    let sample = |i: usize| peak * (std::f64::consts::TAU * hz * i as f64 / rate).sin() as f32;
    piece((0..(seconds * rate) as usize).map(sample).collect(), sample_rate_hz, Truth::default())
}

fn piece(mono: Vec<f32>, sample_rate_hz: u32, truth: Truth) -> Piece {
    Piece { sample_rate_hz, right: mono.clone(), left: mono, truth }
}
