//! Scalar features of a frame: where its spectrum lies, how loud it is, how far it peaks.

use crate::bands::{self, FLOOR_DB, HIGHEST_HZ, LANES, LOWEST_HZ};
use crate::loudness::{KFilter, OFFSET_LUFS};
use crate::opaque::opaque;
use crate::{stft, units, vectors};
use std::ops::Range;

/// Power below which a spectrum counts as silent: [`FLOOR_DB`] below a full-scale sine.
const SILENT_POWER: f32 = 1e-12;
/// Samples of which the peak is taken at a time: one vector of AVX-512, two of AVX2.
const PEAK_LANES: usize = 16;

/// What [`SpectralFeatures::process`] reads from one spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectralValues {
    /// Spectral centroid in Hz; `None` for a silent frame.
    pub centroid_hz: Option<f32>,
    /// K-weighted loudness of the frame, in LUFS; at least [`FLOOR_DB`].
    pub loudness_lufs: f32,
}

/// Spectral centroid and K-weighted loudness from a power spectrum, weights planned once.
///
/// ```text
/// centroid = Σ_k f_k · P[k] / Σ_k P[k]                over 30 Hz <= f_k <= 16 kHz   (Peeters 2004, on power)
/// loudness = −0.691 + 10·log10(c · N/(3M) · Σ_k |H_K(f_k)|² · P[k])        N: window, M: FFT length
/// ```
///
/// The centroid's range is that of the bands, so that a 96 kHz file reads as its 44.1 kHz twin does.
///
/// `N/(3M)·ΣP` is the mean square of the signal under the Hann window (Parseval), `H_K` the two filters of
/// ITU-R BS.1770-4 at the file's rate, and the spectrum that of the mean of the channels. `c` is 1 for mono and 2 for
/// more channels: what the mix would read on one, or on both front speakers. For mono, and for stereo with
/// equal channels, the power average of this value over 400 ms is the momentary loudness of EBU Tech 3341;
/// where channels differ the mix is quieter than their sum (uncorrelated stereo: 3 dB less). The whole-track
/// figures in the summary are measured per channel and have no such limit.
pub struct SpectralFeatures {
    /// Bins the centroid is taken over, and their frequencies.
    range: Range<usize>,
    frequency_hz: Vec<f32>,
    k_weight: Vec<f32>,
}

opaque!(SpectralFeatures {});

impl SpectralFeatures {
    /// Plans for spectra of [`stft::Stft`] with its standard window, of audio with `channels` channels.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
    pub fn new(sample_rate_hz: u32, fft_len: usize, channels: usize) -> Self {
        let bins = fft_len / 2 + 1;
        let hz_of = |k: usize| k as f64 * f64::from(sample_rate_hz) / fft_len as f64;
        let first = (0..bins).find(|&k| hz_of(k) >= f64::from(LOWEST_HZ)).unwrap_or(bins);
        let end = (first..bins).find(|&k| hz_of(k) > f64::from(HIGHEST_HZ)).unwrap_or(bins);
        let speakers = if channels > 1 { 2.0 } else { 1.0 };
        let mean_square = stft::window_len(sample_rate_hz) as f64 / (3.0 * fft_len as f64);
        let k_filter = KFilter::new(sample_rate_hz);
        let k_weight = |k: usize| (k_filter.power_response(hz_of(k)) * mean_square * speakers) as f32;
        Self {
            range: first..end,
            frequency_hz: (first..end).map(|k| hz_of(k) as f32).collect(),
            k_weight: (0..bins).map(k_weight).collect(),
        }
    }

    /// Reads one spectrum of `fft_len / 2 + 1` bins.
    ///
    /// # Panics
    /// If `power` has another length.
    #[must_use]
    pub fn process(&self, power: &[f32]) -> SpectralValues {
        assert_eq!(power.len(), self.k_weight.len(), "bins of the spectrum");
        let heard = &power[self.range.clone()];
        let Sums { total, moment, weighted } = vectors::widest(
            #[inline(always)]
            || Sums::of(heard, &self.frequency_hz, power, &self.k_weight),
        );
        let centroid_hz = (total > SILENT_POWER && moment.is_finite()).then(|| moment / total);
        #[expect(clippy::cast_possible_truncation, reason = "a level in dB")]
        let loudness = units::power_to_db(weighted) + OFFSET_LUFS as f32;
        SpectralValues { centroid_hz, loudness_lufs: loudness.max(FLOOR_DB) }
    }
}

/// The three sums of a spectrum. Each is one chain of additions in eight lanes, so they run side by side.
struct Sums {
    /// `Σ heard`
    total: f32,
    /// `Σ frequency · heard`
    moment: f32,
    /// `Σ weight · all`
    weighted: f32,
}

