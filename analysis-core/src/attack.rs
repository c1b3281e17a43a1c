//! When exactly an attack happens: a fine envelope of the samples.
//!
//! Spectra every 10 ms, each of 46 ms, tell that something begins, not when. Here the energy of the samples' slope is
//! summed up each ms and compared over 10 ms to either side, as in time-domain onset detection (Bello et al., "A tutorial
//! on onset detection in music signals", IEEE TSAP 13(5), 2005, section III.A).

use crate::bands::{self, LANES};
use crate::vectors;

/// Length of a fine step, in seconds: 1 ms.
const STEPS_PER_FRAME: u64 = 10;
/// Steps compared before and after a moment.
const SPAN: usize = 10;

/// Weight of the side after a moment that makes steady sound weigh the same on both: `Σ k/SPAN / Σ (k/SPAN)³`,
/// k = 1 to SPAN.
const EVEN: f32 = 20.0 / 11.0;

/// Decay of the remembered level over 1 ms: half-life 1.4 s.
const LEVEL_DECAY: f32 = 0.9995;
/// Energy, relative to the loudest of the last seconds, that is added on both sides (-25 dB), so that what
/// codecs leave between sounds makes no attacks.
const FLOOR: f32 = 0.003;
/// … and energy of the slope that is always added: digital silence has no attacks.
const QUIETEST: f32 = 1e-12;

/// The steepest rise near a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Attack {
    /// Its time from the frame's centre, in ms, -5 to 5.
    pub offset_ms: f32,
    /// How steep it is: rise of the energy over 10 ms, in nepers, 0 and up.
    pub strength: f32,
}

/// Finds, for each frame of 10 ms, the steepest rise of energy within it.
///
/// ```text
/// e[k]    = mean of (x[n] − x[n−1])² over the samples of ms k, the rate taken out
/// rise[k] = ln((after + f) / (before + f))     sums of e over 10 ms after and before k, what is nearer weighs more
/// attack  = the largest rise within ±5 ms of the frame's centre, placed by a parabola through it and its neighbours
/// ```
///
/// `f` is a floor 25 dB under the loudest of the last seconds, so that what codecs leave between sounds makes no attacks.
/// Frame `i` is centred on `i · 10 ms`; its attack comes some 16 ms after its centre. Memory is constant.
#[derive(Debug, Clone)]
pub struct Attacks {
    rate: u64,
    scale: f32,
    last: f32,
    /// Samples in ended steps.
    sample: u64,
    step_end: u64,
    step: u64,
    /// Squared slopes of the samples since then, and eight zeros.
    slopes: Vec<f32>,
    /// Energies of the last `2·SPAN − 1` steps, and of those that end in this block.
    energies: Vec<f32>,
    /// Energy before and after the boundary in the middle of each `2·SPAN` of them.
    sides: [Vec<f32>; 2],
    level: f32,
    rises: [f32; 3],
    best: (f32, f32),
}

impl Attacks {
    /// For samples at `sample_rate_hz` (8,000 to 192,000 in this engine).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sample rates are far below 2^24")]
    pub fn new(sample_rate_hz: u32) -> Self {
        // At a rate of 0 all steps would end before the first sample, without end.
        let sample_rate_hz = sample_rate_hz.max(1);
        Self {
            rate: u64::from(sample_rate_hz),
            scale: (sample_rate_hz as f32 / 8000.0).powi(2),
            last: 0.0,
            sample: 0,
            step_end: step_end(0, u64::from(sample_rate_hz)),
            step: 0,
            slopes: vec![0.0; LANES],
            energies: vec![0.0; 2 * SPAN - 1],
            sides: [Vec::new(), Vec::new()],
            level: 0.0,
            rises: [0.0; 3],
            best: (0.0, 0.0),
        }
    }

    /// Takes the next mono samples, any number of them; gives an attack for each completed frame, in order.
    pub fn push(&mut self, mono: &[f32], out: &mut impl FnMut(Attack)) {
        let Some(&last) = mono.last() else { return };
        let begun = self.slopes.len() - LANES;
        self.slopes.resize(begun + mono.len() + LANES, 0.0);
        vectors::widest(
            #[inline(always)]
            || {
                square_slopes(self.last, mono, &mut self.slopes[begun..]);
                self.end_steps();
            },
        );
        self.last = last;
        self.judge(out);
    }

