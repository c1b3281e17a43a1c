//! What a worker needs of an analysis engine, so that tests can bring one of their own.

use analysis_core::events::Event;
use analysis_core::summary::Summary;
use analysis_core::{Config, Result};
use serde_json::Value;
use std::fs::File;
use store::queue::Progress;
use store::results::Shape;

/// A finished chunk, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Zoom level.
    pub level: u32,
    /// Place within the level.
    pub index: u32,
    /// First frame.
    pub start_frame: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// The bytes to store.
    pub bytes: Vec<u8>,
}

/// Takes what an engine finds while it runs. An error that it returns must end the analysis.
pub trait Sink {
    /// A chunk is finished. May block while the store is slower than the engine.
    ///
    /// # Errors
    /// [`analysis_core::Error::Cancelled`] when the analysis should stop.
    fn chunk(&mut self, chunk: Chunk) -> Result<()>;

    /// Audio was analysed. Called at least once per second of CPU time.
    ///
    /// # Errors
    /// [`analysis_core::Error::Cancelled`] when the analysis should stop.
    fn progress(&mut self, progress: Progress) -> Result<()>;
}

/// What is found when the audio has been read to its end.
#[derive(Debug)]
pub struct Outcome {
    /// The whole in a few fields.
    pub summary: Summary,
    /// The manifest document.
    pub manifest: Value,
    /// In order of time.
    pub events: Vec<Event>,
    /// Length of the audio, in ms.
    pub duration_ms: u64,
}

/// Reads audio and finds what is in it.
pub trait Engine: Send + Sync + 'static {
    /// What the frames will look like.
    ///
    /// # Errors
    /// [`analysis_core::Error::InvalidConfig`].
    fn shape(&self, config: &Config) -> Result<Shape>;

    /// Analyses a file; blocks the thread. `hint` is a file extension or MIME type.
    ///
    /// # Errors
    /// What is wrong with the audio, or [`analysis_core::Error::Cancelled`] when `sink` said so.
    fn analyze(
        &self,
        file: File,
        hint: Option<&str>,
        config: &Config,
        sink: &mut dyn Sink,
    ) -> Result<Outcome>;
}
