//! How far a mean over few tracks can be trusted (Efron, "Bootstrap methods: another look at the jackknife",
//! Annals of Statistics 7(1), 1979).

use testmusic::Rng;

/// Resamples drawn.
const RESAMPLES: usize = 2_000;

/// A mean and the interval that holds it with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Mean of the values.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Percentile bootstrap of the mean, from 2,000 resamples: the same values give the same interval. `None` of no
/// values; one value is its own interval.
#[must_use]
pub fn of_mean(values: &[f64]) -> Option<Interval> {
    let mean = mean(values.iter().copied())?;
    let mut rng = Rng::new(1979);
    let resampled = |_| (0..values.len()).map(|_| rng.pick(values)).sum::<f64>() / values.len() as f64;
    let mut means: Vec<f64> = (0..RESAMPLES).map(resampled).collect();
    means.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40; // 2.5 % on either side
    Some(Interval { mean, low: means[tail], high: means[RESAMPLES - 1 - tail] })
}

/// Arithmetic mean; `None` of no values.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_one_and_equal_values() {
        assert_eq!(of_mean(&[]), None);
        for values in [vec![0.3], vec![0.3; 9]] {
            let interval = of_mean(&values).unwrap();
            let close = |x: f64| (x - 0.3).abs() < 1e-12;
            assert!(close(interval.mean) && close(interval.low) && close(interval.high));
        }
    }

    #[test]
    fn the_interval_is_as_wide_as_theory_says() {
        // 400 values evenly over 0..1: the mean's standard error is 1/√12/√400, its 95 % interval ±1.96 of it.
        let values: Vec<f64> = (0..400).map(|i| (f64::from(i) + 0.5) / 400.0).collect();
        let interval = of_mean(&values).unwrap();
        let want = 1.96 / 12.0_f64.sqrt() / 20.0;
        assert!((interval.high - 0.5 - want).abs() < 0.1 * want, "{interval:?}");
        assert!((0.5 - interval.low - want).abs() < 0.1 * want, "{interval:?}");
    }

    #[test]
    fn the_interval_holds_the_mean_about_as_often_as_it_says() {
        let mut rng = Rng::new(11);
        let held = (0..300)
            .filter(|_| {
                let sample: Vec<f64> = (0..40).map(|_| rng.unit()).collect();
                of_mean(&sample).is_some_and(|interval| interval.low <= 0.5 && 0.5 <= interval.high)
            })
            .count();
        assert!((270..=298).contains(&held), "{held} of 300");
    }
}
