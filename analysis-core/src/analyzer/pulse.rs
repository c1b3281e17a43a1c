//! The part of an analysis that follows the track every 10 ms and decides at its end.

use crate::chroma::ChromaAnchor;
use crate::config::{AnalysisType, Config};
use crate::events::Events;
use crate::fades::Fades;
use crate::frame::FrameValues;
use crate::onset::{Onset, OnsetStrength};
use crate::rhythm::{self, Beat, RhythmTracker};
use crate::segments::{SegmentTracker, Segments};
use crate::stages::{Stage, Stages};
use crate::stft::Stft;
use crate::structure::{Section, StructureTracker};
use crate::summary::{LoudnessSummary, Summary};
use crate::tonal::Tonal;
use crate::units;

/// The stages that take a spectrum every 10 ms and decide at the end of the track.
pub(super) struct Pulse {
    pub(super) rhythm: Rhythm,
    structure: Option<StructureTracker>,
    segments: Option<SegmentTracker>,
    stages: Stages,
}

/// What listens to onsets.
pub(super) enum Rhythm {
    Beats(Box<RhythmTracker>),
    OnsetsAlone(Box<OnsetStrength>),
    Off,
}

impl Pulse {
    /// What an analysis of this kind follows, for spectra as `stft` makes them.
    pub(super) fn new(config: &Config, sample_rate_hz: u32, stft: &Stft) -> Self {
        use AnalysisType::{Full, Rhythm as RhythmOnly, Spectral, Structure, Tonal};
        let kind = config.analysis_type;
        let rhythm = match kind {
            Full | RhythmOnly | Structure => Rhythm::Beats(Box::new(RhythmTracker::new(sample_rate_hz))),
            Spectral => Rhythm::OnsetsAlone(Box::new(OnsetStrength::new(sample_rate_hz, stft.fft_len()))),
            Tonal => Rhythm::Off,
        };
        let parts = matches!(kind, Full | Structure);
        let structure = parts.then(|| StructureTracker::new(stft.bins(), stft.bin_hz()));
        let segments = parts.then(|| SegmentTracker::new(config.bands));
        Self { rhythm, structure, segments, stages: Stages::default() }
    }

    /// Tells `stages` whose turn it is.
    #[cfg(feature = "decode")]
    pub(super) fn tell(&mut self, stages: &Stages) {
        self.stages = stages.clone();
        if let Rhythm::Beats(tracker) = &mut self.rhythm {
            tracker.tell(stages);
        }
    }

    pub(super) fn push_anchor(&mut self, anchor: &ChromaAnchor) {
        if let Some(structure) = &mut self.structure {
            structure.push_anchor(anchor);
        }
    }

    /// Strength of an onset at the next 10 ms.
    pub(super) fn push_spectrum(&mut self, power: &[f32]) -> f32 {
        if let Some(structure) = &mut self.structure {
            self.stages.enter(Stage::Structure);
            structure.push_spectrum(power);
        }
        self.stages.enter(Stage::Onsets);
        match &mut self.rhythm {
            Rhythm::Beats(tracker) => tracker.push_spectrum(power).strength,
            Rhythm::OnsetsAlone(onsets) => onsets.process(power).strength,
            Rhythm::Off => 0.0,
        }
    }

    /// Takes a frame whose values are all there.
    pub(super) fn push_frame(&mut self, time_ms: u64, values: &FrameValues<'_>) {
        if let (Some(segments), Rhythm::Beats(tracker)) = (&mut self.segments, &self.rhythm) {
            segments.push_frame(time_ms, values);
            segments.settle(tracker.onsets(), tracker.settled_ms());
        }
    }

    pub(super) fn finish(self, duration_ms: u64) -> Followed {
        self.stages.enter(Stage::Beats);
        let rhythm = self.rhythm.finish();
        self.stages.enter(Stage::Structure);
        let beats = rhythm.iter().flat_map(|rhythm| &rhythm.beats);
        let downbeats: Vec<f64> = beats.filter(|beat| beat.position == 1).map(|beat| beat.time_s).collect();
        let duration_s = duration_ms as f64 / 1000.0;
        let sections = self.structure.map(|structure| structure.finish(&downbeats, duration_s));
        let onsets = rhythm.as_ref().map_or(&[][..], |rhythm| &rhythm.onsets);
        let segments = self.segments.map(|segments| segments.finish(onsets, duration_ms));
        Followed { rhythm, sections, segments }
    }
}

