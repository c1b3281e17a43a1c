//! Segments: short stretches of steady sound between onsets, each with its pitches and its timbre.

use crate::events::{Event, EventData, EventType};
use serde::{Deserialize, Serialize};

/// A stretch of sound from one onset to the next, as small as a 10-hour track needs it: it has some hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Where it begins, in ms.
    pub start_ms: u32,
    /// Where it ends, in ms: where the next begins, or the track ends.
    pub end_ms: u32,
    /// How sure the onset is that it begins with, 0 to 1.
    pub confidence: f32,
    /// Loudness at its start, in hundredths of LUFS.
    pub loudness_start: i16,
    /// Its greatest loudness, in hundredths of LUFS.
    pub loudness_max: i16,
    /// Loudness at its end, in hundredths of LUFS.
    pub loudness_end: i16,
    /// When it is loudest, in ms after its start.
    pub loudness_max_ms: u16,
    /// Share of each pitch class, C to B, the strongest 255; all 0 without pitch.
    pub pitches: [u8; 12],
    /// Shape of its spectrum, in tenths of dB.
    pub timbre: [i16; 12],
}

/// A segment's values in physical units, as its event has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentData {
    /// Loudness at its start, in LUFS.
    pub loudness_start: f32,
    /// Its greatest loudness, in LUFS.
    pub loudness_max: f32,
    /// When it is loudest, in ms after its start.
    pub loudness_max_ms: u16,
    /// Loudness at its end, in LUFS.
    pub loudness_end: f32,
    /// Share of each pitch class, C to B, 0 to 1, the strongest 1; all 0 without pitch.
    pub pitches: [f32; 12],
    /// Shape of its spectrum, in dB.
    pub timbre: [f32; 12],
}

impl Segment {
    /// Its values in physical units.
    #[must_use]
    pub fn data(&self) -> SegmentData {
        let lufs = |hundredths: i16| f32::from(hundredths) / 100.0;
        SegmentData {
            loudness_start: lufs(self.loudness_start),
            loudness_max: lufs(self.loudness_max),
            loudness_max_ms: self.loudness_max_ms,
            loudness_end: lufs(self.loudness_end),
            // Thousandths are finer than a byte; more digits would only look exact.
            pitches: self.pitches.map(|share| (f32::from(share) / 0.255).round() / 1000.0),
            timbre: self.timbre.map(|tenths| f32::from(tenths) / 10.0),
        }
    }

    /// The segment as an event.
    #[must_use]
    pub fn event(&self) -> Event {
        Event {
            time_ms: self.start_ms,
            duration_ms: Some(self.end_ms - self.start_ms),
            event_type: EventType::Segment,
            confidence: Some(self.confidence),
            event_data: Some(EventData::Segment(Box::new(self.data()))),
        }
    }
}
