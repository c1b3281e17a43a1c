//! The K weighting of ITU-R BS.1770-4: its coefficients at any rate, and the power it leaves of a signal.

use crate::vectors;
use std::f64::consts::{PI, TAU};

/// The two filters of ITU-R BS.1770-4 in a row: a high shelf of +4 dB for the head, then a high pass.
///
/// Each is `(b, a)` of `H(z) = (b0 + b1·z⁻¹ + b2·z⁻²) / (1 + a1·z⁻¹ + a2·z⁻²)`. The standard tabulates coefficients for
/// 48 kHz; their analogue prototypes give those of any other rate (Mansbridge, Finn, Reiss, AES 2012, and libebur128,
/// whose constants these are).
pub(crate) struct KFilter {
    shelf: ([f64; 3], [f64; 3]),
    high_pass: ([f64; 3], [f64; 3]),
    sample_rate_hz: f64,
}

impl KFilter {
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        Self {
            shelf: shelf(rate),
            high_pass: (SECOND_DIFFERENCE, high_pass_poles(rate)),
            sample_rate_hz: rate,
        }
    }

    /// `|H(f)|²` of both filters.
    pub(crate) fn power_response(&self, hz: f64) -> f64 {
        let omega = TAU * hz / self.sample_rate_hz;
        let part = |(b, a): ([f64; 3], [f64; 3])| polynomial_power(b, omega) / polynomial_power(a, omega);
        part(self.shelf) * part(self.high_pass)
    }
}

/// Numerator of the high pass: the standard leaves it unscaled.
const SECOND_DIFFERENCE: [f64; 3] = [1.0, -2.0, 1.0];

