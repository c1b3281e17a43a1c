//! Coarser levels of frames for drawing whole tracks.
//!
//! Frame `j` of level `n + 1` sums up frames `8·j ..= 8·j + 7` of level `n` (the last one those that are
//! left), by the maximum or the mean of the *stored* values as each field declares. So a client that holds
//! the finest level can make every other one itself, bit for bit.

use crate::chunk::{Chunk, ChunkWriter};
use crate::config::{SampleType, ZOOM_FACTOR};
use crate::error::Result;
use crate::frame::{Aggregate, Field, FrameLayout};
use crate::opaque::opaque;
use half::f16;

/// Packs the frames of an analysis into chunks of every level. Holds one unfinished chunk and up to
/// [`ZOOM_FACTOR`] frames a level.
pub struct ZoomPyramid {
    levels: Vec<Level>,
    layout: FrameLayout,
}

opaque!(ZoomPyramid { layout });

struct Level {
    writer: ChunkWriter,
    /// Frames that wait to become one of the next level.
    group: Vec<u8>,
}

impl ZoomPyramid {
    /// Makes levels `0 ..= zoom_levels` with chunks of `chunk_frames` frames each.
    ///
    /// # Errors
    /// [`crate::Error::Zstd`] if zstd cannot allocate its contexts.
    pub fn new(layout: &FrameLayout, zoom_levels: u32, chunk_frames: usize) -> Result<Self> {
        let level = |level| {
            let writer = ChunkWriter::new(layout.clone(), level, chunk_frames)?;
            let group = Vec::with_capacity(ZOOM_FACTOR as usize * layout.bytes_per_frame());
            Ok(Level { writer, group })
        };
        Ok(Self { levels: (0..=zoom_levels).map(level).collect::<Result<_>>()?, layout: layout.clone() })
    }

    /// Takes one frame of level 0 and hands out each chunk that it completes, of whatever level.
    ///
    /// # Errors
    /// Those of [`ChunkWriter::push`], and those of `on_chunk`.
    pub fn push(&mut self, frame: &[u8], on_chunk: &mut impl FnMut(Chunk) -> Result<()>) -> Result<()> {
        push_from(&mut self.levels, &self.layout, frame, on_chunk)
    }

    /// Hands out the chunks of what is left, of every level.
    ///
    /// # Errors
    /// Those of [`ChunkWriter::finish`], and those of `on_chunk`.
    pub fn finish(mut self, on_chunk: &mut impl FnMut(Chunk) -> Result<()>) -> Result<()> {
        for finer in 0..self.levels.len() {
            let group = std::mem::take(&mut self.levels[finer].group);
            if !group.is_empty() && finer + 1 < self.levels.len() {
                let frame = aggregate(&self.layout, &group);
                push_from(&mut self.levels[finer + 1..], &self.layout, &frame, on_chunk)?;
            }
        }
        for level in self.levels {
            level.writer.finish()?.map_or(Ok(()), &mut *on_chunk)?;
        }
        Ok(())
    }
}

/// Hands a frame to the first of `levels`, and what its groups become to those after it.
fn push_from(
    levels: &mut [Level],
    layout: &FrameLayout,
    frame: &[u8],
    on_chunk: &mut impl FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    let Some((level, coarser)) = levels.split_first_mut() else { return Ok(()) };
    level.writer.push(frame)?.map_or(Ok(()), &mut *on_chunk)?;
    if coarser.is_empty() {
        return Ok(());
    }
    level.group.extend_from_slice(frame);
    if level.group.len() < ZOOM_FACTOR as usize * layout.bytes_per_frame() {
        return Ok(());
    }
    let summed_up = aggregate(layout, &level.group);
    level.group.clear();
    push_from(coarser, layout, &summed_up, on_chunk)
}

/// One frame that sums up all of `frames` (at least one).
#[must_use]
pub fn aggregate(layout: &FrameLayout, frames: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.bytes_per_frame());
    for field in layout.fields() {
        if field.sample_type == SampleType::U8 && field.zoom == Aggregate::Max {
            max_of_bytes(layout, field, frames, &mut out);
        } else {
            (0..field.count).for_each(|c| aggregate_value(layout, field, c, frames, &mut out));
        }
    }
    out
}

/// Bytes whose largest is wanted are most of a frame: whole rows at once. "No value" is 0, so it never wins.
fn max_of_bytes(layout: &FrameLayout, field: &Field, frames: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    out.resize(begin + field.count, 0);
    for frame in frames.chunks_exact(layout.bytes_per_frame()) {
        for (max, &value) in out[begin..].iter_mut().zip(&frame[field.offset..]) {
            *max = value.max(*max);
        }
    }
}

fn aggregate_value(layout: &FrameLayout, field: &Field, index: usize, frames: &[u8], out: &mut Vec<u8>) {
    let raws =
        frames.chunks_exact(layout.bytes_per_frame()).filter_map(|frame| field.raw_value(frame, index));
    let (mut count, mut sum, mut max) = (0_u32, 0.0_f64, f64::NEG_INFINITY);
    for raw in raws {
        count += 1;
        sum += raw;
        max = max.max(raw);
    }
    let value = match (count, field.zoom) {
        (0, _) => 0.0,
        (_, Aggregate::Max) => max,
        (_, Aggregate::Mean) => sum / f64::from(count),
    };
    push_raw(field.sample_type, value, out);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean or maximum of values of the type is in its range; f32 rounds to nearest"
)]
fn push_raw(sample_type: SampleType, raw: f64, out: &mut Vec<u8>) {
    match sample_type {
        SampleType::U8 => out.push((raw + 0.5).floor() as u8),
        SampleType::I16 => out.extend_from_slice(&((raw + 0.5).floor() as i16).to_le_bytes()),
        SampleType::F16 => out.extend_from_slice(&f16::from_f64(raw).to_le_bytes()),
        SampleType::F32 => out.extend_from_slice(&(raw as f32).to_le_bytes()),
    }
}
