//! How much each frame speaks for a beat, by rule: normalised flux.

use crate::onset::OnsetFrame;

/// Frames to either side over which flux is normalised: 4 s.
pub(crate) const REACH: usize = 400;
/// Cues of a frame: low, middle and high flux, harmonic change.
pub const CUES: usize = 4;
/// Cues whose RMS stays below this are silence, not music played softly.
const SILENCE: f32 = 0.005;
/// Fixed-point steps of a cue, so that running sums never drift: 2^-16.
const STEPS: f32 = 65_536.0;

/// What a frame says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ActivationFrame {
    /// Log-likelihood ratio of a beat here against none, in nats.
    pub beat: f32,
    /// Low, middle and high flux and harmonic change, each divided by its RMS over ±4 s, 0 to `cap`.
    pub cues: [f32; CUES],
}

impl ActivationFrame {
    /// Normalised flux over the three bands.
    #[must_use]
    pub fn flux(&self) -> f32 {
        (self.cues[0] + self.cues[1] + self.cues[2]) / 3.0
    }
}

/// Weights of the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationModel {
    /// Weights of the cues.
    pub weights: [f32; CUES],
    /// A cue above this counts no more.
    pub cap: f32,
    /// What the weighted sum must reach before the frame speaks for a beat.
    pub threshold: f32,
    /// Nats per unit of the weighted sum.
    pub scale: f32,
}

impl Default for ActivationModel {
    fn default() -> Self {
        Self { weights: [0.57, 0.34, 0.10, 0.30], cap: 4.4, threshold: 1.36, scale: 1.0 }
    }
}

/// Normalises cues over a window centred on each frame, so that fades and mastering do not matter.
///
/// ```text
/// cue[i] = min(x[i] / max(rms(x[i], ±4 s), 0.005), cap)      beat = scale·(Σ weight[i]·cue[i] - threshold)
/// ```
#[derive(Debug, Clone)]
pub struct Activation {
    model: ActivationModel,
    ring: Vec<[u32; CUES]>,
    squares: [u64; CUES],
    frame: usize,
}

impl Activation {
    /// Before the first frame.
    #[must_use]
    pub fn new(model: ActivationModel) -> Self {
        Self { model, ring: vec![[0; CUES]; 2 * REACH + 1], squares: [0; CUES], frame: 0 }
    }

    /// Takes a frame's onset strength and harmonic change; gives the activation of the frame 4 s earlier.
    pub fn push(&mut self, onset: &OnsetFrame, harmonic: f32) -> Option<ActivationFrame> {
        let [low, mid, high] = onset.flux;
        self.enter([low, mid, high, harmonic].map(to_steps));
        (self.frame > REACH).then(|| self.read(self.frame - 1 - REACH))
    }

    /// Gives the activations of the last 4 s, as if silence followed.
    pub fn finish(mut self, out: &mut impl FnMut(ActivationFrame)) {
        let total = self.frame;
        for _ in 0..REACH {
            self.enter([0; CUES]);
            if self.frame > REACH && self.frame - 1 - REACH < total {
                out(self.read(self.frame - 1 - REACH));
            }
        }
    }

    fn enter(&mut self, cues: [u32; CUES]) {
        let len = self.ring.len();
        let slot = &mut self.ring[self.frame % len];
        for ((sum, old), new) in self.squares.iter_mut().zip(slot.iter_mut()).zip(cues) {
            *sum = *sum + u64::from(new) * u64::from(new) - u64::from(*old) * u64::from(*old);
            *old = new;
        }
        self.frame += 1;
    }

    fn read(&self, frame: usize) -> ActivationFrame {
        let now = self.ring[frame % self.ring.len()];
        let mut out = ActivationFrame::default();
        let mut sum = 0.0;
        for (i, (cue, &x)) in out.cues.iter_mut().zip(&now).enumerate() {
            *cue = (from_steps(x) / self.rms(i).max(SILENCE)).min(self.model.cap);
            sum += self.model.weights[i] * *cue;
        }
        out.beat = self.model.scale * (sum - self.model.threshold);
        out
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean of values below 2^32 needs no more than f32"
    )]
    fn rms(&self, cue: usize) -> f32 {
        (self.squares[cue] as f64 / self.ring.len() as f64).sqrt() as f32 / STEPS
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cues lie between 0 and 1; `as` saturates"
)]
fn to_steps(x: f32) -> u32 {
    (x.min(16.0) * STEPS) as u32
}

#[expect(clippy::cast_precision_loss, reason = "below 2^24")]
fn from_steps(x: u32) -> f32 {
    x as f32 / STEPS
}
