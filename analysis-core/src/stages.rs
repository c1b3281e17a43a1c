//! Which stage works, for who wants to know what takes how long.
//!
//! The engine knows no clock: it says "from here on it is this stage", and who listens measures. Stages take turns for
//! every block and every frame, so that the time of one is a sum over many short turns. Who does not listen pays a
//! comparison for each.

use std::sync::Arc;

/// A stage of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// The name of the file's bytes ([`crate::fingerprint`]).
    Fingerprint,
    /// From bytes to samples ([`crate::decode`]).
    Decode,
    /// Mixing down, peaks and power spectra ([`crate::stft`]).
    Spectra,
    /// Bands and features of the frames ([`crate::bands`], [`crate::features`]).
    Bands,
    /// Onset strength and attacks ([`crate::onset`], [`crate::attack`]).
    Onsets,
    /// Evidence of beats, beats, bars and tempo ([`crate::rhythm`]).
    Beats,
    /// Chroma, tuning, key and chords ([`crate::tonal`]).
    Tonal,
    /// Sections and segments ([`crate::structure`], [`crate::segments`]).
    Structure,
    /// Loudness and true peak ([`crate::loudness`]).
    Loudness,
    /// Fades and danceability ([`crate::fades`], [`crate::danceability`]).
    Swells,
    /// Frames to bytes, coarser levels, chunks ([`crate::chunk`]).
    Pack,
    /// What the observer does with what it is given.
    Observer,
    /// Everything found becomes a summary and events.
    Conclude,
    /// Nothing: the thread waits for another.
    Wait,
}

impl Stage {
    /// All of them, in the order in which audio goes through them.
    pub const ALL: [Self; 14] = [
        Self::Fingerprint,
        Self::Decode,
        Self::Spectra,
        Self::Bands,
        Self::Onsets,
        Self::Beats,
        Self::Tonal,
        Self::Structure,
        Self::Loudness,
        Self::Swells,
        Self::Pack,
        Self::Observer,
        Self::Conclude,
        Self::Wait,
    ];
}

/// Told which stage works from now on, on the thread that it is called from: the stage before it has ended. With several
/// threads (`config.threads`) those that help call it, too.
pub type StageHook = Arc<dyn Fn(Stage) + Send + Sync>;

/// Whoever listens, or nobody.
#[derive(Clone, Default)]
pub(crate) struct Stages(Option<StageHook>);

impl Stages {
    #[cfg(feature = "decode")]
    pub(crate) fn new(hook: Option<StageHook>) -> Self {
        Self(hook)
    }

    /// From here on it is `stage`, on this thread.
    #[inline]
    pub(crate) fn enter(&self, stage: Stage) {
        if let Some(hook) = &self.0 {
            hook(stage);
        }
    }
}