    /// Gives the attacks of the last frames, as if silence followed.
    pub fn finish(&mut self, out: &mut impl FnMut(Attack)) {
        let held = self.slopes.len() - LANES;
        self.energies.push(self.scale * slope_energy(&self.slopes, held));
        (1..3 * STEPS_PER_FRAME).for_each(|_| self.energies.push(0.0));
        self.judge(out);
    }

    /// Takes the energy of every step that is whole.
    #[inline(always)]
    fn end_steps(&mut self) {
        let mut begin = 0;
        while let Ok(len) = usize::try_from(self.step_end - self.sample)
            && begin + len + LANES <= self.slopes.len()
        {
            self.energies.push(self.scale * slope_energy(&self.slopes[begin..], len));
            begin += len;
            self.sample = self.step_end;
            self.step_end = step_end(self.step + (self.energies.len() - 2 * SPAN) as u64 + 1, self.rate);
        }
        self.slopes.copy_within(begin.., 0);
        self.slopes.truncate(self.slopes.len() - begin);
    }

    /// Takes the rise at the boundary SPAN steps before each new one.
    fn judge(&mut self, out: &mut impl FnMut(Attack)) {
        let ended = self.energies.len() + 1 - 2 * SPAN;
        let [mut before, mut after] = std::mem::take(&mut self.sides);
        before.resize(ended, 0.0);
        after.resize(ended, 0.0);
        vectors::widest(
            #[inline(always)]
            || sides(&self.energies, &mut before, &mut after),
        );
        for (&before, &after) in before.iter().zip(&after) {
            self.rise(before, after, out);
        }
        self.sides = [before, after];
        self.energies.drain(..ended);
    }

    fn rise(&mut self, before: f32, after: f32, out: &mut impl FnMut(Attack)) {
        self.level = (self.level * LEVEL_DECAY).max(after);
        let floor = FLOOR * self.level + QUIETEST;
        let rise = ((after + floor) / (before + floor)).ln();
        self.step += 1;
        self.rises = [self.rises[1], self.rises[2], rise];
        // The middle one of the three is the rise SPAN + 1 steps ago.
        if self.step < 1 + SPAN as u64 {
            return;
        }
        let boundary = self.step - 1 - SPAN as u64;
        self.consider(boundary);
        // Frame i holds the boundaries from 5 steps before its centre to 4 after.
        if boundary % STEPS_PER_FRAME == STEPS_PER_FRAME / 2 - 1 {
            out(Attack { offset_ms: self.best.1, strength: self.best.0.max(0.0) });
            self.best = (0.0, 0.0);
        }
    }

    fn consider(&mut self, boundary: u64) {
        let [a, b, c] = self.rises;
        if b > self.best.0 && b >= a && b > c {
            let curve = a - 2.0 * b + c;
            let shift = if curve < -1e-6 { (0.5 * (a - c) / curve).clamp(-0.5, 0.5) } else { 0.0 };
            let within = (boundary % STEPS_PER_FRAME) as f32;
            let offset = if within >= 5.0 { within - 10.0 } else { within };
            self.best = (b, offset + shift);
        }
    }
}

/// Squared differences of neighbours: attacks are broadband, and steady bass is not in the way.
#[inline(always)]
fn square_slopes(before: f32, samples: &[f32], slopes: &mut [f32]) {
    slopes[0] = (samples[0] - before) * (samples[0] - before);
    for (slope, (x, y)) in slopes[1..].iter_mut().zip(samples[1..].iter().zip(samples)) {
        *slope = (x - y) * (x - y);
    }
}

/// Mean of the first `len` of `slopes`, which are eight more at least; 0 for none.
///
/// Eight lanes of fixed order: vectorises, and gives the same bytes everywhere. Before whole lanes come the first slope
/// and what the lanes leave over at the end.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a handful of samples")]
fn slope_energy(slopes: &[f32], len: usize) -> f32 {
    let Some(later) = len.checked_sub(1) else { return 0.0 };
    let whole = 1 + later / LANES * LANES;
    let mut lanes = [0.0_f32; LANES];
    lanes[0] = slopes[0];
    let rest = &slopes[whole..whole + LANES];
    for lane in 0..LANES {
        lanes[lane] += if lane < len - whole { rest[lane] } else { 0.0 };
    }
    for slopes in slopes[1..whole].as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            lanes[lane] += slopes[lane];
        }
    }
    bands::fold_in_order(lanes) / len as f32
}

