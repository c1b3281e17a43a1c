//! Pitch-class profiles.

use crate::opaque::opaque;
use crate::peaks::{Peak, PeakFinder};
use crate::stft::Stft;
use crate::tuning::TuningHistogram;
use crate::units::hz_to_midi;
use crate::vectors;

/// Distance between anchors, in ms: anchor `i` is centred on `i · 100 ms`.
pub const ANCHOR_MS: u32 = 100;
/// Window of an anchor, in seconds: 8,192 samples at 44.1 kHz.
const WINDOW_S: f64 = 8_192.0 / 44_100.0;
/// How far above its fundamental each of the eight harmonics lies that a peak may be of, `12·log2(h)` semitones, and
/// how much less each higher one counts (Gómez 2006, section 3.3.2).
const HARMONICS: [f32; 8] = [0.0, 12.0, 19.019_55, 24.0, 27.863_137, 31.019_55, 33.688_26, 36.0];
const HARMONIC_DECAY: f32 = 0.6;
/// Peaks under this count for the bass, in Hz (C4).
const BASS_TOP_HZ: f32 = 261.6;
/// Anchors between two readings of the running tuning: a second.
const TUNING_EVERY: u64 = 10;

/// Pitch classes from C to B.
pub type PitchClasses = [f32; 12];

/// What is heard around one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChromaAnchor {
    /// Number of the anchor; it is centred on `index · ANCHOR_MS`.
    pub index: u64,
    /// Harmonic pitch-class profile, C to B, the strongest class 1; all zeros for silence and noise.
    pub chroma: PitchClasses,
    /// The same from the peaks under C4 alone, each taken for a fundamental.
    pub bass: PitchClasses,
}

/// Turns mono audio into chroma at regular anchors; streaming, in constant memory.
///
/// From the peaks of the spectrum of a long Hann window, each peak of frequency `f` and amplitude `a` votes for
/// the pitch classes it may be a harmonic of:
///
/// ```text
/// chroma[c] += √a · 0.6^(h−1) · cos²(π·d)      h = 1…8, d = distance of f/h from class c in semitones, |d| ≤ ½
/// ```
///
/// after E. Gómez, "Tonal description of polyphonic audio for music content processing" (2006), with the
/// square root of the amplitude in place of its square, so that a loud voice does not hide the chord. Notes are
/// counted from the running tuning, read once a second from a histogram of all that was heard so far.
///
/// ```
/// use analysis_core::chroma::ChromaExtractor;
/// let tone: Vec<f32> = (0..44_100).map(|n| (n as f32 * 440.0 / 44_100.0 * std::f32::consts::TAU).sin()).collect();
/// let mut chroma = ChromaExtractor::new(44_100);
/// chroma.push(&tone, &mut |anchor| assert_eq!(anchor.chroma[9], 1.0));
/// ```
pub struct ChromaExtractor {
    stft: Stft,
    voices: Voices,
}

opaque!(ChromaExtractor {});

impl ChromaExtractor {
    /// Plans for audio of `sample_rate_hz` (8,000 to 192,000 in this engine).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a window of some thousand samples"
    )]
    pub fn new(sample_rate_hz: u32) -> Self {
        let window = (f64::from(sample_rate_hz) * WINDOW_S).round() as usize;
        let stft = Stft::with_window(sample_rate_hz, ANCHOR_MS, window);
        let finder = PeakFinder::new(stft.bins(), stft.bin_hz());
        Self { stft, voices: Voices { finder, tuning: TuningHistogram::default(), offset: 0.0, next: 0 } }
    }

    /// Takes the next samples and hands out the anchors they complete, in order. An anchor needs the 93 ms after
    /// its centre.
    pub fn push(&mut self, mono: &[f32], on_anchor: &mut impl FnMut(&ChromaAnchor)) {
        let voices = &mut self.voices;
        self.stft.push(mono, &mut |power| on_anchor(&voices.listen(power)));
    }

    /// Hands out the last anchors, up to the last one centred before the end.
    pub fn finish(&mut self, on_anchor: &mut impl FnMut(&ChromaAnchor)) {
        let voices = &mut self.voices;
        self.stft.finish(&mut |power| on_anchor(&voices.listen(power)));
    }

    /// Frequency of A4 heard so far, in Hz; `None` when there was nothing tonal.
    #[must_use]
    pub fn tuning_hz(&self) -> Option<f32> {
        self.voices.tuning.a4_hz()
    }
}

/// Everything behind the spectrum.
struct Voices {
    finder: PeakFinder,
    tuning: TuningHistogram,
    /// Running tuning against A4 = 440 Hz, in semitones.
    offset: f32,
    next: u64,
}

