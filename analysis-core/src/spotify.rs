//! What is stored of a track, in the shape of Spotify's retired endpoints.
//!
//! [`audio_analysis`] and [`audio_features`] have the names and units of `GET /v1/audio-analysis/{id}` and
//! `GET /v1/audio-features/{id}`, which that service closed in 2024: times in seconds, keys as pitch classes from C = 0,
//! modes as 1 (major) and 0 (minor). Both are pure functions of what an analysis stored; no audio is heard again.
//!
//! Nothing is made up. What we do not compute (acousticness, instrumentalness, liveness, speechiness, valence, the
//! fingerprint strings) is absent; what we compute and found no answer to is `null`. The values are ours: timbre is not
//! on Spotify's basis (see [`crate::segments`]), loudness is that of EBU R128, danceability and energy are defined at
//! [`AudioFeatures`].

mod analysis;
mod features;
mod spans;

pub use analysis::{AudioAnalysis, Meta, Section, Segment, Track, audio_analysis};
pub use features::{AudioFeatures, audio_features};
pub use spans::Span;

use crate::key_profiles::NAMES;
use crate::summary::Mode;

/// Milliseconds to seconds.
fn seconds(ms: impl Into<u64>) -> f64 {
    ms.into() as f64 / 1000.0
}

/// Pitch class and mode (1 major, 0 minor) of a key by its name: `A minor` is 9 and 0.
fn key_of(name: &str) -> Option<(u8, u8)> {
    let (tonic, mode) = name.split_once(' ')?;
    let mode = match mode {
        "major" => Mode::Major,
        "minor" => Mode::Minor,
        _ => return None,
    };
    Some((pitch_class(tonic)?, mode_number(mode)))
}

fn pitch_class(tonic: &str) -> Option<u8> {
    NAMES.iter().position(|name| *name == tonic).and_then(|class| u8::try_from(class).ok())
}

fn mode_number(mode: Mode) -> u8 {
    u8::from(mode == Mode::Major)
}

/// Beats in a bar by a time signature: `6/8` has 6.
fn beats_in(time_signature: &str) -> Option<u8> {
    time_signature.split_once('/')?.0.parse().ok()
}
