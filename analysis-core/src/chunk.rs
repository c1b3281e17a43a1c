//! Packs frames into self-contained compressed chunks and reads them back.
//!
//! A chunk is one zstd frame. Inside lies a payload: a header of [`HEADER_BYTES`] bytes, then the frames
//! under the transform of [`crate::transform`]. `docs/FRAME-FORMAT.md` is the normative description.

use crate::error::{Error, Result};
use crate::frame::FrameLayout;
use crate::opaque::opaque;
use crate::transform;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter};

/// First bytes of a payload.
pub const MAGIC: [u8; 4] = *b"ARSF";
/// Version of the payload that is written and read here.
pub const FORMAT_VERSION: u16 = 1;
/// Bytes of the payload before the frames.
pub const HEADER_BYTES: usize = 32;
/// Most bytes of frames in a chunk that an analysis writes: 64 MiB.
pub const MAX_CHUNK_BYTES: usize = 64 << 20;
/// Residuals are noise: what helps is their uneven distribution, not repetition. So matches are sought for
/// long ones alone, in a small table. On music this stays within 1.5 % of the residuals' entropy, where plain
/// level 1 is 3 % above it and decodes a third slower, and levels 3 and 9 are larger and slower still.
const ZSTD_LEVEL: i32 = 1;
const ZSTD_MIN_MATCH: u32 = 7;
const ZSTD_HASH_LOG: u32 = 6;

/// A packed chunk, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Zoom level; 0 is the finest.
    pub level: u32,
    /// Number of the chunk within its level, from 0.
    pub index: u32,
    /// Number of its first frame within its level.
    pub start_frame: u32,
    /// Number of its frames.
    pub frame_count: u32,
    /// CRC-32 (IEEE 802.3) of the frames before the transform.
    pub crc32: u32,
    /// One zstd frame.
    pub bytes: Vec<u8>,
}

/// What the payload of a chunk says about its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkHeader {
    /// Zoom level; 0 is the finest.
    pub level: u32,
    /// Number of the first frame within its level.
    pub start_frame: u32,
    /// Number of frames.
    pub frame_count: u32,
    /// Bytes of one frame.
    pub bytes_per_frame: u32,
    /// CRC-32 of the frames.
    pub crc32: u32,
}

/// A chunk read back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodedChunk {
    /// What the payload says.
    pub header: ChunkHeader,
    /// `frame_count` frames of `bytes_per_frame` bytes.
    pub frames: Vec<u8>,
}

/// Collects the frames of one level and packs each `chunk_frames` of them. Holds one chunk of frames.
pub struct ChunkWriter {
    layout: FrameLayout,
    level: u32,
    chunk_bytes: usize,
    next_frame: u32,
    next_index: u32,
    frames: Vec<u8>,
    payload: Vec<u8>,
    compressor: Compressor<'static>,
}

opaque!(ChunkWriter { level, next_index, next_frame });

impl ChunkWriter {
    /// Makes chunks of `chunk_frames` frames (at least 1), the last one of what is left.
    ///
    /// # Errors
    /// [`Error::Zstd`] if zstd cannot allocate its context.
    pub fn new(layout: FrameLayout, level: u32, chunk_frames: usize) -> Result<Self> {
        let mut compressor = Compressor::new(ZSTD_LEVEL).map_err(Error::Zstd)?;
        compressor.set_parameter(CParameter::MinMatch(ZSTD_MIN_MATCH)).map_err(Error::Zstd)?;
        compressor.set_parameter(CParameter::HashLog(ZSTD_HASH_LOG)).map_err(Error::Zstd)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true)).map_err(Error::Zstd)?;
        let chunk_bytes = chunk_frames.max(1).saturating_mul(layout.bytes_per_frame());
        let (frames, payload) =
            (Vec::with_capacity(chunk_bytes), Vec::with_capacity(HEADER_BYTES + chunk_bytes));
        Ok(Self { layout, level, chunk_bytes, next_frame: 0, next_index: 0, frames, payload, compressor })
    }

    /// Takes one frame; gives a chunk when it completes one.
    ///
    /// # Errors
    /// [`Error::ChunkLayout`] if the frame has another size than the layout; [`Error::Zstd`] if zstd fails.
    pub fn push(&mut self, frame: &[u8]) -> Result<Option<Chunk>> {
        let expected = self.layout.bytes_per_frame();
        if frame.len() != expected {
            let given = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            return Err(Error::ChunkLayout { given, expected });
        }
        self.frames.extend_from_slice(frame);
        if self.frames.len() < self.chunk_bytes { Ok(None) } else { self.pack().map(Some) }
    }

    /// Packs what is left, if anything.
    ///
    /// # Errors
    /// [`Error::Zstd`] if zstd fails.
    pub fn finish(mut self) -> Result<Option<Chunk>> {
        if self.frames.is_empty() { Ok(None) } else { self.pack().map(Some) }
    }

    fn pack(&mut self) -> Result<Chunk> {
        let header =
            encode_payload(&self.layout, self.level, self.next_frame, &self.frames, &mut self.payload)?;
        let bytes = self.compressor.compress(&self.payload).map_err(Error::Zstd)?;
        let index = self.next_index;
        self.frames.clear();
        self.next_index += 1;
        self.next_frame = self.next_frame.saturating_add(header.frame_count);
        let ChunkHeader { level, start_frame, frame_count, crc32, .. } = header;
        Ok(Chunk { level, index, start_frame, frame_count, crc32, bytes })
    }
}

