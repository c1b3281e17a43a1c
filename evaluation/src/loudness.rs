//! Integrated loudness by the letter of ITU-R BS.1770-4, in double precision and without any thrift: what the engine's
//! is measured by.
//!
//! ```text
//! z      = mean square of the K-weighted samples over blocks of 400 ms, a new one every 100 ms, summed over channels
//! l(j)   = −0.691 + 10·log10 z(j)
//! gate 1 = −70 LUFS      gate 2 = loudness of the blocks over gate 1, less 10 LU
//! loudness of the mean z of the blocks over both gates
//! ```

use std::f64::consts::PI;

/// Constants of the two filters' analogue prototypes, from which the tables for 48 kHz in the standard follow.
const SHELF: (f64, f64, f64) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
const HIGH_PASS: (f64, f64) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
const OFFSET: f64 = -0.691;
const ABSOLUTE_GATE: f64 = -70.0;
const RELATIVE_GATE: f64 = -10.0;

/// Integrated loudness of stereo or mono channels, in LUFS; `None` where nothing passes the gates.
#[must_use]
pub fn integrated_lufs(channels: &[&[f32]], sample_rate_hz: u32) -> Option<f64> {
    let weighted: Vec<Vec<f64>> =
        channels.iter().map(|channel| k_weighted(channel, f64::from(sample_rate_hz))).collect();
    let step = usize::try_from(sample_rate_hz / 10).ok()?;
    let length = weighted.first()?.len();
    let blocks = (0..).map(|j| j * step).take_while(|from| from + 4 * step <= length);
    let power = |from: usize| {
        let of = |channel: &Vec<f64>| channel[from..from + 4 * step].iter().map(|x| x * x).sum::<f64>();
        weighted.iter().map(of).sum::<f64>() / (4 * step) as f64
    };
    let powers: Vec<f64> = blocks.map(power).filter(|power| lufs(*power) > ABSOLUTE_GATE).collect();
    let gate = lufs(mean(&powers)?) + RELATIVE_GATE;
    let over: Vec<f64> = powers.into_iter().filter(|power| lufs(*power) > gate).collect();
    mean(&over).map(lufs)
}

fn lufs(power: f64) -> f64 {
    OFFSET + 10.0 * power.log10()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn k_weighted(samples: &[f32], rate_hz: f64) -> Vec<f64> {
    let (hz, gain_db, q) = SHELF;
    let k = (PI * hz / rate_hz).tan();
    let high = 10_f64.powf(gain_db / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let shelf = Biquad::new(
        [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k],
        [1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k],
    );
    let (hz, q) = HIGH_PASS;
    let k = (PI * hz / rate_hz).tan();
    let scale = 1.0 + k / q + k * k;
    // The standard's table leaves the high pass unscaled: b = 1, −2, 1.
    let high_pass =
        Biquad::new([scale, -2.0 * scale, scale], [scale, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]);
    let mut filters = [shelf, high_pass];
    samples.iter().map(|x| filters.iter_mut().fold(f64::from(*x), |x, filter| filter.next(x))).collect()
}

/// A filter of second order, direct form I.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Biquad {
    fn new(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|b| b / a[0]), a: [a[1] / a[0], a[2] / a[0]], x: [0.0; 2], y: [0.0; 2] }
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        (self.x, self.y) = ([x, self.x[0]], [y, self.y[0]]);
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples of some seconds")]
    fn sine(dbfs: f64, seconds: f64, rate_hz: u32) -> Vec<f32> {
        let amplitude = 10_f64.powf(dbfs / 20.0);
        let sample = |n: usize| amplitude * (2.0 * PI * 1000.0 * n as f64 / f64::from(rate_hz)).sin();
        (0..(seconds * f64::from(rate_hz)) as usize).map(|n| sample(n) as f32).collect()
    }

    #[test]
    fn the_first_cases_of_tech_3341() {
        for rate in [44_100, 48_000] {
            let tone = sine(-23.0, 20.0, rate);
            let loud = integrated_lufs(&[&tone, &tone], rate).unwrap();
            assert!((loud + 23.0).abs() < 0.1, "{loud}");
            let steps = [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)];
            let gated: Vec<f32> = steps.iter().flat_map(|&(db, s)| sine(db, s, rate)).collect();
            let loud = integrated_lufs(&[&gated, &gated], rate).unwrap();
            assert!((loud + 23.0).abs() < 0.1, "{loud}");
        }
    }

    #[test]
    fn silence_has_no_loudness() {
        assert_eq!(integrated_lufs(&[&[0.0; 48_000]], 48_000), None);
        assert_eq!(integrated_lufs(&[&[]], 48_000), None);
    }
}
