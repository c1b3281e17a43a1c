//! Segments: short stretches of steady sound between onsets, each with its pitches and its timbre.

mod list;
mod open;

use crate::events::{Event, EventData, EventType};
use crate::frame::FrameValues;
use crate::onset::Onset;
use crate::units::seconds_to_ms;
pub use list::Segments;
use open::{Moment, OpenSegment};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Least length of a segment, in ms: a second onset within it is part of the first (a flam, a strummed chord).
pub const LEAST_MS: u32 = 80;
/// Greatest length, in ms: steady sound without onsets is cut here, so that its pitches are those of some seconds.
pub const GREATEST_MS: u32 = 10_000;
/// Loudness from which on a frame counts as sound, in LUFS: the absolute gate of ITU-R BS.1770-4.
const SOUNDING_LUFS: f32 = -70.0;
/// Numbers that describe a timbre.
const COEFFICIENTS: usize = 12;

/// A stretch of sound from one onset to the next, as small as a 10-hour track needs it: it has some hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Where it begins, in ms.
    pub start_ms: u32,
    /// Where it ends, in ms: where the next begins, or the track ends.
    pub end_ms: u32,
    /// How sure the onset is that it begins with, 0 to 255; 0 where a long steady sound was cut.
    pub confidence: u8,
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
    /// Its mean level, the first number of its timbre, in tenths of dB; see [`SegmentTracker`].
    pub level: i16,
    /// The others, in half dB.
    pub shape: [i8; 11],
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
    /// Shape of its spectrum, in dB: coefficients of a cosine transform (see [`SegmentTracker`]), the first the mean
    /// level. They are not on Spotify's scale or basis.
    pub timbre: [f32; 12],
}

impl Segment {
    /// Its values in physical units.
    #[must_use]
    pub fn data(&self) -> SegmentData {
        let lufs = |hundredths: i16| f32::from(hundredths) / 100.0;
        let timbre = |k: usize| match k {
            0 => f32::from(self.level) / 10.0,
            _ => f32::from(self.shape[k - 1]) / 2.0,
        };
        SegmentData {
            loudness_start: lufs(self.loudness_start),
            loudness_max: lufs(self.loudness_max),
            loudness_max_ms: self.loudness_max_ms,
            loudness_end: lufs(self.loudness_end),
            pitches: self.pitches.map(share),
            timbre: std::array::from_fn(timbre),
        }
    }

    /// The segment as an event.
    #[must_use]
    pub fn event(&self) -> Event {
        Event {
            time_ms: self.start_ms,
            duration_ms: Some(self.end_ms.saturating_sub(self.start_ms)),
            event_type: EventType::Segment,
            confidence: Some(share(self.confidence)),
            event_data: Some(EventData::Segment(Box::new(self.data()))),
        }
    }
}

/// A byte as a share. Thousandths are finer than it; more digits would only look exact.
fn share(byte: u8) -> f32 {
    (f32::from(byte) / 0.255).round() / 1000.0
}

/// Cuts a track into segments as its frames and onsets come.
///
/// A segment begins at each onset, [`LEAST_MS`] after the last at the earliest; the first at 0, the last ends with
/// the track, none is longer than [`GREATEST_MS`] and a hop, but the last by up to [`LEAST_MS`], and there is none without a frame in it. Over the frames
/// from its start to before its end it has
///
/// ```text
/// loudness  of the first and the last frame; the greatest, and when that is
/// pitches   mean chroma / its greatest class                              zeros without pitch
/// timbre    c[0] = 1/N · Σ L[b],   c[k] = √2/N · Σ L[b] · cos(π·k·(b + ½)/N)     k = 1 … 11, in dB
/// ```
///
/// with `L[b]` the mean level of band `b` of `N` in dB: the orthogonal cosine transform (DCT-II) over log-frequency,
/// scaled so that `c[0]` is the mean level and `Σ c[k]²` over all k the mean of `L²`, whatever the number of bands.
/// After S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition"
/// (IEEE TASSP, 1980). These are cepstral coefficients of ours, not the basis that Spotify's timbre vectors had.
///
/// The confidence is that of the onset; for the first segment 1 if the track begins with sound and 0 if not; 0 where
/// a steady sound was cut. A track that never sounds (no frame reaches -70 LUFS) has no segments.
///
/// Onsets are settled some seconds after their frames, which wait as 104 bytes each until then.
#[derive(Debug, Clone)]
pub struct SegmentTracker {
    /// Rows of the cosine transform, each as long as there are bands.
    basis: Vec<Vec<f32>>,
    waiting: VecDeque<Moment>,
    next_onset: usize,
    open: Option<OpenSegment>,
    found: Segments,
    sounded: bool,
}

