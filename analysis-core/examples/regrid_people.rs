//! People who tap along with the tracks of a corpus: what the machine's grid is worth, and what it is worth after four,
//! eight and sixteen taps on true beats, with 20 ms jitter and 60 ms too late.
//!
//! ```sh
//! cargo run --release -p analysis-core --example regrid_people -- corpus/manifest.json
//! ```
//!
//! The manifest is that of `evaluation/src/corpus.rs`. Beats in the first 5 s do not count.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a tool by hand"
)]

use analysis_core::chunk::{Chunk, decode_chunk};
use analysis_core::frame::{FrameLayout, ONSET};
use analysis_core::regrid::{Correction, Heard, MachineBeat, regrid};
use analysis_core::{AnalysisType, Config, Observer, Result, analyze};
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use testmusic::Rng;

#[derive(Default)]
struct Chunks(Vec<Chunk>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

/// F-measure within 70 ms, one to one, from 5 s on.
fn f_measure(truth: &[f64], said: &[f64]) -> f64 {
    let late = |times: &[f64]| times.iter().copied().filter(|at| *at >= 5.0).collect::<Vec<_>>();
    let (truth, said) = (late(truth), late(said));
    let (mut i, mut j, mut hits) = (0, 0, 0.0);
    while let (Some(a), Some(b)) = (truth.get(i), said.get(j)) {
        if (a - b).abs() <= 0.07 {
            (i, j, hits) = (i + 1, j + 1, hits + 1.0);
        } else if a < b {
            i += 1;
        } else {
            j += 1;
        }
    }
    2.0 * hits / (truth.len() + said.len()).max(1) as f64
}

/// Scores with 0, 4, 8 and 16 taps, from a third of the track on.
fn scores(path: &Path, truth: &[f64], seed: u64) -> Option<[f64; 4]> {
    let config = Config { analysis_type: AnalysisType::Rhythm, ..Config::default() };
    let layout = FrameLayout::new(&config);
    let mut chunks = Chunks::default();
    let hint = path.extension().and_then(|hint| hint.to_str());
    let analysis = analyze(File::open(path).ok()?, hint, &config, &mut chunks).ok()?;
    chunks.0.retain(|chunk| chunk.level == 0);
    chunks.0.sort_by_key(|chunk| chunk.index);
    let of = |chunk: &Chunk| {
        layout.decode_field(ONSET, &decode_chunk(&chunk.bytes, &layout, 1 << 26).unwrap().frames).unwrap()
    };
    let onset: Vec<f32> = chunks.0.iter().flat_map(of).collect();
    let beat = |beat: &analysis_core::rhythm::Beat| MachineBeat {
        time_ms: (beat.time_s * 1000.0).round() as u32,
        bar: beat.bar,
        position: beat.position,
        confidence: Some(beat.confidence),
    };
    let beats: Vec<MachineBeat> = analysis.events.beats().iter().map(beat).collect();
    let heard = Heard {
        beats: &beats,
        onset: &onset,
        hop_ms: 10,
        duration_ms: onset.len() as u32 * 10,
        summary: &analysis.summary,
    };
    let mut rng = Rng::new(seed);
    Some([0, 4, 8, 16].map(|count| {
        let mut jitter = || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        let taps = truth.iter().skip(truth.len() / 3).take(count);
        let tap = |at: &f64| Correction::Tap { time_ms: ((at + 0.06 + 0.02 * jitter()) * 1000.0) as u32 };
        let said: Vec<Correction> = taps.map(tap).collect();
        let grid = regrid(&heard, &said);
        f_measure(truth, &grid.beats.iter().map(|beat| f64::from(beat.time_ms) * 1e-3).collect::<Vec<_>>())
    }))
}

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let folder = Path::new(&path).parent().unwrap();
    let mut all: Vec<[f64; 4]> = Vec::new();
    for (seed, file) in (0_u64..).zip(manifest["files"].as_array().unwrap()) {
        let beats: Vec<f64> =
            file["beats"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        if beats.len() < 60 || file["trusted"] == false || file["part"] == "edge" {
            continue;
        }
        let Some(found) = scores(&folder.join(file["file"].as_str().unwrap()), &beats, seed) else {
            continue;
        };
        println!(
            "{:<40} {:.3} {:.3} {:.3} {:.3}",
            file["id"].as_str().unwrap(),
            found[0],
            found[1],
            found[2],
            found[3]
        );
        all.push(found);
    }
    for (name, least) in [("all", 1.1), ("below 0.9 at first", 0.9)] {
        let own: Vec<&[f64; 4]> = all.iter().filter(|found| found[0] < least).collect();
        let mean = |i: usize| own.iter().map(|found| found[i]).sum::<f64>() / own.len().max(1) as f64;
        println!("{name} ({}): {:.3} {:.3} {:.3} {:.3}", own.len(), mean(0), mean(1), mean(2), mean(3));
    }
}
