//! What the network hears: log-spaced bands against the level of the music around.

use super::BANDS;
use crate::log::log2_1p;
use crate::vectors;

/// Frames to either side over which the level is taken: 4 s.
const REACH: usize = 400;
/// Compression: `log2(1 + COMPRESSION·x)`.
const COMPRESSION: f32 = 200.0;
/// Brings compressed amplitudes to about 0 to 1.
const SCALE: f32 = 1.0 / 8.0;
/// A value above this counts as this: training stores values in bytes.
const MOST: f32 = 1.275;
/// A level below this, relative to a full-scale sine (-60 dB), is silence and is not lifted.
const SILENCE: f32 = 1e-3;
/// Fixed-point steps of a frame's energy, so that the running sum never drifts.
const STEPS: f32 = (1_u64 << 40) as f32;
/// An energy above this counts as this: the sum over the window stays below 2^61.
const LOUDEST: f32 = 1024.0;

/// Levels the rhythm stage's filters.
///
/// ```text
/// L[n]    = max(sqrt(mean over n ± 4 s of Σ_b A[b]²), 0.001)
/// x[b,n]  = min(log2(1 + 200·A[b,n] / L[n]) / 8, 1.275)
/// ```
///
/// Loudness, fades and mastering drop out; how loud the bands are among each other, and a moment among its
/// neighbours, stays.
#[derive(Debug, Clone)]
pub struct Input {
    /// `[frame mod (2·REACH + 1)][band]`: amplitudes.
    amplitudes: Vec<f32>,
    energies: Vec<u64>,
    sum: u64,
    frame: usize,
    out: [f32; BANDS],
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

impl Input {
    /// Before the first frame.
    #[must_use]
    pub fn new() -> Self {
        let len = 2 * REACH + 1;
        Self {
            amplitudes: vec![0.0; len * BANDS],
            energies: vec![0; len],
            sum: 0,
            frame: 0,
            out: [0.0; BANDS],
        }
    }

    /// Takes a frame's amplitudes, of the first `BANDS` filters at most; gives the frame 4 s earlier, levelled.
    pub fn push(&mut self, amplitudes: &[f32]) -> Option<&[f32; BANDS]> {
        self.enter(amplitudes);
        if self.frame <= REACH {
            return None;
        }
        self.read(self.frame - 1 - REACH);
        Some(&self.out)
    }

    /// Gives the last 4 s, as if silence followed.
    pub fn finish(&mut self, out: &mut impl FnMut(&[f32; BANDS])) {
        let total = self.frame;
        for _ in 0..REACH {
            self.enter(&[]);
            if self.frame > REACH && self.frame - 1 - REACH < total {
                self.read(self.frame - 1 - REACH);
                out(&self.out);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "energies are positive, and below 2^50 once bounded"
    )]
    fn enter(&mut self, amplitudes: &[f32]) {
        let slot = self.frame % self.energies.len();
        let row = &mut self.amplitudes[slot * BANDS..][..BANDS];
        let known = amplitudes.len().min(BANDS);
        row[..known].copy_from_slice(&amplitudes[..known]);
        row[known..].fill(0.0);
        let energy: f32 = row.iter().map(|a| a * a).sum();
        let steps = (energy.min(LOUDEST) * STEPS) as u64;
        self.sum = self.sum + steps - self.energies[slot];
        self.energies[slot] = steps;
        self.frame += 1;
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a level needs no more than f32"
    )]
    fn read(&mut self, frame: usize) {
        let len = self.energies.len();
        let mean = self.sum as f64 / len as f64;
        let level = ((mean as f32) / STEPS).sqrt().max(SILENCE);
        let row = &self.amplitudes[(frame % len) * BANDS..][..BANDS];
        let gain = COMPRESSION / level;
        vectors::widest(
            #[inline(always)]
            || {
                for (x, &a) in self.out.iter_mut().zip(row) {
                    *x = (log2_1p(gain * a) * SCALE).min(MOST);
                }
            },
        );
    }
}
