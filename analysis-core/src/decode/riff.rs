//! Sizes in WAVE, AIFF and CAF headers, put right where they cannot be what they say: files written to a pipe hold
//! 0, 0x7fff_ffff or 0xffff_ffff, long ones (RF64, EBU Tech 3306) keep theirs elsewhere, cut ones promise too
//! much.

use std::io::{self, Read, Seek};

use super::sniff::{Sniff, peek};
use super::source::Window;
use crate::error::{Error, Result};

/// Data sizes from here on are a pipe's way of saying "unknown" when the file is shorter
/// (sox writes 0x7fff_f000, others 0x7fff_ffff minus a header or 0xffff_ffff).
const UNKNOWN_FROM: u64 = 0x7fff_0000;
/// Chunks looked at before the data chunk.
const MAX_CHUNKS: usize = 256;

/// Chunk header and, in AIFF, the offset and block size before the samples.
const SSND_HEAD: u64 = 8;

struct Data {
    /// Offset of the chunk's size field from the start of the container.
    size_at: u64,
    size: u64,
}

impl Data {
    /// Bytes of the chunk that are there, and whether that is less than was promised.
    fn present(&self, window: &Window) -> (u64, bool) {
        let present = window.end.saturating_sub(window.start + self.size_at + 4);
        let unknown = self.size == 0 || (self.size >= UNKNOWN_FROM && self.size > present);
        (if unknown { present } else { self.size.min(present) }, !unknown && self.size > present)
    }
}

/// Limits the window to a WAVE file's audio data and patches the sizes to what is there.
pub(super) fn inspect_wave<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff) -> Result<()> {
    let window = &mut sniff.window;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let Some(data) = find_data(reader, window, b"data", number)? else { return Ok(()) };
    let (length, cut) = data.present(window);
    if length == 0 {
        return Err(Error::Empty);
    }
    sniff.truncated = cut;
    window.end = window.start + data.size_at + 4 + length;
    // 0xffff_ffff makes the demuxer read to the end of the window.
    let size = u32::try_from(length).unwrap_or(u32::MAX);
    window.patches = vec![(0, *b"RIFF"), (4, u32::MAX.to_le_bytes()), (data.size_at, size.to_le_bytes())];
    Ok(())
}

/// Patches an AIFF file's sizes where they reach past its end; other chunks may follow the sound.
pub(super) fn inspect_aiff<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff) -> Result<()> {
    let window = &mut sniff.window;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let Some(data) = find_data(reader, window, b"SSND", number)? else { return Ok(()) };
    let (length, cut) = data.present(window);
    if length <= SSND_HEAD {
        return Err(Error::Empty);
    }
    if length == data.size {
        return Ok(());
    }
    sniff.truncated = cut;
    let size = u32::try_from(length).unwrap_or(u32::MAX);
    let form = u32::try_from(data.size_at - 4 + length).unwrap_or(u32::MAX);
    window.patches = vec![(4, form.to_be_bytes()), (data.size_at, size.to_be_bytes())];
    Ok(())
}

/// Patches the size of a CAF file's data chunk where it is open (−1) or reaches past the end.
pub(super) fn inspect_caf<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff) -> Result<()> {
    let window = &mut sniff.window;
    let mut at = 8;
    for _ in 0..MAX_CHUNKS {
        let chunk = peek(reader, window.start + at, 12)?;
        let Some(size) =
            chunk.get(4..12).and_then(|size| size.first_chunk().copied().map(u64::from_be_bytes))
        else {
            break;
        };
        if chunk.starts_with(b"data") {
            let present = window.end.saturating_sub(window.start + at + 12);
            if size > present {
                sniff.truncated = size != u64::MAX;
                let [a, b, c, d, e, f, g, h] = present.to_be_bytes();
                window.patches = vec![(at + 4, [a, b, c, d]), (at + 8, [e, f, g, h])];
            }
            break;
        }
        let Some(next) = at.checked_add(12).and_then(|at| at.checked_add(size)) else { break };
        at = next;
    }
    Ok(())
}

/// The first chunk of this name, its size taken from a `ds64` chunk where there is one.
fn find_data<R: Read + Seek>(
    reader: &mut R,
    window: &Window,
    name: &[u8; 4],
    number: impl Fn(&[u8]) -> u64,
) -> io::Result<Option<Data>> {
    let (mut at, mut long_size) = (12, None);
    for _ in 0..MAX_CHUNKS {
        if window.start + at + 8 > window.end {
            break;
        }
        let chunk = peek(reader, window.start + at, 24)?;
        let Some(size) = chunk.get(4..8).map(&number) else { break };
        if chunk.starts_with(name) {
            let size = if size == u64::from(u32::MAX) { long_size.unwrap_or(size) } else { size };
            return Ok(Some(Data { size_at: at + 4, size }));
        }
        if chunk.starts_with(b"ds64") {
            long_size = chunk.get(16..24).map(&number);
        }
        at += 8 + size + size % 2;
    }
    Ok(None)
}
