//! Raw samples in, stored bands out: a caller of the engine that compiles no decoder.
//!
//! ```sh
//! ffmpeg -i song.mp3 -f f32le -ac 2 -ar 44100 - | cargo run --release -p bands-only -- 44100 2 > song.bands
//! ```
//!
//! Standard output gets the chunks one after another, each a zstd frame, as they are finished; then, on a line of its
//! own, the manifest that says where each begins.

use analysis_core::chunk::Chunk;
use analysis_core::{AnalysisType, Analyzer, Config, Error, Observer, Result};
use anyhow::{Context, ensure};
use std::io::{self, Read, Write};

/// Bytes read at a time: half a second of stereo at 44.1 kHz.
const BLOCK_BYTES: usize = 176_400;
/// Bytes of one sample.
const SAMPLE_BYTES: usize = size_of::<f32>();

struct Chunks<W>(W);

impl<W: Write> Observer for Chunks<W> {
    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.0.write_all(&chunk.bytes).map_err(Error::Write)
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rate_hz, channels] = arguments.as_slice() else {
        anyhow::bail!("usage: bands-only RATE_HZ CHANNELS < samples.f32le > song.bands")
    };
    let rate_hz = rate_hz.parse().with_context(|| format!("RATE_HZ is {rate_hz}: not a whole number"))?;
    let channels = channels.parse().with_context(|| format!("CHANNELS is {channels}: not a whole number"))?;
    let config = Config { analysis_type: AnalysisType::Spectral, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate_hz, channels)?;
    let mut chunks = Chunks(io::stdout().lock());

    let mut input = io::stdin().lock();
    let (mut bytes, mut samples) = (Vec::new(), Vec::new());
    let whole = channels * SAMPLE_BYTES;
    while input.by_ref().take((BLOCK_BYTES / whole * whole) as u64).read_to_end(&mut bytes)? > 0 {
        ensure!(bytes.len().is_multiple_of(whole), "the samples end within one of {channels} channels");
        samples.clear();
        samples.extend(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        analyzer.push(&samples, &mut chunks)?;
        bytes.clear();
    }
    let analysis = analyzer.finish(&mut chunks)?;
    writeln!(chunks.0, "\n{}", serde_json::to_string(&analysis.manifest)?)?;
    Ok(())
}
