//! Chroma, tuning, key and chords together: what an analysis of type `tonal` runs.

use crate::chords::{ChordTracker, Chords};
use crate::chroma::{ChromaAnchor, ChromaExtractor};
use crate::key::{KeyReport, KeyTracker};
use crate::opaque::opaque;

/// What is said about pitch.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Tonal {
    /// Key of the whole and its stretches.
    pub keys: KeyReport,
    /// Frequency of A4, in Hz; `None` when there was nothing tonal.
    pub tuning_hz: Option<f32>,
    /// Chords; none for drums alone, which ring at pitches too.
    pub chords: Chords,
}

/// Listens to mono audio for pitch; streaming, 48 bytes of memory a second of audio and 16 for each chord beside a constant.
pub struct TonalAnalyzer {
    chroma: ChromaExtractor,
    key: KeyTracker,
    chords: ChordTracker,
}

opaque!(TonalAnalyzer {});

impl TonalAnalyzer {
    /// Plans for audio of `sample_rate_hz` (8,000 to 192,000 in this engine).
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        let chroma = ChromaExtractor::new(sample_rate_hz);
        Self { chroma, key: KeyTracker::default(), chords: ChordTracker::default() }
    }

    /// Takes the next samples; hands out the chroma anchors they complete, in order.
    pub fn push(&mut self, mono: &[f32], on_anchor: &mut impl FnMut(&ChromaAnchor)) {
        let Self { chroma, key, chords } = self;
        chroma.push(mono, &mut |anchor| {
            key.push(anchor);
            chords.push(anchor);
            on_anchor(anchor);
        });
    }

    /// Hands out the last anchors and says what was heard.
    pub fn finish(mut self, on_anchor: &mut impl FnMut(&ChromaAnchor)) -> Tonal {
        let Self { chroma, key, chords } = &mut self;
        chroma.finish(&mut |anchor| {
            key.push(anchor);
            chords.push(anchor);
            on_anchor(anchor);
        });
        // Drums ring at pitches too, but are tuned to nothing and play no chords; nor does a single tone.
        let tuning_hz = self.chroma.tuning_hz().filter(|_| self.key.is_steady());
        let chords = if self.key.is_harmonic() { self.chords.finish() } else { Chords::default() };
        Tonal { tuning_hz, chords, keys: self.key.finish() }
    }
}
