//! Short-time Fourier transform.
//!
//! Mono samples at the file's own rate in, one power spectrum a frame out. Frames lie at exact times: frame
//! `i` is centred on sample [`units::frame_center_sample`]`(i, hop_ms, rate)`, so that times never drift where
//! the hop is no whole number of samples. The signal is taken as zero before its first and after its last
//! sample. There are [`units::frame_count`] frames, however the signal is split into blocks, and their
//! values do not depend on the split.

use crate::opaque::opaque;
use crate::power_spectrum::PowerSpectrum;
use crate::units;
use std::f64::consts::TAU;

/// Samples a window spans at 44.1 kHz: 46.4 ms. Other rates keep the time, not the count.
const WINDOW_AT_44100: u64 = 2048;

/// Length of the standard window at a sample rate, in samples: the even number nearest to
/// 2,048 / 44,100 s (46.44 ms), so that it has a middle sample to be centred on.
///
/// ```
/// assert_eq!(analysis_core::stft::window_len(44_100), 2048);
/// assert_eq!(analysis_core::stft::window_len(88_200), 4096);
/// ```
#[must_use]
pub fn window_len(sample_rate_hz: u32) -> usize {
    let half = (u64::from(sample_rate_hz) * WINDOW_AT_44100 / 2 + 22_050) / 44_100;
    usize::try_from(half.max(1) * 2).unwrap_or(usize::MAX)
}

/// The smallest even number of the form 2^a · 3^b that is at least `len`: lengths for which the FFT is fast.
#[must_use]
pub fn fft_len_for(len: usize) -> usize {
    let powers_of_three = std::iter::successors(Some(1_usize), |n| n.checked_mul(3));
    powers_of_three
        .take_while(|&n| n < len.max(2))
        .filter_map(|n| {
            let twos = len.max(2).div_ceil(n).next_power_of_two().max(2);
            n.checked_mul(twos)
        })
        .min()
        .unwrap_or(2)
}

/// Periodic Hann window of `len` samples: `w[n] = 0.5 − 0.5·cos(2πn / len)`, largest at `len / 2`.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "window values are kept as f32")]
pub fn hann(len: usize) -> Vec<f32> {
    (0..len).map(|n| (0.5 - 0.5 * (TAU * n as f64 / len as f64).cos()) as f32).collect()
}

/// Streaming power spectra.
///
/// ```text
/// X_i[k]     = Σ_n w[n] · x[c_i − N/2 + n] · exp(−2πi·k·n / M)      N: window, M ≥ N: FFT length
/// power_i[k] = |X_i[k]|² · (2 / Σ_n w[n])²                          k = 0 ..= M/2
/// ```
///
/// A sine of amplitude 1 on the centre of a bin reads 1.0 (0 dB) there. Its power over the whole main lobe
/// sums to 1.5·M/N (the equivalent noise bandwidth of the Hann window).
///
/// Everything is planned and allocated in `new`; `push` allocates nothing.
pub struct Stft {
    spectrum: PowerSpectrum,
    window_len: usize,
    hop_ms: u32,
    sample_rate_hz: u32,
    /// Samples from `origin` on that later frames still need, at the front of a fixed allocation.
    pending: Vec<f32>,
    capacity: usize,
    /// Position of `pending[0]`, counted from `N/2` samples before the signal: there frame 0 begins.
    origin: u64,
    /// Samples of the signal taken so far.
    taken: u64,
    next_frame: u64,
}

opaque!(Stft { sample_rate_hz, hop_ms, window_len, taken });

impl Stft {
    /// Plans the standard transform: a Hann window of [`window_len`] samples, zero padded to
    /// [`fft_len_for`] that length, every `hop_ms` milliseconds (at least 1), for audio of `sample_rate_hz`, in Hz
    /// (8,000 to 192,000 in this engine; any above 0 works).
    #[must_use]
    pub fn new(sample_rate_hz: u32, hop_ms: u32) -> Self {
        Self::with_window(sample_rate_hz, hop_ms, window_len(sample_rate_hz))
    }

