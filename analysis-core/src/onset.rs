//! Onset strength from power spectra: how much each frame holds that was not there 20 ms before.

use crate::bands::LANES;
use crate::filterbank::LogBands;
use crate::log::log2_1p;
use crate::vectors;

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
    /// Filters by eights, here and below.
    peaks: Vec<[f32; LANES]>,
    decay: f32,
    amplitude: Vec<[f32; LANES]>,
    /// Compressed spectra of this and the last frames, newest at `newest`.
    history: [Vec<[f32; LANES]>; LAG_FRAMES + 1],
    newest: usize,
    rises: Vec<f32>,
}

impl OnsetStrength {
    /// Plans for power spectra of `fft_len / 2 + 1` bins at 100 frames a second.
    #[must_use]
    pub fn new(sample_rate_hz: u32, fft_len: usize) -> Self {
        let bands = LogBands::new(sample_rate_hz, fft_len);
        let count = bands.len();
        let zeros = vec![[0.0; LANES]; count.div_ceil(LANES)];
        let split = SPLIT_HZ.map(|hz| bands.centers_hz().partition_point(|&c| c < hz));
        Self {
            groups: [0..split[0], split[0]..split[1], split[1]..count],
            peaks: zeros.clone(),
            decay: (-1.0 / PEAK_HALF_LIFE_FRAMES).exp2(),
            amplitude: zeros.clone(),
            history: [zeros.clone(), zeros.clone(), zeros],
            newest: 0,
            rises: vec![0.0; count],
            bands,
        }
    }

    /// Takes the next power spectrum (`fft_len / 2 + 1` bins, a full-scale sine reads 1).
    ///
    /// # Panics
    /// If `power` holds too few bins for the highest filter.
    pub fn process(&mut self, power: &[f32]) -> OnsetFrame {
        let count = self.bands.len();
        self.newest = (self.newest + 1) % self.history.len();
        let past = (self.newest + 1) % self.history.len();
        vectors::widest(
            #[inline(always)]
            || {
                self.bands.amplitudes(power, &mut self.amplitude);
                whiten(&self.amplitude, &mut self.peaks, self.decay, &mut self.history[self.newest]);
                let (now, past) =
                    (self.history[self.newest].as_flattened(), self.history[past].as_flattened());
                rises(&now[..count], &past[..count], &mut self.rises);
            },
        );
        let flux = [0, 1, 2].map(|g| mean(&self.rises[self.groups[g].clone()]));
        OnsetFrame { flux, strength: ((flux[0] + flux[1] + flux[2]) / 3.0).min(1.0) }
    }

    /// The whitened, compressed bands of the frame processed last, 0 to 1.
    #[must_use]
    pub fn whitened(&self) -> &[f32] {
        &self.history[self.newest].as_flattened()[..self.bands.len()]
    }

    /// The filters' amplitudes in the frame processed last, relative to a full-scale sine.
    #[must_use]
    pub fn amplitudes(&self) -> &[f32] {
        &self.amplitude.as_flattened()[..self.bands.len()]
    }

    /// Centres of those bands, in Hz.
    #[must_use]
    pub fn centers_hz(&self) -> &[f32] {
        self.bands.centers_hz()
    }
}

/// Amplitudes against their remembered peaks, compressed.
#[inline(always)]
fn whiten(amplitude: &[[f32; LANES]], peaks: &mut [[f32; LANES]], decay: f32, whitened: &mut [[f32; LANES]]) {
    let mut loudest = [0.0_f32; LANES];
    for (peak, amplitude) in peaks.iter_mut().zip(amplitude) {
        for lane in 0..LANES {
            peak[lane] = (peak[lane] * decay).max(amplitude[lane]);
            loudest[lane] = loudest[lane].max(peak[lane]);
        }
    }
    let mut highest = 0.0_f32;
    for loudest in loudest {
        highest = highest.max(loudest);
    }
    let floor = (highest * RELATIVE_FLOOR).max(ABSOLUTE_FLOOR);
    let scale = 1.0 / log2_1p(COMPRESSION);
    for (y, (amplitude, peak)) in whitened.iter_mut().zip(amplitude.iter().zip(&*peaks)) {
        for lane in 0..LANES {
            y[lane] = log2_1p(COMPRESSION * amplitude[lane] / peak[lane].max(floor)) * scale;
        }
    }
}

/// Rise of each filter above the widest neighbour of the past. All three have one length.
#[inline(always)]
fn rises(now: &[f32], past: &[f32], rises: &mut [f32]) {
    let Some(last) = now.len().checked_sub(1) else { return };
    // At the ends there is one neighbour.
    rises[0] = (now[0] - past[0].max(past[last.min(1)])).max(0.0);
    rises[last] = (now[last] - past[last.saturating_sub(1)].max(past[last])).max(0.0);
    for (rise, (now, past)) in rises[1..].iter_mut().zip(now[1..].iter().zip(past.windows(3))) {
        *rise = (now - past[0].max(past[1]).max(past[2])).max(0.0);
    }
}

/// 0 for none.
#[expect(clippy::cast_precision_loss, reason = "fewer than a hundred filters")]
fn mean(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |sum, value| sum + value) / values.len().max(1) as f32
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flux_of_lanes_has_the_bits_of_filter_after_filter() {
        for (rate, fft_len) in [(44_100, 2048), (8_000, 384)] {
            let mut onsets = OnsetStrength::new(rate, fft_len);
            let count = onsets.bands.len();
            let mut peaks = vec![0.0_f32; count];
            let mut history = vec![vec![0.0; count]; LAG_FRAMES];
            for frame in 0..9_usize {
                let power: Vec<f32> =
                    (0..=fft_len / 2).map(|k| ((k * (frame + 1)) as f32 * 0.7).sin().powi(4)).collect();
                let OnsetFrame { flux, .. } = onsets.process(&power);
                let amplitudes = onsets.amplitudes();
                for (peak, &a) in peaks.iter_mut().zip(amplitudes) {
                    *peak = (*peak * onsets.decay).max(a);
                }
                let floor = peaks.iter().fold(0.0, |m: f32, &p| m.max(p)) * RELATIVE_FLOOR;
                let scale = 1.0 / log2_1p(COMPRESSION);
                let whiten = |(a, p): (&f32, &f32)| log2_1p(COMPRESSION * a / p.max(floor)) * scale;
                let now: Vec<f32> = amplitudes.iter().zip(&peaks).map(whiten).collect();
                assert_eq!(onsets.whitened(), now);
                let past = &history[frame];
                let rise = |b: usize| {
                    let widest =
                        past[b.saturating_sub(1)..count.min(b + 2)].iter().copied().fold(0.0, f32::max);
                    (now[b] - widest).max(0.0)
                };
                let mean = |group: std::ops::Range<usize>| {
                    group.clone().fold(0.0, |sum, b| sum + rise(b)) / group.len() as f32
                };
                assert_eq!(flux, onsets.groups.clone().map(mean));
                history.push(now);
            }
        }
    }
}