impl Sums {
    /// `heard` are no more bins than `all`.
    #[inline(always)]
    fn of(heard: &[f32], frequency: &[f32], all: &[f32], weight: &[f32]) -> Self {
        let shared = heard.len() / LANES * LANES;
        let ((heard, heard_rest), (frequency, frequency_rest)) = (heard.as_chunks(), frequency.as_chunks());
        let ((all, all_rest), (weight, weight_rest)) = (all.split_at(shared), weight.split_at(shared));
        let [mut total, mut moment, mut weighted] = [[0.0; LANES]; 3];
        let whole = all.as_chunks().0.iter().zip(weight.as_chunks().0);
        for ((heard, frequency), (all, weight)) in heard.iter().zip(frequency).zip(whole) {
            total = bands::add(total, heard);
            moment = bands::add_products(moment, heard, frequency);
            weighted = bands::add_products(weighted, all, weight);
        }
        Self {
            total: bands::fold(total) + heard_rest.iter().sum::<f32>(),
            moment: bands::fold(moment) + bands::products(heard_rest, frequency_rest),
            weighted: bands::dot_from(weighted, all_rest, weight_rest),
        }
    }
}

/// Sample peak of each frame: the largest `|x|` over all channels among the samples nearer to the frame's
/// centre than to any other's. Blocks may have any size. A last half hop that is nearer to a frame past the
/// end of the signal is in no frame.
#[derive(Debug, Clone)]
pub struct FramePeaks {
    sample_rate_hz: u32,
    hop_ms: u32,
    taken: u64,
    next_frame: u64,
    boundary: u64,
    peak: f32,
}

impl FramePeaks {
    /// Starts before the first sample. Frames are those of [`stft::Stft`] with the same rate and hop.
    #[must_use]
    pub fn new(sample_rate_hz: u32, hop_ms: u32) -> Self {
        let sample_rate_hz = sample_rate_hz.max(1);
        let mut peaks =
            Self { sample_rate_hz, hop_ms: hop_ms.max(1), taken: 0, next_frame: 0, boundary: 0, peak: 0.0 };
        peaks.boundary = peaks.end_of(0);
        peaks
    }

    /// First sample that is nearer to the centre of frame `index + 1` than to that of `index`.
    fn end_of(&self, index: u64) -> u64 {
        let center = |i| units::frame_center_sample(i, self.hop_ms, self.sample_rate_hz);
        center(index).midpoint(center(index + 1)) + 1
    }

    /// Takes the next samples of every channel (planes of equal length) and hands out the linear peak of each
    /// frame that is complete.
    pub fn push<P: AsRef<[f32]>>(&mut self, planes: &[P], on_peak: &mut impl FnMut(f32)) {
        let len = planes.iter().map(|plane| plane.as_ref().len()).min().unwrap_or(0);
        let mut from = 0;
        while from < len {
            let left = usize::try_from(self.boundary - self.taken).unwrap_or(usize::MAX);
            let to = len.min(from.saturating_add(left));
            for plane in planes {
                self.peak = self.peak.max(peak(&plane.as_ref()[from..to]));
            }
            self.taken += (to - from) as u64;
            from = to;
            if self.taken == self.boundary {
                self.emit(on_peak);
            }
        }
    }

    /// Ends the signal: hands out the frames that its end cuts short, then starts afresh.
    pub fn finish(&mut self, on_peak: &mut impl FnMut(f32)) {
        let frames = units::frame_count(self.taken, self.hop_ms, self.sample_rate_hz);
        while self.next_frame < frames {
            self.emit(on_peak);
        }
        *self = Self::new(self.sample_rate_hz, self.hop_ms);
    }

    fn emit(&mut self, on_peak: &mut impl FnMut(f32)) {
        on_peak(self.peak);
        self.peak = 0.0;
        self.next_frame += 1;
        self.boundary = self.end_of(self.next_frame);
    }
}

/// The largest `|x|`; 0 for no samples, NaN is passed over.
#[must_use]
pub fn peak(samples: &[f32]) -> f32 {
    let (wide, tail) = samples.as_chunks();
    let lanes = vectors::widest(
        #[inline(always)]
        || peaks_of_lanes(wide),
    );
    tail.iter().chain(&lanes).fold(0.0, |peak, x| larger(x.abs(), peak))
}

#[inline(always)]
fn peaks_of_lanes(samples: &[[f32; PEAK_LANES]]) -> [f32; PEAK_LANES] {
    let mut lanes = [0.0; PEAK_LANES];
    for samples in samples {
        for lane in 0..PEAK_LANES {
            lanes[lane] = larger(samples[lane].abs(), lanes[lane]);
        }
    }
    lanes
}

/// `f32::max` for a `b` that is a number, in one instruction.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// A linear amplitude in dB below full scale: `20·log10(amplitude)`, at least [`FLOOR_DB`].
#[must_use]
pub fn amplitude_to_db(amplitude: f32) -> f32 {
    (2.0 * units::power_to_db(amplitude)).max(FLOOR_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_sums_side_by_side_have_the_bits_of_one_after_another() {
        let wave = |n: u16| (f32::from(n) * 0.37).sin().abs() * 1e-3;
        let power: Vec<f32> = (0..205).map(wave).collect();
        let weight: Vec<f32> = (300..505).map(wave).collect();
        for range in [2..150, 0..205, 7..7, 9..16, 1..205] {
            let frequency: Vec<f32> = range.clone().map(|k| k as f32 * 21.5).collect();
            let heard = &power[range];
            let Sums { total, moment, weighted } = Sums::of(heard, &frequency, &power, &weight);
            let want = [bands::sum(heard), bands::dot(&frequency, heard), bands::dot(&weight, &power)];
            assert_eq!([total, moment, weighted], want);
        }
    }
}
