//! Brings the values of a frame together: each stage delivers its own in order, but at its own delay.

use crate::chroma::{ChromaAnchor, ChromaTrack, PitchClasses};
use crate::config::Config;
use crate::features::{self, SpectralValues};
use crate::frame::{self, FrameLayout, FrameValues};
use std::collections::VecDeque;

/// Onset strengths come every 10 ms, whatever the hop of the frames.
pub(crate) const ONSET_HOP_MS: u32 = 10;

/// Queues of what is not yet a whole frame. Bounded by the delay between the stages, if the frames are taken
/// after every block.
pub(crate) struct Assembler {
    hop_ms: u32,
    bands: usize,
    next_frame: u64,
    /// Rows of `bands` levels in dB.
    levels: VecDeque<f32>,
    scalars: VecDeque<SpectralValues>,
    peaks: Option<VecDeque<f32>>,
    onsets: Option<OnsetLane>,
    chroma: Option<ChromaLane>,
    row: Vec<f32>,
}

/// A whole frame on its way out.
pub(crate) struct Assembled<'a> {
    pub(crate) index: u64,
    pub(crate) time_ms: u64,
    pub(crate) values: FrameValues<'a>,
}

impl Assembler {
    /// For frames of this layout.
    pub(crate) fn new(config: &Config, layout: &FrameLayout) -> Self {
        let has = |name| layout.field(name).is_ok();
        Self {
            hop_ms: config.hop_ms,
            bands: config.bands,
            next_frame: 0,
            levels: VecDeque::new(),
            scalars: VecDeque::new(),
            peaks: has(frame::PEAK).then(VecDeque::new),
            onsets: has(frame::ONSET).then(OnsetLane::default),
            chroma: has(frame::CHROMA).then(ChromaLane::default),
            row: vec![0.0; config.bands],
        }
    }

    pub(crate) fn push_spectral(&mut self, levels_db: &[f32], scalars: SpectralValues) {
        self.levels.extend(levels_db);
        self.scalars.push_back(scalars);
    }

    /// Whether frames hold peaks.
    pub(crate) fn takes_peaks(&self) -> bool {
        self.peaks.is_some()
    }

    pub(crate) fn push_peak(&mut self, amplitude: f32) {
        if let Some(peaks) = &mut self.peaks {
            peaks.push_back(amplitude);
        }
    }

    pub(crate) fn push_onset(&mut self, strength: f32) {
        if let Some(lane) = &mut self.onsets {
            lane.strengths.push_back(strength);
        }
    }

    pub(crate) fn push_anchor(&mut self, anchor: ChromaAnchor) {
        if let Some(lane) = &mut self.chroma {
            lane.waiting.push_back(anchor);
        }
    }

    /// No stage has more to give: the last onset and chroma hold for the frames that wait for them.
    pub(crate) fn finish(&mut self) {
        if let Some(lane) = &mut self.onsets {
            lane.finished = true;
        }
        if let Some(lane) = &mut self.chroma {
            lane.finished = true;
        }
    }

