//! One file's result as programs read it.

use analysis_core::analyzer::Analysis;
use serde::Serialize;
use std::ops::Range;

/// The document of `--format json`: the analysis, and the file it is of.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) file: String,
    #[serde(flatten)]
    pub(crate) analysis: Analysis,
}

impl Document {
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
