//! Evidence of beats, each 10 ms, from what the network believes or from what the rules find.

use crate::activation::ActivationFrame;
use crate::beat_net::Belief;
use crate::beats::Evidence;

/// Beliefs remembered: more than the decoder's lag.
const REMEMBERED: usize = 8192;
/// Frames to either side of a beat in which its belief is looked for.
const NEAR: usize = 2;
/// Frames to either side over which the centre of a belief is taken.
const WIDE: usize = 4;

/// Turns beliefs, one each 20 ms, into evidence each 10 ms: linear in the log-odds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upsampler {
    last: Option<Belief>,
}

impl Upsampler {
    pub(crate) fn push(&mut self, belief: Belief, out: &mut impl FnMut(Evidence)) {
        if let Some(last) = self.last.replace(belief) {
            out(evidence(Belief {
                beat: 0.5 * (last.beat + belief.beat),
                downbeat: 0.5 * (last.downbeat + belief.downbeat),
            }));
        }
        out(evidence(belief));
    }

    pub(crate) fn finish(&mut self, out: &mut impl FnMut(Evidence)) {
        if let Some(last) = self.last.take() {
            out(evidence(last));
        }
    }
}

/// A downbeat is a beat: `P(downbeat | beat) = P(downbeat) / P(beat)`.
fn evidence(belief: Belief) -> Evidence {
    let downbeat = (probability(belief.downbeat) / probability(belief.beat).max(1e-6)).min(1.0);
    Evidence { beat: belief.beat, downbeat }
}

/// Log-odds of a downbeat by low flux and by harmonic change, each in RMS, and for none of either.
const DOWNBEAT_CUES: [f32; 3] = [0.3, 0.35, -2.2];

/// Evidence from normalised flux.
pub(crate) fn by_rule(frame: &ActivationFrame) -> Evidence {
    let odds = DOWNBEAT_CUES[0] * frame.cues[0] + DOWNBEAT_CUES[1] * frame.cues[3] + DOWNBEAT_CUES[2];
    Evidence { beat: frame.beat, downbeat: probability(odds) }
}

fn probability(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

/// The evidence of late.
#[derive(Debug, Clone)]
pub(crate) struct Beliefs {
    past: Vec<Evidence>,
    frames: usize,
}

impl Beliefs {
    pub(crate) fn new() -> Self {
        Self { past: vec![Evidence::default(); REMEMBERED], frames: 0 }
    }

    pub(crate) fn push(&mut self, evidence: Evidence) {
        self.past[self.frames % REMEMBERED] = evidence;
        self.frames += 1;
    }

    /// The strongest evidence near this frame.
    pub(crate) fn near(&self, frame: usize) -> Evidence {
        let near = frame.saturating_sub(NEAR)..(frame + NEAR + 1).min(self.frames);
        let known = near.filter(|k| k + REMEMBERED > self.frames).map(|k| self.past[k % REMEMBERED]);
        known.max_by(|a, b| a.beat.total_cmp(&b.beat)).unwrap_or_default()
    }

    /// Where the belief in a beat at this frame has its centre, as a (fractional) frame: its peak is wider than the
    /// distance of two frames.
    #[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
    pub(crate) fn centre(&self, frame: usize) -> f64 {
        let near = frame.saturating_sub(WIDE)..(frame + WIDE + 1).min(self.frames);
        let (mut sum, mut weights) = (0.0, 0.0);
        for k in near.filter(|k| k + REMEMBERED > self.frames) {
            let weight = f64::from(self.past[k % REMEMBERED].beat).exp();
            sum += weight * k as f64;
            weights += weight;
        }
        if weights > 0.0 { sum / weights } else { frame as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beliefs_each_20_ms_become_evidence_each_10() {
        for count in 0..5_u8 {
            let (mut upsampler, mut out) = (Upsampler::default(), Vec::new());
            for i in 0..count {
                let belief = Belief { beat: f32::from(i), downbeat: -3.0 };
                upsampler.push(belief, &mut |e| out.push(e.beat));
            }
            upsampler.finish(&mut |e| out.push(e.beat));
            let last = f32::from(count) - 1.0;
            let want: Vec<f32> = (0..2 * count).map(|i| (0.5 * f32::from(i)).min(last)).collect();
            assert_eq!(out, want);
        }
    }

    #[test]
    fn a_downbeat_is_as_likely_as_its_share_of_the_belief_in_a_beat() {
        let e = evidence(Belief { beat: 0.0, downbeat: -1.098_612_3 });
        assert!((e.downbeat - 0.5).abs() < 1e-6, "{e:?}");
        assert_eq!(evidence(Belief { beat: -30.0, downbeat: 30.0 }).downbeat, 1.0);
    }

    #[test]
    fn the_centre_of_a_belief_lies_between_frames() {
        let mut beliefs = Beliefs::new();
        for beat in [-6.0, -6.0, -6.0, 1.0, 2.0, 2.0, 1.0, -6.0, -6.0, -6.0] {
            beliefs.push(Evidence { beat, downbeat: 0.5 });
        }
        assert!((beliefs.centre(4) - 4.5).abs() < 0.01, "{}", beliefs.centre(4));
        assert_eq!(beliefs.near(3).beat, 2.0);
        assert_eq!((beliefs.near(9_000).beat, beliefs.centre(9_000)), (0.0, 9_000.0));
    }
}
