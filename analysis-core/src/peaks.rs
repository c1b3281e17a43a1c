//! Power spectrum in, spectral peaks that stand above the noise out.

/// Peaks are looked for from here, in Hz: the window does not resolve semitones below.
pub const LOWEST_HZ: f32 = 40.0;
/// Peaks are looked for up to here, in Hz: above are noise and partials that say little about pitch class.
pub const HIGHEST_HZ: f32 = 4_000.0;
/// A peak must stand this far above the median of its surroundings. The power of a noise bin is exponentially
/// distributed with a mean of median / ln 2, so that one bin in 3·10⁷ of white noise passes.
const PROMINENCE: f32 = 25.0;
/// Width of the surroundings whose median is the noise floor, in Hz; they overlap by half.
const FLOOR_WIDTH_HZ: f32 = 340.0;
/// Power under which nothing counts as sound: -90 dB.
const SILENCE: f32 = 1e-9;
/// Peaks this far under the strongest of their spectrum are left out (power ratio, 60 dB).
const RANGE: f32 = 1e-6;

/// One spectral peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Frequency, in Hz.
    pub hz: f32,
    /// Amplitude; a full-scale sine reads 1.
    pub amplitude: f32,
}

/// Finds peaks; holds the scratch memory for one spectrum.
///
/// ```text
/// floor(k) = median over the surroundings of j·power[j], divided by k     (flat for pink noise)
/// peak at k: power[k] a local maximum, > 25·floor(k), > -90 dB, > strongest − 60 dB
/// frequency and amplitude: parabola through the logarithms of three bins
/// ```
///
/// The parabola on log power follows Smith & Serra, "PARSHL" (1987).
#[derive(Debug)]
pub struct PeakFinder {
    bin_hz: f32,
    first: usize,
    last: usize,
    step: usize,
    floors: Vec<f32>,
    /// Bit patterns: those of positive floats are ordered as the floats are, and integers compare faster.
    sorted: Vec<u32>,
    peaks: Vec<Peak>,
}

impl PeakFinder {
    /// Plans for spectra of `bins` bins, `bin_hz` apart.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive bin numbers")]
    pub fn new(bins: usize, bin_hz: f32) -> Self {
        let bin = |hz: f32| (hz / bin_hz).round().max(2.0) as usize;
        let last = bin(HIGHEST_HZ).min(bins.saturating_sub(2));
        let first = bin(LOWEST_HZ).min(last);
        let step = bin(FLOOR_WIDTH_HZ / 2.0);
        Self {
            bin_hz,
            first,
            last,
            step,
            floors: vec![0.0; last / step + 1],
            sorted: vec![0; step],
            peaks: Vec::with_capacity(last / 2 + 1),
        }
    }

    /// The peaks of a power spectrum, by rising frequency.
    pub fn find(&mut self, power: &[f32]) -> &[Peak] {
        self.peaks.clear();
        if power.len() < self.last + 2 || self.last <= self.first {
            return &self.peaks;
        }
        let strongest = power[self.first..=self.last].iter().fold(0.0_f32, |a, &b| a.max(b));
        if strongest > SILENCE {
            self.measure_floors(power);
            self.collect(power, (strongest * RANGE).max(SILENCE));
        }
        &self.peaks
    }

    /// Median of `k·power[k]` over a block of `2·step` bins around each multiple of `step`. Every other bin will do:
    /// the window spreads each value over its neighbours.
    fn measure_floors(&mut self, power: &[f32]) {
        for (block, floor) in self.floors.iter_mut().enumerate() {
            let from = (block * self.step).saturating_sub(self.step / 2).max(2);
            let to = (from + 2 * self.step).min(power.len());
            let mut count = 0;
            for (slot, k) in self.sorted.iter_mut().zip((from..to).step_by(2)) {
                *slot = (power[k] * k as f32).to_bits();
                count += 1;
            }
            let sorted = &mut self.sorted[..count];
            *floor = f32::from_bits(*sorted.select_nth_unstable(count / 2).1);
        }
    }

    fn collect(&mut self, power: &[f32], least: f32) {
        for k in self.first..=self.last {
            let (left, here, right) = (power[k - 1], power[k], power[k + 1]);
            let floor = self.floors[k / self.step] / k as f32;
            if here > left && here >= right && here > least && here > PROMINENCE * floor {
                self.peaks.push(interpolate(k, left, here, right, self.bin_hz));
            }
        }
    }
}

fn interpolate(k: usize, left: f32, here: f32, right: f32, bin_hz: f32) -> Peak {
    let tiny = f32::MIN_POSITIVE;
    let (a, b, c) = ((left.max(tiny)).ln(), here.ln(), (right.max(tiny)).ln());
    let shift = (0.5 * (a - c) / (a - 2.0 * b + c)).clamp(-0.5, 0.5);
    let amplitude = (0.5 * (b - 0.25 * (a - c) * shift)).exp();
    Peak { hz: (k as f32 + shift) * bin_hz, amplitude }
}
