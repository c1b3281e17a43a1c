//! Reads stored frames by time.

use crate::chunk::{ChunkDecoder, ChunkHeader, HEADER_BYTES, MAX_CHUNK_BYTES};
use crate::error::{Error, Result};
use crate::frame::FrameLayout;
use crate::manifest::{ChunkManifest, LevelManifest, Manifest};
use std::fmt;

/// Most bytes of frames that one read may return unless told otherwise: 64 MiB, as many as a chunk may hold.
pub const DEFAULT_MAX_BYTES: usize = MAX_CHUNK_BYTES;

/// Seeks in the frames that a manifest describes. `source` gives the stored bytes of a chunk, by level and
/// index: from a file, a database, or a network.
///
/// The chunk read last is kept, so that reading on costs each chunk once. Memory: that chunk, one as it is decoded, and
/// what a read returns.
///
/// The manifest and the chunks may come from anyone: neither makes it panic or take more than a read may return.
pub struct FrameReader<S> {
    manifest: Manifest,
    source: S,
    decoder: ChunkDecoder,
    max_bytes: usize,
    last: Option<(u32, u32, Vec<u8>)>,
}

impl<S> fmt::Debug for FrameReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifest, max_bytes, .. } = self;
        f.debug_struct("FrameReader")
            .field("frame_count", &manifest.frame_count)
            .field("max_bytes", max_bytes)
            .finish_non_exhaustive()
    }
}

/// Successive frames of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRange {
    /// Zoom level.
    pub level: u32,
    /// Time between frames, in ms.
    pub hop_ms: u32,
    /// Number of the first frame within its level.
    pub start_frame: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// The frames, one after another.
    pub frames: Vec<u8>,
}

impl FrameRange {
    /// Where the slot of frame `index` (of this range) begins, in ms: `(start_frame + index) · hop_ms`. At
    /// level 0 that is the centre of the frame.
    #[must_use]
    pub fn time_ms(&self, index: u32) -> u64 {
        (u64::from(self.start_frame) + u64::from(index)) * u64::from(self.hop_ms)
    }

    /// Physical values of one field, frame by frame; "no value" reads NaN.
    ///
    /// # Errors
    /// [`Error::UnknownField`].
    pub fn field(&self, layout: &FrameLayout, name: &str) -> Result<Vec<f32>> {
        layout.decode_field(name, &self.frames)
    }
}

impl<S: FnMut(u32, u32) -> Result<Vec<u8>>> FrameReader<S> {
    /// Reads frames of `manifest`, chunks from `source(level, index)`.
    ///
    /// # Errors
    /// [`Error::BadManifest`] if the manifest contradicts itself; [`Error::Zstd`] if zstd cannot allocate.
    pub fn new(manifest: Manifest, source: S) -> Result<Self> {
        manifest.validate()?;
        let decoder = ChunkDecoder::new()?;
        Ok(Self { manifest, source, decoder, max_bytes: DEFAULT_MAX_BYTES, last: None })
    }

    /// Sets the most bytes of frames that one read may return (default [`DEFAULT_MAX_BYTES`]).
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// What describes the frames.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The finest level that shows `from_ms .. to_ms` with at most `max_frames` frames; the coarsest there is
    /// where none does.
    #[must_use]
    pub fn level_for(&self, from_ms: u64, to_ms: u64, max_frames: u64) -> u32 {
        let fits = |level: &&LevelManifest| {
            let (first, end) = frames_between(level, from_ms, to_ms);
            u64::from(end - first) <= max_frames
        };
        self.manifest.levels.iter().find(fits).or(self.manifest.levels.last()).map_or(0, |level| level.level)
    }

