//! Instruments: each adds one note or hit to a stereo mix.

mod melodic;
mod percussion;

use crate::Rng;
use std::f64::consts::TAU;
use std::sync::LazyLock;

const TABLE: usize = 4096;
static SINE: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..=TABLE).map(|i| (TAU * i as f64 / TABLE as f64).sin()).collect());

/// `sin(2π·cycles)` from a table with linear interpolation: within 3e-7, and several times as fast.
fn sine(cycles: f64) -> f64 {
    let at = (cycles - cycles.floor()) * TABLE as f64;
    let index = (at as usize).min(TABLE - 1);
    SINE[index] + (at - index as f64) * (SINE[index + 1] - SINE[index])
}

/// A stereo mix that notes are added to.
pub(crate) struct Mix {
    pub(crate) rate: f64,
    pub(crate) left: Vec<f32>,
    pub(crate) right: Vec<f32>,
}

impl Mix {
    pub(crate) fn new(seconds: f64, sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let count = (seconds * rate).ceil() as usize;
        Self { rate, left: vec![0.0; count], right: vec![0.0; count] }
    }

    /// Adds `voice(t)` from `start_s` for `seconds`, panned -1 (left) to 1 (right) at constant power.
    fn add(&mut self, start_s: f64, seconds: f64, pan: f64, mut voice: impl FnMut(f64) -> f64) {
        let start = (start_s * self.rate).round().max(0.0) as usize;
        let count = (seconds * self.rate) as usize;
        let angle = (pan + 1.0) * TAU / 8.0;
        let (gain_left, gain_right) = (angle.cos(), angle.sin());
        let end = (start + count).min(self.left.len());
        for i in start.min(end)..end {
            let value = voice((i - start) as f64 / self.rate);
            self.left[i] += (gain_left * value) as f32;
            self.right[i] += (gain_right * value) as f32;
        }
    }

    /// A kick drum: a sine falling from 150 to 48 Hz with a short click.
    pub(crate) fn kick(&mut self, at: f64, gain: f64) {
        let mut phase = 0.0;
        let step = 1.0 / self.rate;
        self.add(at, 0.30, 0.0, |t| {
            phase += step * (48.0 + 102.0 * (-t * 45.0).exp());
            let click = 0.25 * (-t * 500.0).exp() * sine(3200.0 * t);
            gain * (sine(phase) * (-t * 14.0).exp() + click)
        });
    }

    /// A snare drum: a 190 Hz body under a burst of high-passed noise.
    pub(crate) fn snare(&mut self, at: f64, gain: f64, rng: &mut Rng) {
        let mut last = 0.0;
        self.add(at, 0.22, 0.05, |t| {
            let noise = f64::from(rng.noise());
            let bright = noise - 0.7 * last;
            last = noise;
            gain * (0.5 * sine(190.0 * t) * (-t * 30.0).exp() + 0.45 * bright * (-t * 22.0).exp())
        });
    }

    /// A hi-hat: differenced noise; open hats ring longer.
    pub(crate) fn hat(&mut self, at: f64, gain: f64, open: bool, rng: &mut Rng) {
        let decay = if open { 14.0 } else { 70.0 };
        let (mut a, mut b) = (0.0, 0.0);
        self.add(at, if open { 0.3 } else { 0.08 }, 0.3, |t| {
            let noise = f64::from(rng.noise());
            let bright = noise - 2.0 * a + b;
            b = a;
            a = noise;
            gain * 0.22 * bright * (-t * decay).exp()
        });
    }

    /// A bass note: a few falling harmonics, plucked.
    pub(crate) fn bass(&mut self, at: f64, seconds: f64, hz: f64, gain: f64) {
        self.add(at, seconds, 0.0, |t| {
            let tone: f64 = (1..=5).map(f64::from).map(|h| sine(hz * h * t) / (h * h)).sum();
            gain * tone * attack(t, 0.004) * (-t * 2.2).exp() * release(t, seconds)
        });
    }

    /// A plucked or struck string: harmonics that fade the faster the higher they are.
    pub(crate) fn pluck(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let top = (self.rate * 0.45 / hz).floor().clamp(1.0, 10.0) as usize;
        let weights: Vec<f64> = (1..=top).map(|h| (h as f64).powf(-1.4)).collect();
        self.add(at, seconds, pan, |t| {
            let (mut decay, fade) = ((-2.0 * t).exp(), (-1.3 * t).exp());
            let harmonic = |h: usize| {
                decay *= fade;
                sine(hz * h as f64 * t) * weights[h - 1] * decay
            };
            gain * (1..=top).map(harmonic).sum::<f64>() * attack(t, 0.003) * release(t, seconds)
        });
    }

    /// A pad: two detuned soft saw-like tones with a slow attack.
    pub(crate) fn pad(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let weights: Vec<f64> = (1..=6).map(|h| f64::from(h).powf(-1.6)).collect();
        self.add(at, seconds, pan, |t| {
            let voice =
                |f: f64| weights.iter().zip(1..).map(|(w, h)| w * sine(f * f64::from(h) * t)).sum::<f64>();
            gain * 0.5 * (voice(hz * 0.9985) + voice(hz * 1.0015)) * attack(t, 0.08) * release(t, seconds)
        });
    }

    /// A lead: a vibrato tone with odd harmonics.
    pub(crate) fn lead(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        self.add(at, seconds, pan, |t| {
            let vibrato = 0.0006 * sine(5.2 * t) * attack(t, 0.25);
            let phase = hz * (t + vibrato / 5.2);
            let tone = sine(phase) + 0.35 * sine(3.0 * phase) + 0.15 * sine(5.0 * phase);
            gain * tone * attack(t, 0.012) * (-t * 0.8).exp() * release(t, seconds)
        });
    }

    /// Brings the peak to `peak`, so nothing clips.
    pub(crate) fn normalise(&mut self, peak: f32) {
        let top = self.left.iter().chain(&self.right).fold(0.0_f32, |m, s| m.max(s.abs()));
        if top > 0.0 {
            for sample in self.left.iter_mut().chain(&mut self.right) {
                *sample *= peak / top;
            }
        }
    }
}

fn attack(t: f64, seconds: f64) -> f64 {
    (t / seconds).min(1.0)
}

/// Fades over the last 20 ms so that notes do not end with a click.
fn release(t: f64, seconds: f64) -> f64 {
    ((seconds - t) / 0.02).clamp(0.0, 1.0)
}