/// Writes the payload of a chunk (what zstd compresses) into `payload`, replacing what it held.
///
/// # Errors
/// [`Error::BadChunk`] if `frames` holds no whole number of frames, or more than a chunk can count.
pub fn encode_payload(
    layout: &FrameLayout,
    level: u32,
    start_frame: u32,
    frames: &[u8],
    payload: &mut Vec<u8>,
) -> Result<ChunkHeader> {
    let bytes_per_frame = layout.bytes_per_frame();
    let whole = frames.len().is_multiple_of(bytes_per_frame) && !frames.is_empty();
    let frame_count = u32::try_from(frames.len() / bytes_per_frame).ok().filter(|_| whole);
    let frame_count = frame_count.ok_or_else(|| bad("it would hold no whole number of frames"))?;
    let header = ChunkHeader {
        level,
        start_frame,
        frame_count,
        bytes_per_frame: u32::try_from(bytes_per_frame).map_err(|_| bad("its frames are too large"))?,
        crc32: crc32fast::hash(frames),
    };
    payload.clear();
    header.write(payload);
    payload.resize(HEADER_BYTES + frames.len(), 0);
    transform::forward(layout, frames, &mut payload[HEADER_BYTES..]);
    Ok(header)
}

/// Reads the payload of a chunk.
///
/// # Errors
/// [`Error::BadChunk`], [`Error::ChunkVersion`], [`Error::ChunkLayout`], [`Error::ChunkChecksum`].
pub fn decode_payload(payload: &[u8], layout: &FrameLayout) -> Result<DecodedChunk> {
    let header = ChunkHeader::read(payload)?;
    let expected = layout.bytes_per_frame();
    if usize::try_from(header.bytes_per_frame) != Ok(expected) {
        return Err(Error::ChunkLayout { given: header.bytes_per_frame, expected });
    }
    let body = &payload[HEADER_BYTES..];
    let announced = u64::from(header.frame_count) * u64::from(header.bytes_per_frame);
    if announced == 0 || announced != body.len() as u64 {
        return Err(bad("its size is not that of the frames it announces"));
    }
    let mut frames = vec![0; body.len()];
    transform::inverse(layout, body, &mut frames);
    let given = crc32fast::hash(&frames);
    if given != header.crc32 {
        return Err(Error::ChunkChecksum { given, expected: header.crc32 });
    }
    Ok(DecodedChunk { header, frames })
}

impl ChunkHeader {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&0_u16.to_le_bytes());
        for word in [self.level, self.start_frame, self.frame_count, self.bytes_per_frame, self.crc32, 0] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn read(payload: &[u8]) -> Result<Self> {
        let header =
            payload.first_chunk::<HEADER_BYTES>().ok_or_else(|| bad("it is shorter than its header"))?;
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        if header[..4] != MAGIC {
            return Err(bad("its payload does not begin with ARSF"));
        }
        let given = u16::from_le_bytes([header[4], header[5]]);
        if given != FORMAT_VERSION {
            return Err(Error::ChunkVersion { given, supported: FORMAT_VERSION });
        }
        if header[6..8] != [0; 2] || word(28) != 0 {
            return Err(bad("bytes of its header that must be 0 are not"));
        }
        let (level, start_frame, frame_count) = (word(8), word(12), word(16));
        Ok(Self { level, start_frame, frame_count, bytes_per_frame: word(20), crc32: word(24) })
    }
}