impl SegmentTracker {
    /// Plans for frames with this many bands.
    #[must_use]
    pub fn new(bands: usize) -> Self {
        Self {
            basis: (0..COEFFICIENTS).map(|k| cosine_row(k, bands)).collect(),
            waiting: VecDeque::new(),
            next_onset: 0,
            open: None,
            found: Segments::default(),
            sounded: false,
        }
    }

    /// Takes the next frame, `time_ms` after the start. Its bands make the timbre, its loudness and chroma the rest.
    pub fn push_frame(&mut self, time_ms: u64, values: &FrameValues<'_>) {
        let timbre = |k: usize| crate::bands::dot(&self.basis[k], values.bands_db);
        self.waiting.push_back(Moment {
            time_ms: u32::try_from(time_ms).unwrap_or(u32::MAX),
            loudness_lufs: values.loudness_lufs,
            chroma: values.chroma.copied().unwrap_or_default(),
            timbre: std::array::from_fn(timbre),
        });
        self.sounded |= values.loudness_lufs >= SOUNDING_LUFS;
    }

    /// Takes all onsets found so far, in the order found, and the time before which there will be no others.
    pub fn settle(&mut self, onsets: &[Onset], settled_ms: u64) {
        while let Some(moment) = self.waiting.pop_front_if(|moment| u64::from(moment.time_ms) < settled_ms) {
            self.take(&moment, onsets, u32::MAX);
        }
    }

    /// Ends the track, given all its onsets and its length.
    #[must_use]
    pub fn finish(mut self, onsets: &[Onset], duration_ms: u64) -> Segments {
        let end_ms = u32::try_from(duration_ms).unwrap_or(u32::MAX);
        while let Some(moment) = self.waiting.pop_front() {
            self.take(&moment, onsets, end_ms.saturating_sub(LEAST_MS));
        }
        self.found.extend(self.open.take().filter(|_| end_ms > 0).map(|open| open.close(end_ms)));
        if self.sounded { self.found } else { Segments::default() }
    }

    /// Adds a moment to the open segment, or to a new one that starts no later than `latest_ms`.
    fn take(&mut self, moment: &Moment, onsets: &[Onset], latest_ms: u32) {
        let start = match &self.open {
            None => Some((0, if moment.loudness_lufs >= SOUNDING_LUFS { 1.0 } else { 0.0 })),
            Some(open) => {
                let earliest_ms = open.start_ms.saturating_add(LEAST_MS);
                let cut = (moment.time_ms >= open.start_ms.saturating_add(GREATEST_MS))
                    .then_some((moment.time_ms, 0.0));
                self.onset_within(onsets, earliest_ms, moment.time_ms).or(cut)
            }
        };
        if let Some((start_ms, confidence)) = start.filter(|&(start_ms, _)| start_ms <= latest_ms) {
            let ended = self.open.replace(OpenSegment::new(start_ms, confidence));
            self.found.extend(ended.map(|open| open.close(start_ms)));
        }
        if let Some(open) = &mut self.open {
            open.add(moment);
        }
    }

    /// Start and confidence of the first of the next onsets up to `until_ms` that is not too early; passes over all of
    /// them, as there is no frame between two of them.
    fn onset_within(&mut self, onsets: &[Onset], earliest_ms: u32, until_ms: u32) -> Option<(u32, f32)> {
        let mut first = None;
        while let Some(onset) = onsets.get(self.next_onset) {
            let time_ms = u32::try_from(seconds_to_ms(onset.time_s)).unwrap_or(u32::MAX);
            if time_ms > until_ms {
                break;
            }
            self.next_onset += 1;
            if time_ms >= earliest_ms {
                first = first.or(Some((time_ms, onset.confidence)));
            }
        }
        first
    }
}

/// Row `k` of the cosine transform over `bands` bands.
#[expect(clippy::cast_possible_truncation, reason = "weights are kept as f32")]
fn cosine_row(k: usize, bands: usize) -> Vec<f32> {
    let scale = if k == 0 { 1.0 } else { std::f64::consts::SQRT_2 } / bands as f64;
    let angle = |b: usize| std::f64::consts::PI * k as f64 * (b as f64 + 0.5) / bands as f64;
    (0..bands).map(|b| (scale * angle(b).cos()) as f32).collect()
}