    /// Hands out the next frame if all of it is there.
    pub(crate) fn take<T>(&mut self, use_frame: impl FnOnce(Assembled<'_>) -> T) -> Option<T> {
        if self.scalars.is_empty() || self.peaks.as_ref().is_some_and(VecDeque::is_empty) {
            return None;
        }
        let time_ms = self.next_frame * u64::from(self.hop_ms);
        let onset = self.onsets.as_mut().map(|lane| lane.at(time_ms, self.hop_ms));
        let chroma = self.chroma.as_mut().map(|lane| lane.at(time_ms));
        if matches!(onset, Some(None)) || matches!(chroma, Some(None)) {
            return None;
        }
        let scalars = self.scalars.pop_front()?;
        let peak = self.peaks.as_mut().and_then(VecDeque::pop_front);
        self.take_row();
        let chroma = chroma.flatten();
        let values = FrameValues {
            bands_db: &self.row,
            loudness_lufs: scalars.loudness_lufs,
            peak_dbfs: peak.map_or(f32::NAN, features::amplitude_to_db),
            onset: onset.flatten().unwrap_or(0.0),
            centroid_hz: scalars.centroid_hz,
            chroma: chroma.as_ref(),
        };
        let index = self.next_frame;
        self.next_frame += 1;
        Some(use_frame(Assembled { index, time_ms, values }))
    }

    /// Moves the oldest levels to `row`; they may wrap around the end of the queue.
    fn take_row(&mut self) {
        let (first, wrapped) = self.levels.as_slices();
        let (head, rest) = self.row.split_at_mut(first.len().min(self.bands));
        head.copy_from_slice(&first[..head.len()]);
        rest.copy_from_slice(&wrapped[..rest.len()]);
        self.levels.drain(..self.bands);
    }
}

/// Onset strengths at the times of frames: the largest of those centred nearer to the frame than half a hop,
/// or the one a finer frame lies in.
#[derive(Default)]
struct OnsetLane {
    strengths: VecDeque<f32>,
    /// Number of the strength at the front.
    first: u64,
    finished: bool,
}

impl OnsetLane {
    fn at(&mut self, time_ms: u64, hop_ms: u32) -> Option<f32> {
        let step = u64::from(ONSET_HOP_MS);
        let span = u64::from(hop_ms).max(step);
        // Strength j belongs here if 10·j lies in [time - span/2, time + span/2); doubled to stay whole.
        let from = (2 * time_ms).saturating_sub(span).div_ceil(2 * step);
        let to = (2 * time_ms + span).div_ceil(2 * step);
        let known = self.first + self.strengths.len() as u64;
        if known < to && !self.finished {
            return None;
        }
        let unused = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        // The last one stays, for a final frame that begins past it.
        let unused = unused.min(self.strengths.len().saturating_sub(1));
        self.strengths.drain(..unused);
        self.first += unused as u64;
        let wanted = usize::try_from(to.saturating_sub(self.first)).unwrap_or(usize::MAX);
        Some(self.strengths.iter().take(wanted.max(1)).copied().fold(0.0, f32::max))
    }
}

/// Chroma between anchors.
#[derive(Default)]
struct ChromaLane {
    waiting: VecDeque<ChromaAnchor>,
    track: ChromaTrack,
    finished: bool,
}

impl ChromaLane {
    fn at(&mut self, time_ms: u64) -> Option<PitchClasses> {
        loop {
            if let Some(chroma) = self.track.at_ms(time_ms) {
                return Some(chroma);
            }
            match self.waiting.pop_front() {
                Some(anchor) => self.track.push(&anchor),
                None if self.finished => self.track.finish(),
                None => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onsets_at(hop_ms: u32, strengths: &[f32], frames: u64) -> Vec<f32> {
        let mut lane = OnsetLane { strengths: strengths.iter().copied().collect(), first: 0, finished: true };
        (0..frames).map(|i| lane.at(i * u64::from(hop_ms), hop_ms).unwrap()).collect()
    }

    #[test]
    fn onsets_meet_frames_of_any_hop() {
        let strengths = [0.1, 0.9, 0.2, 0.3, 0.8, 0.4];
        assert_eq!(onsets_at(10, &strengths, 6), strengths);
        assert_eq!(onsets_at(5, &strengths, 6), [0.1, 0.1, 0.9, 0.9, 0.2, 0.2]);
        assert_eq!(onsets_at(20, &strengths, 3), [0.1, 0.9, 0.8]);
    }

    #[test]
    fn a_frame_waits_for_its_last_onset() {
        let mut lane = OnsetLane { strengths: [0.5].into(), first: 0, finished: false };
        assert_eq!(lane.at(0, 20), Some(0.5));
        assert_eq!(lane.at(20, 20), None);
    }
}
