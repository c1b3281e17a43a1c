//! Power spectrum in, band powers out.
//!
//! Bands lie at fixed frequencies whatever the sample rate: their centres are spaced evenly on Slaney's mel
//! scale between [`LOWEST_HZ`] and [`HIGHEST_HZ`], linear below 1 kHz and logarithmic above. A logarithmic
//! scale alone would place dozens of bands below 300 Hz, where a 46 ms window tells apart only some 20 Hz;
//! linear low bands are about as wide as what the window resolves.

use crate::opaque::opaque;
use crate::{stft, vectors};
use std::f64::consts::PI;

/// Lower edge of the lowest band, in Hz.
pub const LOWEST_HZ: f32 = 30.0;
/// Upper edge of the highest band, in Hz.
pub const HIGHEST_HZ: f32 = 16_000.0;
/// Quietest level that is told apart from silence, in dB below a full-scale sine.
pub const FLOOR_DB: f32 = -120.0;

/// Rows start anywhere and hold a multiple of this many weights, so that they vectorise without a tail.
pub(crate) const LANES: usize = 8;
/// Slaney's mel scale (Auditory Toolbox, 1998): 200/3 Hz a mel below 1 kHz, then 27 mels for a factor 6.4.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ_PER_MEL;
const LOG_STEPS: f64 = 27.0;
const LOG_RANGE: f64 = 6.4;

fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        return hz / LINEAR_HZ_PER_MEL;
    }
    BREAK_MEL + (hz / BREAK_HZ).ln() / LOG_RANGE.ln() * LOG_STEPS
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        return mel * LINEAR_HZ_PER_MEL;
    }
    BREAK_HZ * ((mel - BREAK_MEL) / LOG_STEPS * LOG_RANGE.ln()).exp()
}

/// The `count + 2` corner frequencies of `count` triangular bands, in Hz, rising: band `b` begins at corner
/// `b`, peaks at corner `b + 1` and ends at corner `b + 2`.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "frequencies are kept as f32")]
pub fn corners_hz(count: usize) -> Vec<f32> {
    let (low, high) = (hz_to_mel(f64::from(LOWEST_HZ)), hz_to_mel(f64::from(HIGHEST_HZ)));
    let step = (high - low) / (count + 1) as f64;
    (0..count + 2).map(|i| mel_to_hz(low + step * i as f64) as f32).collect()
}

/// One band: its first bin and where its weights lie.
#[derive(Debug, Clone, Copy)]
struct Row {
    first_bin: usize,
    begin: usize,
    end: usize,
}

/// Triangular bands as sparse rows, made once.
///
/// ```text
/// band[b] = Σ_k W[b,k] · power[k]
/// W[b,k]  = ∫ triangle_b(f) df over the width of bin k, scaled so that a sine on the peak of b reads 1
/// ```
///
/// Integrating the triangle over each bin, instead of sampling it, gives a band narrower than a bin its share
/// of the bins beside it: no band is ever empty. The scale divides by what a full-scale sine on the band's
/// peak leaves in the row through the main lobe of the Hann window. So
/// - a full-scale sine reads 0 dB on a band's peak; between two peaks it is shared out (−3 dB in each halfway);
/// - noise reads its power within the band (relative to a full-scale sine), so wide bands read more of it;
/// - a band that peaks above the Nyquist frequency of the audio reads 0: its weights are empty.
pub struct Bands {
    corners_hz: Vec<f32>,
    rows: Vec<Row>,
    weights: Vec<f32>,
    bins: usize,
}

opaque!(Bands { corners_hz, bins });

impl Bands {
    /// Plans `count` bands (8 to 256 in this engine; any number works) for spectra of [`stft::Stft`] with its
    /// standard window.
    #[must_use]
    pub fn new(count: usize, sample_rate_hz: u32, fft_len: usize) -> Self {
        Self::with_window(count, sample_rate_hz, fft_len, stft::window_len(sample_rate_hz))
    }

