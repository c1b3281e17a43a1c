//! Audio as one side: it is analysed.

use super::side::{Frames, Kind, Side};
use crate::analyze::picture::Columns;
use crate::cli::picture::LookArgs;
use crate::say;
use analysis_core::analyzer::{self, Frame, Observer};
use analysis_core::config::MAX_THREADS;
use analysis_core::frame::BANDS;
use analysis_core::{Config, Error};
use anyhow::Result;
use std::fs::File;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

struct Recorder {
    columns: Columns,
}

impl Observer for Recorder {
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.columns.push(frame);
        Ok(())
    }
}

/// Analyses a file in full, on all cores.
pub(crate) fn listen(file: File, path: &Path, look: &LookArgs) -> Result<Side> {
    if std::io::stderr().is_terminal() {
        say::err(format_args!("arsis: analysing {}", path.display()));
    }
    let threads = available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS));
    let config =
        Config { threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN), ..Config::default() };
    let mut recorder = Recorder { columns: Columns::new(look, config.bands) };
    let hint = path.extension().and_then(|extension| extension.to_str());
    let analysis = analyzer::analyze(file, hint, &config, &mut recorder)?;
    let bands = analysis.manifest.frame_layout.field(BANDS).ok();
    let frames = Frames {
        columns: recorder.columns,
        hop_ms: f64::from(analysis.manifest.hop_ms),
        band_edges_hz: bands.and_then(|field| field.band_edges_hz.clone()).unwrap_or_default(),
    };
    let mut side = Side {
        kind: Some(Kind::Audio),
        duration_s: Some(analysis.audio.duration_ms as f64 / 1000.0),
        tempo_bpm: analysis.summary.tempo_bpm.map(f64::from),
        key: analysis.summary.key.as_ref().map(|key| key.name.clone()),
        loudness_lufs: analysis.summary.loudness.and_then(|loudness| loudness.integrated_lufs).map(f64::from),
        frames: Some(frames),
        // Where nothing is heard, that is what it says.
        beats: Some(Vec::new()),
        downbeats: Some(Vec::new()),
        chords: Some(Vec::new()),
        sections: Some(Vec::new()),
        ..Side::default()
    };
    let key = side.key.clone();
    analysis.events.iter().for_each(|event| side.add_event(event));
    side.key = key;
    Ok(side)
}
