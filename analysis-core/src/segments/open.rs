//! A segment that has not ended yet.

use super::{COEFFICIENTS, Segment};
use crate::chroma::PitchClasses;

/// What a frame says about the segment it lies in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) time_ms: u32,
    pub(super) loudness_lufs: f32,
    pub(super) chroma: PitchClasses,
    pub(super) timbre: [f32; COEFFICIENTS],
}

/// Sums over the frames of the segment that is open.
#[derive(Debug, Clone)]
pub(super) struct OpenSegment {
    pub(super) start_ms: u32,
    confidence: f32,
    frames: u32,
    /// Loudness of the first frame and of the last one so far.
    loudness: (f32, f32),
    /// The greatest loudness and its time.
    loudest: (f32, u32),
    chroma: PitchClasses,
    timbre: [f32; COEFFICIENTS],
}

impl OpenSegment {
    pub(super) fn new(start_ms: u32, confidence: f32) -> Self {
        Self {
            start_ms,
            confidence,
            frames: 0,
            loudness: (0.0, 0.0),
            loudest: (f32::NEG_INFINITY, start_ms),
            chroma: [0.0; 12],
            timbre: [0.0; COEFFICIENTS],
        }
    }

    pub(super) fn add(&mut self, moment: &Moment) {
        if self.frames == 0 {
            self.loudness.0 = moment.loudness_lufs;
        }
        self.loudness.1 = moment.loudness_lufs;
        if moment.loudness_lufs > self.loudest.0 {
            self.loudest = (moment.loudness_lufs, moment.time_ms);
        }
        self.chroma.iter_mut().zip(moment.chroma).for_each(|(sum, class)| *sum += class);
        self.timbre.iter_mut().zip(moment.timbre).for_each(|(sum, value)| *sum += value);
        self.frames += 1;
    }

    pub(super) fn close(&self, end_ms: u32) -> Segment {
        let strongest = self.chroma.iter().fold(0.0_f32, |most, &class| most.max(class));
        let share = if strongest > 0.0 { 255.0 / strongest } else { 0.0 };
        let frames = self.frames.max(1) as f32;
        let loudest_ms = self.loudest.1.saturating_sub(self.start_ms);
        Segment {
            start_ms: self.start_ms,
            end_ms,
            confidence: byte(255.0 * self.confidence),
            loudness_start: steps(self.loudness.0, 100.0),
            loudness_max: steps(self.loudest.0, 100.0),
            loudness_end: steps(self.loudness.1, 100.0),
            loudness_max_ms: u16::try_from(loudest_ms).unwrap_or(u16::MAX),
            pitches: self.chroma.map(|class| byte(class * share)),
            level: steps(self.timbre[0] / frames, 10.0),
            shape: std::array::from_fn(|k| half_db(self.timbre[k + 1] / frames)),
        }
    }
}

/// A level in steps of `1 / per_db` dB.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, at ±327 LUFS or ±3276 dB")]
fn steps(db: f32, per_db: f32) -> i16 {
    (db * per_db).round() as i16
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, at ±64 dB")]
fn half_db(db: f32) -> i8 {
    (2.0 * db).round() as i8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn byte(value: f32) -> u8 {
    value.round() as u8
}