impl Voices {
    fn listen(&mut self, power: &[f32]) -> ChromaAnchor {
        let index = self.next;
        self.next += 1;
        let peaks = self.finder.find(power);
        self.tuning.add(peaks);
        // The first second follows every anchor, so that a detuned beginning is heard right.
        if index.is_multiple_of(TUNING_EVERY) || index < TUNING_EVERY {
            self.offset =
                self.tuning.deviation().map_or(self.offset, |fresh| nearest_turn(fresh, self.offset));
        }
        let mut anchor = ChromaAnchor { index, ..ChromaAnchor::default() };
        let offset = self.offset;
        vectors::widest(
            #[inline(always)]
            || peaks.iter().for_each(|peak| vote(peak, offset, &mut anchor)),
        );
        normalise(&mut anchor.chroma);
        normalise(&mut anchor.bass);
        anchor
    }
}

/// Of the equal deviations `fresh`, `fresh ± 1`, the one nearest to the one in use: music tuned half-way between
/// two notes must not jump a semitone from one second to the next.
fn nearest_turn(fresh: f32, in_use: f32) -> f32 {
    fresh - (fresh - in_use).round()
}

#[inline(always)]
fn vote(peak: &Peak, offset: f32, anchor: &mut ChromaAnchor) {
    let midi = hz_to_midi(peak.hz) - offset;
    let weight = peak.amplitude.sqrt();
    if peak.hz < BASS_TOP_HZ {
        add_note(&mut anchor.bass, midi, weight);
    }
    let mut gain = 1.0;
    for interval in HARMONICS {
        add_note(&mut anchor.chroma, midi - interval, weight * gain);
        gain *= HARMONIC_DECAY;
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the number of a note")]
fn add_note(classes: &mut PitchClasses, midi: f32, weight: f32) {
    let nearest = midi.round();
    let closeness = (std::f32::consts::PI * (midi - nearest)).cos();
    classes[(nearest as i32).rem_euclid(12) as usize] += weight * closeness * closeness;
}

fn normalise(classes: &mut PitchClasses) {
    let most = classes.iter().fold(0.0_f32, |a, &b| a.max(b));
    if most > 0.0 {
        classes.iter_mut().for_each(|class| *class /= most);
    }
}

/// Chroma at any time from the two anchors around it; what frames of any hop carry.
///
/// Between two anchors the classes are interpolated linearly; before the second anchor is known a time has no
/// chroma yet, so frames run at most 100 ms plus half a window (193 ms) behind the audio. After the last anchor
/// its chroma is held.
///
/// ```
/// use analysis_core::chroma::{ChromaAnchor, ChromaTrack};
/// let mut track = ChromaTrack::default();
/// track.push(&ChromaAnchor { index: 0, chroma: [0.0; 12], ..Default::default() });
/// track.push(&ChromaAnchor { index: 1, chroma: [1.0; 12], ..Default::default() });
/// assert_eq!(track.at_ms(50), Some([0.5; 12]));
/// assert_eq!(track.at_ms(110), None);
/// track.finish();
/// assert_eq!(track.at_ms(110), Some([1.0; 12]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ChromaTrack {
    before: PitchClasses,
    after: PitchClasses,
    /// Anchors taken so far; `after` is anchor `taken - 1`.
    taken: u64,
    finished: bool,
}

impl ChromaTrack {
    /// Takes the next anchor. Ask for every time up to the last anchor first: times before the last two anchors
    /// are gone.
    pub fn push(&mut self, anchor: &ChromaAnchor) {
        self.before = if self.taken == 0 { anchor.chroma } else { self.after };
        self.after = anchor.chroma;
        self.taken += 1;
    }

    /// There are no more anchors: the last one holds.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Chroma at a time; `None` until the anchor after it is known. Zeros when finished without any anchor.
    #[must_use]
    pub fn at_ms(&self, time_ms: u64) -> Option<PitchClasses> {
        let step = u64::from(ANCHOR_MS);
        let (anchor, rest) = (time_ms / step, time_ms % step);
        let needed = anchor + u64::from(rest > 0) + 1;
        if needed > self.taken {
            return self.finished.then_some(self.after);
        }
        if needed < self.taken || rest == 0 {
            return Some(if needed == self.taken { self.after } else { self.before });
        }
        let share = rest as f32 / step as f32;
        Some(std::array::from_fn(|class| {
            self.before[class] + share * (self.after[class] - self.before[class])
        }))
    }
}
