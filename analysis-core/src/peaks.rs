//! Power spectrum in, spectral peaks that stand above the noise out.

use crate::vectors;

/// Peaks are looked for from here, in Hz: the window does not resolve semitones below.
pub(crate) const LOWEST_HZ: f32 = 40.0;
/// Peaks are looked for up to here, in Hz: above are noise and partials that say little about pitch class.
pub(crate) const HIGHEST_HZ: f32 = 4_000.0;
/// A peak must stand this far above the median of its surroundings. The power of a noise bin is exponentially
/// distributed with a mean of median / ln 2, so that one bin in 3·10⁷ of white noise passes.
const PROMINENCE: f32 = 25.0;
/// Width of the surroundings whose median is the noise floor, in Hz; they overlap by half.
const FLOOR_WIDTH_HZ: f32 = 340.0;
/// Power under which nothing counts as sound: -90 dB.
const SILENCE: f32 = 1e-9;
/// Peaks this far under the strongest of their spectrum are left out (power ratio, 60 dB).
const RANGE: f32 = 1e-6;
const LANES: usize = 8;

/// One spectral peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    /// Frequency, in Hz.
    pub(crate) hz: f32,
    /// Amplitude; a full-scale sine reads 1.
    pub(crate) amplitude: f32,
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
pub(crate) struct PeakFinder {
    bin_hz: f32,
    first: usize,
    last: usize,
    step: usize,
    floors: Vec<f32>,
    /// Bit patterns: those of positive floats are ordered as the floats are, and integers compare faster.
    surroundings: Vec<u32>,
    /// How many of them are smaller than each.
    smaller: Vec<u32>,
    /// Numbers of the bins.
    number: Vec<f32>,
    /// Whether a bin is that of a peak.
    stands_out: Vec<bool>,
    peaks: Vec<Peak>,
}

impl PeakFinder {
    /// Plans for spectra of `bins` bins, `bin_hz` apart.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive bin numbers")]
    pub(crate) fn new(bins: usize, bin_hz: f32) -> Self {
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
            surroundings: vec![0; step.next_multiple_of(LANES)],
            smaller: vec![0; step.next_multiple_of(LANES)],
            number: (0..last + 2 * step + 1).map(|k| k as f32).collect(),
            stands_out: vec![false; last + 1],
            peaks: Vec::with_capacity(last / 2 + 1),
        }
    }

    /// The peaks of a power spectrum, by rising frequency.
    pub(crate) fn find(&mut self, power: &[f32]) -> &[Peak] {
        self.peaks.clear();
        if power.len() < self.last + 2 || self.last <= self.first {
            return &self.peaks;
        }
        let strongest = largest(&power[self.first..=self.last]);
        if strongest > SILENCE {
            self.measure_floors(power);
            self.collect(power, (strongest * RANGE).max(SILENCE));
        }
        &self.peaks
    }

    /// Median of `k·power[k]` over a block of `2·step` bins around each multiple of `step`. Every other bin will do:
    /// the window spreads each value over its neighbours.
    fn measure_floors(&mut self, power: &[f32]) {
        let Self { step, floors, surroundings, smaller, number, .. } = self;
        vectors::widest(
            #[inline(always)]
            || {
                for (block, floor) in floors.iter_mut().enumerate() {
                    let from = (block * *step).saturating_sub(*step / 2).max(2);
                    let to = (from + 2 * *step).min(power.len());
                    let count = weigh(surroundings, &power[from..to], &number[from..to]);
                    *floor = f32::from_bits(nth(surroundings, smaller, count / 2));
                }
            },
        );
    }

    fn collect(&mut self, power: &[f32], least: f32) {
        self.compare(power, least);
        let marks = self.stands_out.iter().enumerate().skip(self.first);
        for (k, _) in marks.filter(|(_, stands_out)| **stands_out) {
            self.peaks.push(interpolate(k, power[k - 1], power[k], power[k + 1], self.bin_hz));
        }
    }

    /// Marks the bins of peaks, from one block of the same floor to the next.
    fn compare(&mut self, power: &[f32], least: f32) {
        let Self { first, last, step, floors, number, stands_out, .. } = self;
        vectors::widest(
            #[inline(always)]
            || {
                for (block, floor) in floors.iter().enumerate() {
                    let (from, to) = ((block * *step).max(*first), (block * *step + *step).min(*last + 1));
                    if from >= to {
                        continue;
                    }
                    let (left, here) = (&power[from - 1..to - 1], &power[from..to]);
                    let (right, number) = (&power[from + 1..to + 1], &number[from..to]);
                    for (k, mark) in stands_out[from..to].iter_mut().enumerate() {
                        let highest = (here[k] > left[k]) & (here[k] >= right[k]) & (here[k] > least);
                        *mark = highest & (here[k] > PROMINENCE * (floor / number[k]));
                    }
                }
            },
        );
    }
}

