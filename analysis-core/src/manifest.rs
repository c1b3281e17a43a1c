//! What describes stored chunks well enough to read them.
//!
//! The manifest is the JSON document beside the chunks; `docs/FRAME-FORMAT.md` describes it for other
//! languages.

use crate::ANALYZER_VERSION;
use crate::chunk::Chunk;
use crate::config::{AnalysisType, Config, ZOOM_FACTOR};
use crate::error::Result;
use crate::frame::{FrameLayout, invalid};
use crate::summary::AudioInfo;
use serde::{Deserialize, Serialize};

/// Version of the manifest's shape that is written and read here.
pub const MANIFEST_VERSION: u32 = 1;

/// Describes the frames of one analysis, level by level and chunk by chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// Name and version of the engine that computed the values.
    pub analyzer_version: String,
    /// What was computed.
    pub analysis_type: AnalysisType,
    /// Time between frames of level 0, in ms. Frame `i` is centred at `i · hop_ms`.
    pub hop_ms: u32,
    /// Frames of level 0.
    pub frame_count: u32,
    /// Length of the audio, in ms.
    pub duration_ms: u64,
    /// Sample rate of the audio, in Hz.
    pub sample_rate: u32,
    /// Channels of the audio.
    pub channels: u16,
    /// Frequency bands in a frame.
    pub bands: u32,
    /// Bytes of one frame, as in `frame_layout`.
    pub bytes_per_frame: u32,
    /// Where each value lies in a frame and what it means.
    pub frame_layout: FrameLayout,
    /// Frames in every chunk but the last of a level.
    pub chunk_size_frames: u32,
    /// Chunks of level 0.
    pub total_chunks: u32,
    /// Names the bytes of the audio file; absent where they were never seen as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Finest level first.
    pub levels: Vec<LevelManifest>,
    /// The audio as it was found.
    pub audio: AudioInfo,
}

/// One zoom level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelManifest {
    /// Number of the level; 0 is the finest.
    pub level: u32,
    /// Time between its frames, in ms: `hop_ms · 8^level`.
    pub hop_ms: u32,
    /// Number of its frames.
    pub frame_count: u32,
    /// Number of its chunks.
    pub total_chunks: u32,
    /// Its chunks in order of time.
    pub chunks: Vec<ChunkManifest>,
}

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkManifest {
    /// Number within its level, from 0.
    pub index: u32,
    /// First frame within its level.
    pub start_frame: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// Bytes of the stored chunk.
    pub bytes: u32,
    /// CRC-32 of the decoded frames.
    pub crc32: u32,
}

/// Notes chunks as they are made, 20 bytes each, and writes the manifest at the end.
#[derive(Debug, Clone)]
pub struct ManifestBuilder {
    config: Config,
    layout: FrameLayout,
    levels: Vec<LevelManifest>,
}

impl ManifestBuilder {
    /// For an analysis with this configuration, whose frames have `layout`.
    #[must_use]
    pub fn new(config: &Config, layout: &FrameLayout) -> Self {
        let level = |level: u32| LevelManifest {
            level,
            hop_ms: level_hop_ms(config.hop_ms, level).unwrap_or(u32::MAX),
            frame_count: 0,
            total_chunks: 0,
            chunks: Vec::new(),
        };
        let levels = (0..=config.zoom_levels).map(level).collect();
        Self { config: config.clone(), layout: layout.clone(), levels }
    }

    /// Notes one chunk. Chunks of a level come in order.
    ///
    /// # Errors
    /// [`crate::Error::BadManifest`] if its level is not configured, or it does not follow the one before.
    pub fn add(&mut self, chunk: &Chunk) -> Result<()> {
        let level = usize::try_from(chunk.level).ok().and_then(|level| self.levels.get_mut(level));
        let level = level.ok_or_else(|| invalid(format!("there is no level {}", chunk.level)))?;
        if (chunk.index, chunk.start_frame) != (level.total_chunks, level.frame_count) {
            return Err(invalid(format!("chunk {} of level {} is out of order", chunk.index, chunk.level)));
        }
        let Chunk { index, start_frame, frame_count, crc32, .. } = *chunk;
        let bytes = u32::try_from(chunk.bytes.len()).map_err(|_| invalid("a chunk exceeds 4 GiB".into()))?;
        level.chunks.push(ChunkManifest { index, start_frame, frame_count, bytes, crc32 });
        level.total_chunks += 1;
        level.frame_count += frame_count;
        Ok(())
    }

