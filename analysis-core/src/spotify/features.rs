//! The audio features: a track in a few numbers.

use super::{beats_in, mode_number, pitch_class, seconds};
use crate::summary::{AudioInfo, Summary};
use serde::{Deserialize, Serialize};

/// Loudness that counts as no energy and as all of it, in LUFS: a clavichord recorded with headroom, a modern master.
const LOUDNESS_LUFS: (f32, f32) = (-36.0, -6.0);
/// Loudness range that counts as all energy and as none, in LU: EBU Tech 3342 has 3 for pop and 25 for film.
const RANGE_LU: (f32, f32) = (2.0, 20.0);
/// Onsets a second that count as all energy: sixteenths at 120 BPM.
const ONSETS_PER_SECOND: f32 = 8.0;
/// Weights of loudness, steadiness and onsets.
const WEIGHTS: [f32; 3] = [0.5, 0.15, 0.35];

/// What the retired `audio-features` endpoint gave, as far as it is computed.
///
/// ```text
/// danceability = clamp(3/2 − 1/d, 0, 1)         d: `Summary::danceability`, 1/d the mean exponent of its loudness
/// energy       = Σ wᵢ·xᵢ / Σ wᵢ                  over those of the three that are known
///   w = 0.50   x = clamp((loudness + 36) / 30)      integrated, in LUFS
///   w = 0.15   x = clamp((20 − range) / 18)         loudness range, in LU
///   w = 0.35   x = clamp(onsets a second / 8)
/// ```
///
/// Danceability is 1 where loudness is no more correlated over seconds than white noise is (exponent ½: a strong steady
/// beat), and 0 where it wanders as a random walk does (3/2). Energy is ours, made of the kinds of evidence that the
/// retired documentation names, loudness, dynamic range and onset rate; `None` without loudness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioFeatures {
    /// How regular loudness is over seconds, 0 to 1.
    pub danceability: Option<f32>,
    /// How loud, dense and unrelenting it is, 0 to 1.
    pub energy: Option<f32>,
    /// Pitch class of the tonic, C = 0.
    pub key: Option<u8>,
    /// Integrated loudness, in LUFS.
    pub loudness: Option<f32>,
    /// 1 major, 0 minor.
    pub mode: Option<u8>,
    /// Beats per minute.
    pub tempo: Option<f32>,
    /// Beats in most bars.
    pub time_signature: Option<u8>,
    /// Length, in ms.
    pub duration_ms: u64,
}

/// The features of a track in the retired shape, from what is stored of it.
#[must_use]
pub fn audio_features(audio: &AudioInfo, summary: &Summary) -> AudioFeatures {
    let key = summary.key.as_ref();
    AudioFeatures {
        danceability: summary.danceability.filter(|d| *d > 0.0).map(|d| (1.5 - 1.0 / d).clamp(0.0, 1.0)),
        energy: energy(audio, summary),
        key: key.and_then(|key| pitch_class(&key.tonic)),
        loudness: summary.loudness.and_then(|loudness| loudness.integrated_lufs),
        mode: key.map(|key| mode_number(key.mode)),
        tempo: summary.tempo_bpm,
        time_signature: summary.time_signature.as_deref().and_then(beats_in),
        duration_ms: audio.duration_ms,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a density needs no more than f32")]
fn energy(audio: &AudioInfo, summary: &Summary) -> Option<f32> {
    let loudness = summary.loudness?;
    let level = share(loudness.integrated_lufs?, LOUDNESS_LUFS);
    let steadiness = loudness.range_lu.map(|range| 1.0 - share(range, RANGE_LU));
    let onsets = summary.onset_count.filter(|_| audio.duration_ms > 0);
    let a_second = onsets.map(|count| (f64::from(count) / seconds(audio.duration_ms)) as f32);
    let density = a_second.map(|density| share(density, (0.0, ONSETS_PER_SECOND)));
    let known = [Some(level), steadiness, density];
    let parts = WEIGHTS.iter().zip(known).filter_map(|(weight, value)| Some((weight, value?)));
    let (sum, weights) =
        parts.fold((0.0, 0.0), |(sum, all), (weight, value)| (sum + weight * value, all + weight));
    Some(sum / weights)
}

/// Where a value lies between two others, 0 to 1.
fn share(value: f32, (none, all): (f32, f32)) -> f32 {
    ((value - none) / (all - none)).clamp(0.0, 1.0)
}
