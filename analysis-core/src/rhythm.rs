//! Where the rhythm rooms meet: audio and spectra in, beats, bars, tempo and onsets out.

use crate::activation::{Activation, ActivationFrame, ActivationModel};
use crate::attack::Attacks;
use crate::bars;
use crate::beat_net::BeatNet;
use crate::beats::{BeatDecoder, BeatModel, DecodedBeat, Evidence};
use crate::divisions;
use crate::ends;
use crate::evidence::{self, Beliefs, Upsampler};
use crate::harmony::HarmonicChange;
use crate::memory::Memory;
use crate::meter;
use crate::onset::{Onset, OnsetFrame, OnsetPicker, OnsetStrength};
use crate::phase;
use crate::sounding::Sounding;
use crate::stft;
use crate::summary::{MeterPoint, TempoCandidate, TempoPoint};
use crate::tempo::{self, Tempogram};
use crate::tracked::TrackedBeat;
use std::collections::VecDeque;

/// Normalised flux that is as good as none.
const QUIET_FLUX: f32 = 0.25;

/// Who says where beats are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BeatSource {
    /// The network ([`crate::beat_net`]), 24.5 s after the moment.
    #[default]
    Learned,
    /// Multi-band flux ([`crate::activation`]), 4 s after the moment: for those who cannot wait.
    Rules,
}

/// Constants of the rhythm rooms, for those who want to try others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RhythmModel {
    /// Who says where beats are.
    pub source: BeatSource,
    /// From onset strength to evidence of beats.
    pub activation: ActivationModel,
    /// From evidence to beats and bars.
    pub beats: BeatModel,
}

impl RhythmModel {
    /// Flux by rule instead of the network, with constants to suit.
    #[must_use]
    pub fn rules() -> Self {
        Self { source: BeatSource::Rules, activation: ActivationModel::default(), beats: BeatModel::rules() }
    }
}

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// Time, in seconds.
    pub time_s: f64,
    /// Number of its bar, from 1. An upbeat before the first downbeat is bar 1.
    pub bar: u32,
    /// Position in its bar, from 1 (the downbeat).
    pub position: u8,
    /// 0 to 1.
    pub confidence: f32,
}

/// What the rhythm of a track is. Every field is empty or `None` where there is no beat (onsets may remain).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rhythm {
    /// Beats, rising.
    pub beats: Vec<Beat>,
    /// Onsets of notes and hits, rising.
    pub onsets: Vec<Onset>,
    /// Times of the smallest regular pulse, in seconds, rising; the beats are among them.
    pub tatums_s: Vec<f64>,
    /// Main tempo, in BPM.
    pub tempo_bpm: Option<f32>,
    /// How sure the main tempo is, 0 to 1.
    pub tempo_confidence: Option<f32>,
    /// Tempi that fit, best first.
    pub candidates: Vec<TempoCandidate>,
    /// How periodic the onset strength is, 0 to 1, also where no beat was found (pulse clarity, Lartillot et
    /// al., ISMIR 2008).
    pub pulse_clarity: f32,
    /// Piecewise constant tempo.
    pub curve: Vec<TempoPoint>,
    /// Time signature of most bars, e.g. `4/4`; `None` without enough bars to tell.
    pub time_signature: Option<String>,
    /// Beats in most bars.
    pub beats_per_bar: Option<u8>,
    /// Time signatures in order, each from where it begins to hold.
    pub meters: Vec<MeterPoint>,
    /// How long the first half of a beat is against the second: 1 is straight, 2 swung like triplets. `None` where
    /// too few beats are divided.
    pub swing_ratio: Option<f32>,
}