    /// Plans for spectra of a Hann window of `window_len` samples, zero padded to `fft_len`.
    #[must_use]
    pub fn with_window(count: usize, sample_rate_hz: u32, fft_len: usize, window_len: usize) -> Self {
        let corners_hz = corners_hz(count);
        let bins = fft_len / 2 + 1;
        let mut bands = Self { corners_hz, rows: Vec::with_capacity(count), weights: Vec::new(), bins };
        let bin_hz = f64::from(sample_rate_hz) / fft_len as f64;
        let padding = fft_len as f64 / window_len.max(1) as f64;
        for band in 0..count {
            let dense = dense_row(&bands.corners_hz[band..band + 3], bins, bin_hz, padding);
            bands.keep(&dense);
        }
        bands
    }

    /// Corner frequencies in Hz: see [`corners_hz`].
    #[must_use]
    pub fn corners_hz(&self) -> &[f32] {
        &self.corners_hz
    }

    /// Number of bands.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Linear power of each band. `power` holds `fft_len / 2 + 1` bins, `out` one value a band.
    ///
    /// # Panics
    /// If either slice has another length.
    pub fn process(&self, power: &[f32], out: &mut [f32]) {
        assert_eq!(power.len(), self.bins, "bins of the spectrum");
        assert_eq!(out.len(), self.rows.len(), "bands");
        vectors::widest(
            #[inline(always)]
            || {
                for (out, row) in out.iter_mut().zip(&self.rows) {
                    let weights = &self.weights[row.begin..row.end];
                    *out = dot(weights, &power[row.first_bin..row.first_bin + weights.len()]);
                }
            },
        );
    }

    /// The weights of band `band` over all bins: the slow twin of `process`, for tests and plots.
    #[must_use]
    pub fn dense_weights(&self, band: usize) -> Vec<f32> {
        let mut dense = vec![0.0; self.bins];
        if let Some(row) = self.rows.get(band) {
            dense[row.first_bin..][..row.end - row.begin].copy_from_slice(&self.weights[row.begin..row.end]);
        }
        dense
    }

