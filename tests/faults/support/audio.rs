//! Pieces to analyse, and what the engine finds in them when nothing goes wrong.

use analysis_core::analyzer::Analysis;
use analysis_core::chunk::Chunk;
use analysis_core::{Config, Observer, analyze};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::LazyLock;
use testmusic::{Score, WavFormat, noise, wav_bytes};

/// Ten minutes of the demonstration's piece, again and again: some seconds of work, and sixty chunks to be caught between.
pub(crate) static LONG_PIECE: LazyLock<Piece> = LazyLock::new(|| {
    let demo = Score::demo().render();
    let len = 600 * demo.sample_rate_hz as usize;
    let samples: Vec<f32> = demo.mono().into_iter().cycle().take(len).collect();
    Piece::of(wav_bytes(&samples, demo.sample_rate_hz, 1, WavFormat::Int8))
});

/// A file, and what one undisturbed run computes of it with default parameters.
pub(crate) struct Piece {
    pub(crate) audio: Vec<u8>,
    pub(crate) analysis: Analysis,
    /// By level and index.
    pub(crate) chunks: BTreeMap<(u32, u32), Vec<u8>>,
}

impl Piece {
    /// A second of noise, other noise for another seed: a file of 16 kB that is analysed in milliseconds.
    pub(crate) fn short(seed: u64) -> Self {
        let rate_hz = 8000;
        Self::of(wav_bytes(&noise(1.0, rate_hz, 0.5, seed).mono(), rate_hz, 1, WavFormat::Int16))
    }

    pub(crate) fn of(audio: Vec<u8>) -> Self {
        let mut chunks = Chunks::default();
        let cursor = Cursor::new(audio.clone());
        let analysis = analyze(cursor, Some("audio/wav"), &Config::default(), &mut chunks).unwrap();
        Self { audio, analysis, chunks: chunks.0 }
    }
}

#[derive(Default)]
struct Chunks(BTreeMap<(u32, u32), Vec<u8>>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.0.insert((chunk.level, chunk.index), chunk.bytes);
        Ok(())
    }
}
