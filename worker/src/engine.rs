//! The seam between a worker and the analysis engine, so that tests can bring an engine of their own.

use analysis_core::analyzer::{self, Analysis, Observer};
use analysis_core::{Config, Result};
use std::fs::File;

/// Reads audio and finds what is in it.
pub trait Engine: Send + Sync + 'static {
    /// Analyses a file; blocks the thread. `hint` is a file extension or MIME type. Chunks and progress go to
    /// `observer` as they come, whose errors end the analysis.
    ///
    /// # Errors
    /// What is wrong with the audio, or what `observer` said.
    fn analyze(
        &self,
        file: File,
        hint: Option<&str>,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<Analysis>;
}

/// Arsis' own engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arsis;

impl Engine for Arsis {
    fn analyze(
        &self,
        file: File,
        hint: Option<&str>,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<Analysis> {
        analyzer::analyze(file, hint, config, observer)
    }
}