fn shelf(rate: f64) -> ([f64; 3], [f64; 3]) {
    let (hz, gain_db, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
    let k = (PI * hz / rate).tan();
    let high = 10_f64.powf(gain_db / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    let b = [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k];
    (b.map(|b| b / a0), [1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])
}

fn high_pass_poles(rate: f64) -> [f64; 3] {
    let (hz, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
    let k = (PI * hz / rate).tan();
    let a0 = 1.0 + k / q + k * k;
    [1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
}

/// `|c0 + c1·z⁻¹ + c2·z⁻²|²` on the unit circle at angle `omega`.
fn polynomial_power(c: [f64; 3], omega: f64) -> f64 {
    let re = c[0] + c[1] * omega.cos() + c[2] * (2.0 * omega).cos();
    let im = c[1] * omega.sin() + c[2] * (2.0 * omega).sin();
    re * re + im * im
}

/// Two channels side by side.
type Pair = [f64; 2];

/// What is left of a filter below this is set to zero between blocks: 1,400 dB under full scale, it says nothing, and
/// numbers that fade on through silence would end as denormal ones, which many processors compute a hundred times more
/// slowly. Nothing fades from here to there within a block.
const FADED: f64 = 1e-70;

/// Sums the squares of two channels' K-weighted samples as they stream.
///
/// ```text
/// u[n] = x[n] − p1·u[n−1] − p2·u[n−2]                          poles of the shelf
/// w[n] = u[n] − 2·u[n−1] + u[n−2] − q1·w[n−1] − q2·w[n−2]      the high pass
/// y[n] = b0·(w[n] + b1/b0·w[n−1] + b2/b0·w[n−2])               zeros of the shelf
/// ```
///
/// In this order no value is large against the samples, at any rate: the zeros at 0 Hz take what the shelf's poles have
/// raised before the high pass, whose poles lie near 1, can raise it further. Rounding stays 200 dB below the signal.
pub(super) struct KPower {
    taps: Taps,
    state: State,
    /// `b0²`, left out of the samples.
    gain: f64,
}

/// Coefficients of the recursion, as its formula names them.
#[derive(Clone, Copy)]
struct Taps {
    p1: f64,
    p2: f64,
    q1: f64,
    q2: f64,
    b1: f64,
    b2: f64,
}

#[derive(Clone, Copy, Default)]
struct State {
    u: [Pair; 2],
    /// `u[n−1] − u[n−2]`.
    rise: Pair,
    w: [Pair; 2],
    /// Sum of `(y / b0)²`.
    squares: Pair,
}

impl KPower {
    pub(super) fn new(filter: &KFilter) -> Self {
        let ([b0, b1, b2], [_, p1, p2]) = filter.shelf;
        let [_, q1, q2] = filter.high_pass.1;
        let taps = Taps { p1, p2, q1, q2, b1: b1 / b0, b2: b2 / b0 };
        Self { taps, state: State::default(), gain: b0 * b0 }
    }

    /// Takes the next samples of both channels, as many of one as of the other.
    pub(super) fn push(&mut self, first: &[f32], second: &[f32]) {
        let (taps, state) = (self.taps, self.state);
        self.state = vectors::widest(
            #[inline(always)]
            || {
                let after =
                    |state: State, (&a, &b): (&f32, &f32)| state.after([f64::from(a), f64::from(b)], &taps);
                first.iter().zip(second).fold(state, after)
            },
        );
    }

    /// Ends a block: the sums of squares since the last one ended.
    pub(super) fn end_block(&mut self) -> Pair {
        let squares = self.state.squares.map(|sum| sum * self.gain);
        self.state = State { squares: [0.0; 2], ..self.state.settled() };
        squares
    }
}

impl State {
    #[inline(always)]
    fn after(self, x: Pair, taps: &Taps) -> Self {
        let [u1, u2] = self.u;
        let [w1, w2] = self.w;
        let u = lanes(|c| (x[c] - taps.p2 * u2[c]) - taps.p1 * u1[c]);
        let rise = lanes(|c| u[c] - u1[c]);
        let w = lanes(|c| ((rise[c] - self.rise[c]) - taps.q2 * w2[c]) - taps.q1 * w1[c]);
        let y = lanes(|c| w[c] + (taps.b1 * w1[c] + taps.b2 * w2[c]));
        let squares = lanes(|c| self.squares[c] + y[c] * y[c]);
        Self { u: [u, u1], rise, w: [w, w1], squares }
    }

    /// Without what has faded, and without what is no number: samples that are none pass.
    fn settled(self) -> Self {
        let settle = |pair: Pair| pair.map(|v| if v.is_finite() && v.abs() > FADED { v } else { 0.0 });
        Self { u: self.u.map(settle), rise: settle(self.rise), w: self.w.map(settle), ..self }
    }
}

#[inline(always)]
fn lanes(value: impl Fn(usize) -> f64) -> Pair {
    [value(0), value(1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::FpCategory;

    /// Both filters one after the other, as the standard draws them (direct form II), and the squares summed.
    fn naive(filter: &KFilter, samples: &[f32]) -> f64 {
        let (mut shelf, mut high_pass) = ([0.0; 2], [0.0; 2]);
        let squared = samples.iter().map(|&x| {
            let y = biquad(filter.shelf, &mut shelf, f64::from(x));
            biquad(filter.high_pass, &mut high_pass, y).powi(2)
        });
        squared.sum()
    }

    fn biquad((b, a): ([f64; 3], [f64; 3]), state: &mut [f64; 2], x: f64) -> f64 {
        let [w1, w2] = *state;
        let w = x - a[1] * w1 - a[2] * w2;
        *state = [w, w1];
        b[0] * w + b[1] * w1 + b[2] * w2
    }

    #[test]
    fn power_equals_that_of_two_filters_in_a_row() {
        for rate_hz in [8_000, 44_100, 48_000, 192_000] {
            let filter = KFilter::new(rate_hz);
            let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0;
            // With a constant part, which the high pass takes away: the worst case for rounding.
            let first: Vec<f32> = (0..40_000).map(|n| 0.9 + 0.1 * noise(n)).collect();
            let second: Vec<f32> = (0..40_000).map(|n| 0.001 * noise(n + 7)).collect();
            let mut power = KPower::new(&filter);
            first.chunks(999).zip(second.chunks(999)).for_each(|(a, b)| power.push(a, b));
            for (got, want) in
                power.end_block().into_iter().zip([naive(&filter, &first), naive(&filter, &second)])
            {
                // f64 on both sides; the twin's high pass rounds values of a million times the samples'.
                assert!((got / want - 1.0).abs() < 1e-8, "{got}, want {want} at {rate_hz} Hz");
            }
        }
    }

    #[test]
    fn silence_after_sound_leaves_no_denormal_numbers() {
        for rate_hz in [8_000, 192_000] {
            let block = vec![0.0; rate_hz as usize / 100];
            let mut power = KPower::new(&KFilter::new(rate_hz));
            power.push(&vec![1.0; block.len()], &vec![1e-30; block.len()]);
            for _ in 0..200 {
                power.end_block();
                for (a, b) in block.iter().zip(&block) {
                    power.push(&[*a], &[*b]);
                    let State { u, rise, w, squares } = power.state;
                    let values = [u[0], u[1], rise, w[0], w[1], squares];
                    assert!(values.as_flattened().iter().all(|v| v.classify() != FpCategory::Subnormal));
                }
            }
            power.end_block();
            assert_eq!(power.end_block(), [0.0, 0.0]);
            assert_eq!(power.state.u, [[0.0; 2]; 2]);
        }
    }
}
