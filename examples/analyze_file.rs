//! Analyses a file and prints its tempo, key, loudness and first beats.
//!
//! `cargo run --release --example analyze_file -- song.mp3`

use analysis_core::analyzer::analyze;
use analysis_core::events::EventType;
use analysis_core::{Config, Result};
use std::fs::File;
use std::path::Path;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "tests/fixtures/demo.mp3".into());
    let hint = Path::new(&path).extension().and_then(|e| e.to_str());
    let analysis = analyze(File::open(&path)?, hint, &Config::default(), &mut ())?;

    let summary = &analysis.summary;
    println!("{:.1} s of audio", analysis.audio.duration_ms as f64 / 1000.0);
    if let Some(bpm) = summary.tempo_bpm {
        println!("tempo {bpm:.1} BPM, {}", summary.time_signature.as_deref().unwrap_or("no clear bars"));
    }
    if let Some(key) = &summary.key {
        println!("key {} (confidence {:.2})", key.name, key.confidence);
    }
    if let Some(lufs) = summary.loudness.and_then(|l| l.integrated_lufs) {
        println!("loudness {lufs:.1} LUFS");
    }
    let beats = analysis.events.iter().filter(|e| e.event_type == EventType::Beat);
    for beat in beats.take(8) {
        println!("beat at {:>6} ms  {:?}", beat.time_ms, beat.event_data);
    }
    Ok(())
}