impl Rhythm {
    pub(super) fn push_audio(&mut self, mono: &[f32]) {
        if let Self::Beats(tracker) = self {
            tracker.push_audio(mono);
        }
    }

    pub(super) fn finish(self) -> Option<rhythm::Rhythm> {
        match self {
            Self::Beats(tracker) => Some(tracker.finish()),
            Self::OnsetsAlone(_) | Self::Off => None,
        }
    }
}

/// What the stages that follow the track every 10 ms found.
#[derive(Default)]
pub(super) struct Followed {
    rhythm: Option<rhythm::Rhythm>,
    sections: Option<Vec<Section>>,
    segments: Option<Segments>,
}

/// What the stages that listen to the whole track found.
pub(super) struct Heard {
    pub(super) followed: Followed,
    pub(super) tonal: Option<Tonal>,
    pub(super) loudness: Option<LoudnessSummary>,
    pub(super) fades: Option<Fades>,
    pub(super) danceability: Option<f32>,
}

impl Heard {
    /// Drops what the stages heard in the silence that they let follow the end.
    fn end_at(&mut self, duration_ms: u64) {
        let inside = |time_s: f64| units::seconds_to_ms(time_s) < duration_ms;
        if let Some(tonal) = &mut self.tonal {
            tonal.keys.spans.retain(|span| span.start_ms < duration_ms);
            tonal.keys.spans.iter_mut().for_each(|span| span.end_ms = span.end_ms.min(duration_ms));
        }
        if let Some(rhythm) = &mut self.followed.rhythm {
            rhythm.beats.retain(|beat| inside(beat.time_s));
            rhythm.tatums_s.retain(|time_s| inside(*time_s));
            rhythm.onsets.retain(|onset| inside(onset.time_s));
        }
    }

    pub(super) fn conclude(mut self, duration_ms: u64) -> (Summary, Events) {
        self.end_at(duration_ms);
        let mut summary = Summary {
            loudness: self.loudness,
            fade_in_end_ms: self.fades.map(|fades| fades.in_end_ms),
            fade_out_start_ms: self.fades.map(|fades| fades.out_start_ms),
            danceability: self.danceability,
            ..Summary::default()
        };
        let Followed { rhythm, sections, segments } = self.followed;
        let (mut marks, mut chords) = (Vec::new(), Vec::new());
        if let Some(tonal) = self.tonal {
            marks.extend(tonal.keys.events());
            (summary.key, summary.tuning_hz) = (tonal.keys.key, tonal.tuning_hz);
            let beats: Vec<f64> =
                rhythm.iter().flat_map(|rhythm| &rhythm.beats).map(|beat| beat.time_s).collect();
            chords = tonal.chords.spans(&beats, duration_ms);
            summary.chord_count = count(chords.len());
        }
        if let Some(sections) = sections {
            marks.extend(sections.iter().map(Section::event));
            summary.section_count = count(sections.len());
        }
        summary.segment_count = segments.as_ref().and_then(|segments| count(segments.len()));
        let (beats, tatums_s, onsets) =
            rhythm.map(|rhythm| describe(&mut summary, rhythm)).unwrap_or_default();
        let events = Events::new(beats, tatums_s, onsets, marks);
        (summary, events.with_chords(chords).with_segments(segments.unwrap_or_default()))
    }
}

/// Writes down what the rhythm is on the whole, and hands on its beats, tatums and onsets.
fn describe(summary: &mut Summary, rhythm: rhythm::Rhythm) -> (Vec<Beat>, Vec<f64>, Vec<Onset>) {
    summary.tempo_bpm = rhythm.tempo_bpm;
    summary.tempo_confidence = rhythm.tempo_confidence;
    summary.tempo_candidates = rhythm.candidates;
    summary.tempo_curve = rhythm.curve;
    summary.time_signature = rhythm.time_signature;
    summary.time_signatures = rhythm.meters;
    summary.swing_ratio = rhythm.swing_ratio;
    summary.beat_count = count(rhythm.beats.len());
    summary.bar_count = count(rhythm.beats.iter().filter(|beat| beat.position == 1).count());
    summary.onset_count = count(rhythm.onsets.len());
    (rhythm.beats, rhythm.tatums_s, rhythm.onsets)
}

fn count(len: usize) -> Option<u32> {
    Some(u32::try_from(len).unwrap_or(u32::MAX))
}