/// Energy on both sides of each boundary that has `SPAN` steps on both. What is nearer weighs more, and after the
/// boundary more steeply so: codecs let a faint copy of an attack sound some ms before it, and a boundary there must
/// not win by the attack that it sees from afar. (With equal weights coded copies had their beats up to 3.5 ms early;
/// so, 2 ms.)
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
fn sides(energies: &[f32], before: &mut [f32], after: &mut [f32]) {
    before.fill(0.0);
    after.fill(0.0);
    for k in 0..SPAN {
        let near = (SPAN - k) as f32 / SPAN as f32;
        for (before, energy) in before.iter_mut().zip(&energies[SPAN - 1 - k..]) {
            *before += near * energy;
        }
        let near = EVEN * near * near * near;
        for (after, energy) in after.iter_mut().zip(&energies[SPAN + k..]) {
            *after += near * energy;
        }
    }
}

/// First sample after fine step `step`.
fn step_end(step: u64, rate: u64) -> u64 {
    ((step + 1) * rate + 500) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 16) as u16) / 32_768.0 - 1.0
        };
        (0..len).map(|n| next() * if n / 3000 % 2 == 0 { 1.0 } else { 0.01 }).collect()
    }

    /// Mean square of the first difference, sample by sample.
    fn energy(samples: &[f32], before: f32) -> f32 {
        let mut lanes = [0.0_f32; LANES];
        let slopes: Vec<f32> =
            samples.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).collect();
        let (whole, rest) = slopes.as_chunks::<LANES>();
        lanes[0] = (samples[0] - before) * (samples[0] - before);
        rest.iter().zip(&mut lanes).for_each(|(slope, lane)| *lane += slope);
        whole.iter().for_each(|slopes| lanes = bands::add(lanes, slopes));
        lanes.iter().sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn the_energy_of_a_step_has_the_bits_of_the_plain_sum() {
        let samples = noise(120);
        let mut slopes = vec![0.0; 120];
        square_slopes(0.25, &samples, &mut slopes);
        for len in 1..100 {
            assert_eq!(slope_energy(&slopes, len), energy(&samples[..len], 0.25), "{len} samples");
            assert_eq!(
                slope_energy(&slopes[7..], len),
                energy(&samples[7..][..len], samples[6]),
                "{len} samples"
            );
        }
        assert_eq!(slope_energy(&slopes, 0), 0.0);
    }

    #[test]
    fn the_sides_of_many_boundaries_at_once_have_the_bits_of_one_after_another() {
        let energies = noise(2 * SPAN - 1 + 37);
        let [mut before, mut after] = [vec![f32::NAN; 37], vec![f32::NAN; 37]];
        sides(&energies, &mut before, &mut after);
        for (boundary, steps) in energies.windows(2 * SPAN).enumerate() {
            let near = |k: usize| (SPAN - k) as f32 / SPAN as f32;
            let want = (0..SPAN).fold((0.0, 0.0), |(before, after), k| {
                let steep = EVEN * near(k) * near(k) * near(k);
                (before + near(k) * steps[SPAN - 1 - k], after + steep * steps[SPAN + k])
            });
            assert_eq!((before[boundary], after[boundary]), want);
        }
    }

    #[test]
    fn attacks_do_not_depend_on_the_size_of_blocks() {
        let samples = noise(30_000);
        let heard = |block: usize| {
            let (mut attacks, mut heard) = (Attacks::new(44_100), Vec::new());
            samples.chunks(block).for_each(|mono| attacks.push(mono, &mut |attack| heard.push(attack)));
            attacks.finish(&mut |attack| heard.push(attack));
            heard
        };
        let whole = heard(samples.len());
        assert_eq!(whole.len(), 30_000 / 441 + 2);
        assert!(whole.iter().any(|attack| attack.strength > 1.0));
        for block in [1, 43, 44, 45, 1000] {
            assert_eq!(heard(block), whole, "blocks of {block}");
        }
    }
}
