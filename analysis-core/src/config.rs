//! What to compute and in which shape.

use crate::chunk::MAX_CHUNK_BYTES;
use crate::error::{Error, Result};
use crate::frame::FrameLayout;
use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// Which analysers run. The names are those of `track_analyses.analysis_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnalysisType {
    /// Everything.
    #[default]
    Full,
    /// Frames without chroma; no events.
    Spectral,
    /// Frames of bands, peak and onset strength; tempo, beats, bars, tatums, onsets.
    Rhythm,
    /// Frames of bands and chroma; key and tuning.
    Tonal,
    /// Rhythm and tonal, and sections and segments on top of them.
    Structure,
}

impl AnalysisType {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Spectral => "spectral",
            Self::Rhythm => "rhythm",
            Self::Tonal => "tonal",
            Self::Structure => "structure",
        }
    }
}

/// How a value of a frame is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// Unsigned byte with scale and bias.
    #[default]
    U8,
    /// Signed 16-bit integer with scale and bias, little-endian.
    I16,
    /// IEEE 754 half precision, little-endian.
    F16,
    /// IEEE 754 single precision, little-endian.
    F32,
}

impl SampleType {
    /// Bytes of one value.
    #[must_use]
    pub fn size_bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 | Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// Configuration of an analysis. `Config::default()` is what `arsis analyze` runs.
///
/// A later version may have further fields: end a literal with `..Config::default()`, and it compiles still.
///
/// ```
/// use analysis_core::{AnalysisType, Config};
///
/// let config = Config { analysis_type: AnalysisType::Rhythm, hop_ms: 20, ..Config::default() };
/// config.validate()?;
/// assert!(Config { hop_ms: 0, ..config }.validate().is_err());
/// # Ok::<(), analysis_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which analysers run. Default: everything.
    pub analysis_type: AnalysisType,
    /// Hop between frames, in ms (1..=100). Default 10: 100 frames a second. Smaller gives finer time and
    /// larger output.
    pub hop_ms: u32,
    /// Number of frequency bands in a frame (8..=256). Default 64.
    pub bands: usize,
    /// How values are stored. Default `U8`: 0.5 dB steps.
    pub sample_type: SampleType,
    /// Frames in a chunk (64..=65,536). Default 1,024: 10.24 s at the default hop. Larger compresses a
    /// little better, smaller seeks finer. All frames of a chunk together take at most [`MAX_CHUNK_BYTES`].
    pub chunk_frames: usize,
    /// Coarser levels made for zooming (0..=6), each `ZOOM_FACTOR` times coarser than the one below. Default 3.
    pub zoom_levels: u32,
    /// What untrusted input may ask of us.
    pub limits: Limits,
    /// Threads that [`crate::analyzer::analyze`] runs on, the caller's included (1..=[`MAX_THREADS`]). Default 1. More
    /// are done sooner and take more memory, about a MB each and 3 MB at most for usual packets (see
    /// [`crate::decode::Decoder::with_threads`]); what is found is the same, and nothing that is stored speaks of them.
    /// Where files are analysed side by side, one for each is best.
    pub threads: NonZeroUsize,
}

/// Most threads for one file: more find nothing to do.
pub const MAX_THREADS: usize = 64;

/// How many frames of a level make one of the next coarser level.
pub const ZOOM_FACTOR: u32 = 8;

impl Default for Config {
    fn default() -> Self {
        Self {
            analysis_type: AnalysisType::Full,
            hop_ms: 10,
            bands: 64,
            sample_type: SampleType::U8,
            chunk_frames: 1024,
            zoom_levels: 3,
            limits: Limits::default(),
            threads: NonZeroUsize::MIN,
        }
    }
}

impl Config {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the first field outside its range.
    pub fn validate(&self) -> Result<()> {
        let within = |field: &'static str, given: u64, min: u64, max: u64| {
            if (min..=max).contains(&given) {
                return Ok(());
            }
            let allowed = format!("{min} to {max}");
            Err(Error::InvalidConfig { field, given: given.to_string(), allowed })
        };
        within("hop_ms", u64::from(self.hop_ms), 1, 100)?;
        within("bands", self.bands as u64, 8, 256)?;
        within("chunk_frames", self.chunk_frames as u64, 64, 65_536)?;
        let most_frames = MAX_CHUNK_BYTES / FrameLayout::new(self).bytes_per_frame().max(1);
        within("chunk_frames", self.chunk_frames as u64, 64, most_frames as u64)?;
        within("zoom_levels", u64::from(self.zoom_levels), 0, 6)?;
        within("threads", self.threads.get() as u64, 1, MAX_THREADS as u64)?;
        within("limits.max_channels", self.limits.max_channels as u64, 1, 8)?;
        let (lowest, highest) = (self.limits.min_sample_rate_hz, self.limits.max_sample_rate_hz);
        within("limits.max_sample_rate_hz", u64::from(highest), 8_000, 192_000)?;
        within("limits.min_sample_rate_hz", u64::from(lowest), 8_000, u64::from(highest))?;
        // Beats are kept in u32 steps of 0.1 ms, which end after 4.97 days.
        within("limits.max_duration_ms", self.limits.max_duration_ms, 1, 4 * 24 * 3_600_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_readers_refuse_is_not_configured() {
        let widest = Config { bands: 256, sample_type: SampleType::F32, ..Config::default() };
        let most = MAX_CHUNK_BYTES / FrameLayout::new(&widest).bytes_per_frame();
        Config { chunk_frames: most, ..widest.clone() }.validate().unwrap();
        let refused = Config { chunk_frames: most + 1, ..widest }.validate();
        assert!(matches!(refused, Err(Error::InvalidConfig { field: "chunk_frames", .. })), "{refused:?}");
        Config { chunk_frames: 65_536, ..Config::default() }.validate().unwrap();
    }

    #[test]
    fn threads_have_a_bound() {
        let config = |threads| Config { threads: NonZeroUsize::new(threads).unwrap(), ..Config::default() };
        config(MAX_THREADS).validate().unwrap();
        let refused = config(MAX_THREADS + 1).validate();
        assert!(matches!(refused, Err(Error::InvalidConfig { field: "threads", .. })), "{refused:?}");
    }
}