/// Reads chunks; keeps the zstd context between them.
pub struct ChunkDecoder {
    decompressor: Decompressor<'static>,
    payload: Vec<u8>,
}

opaque!(ChunkDecoder {});

impl ChunkDecoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// [`Error::Zstd`] if zstd cannot allocate its context.
    pub fn new() -> Result<Self> {
        Ok(Self { decompressor: Decompressor::new().map_err(Error::Zstd)?, payload: Vec::new() })
    }

    /// Reads one chunk. Untrusted bytes are fine: they cost at most `max_bytes` of memory, twice. Altered
    /// bytes are refused, or (where zstd gives a bit no meaning) decode to the very frames that were packed.
    ///
    /// # Errors
    /// - [`Error::ChunkTooLarge`] if the chunk announces more than `max_bytes`;
    /// - [`Error::BadChunk`] if the bytes are not exactly one sound zstd frame with a content size and a
    ///   checksum, or its payload contradicts itself;
    /// - [`Error::ChunkVersion`], [`Error::ChunkLayout`] if it is another version's or another layout's;
    /// - [`Error::ChunkChecksum`] if the frames are not those that were packed.
    pub fn decode(&mut self, bytes: &[u8], layout: &FrameLayout, max_bytes: usize) -> Result<DecodedChunk> {
        self.unpack(bytes, max_bytes)?;
        decode_payload(&self.payload, layout)
    }

    fn unpack(&mut self, bytes: &[u8], max_bytes: usize) -> Result<()> {
        let size = content_size(bytes, max_bytes)?;
        self.payload.clear();
        self.payload.reserve_exact(size);
        let written = self.decompressor.decompress_to_buffer(bytes, &mut self.payload);
        match written {
            Ok(written) if written == size => Ok(()),
            Ok(_) => Err(bad("it holds less than it announces")),
            Err(error) => Err(bad(&format!("zstd: {error}"))),
        }
    }
}

/// The payload of a chunk, as zstd packed it: for those who cannot take zstd.
///
/// # Errors
/// [`Error::ChunkTooLarge`] if the chunk announces more than `max_bytes`; [`Error::BadChunk`] if the bytes are
/// not exactly one sound zstd frame with a content size and a checksum; [`Error::Zstd`] if zstd cannot allocate.
pub fn unpack(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>> {
    let mut decoder = ChunkDecoder::new()?;
    decoder.unpack(bytes, max_bytes)?;
    Ok(decoder.payload)
}

/// Reads one chunk: [`ChunkDecoder::decode`] with a context of its own.
///
/// # Errors
/// Those of [`ChunkDecoder::decode`].
pub fn decode_chunk(bytes: &[u8], layout: &FrameLayout, max_bytes: usize) -> Result<DecodedChunk> {
    ChunkDecoder::new()?.decode(bytes, layout, max_bytes)
}

/// The content size a zstd frame announces, once the frame is known to be one that we write.
fn content_size(bytes: &[u8], max_bytes: usize) -> Result<usize> {
    // RFC 8878, 3.1.1.1.1: bit 2 announces a checksum; bits 3 and 4 are unused, bits 0 and 1 would name a
    // dictionary. Without the checksum altered bytes could pass unseen.
    match bytes.get(..5) {
        Some([0x28, 0xB5, 0x2F, 0xFD, descriptor]) if descriptor & 0b0001_1111 == 0b0000_0100 => {}
        Some([0x28, 0xB5, 0x2F, 0xFD, _]) => {
            return Err(bad("its zstd frame lacks a checksum or needs a dictionary"));
        }
        _ => return Err(bad("it is no zstd frame")),
    }
    if zstd_safe::find_frame_compressed_size(bytes) != Ok(bytes.len()) {
        return Err(bad("it is truncated, or more than one zstd frame"));
    }
    let size = zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let given = size.ok_or_else(|| bad("its zstd frame does not announce its size"))?;
    let too_large = Error::ChunkTooLarge { given, max: max_bytes as u64 };
    usize::try_from(given).ok().filter(|&size| size <= max_bytes).ok_or(too_large)
}

fn bad(detail: &str) -> Error {
    Error::BadChunk { detail: detail.to_owned() }
}
