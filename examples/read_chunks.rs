//! Reads what `arsis analyze -o DIR` wrote: ten seconds of band levels, in dB.
//!
//! `arsis analyze -o out song.mp3 && cargo run --example read_chunks -- out/song.mp3`

use analysis_core::frame;
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("usage: read_chunks FOLDER")?.into();
    let manifest = Manifest::from_json(&fs::read(folder.join("manifest.json"))?)?;
    let layout = manifest.frame_layout.clone();
    let mut reader = FrameReader::new(manifest, |level, index| {
        Ok(fs::read(folder.join(format!("level-{level}/chunk-{index:05}.zst")))?)
    })?;
    let range = reader.read(0, 0, 10_000)?;
    let bands = range.field(&layout, frame::BANDS)?;
    let width = bands.len() / range.frame_count.max(1) as usize;
    for (index, levels) in (0..).zip(bands.chunks(width)).step_by(50) {
        let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        println!("{:>6} ms: loudest band {loudest:>6.1} dB", range.time_ms(index));
    }
    Ok(())
}
