//! One file's result as programs read it.

use analysis_core::analyzer::Analysis;
use export::Track;
use serde::Serialize;
use std::ops::Range;
use std::path::PathBuf;

/// The document of `--format json`: the analysis, and the file it is of.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) file: String,
    /// Where the file lies, from the root.
    #[serde(skip)]
    pub(crate) path: Option<PathBuf>,
    #[serde(flatten)]
    pub(crate) analysis: Analysis,
}

impl Document {
    /// What other programs' forms are written from.
    pub(crate) fn track(&self) -> Track<'_> {
        let Analysis { audio, summary, events, .. } = &self.analysis;
        Track {
            path: self.path.as_deref(),
            fingerprint: self.analysis.fingerprint.as_deref(),
            analyzer_version: self.analysis.analyzer_version,
            ..Track::new(&self.file, audio, summary, events)
        }
    }

    /// Lowest frequency of a range of bands, as a short label.
    pub(crate) fn band_label(&self, bands: &Range<usize>) -> String {
        let Some(hz) = self.band_edges_hz().get(bands.start).copied() else { return String::new() };
        if hz < 1000.0 { format!("{hz:.0} Hz") } else { format!("{:.1} kHz", hz / 1000.0) }
    }

    /// Edges of the bands, in Hz.
    pub(crate) fn band_edges_hz(&self) -> &[f32] {
        let bands = self.analysis.manifest.frame_layout.field(analysis_core::frame::BANDS).ok();
        bands.and_then(|field| field.band_edges_hz.as_deref()).unwrap_or_default()
    }
}