    /// The frames of a level whose slots `[j · hop, (j + 1) · hop)` meet `from_ms .. to_ms`. A range beyond
    /// the end, or an empty one, gives no frames.
    ///
    /// # Errors
    /// - [`Error::RangeTooLarge`] if that is more than the bytes allowed;
    /// - [`Error::BadManifest`] if there is no such level;
    /// - what `source` returns, what [`ChunkDecoder::decode`] refuses, and [`Error::BadChunk`] or
    ///   [`Error::ChunkChecksum`] if a chunk is not the one the manifest describes.
    pub fn read(&mut self, level: u32, from_ms: u64, to_ms: u64) -> Result<FrameRange> {
        let found = self.manifest.levels.iter().find(|found| found.level == level);
        let found =
            found.ok_or_else(|| Error::BadManifest { detail: format!("there is no level {level}") })?;
        let (start_frame, end) = frames_between(found, from_ms, to_ms);
        let (hop_ms, frame_count) = (found.hop_ms, end - start_frame);
        let given_bytes = u64::from(frame_count) * u64::from(self.manifest.bytes_per_frame);
        if given_bytes > self.max_bytes as u64 {
            return Err(Error::RangeTooLarge { given_bytes, max_bytes: self.max_bytes as u64 });
        }
        let mut frames = Vec::new();
        let mut next = start_frame;
        while next < end {
            let index = next / self.manifest.chunk_size_frames;
            next = self.copy_chunk(level, index, (next, end), &mut frames)?;
        }
        Ok(FrameRange { level, hop_ms, start_frame, frame_count, frames })
    }

    /// Appends what chunk `index` holds of the frames `from .. end`; gives the frame after the last copied.
    fn copy_chunk(
        &mut self,
        level: u32,
        index: u32,
        (from, end): (u32, u32),
        out: &mut Vec<u8>,
    ) -> Result<u32> {
        let entry = self.entry(level, index)?;
        let width = self.manifest.frame_layout.bytes_per_frame();
        if !matches!(&self.last, Some((l, i, _)) if (*l, *i) == (level, index)) {
            let frames = self.fetch(level, entry)?;
            self.last = Some((level, index, frames));
        }
        let stop = end.min(entry.start_frame + entry.frame_count);
        let at = |frame: u32| (frame - entry.start_frame) as usize * width;
        if let Some((_, _, frames)) = &self.last {
            out.extend_from_slice(&frames[at(from)..at(stop)]);
        }
        Ok(stop)
    }

    fn entry(&self, level: u32, index: u32) -> Result<ChunkManifest> {
        let level = self.manifest.levels.iter().find(|found| found.level == level);
        let entry = level.and_then(|level| level.chunks.get(index as usize));
        entry.copied().ok_or_else(|| Error::BadManifest { detail: format!("there is no chunk {index}") })
    }

    /// Decodes a chunk and checks that it is the one the manifest describes.
    fn fetch(&mut self, level: u32, entry: ChunkManifest) -> Result<Vec<u8>> {
        let bytes = (self.source)(level, entry.index)?;
        let layout = &self.manifest.frame_layout;
        let described = entry.frame_count as usize * layout.bytes_per_frame();
        // A manifest may be hostile too: it cannot ask for more than a reader would ever return.
        let max = HEADER_BYTES + described.min(self.max_bytes.max(DEFAULT_MAX_BYTES));
        let decoded = self.decoder.decode(&bytes, layout, max)?;
        let ChunkHeader { level: of, start_frame, frame_count, crc32, .. } = decoded.header;
        if (of, start_frame, frame_count) != (level, entry.start_frame, entry.frame_count) {
            return Err(Error::BadChunk { detail: "it is another chunk than the manifest describes".into() });
        }
        if crc32 != entry.crc32 {
            return Err(Error::ChunkChecksum { given: crc32, expected: entry.crc32 });
        }
        Ok(decoded.frames)
    }
}

/// First frame, and the frame after the last, whose slots meet `from_ms .. to_ms`.
fn frames_between(level: &LevelManifest, from_ms: u64, to_ms: u64) -> (u32, u32) {
    let hop_ms = u64::from(level.hop_ms.max(1));
    let clamp = |frame: u64| u32::try_from(frame).unwrap_or(u32::MAX).min(level.frame_count);
    let (first, end) = (clamp(from_ms / hop_ms), clamp(to_ms.div_ceil(hop_ms)));
    if from_ms < to_ms { (first, end.max(first)) } else { (first, first) }
}
