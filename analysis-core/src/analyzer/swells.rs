//! The part of an analysis that follows how loud the track is from 10 ms to 10 ms.

use crate::danceability::DanceTracker;
use crate::envelope::Envelope;
use crate::fades::{FadeTracker, Fades};

/// The stages that take the envelope and decide at the end of the track.
pub(super) struct Swells {
    envelope: Envelope,
    fades: FadeTracker,
    dance: DanceTracker,
}

impl Swells {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            envelope: Envelope::new(sample_rate_hz),
            fades: FadeTracker::default(),
            dance: DanceTracker::default(),
        }
    }

    pub(super) fn push(&mut self, mono: &[f32]) {
        let Self { envelope, fades, dance } = self;
        envelope.push(mono, &mut |deviation| {
            fades.push(deviation);
            dance.push(deviation);
        });
    }

    /// Fades and danceability.
    pub(super) fn finish(self, duration_ms: u64) -> (Option<Fades>, Option<f32>) {
        (self.fades.finish(duration_ms), self.dance.finish())
    }
}
