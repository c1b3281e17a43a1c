//! Peaks of the continuous signal that samples stand for: ITU-R BS.1770-4, annex 2.

use crate::vectors;
use std::f64::consts::PI;

/// Values computed at once.
const LANES: usize = 16;
/// Samples that are decided on together: whether what lies between them can matter.
const SPAN: usize = 2 * LANES;
/// Samples taken in one call of the kernel.
const PIECE: usize = 16 * SPAN;
/// Samples kept from one piece to the next: those under the longest filter, but the newest.
const KEPT: usize = 23;
/// Half the length of the filters, in values.
const HALF_LEN: f64 = 24.0;
/// How far rounding may lift a sum of two dozen products over its bound, generously.
const ROUNDING: f64 = 1e-5;

/// The largest `|x|` of the samples of each channel, and of the signal between them, as they stream.
///
/// Between two samples three values are computed below 96 kHz, one below 192 kHz and none above (a sine of half the
/// rate then reads 0.69 dB too low at worst, one of a quarter of it 0.17 dB: annex 2, attachment 1), by a sinc under a
/// Hann window:
///
/// ```text
/// h(m) = sinc(m/L) · (1 + cos(πm/24))/2       |m| < 24, L values to a sample: 4, 2 or 1
/// ```
///
/// That is 12 taps a value for L = 4, as many as those of the filter that the annex prints, and 24 for L = 2; unlike
/// that filter it passes through the samples themselves, so that no true peak is below the sample peak, and it is the
/// one of libebur128, so that figures compare. What cannot exceed the peak so far is not computed: `|Σ h·x|` is at most
/// `Σ|h| · max|x|`.
pub(super) struct TruePeak {
    filter: Filter,
    channels: Vec<Channel>,
}

enum Filter {
    Four(Phases<12, 3>),
    Two(Phases<24, 1>),
    One(Phases<1, 0>),
}

/// A filter's weights, `[p][t]` for the value `p + 1` after the middle one of the samples and the sample `t` before the
/// newest.
struct Phases<const TAPS: usize, const PHASES: usize> {
    weights: [[f32; TAPS]; PHASES],
    /// No value is larger than this many times the largest sample under the filter.
    reach: f32,
}

/// Peaks of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Peaks {
    pub(super) sample: f32,
    /// At least that of the samples.
    pub(super) signal: f32,
}

#[derive(Clone)]
struct Channel {
    /// The last samples, then a piece of new ones.
    window: Vec<f32>,
    peaks: Peaks,
}

impl TruePeak {
    pub(super) fn new(channels: usize, sample_rate_hz: u32) -> Self {
        let filter = match sample_rate_hz {
            ..96_000 => Filter::Four(Phases::new()),
            96_000..192_000 => Filter::Two(Phases::new()),
            192_000.. => Filter::One(Phases::new()),
        };
        let channel = Channel { window: vec![0.0; KEPT + PIECE], peaks: Peaks::default() };
        Self { filter, channels: vec![channel; channels] }
    }

    /// Takes the next samples of channel `index`.
    pub(super) fn push(&mut self, index: usize, samples: &[f32]) {
        let Channel { window, peaks } = &mut self.channels[index];
        for piece in samples.chunks(PIECE) {
            let len = piece.len();
            window[KEPT..KEPT + len].copy_from_slice(piece);
            window[KEPT + len..KEPT + len.next_multiple_of(SPAN)].fill(0.0);
            *peaks = match &self.filter {
                Filter::Four(phases) => phases.raised(*peaks, window, len),
                Filter::Two(phases) => phases.raised(*peaks, window, len),
                Filter::One(phases) => phases.raised(*peaks, window, len),
            };
            window.copy_within(len..len + KEPT, 0);
        }
    }

    /// The peaks of each channel so far.
    pub(super) fn peaks(&self) -> impl Iterator<Item = Peaks> {
        self.channels.iter().map(|channel| channel.peaks)
    }
}

impl<const TAPS: usize, const PHASES: usize> Phases<TAPS, PHASES> {
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
    fn new() -> Self {
        let values = (PHASES + 1) as f64;
        let weight = |p: usize, t: usize| {
            let m = t as f64 * values + (p + 1) as f64 - HALF_LEN;
            let x = PI * m / values;
            0.5 * (1.0 + (PI * m / HALF_LEN).cos()) * x.sin() / x
        };
        let weights = std::array::from_fn(|p| std::array::from_fn::<f32, TAPS, _>(|t| weight(p, t) as f32));
        let sum = |phase: &[f32; TAPS]| phase.iter().map(|w| f64::from(w.abs())).sum::<f64>();
        let reach = weights.iter().map(sum).fold(0.0, f64::max) * (1.0 + ROUNDING);
        Self { weights, reach: reach as f32 }
    }

