//! Beats as the decoder has settled them, with what was heard at and between them.

use crate::beats::{DOWNBEAT_SHARE, Evidence};
use crate::divisions::Between;
use crate::evidence::Beliefs;
use crate::memory::Memory;

/// A moment that is a beat or could have been one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// Frame of 10 ms.
    pub(crate) frame: u32,
    /// Time of its attack, in steps of 0.1 ms.
    pub(crate) time: u32,
    /// Log-odds of a beat there, in sixteenths of a nat.
    pub(crate) belief: i8,
    /// Probability that a beat there is a downbeat, in steps of 1/255.
    pub(crate) downbeat: u8,
}

impl Moment {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are positive and below 2^32 steps; beliefs and probabilities are clamped"
    )]
    pub(crate) fn heard(frame: usize, beliefs: &Beliefs, memory: &Memory) -> Self {
        let Evidence { beat, downbeat } = beliefs.near(frame);
        Self {
            frame: frame as u32,
            time: (memory.attack_time(beliefs.centre(frame)) * 1e4).round() as u32,
            belief: (beat * 16.0).clamp(-127.0, 127.0) as i8,
            downbeat: (downbeat * 255.0) as u8,
        }
    }

    /// A moment that was only counted to: nothing speaks for a beat there or against one, nor for a downbeat.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
    pub(crate) fn unheard(frame: u32, time: u32) -> Self {
        Self { frame, time, belief: 0, downbeat: (DOWNBEAT_SHARE * 255.0) as u8 }
    }

    /// Time, in seconds.
    #[must_use]
    pub(crate) fn seconds(&self) -> f64 {
        f64::from(self.time) * 1e-4
    }

    /// What was heard here, as the decoder takes it.
    #[must_use]
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence { beat: f32::from(self.belief) / 16.0, downbeat: f32::from(self.downbeat) / 255.0 }
    }
}

/// A beat that the decoder has settled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrackedBeat {
    /// The beat itself.
    pub(crate) at: Moment,
    /// Half-way to the next beat.
    pub(crate) half: Moment,
    /// What was heard between it and the next.
    pub(crate) between: Between,
}

impl TrackedBeat {
    /// A beat at this moment, before the next is known.
    pub(crate) fn new(at: Moment) -> Self {
        Self { at, half: at, between: Between::default() }
    }

    /// Looks back at what was heard before the next beat, at this frame.
    pub(crate) fn look_between(&mut self, next: usize, beliefs: &Beliefs, memory: &Memory) {
        let from = self.at.frame as usize;
        self.half = Moment::heard(from.midpoint(next), beliefs, memory);
        self.between = Between::of(from, next, memory);
    }
}
