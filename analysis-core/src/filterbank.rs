//! The rhythm stage's own log-spaced filters, the same in Hz at every sample rate.

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
    first_bin: Vec<usize>,
    /// Where each filter's weights begin in `weights`; one more than filters.
    start: Vec<usize>,
    weights: Vec<f32>,
}

impl LogBands {
    /// Plans for spectra of `fft_len / 2 + 1` bins.
    pub(crate) fn new(sample_rate_hz: u32, fft_len: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "sample rates and FFT lengths are far below 2^24")]
        let (rate, bin_hz) = (sample_rate_hz as f32, sample_rate_hz as f32 / fft_len as f32);
        let edges = centers(HIGHEST_HZ.min(rate / 2.0));
        let mut bands =
            Self { centers_hz: Vec::new(), first_bin: Vec::new(), start: vec![0], weights: Vec::new() };
        for w in edges.windows(3) {
            bands.push_triangle(w[0], w[1], w[2], bin_hz, fft_len / 2);
        }
        bands
    }

    fn push_triangle(&mut self, low: f32, center: f32, high: f32, bin_hz: f32, last_bin: usize) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "frequencies are positive and below the Nyquist frequency"
        )]
        let (first, last) =
            ((low / bin_hz).ceil() as usize, ((high / bin_hz).floor() as usize).min(last_bin));
        for bin in first..=last {
            #[expect(clippy::cast_precision_loss, reason = "bin numbers are far below 2^24")]
            let hz = bin as f32 * bin_hz;
            self.weights.push(((hz - low) / (center - low)).min((high - hz) / (high - center)).max(0.0));
        }
        self.first_bin.push(first);
        self.centers_hz.push(center);
        self.start.push(self.weights.len());
    }

    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.centers_hz.len()
    }

    /// Centres, in Hz, rising.
    pub(crate) fn centers_hz(&self) -> &[f32] {
        &self.centers_hz
    }

    /// `out[b] = sqrt(Σ_k w[b,k]·power[k])`.
    pub(crate) fn amplitudes(&self, power: &[f32], out: &mut [f32]) {
        for (b, value) in out.iter_mut().enumerate() {
            let weights = &self.weights[self.start[b]..self.start[b + 1]];
            let bins = &power[self.first_bin[b]..self.first_bin[b] + weights.len()];
            *value = dot(weights, bins);
        }
        for value in out.iter_mut() {
            *value = value.sqrt();
        }
    }
}

/// Dot product in eight lanes of fixed order: vectorises, and gives the same bytes everywhere.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f32>() + tail
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
