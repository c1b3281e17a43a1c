//! More instruments than a bass, a plucked string, a pad and a lead.

use super::{Mix, attack, release, sine};
use crate::Rng;

impl Mix {
    /// A piano: slightly stretched partials that fade the faster the higher they are, after a knock.
    pub(crate) fn piano(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let top = (self.rate * 0.45 / hz).floor().clamp(1.0, 9.0) as usize;
        let partials: Vec<(f64, f64, f64)> = (1..=top)
            .map(|h| h as f64)
            .map(|h| (hz * h * (1.0 + 0.000_4 * h * h).sqrt(), h.powf(-1.5), 0.9 + 0.5 * h))
            .collect();
        let seconds = seconds + 0.12; // the damper falls late
        self.add(at, seconds, pan, |t| {
            let tone: f64 =
                partials.iter().map(|(hz, weight, fade)| weight * sine(hz * t) * (-fade * t).exp()).sum();
            let knock = 0.3 * sine(190.0 * t) * (-t * 120.0).exp();
            gain * (tone + knock) * attack(t, 0.002) * release(t, seconds)
        });
    }

    /// A distorted guitar: root and fifth of saw-like tones driven into a soft clip.
    pub(crate) fn distorted(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let weights: Vec<f64> = (1..=6).map(|h| f64::from(h).recip()).collect();
        let tone = |f: f64, t: f64| {
            weights.iter().zip(1..).map(|(w, h)| w * sine(f * f64::from(h) * t)).sum::<f64>()
        };
        self.add(at, seconds, pan, |t| {
            let drive = 4.0 * (tone(hz, t) + 0.8 * tone(hz * 1.498, t)) * (-t * 1.2).exp();
            gain * 0.6 * drive.tanh() * attack(t, 0.004) * release(t, seconds)
        });
    }

    /// A drawbar organ.
    pub(crate) fn organ(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        self.add(at, seconds, pan, |t| {
            let tone =
                sine(hz * t) + 0.7 * sine(2.0 * hz * t) + 0.5 * sine(3.0 * hz * t) + 0.3 * sine(4.0 * hz * t);
            gain * 0.5 * tone * attack(t, 0.008) * release(t, seconds)
        });
    }

    /// A bowed string: saw-like, with vibrato and an attack of `attack_s`, so that no click tells where it begins.
    pub(crate) fn bowed(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64, attack_s: f64) {
        let top = (self.rate * 0.45 / hz).floor().clamp(1.0, 9.0) as usize;
        let weights: Vec<f64> = (1..=top).map(|h| (h as f64).powf(-1.2)).collect();
        let (turn, seconds) = (hz % 1.0, seconds + 0.04); // neighbouring notes overlap
        self.add(at, seconds, pan, |t| {
            let phase = hz * t + hz * 0.000_7 * sine(5.6 * t + turn) * attack(t, 0.3);
            let tone: f64 = weights.iter().zip(1..).map(|(w, h)| w * sine(f64::from(h) * phase)).sum();
            let rise = attack(t, attack_s);
            gain * 0.6 * tone * rise * rise * ((seconds - t) / 0.08).clamp(0.0, 1.0)
        });
    }

    /// A brass tone: the upper partials come in late.
    pub(crate) fn brass(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let top = (self.rate * 0.45 / hz).floor().clamp(1.0, 8.0) as usize;
        self.add(at, seconds, pan, |t| {
            let bright = 0.9 - 0.55 * attack(t, 0.06);
            let mut weight = 1.0;
            let mut tone = 0.0;
            for h in 1..=top {
                tone += weight * sine(hz * h as f64 * t);
                weight *= 1.0 - bright;
            }
            gain * 0.6 * tone * attack(t, 0.03) * release(t, seconds)
        });
    }

    /// A flute: two partials and breath.
    pub(crate) fn flute(&mut self, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64, rng: &mut Rng) {
        self.add(at, seconds, pan, |t| {
            let phase = hz * t + hz * 0.000_5 * sine(5.0 * t) * attack(t, 0.3);
            let breath = 0.05 * f64::from(rng.noise());
            gain * (sine(phase) + 0.25 * sine(2.0 * phase) + breath) * attack(t, 0.04) * release(t, seconds)
        });
    }

    /// A synthesised bass: a saw-like tone whose upper partials close quickly.
    pub(crate) fn synth_bass(&mut self, at: f64, seconds: f64, hz: f64, gain: f64) {
        self.add(at, seconds, 0.0, |t| {
            let close = 0.35 + 0.5 * (-t * 12.0).exp();
            let (mut weight, mut tone) = (1.0, 0.0);
            for h in 1..=7 {
                tone += weight / f64::from(h) * sine(hz * f64::from(h) * t);
                weight *= close;
            }
            gain * 0.8 * tone * attack(t, 0.003) * release(t, seconds)
        });
    }
}
