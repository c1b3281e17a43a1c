//! What a file is, judged from its own bytes before a demuxer sees it: which container, where it starts
//! and ends, and what its header says that can be believed. Names and MIME types lie too often to be asked.

use std::io::{self, Read, Seek, SeekFrom};

use super::mp4::{self, Edit};
use super::mpeg::{self, Stream};
use super::source::Window;
use super::wav;
use crate::error::{Error, Result};

/// How far into a file the first MPEG audio frame is looked for, past leading tags.
const SEARCH_BYTES: usize = 1 << 20;
/// Bytes at the end that show whether the last frame is whole: two of the longest ADTS frames.
const TAIL_BYTES: u64 = 16 << 10;
/// Leading or trailing tags that are skipped, at most.
const MAX_TAGS: usize = 8;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sniff {
    /// The stretch of the file to demux.
    pub(super) window: Window,
    /// Whether the end of the file cuts into what its header announces.
    pub(super) truncated: bool,
    /// Whether the demuxer's frame count is only a guess from the bit rate.
    pub(super) length_is_a_guess: bool,
    /// Which stretch of each MP4 track is to be played.
    pub(super) edits: Vec<Edit>,
    /// Name of a codec that is there but cannot be decoded.
    pub(super) foreign_codec: Option<&'static str>,
}

/// Looks at `reader` without decoding anything.
///
/// # Errors
/// [`Error::Empty`] without any byte beyond tags, [`Error::Unrecognized`] where no container is found,
/// [`Error::UnsupportedCodec`] where it is one that is known not to be supported, [`Error::Io`].
pub(super) fn sniff<R: Read + Seek>(reader: &mut R, hint: Option<&str>) -> Result<Sniff> {
    let end = reader.seek(SeekFrom::End(0))?;
    let start = skip_id3v2(reader, end)?;
    if start >= end {
        return Err(Error::Empty);
    }
    let head = peek(reader, start, 64.min(end - start))?;
    let mut sniff = Sniff { window: Window { start, end, patches: Vec::new() }, ..Sniff::default() };
    match (head.get(..4).unwrap_or_default(), head.get(4..8).unwrap_or_default()) {
        (b"RIFF" | b"RF64" | b"BW64", _) if head.get(8..12) == Some(b"WAVE") => {
            wav::inspect(reader, &mut sniff)?
        }
        (_, b"ftyp") => sniff.edits = mp4::edits(reader, start, end)?,
        (b"OggS", _) => sniff.foreign_codec = ogg_codec(&head),
        (b"fLaC" | b"caff" | b"FORM" | [0x1a, 0x45, 0xdf, 0xa3], _) => {}
        _ => match foreign(&head) {
            Some(codec) => return Err(Error::UnsupportedCodec { codec: codec.into() }),
            None => inspect_mpeg(reader, &mut sniff, hint)?,
        },
    }
    Ok(sniff)
}

/// Up to `count` bytes from `offset` on; fewer at the end.
pub(super) fn peek<R: Read + Seek>(reader: &mut R, offset: u64, count: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Position past all ID3v2 tags (id3.org, ID3v2.4 section 3.1): cover art is neither read nor kept.
fn skip_id3v2<R: Read + Seek>(reader: &mut R, end: u64) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MAX_TAGS {
        let head = peek(reader, at, 10)?;
        let &[b'I', b'D', b'3', _, _, flags, a, b, c, d] = head.as_slice() else { break };
        let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at = (at + 10 + size + footer).min(end);
    }
    Ok(at)
}

/// Position before all ID3v1, APEv2 and Lyrics3v2 tags at the end: their bytes can look like frames.
fn before_trailing_tags<R: Read + Seek>(reader: &mut R, start: u64, end: u64) -> io::Result<u64> {
    let mut at = end;
    for _ in 0..MAX_TAGS {
        let from = at.saturating_sub(128).max(start);
        let tail = peek(reader, from, at - from)?;
        let Some(size) = trailing_tag(&tail) else { break };
        let Some(before) = at.checked_sub(size).filter(|before| *before > start) else { break };
        at = before;
    }
    Ok(at)
}

/// Size of the tag that ends with `tail`, the last 128 bytes.
fn trailing_tag(tail: &[u8]) -> Option<u64> {
    if tail.len() == 128 && tail.starts_with(b"TAG") {
        return Some(128);
    }
    if let Some(footer) = tail.last_chunk::<32>().filter(|footer| footer.starts_with(b"APETAGEX")) {
        let word =
            |at: usize| footer[at..at + 4].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let header = if word(20) & 0x8000_0000 == 0 { 0 } else { 32 };
        return Some(word(12) + header);
    }
    let lyrics = tail.last_chunk::<15>().filter(|lyrics| lyrics.ends_with(b"LYRICS200"))?;
    let size: u64 = std::str::from_utf8(&lyrics[..6]).ok()?.parse().ok()?;
    Some(size + 15)
}

/// Places the window on the first run of MPEG audio or ADTS frames.
fn inspect_mpeg<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff, hint: Option<&str>) -> Result<()> {
    let window = &mut sniff.window;
    window.end = before_trailing_tags(reader, window.start, window.end)?;
    let head = peek(reader, window.start, (SEARCH_BYTES as u64).min(window.end - window.start))?;
    let Some(at) = mpeg::find_chain(&head) else {
        let named = hint.map(|hint| format!(" (named {hint})")).unwrap_or_default();
        return Err(Error::Unrecognized { detail: format!("no known signature and no audio frames{named}") });
    };
    let first = &head[at..];
    window.start += at as u64;
    let bytes = window.end - window.start;
    let Some(frame) = mpeg::frame(first) else { return Err(Error::Empty) };
    let xing = mpeg::xing(first).filter(|_| matches!(frame.stream, Stream::Mpeg { .. }));
    // Where two files were joined, the first one's tag speaks for itself alone and the rest must not be cut off.
    let joined =
        xing.and_then(|xing| xing.bytes).is_some_and(|told| bytes > u64::from(told) * 11 / 10 + 16_384);
    sniff.length_is_a_guess = joined || !xing.is_some_and(|xing| xing.counts_frames);
    let tail = peek(reader, window.end - bytes.min(TAIL_BYTES), TAIL_BYTES.min(bytes))?;
    sniff.truncated = mpeg::ends_inside_frame(&tail, frame.stream);
    Ok(())
}

/// Codecs in an Ogg stream's first packet that have no mapping here.
fn ogg_codec(head: &[u8]) -> Option<&'static str> {
    let packet = head.get(28..)?;
    let known: [(&[u8], &str); 4] =
        [(b"Speex   ", "speex"), (b"\x80theora", "theora"), (b"PCM     ", "oggpcm"), (b"BBCD", "dirac")];
    known.iter().find(|(magic, _)| packet.starts_with(magic)).map(|(_, name)| *name)
}

/// Formats that are recognised so that the answer can name them.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 9] = [
        (b"wvpk", "wavpack"),
        (b"MAC ", "monkeys_audio"),
        (&[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], "wma"),
        (b"#!AMR", "amr"),
        (b"TTA1", "tta"),
        (b"MPCK", "musepack"),
        (b"DSD ", "dsd"),
        (b"RIFX", "big-endian wave"),
        (b"MThd", "midi"),
    ];
    known.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}
