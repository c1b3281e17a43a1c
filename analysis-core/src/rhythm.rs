//! Where the rhythm rooms meet: audio and spectra in, beats, bars, tempo and onsets out.

mod pulse;

use crate::activation::{Activation, ActivationFrame, ActivationModel};
use crate::attack::Attacks;
use crate::bars;
use crate::beat_net::BeatNet;
use crate::beats::{BarPlace, BeatModel};
use crate::divisions;
use crate::ends;
use crate::evidence::{self, Upsampler};
use crate::harmony::HarmonicChange;
use crate::memory::Memory;
use crate::meter;
use crate::onset::{Onset, OnsetFrame, OnsetPicker, OnsetStrength};
use crate::opaque::opaque;
use crate::phase;
use crate::sounding::Sounding;
use crate::stages::{Stage, Stages};
use crate::stft;
use crate::summary::{MeterPoint, TempoCandidate, TempoPoint};
use crate::tempo::{self, Tempogram};
use crate::tracked::TrackedBeat;
use pulse::{Pulse, Rules};
use std::collections::VecDeque;

/// Normalised flux that is as good as none.
const QUIET_FLUX: f32 = 0.25;

/// Who says where beats are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BeatSource {
    /// The network ([`crate::beat_net`]); where it hears none, but something repeats as only a machine does, the rules.
    #[default]
    Learned,
    /// Multi-band flux ([`crate::activation`]) alone.
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
    /// Probability that the beat is right, 0 to 1: of the beats said with 0.9, nine in ten are within 70 ms of a true
    /// one on the music that this was fitted on.
    pub confidence: f32,
}

/// What the rhythm of a track is. Every field is empty or `None` where there is no beat (onsets may remain).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
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
/// Memory: about 12 MB, half as much again where there is no beat; for each tracked beat some 40
/// bytes while it listens and some 200 while it ends.
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
    memory: Memory,
    learned: Option<Learned>,
    /// Beats by rule, for as long as the network has not shown that it hears some.
    rules: Option<Rules>,
    stages: Stages,
}

opaque!(RhythmTracker {});

/// The network and the beats that follow from it.
struct Learned {
    net: Box<BeatNet>,
    upsampler: Upsampler,
    pulse: Pulse,
}

/// Beats from which on the network is taken to hear some.
const ENOUGH: usize = 8;
/// Pulse clarity from which on a beat by rule is believed where the network hears none, as with some metronomes.
const CLEAR: f32 = 0.4;

