//! A track with the truth about it, and what an engine says about it.

use crate::chords::Span;
use serde::{Deserialize, Deserializer, Serialize};

/// What is true of a track. What is not known is empty or `None`, and not scored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Length, in seconds.
    pub duration_s: f64,
    /// Every beat, in seconds, rising.
    pub beats: Vec<f64>,
    /// The first beat of every bar, in seconds, rising.
    pub downbeats: Vec<f64>,
    /// Tempo, where it is one.
    pub tempo_bpm: Option<f64>,
    /// For example `A minor`.
    pub key: Option<String>,
    /// Where a section begins, in seconds, rising; without the start of the first.
    pub boundaries: Vec<f64>,
    /// Every chord, in order of time.
    pub chords: Vec<Span>,
    /// Integrated loudness, in LUFS.
    pub loudness_lufs: Option<f64>,
}

/// A track to be listened to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// Its name, unlike any other's.
    pub id: String,
    /// What it is averaged with: a style or a part of the corpus.
    pub group: String,
    /// Whether it counts in the row `all`.
    pub in_all: bool,
    /// What is true of it.
    pub truth: Truth,
}

/// What an engine says about a track, in the form that prediction files have. Every field may be missing or null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prediction {
    /// Beats, in seconds.
    #[serde(deserialize_with = "or_empty")]
    pub beats: Vec<f64>,
    /// Downbeats, in seconds.
    #[serde(deserialize_with = "or_empty")]
    pub downbeats: Vec<f64>,
    /// Confidence of each beat, 0 to 1; empty where none is said.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub confidences: Vec<f64>,
    /// Tempo, in beats per minute.
    pub tempo_bpm: Option<f64>,
    /// For example `A minor`.
    pub key: Option<String>,
    /// Where a section begins, in seconds; without the start of the first.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub boundaries: Vec<f64>,
    /// Every chord, in order of time; gaps have none.
    #[serde(deserialize_with = "or_empty", skip_serializing_if = "Vec::is_empty")]
    pub chords: Vec<Span>,
    /// Integrated loudness, in LUFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loudness_lufs: Option<f64>,
    /// Processor time that it took, in seconds, where measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// Why there is nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_file_may_leave_out_anything() {
        let read = |text| serde_json::from_str::<Prediction>(text).unwrap();
        assert_eq!(read("{}"), Prediction::default());
        assert_eq!(read(r#"{"beats": null, "key": null, "extra": 1}"#), Prediction::default());
        let said = read(r#"{"beats": [0.5, 1], "tempo_bpm": 120, "key": "C major"}"#);
        assert_eq!((said.beats, said.tempo_bpm), (vec![0.5, 1.0], Some(120.0)));
        assert_eq!(read(r#"{"error": "no such file"}"#).error.as_deref(), Some("no such file"));
    }
}
