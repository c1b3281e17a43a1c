//! Which frequency A4 is tuned to.

use crate::peaks::Peak;
use crate::units::{hz_to_midi, midi_to_hz};

/// Peaks in this range tell the tuning: below, the window is too coarse; above, partials of stiff strings run sharp.
const RANGE_HZ: std::ops::RangeInclusive<f32> = 150.0..=2_000.0;
/// One bin a cent.
const CENTS: usize = 100;
/// Half width of the smoothing kernel, in cents.
const SPREAD: usize = 15;
/// Share of the weight within ±25 cents of the mode from which music counts as tuned; uniform would be 0.51.
const TUNED_SHARE: f64 = 0.55;
/// Weight from which the estimate is trusted at all: a second of a clear tone or chord.
const LEAST_WEIGHT: f64 = 5.0;

/// Histogram of how far spectral peaks lie from the nearest note of equal temperament at A4 = 440 Hz.
///
/// Each peak weighs the square root of its amplitude relative to the strongest of its spectrum, after
/// the tuning histograms of Gómez (2006) and Zhu, Kankanhalli & Gao (2005). The tuning is the mode of the
/// histogram, smoothed around the circle of 100 cents.
#[derive(Debug, Clone)]
pub(crate) struct TuningHistogram {
    /// Smoothed as it grows: every peak adds a raised cosine.
    smooth: [f64; CENTS],
    raw: [f64; CENTS],
    total: f64,
    kernel: [f64; 2 * SPREAD + 1],
}

impl Default for TuningHistogram {
    fn default() -> Self {
        let mut kernel = [0.0; 2 * SPREAD + 1];
        for (i, value) in kernel.iter_mut().enumerate() {
            let phase = std::f64::consts::PI * (i as f64 - SPREAD as f64) / (SPREAD as f64 + 1.0);
            *value = 0.5 + 0.5 * phase.cos();
        }
        Self { smooth: [0.0; CENTS], raw: [0.0; CENTS], total: 0.0, kernel }
    }
}

impl TuningHistogram {
    /// Adds the peaks of one spectrum.
    pub(crate) fn add(&mut self, peaks: &[Peak]) {
        let strongest = peaks.iter().fold(0.0_f32, |most, peak| most.max(peak.amplitude));
        if strongest <= 0.0 {
            return;
        }
        for peak in peaks.iter().filter(|peak| RANGE_HZ.contains(&peak.hz)) {
            self.add_one(hz_to_midi(peak.hz), f64::from((peak.amplitude / strongest).sqrt()));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of an octave's note"
    )]
    fn add_one(&mut self, midi: f32, weight: f64) {
        let cents = (midi - midi.floor()) * CENTS as f32;
        let bin = (cents.round() as usize) % CENTS;
        self.raw[bin] += weight;
        self.total += weight;
        // The kernel's part before the end of the circle, and the part after it.
        let from = (bin + CENTS - SPREAD) % CENTS;
        let (before, after) = self.kernel.split_at((CENTS - from).min(self.kernel.len()));
        for (part, at) in [(before, from), (after, 0)] {
            for (bin, gain) in self.smooth[at..].iter_mut().zip(part) {
                *bin += gain * weight;
            }
        }
    }

    /// Deviation of the tuning from A4 = 440 Hz, in semitones, -0.5 to 0.5; `None` while nothing tonal was heard.
    #[must_use]
    pub(crate) fn deviation(&self) -> Option<f32> {
        let mode = (0..CENTS).max_by(|&a, &b| self.smooth[a].total_cmp(&self.smooth[b]))?;
        let near: f64 = (0..51).map(|i| self.raw[(mode + CENTS - 25 + i) % CENTS]).sum();
        if self.total < LEAST_WEIGHT || near < TUNED_SHARE * self.total {
            return None;
        }
        let cents = mode as f64 + self.refine(mode);
        let wrapped = if cents >= 50.0 { cents - CENTS as f64 } else { cents };
        #[expect(clippy::cast_possible_truncation, reason = "a deviation under one semitone")]
        Some((wrapped / CENTS as f64) as f32)
    }

    /// Where between two bins the mode lies: the vertex of a parabola.
    fn refine(&self, mode: usize) -> f64 {
        let at = |i: usize| self.smooth[i % CENTS];
        let (a, b, c) = (at(mode + CENTS - 1), at(mode), at(mode + 1));
        let bend = a - 2.0 * b + c;
        if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 }
    }

    /// Frequency of A4, in Hz, 427.5 to 452.9; `None` when nothing tonal was heard.
    #[must_use]
    pub(crate) fn a4_hz(&self) -> Option<f32> {
        self.deviation().map(|semitones| midi_to_hz(69.0 + semitones))
    }
}