    /// Plans a transform with a window of `window_len` samples (at least 2).
    #[must_use]
    pub fn with_window(sample_rate_hz: u32, hop_ms: u32, window_len: usize) -> Self {
        let window = hann(window_len.max(2));
        let scale = (2.0 / window.iter().sum::<f32>()).powi(2);
        // Room for a few windows, so that moving what is left to the front stays rare.
        let capacity = window.len() * 4;
        let mut stft = Self {
            spectrum: PowerSpectrum::new(&window, scale, fft_len_for(window.len())),
            window_len: window.len(),
            hop_ms: hop_ms.max(1),
            // At a rate of 0 all frames would lie on the first sample, without end.
            sample_rate_hz: sample_rate_hz.max(1),
            pending: Vec::with_capacity(capacity),
            capacity,
            origin: 0,
            taken: 0,
            next_frame: 0,
        };
        stft.rewind();
        stft
    }

    /// Length of the FFT, in samples.
    #[must_use]
    pub fn fft_len(&self) -> usize {
        self.spectrum.fft_len()
    }

    /// Length of the window, in samples.
    #[must_use]
    pub fn window_len(&self) -> usize {
        self.window_len
    }

    /// Distance between bins, in Hz.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a spacing of bins fits f32 well")]
    pub fn bin_hz(&self) -> f32 {
        (f64::from(self.sample_rate_hz) / self.fft_len() as f64) as f32
    }

    /// Number of bins in a spectrum: `fft_len() / 2 + 1`.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.spectrum.bins()
    }

    /// Takes the next samples, any number of them, and hands out each frame whose window is complete.
    pub fn push(&mut self, mono: &[f32], on_frame: &mut impl FnMut(&[f32])) {
        self.taken += mono.len() as u64;
        self.feed(mono, u64::MAX, on_frame);
    }

    /// Ends the signal: hands out the frames whose windows reach past its end, then starts afresh.
    pub fn finish(&mut self, on_frame: &mut impl FnMut(&[f32])) {
        let frames = units::frame_count(self.taken, self.hop_ms, self.sample_rate_hz);
        let silence = [0.0; 256];
        while self.next_frame < frames {
            self.feed(&silence, frames, on_frame);
        }
        self.rewind();
    }

    /// Back to the state before the first sample: half a window of silence is already there.
    fn rewind(&mut self) {
        self.pending.clear();
        self.pending.resize(self.window_len / 2, 0.0);
        (self.origin, self.taken, self.next_frame) = (0, 0, 0);
    }

    /// Takes samples until the frames below `frames` are handed out: once they are, nothing makes room for more.
    fn feed(&mut self, mut samples: &[f32], frames: u64, on_frame: &mut impl FnMut(&[f32])) {
        while !samples.is_empty() && self.next_frame < frames {
            let room = self.capacity - self.pending.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(now);
            self.emit_complete(frames, on_frame);
            samples = later;
        }
    }

    /// Transforms every complete window below frame `frames`, then drops the samples no frame needs.
    fn emit_complete(&mut self, frames: u64, on_frame: &mut impl FnMut(&[f32])) {
        while self.next_frame < frames {
            let start = self.next_start();
            let Some(end) = start.checked_add(self.window_len).filter(|&end| end <= self.pending.len())
            else {
                break;
            };
            on_frame(self.spectrum.process(&self.pending[start..end]));
            self.next_frame += 1;
        }
        let unused = self.next_start().min(self.pending.len());
        self.pending.copy_within(unused.., 0);
        self.pending.truncate(self.pending.len() - unused);
        self.origin += unused as u64;
    }

    /// Where the next frame's window begins in `pending`; may lie past its end where hops exceed windows.
    fn next_start(&self) -> usize {
        let center = units::frame_center_sample(self.next_frame, self.hop_ms, self.sample_rate_hz);
        usize::try_from(center.saturating_sub(self.origin)).unwrap_or(usize::MAX)
    }
}