/// The largest of what is not negative; 0 for nothing.
fn largest(values: &[f32]) -> f32 {
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut most = [0.0_f32; LANES];
    for group in groups {
        for (most, &value) in most.iter_mut().zip(group) {
            *most = if value > *most { value } else { *most };
        }
    }
    rest.iter().chain(&most).fold(0.0, |a, &b| a.max(b))
}

/// The bit patterns of every other power times its bin's number, then as many that none exceeds as there is room for;
/// gives the number of the former.
#[inline(always)]
fn weigh(weighed: &mut [u32], power: &[f32], number: &[f32]) -> usize {
    let (pairs, odd) = power.as_chunks::<2>();
    for ((slot, power), k) in weighed.iter_mut().zip(pairs).zip(number.as_chunks::<2>().0) {
        *slot = (power[0] * k[0]).to_bits();
    }
    weighed[pairs.len()..].fill(u32::MAX);
    if let ([power], Some(k)) = (odd, number.last()) {
        weighed[pairs.len()] = (power * k).to_bits();
    }
    pairs.len() + odd.len()
}

/// The value that `rank` others come before when all are put in order. Whole groups of [`LANES`].
///
/// How many are smaller than each is counted, into `smaller`: for a few dozen values that is quicker in lanes than
/// putting them in order.
#[inline(always)]
fn nth(values: &[u32], smaller: &mut [u32], rank: usize) -> u32 {
    smaller.fill(0);
    for group in values.as_chunks::<LANES>().0 {
        let group = *group;
        for (smaller, own) in smaller.iter_mut().zip(values) {
            *smaller += group.iter().map(|value| u32::from(value < own)).sum::<u32>();
        }
    }
    let passed = |(smaller, own): (&u32, &u32)| if *smaller as usize <= rank { *own } else { 0 };
    smaller.iter().zip(values).map(passed).fold(0, u32::max)
}

fn interpolate(k: usize, left: f32, here: f32, right: f32, bin_hz: f32) -> Peak {
    let tiny = f32::MIN_POSITIVE;
    let (a, b, c) = ((left.max(tiny)).ln(), here.ln(), (right.max(tiny)).ln());
    let shift = (0.5 * (a - c) / (a - 2.0 * b + c)).clamp(-0.5, 0.5);
    let amplitude = (0.5 * (b - 0.25 * (a - c) * shift)).exp();
    Peak { hz: (k as f32 + shift) * bin_hz, amplitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, bin by bin.
    fn naive(finder: &PeakFinder, power: &[f32]) -> Vec<Peak> {
        let (first, last, step) = (finder.first, finder.last, finder.step);
        let strongest = power[first..=last].iter().copied().fold(0.0, f32::max);
        let floor = |k: usize| {
            let from = (k / step * step).saturating_sub(step / 2).max(2);
            let to = (from + 2 * step).min(power.len());
            let mut around: Vec<f32> = (from..to).step_by(2).map(|k| power[k] * k as f32).collect();
            around.sort_by(f32::total_cmp);
            around[around.len() / 2] / k as f32
        };
        let is_peak = |&k: &usize| {
            let (left, here, right) = (power[k - 1], power[k], power[k + 1]);
            let loud = here > SILENCE && here > strongest * RANGE && here > PROMINENCE * floor(k);
            here > left && here >= right && loud
        };
        let peak = |k: usize| interpolate(k, power[k - 1], power[k], power[k + 1], finder.bin_hz);
        (first..=last).filter(is_peak).map(peak).collect()
    }

    proptest! {
        #[test]
        fn peaks_equal_those_of_the_definition(
            rate_hz in prop::sample::select(vec![8_000_u32, 11_025, 44_100, 48_000, 192_000]),
            exponents in prop::collection::vec(-12.0..0.0_f32, 1..400),
        ) {
            let len = (rate_hz as usize * 8_192 / 44_100).next_power_of_two();
            let mut finder = PeakFinder::new(len / 2 + 1, rate_hz as f32 / len as f32);
            let power: Vec<f32> =
                exponents.iter().cycle().take(len / 2 + 1).map(|exponent| 10_f32.powf(*exponent)).collect();
            let want = naive(&finder, &power);
            prop_assert_eq!(finder.find(&power), &want[..]);
        }
    }

    #[test]
    fn silence_has_no_peaks() {
        assert_eq!(PeakFinder::new(4_097, 5.4).find(&[0.0; 4_097]), []);
    }
}