    /// The peaks after the `len` samples of `window` that follow the first [`KEPT`]; those after them are 0, up to the
    /// end of the last span.
    fn raised(&self, peaks: Peaks, window: &[f32], len: usize) -> Peaks {
        vectors::widest(
            #[inline(always)]
            || {
                let (mut samples, mut signal) = ([0.0; LANES], peaks.signal);
                for from in (0..len).step_by(SPAN) {
                    let under = &window[KEPT + 1 - TAPS + from..KEPT + SPAN + from];
                    let highest = largest(under);
                    raise(&mut samples, highest);
                    if highest.iter().fold(false, |any, x| any | (x * self.reach > signal)) {
                        signal = highest.into_iter().fold(signal, f32::max);
                        signal = self.largest_between(under, len - from).into_iter().fold(signal, f32::max);
                    }
                }
                let sample = samples.into_iter().fold(peaks.sample, f32::max);
                Peaks { sample, signal: signal.max(sample) }
            },
        )
    }

    /// The largest of the values before each of the span's first `count` samples; `under` holds the samples of the span
    /// and the `TAPS − 1` before it.
    #[inline(always)]
    fn largest_between(&self, under: &[f32], count: usize) -> [f32; LANES] {
        let mut highest = [0.0; LANES];
        for first in (0..SPAN).step_by(LANES) {
            for weights in &self.weights {
                let values = filtered(weights, &under[first..first + TAPS - 1 + LANES]);
                let counted = |lane: usize| if first + lane < count { values[lane] } else { 0.0 };
                raise(&mut highest, std::array::from_fn(counted));
            }
        }
        highest
    }
}

/// One phase's values for [`LANES`] samples, from them and the `TAPS − 1` before.
#[inline(always)]
fn filtered<const TAPS: usize>(weights: &[f32; TAPS], under: &[f32]) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    for (t, weight) in weights.iter().enumerate() {
        let samples = &under[TAPS - 1 - t..TAPS - 1 - t + LANES];
        for (value, x) in values.iter_mut().zip(samples) {
            *value += weight * x;
        }
    }
    values
}

/// The largest `|x|` of at least [`LANES`] samples, lane by lane.
#[inline(always)]
fn largest(samples: &[f32]) -> [f32; LANES] {
    let mut highest = [0.0; LANES];
    for group in samples.as_chunks::<LANES>().0.iter().chain(samples.last_chunk::<LANES>()) {
        raise(&mut highest, *group);
    }
    highest
}

/// Lane by lane the larger of what is there and `|x|`; what is no number is passed over.
#[inline(always)]
fn raise(highest: &mut [f32; LANES], x: [f32; LANES]) {
    for (highest, x) in highest.iter_mut().zip(x) {
        *highest = if x.abs() > *highest { x.abs() } else { *highest };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every value of every phase, one by one, by the formula.
    fn naive<const TAPS: usize, const PHASES: usize>(samples: &[f32]) -> Peaks {
        let weights = Phases::<TAPS, PHASES>::new().weights;
        let mut peaks = Peaks::default();
        for (n, x) in samples.iter().enumerate() {
            peaks.sample = peaks.sample.max(x.abs());
            for weights in &weights {
                let before = |t: usize| n.checked_sub(t).map_or(0.0, |n| samples[n]);
                let value = weights.iter().enumerate().fold(0.0, |sum, (t, weight)| sum + weight * before(t));
                peaks.signal = peaks.signal.max(value.abs());
            }
        }
        Peaks { signal: peaks.signal.max(peaks.sample), ..peaks }
    }

    /// Noise, some of it soft and some loud, so that some spans are passed over and some not.
    fn swelling(len: usize, seed: u32) -> Vec<f32> {
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..len)
            .map(|n| next() * (0.1 + 0.9 * (n as f32 * 0.003 * (1 + seed % 7) as f32).sin().abs()))
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_passed_over_changes_nothing_for_any_split(
            len in 0_usize..4_000,
            seed: u32,
            sizes in prop::collection::vec(1_usize..700, 1..4),
            rate_hz in prop::sample::select(vec![8_000_u32, 44_100, 96_000, 192_000]),
        ) {
            let samples = swelling(len, seed);
            let mut meter = TruePeak::new(2, rate_hz);
            let (mut rest, mut sizes) = (&samples[..], sizes.iter().cycle());
            while !rest.is_empty() {
                let (block, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                meter.push(1, block);
                rest = after;
            }
            let want = match rate_hz {
                192_000 => naive::<1, 0>(&samples),
                96_000 => naive::<24, 1>(&samples),
                _ => naive::<12, 3>(&samples),
            };
            // Bit for bit: each value is one sum in one order, whether alone or in lanes.
            prop_assert_eq!(meter.peaks().collect::<Vec<_>>(), [Peaks::default(), want]);
        }
    }

    #[test]
    fn a_peak_at_the_bound_is_not_passed_over() {
        // The samples whose signs are those of the weights: no others of this size reach further.
        let [_, halfway, _] = Phases::<12, 3>::new().weights;
        let worst: Vec<f32> = halfway.iter().rev().map(|weight| 0.5_f32.copysign(*weight)).collect();
        let want = 0.5 * halfway.iter().map(|weight| weight.abs()).sum::<f32>();
        let mut meter = TruePeak::new(1, 48_000);
        meter.push(0, &[want - 1e-5]);
        meter.push(0, &[0.0; 100]);
        meter.push(0, &worst);
        let [peaks] = meter.peaks().collect::<Vec<_>>()[..] else { panic!("one channel") };
        assert!((peaks.signal - want).abs() < 1e-6, "{peaks:?}, want {want}");
    }
}
