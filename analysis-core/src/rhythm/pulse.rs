//! From evidence to beats, at once or when they are asked for.

use crate::beats::{BeatDecoder, BeatModel, Evidence, MAX_INTERVAL, RULES_MEMORY};
use crate::evidence::Beliefs;
use crate::memory::{AHEAD, Memory, REMEMBERED};
use crate::tracked::{Moment, TrackedBeat};

/// Frames of evidence by rule that are kept before it is decoded: more than the network needs for its first decision,
/// after which a track that it hears a beat in does without.
const PATIENCE: usize = 7_168;
// What is heard at a beat must still be known when it is decided on.
const _: () = assert!(PATIENCE + RULES_MEMORY + AHEAD + MAX_INTERVAL < REMEMBERED);

/// From evidence to beats.
pub(super) struct Pulse {
    pub(super) model: BeatModel,
    pub(super) tracked: Vec<TrackedBeat>,
    decoder: BeatDecoder,
    beliefs: Beliefs,
}

impl Pulse {
    pub(super) fn new(model: BeatModel) -> Self {
        let decoder = BeatDecoder::new(model.clone());
        Self { model, decoder, beliefs: Beliefs::new(), tracked: Vec::new() }
    }

    pub(super) fn push(&mut self, evidence: Evidence, memory: &Memory) {
        self.beliefs.push(evidence);
        let Self { decoder, beliefs, tracked, .. } = self;
        decoder.push(evidence, &mut |beat| settle(beat.frame, beliefs, memory, tracked));
    }

    pub(super) fn finish(&mut self, memory: &Memory) {
        let Self { decoder, beliefs, tracked, .. } = self;
        decoder.finish(&mut |beat| settle(beat.frame, beliefs, memory, tracked));
    }
}

/// Notes a beat that can no longer change.
fn settle(frame: usize, beliefs: &Beliefs, memory: &Memory, tracked: &mut Vec<TrackedBeat>) {
    if let Some(last) = tracked.last_mut() {
        last.look_between(frame, beliefs, memory);
    }
    tracked.push(TrackedBeat::new(Moment::heard(frame, beliefs, memory)));
}

/// Evidence by rule, and what has been made of it.
pub(super) struct Rules {
    model: BeatModel,
    waiting: Vec<Evidence>,
    /// Frames that wait together to be decoded.
    patience: usize,
    pulse: Option<Pulse>,
}

impl Rules {
    /// Alone, with any model.
    pub(super) fn new(model: BeatModel) -> Self {
        Self { model, waiting: Vec::new(), patience: 1, pulse: None }
    }

    /// Beside the network: decoding waits, as few tracks need it.
    pub(super) fn in_reserve() -> Self {
        Self { patience: PATIENCE, ..Self::new(BeatModel::rules()) }
    }

    pub(super) fn push(&mut self, evidence: Evidence, memory: &Memory) {
        self.waiting.push(evidence);
        if self.waiting.len() == self.patience {
            self.catch_up(memory);
        }
    }

    /// The beats by rule of the whole track.
    pub(super) fn finish(mut self, memory: &Memory) -> Pulse {
        self.catch_up(memory);
        let mut pulse = self.pulse.unwrap_or_else(|| Pulse::new(self.model));
        pulse.finish(memory);
        pulse
    }

    fn catch_up(&mut self, memory: &Memory) {
        let pulse = self.pulse.get_or_insert_with(|| Pulse::new(self.model.clone()));
        for evidence in self.waiting.drain(..) {
            pulse.push(evidence, memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::ActivationFrame;
    use crate::attack::Attack;

    /// Frames with a beat every half second, and a few of noise.
    fn frame(t: usize) -> (Attack, ActivationFrame, Evidence) {
        let noise = (t.wrapping_mul(2_654_435_761) >> 7) % 100;
        let (near, strength) = (t % 50 < 2, noise as f32 / 100.0);
        let attack = Attack { offset_ms: strength, strength: if near { 2.0 } else { 0.2 * strength } };
        let beat = if near { 3.0 - strength } else { strength - 5.0 };
        let frame = ActivationFrame { beat, cues: [strength; 4] };
        (attack, frame, Evidence { beat, downbeat: if t % 200 < 2 { 0.8 } else { 0.1 } })
    }

    /// Rules against their pulse, with samples a minute ahead.
    #[track_caller]
    fn check(mut rules: Rules, frames: usize) {
        let (mut memory, mut ahead) = (Memory::new(), 0);
        let mut pulse = Pulse::new(rules.model.clone());
        for t in 0..frames {
            while ahead < (t + AHEAD).min(frames) {
                memory.push_attack(frame(ahead).0);
                ahead += 1;
            }
            memory.push_activation(frame(t).1);
            rules.push(frame(t).2, &memory);
            pulse.push(frame(t).2, &memory);
        }
        pulse.finish(&memory);
        let waited = rules.finish(&memory);
        assert!(pulse.tracked.len() >= frames / 50, "{}", pulse.tracked.len());
        assert_eq!(format!("{:?}", waited.tracked), format!("{:?}", pulse.tracked), "{frames} frames");
    }

    #[test]
    fn evidence_that_waits_gives_the_beats_of_evidence_decoded_at_once() {
        // Not at all, once, and more often decoded before the end.
        for frames in [500, PATIENCE + 900, 4 * PATIENCE + 1] {
            check(Rules::in_reserve(), frames);
        }
    }

    #[test]
    fn a_model_that_looks_back_far_still_knows_what_it_heard() {
        check(Rules::new(BeatModel { memory_frames: 8_192, ..BeatModel::rules() }), 4 * PATIENCE);
    }
}
