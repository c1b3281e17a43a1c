//! Feeds live blocks, as a sound card would give them, and gets frames as they come.
//!
//! `cargo run --release --example stream_blocks`

use analysis_core::analyzer::{Analyzer, Frame, Observer};
use analysis_core::{Config, Result};

/// Draws a meter from every 25th frame.
struct Meter;

impl Observer for Meter {
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<()> {
        if frame.index.is_multiple_of(25) {
            let level = frame.values.bands_db.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let bar: String = (-60..0).map(|step| if level > step as f32 { '#' } else { ' ' }).collect();
            println!("{:>6} ms {level:>6.1} dB {bar}", frame.time_ms);
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let piece = testmusic::Score::demo().render();
    let mut analyzer = Analyzer::new(Config::default(), piece.sample_rate_hz, 2)?;
    // Blocks of any size will do; 512 sample frames is what a sound card may hand over.
    for block in piece.interleaved().chunks(2 * 512) {
        analyzer.push(block, &mut Meter)?;
    }
    let analysis = analyzer.finish(&mut Meter)?;
    println!("heard {:?} BPM, {} frames", analysis.summary.tempo_bpm, analysis.manifest.frame_count);
    Ok(())
}
