//! What is said about a track as a whole. Every field is true or `None`, never made up.

use serde::{Deserialize, Serialize};

/// The audio as it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// Length after trimming, in ms.
    pub duration_ms: u64,
    /// Sample rate, in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Codec, e.g. `mp3`, `flac`, `pcm_s16le`.
    pub codec: Option<String>,
    /// Container, e.g. `mp4`, `ogg`, `wav`.
    pub container: Option<String>,
    /// Encoder delay trimmed from the start, in sample frames.
    pub delay_frames: u64,
    /// Padding trimmed from the end, in sample frames.
    pub padding_frames: u64,
    /// Packets skipped because they could not be decoded.
    pub decode_errors: u64,
    /// The source ended before its container said it would.
    pub truncated: bool,
}

impl AudioInfo {
    /// Audio that comes as samples: without container, codec or anything trimmed.
    #[must_use]
    pub fn of_samples(sample_rate_hz: u32, channels: u16) -> Self {
        Self {
            duration_ms: 0,
            sample_rate: sample_rate_hz,
            channels,
            codec: None,
            container: None,
            delay_frames: 0,
            padding_frames: 0,
            decode_errors: 0,
            truncated: false,
        }
    }
}

/// A tempo that fits, with how well it fits beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TempoCandidate {
    /// Beats per minute.
    pub bpm: f32,
    /// Weight, 0 to 1; the candidates' scores sum to at most 1.
    pub score: f32,
}

/// The tempo from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TempoPoint {
    /// From this time, in ms.
    pub time_ms: u32,
    /// Beats per minute.
    pub bpm: f32,
}

/// The time signature from a bar on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeterPoint {
    /// From this time, in ms: a downbeat, or the first beat.
    pub time_ms: u32,
    /// For example `3/4`.
    pub time_signature: String,
}

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Major.
    Major,
    /// Minor.
    Minor,
}

/// The key of a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyEstimate {
    /// For example `A minor`.
    pub name: String,
    /// Pitch class of the tonic: `C`, `C#`, … `B`.
    pub tonic: String,
    /// Mode.
    pub mode: Mode,
    /// 0 to 1.
    pub confidence: f32,
    /// The second best key's name.
    pub runner_up: Option<String>,
}

/// EBU R128 loudness of the whole (ITU-R BS.1770-4, EBU Tech 3341 and 3342).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoudnessSummary {
    /// Gated integrated loudness, LUFS; `None` when nothing passes the gate (silence).
    pub integrated_lufs: Option<f32>,
    /// Loudness range, LU.
    pub range_lu: Option<f32>,
    /// Highest momentary (400 ms) loudness, LUFS.
    pub momentary_max_lufs: Option<f32>,
    /// Highest short-term (3 s) loudness, LUFS.
    pub short_term_max_lufs: Option<f32>,
    /// Highest true peak over all channels, dBTP.
    pub true_peak_dbtp: Option<f32>,
    /// Highest sample peak over all channels, dBFS.
    pub sample_peak_dbfs: Option<f32>,
}

/// The whole in a few fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Main tempo, beats per minute.
    pub tempo_bpm: Option<f32>,
    /// 0 to 1.
    pub tempo_confidence: Option<f32>,
    /// All tempi worth naming, best first; empty when there is no beat.
    pub tempo_candidates: Vec<TempoCandidate>,
    /// Piecewise constant tempo; empty when there is no beat.
    pub tempo_curve: Vec<TempoPoint>,
    /// Beats in most bars over the note that gets the beat, e.g. `4/4`.
    pub time_signature: Option<String>,
    /// Time signatures in order, each from where it begins to hold; empty when there is no beat.
    #[serde(default)]
    pub time_signatures: Vec<MeterPoint>,
    /// How long the first half of a beat is against the second: 1 is straight, 2 is swung like triplets. `None` where
    /// too few beats are divided to tell.
    #[serde(default)]
    pub swing_ratio: Option<f32>,
    /// Key; `None` for silence, noise and drums alone.
    pub key: Option<KeyEstimate>,
    /// Frequency of A4 the music is tuned to, in Hz.
    pub tuning_hz: Option<f32>,
    /// Loudness; `None` when it was not asked for.
    pub loudness: Option<LoudnessSummary>,
    /// Number of beats; `None` when rhythm was not asked for.
    pub beat_count: Option<u32>,
    /// Number of bars begun; `None` when rhythm was not asked for.
    pub bar_count: Option<u32>,
    /// Number of onsets; `None` when rhythm was not asked for.
    pub onset_count: Option<u32>,
    /// Number of sections; `None` when structure was not asked for.
    pub section_count: Option<u32>,
    /// Number of stretches over one chord; `None` when pitch was not asked for.
    #[serde(default)]
    pub chord_count: Option<u32>,
    /// Number of segments; `None` when they were not asked for.
    #[serde(default)]
    pub segment_count: Option<u32>,
    /// Where the fade-in ends, in ms; where sound begins without one. `None` for silence, and when loudness was not asked for.
    #[serde(default)]
    pub fade_in_end_ms: Option<u64>,
    /// Where the fade-out starts, in ms; the length of the track without one. `None` as for the fade-in.
    #[serde(default)]
    pub fade_out_start_ms: Option<u64>,
    /// How regular the loudness is over seconds (Streich & Herrera 2005), 0 to 3; `None` for silence, for sound that
    /// stands still and for tracks under 26 s, and when it was not asked for.
    #[serde(default)]
    pub danceability: Option<f32>,
}
