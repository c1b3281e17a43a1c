//! The rhythm stage's own log-spaced filters, the same in Hz at every sample rate.

use crate::bands::{self, LANES};

/// Centre of the lowest filter, in Hz.
const LOWEST_HZ: f32 = 40.0;
/// No filter reaches above this, in Hz.
const HIGHEST_HZ: f32 = 16_000.0;
/// Filters per octave where the spectrum resolves them.
const PER_OCTAVE: f32 = 12.0;
/// Least distance of two centres, in Hz: about one bin of a 46 ms window.
const MIN_SPACING_HZ: f32 = 25.0;

/// Triangular filters, a semitone but at least 25 Hz apart, from 40 Hz to 16 kHz or the Nyquist frequency.
#[derive(Debug, Clone)]
pub(crate) struct LogBands {
    centers_hz: Vec<f32>,
    rows: Vec<Row>,
    /// Weights of all filters' whole lanes.
    weights: Vec<[f32; LANES]>,
}

/// Where a filter reads the spectrum: whole lanes of bins first, then the fewer that are left over.
#[derive(Debug, Clone)]
struct Row {
    first_bin: usize,
    /// The whole lanes' weights.
    whole: std::ops::Range<usize>,
    /// First bin under `rest`.
    rest_bin: usize,
    /// Weights of the bins left over, among zeros.
    rest: [f32; LANES],
}

impl LogBands {
    /// Plans for spectra of `fft_len / 2 + 1` bins, eight at least.
    pub(crate) fn new(sample_rate_hz: u32, fft_len: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "sample rates and FFT lengths are far below 2^24")]
        let (rate, bin_hz) = (sample_rate_hz as f32, sample_rate_hz as f32 / fft_len as f32);
        let edges = centers(HIGHEST_HZ.min(rate / 2.0));
        let mut weights = Vec::new();
        let triangle = |w: &[f32]| {
            let (first_bin, triangle) = triangle(w[0], w[1], w[2], bin_hz, fft_len / 2);
            Row::new(first_bin, &triangle, fft_len / 2 + 1, &mut weights)
        };
        let rows: Vec<Row> = edges.windows(3).map(triangle).collect();
        let centers_hz = edges[1..=rows.len()].to_vec();
        Self { centers_hz, rows, weights }
    }

    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.centers_hz.len()
    }

    /// Centres, in Hz, rising.
    pub(crate) fn centers_hz(&self) -> &[f32] {
        &self.centers_hz
    }

    /// `out[b] = sqrt(Σ_k w[b,k]·power[k])`, filters by eights.
    #[inline(always)]
    pub(crate) fn amplitudes(&self, power: &[f32], out: &mut [[f32; LANES]]) {
        for (value, row) in out.as_flattened_mut().iter_mut().zip(&self.rows) {
            *value = row.dot(power, &self.weights);
        }
        for values in out {
            for value in values {
                *value = value.sqrt();
            }
        }
    }
}

impl Row {
    /// The filter whose `triangle` begins at `first_bin`, its whole lanes appended to `weights`.
    fn new(first_bin: usize, triangle: &[f32], bins: usize, weights: &mut Vec<[f32; LANES]>) -> Self {
        let (lanes, rest) = triangle.as_chunks();
        let begin = weights.len();
        weights.extend_from_slice(lanes);
        let after = first_bin + lanes.len() * LANES;
        // Zeros before a sum of positive numbers leave it as it is, as do those after it.
        let rest_bin = after.min(bins.saturating_sub(LANES));
        let mut row = Self { first_bin, whole: begin..weights.len(), rest_bin, rest: [0.0; LANES] };
        row.rest[after - rest_bin..][..rest.len()].copy_from_slice(rest);
        row
    }

    /// `Σ_k w[k]·power[k]`: in lanes of fixed order, so the same bits everywhere.
    #[inline(always)]
    fn dot(&self, power: &[f32], weights: &[[f32; LANES]]) -> f32 {
        let mut whole = [0.0; LANES];
        for (bins, weights) in power[self.first_bin..].as_chunks().0.iter().zip(&weights[self.whole.clone()])
        {
            whole = bands::add_products(whole, bins, weights);
        }
        let mut rest = [0.0; LANES];
        if let Some(bins) = power[self.rest_bin..].first_chunk() {
            rest = bands::add_products(rest, bins, &self.rest);
        }
        bands::fold_in_order(whole) + bands::fold_in_order(rest)
    }
}

/// First bin and weights of a triangle.
fn triangle(low: f32, center: f32, high: f32, bin_hz: f32, last_bin: usize) -> (usize, Vec<f32>) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frequencies are positive and below the Nyquist frequency"
    )]
    let (first, last) = ((low / bin_hz).ceil() as usize, ((high / bin_hz).floor() as usize).min(last_bin));
    #[expect(clippy::cast_precision_loss, reason = "bin numbers are far below 2^24")]
    let weight = |bin: usize| {
        let hz = bin as f32 * bin_hz;
        ((hz - low) / (center - low)).min((high - hz) / (high - center)).max(0.0)
    };
    (first, (first..=last).map(weight).collect())
}

/// Edges and centres of the triangles up to `highest_hz`.
fn centers(highest_hz: f32) -> Vec<f32> {
    let ratio = (1.0 / PER_OCTAVE).exp2();
    let mut hz = vec![(LOWEST_HZ - MIN_SPACING_HZ).max(1.0)];
    let mut next = LOWEST_HZ;
    while next <= highest_hz {
        hz.push(next);
        next = (next * ratio).max(next + MIN_SPACING_HZ);
    }
    hz
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of products in eight lanes, the lanes one after another, then the sum of what is left over.
    fn amplitude(triangle: &[f32], bins: &[f32]) -> f32 {
        let ((weights, weights_rest), (bins, bins_rest)) = (triangle.as_chunks(), bins.as_chunks());
        let lanes = weights.iter().zip(bins).fold([0.0; LANES], |sum, (w, x)| bands::add_products(sum, w, x));
        (lanes.iter().sum::<f32>() + bands::products(weights_rest, bins_rest)).sqrt()
    }

    #[test]
    fn bins_left_over_among_zeros_have_the_bits_of_bins_left_over_alone() {
        for (rate, fft_len) in [(44_100, 2048), (48_000, 2304), (8_000, 384), (192_000, 9216), (400, 18)] {
            let power: Vec<f32> = (0..=fft_len / 2).map(|k| (k as f32 * 0.7).sin().powi(2)).collect();
            let filters = LogBands::new(rate, fft_len);
            let mut amplitudes = vec![[0.0; LANES]; filters.len().div_ceil(LANES)];
            filters.amplitudes(&power, &mut amplitudes);
            let edges = centers(HIGHEST_HZ.min(rate as f32 / 2.0));
            let mut want: Vec<f32> = edges
                .windows(3)
                .map(|w| {
                    let (first, triangle) =
                        triangle(w[0], w[1], w[2], rate as f32 / fft_len as f32, fft_len / 2);
                    amplitude(&triangle, &power[first..][..triangle.len()])
                })
                .collect();
            assert_eq!(filters.centers_hz(), &edges[1..=want.len()]);
            want.resize(want.len().next_multiple_of(LANES), 0.0);
            assert_eq!(amplitudes.as_flattened(), want, "{rate} Hz");
        }
    }
}