/// Follows the rhythm of a track in one pass, in bounded memory.
///
/// Feed the same mono signal as samples ([`RhythmTracker::push_audio`]) and as the power spectra that
/// [`crate::stft::Stft`] makes of it with a hop of 10 ms ([`RhythmTracker::push_spectrum`]). A block of
/// samples goes in before the spectra made of it. The result does not depend on the size of the blocks.
///
/// Memory: about 13 MB; for each tracked beat some 20 bytes while it listens and some 120 while it ends.
pub struct RhythmTracker {
    onsets: OnsetStrength,
    harmony: HarmonicChange,
    waiting: VecDeque<OnsetFrame>,
    activation: Activation,
    attacks: Attacks,
    tempogram: Tempogram,
    picker: OnsetPicker,
    found: Vec<Onset>,
    sounding: Sounding,
    source: EvidenceSource,
    pulse: Pulse,
    model: BeatModel,
}

/// Where evidence of beats comes from.
enum EvidenceSource {
    Learned { net: Box<BeatNet>, upsampler: Upsampler },
    Rules,
}

/// From evidence to beats, beside what was heard of late.
struct Pulse {
    memory: Memory,
    decoder: BeatDecoder,
    beliefs: Beliefs,
    tracked: Vec<TrackedBeat>,
}

impl RhythmTracker {
    /// A tracker for audio at this rate, with the standard constants.
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        Self::with_model(sample_rate_hz, RhythmModel::default())
    }

    /// A tracker with other constants.
    #[must_use]
    pub fn with_model(sample_rate_hz: u32, model: RhythmModel) -> Self {
        let fft_len = stft::fft_len_for(stft::window_len(sample_rate_hz));
        let onsets = OnsetStrength::new(sample_rate_hz, fft_len);
        let source = match model.source {
            BeatSource::Learned => {
                EvidenceSource::Learned { net: Box::new(BeatNet::new()), upsampler: Upsampler::default() }
            }
            BeatSource::Rules => EvidenceSource::Rules,
        };
        Self {
            harmony: HarmonicChange::new(onsets.centers_hz()),
            onsets,
            waiting: VecDeque::with_capacity(HarmonicChange::delay() + 1),
            activation: Activation::new(model.activation),
            attacks: Attacks::new(sample_rate_hz),
            tempogram: Tempogram::default(),
            picker: OnsetPicker::default(),
            found: Vec::new(),
            sounding: Sounding::new(),
            source,
            pulse: Pulse {
                memory: Memory::new(),
                decoder: BeatDecoder::new(model.beats.clone()),
                beliefs: Beliefs::new(),
                tracked: Vec::new(),
            },
            model: model.beats,
        }
    }

    /// Takes the next mono samples, any number up to a minute of them.
    pub fn push_audio(&mut self, mono: &[f32]) {
        let memory = &mut self.pulse.memory;
        self.attacks.push(mono, &mut |attack| memory.push_attack(attack));
    }

    /// Takes the next power spectrum; gives its onset strength, for those who store frames.
    pub fn push_spectrum(&mut self, power: &[f32]) -> OnsetFrame {
        let onset = self.onsets.process(power);
        self.sounding.push(self.onsets.amplitudes());
        self.waiting.push_back(onset);
        let change = self.harmony.process(self.onsets.whitened());
        if self.waiting.len() > HarmonicChange::delay() {
            self.activate(change);
        }
        if let EvidenceSource::Learned { net, upsampler } = &mut self.source {
            let pulse = &mut self.pulse;
            net.push(self.onsets.amplitudes(), &mut |belief| upsampler.push(belief, &mut |e| pulse.push(e)));
        }
        onset
    }

    fn activate(&mut self, change: f32) {
        let Some(onset) = self.waiting.pop_front() else { return };
        if let Some(frame) = self.activation.push(&onset, change) {
            self.follow(frame);
        }
    }

    fn follow(&mut self, frame: ActivationFrame) {
        self.pulse.memory.push_activation(frame);
        let flux = frame.flux();
        // What stays this far below the RMS is rounding and breath, and has no period worth finding.
        self.tempogram.push((flux + 0.5 * frame.cues[3] - QUIET_FLUX).max(0.0));
        if let Some((at, strength)) = self.picker.push(flux) {
            self.found.push(self.pulse.memory.onset(at, strength));
        }
        if let EvidenceSource::Rules = self.source {
            self.pulse.push(evidence::by_rule(&frame));
        }
    }

    /// Ends the track.
    #[must_use]
    pub fn finish(mut self) -> Rhythm {
        self.drain();
        let clarity = self.tempogram.clarity();
        let mut rhythm = Rhythm { onsets: self.found, pulse_clarity: clarity, ..Rhythm::default() };
        let heard = self.sounding.span().map_or(&[][..], |span| ends::trim(&self.pulse.tracked, span));
        let mut tracked = phase::keep(heard);
        ends::lead_on(&mut tracked, &rhythm.onsets);
        let places = bars::places(&tracked, &self.model);
        tracked.iter_mut().zip(places).for_each(|(beat, place)| beat.place = place);
        if tracked.len() >= 2 {
            describe(&mut rhythm, &mut self.tempogram, &tracked);
        }
        rhythm
    }

    /// Lets silence follow until every delayed frame has been decoded.
    fn drain(&mut self) {
        let memory = &mut self.pulse.memory;
        self.attacks.finish(&mut |attack| memory.push_attack(attack));
        let silence = vec![0.0; self.onsets.whitened().len()];
        while !self.waiting.is_empty() {
            let change = self.harmony.process(&silence);
            self.activate(change);
        }
        let fresh = Activation::new(ActivationModel::default());
        std::mem::replace(&mut self.activation, fresh).finish(&mut |frame| self.follow(frame));
        for _ in 0..OnsetPicker::DELAY {
            if let Some((at, strength)) = self.picker.push(0.0) {
                self.found.push(self.pulse.memory.onset(at, strength));
            }
        }
        let pulse = &mut self.pulse;
        let source = std::mem::replace(&mut self.source, EvidenceSource::Rules);
        if let EvidenceSource::Learned { net, mut upsampler } = source {
            net.finish(&mut |belief| upsampler.push(belief, &mut |e| pulse.push(e)));
            upsampler.finish(&mut |e| pulse.push(e));
        }
        pulse.finish();
    }
}

