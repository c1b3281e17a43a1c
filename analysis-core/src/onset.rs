//! Onset strength from power spectra.

use crate::filterbank::LogBands;
use crate::log::log2_1p;

/// Bounds between the low, middle and high band, in Hz: kick and bass, voices and snare, hats and attacks.
const SPLIT_HZ: [f32; 2] = [180.0, 2500.0];
/// Frames between the two spectra compared. Half the 46 ms window's main part at 100 frames a second
/// (Böck & Widmer, DAFx 2013, section 3.1).
const LAG_FRAMES: usize = 2;
/// Half-life of a band's remembered peak, in frames (Stowell & Plumbley, ICMC 2007: a few seconds).
const PEAK_HALF_LIFE_FRAMES: f32 = 400.0;
/// A band is never taken to be quieter than this fraction of the loudest band's amplitude (-32 dB), so
/// that whitening lifts no noise floor.
const RELATIVE_FLOOR: f32 = 0.025;
/// … nor than this amplitude, relative to a full-scale sine (-68 dB): 16-bit dither, some -110 dB a filter,
/// is silence.
const ABSOLUTE_FLOOR: f32 = 4e-4;
/// Compression of whitened amplitudes: `log2(1 + COMPRESSION·x)`.
const COMPRESSION: f32 = 12.0;

/// Onset strength of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OnsetFrame {
    /// Spectral flux of the low (below 180 Hz), middle and high (above 2.5 kHz) band, each a mean over its
    /// filters, about 0 to 1.
    pub flux: [f32; 3],
    /// Mean of the three, 0 to 1.
    pub strength: f32,
}

/// Log-frequency, log-magnitude spectral flux with maximum filter (`SuperFlux`) on whitened bands.
///
/// ```text
/// A[b] = sqrt(Σ_k w[b,k]·power[k])                         filters a semitone (at least 25 Hz) apart
/// P[b] = max(A[b], P[b]·2^(-1/400), floor)                 remembered peak
/// Y[b] = log2(1 + 12·A[b]/P[b]) / log2(13)                 0 … 1
/// flux = mean over the band's filters of max(0, Y[b,n] - max(Y[b-1..=b+1, n-2]))
/// ```
///
/// Böck & Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013; Stowell & Plumbley,
/// "Adaptive whitening for improved real-time audio onset detection", ICMC 2007. Silence gives exactly zero.
#[derive(Debug, Clone)]
pub struct OnsetStrength {
    bands: LogBands,
    groups: [std::ops::Range<usize>; 3],
    peaks: Vec<f32>,
    decay: f32,
    amplitude: Vec<f32>,
    /// Compressed spectra of this and the last frames, newest at `newest`.
    history: [Vec<f32>; LAG_FRAMES + 1],
    newest: usize,
}

impl OnsetStrength {
    /// Plans for power spectra of `fft_len / 2 + 1` bins at 100 frames a second.
    #[must_use]
    pub fn new(sample_rate_hz: u32, fft_len: usize) -> Self {
        let bands = LogBands::new(sample_rate_hz, fft_len);
        let count = bands.len();
        let split = SPLIT_HZ.map(|hz| bands.centers_hz().partition_point(|&c| c < hz));
        Self {
            groups: [0..split[0], split[0]..split[1], split[1]..count],
            peaks: vec![0.0; count],
            decay: (-1.0 / PEAK_HALF_LIFE_FRAMES).exp2(),
            amplitude: vec![0.0; count],
            history: std::array::from_fn(|_| vec![0.0; count]),
            newest: 0,
            bands,
        }
    }

    /// Takes the next power spectrum (`fft_len / 2 + 1` bins, a full-scale sine reads 1).
    pub fn process(&mut self, power: &[f32]) -> OnsetFrame {
        self.bands.amplitudes(power, &mut self.amplitude);
        self.newest = (self.newest + 1) % self.history.len();
        self.whiten();
        let past = &self.history[(self.newest + 1) % self.history.len()];
        let now = &self.history[self.newest];
        let flux = [0, 1, 2].map(|g| group_flux(now, past, self.groups[g].clone()));
        OnsetFrame { flux, strength: ((flux[0] + flux[1] + flux[2]) / 3.0).min(1.0) }
    }

