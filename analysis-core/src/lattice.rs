//! The lattice of beats and half-beats that the beat decoder hands to the meter room.

use crate::activation::{ActivationFrame, CUES};
use crate::attack::Attack;
use crate::onset::Onset;

/// Frames remembered for reading cues and attacks back: more than the decoder's lag, and two minutes beyond.
const REMEMBERED: usize = 32_768;
/// Frames to either side of an expected moment in which its sound is looked for.
const NEAR: usize = 3;
/// Frames from the activation's peak to the attack itself: the window sees an attack before its centre does.
const LEAD_FRAMES: f32 = 1.0;
/// A rise weaker than this, in nepers, is no attack to set a time by.
const FAINT: f32 = 0.3;

/// Deviation of the bell that weighs attacks by their distance from the expected moment, in frames.
const SPREAD: f64 = 2.0;
/// Cues below this, in steps of 1/32 RMS, are silence.
const SILENT_CUE: u8 = 8;

/// A moment of the lattice: a tracked beat, or the middle between two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// Time, in steps of 0.1 ms.
    pub time: u32,
    /// Strength of the beat evidence there, in sixteenths of a nat.
    pub evidence: i8,
    /// The cues there, in steps of 1/32.
    pub cues: [u8; CUES],
    /// Strength of the beat evidence 1/3, 1/2 and 2/3 of the way to the next slot, as `evidence`.
    pub between: [i8; 3],
}

impl Slot {
    /// Time, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        f64::from(self.time) * 1e-4
    }
}

/// Slots of the tracked beats and the middles between them, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lattice {
    pub(crate) slots: Vec<Slot>,
    last: Option<usize>,
}

impl Lattice {
    /// Adds the beat at this frame, and the middle before it.
    pub(crate) fn push(&mut self, memory: &Memory, beat: usize) {
        #[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
        if let Some(last) = self.last.replace(beat) {
            let half = (beat - last) as f64 / 2.0;
            let middle = last as f64 + half;
            if let Some(slot) = self.slots.last_mut() {
                slot.between = memory.between(last as f64, half);
            }
            let between = memory.between(middle, half);
            self.slots.push(Slot { between, ..memory.slot(middle) });
        }
        self.slots.push(memory.slot(beat as f64));
    }
}

/// Remembers frames for as long as the decoder may go back, and reads slots from them.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    activations: Vec<ActivationFrame>,
    attacks: Vec<Attack>,
    frames: usize,
    attack_frames: usize,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            activations: vec![ActivationFrame::default(); REMEMBERED],
            attacks: vec![Attack::default(); REMEMBERED],
            frames: 0,
            attack_frames: 0,
        }
    }

    pub(crate) fn push_activation(&mut self, frame: ActivationFrame) {
        self.activations[self.frames % REMEMBERED] = frame;
        self.frames += 1;
    }

    pub(crate) fn push_attack(&mut self, attack: Attack) {
        self.attacks[self.attack_frames % REMEMBERED] = attack;
        self.attack_frames += 1;
    }

    pub(crate) fn attack(&self, frame: usize) -> Option<Attack> {
        let known = frame < self.attack_frames && frame + REMEMBERED > self.attack_frames;
        known.then(|| self.attacks[frame % REMEMBERED])
    }

    fn activation(&self, frame: usize) -> Option<&ActivationFrame> {
        let known = frame < self.frames && frame + REMEMBERED > self.frames;
        known.then(|| &self.activations[frame % REMEMBERED])
    }

    /// Reads the slot around a (fractional) frame.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are positive and far below 2^31; cues and evidence are clamped to their range"
    )]
    pub(crate) fn slot(&self, frame: f64) -> Slot {
        let center = frame.round().max(0.0) as usize;
        let (mut cues, mut evidence) = ([0.0_f32; CUES], -8.0_f32);
        for k in center.saturating_sub(NEAR - 1)..center + NEAR {
            let Some(a) = self.activation(k) else { continue };
            evidence = evidence.max(a.beat);
            for (best, cue) in cues.iter_mut().zip(a.cues) {
                *best = best.max(cue);
            }
        }
        Slot {
            time: (self.attack_time(frame) * 1e4).round().max(0.0) as u32,
            evidence: (evidence * 16.0).clamp(-127.0, 127.0) as i8,
            cues: cues.map(|c| (c * 32.0).min(255.0) as u8),
            between: [i8::MIN; 3],
        }
    }

    /// Evidence 1/3, 1/2 and 2/3 of the way from a slot to the next.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are positive and far below 2^31; evidence is clamped to its range"
    )]
    fn between(&self, frame: f64, length: f64) -> [i8; 3] {
        [1.0 / 3.0, 0.5, 2.0 / 3.0].map(|part| {
            let center = (frame + part * length).round().max(0.0) as usize;
            let near = center.saturating_sub(1)..=center + 1;
            let best = near.filter_map(|k| self.activation(k)).fold(-8.0_f32, |m, a| m.max(a.beat));
            (best * 16.0).clamp(-127.0, 127.0) as i8
        })
    }

    /// The onset that made a peak of flux at this frame.
    #[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
    pub(crate) fn onset(&self, frame: usize, strength: f32) -> Onset {
        Onset {
            time_s: (self.attack_time(frame as f64) * 1e4).round() * 1e-4,
            confidence: 1.0 - (-0.5 * strength).exp(),
        }
    }

    /// Time in seconds of the attack that made the activation at this frame: the steepest of those near the
    /// expected moment, what is nearer weighing more; the expected moment where there is none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are positive and far below 2^31"
    )]
    pub(crate) fn attack_time(&self, frame: f64) -> f64 {
        let expected = frame + f64::from(LEAD_FRAMES);
        let first = (expected.round().max(0.0) as usize).saturating_sub(NEAR);
        let mut best = (FAINT, expected);
        for k in first..=first + 2 * NEAR {
            let Some(attack) = self.attack(k) else { continue };
            let at = k as f64 + f64::from(attack.offset_ms) * 0.1;
            let away = ((at - expected) / SPREAD) as f32;
            let weight = attack.strength * (-0.5 * away * away).exp();
            if weight > best.0 {
                best = (weight, at);
            }
        }
        best.1.max(0.0) * 0.01
    }
}

/// The slots from the first to the last that sounds: the decoder also counts through silence at both ends.
pub(crate) fn within_sound(slots: &[Slot]) -> &[Slot] {
    let sounds = |slot: &Slot| slot.cues.iter().any(|&c| c > SILENT_CUE);
    let Some(first) = slots.iter().position(sounds) else { return &[] };
    let last = slots.iter().rposition(sounds).unwrap_or(first);
    &slots[first..=last]
}
