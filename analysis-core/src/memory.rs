//! What was heard lately, for the stages that look back from a beat.

use crate::activation::ActivationFrame;
use crate::attack::Attack;
use crate::onset::Onset;

/// Frames remembered, 164 s: the minute by which samples may run ahead of spectra ([`AHEAD`]), the decoder's lag, 82 s at
/// most, and the network's, or the time for which evidence by rule waits to be decoded.
pub(crate) const REMEMBERED: usize = 16_384;
/// Frames by which samples may run ahead of spectra.
pub(crate) const AHEAD: usize = 6_000;
/// Frames to either side of an expected moment in which its sound is looked for.
const NEAR: usize = 3;
/// Frames from a peak of flux to the attack itself: the window sees an attack before its centre does.
const FLUX_LEAD: f64 = 1.0;
/// A rise weaker than this, in nepers, is no attack to set a time by.
const FAINT: f32 = 0.3;
/// Deviation of the bell that weighs attacks by their distance from the expected moment, in frames.
const SPREAD: f64 = 2.0;

/// Remembers frames for as long as the decoder may go back.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    activations: Vec<ActivationFrame>,
    attacks: Vec<Attack>,
    frames: usize,
    attack_frames: usize,
}

impl Memory {
    /// Frames by which an onset may lie before its peak of flux, at most.
    pub(crate) const ONSET_LEAD: usize = NEAR;

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

    /// Frames whose flux is known.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    pub(crate) fn push_attack(&mut self, attack: Attack) {
        self.attacks[self.attack_frames % REMEMBERED] = attack;
        self.attack_frames += 1;
    }

    fn attack(&self, frame: usize) -> Option<Attack> {
        let known = frame < self.attack_frames && frame + REMEMBERED > self.attack_frames;
        known.then(|| self.attacks[frame % REMEMBERED])
    }

    fn activation(&self, frame: usize) -> Option<&ActivationFrame> {
        let known = frame < self.frames && frame + REMEMBERED > self.frames;
        known.then(|| &self.activations[frame % REMEMBERED])
    }

    /// The strongest normalised flux within a frame of this moment.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are positive and far below 2^31"
    )]
    pub(crate) fn flux(&self, frame: f64) -> f32 {
        let center = frame.round().max(0.0) as usize;
        let near = center.saturating_sub(1)..=center + 1;
        near.filter_map(|k| self.activation(k)).fold(0.0, |m, a| m.max(a.flux()))
    }

    /// The onset that made a peak of flux at this frame.
    #[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
    pub(crate) fn onset(&self, frame: usize, strength: f32) -> Onset {
        Onset {
            time_s: (self.attack_time(frame as f64 + FLUX_LEAD) * 1e4).round() * 1e-4,
            confidence: 1.0 - (-0.5 * strength).exp(),
        }
    }

    /// Time in seconds of the attack near the expected (fractional) frame: the steepest, what is nearer weighing
    /// more; the expected moment where there is none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are positive and far below 2^31"
    )]
    pub(crate) fn attack_time(&self, expected: f64) -> f64 {
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
