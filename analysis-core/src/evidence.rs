//! Evidence of beats, each 10 ms, from what the network believes or from what the rules find.

use crate::activation::ActivationFrame;
use crate::beat_net::Belief;
use crate::beats::Evidence;

/// Beliefs remembered: more than the decoder's lag.
const REMEMBERED: usize = 8192;
/// Frames to either side of a beat in which its belief is looked for.
const NEAR: usize = 2;

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
}
