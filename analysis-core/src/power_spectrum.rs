//! One window of samples in, its power spectrum out. The only room that names rustfft.

use crate::vectors;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Pairs of bins that are untangled at a time: one vector of AVX-512, two of AVX2.
const LANES: usize = 16;

/// A planned real transform that gives powers only.
///
/// A complex transform of half the length does the work (Press et al., "Numerical Recipes", section 12.3): `M` even
/// and odd samples are its real and imaginary parts, and its bins `k` and `M − k` give those of the real transform.
///
/// ```text
/// z[n] = w[2n]·x[2n] + i·w[2n+1]·x[2n+1]        0 <= n < M, w and x zero past the window
/// Z    = FFT of z
/// E[k] = (Z[k] + conj Z[M−k]) / 2               even samples
/// O[k] = (Z[k] − conj Z[M−k]) / 2i              odd samples
/// X[k] = E[k] + exp(−πi·k/M)·O[k]               X[M−k] = conj(E[k] − exp(−πi·k/M)·O[k])
/// ```
///
/// Powers are squared from `X` itself: as sums and differences of the powers of `E` and `O` a quiet bin would drown in
/// the rounding of the loud one it is paired with. Zeros give exactly 0.
pub(crate) struct PowerSpectrum {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    /// What makes powers of `2·X`.
    scale: f32,
    /// `exp(−πi·k/M) = cos[k] − i·sin[k]`, for the first of each pair of bins.
    cos: Vec<f32>,
    sin: Vec<f32>,
    /// `Z`, with `Z[M] = Z[0]` at its end.
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
}

impl PowerSpectrum {
    /// Plans for windows of `window.len()` samples, zero padded to `fft_len`, an even number not below that.
    /// `scale` multiplies powers.
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
    pub(crate) fn new(window: &[f32], scale: f32, fft_len: usize) -> Self {
        let half = fft_len / 2;
        let fft = FftPlanner::<f32>::new().plan_fft_forward(half);
        let angle = |k: usize| TAU * k as f64 / fft_len as f64;
        let pairs = half.div_ceil(2);
        Self {
            window: window.to_vec(),
            scale: scale / 4.0,
            cos: (0..pairs).map(|k| angle(k).cos() as f32).collect(),
            sin: (0..pairs).map(|k| angle(k).sin() as f32).collect(),
            bins: vec![Complex32::default(); half + 1],
            scratch: vec![Complex32::default(); fft.get_inplace_scratch_len()],
            power: vec![0.0; half + 1],
            fft,
        }
    }

    /// Length of the transform, in samples.
    pub(crate) fn fft_len(&self) -> usize {
        2 * self.fft.len()
    }

    /// Number of bins: `fft_len() / 2 + 1`.
    pub(crate) fn bins(&self) -> usize {
        self.power.len()
    }

    /// The power of each bin. `samples` are as many as the window has.
    pub(crate) fn process(&mut self, samples: &[f32]) -> &[f32] {
        let Self { fft, window, scale, cos, sin, bins, scratch, power } = self;
        let half = fft.len();
        vectors::widest(
            #[inline(always)]
            || pack(samples, window, vectors::cast_slice_mut(&mut bins[..half])),
        );
        fft.process_with_scratch(&mut bins[..half], scratch);
        bins[half] = bins[0];
        vectors::widest(
            #[inline(always)]
            || untangle(bins, cos, sin, *scale, power),
        );
        power
    }
}

/// Windows the samples into `packed`, two to a complex number, and pads with zeros.
#[inline(always)]
fn pack(samples: &[f32], window: &[f32], packed: &mut [f32]) {
    let (head, padding) = packed.split_at_mut(window.len());
    for ((x, sample), weight) in head.iter_mut().zip(samples).zip(window) {
        *x = sample * weight;
    }
    padding.fill(0.0);
}

/// Powers of the real transform from the `M + 1` bins of the complex one, from both ends towards the middle.
#[inline(always)]
fn untangle(bins: &[Complex32], cos: &[f32], sin: &[f32], scale: f32, power: &mut [f32]) {
    let pairs = cos.len();
    let (middle, from_back) = (bins.len() / 2, bins.len() - pairs);
    if from_back > pairs {
        // An even M pairs its middle bin with itself.
        let z = bins[middle];
        power[middle] = (z.re * z.re + z.im * z.im) * (4.0 * scale);
    }
    let (power_front, power_back) = power.split_at_mut(from_back);
    let (front, front_rest) = bins[..pairs].as_chunks::<LANES>();
    let (back_rest, back) = bins[from_back..].as_rchunks::<LANES>();
    let (out_front, out_front_rest) = power_front[..pairs].as_chunks_mut::<LANES>();
    let (out_back_rest, out_back) = power_back.as_rchunks_mut::<LANES>();
    let (cos, cos_rest) = cos.as_chunks::<LANES>();
    let (sin, sin_rest) = sin.as_chunks::<LANES>();
    let outputs = out_front.iter_mut().zip(out_back.iter_mut().rev());
    let inputs = front.iter().zip(back.iter().rev()).zip(cos.iter().zip(sin));
    for ((low, high), ((front, back), (cos, sin))) in outputs.zip(inputs) {
        (*low, *high) = pair_powers(front, back, cos, sin, scale);
    }
    let outputs = out_front_rest.iter_mut().zip(out_back_rest.iter_mut().rev());
    let inputs = front_rest.iter().zip(back_rest.iter().rev()).zip(cos_rest.iter().zip(sin_rest));
    for ((low, high), ((&front, &back), (&cos, &sin))) in outputs.zip(inputs) {
        ([*low], [*high]) = pair_powers(&[front], &[back], &[cos], &[sin], scale);
    }
}

/// Powers of `L` bins from `k` on, and of their partners, which end with bin `M − k`; from `2·X`, which saves the halves.
#[inline(always)]
fn pair_powers<const L: usize>(
    front: &[Complex32; L],
    back: &[Complex32; L],
    cos: &[f32; L],
    sin: &[f32; L],
    scale: f32,
) -> ([f32; L], [f32; L]) {
    // Loops, as the closures of `array::from_fn` would stay at the baseline.
    let mut mirrored = *back;
    mirrored.reverse();
    let (mut low, mut high) = ([0.0; L], [0.0; L]);
    for i in 0..L {
        let (a, b) = (front[i], mirrored[i]);
        let (even_re, even_im) = (a.re + b.re, a.im - b.im);
        let (odd_re, odd_im) = (a.im + b.im, b.re - a.re);
        let (turned_re, turned_im) = (cos[i] * odd_re + sin[i] * odd_im, cos[i] * odd_im - sin[i] * odd_re);
        let (re, im) = (even_re + turned_re, even_im + turned_im);
        low[i] = (re * re + im * im) * scale;
        let (re, im) = (even_re - turned_re, even_im - turned_im);
        high[i] = (re * re + im * im) * scale;
    }
    high.reverse();
    (low, high)
}
