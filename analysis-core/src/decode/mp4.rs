//! Which part of an MP4 track is to be heard: edit lists (ISO/IEC 14496-12, 8.6.6) and the `iTunSMPB`
//! comment. The demuxer reads both and applies neither.

use std::io::{self, Read, Seek};

use super::sniff::peek;

/// Boxes looked at in one file; real ones have a few hundred.
const MAX_BOXES: usize = 20_000;
/// Edits read of one list.
const MAX_EDITS: u64 = 64;
/// Longest metadata value read, in bytes.
const MAX_VALUE_BYTES: u64 = 4_096;

/// The stretch of one track to play, in units of its own time scale where not said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// The track.
    pub(super) track_id: u32,
    /// Ticks a second of the track's media time.
    pub(super) timescale: u32,
    /// Ticks a second of `duration`: those of the movie as a whole.
    pub(super) movie_timescale: u32,
    /// First tick heard.
    pub(super) start: u64,
    /// Length heard, in ticks of the movie; `None` where the list is absent, open or has several entries.
    pub(super) duration: Option<u64>,
    /// Delay and audible length in sample frames from `iTunSMPB`.
    pub(super) itunes: Option<(u64, u64)>,
}

impl Edit {
    /// Sample frames to skip and, where known, to keep, of a track of `total` frames at `rate`.
    ///
    /// `iTunSMPB` wins where it fits into the track: it counts sample frames, while an edit's length is in
    /// ticks of the movie (often milliseconds). For the same reason an edit that ends within a tick of the
    /// media's own end ends there.
    pub(super) fn frames(&self, rate: u32, total: Option<u64>) -> (u64, Option<u64>) {
        let fits = |(delay, length): &(u64, u64)| {
            *length > 0 && total.is_none_or(|total| delay.saturating_add(*length) <= total)
        };
        if let Some((delay, length)) = self.itunes.filter(fits) {
            return (delay, Some(length));
        }
        let skip = scale(self.start, rate, self.timescale);
        let rest = total.map(|total| total.saturating_sub(skip));
        let tick = u64::from(rate.div_ceil(self.movie_timescale.max(1)));
        let keep = self.duration.map(|duration| scale(duration, rate, self.movie_timescale));
        match (keep, rest) {
            (Some(keep), Some(rest)) if keep + tick >= rest => (skip, Some(rest)),
            (keep, rest) => (skip, keep.or(rest)),
        }
    }
}

/// `ticks` at `from` a second as frames at `rate`, rounded to nearest.
fn scale(ticks: u64, rate: u32, from: u32) -> u64 {
    let from = u128::from(from.max(1));
    u64::try_from((u128::from(ticks) * u128::from(rate) + from / 2) / from).unwrap_or(u64::MAX)
}

/// What to play of every track of the file at `start..end`, and whether the file ends inside a box.
pub(super) fn edits<R: Read + Seek>(reader: &mut R, start: u64, end: u64) -> io::Result<(Vec<Edit>, bool)> {
    let mut walk = Walk { reader, boxes: 0, movie_timescale: 0, edits: Vec::new(), itunes: None, cut: false };
    walk.boxes_in(start, end, 0)?;
    let (movie_timescale, itunes) = (walk.movie_timescale, walk.itunes);
    let mut edits = std::mem::take(&mut walk.edits);
    for edit in &mut edits {
        (edit.movie_timescale, edit.itunes) = (movie_timescale, itunes);
    }
    Ok((edits, walk.cut))
}

struct Walk<'a, R> {
    reader: &'a mut R,
    boxes: usize,
    movie_timescale: u32,
    edits: Vec<Edit>,
    itunes: Option<(u64, u64)>,
    cut: bool,
}