    /// The whitened, compressed bands of the frame processed last, 0 to 1.
    #[must_use]
    pub fn whitened(&self) -> &[f32] {
        &self.history[self.newest]
    }

    /// The filters' amplitudes in the frame processed last, relative to a full-scale sine.
    #[must_use]
    pub fn amplitudes(&self) -> &[f32] {
        &self.amplitude
    }

    /// Centres of those bands, in Hz.
    #[must_use]
    pub fn centers_hz(&self) -> &[f32] {
        self.bands.centers_hz()
    }

    fn whiten(&mut self) {
        for (peak, &a) in self.peaks.iter_mut().zip(&self.amplitude) {
            *peak = (*peak * self.decay).max(a);
        }
        let loudest = self.peaks.iter().fold(0.0, |m: f32, &p| m.max(p));
        let floor = (loudest * RELATIVE_FLOOR).max(ABSOLUTE_FLOOR);
        let scale = 1.0 / log2_1p(COMPRESSION);
        let out = &mut self.history[self.newest];
        for ((y, &a), &p) in out.iter_mut().zip(&self.amplitude).zip(&self.peaks) {
            *y = log2_1p(COMPRESSION * a / p.max(floor)) * scale;
        }
    }
}

/// Mean rise of the filters in `range` above the widest neighbour of the past.
fn group_flux(now: &[f32], past: &[f32], range: std::ops::Range<usize>) -> f32 {
    if range.is_empty() {
        return 0.0;
    }
    let mut sum = 0.0;
    for b in range.clone() {
        let from = b.saturating_sub(1);
        let to = (b + 1).min(past.len() - 1);
        let before = past[from].max(past[b]).max(past[to]);
        sum += (now[b] - before).max(0.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer than a hundred filters")]
    let count = range.len() as f32;
    sum / count
}

/// The start of a note or a hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// Time, in seconds.
    pub time_s: f64,
    /// 0 to 1.
    pub confidence: f32,
}

/// Frames before and after a peak that it must top.
const PEAK_REACH: usize = 3;
/// Frames before a peak over which the local mean is taken.
const MEAN_REACH: usize = 10;
/// How far a peak must stand above the local mean, in units of the local RMS.
const PEAK_ABOVE: f32 = 0.8;

/// Picks peaks of normalised flux: the highest within ±30 ms, and above the mean of the last 100 ms by a
/// margin (Böck, Krebs & Schedl, ISMIR 2012).
#[derive(Debug, Clone, Default)]
pub struct OnsetPicker {
    past: [f32; MEAN_REACH + PEAK_REACH + 1],
    frame: usize,
}

impl OnsetPicker {
    /// Frames that a peak is reported late.
    pub const DELAY: usize = PEAK_REACH;

    /// Takes the next frame's normalised flux; gives the frame and height of a peak that is now certain.
    pub fn push(&mut self, flux: f32) -> Option<(usize, f32)> {
        self.past.rotate_left(1);
        self.past[MEAN_REACH + PEAK_REACH] = flux;
        self.frame += 1;
        let peak = self.past[MEAN_REACH];
        let rising = self.past[MEAN_REACH - PEAK_REACH..MEAN_REACH].iter().all(|&x| x < peak);
        let falling = self.past[MEAN_REACH + 1..].iter().all(|&x| x <= peak);
        #[expect(clippy::cast_precision_loss, reason = "a handful of frames")]
        let mean = self.past.iter().sum::<f32>() / self.past.len() as f32;
        let found = rising && falling && peak > mean + PEAK_ABOVE && self.frame > Self::DELAY;
        found.then(|| (self.frame - 1 - Self::DELAY, peak))
    }
}
