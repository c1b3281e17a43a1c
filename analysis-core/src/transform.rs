//! The reversible transform that makes frames small: differences in time and along the values of a field.
//!
//! Each field is a plane of T frames × C values. Neighbours in time and frequency resemble one another, so
//! each value is replaced by what a plane through three neighbours does not foresee, modulo 2^bits on the
//! stored bit patterns (the two-dimensional gradient, as the Paeth family of PNG predictors uses):
//!
//! ```text
//! r[t][c] = x[t][c] − x[t−1][c] − x[t][c−1] + x[t−1][c−1]        outside the plane x = 0
//! ```
//!
//! Planes follow one another in the order of the fields. Values wider than a byte are split into byte planes:
//! all lowest bytes, then all second bytes, and so on.

use crate::config::SampleType;
use crate::frame::{Field, FrameLayout};

/// Transforms whole frames into `residuals`, which has the same length.
///
/// # Panics
/// If the lengths differ or hold no whole number of frames.
pub fn forward(layout: &FrameLayout, frames: &[u8], residuals: &mut [u8]) {
    each_plane(layout, frames.len(), residuals.len(), |field, at, len| {
        let plane = &mut residuals[at..at + len];
        let stride = layout.bytes_per_frame();
        match field.sample_type {
            SampleType::U8 => forward_bytes(field, stride, frames, plane),
            SampleType::I16 | SampleType::F16 => forward_words::<2>(field, stride, frames, plane),
            SampleType::F32 => forward_words::<4>(field, stride, frames, plane),
        }
    });
}

/// Undoes [`forward`].
///
/// # Panics
/// If the lengths differ or hold no whole number of frames.
pub fn inverse(layout: &FrameLayout, residuals: &[u8], frames: &mut [u8]) {
    each_plane(layout, residuals.len(), frames.len(), |field, at, len| {
        let plane = &residuals[at..at + len];
        let stride = layout.bytes_per_frame();
        match field.sample_type {
            SampleType::U8 => inverse_bytes(field, stride, plane, frames),
            SampleType::I16 | SampleType::F16 => inverse_words::<2>(field, stride, plane, frames),
            SampleType::F32 => inverse_words::<4>(field, stride, plane, frames),
        }
    });
}

/// Calls `on_plane` with each field, and where its plane begins and how long it is.
fn each_plane(layout: &FrameLayout, from: usize, to: usize, mut on_plane: impl FnMut(&Field, usize, usize)) {
    assert_eq!(from, to, "the transform keeps the size");
    assert!(from.is_multiple_of(layout.bytes_per_frame()), "whole frames");
    let rows = from / layout.bytes_per_frame();
    for field in layout.fields() {
        on_plane(field, field.offset * rows, field.size_bytes() * rows);
    }
}

fn forward_bytes(field: &Field, stride: usize, frames: &[u8], plane: &mut [u8]) {
    let mut before = vec![0; field.count];
    for (frame, row) in frames.chunks_exact(stride).zip(plane.chunks_exact_mut(field.count)) {
        let values = &frame[field.offset..field.offset + field.count];
        row[0] = values[0].wrapping_sub(before[0]);
        for c in 1..field.count {
            let now = values[c].wrapping_sub(values[c - 1]);
            row[c] = now.wrapping_sub(before[c]).wrapping_add(before[c - 1]);
        }
        before.copy_from_slice(values);
    }
}

/// Sums in time first, which vectorises, then along the values, straight to where they belong.
fn inverse_bytes(field: &Field, stride: usize, plane: &[u8], frames: &mut [u8]) {
    let mut steps = vec![0_u8; field.count];
    for (frame, row) in frames.chunks_exact_mut(stride).zip(plane.chunks_exact(field.count)) {
        for (step, residual) in steps.iter_mut().zip(row) {
            *step = step.wrapping_add(*residual);
        }
        running_sums(&steps, &mut frame[field.offset..field.offset + field.count]);
    }
}

