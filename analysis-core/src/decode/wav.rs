//! Sizes in WAVE headers, put right where they cannot be what they say: files written to a pipe hold 0,
//! 0x7fff_ffff or 0xffff_ffff, long ones (RF64, EBU Tech 3306) keep theirs elsewhere, cut ones promise too much.

use std::io::{self, Read, Seek};

use super::sniff::{Sniff, peek};
use crate::error::{Error, Result};

/// Data sizes from here on are a pipe's way of saying "unknown" when the file is shorter
/// (sox writes 0x7fff_f000, others 0x7fff_ffff minus a header or 0xffff_ffff).
const UNKNOWN_FROM: u64 = 0x7fff_0000;
/// Chunks looked at before the data chunk.
const MAX_CHUNKS: usize = 256;

struct Data {
    /// Offset of the chunk's size field from the start of the container.
    size_at: u64,
    size: u64,
}

/// Limits the window to the audio data and patches the sizes to what is there.
pub(super) fn inspect<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff) -> Result<()> {
    let window = &mut sniff.window;
    let Some(data) = find_data(reader, window.start, window.end)? else { return Ok(()) };
    let start = window.start + data.size_at + 4;
    let present = window.end.saturating_sub(start);
    if present == 0 {
        return Err(Error::Empty);
    }
    let unknown = data.size == 0 || (data.size >= UNKNOWN_FROM && data.size > present);
    sniff.truncated = !unknown && data.size > present;
    let length = if unknown { present } else { data.size.min(present) };
    window.end = start + length;
    // 0xffff_ffff makes the demuxer read to the end of the window.
    let size = u32::try_from(length).unwrap_or(u32::MAX);
    window.patches = vec![(0, *b"RIFF"), (4, u32::MAX.to_le_bytes()), (data.size_at, size.to_le_bytes())];
    Ok(())
}

/// The first data chunk, its size taken from a `ds64` chunk where there is one.
fn find_data<R: Read + Seek>(reader: &mut R, start: u64, end: u64) -> io::Result<Option<Data>> {
    let (mut at, mut long_size) = (12, None);
    for _ in 0..MAX_CHUNKS {
        if start + at + 8 > end {
            break;
        }
        let chunk = peek(reader, start + at, 24)?;
        let Some(size) = little_endian(&chunk, 4..8) else { break };
        match chunk.get(..4) {
            Some(b"data") => {
                let size = if size == u64::from(u32::MAX) { long_size.unwrap_or(size) } else { size };
                return Ok(Some(Data { size_at: at + 4, size }));
            }
            Some(b"ds64") => long_size = little_endian(&chunk, 16..24),
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    Ok(None)
}

fn little_endian(bytes: &[u8], range: std::ops::Range<usize>) -> Option<u64> {
    Some(bytes.get(range)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
