//! Where the rhythm rooms meet.

use crate::activation::{Activation, ActivationFrame, ActivationModel};
use crate::attack::Attacks;
use crate::beats::{BeatDecoder, BeatModel};
use crate::harmony::HarmonicChange;
use crate::lattice::{Memory, Slot};
use crate::meter::{self, MeterModel};
use crate::onset::{OnsetFrame, OnsetStrength};
use std::collections::VecDeque;

/// Everything
#[derive(Debug, Clone, Default)]
pub struct RhythmModel {
    /// a
    pub activation: ActivationModel,
    /// b
    pub beats: BeatModel,
    /// c
    pub meter: MeterModel,
}

/// x
pub struct RhythmTracker {
    onsets: OnsetStrength,
    harmony: HarmonicChange,
    waiting: VecDeque<OnsetFrame>,
    activation: Activation,
    attacks: Attacks,
    decoder: BeatDecoder,
    memory: Memory,
    slots: Vec<Slot>,
    last: Option<usize>,
    model: RhythmModel,
}

/// x
pub struct Rhythm {
    /// x
    pub beats: Vec<f64>,
    /// x
    pub downbeats: Vec<f64>,
    /// x
    pub slots: Vec<Slot>,
}

impl RhythmTracker {
    /// x
    pub fn new(rate: u32, fft_len: usize, model: RhythmModel) -> Self {
        let onsets = OnsetStrength::new(rate, fft_len);
        Self {
            harmony: HarmonicChange::new(onsets.centers_hz()),
            onsets,
            waiting: VecDeque::new(),
            activation: Activation::new(model.activation.clone()),
            attacks: Attacks::new(rate),
            decoder: BeatDecoder::new(model.beats.clone()),
            memory: Memory::new(),
            slots: vec![],
            last: None,
            model,
        }
    }
    /// x
    pub fn push_audio(&mut self, mono: &[f32]) {
        let memory = &mut self.memory;
        self.attacks.push(mono, &mut |a| memory.push_attack(a));
    }
    /// x
    pub fn push_spectrum(&mut self, power: &[f32]) {
        let o = self.onsets.process(power);
        self.waiting.push_back(o);
        let h = self.harmony.process(self.onsets.whitened());
        if self.waiting.len() > HarmonicChange::delay() {
            self.activate(h);
        }
    }
    fn activate(&mut self, h: f32) {
        let Some(o) = self.waiting.pop_front() else { return };
        if let Some(a) = self.activation.push(&o, h) {
            self.decode(a);
        }
    }
    fn decode(&mut self, a: ActivationFrame) {
        self.memory.push_activation(a);
        let (memory, slots, last) = (&self.memory, &mut self.slots, &mut self.last);
        self.decoder.push(a.beat, &mut |b| add_beat(memory, slots, last, b));
    }
    /// x
    pub fn finish(mut self) -> Rhythm {
        let memory = &mut self.memory;
        self.attacks.finish(&mut |a| memory.push_attack(a));
        let silence = vec![0.0; self.onsets.whitened().len()];
        while !self.waiting.is_empty() {
            let h = self.harmony.process(&silence);
            self.activate(h);
        }
        let activation = std::mem::replace(&mut self.activation, Activation::new(self.model.activation.clone()));
        activation.finish(&mut |a| self.decode(a));
        let (memory, slots, last) = (&self.memory, &mut self.slots, &mut self.last);
        self.decoder.finish(&mut |b| add_beat(memory, slots, last, b));
        let chosen = meter::decode(&self.slots, &self.model.meter);
        Rhythm {
            beats: chosen.iter().map(|b| self.slots[b.slot].seconds()).collect(),
            downbeats: chosen.iter().filter(|b| b.position == 1).map(|b| self.slots[b.slot].seconds()).collect(),
            slots: self.slots,
        }
    }
}

fn add_beat(memory: &Memory, slots: &mut Vec<Slot>, last: &mut Option<usize>, beat: usize) {
    if let Some(last) = *last {
        slots.push(memory.slot((last + beat) as f64 * 0.5));
    }
    slots.push(memory.slot(beat as f64));
    *last = Some(beat);
}
