//! The part of an analysis that follows the track every 10 ms and decides at its end.

use crate::chroma::ChromaAnchor;
use crate::config::AnalysisType;
use crate::events::Events;
use crate::onset::OnsetStrength;
use crate::rhythm::{self, RhythmTracker};
use crate::stft::Stft;
use crate::structure::{Section, StructureTracker};
use crate::summary::{LoudnessSummary, Summary};
use crate::tonal::Tonal;
use crate::units;

/// The stages that take a spectrum every 10 ms and decide at the end of the track.
pub(super) struct Pulse {
    pub(super) rhythm: Rhythm,
    structure: Option<StructureTracker>,
}

/// What listens to onsets.
pub(super) enum Rhythm {
    Beats(Box<RhythmTracker>),
    OnsetsAlone(Box<OnsetStrength>),
    Off,
}

impl Pulse {
    /// What an analysis of this kind follows, for spectra as `stft` makes them.
    pub(super) fn new(kind: AnalysisType, sample_rate_hz: u32, stft: &Stft) -> Self {
        use AnalysisType::{Full, Rhythm as RhythmOnly, Spectral, Structure, Tonal};
        let rhythm = match kind {
            Full | RhythmOnly | Structure => Rhythm::Beats(Box::new(RhythmTracker::new(sample_rate_hz))),
            Spectral => Rhythm::OnsetsAlone(Box::new(OnsetStrength::new(sample_rate_hz, stft.fft_len()))),
            Tonal => Rhythm::Off,
        };
        let structure =
            matches!(kind, Full | Structure).then(|| StructureTracker::new(stft.bins(), stft.bin_hz()));
        Self { rhythm, structure }
    }

    pub(super) fn push_anchor(&mut self, anchor: &ChromaAnchor) {
        if let Some(structure) = &mut self.structure {
            structure.push_anchor(anchor);
        }
    }

    /// Strength of an onset at the next 10 ms.
    pub(super) fn push_spectrum(&mut self, power: &[f32]) -> f32 {
        if let Some(structure) = &mut self.structure {
            structure.push_spectrum(power);
        }
        match &mut self.rhythm {
            Rhythm::Beats(tracker) => tracker.push_spectrum(power).strength,
            Rhythm::OnsetsAlone(onsets) => onsets.process(power).strength,
            Rhythm::Off => 0.0,
        }
    }

    pub(super) fn finish(self, duration_s: f64) -> (Option<rhythm::Rhythm>, Option<Vec<Section>>) {
        let rhythm = self.rhythm.finish();
        let beats = rhythm.iter().flat_map(|rhythm| &rhythm.beats);
        let downbeats: Vec<f64> = beats.filter(|beat| beat.position == 1).map(|beat| beat.time_s).collect();
        let sections = self.structure.map(|structure| structure.finish(&downbeats, duration_s));
        (rhythm, sections)
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

/// What the stages that listen to the whole track found.
pub(super) struct Heard {
    pub(super) rhythm: Option<rhythm::Rhythm>,
    pub(super) sections: Option<Vec<Section>>,
    pub(super) tonal: Option<Tonal>,
    pub(super) loudness: Option<LoudnessSummary>,
}

impl Heard {
    /// Drops what the stages heard in the silence that they let follow the end.
    fn end_at(&mut self, duration_ms: u64) {
        let inside = |time_s: f64| units::seconds_to_ms(time_s) < duration_ms;
        if let Some(tonal) = &mut self.tonal {
            tonal.keys.spans.retain(|span| span.start_ms < duration_ms);
            tonal.keys.spans.iter_mut().for_each(|span| span.end_ms = span.end_ms.min(duration_ms));
        }
        if let Some(rhythm) = &mut self.rhythm {
            rhythm.beats.retain(|beat| inside(beat.time_s));
            rhythm.tatums_s.retain(|time_s| inside(*time_s));
            rhythm.onsets.retain(|onset| inside(onset.time_s));
        }
    }

    pub(super) fn conclude(mut self, duration_ms: u64) -> (Summary, Events) {
        self.end_at(duration_ms);
        let mut summary = Summary { loudness: self.loudness, ..Summary::default() };
        let mut marks = Vec::new();
        let count = |len: usize| Some(u32::try_from(len).unwrap_or(u32::MAX));
        let mut chords = Vec::new();
        if let Some(tonal) = self.tonal {
            marks.extend(tonal.keys.events());
            (summary.key, summary.tuning_hz) = (tonal.keys.key, tonal.tuning_hz);
            let beats: Vec<f64> =
                self.rhythm.iter().flat_map(|rhythm| &rhythm.beats).map(|beat| beat.time_s).collect();
            chords = tonal.chords.spans(&beats, duration_ms);
            summary.chord_count = count(chords.len());
        }
        if let Some(sections) = self.sections {
            marks.extend(sections.iter().map(Section::event));
            summary.section_count = count(sections.len());
        }
        let Some(rhythm) = self.rhythm else {
            return (summary, Events::new(Vec::new(), Vec::new(), Vec::new(), marks).with_chords(chords));
        };
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
        (summary, Events::new(rhythm.beats, rhythm.tatums_s, rhythm.onsets, marks).with_chords(chords))
    }
}
