//! The stored onset strength, made comparable over the track.

/// Time between its values, in ms.
pub(super) const STEP_MS: f64 = 10.0;
/// Values to either side over which the mean is taken: half a second.
const MEAN_REACH: usize = 50;
/// … and the spread: two seconds.
const SPREAD_REACH: usize = 200;
/// A rise of this many times the spread counts as 1.
const FULL: f32 = 3.0;
/// Spread that is as good as none: strength below it is the noise of its byte.
const LEAST_SPREAD: f32 = 0.01;

/// Onset strength against its surroundings, 0 to 1, every 10 ms.
///
/// ```text
/// r[n] = max(0, x[n] - mean of x over ±0.5 s)
/// e[n] = min(1, r[n] / (3 · RMS of r over ±2 s))
/// ```
#[derive(Debug)]
pub(super) struct Strength(Vec<f32>);

impl Strength {
    /// From the frames of level 0. Where frames lie apart further than 10 ms each holds until the next; where they are
    /// closer the strongest counts.
    pub(super) fn new(onset: &[f32], hop_ms: u32, duration_ms: u32) -> Self {
        let steps = duration_ms as usize / 10 + 1;
        let hop_ms = hop_ms.max(1) as usize;
        let at = |step: usize| {
            let (from, to) = (step * 10 / hop_ms, ((step + 1) * 10).div_ceil(hop_ms));
            let frames = onset.get(from..to.max(from + 1).min(onset.len())).unwrap_or_default();
            frames.iter().copied().filter(|x| x.is_finite()).fold(0.0, f32::max)
        };
        let mut values: Vec<f32> = (0..steps).map(at).collect();
        // Each rise is written over the value that no mean needs any more.
        let means = moving(&values, MEAN_REACH, |x| x);
        values.iter_mut().zip(means).for_each(|(x, mean)| *x = (*x - mean).max(0.0));
        let squares = moving(&values, SPREAD_REACH, |x| x * x);
        for (x, square) in values.iter_mut().zip(squares) {
            *x = (*x / (FULL * square.sqrt().max(LEAST_SPREAD))).min(1.0);
        }
        Self(values)
    }

    /// At a step; 0 outside of the track.
    pub(super) fn at(&self, step: i64) -> f32 {
        usize::try_from(step).ok().and_then(|step| self.0.get(step)).copied().unwrap_or_default()
    }

    /// At a time, the strongest of the step and its neighbours.
    pub(super) fn around(&self, time_ms: f64) -> f32 {
        let step = step_of(time_ms);
        (step - 1..=step + 1).map(|step| self.at(step)).fold(0.0, f32::max)
    }

    /// The time of the strongest onset within `reach_ms` of a time, refined between steps; `None` where nothing rises.
    pub(super) fn snap(&self, time_ms: f64, reach_ms: f64) -> Option<f64> {
        let (middle, reach) = (step_of(time_ms), step_of(reach_ms).max(1));
        // Of equals the nearest.
        let better = |a: &i64, b: &i64| {
            self.at(*a).total_cmp(&self.at(*b)).then((b - middle).abs().cmp(&(a - middle).abs()))
        };
        let best = (middle - reach..=middle + reach).max_by(better)?;
        (self.at(best) > 0.1).then(|| self.refine(best))
    }

    /// The vertex of the parabola through a step and its neighbours, in ms.
    pub(super) fn refine(&self, step: i64) -> f64 {
        let y = [self.at(step - 1), self.at(step), self.at(step + 1)];
        #[expect(clippy::cast_precision_loss, reason = "steps of a track are far fewer than 2^52")]
        let middle = step as f64;
        let peak = y[1] > 0.0 && y[1] >= y[0] && y[1] >= y[2];
        let shift = if peak { crate::tempo::peak_shift(&y) } else { 0.0 };
        (middle + f64::from(shift)) * STEP_MS
    }
}

/// The step nearest to a time.
#[expect(clippy::cast_possible_truncation, reason = "times are within 50 days of ms")]
pub(super) fn step_of(time_ms: f64) -> i64 {
    (time_ms / STEP_MS).round() as i64
}

/// Mean of `of(x)` over `reach` values to either side of each.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "means of values up to 1")]
fn moving(values: &[f32], reach: usize, of: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut sum: f64 = values.iter().take(reach).map(|&x| f64::from(of(x))).sum();
    let mut count = reach.min(values.len());
    let mut means = Vec::with_capacity(values.len());
    for i in 0..values.len() {
        if let Some(&new) = values.get(i + reach) {
            sum += f64::from(of(new));
            count += 1;
        }
        if i > reach {
            sum -= f64::from(of(values[i - reach - 1]));
            count -= 1;
        }
        means.push((sum.max(0.0) / count.max(1) as f64) as f32);
    }
    means
}