impl Pulse {
    fn push(&mut self, evidence: Evidence) {
        self.beliefs.push(evidence);
        let Self { memory, decoder, beliefs, tracked } = self;
        decoder.push(evidence, &mut |beat| settle(beat, memory, beliefs, tracked));
    }

    fn finish(&mut self) {
        let Self { memory, decoder, beliefs, tracked } = self;
        decoder.finish(&mut |beat| settle(beat, memory, beliefs, tracked));
    }
}

/// Notes a beat that can no longer change.
fn settle(beat: DecodedBeat, memory: &Memory, beliefs: &Beliefs, tracked: &mut Vec<TrackedBeat>) {
    if let Some(last) = tracked.last_mut() {
        last.look_between(beat.frame, beliefs, memory);
    }
    tracked.push(TrackedBeat::new(beat, beliefs, memory));
}

/// Fills in what follows from the beats.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tempi and means need no more than f32"
)]
fn describe(rhythm: &mut Rhythm, tempogram: &mut Tempogram, tracked: &[TrackedBeat]) {
    rhythm.beats = meter::beats(tracked);
    let times: Vec<f64> = rhythm.beats.iter().map(|beat| beat.time_s).collect();
    rhythm.tempo_bpm = tempo::main_bpm(&times).map(|bpm| bpm as f32);
    rhythm.candidates = tempogram.candidates(rhythm.tempo_bpm);
    let mean = rhythm.beats.iter().map(|beat| beat.confidence).sum::<f32>() / times.len() as f32;
    rhythm.tempo_confidence = rhythm.tempo_bpm.map(|_| mean);
    rhythm.curve = tempo::curve(&times);
    rhythm.beats_per_bar = meter::beats_per_bar(tracked);
    rhythm.meters = meter::curve(tracked, &times);
    rhythm.swing_ratio = divisions::swing_ratio(tracked);
    rhythm.time_signature = rhythm.beats_per_bar.and_then(|n| meter::time_signature(tracked, n));
    rhythm.tatums_s = divisions::tatums(tracked, &times);
}
