//! Music made by a script, with the truth about it: where each beat and bar falls, which key and which
//! chords. Tests, benches and the demonstration listen to it; nothing is sampled, so nothing is licensed.
//! [`Score`] plays what it is told, [`styles::Song`] draws a song of a genre from a seed.
//!
//! ```
//! let piece = testmusic::Score::demo().render();
//! assert_eq!(piece.truth.key, "A minor");
//! assert_eq!(piece.left.len(), piece.right.len());
//! ```

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples and indices computed here from values this crate chose itself"
)]

mod meter;
mod rng;
mod room;
mod score;
mod signals;
mod solo;
pub mod styles;
mod voices;
mod wav;

pub use meter::Meter;
pub use rng::Rng;
pub use score::{Score, Style};
pub use signals::{clicks, noise, silence, tone};
pub use solo::{Voice, solo};
pub use wav::{WavFormat, wav_bytes};

/// Stereo audio and what is true of it.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Sample rate, in Hz.
    pub sample_rate_hz: u32,
    /// Left channel, -1 to 1.
    pub left: Vec<f32>,
    /// Right channel, as long as the left.
    pub right: Vec<f32>,
    /// What is true of it.
    pub truth: Truth,
}

impl Piece {
    /// Mean of the channels.
    #[must_use]
    pub fn mono(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).map(|(l, r)| 0.5 * (l + r)).collect()
    }

    /// Left, right, left, right, …
    #[must_use]
    pub fn interleaved(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).flat_map(|(l, r)| [*l, *r]).collect()
    }

    /// A 16-bit stereo WAV file.
    #[must_use]
    pub fn wav(&self) -> Vec<u8> {
        wav_bytes(&self.interleaved(), self.sample_rate_hz, 2, WavFormat::Int16)
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.left.len() as f64 / f64::from(self.sample_rate_hz)
    }
}

/// What is true of a piece. Times in seconds from the first sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// Every beat.
    pub beats: Vec<f64>,
    /// The first beat of every bar.
    pub downbeats: Vec<f64>,
    /// Tempo in beats per minute; 0 where there is no beat.
    pub tempo_bpm: f64,
    /// Beats in a bar, in most bars; 0 where there is no bar.
    pub beats_per_bar: u32,
    /// Where each metre starts, and which it is.
    pub meters: Vec<(f64, Meter)>,
    /// How much longer the first of two swung notes is than the second; `None` where they are even.
    pub swing_ratio: Option<f64>,
    /// For example `A minor`; empty where there is no key.
    pub key: String,
    /// Where each section starts, and its label: equal labels sound alike.
    pub sections: Vec<(f64, char)>,
    /// Where each chord starts, and its name: `Am`, `F`.
    pub chords: Vec<(f64, String)>,
}
