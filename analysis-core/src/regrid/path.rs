//! The best chain of beats through a stretch of time: dynamic programming.

use super::strength::{STEP_MS, Strength, step_of};

/// What a beat's length may be, in expected lengths.
const SHORTEST: f32 = 0.7;
const LONGEST: f32 = 1.45;
/// Cost of a beat that is not as long as expected: `TIGHTNESS·ln²(τ/T)`. A beat 5 % off costs 0.06, 20 % off 0.83; an onset
/// in its place is worth 1 at most. Ellis (2007) has 400 for strengths of unit deviation, on beats in semitones of time.
const TIGHTNESS: f32 = 25.0;
/// Bounds of a beat's length, in steps: 500 to 20 BPM.
const BOUNDS: (f32, f32) = (12.0, 300.0);

/// A stretch to be decoded, away from a known beat. Offset 0 is that beat; offsets count steps, forwards or backwards.
#[derive(Debug)]
pub(super) struct Stretch {
    from_ms: f64,
    backwards: bool,
    gain: Vec<f32>,
    period: Vec<f32>,
}

impl Stretch {
    /// From a beat at `from_ms` to `to_ms`, before or after it. `period` gives the expected length of a beat, in ms, at a
    /// time.
    #[expect(clippy::cast_possible_truncation, reason = "lengths of beats")]
    pub(super) fn new(strength: &Strength, from_ms: f64, to_ms: f64, period: impl Fn(f64) -> f64) -> Self {
        let backwards = to_ms < from_ms;
        let steps = step_of((to_ms - from_ms).abs()).unsigned_abs() as usize;
        let mut stretch = Self { from_ms, backwards, gain: Vec::new(), period: Vec::new() };
        stretch.gain.reserve_exact(steps + 1);
        stretch.period.reserve_exact(steps + 1);
        for offset in 0..=steps {
            let time_ms = stretch.time_ms(offset);
            stretch.gain.push(strength.at(step_of(time_ms)));
            let period = (period(time_ms) / STEP_MS) as f32;
            stretch.period.push(if period.is_finite() { period.clamp(BOUNDS.0, BOUNDS.1) } else { 50.0 });
        }
        stretch
    }

    #[expect(clippy::cast_precision_loss, reason = "steps of a track are far fewer than 2^52")]
    fn time_ms(&self, offset: usize) -> f64 {
        let away = offset as f64 * STEP_MS;
        if self.backwards { self.from_ms - away } else { self.from_ms + away }
    }

    /// Speaks for a beat at a time: up to `weight` there, falling to none `reach` steps away.
    #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
    pub(super) fn expect(&mut self, time_ms: f64, weight: f32, reach: i64) {
        let away = if self.backwards { self.from_ms - time_ms } else { time_ms - self.from_ms };
        let middle = step_of(away);
        for offset in middle - reach..=middle + reach {
            let share = 1.0 - (offset - middle).abs() as f32 / (reach + 1) as f32;
            if let Some(gain) = usize::try_from(offset).ok().and_then(|offset| self.gain.get_mut(offset)) {
                *gain += weight * share;
            }
        }
    }

    /// Times of the beats after the known one, in ms, in the order of the walk. `to_end`: the stretch ends with a known
    /// beat too, which is left out. `None` where no chain of beats fits.
    pub(super) fn decode(&self, strength: &Strength, to_end: bool) -> Option<Vec<f64>> {
        let mut offsets = walk(&self.gain, &self.period, to_end)?;
        if to_end {
            offsets.pop();
        }
        let precise = |offset: usize| {
            let time_ms = self.time_ms(offset);
            let refined = strength.refine(step_of(time_ms));
            if (refined - time_ms).abs() < STEP_MS && strength.around(time_ms) > 0.1 {
                refined
            } else {
                time_ms
            }
        };
        Some(offsets.into_iter().map(precise).collect())
    }
}

/// Offsets of the beats of the best chain, without the first at 0.
///
/// ```text
/// score(0) = 0
/// score(t) = gain(t) + max over τ in 0.7·T(t) ..= 1.45·T(t) of [ score(t - τ) - 25·ln²(τ / T(t)) ]
/// ```
///
/// The chain ends at the last offset (`to_end`), or with the best of the last beat's length. Ellis, JNMR 36(1), 2007.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "lengths of beats are 8 to 435 steps"
)]
fn walk(gain: &[f32], period: &[f32], to_end: bool) -> Option<Vec<usize>> {
    let logs: Vec<f32> = (0..=(BOUNDS.1 * LONGEST) as usize + 1).map(|tau| (tau as f32).ln()).collect();
    let mut score = vec![f32::NEG_INFINITY; gain.len()];
    let mut back = vec![0_u16; gain.len()];
    *score.first_mut()? = 0.0;
    for t in 1..gain.len() {
        let expected = period[t];
        let log = expected.ln();
        let (shortest, longest) = ((expected * SHORTEST).ceil() as usize, (expected * LONGEST) as usize);
        let mut best = (f32::NEG_INFINITY, 0);
        for tau in shortest..=longest.min(t) {
            let away = logs[tau] - log;
            let found = score[t - tau] - TIGHTNESS * away * away;
            if found > best.0 {
                best = (found, tau);
            }
        }
        score[t] = best.0 + gain[t];
        back[t] = best.1 as u16;
    }
    let last = gain.len() - 1;
    let within = if to_end { last } else { last.saturating_sub(period[last] as usize) };
    let mut at = (within..=last).rev().max_by(|&a, &b| score[a].total_cmp(&score[b]))?;
    if score[at] == f32::NEG_INFINITY {
        return None;
    }
    let mut offsets = Vec::new();
    while at > 0 {
        offsets.push(at);
        at -= usize::from(back[at]);
    }
    offsets.reverse();
    Some(offsets)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths of a few steps")]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_the_best_of_all_chains() {
        // Every chain of lengths 9 to 17 over 40 steps, by hand.
        fn all(gain: &[f32], period: f32, from: usize) -> f32 {
            let mut best = if from == gain.len() - 1 { 0.0 } else { f32::NEG_INFINITY };
            for tau in (period * SHORTEST).ceil() as usize..=(period * LONGEST) as usize {
                if let Some(gained) = gain.get(from + tau) {
                    let away = (tau as f32 / period).ln();
                    best = best.max(gained - TIGHTNESS * away * away + all(gain, period, from + tau));
                }
            }
            best
        }
        for seed in 0..50_u32 {
            let noise =
                |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 977) >> 16 & 255) as f32 / 255.0;
            let gain: Vec<f32> = (0..41).map(noise).collect();
            let found = walk(&gain, &[12.0; 41], true).unwrap();
            let mut score = 0.0;
            let mut before = 0;
            for at in found {
                let away = ((at - before) as f32 / 12.0).ln();
                score += gain[at] - TIGHTNESS * away * away;
                before = at;
            }
            assert!((score - all(&gain, 12.0, 0)).abs() < 1e-4, "{score}");
        }
    }

    #[test]
    fn nothing_fits_into_too_short_a_stretch() {
        assert_eq!(walk(&[0.0; 5], &[50.0; 5], true), None);
        assert_eq!(walk(&[], &[], true), None);
        assert_eq!(walk(&[0.0], &[50.0], true), Some(vec![]));
    }
}
