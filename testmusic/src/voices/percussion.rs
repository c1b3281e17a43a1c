//! More drums than a kick, a snare and a hat.

use super::{Mix, sine};
use crate::Rng;

impl Mix {
    /// Hand claps: four bursts of noise, 9 ms apart, the last one ringing.
    pub(crate) fn clap(&mut self, at: f64, gain: f64, rng: &mut Rng) {
        let mut last = 0.0;
        self.add(at, 0.18, -0.1, |t| {
            let noise = f64::from(rng.noise());
            let bright = noise - 0.8 * last;
            last = noise;
            let burst = if t < 0.027 { (-(t % 0.009) * 350.0).exp() } else { (-(t - 0.027) * 32.0).exp() };
            gain * 0.5 * bright * burst
        });
    }

    /// A stick on the rim: two short partials.
    pub(crate) fn rim(&mut self, at: f64, gain: f64) {
        self.add(at, 0.06, -0.2, |t| {
            gain * 0.5 * (sine(1720.0 * t) + 0.6 * sine(455.0 * t)) * (-t * 90.0).exp()
        });
    }

    /// A tom or a frame drum: a sine that falls a little.
    pub(crate) fn tom(&mut self, at: f64, gain: f64, hz: f64) {
        let step = 1.0 / self.rate;
        let mut phase = 0.0;
        self.add(at, 0.35, 0.2, |t| {
            phase += step * hz * (1.0 + 0.4 * (-t * 30.0).exp());
            gain * 0.8 * sine(phase) * (-t * 11.0).exp() * (t / 0.002).min(1.0)
        });
    }

    /// A ride cymbal: partials without common divisor over noise.
    pub(crate) fn ride(&mut self, at: f64, gain: f64, rng: &mut Rng) {
        self.add(at, 0.5, 0.4, |t| {
            let bell = sine(3_147.0 * t) + sine(4_673.0 * t) + sine(5_881.0 * t) + sine(7_213.0 * t);
            gain * (0.06 * bell * (-t * 7.0).exp() + 0.12 * f64::from(rng.noise()) * (-t * 40.0).exp())
        });
    }

    /// A crash cymbal: bright noise that rings for a second.
    pub(crate) fn crash(&mut self, at: f64, gain: f64, rng: &mut Rng) {
        let mut last = 0.0;
        self.add(at, 1.4, -0.4, |t| {
            let noise = f64::from(rng.noise());
            let bright = noise - last;
            last = noise;
            gain * 0.28 * bright * (-t * 3.2).exp()
        });
    }

    /// A shaker: noise that swells for 15 ms.
    pub(crate) fn shaker(&mut self, at: f64, gain: f64, rng: &mut Rng) {
        let mut last = 0.0;
        self.add(at, 0.09, 0.5, |t| {
            let noise = f64::from(rng.noise());
            let bright = noise - last;
            last = noise;
            gain * 0.16 * bright * (t / 0.015).min(1.0) * (-t * 35.0).exp()
        });
    }
}