    /// Appends the non-zero part of a row, widened to whole lanes.
    fn keep(&mut self, dense: &[f32]) {
        let begin = self.weights.len();
        let first = dense.iter().position(|&w| w != 0.0).unwrap_or(0);
        let end = dense.iter().rposition(|&w| w != 0.0).map_or(first, |last| last + 1);
        let len = (end - first).next_multiple_of(LANES).min(dense.len());
        let first_bin = first.min(dense.len() - len);
        self.weights.extend_from_slice(&dense[first_bin..first_bin + len]);
        self.rows.push(Row { first_bin, begin, end: self.weights.len() });
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
fn dense_row(corners: &[f32], bins: usize, bin_hz: f64, padding: f64) -> Vec<f32> {
    let corners = [0, 1, 2].map(|i| f64::from(corners[i]));
    if corners[1] > bin_hz * (bins - 1) as f64 {
        return vec![0.0; bins];
    }
    let area: Vec<f64> = (0..bins)
        .map(|k| {
            let to = |offset: f64| triangle_integral(corners, (k as f64 + offset) * bin_hz);
            to(0.5) - to(-0.5)
        })
        .collect();
    let sine = |k: usize| hann_lobe((k as f64 - corners[1] / bin_hz) / padding);
    let reads: f64 = area.iter().enumerate().map(|(k, a)| a * sine(k)).sum();
    area.iter().map(|a| if reads > 0.0 { (a / reads) as f32 } else { 0.0 }).collect()
}

/// Integral from −∞ to `hz` of the triangle that rises from 0 to 1 and falls to 0 over the three corners.
fn triangle_integral([begin, peak, end]: [f64; 3], hz: f64) -> f64 {
    if hz <= begin {
        0.0
    } else if hz <= peak {
        (hz - begin).powi(2) / (2.0 * (peak - begin))
    } else if hz < end {
        (end - begin) / 2.0 - (end - hz).powi(2) / (2.0 * (end - peak))
    } else {
        (end - begin) / 2.0
    }
}

/// Power that a sine leaves `offset` window bins (rate / window length) beside its own frequency, within the
/// main lobe of the Hann window; 1 at 0: `(sin(πd) / (πd·(1 − d²)))²`.
fn hann_lobe(offset: f64) -> f64 {
    let d = offset.abs();
    if d >= 2.0 {
        return 0.0;
    }
    if d < 1e-6 {
        return 1.0;
    }
    if (d - 1.0).abs() < 1e-6 {
        return 0.25;
    }
    ((PI * d).sin() / (PI * d * (1.0 - d * d))).powi(2)
}

/// Sum of products in eight lanes: one fixed order, so the same bits everywhere.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_from([0.0; LANES], a, b)
}

/// [`dot`] that goes on from what the lanes hold.
#[inline(always)]
pub(crate) fn dot_from(mut lanes: [f32; LANES], a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    for (a, b) in a.iter().zip(b) {
        lanes = add_products(lanes, a, b);
    }
    fold(lanes) + products(a_rest, b_rest)
}

/// Sum of products, one after another: for what is left over from the lanes.
#[inline(always)]
pub(crate) fn products(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Sum in eight lanes.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let (values, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for value in values {
        lanes = add(lanes, value);
    }
    fold(lanes) + rest.iter().sum::<f32>()
}

#[inline(always)]
pub(crate) fn add(mut lanes: [f32; LANES], values: &[f32; LANES]) -> [f32; LANES] {
    for lane in 0..LANES {
        lanes[lane] += values[lane];
    }
    lanes
}

#[inline(always)]
pub(crate) fn add_products(mut lanes: [f32; LANES], a: &[f32; LANES], b: &[f32; LANES]) -> [f32; LANES] {
    for lane in 0..LANES {
        lanes[lane] += a[lane] * b[lane];
    }
    lanes
}

#[inline(always)]
pub(crate) fn fold(lanes: [f32; LANES]) -> f32 {
    let [a, b, c, d, e, f, g, h] = whole(lanes);
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Sum of lanes, one after another.
#[inline(always)]
pub(crate) fn fold_in_order(lanes: [f32; LANES]) -> f32 {
    let mut sum = 0.0;
    for lane in whole(lanes) {
        sum += lane;
    }
    sum
}

/// Lanes as they are. The compiler, which else lays them out as their fold pairs them, in vectors of two, sees through
/// this no more.
#[inline(always)]
fn whole(lanes: [f32; LANES]) -> [f32; LANES] {
    std::hint::black_box(lanes)
}

/// `10·log10` of many powers at once, never below [`FLOOR_DB`]; NaN reads the floor.
///
/// The exponent is read from the bits; the logarithm of the mantissa is `(m − 1)·q(m − 1)` with a polynomial
/// of degree 4 that is exact at both ends: the error stays under 0.0001 dB and 1.0 reads exactly 0 dB.
pub fn powers_to_db(powers: &[f32], db: &mut [f32]) {
    vectors::widest(
        #[inline(always)]
        || {
            for (db, &power) in db.iter_mut().zip(powers) {
                *db = power_to_db_fast(power);
            }
        },
    );
}

#[inline(always)]
fn power_to_db_fast(power: f32) -> f32 {
    const MANTISSA: u32 = 0x007F_FFFF;
    const ONE: u32 = 0x3F80_0000;
    const FLOOR_POWER: f32 = 1e-12; // 10^(FLOOR_DB / 10)
    let bits = power.clamp(FLOOR_POWER, f32::MAX).to_bits();
    let exponent = (bits >> 23).cast_signed() - 127;
    let x = f32::from_bits((bits & MANTISSA) | ONE) - 1.0;
    // Minimax fit of log2(1 + x) / x on 0..=1 with q(1) = 1.
    let q = 0.045_148_93_f32;
    let q = q * x - 0.193_575_4;
    let q = q * x + 0.415_605_8;
    let q = q * x - 0.709_096_4;
    let q = q * x + 1.441_917;
    let db = (exponent as f32 + x * q) * (10.0 * std::f32::consts::LOG10_2);
    if power > FLOOR_POWER { db.max(FLOOR_DB) } else { FLOOR_DB }
}