/// `sums[c] = residuals[0] + … + residuals[c]` modulo 256, eight at a time: bytes are added in pairs in
/// 16-bit lanes, where no carry reaches a neighbour, and one multiplication sums up the pairs.
fn running_sums(residuals: &[u8], sums: &mut [u8]) {
    const LOW: u64 = 0x00FF_00FF_00FF_00FF;
    const ONES: u64 = 0x0001_0001_0001_0001;
    let (words, tail) = residuals.as_chunks::<8>();
    let (sum_words, sum_tail) = sums.as_chunks_mut::<8>();
    let mut total = 0_u64;
    for (word, sums) in words.iter().zip(sum_words) {
        let word = u64::from_le_bytes(*word);
        let odd = word >> 8 & LOW;
        // At most 4 · 510, and 255 from before: 16 bits hold it.
        let of_word = ((word & LOW) + odd).wrapping_mul(ONES);
        let through_odd = of_word + total * ONES;
        let through_even = through_odd - odd;
        *sums = (through_even & LOW | (through_odd & LOW) << 8).to_le_bytes();
        // Not from `through_odd`: word after word waits for this sum alone, and not for the product.
        total = (total + (of_word >> 48)) & 0xFF;
    }
    let mut total = total.to_le_bytes()[0];
    for (residual, sum) in tail.iter().zip(sum_tail) {
        total = total.wrapping_add(*residual);
        *sum = total;
    }
}

/// A little-endian word of `N` bytes, as the low bits of a u32.
fn word<const N: usize>(bytes: &[u8]) -> u32 {
    let mut wide = [0; 4];
    wide[..N].copy_from_slice(&bytes[..N]);
    u32::from_le_bytes(wide)
}

fn forward_words<const N: usize>(field: &Field, stride: usize, frames: &[u8], plane: &mut [u8]) {
    let plane_bytes = plane.len() / N;
    let mut before = vec![0_u32; field.count];
    for (t, frame) in frames.chunks_exact(stride).enumerate() {
        let values = frame[field.offset..field.offset + field.size_bytes()].chunks_exact(N).map(word::<N>);
        let (mut left, mut left_before) = (0_u32, 0_u32);
        for (c, (value, before)) in values.zip(&mut before).enumerate() {
            let residual = value.wrapping_sub(left).wrapping_sub(*before).wrapping_add(left_before);
            for (byte, part) in residual.to_le_bytes()[..N].iter().enumerate() {
                plane[byte * plane_bytes + t * field.count + c] = *part;
            }
            (left, left_before) = (value, *before);
            *before = value;
        }
    }
}

fn inverse_words<const N: usize>(field: &Field, stride: usize, plane: &[u8], frames: &mut [u8]) {
    let plane_bytes = plane.len() / N;
    let mut before = vec![0_u32; field.count];
    for (t, frame) in frames.chunks_exact_mut(stride).enumerate() {
        let values = frame[field.offset..field.offset + field.size_bytes()].chunks_exact_mut(N);
        let mut along = 0_u32;
        for (c, (value, before)) in values.zip(&mut before).enumerate() {
            let mut residual = [0; 4];
            for (byte, part) in residual[..N].iter_mut().enumerate() {
                *part = plane[byte * plane_bytes + t * field.count + c];
            }
            // Bits above the word only ever carry upwards, so they never reach the bytes that are kept.
            along = along.wrapping_add(u32::from_le_bytes(residual));
            *before = before.wrapping_add(along);
            value.copy_from_slice(&before.to_le_bytes()[..N]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// The words of `docs/FRAME-FORMAT.md`, for a layout of one field of bytes.
    fn plain_inverse(residuals: &[u8], count: usize) -> Vec<u8> {
        let mut above = vec![0_u8; count];
        let mut frames = Vec::new();
        for row in residuals.chunks(count) {
            let mut along = 0_u8;
            for (above, residual) in above.iter_mut().zip(row) {
                along = along.wrapping_add(*residual);
                *above = above.wrapping_add(along);
                frames.push(*above);
            }
        }
        frames
    }

    #[test]
    fn bytes_are_summed_up_as_the_format_says_for_any_count() {
        let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0];
        for count in (1..=17).chain([24, 63, 64, 65]) {
            let field = Field { count, ..Field::of("one", &Config::default(), 0) };
            let layout = FrameLayout::from_fields(vec![field]).unwrap();
            for residuals in [vec![255; 5 * count], (0..5 * 65).map(noise).take(5 * count).collect()] {
                let mut frames = vec![0; residuals.len()];
                inverse(&layout, &residuals, &mut frames);
                assert_eq!(frames, plain_inverse(&residuals, count), "{count} values a frame");
            }
        }
    }
}
