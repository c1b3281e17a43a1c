//! What a file is, judged from its own bytes before a demuxer sees it: which container, where it starts
//! and ends, and what its header says that can be believed. Names and MIME types lie too often to be asked.

use std::io::{self, Read, Seek, SeekFrom};

use super::mp4::{self, Edit};
use super::mpeg::{self, Stream};
use super::riff;
use super::source::Window;
use crate::error::{Error, Result};

/// How far into a file the first MPEG audio frame is looked for, past leading tags.
const SEARCH_BYTES: usize = 1 << 20;
/// Bytes at the end that show whether the last frame is whole: two of the longest ADTS frames.
const TAIL_BYTES: u64 = 16 << 10;
/// Longest page of an Ogg stream (RFC 3533).
const MAX_OGG_PAGE: u64 = 65_307;
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
    /// Whether MPEG audio of layer III begins with its encoder's first frame.
    pub(super) begins_an_encoding: bool,
    /// Which stretch of each MP4 track is to be played.
    pub(super) edits: Vec<Edit>,
    /// Granule position at the end of an Ogg file of one stream.
    pub(super) last_granule: Option<u64>,
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
    let mut sniff = Sniff { window: Window { start, end, ..Window::default() }, ..Sniff::default() };
    match (head.get(..4).unwrap_or_default(), head.get(4..8).unwrap_or_default()) {
        (b"RIFF" | b"RF64" | b"BW64", _) if head.get(8..12) == Some(b"WAVE") => {
            riff::inspect_wave(reader, &mut sniff)?
        }
        (_, b"ftyp") => (sniff.edits, sniff.truncated) = mp4::edits(reader, start, end)?,
        (b"OggS", _) => inspect_ogg(reader, &mut sniff, &head)?,
        (b"FORM", _) => riff::inspect_aiff(reader, &mut sniff)?,
        (b"caff", _) => riff::inspect_caf(reader, &mut sniff)?,
        ([0x1a, 0x45, 0xdf, 0xa3], _) => inspect_matroska(&mut sniff, &head),
        (b"fLaC", _) => {}
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
    sniff.begins_an_encoding = mpeg::begins_an_encoding(first);
    let tail = peek(reader, window.end - bytes.min(TAIL_BYTES), TAIL_BYTES.min(bytes))?;
    sniff.truncated = mpeg::ends_inside_frame(&tail, frame.stream);
    Ok(())
}

/// Reads an Ogg file's length off its last page, and keeps the demuxer from doing so: it takes one damaged page
/// on the way there for a reason to refuse the whole file.
fn inspect_ogg<R: Read + Seek>(reader: &mut R, sniff: &mut Sniff, head: &[u8]) -> io::Result<()> {
    sniff.foreign_codec = ogg_codec(head);
    sniff.window.forward_only = true;
    let window = &sniff.window;
    let tail = peek(reader, window.end.saturating_sub(MAX_OGG_PAGE).max(window.start), MAX_OGG_PAGE)?;
    let last = tail.windows(4).rposition(|bytes| bytes == b"OggS").and_then(|at| tail.get(at..at + 18));
    // Bit 2 of the flags marks the last page of a stream; the serial number tells whether it is the first one.
    let ends = |page: &&[u8]| page[5] & 4 != 0 && Some(&page[14..18]) == head.get(14..18);
    let granule = |page: &[u8]| page[6..14].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
    sniff.last_granule = last.filter(ends).map(granule).filter(|granule| *granule < 1 << 62);
    Ok(())
}

/// Notes when a Matroska segment (RFC 8794, RFC 9559) reaches past the end of the file. Read forward, such a file
/// plays as far as it goes; told its true length, the demuxer finds no segment in it at all.
fn inspect_matroska(sniff: &mut Sniff, head: &[u8]) {
    let segment = || {
        let (header, at) = ebml_size(head, 4)?;
        let at = at.checked_add(usize::try_from(header).ok()?)?;
        let (size, body) = ebml_size(head, at + 4)?;
        (head.get(at..at + 4)? == [0x18, 0x53, 0x80, 0x67]).then_some(size.saturating_add(body as u64))
    };
    sniff.truncated = segment().is_some_and(|end| end > sniff.window.end - sniff.window.start);
    sniff.window.forward_only = sniff.truncated;
}

/// An element's size and the place behind it; `None` where it is open.
fn ebml_size(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    let more = usize::try_from(first.leading_zeros()).ok()?;
    let rest = bytes.get(at + 1..at + 1 + more)?;
    let marker = 0x80_u8.checked_shr(first.leading_zeros())?;
    let size = rest.iter().fold(u64::from(first & !marker), |size, byte| size << 8 | u64::from(*byte));
    (size != (1 << (7 * (more + 1))) - 1).then_some((size, at + 1 + more))
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
