//! The seam between a worker and the analysis engine, so that tests can bring an engine of their own.

use crate::lease::Status;
use analysis_core::analyzer::{self, Analysis, Observer};
use analysis_core::{Config, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Reads audio and finds what is in it.
pub trait Engine: Send + Sync + 'static {
    /// Analyses audio; blocks the thread. `hint` is a file extension or MIME type. Chunks and progress go to
    /// `observer` as they come, whose errors end the analysis. An engine that reaches neither `observer` nor the audio
    /// for half a minute after its job was told to stop is taken for one that hangs.
    ///
    /// # Errors
    /// What is wrong with the audio, or what `observer` said.
    fn analyze(
        &self,
        audio: Source,
        hint: Option<&str>,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<Analysis>;
}

/// The audio of a job. Reads fail once the job must stop: an engine that searches gigabytes for a beginning, and says
/// nothing to its observer meanwhile, ends by that.
#[derive(Debug)]
pub struct Source {
    file: File,
    status: Arc<Status>,
}

impl Source {
    pub(crate) fn new(file: File, status: Arc<Status>) -> Self {
        Self { file, status }
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.status.is_stopped() {
            return Err(io::Error::other("the job was told to stop"));
        }
        self.file.read(into)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Arsis' own engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arsis;

impl Engine for Arsis {
    fn analyze(
        &self,
        audio: Source,
        hint: Option<&str>,
        config: &Config,
        observer: &mut dyn Observer,
    ) -> Result<Analysis> {
        analyzer::analyze(audio, hint, config, observer)
    }
}