    /// The manifest of all chunks noted.
    #[must_use]
    pub fn finish(self, audio: AudioInfo, fingerprint: Option<String>) -> Manifest {
        let finest = self.levels.first();
        Manifest {
            manifest_version: MANIFEST_VERSION,
            analyzer_version: ANALYZER_VERSION.to_owned(),
            analysis_type: self.config.analysis_type,
            hop_ms: self.config.hop_ms,
            frame_count: finest.map_or(0, |level| level.frame_count),
            duration_ms: audio.duration_ms,
            sample_rate: audio.sample_rate,
            channels: audio.channels,
            bands: saturate(self.config.bands),
            bytes_per_frame: saturate(self.layout.bytes_per_frame()),
            frame_layout: self.layout,
            chunk_size_frames: saturate(self.config.chunk_frames),
            total_chunks: finest.map_or(0, |level| level.total_chunks),
            fingerprint,
            levels: self.levels,
            audio,
        }
    }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Time between frames of a level, in ms; `None` where it does not fit.
fn level_hop_ms(hop_ms: u32, level: u32) -> Option<u32> {
    ZOOM_FACTOR.checked_pow(level)?.checked_mul(hop_ms)
}

impl Manifest {
    /// Reads a manifest from JSON and checks it.
    ///
    /// # Errors
    /// [`crate::Error::BadManifest`] for anything that [`Self::validate`] refuses, or that is no manifest.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(json).map_err(|error| invalid(error.to_string()))?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Checks that versions are known and that levels and chunks add up: level `n` holds
    /// `⌈frame_count / 8^n⌉` frames, and its chunks lie end to end, all but the last of `chunk_size_frames`.
    ///
    /// # Errors
    /// [`crate::Error::BadManifest`] names what does not fit.
    pub fn validate(&self) -> Result<()> {
        if self.manifest_version != MANIFEST_VERSION {
            return Err(invalid(format!("version {} is not known", self.manifest_version)));
        }
        if self.hop_ms == 0 || self.chunk_size_frames == 0 {
            return Err(invalid("hop_ms and chunk_size_frames are at least 1".into()));
        }
        if usize::try_from(self.bytes_per_frame) != Ok(self.frame_layout.bytes_per_frame()) {
            return Err(invalid("bytes_per_frame is not that of frame_layout".into()));
        }
        let finest = self.levels.first().ok_or_else(|| invalid("there are no levels".into()))?;
        if (finest.frame_count, finest.total_chunks) != (self.frame_count, self.total_chunks) {
            return Err(invalid("frame_count or total_chunks is not that of level 0".into()));
        }
        let mut frames = self.frame_count;
        for (number, level) in (0..).zip(&self.levels) {
            let hop_ms = level_hop_ms(self.hop_ms, number);
            if level.level != number || Some(level.hop_ms) != hop_ms || level.frame_count != frames {
                return Err(invalid(format!("level {number} has the wrong number, hop or frame count")));
            }
            level.validate(self.chunk_size_frames)?;
            frames = frames.div_ceil(ZOOM_FACTOR);
        }
        Ok(())
    }
}

impl LevelManifest {
    fn validate(&self, chunk_size_frames: u32) -> Result<()> {
        let mut next = 0_u32;
        for (index, chunk) in (0..).zip(&self.chunks) {
            let expected = chunk_size_frames.min(self.frame_count.saturating_sub(next));
            if (chunk.index, chunk.start_frame, chunk.frame_count) != (index, next, expected) || expected == 0
            {
                return Err(invalid(format!("chunk {index} of level {} is out of place", self.level)));
            }
            next = next.saturating_add(expected);
        }
        if next == self.frame_count && usize::try_from(self.total_chunks) == Ok(self.chunks.len()) {
            return Ok(());
        }
        Err(invalid(format!("the chunks of level {} do not hold its frames", self.level)))
    }
}