impl RhythmTracker {
    /// A tracker for audio at this rate (8,000 to 192,000 Hz in this engine), with the standard constants.
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        Self::with_model(sample_rate_hz, RhythmModel::default())
    }

    /// A tracker with other constants.
    #[must_use]
    pub fn with_model(sample_rate_hz: u32, model: RhythmModel) -> Self {
        let fft_len = stft::fft_len_for(stft::window_len(sample_rate_hz));
        let onsets = OnsetStrength::new(sample_rate_hz, fft_len);
        let (learned, rules) = match model.source {
            BeatSource::Learned => (Some(Learned::new(model.beats)), Rules::in_reserve()),
            BeatSource::Rules => (None, Rules::new(model.beats)),
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
            memory: Memory::new(),
            learned,
            rules: Some(rules),
            stages: Stages::default(),
        }
    }

    /// Tells `stages` whose turn it is.
    #[cfg(feature = "decode")]
    pub(crate) fn tell(&mut self, stages: &Stages) {
        self.stages = stages.clone();
    }

    /// Takes the next mono samples, any number up to a minute of them.
    pub fn push_audio(&mut self, mono: &[f32]) {
        self.stages.enter(Stage::Onsets);
        let memory = &mut self.memory;
        self.attacks.push(mono, &mut |attack| memory.push_attack(attack));
    }

    /// Takes the next power spectrum, of [`Stft::new`](crate::stft::Stft::new) at the same rate with a hop of 10 ms; gives
    /// its onset strength, for those who store frames.
    ///
    /// # Panics
    /// If `power` holds too few bins for the highest filter.
    pub fn push_spectrum(&mut self, power: &[f32]) -> OnsetFrame {
        let onset = self.onsets.process(power);
        self.sounding.push(self.onsets.amplitudes());
        self.waiting.push_back(onset);
        self.stages.enter(Stage::Beats);
        let change = self.harmony.process(self.onsets.whitened());
        if self.waiting.len() > HarmonicChange::delay() {
            self.activate(change);
        }
        if let Some(Learned { net, upsampler, pulse }) = &mut self.learned {
            let memory = &self.memory;
            let amplitudes = self.onsets.amplitudes();
            net.push(amplitudes, &mut |belief| upsampler.push(belief, &mut |e| pulse.push(e, memory)));
            if pulse.tracked.len() >= ENOUGH {
                self.rules = None;
            }
        }
        onset
    }

    /// The onsets found so far, in the order found. None of them changes any more.
    #[must_use]
    pub fn onsets(&self) -> &[Onset] {
        &self.found
    }

    /// Time before which no more onsets will be found, in ms: some 4.3 s behind the last spectrum, as flux is judged
    /// by what lies to either side of it.
    #[must_use]
    pub fn settled_ms(&self) -> u64 {
        10 * self.memory.frames().saturating_sub(OnsetPicker::DELAY + Memory::ONSET_LEAD) as u64
    }

    fn activate(&mut self, change: f32) {
        let Some(onset) = self.waiting.pop_front() else { return };
        if let Some(frame) = self.activation.push(&onset, change) {
            self.follow(frame);
        }
    }

    fn follow(&mut self, frame: ActivationFrame) {
        self.memory.push_activation(frame);
        let flux = frame.flux();
        // What stays this far below the RMS is rounding and breath, and has no period worth finding.
        self.tempogram.push((flux + 0.5 * frame.cues[3] - QUIET_FLUX).max(0.0));
        if let Some((at, strength)) = self.picker.push(flux) {
            self.found.push(self.memory.onset(at, strength));
        }
        if let Some(rules) = &mut self.rules {
            rules.push(evidence::by_rule(&frame), &self.memory);
        }
    }

    /// Ends the track.
    #[must_use]
    pub fn finish(mut self) -> Rhythm {
        self.drain();
        let clarity = self.tempogram.clarity();
        let Some(Pulse { model, tracked, .. }) = self.believed(clarity) else {
            return Rhythm { onsets: self.found, pulse_clarity: clarity, ..Rhythm::default() };
        };
        let span = self.sounding.span().unwrap_or_default();
        let mut tracked = phase::keep(ends::trim(&tracked, span).to_vec());
        ends::lead_on(&mut tracked, &self.found, span.0);
        let mut rhythm = Rhythm { onsets: self.found, pulse_clarity: clarity, ..Rhythm::default() };
        if tracked.len() >= 2 {
            let places = bars::places(&tracked, &model);
            describe(&mut rhythm, &mut self.tempogram, &tracked, &places);
        }
        rhythm
    }

    /// The network's beats; those by rule where it hears none and they are beyond doubt, or where there is no network.
    fn believed(&mut self, clarity: f32) -> Option<Pulse> {
        let periodic = self.tempogram.keeps_a_beat();
        match (self.learned.take(), self.rules.take()) {
            (None, rules) => rules.filter(|_| periodic).map(|rules| rules.finish(&self.memory)),
            (Some(Learned { pulse, .. }), Some(rules))
                if pulse.tracked.len() < ENOUGH && periodic && clarity > CLEAR =>
            {
                let rules = rules.finish(&self.memory);
                Some(if pulse.tracked.len() < rules.tracked.len() { rules } else { pulse })
            }
            (Some(Learned { pulse, .. }), _) => Some(pulse),
        }
    }

    /// Lets silence follow until every delayed frame has been decoded.
    fn drain(&mut self) {
        let memory = &mut self.memory;
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
                self.found.push(self.memory.onset(at, strength));
            }
        }
        let memory = &self.memory;
        if let Some(Learned { net, upsampler, pulse }) = &mut self.learned {
            net.finish(&mut |belief| upsampler.push(belief, &mut |e| pulse.push(e, memory)));
            upsampler.finish(&mut |e| pulse.push(e, memory));
            pulse.finish(memory);
        }
    }
}

impl Learned {
    fn new(model: BeatModel) -> Self {
        Self { net: Box::new(BeatNet::new()), upsampler: Upsampler::default(), pulse: Pulse::new(model) }
    }
}

/// Fills in what follows from the beats.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tempi and means need no more than f32"
)]
fn describe(rhythm: &mut Rhythm, tempogram: &mut Tempogram, tracked: &[TrackedBeat], places: &[BarPlace]) {
    rhythm.beats = meter::beats(tracked, places);
    let times: Vec<f64> = rhythm.beats.iter().map(|beat| beat.time_s).collect();
    rhythm.tempo_bpm = tempo::main_bpm(&times).map(|bpm| bpm as f32);
    rhythm.candidates = tempogram.candidates(rhythm.tempo_bpm);
    let mean = rhythm.beats.iter().map(|beat| beat.confidence).sum::<f32>() / times.len() as f32;
    rhythm.tempo_confidence = rhythm.tempo_bpm.map(|_| mean);
    rhythm.curve = tempo::curve(&times);
    rhythm.beats_per_bar = meter::beats_per_bar(places);
    rhythm.meters = meter::curve(tracked, places, &times);
    rhythm.swing_ratio = divisions::swing_ratio(tracked);
    rhythm.time_signature = rhythm.beats_per_bar.and_then(|n| meter::time_signature(tracked, n));
    rhythm.tatums_s = divisions::tatums(tracked, &times);
}