impl<R: Read + Seek> Walk<'_, R> {
    fn boxes_in(&mut self, mut at: u64, end: u64, depth: u32) -> io::Result<()> {
        while at + 8 <= end && self.boxes < MAX_BOXES {
            self.boxes += 1;
            let head = peek(self.reader, at, 16)?;
            let (Some(size), Some(kind)) = (be32(&head, 0), head.get(4..8)) else { break };
            let (body, size) = match size {
                0 => (at + 8, end - at),
                1 => (at + 16, be64(&head, 8).unwrap_or(0)),
                size => (at + 8, u64::from(size)),
            };
            let Some(next) = at.checked_add(size).filter(|next| *next >= body) else { break };
            self.cut |= depth == 0 && next > end;
            self.visit(kind, body, next.min(end), depth)?;
            at = next;
        }
        Ok(())
    }

    fn visit(&mut self, kind: &[u8], body: u64, end: u64, depth: u32) -> io::Result<()> {
        match kind {
            b"moov" | b"edts" | b"mdia" | b"udta" | b"ilst" if depth < 8 => {
                self.boxes_in(body, end, depth + 1)
            }
            b"trak" if depth < 8 => {
                self.edits.push(Edit::default());
                self.boxes_in(body, end, depth + 1)
            }
            b"meta" if depth < 8 => self.boxes_in(body + 4, end, depth + 1),
            b"mvhd" => {
                self.movie_timescale = self.timescale(body)?;
                Ok(())
            }
            b"mdhd" | b"tkhd" | b"elst" => self.track_box(kind, body, end),
            b"----" => self.itunes_comment(body, end),
            _ => Ok(()),
        }
    }

    fn track_box(&mut self, kind: &[u8], body: u64, end: u64) -> io::Result<()> {
        let timescale = if kind == b"mdhd" { self.timescale(body)? } else { 0 };
        let bytes = peek(self.reader, body, (8 + MAX_EDITS * 20).min(end.saturating_sub(body)))?;
        let Some(edit) = self.edits.last_mut() else { return Ok(()) };
        match kind {
            b"mdhd" => edit.timescale = timescale,
            b"tkhd" => {
                edit.track_id = be32(&bytes, if bytes.first() == Some(&1) { 20 } else { 12 }).unwrap_or(0)
            }
            _ => (edit.start, edit.duration) = edit_list(&bytes).unwrap_or_default(),
        }
        Ok(())
    }

    /// The time scale of a movie or media header, version 0 or 1.
    fn timescale(&mut self, body: u64) -> io::Result<u32> {
        let bytes = peek(self.reader, body, 24)?;
        Ok(be32(&bytes, if bytes.first() == Some(&1) { 20 } else { 12 }).unwrap_or(0))
    }

    /// A free-form metadata item: `mean`, `name` and `data` boxes.
    fn itunes_comment(&mut self, body: u64, end: u64) -> io::Result<()> {
        let bytes = peek(self.reader, body, MAX_VALUE_BYTES.min(end.saturating_sub(body)))?;
        if bytes.windows(8).any(|window| window == b"iTunSMPB") {
            self.itunes = self.itunes.or_else(|| itun_smpb(&bytes));
        }
        Ok(())
    }
}

/// Start and length of a list with one entry that plays media; empty edits before it only delay it.
fn edit_list(bytes: &[u8]) -> Option<(u64, Option<u64>)> {
    let long = *bytes.first()? == 1;
    let count = u64::from(be32(bytes, 4)?).min(MAX_EDITS);
    let entry = |index: u64| {
        let at = usize::try_from(8 + index * if long { 20 } else { 12 }).ok()?;
        let (duration, media_time) = if long {
            (be64(bytes, at)?, be64(bytes, at + 8)?)
        } else {
            // Version 0 times are 32 bits wide and -1 marks an empty edit.
            let media_time = be32(bytes, at + 4)?;
            (
                u64::from(be32(bytes, at)?),
                if media_time == u32::MAX { u64::MAX } else { u64::from(media_time) },
            )
        };
        Some((media_time, duration))
    };
    let mut playing = (0..count).map_while(entry).filter(|(media_time, _)| *media_time < 1 << 62);
    let (start, duration) = playing.next()?;
    let only = playing.next().is_none();
    Some((start, Some(duration).filter(|duration| only && *duration > 0)))
}

/// Delay and audible frames: ` 00000000 00000840 000001C0 0000000000123456 …`, hexadecimal.
fn itun_smpb(item: &[u8]) -> Option<(u64, u64)> {
    let at = item.windows(4).position(|window| window == b"data")? + 12;
    let text = String::from_utf8_lossy(item.get(at..)?);
    let numbers: Vec<u64> =
        text.split_whitespace().take(4).map_while(|word| u64::from_str_radix(word, 16).ok()).collect();
    let &[_, delay, padding, length] = numbers.as_slice() else { return None };
    let plausible = delay < 1 << 20 && padding < 1 << 20 && length < 1 << 48;
    plausible.then_some((delay, length))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.first_chunk().copied().map(u64::from_be_bytes)
}
