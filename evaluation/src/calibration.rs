//! Whether said confidences are true: of beats said with 0.8, do eight in ten stand?
//!
//! The reliability table puts beats into bins of equal width by confidence and sets the mean confidence of each bin
//! beside the share that is right, that is within 70 ms of a true beat. The expected calibration error is their mean
//! distance, weighted by beats (Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017):
//!
//! ```text
//! ECE = Σ beats in bin / all beats · |share right − mean confidence|
//! ```

use crate::events::BEAT_WINDOW_S;

/// Number of bins.
pub const BINS: usize = 10;

/// Beats whose confidence lies in one tenth.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Number of beats.
    pub beats: u64,
    /// Sum of their confidences.
    pub confidence: f64,
    /// How many of them are right.
    pub right: u64,
}

impl Bin {
    /// Mean confidence; `None` of no beats.
    #[must_use]
    pub fn mean_confidence(&self) -> Option<f64> {
        (self.beats > 0).then(|| self.confidence / self.beats as f64)
    }

    /// Share that is right; `None` of no beats.
    #[must_use]
    pub fn share_right(&self) -> Option<f64> {
        (self.beats > 0).then(|| self.right as f64 / self.beats as f64)
    }
}

/// A reliability table: bin `i` holds confidences from `i / 10` up to, but not including, `(i + 1) / 10`; the last
/// includes 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    /// The bins, by rising confidence.
    pub bins: [Bin; BINS],
}

impl Reliability {
    /// Counts in beats (rising, in seconds, each with its confidence, 0 to 1) against the truth (rising).
    pub fn add(&mut self, truth: &[f64], beats: impl IntoIterator<Item = (f64, f64)>) {
        for (time, confidence) in beats {
            self.count(confidence, is_near(truth, time));
        }
    }

    /// Counts in one beat.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a confidence is clamped to 0..=1 before it becomes a bin"
    )]
    pub fn count(&mut self, confidence: f64, right: bool) {
        let index = (confidence.clamp(0.0, 1.0) * BINS as f64) as usize;
        let bin = &mut self.bins[index.min(BINS - 1)];
        bin.beats += 1;
        bin.confidence += confidence;
        bin.right += u64::from(right);
    }

    /// Number of beats in all.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.bins.iter().map(|bin| bin.beats).sum()
    }

    /// Expected calibration error, 0 (best) to 1; `None` of no beats.
    #[must_use]
    pub fn expected_error(&self) -> Option<f64> {
        let all = self.beats();
        let gap = |bin: &Bin| (bin.right as f64 - bin.confidence).abs();
        (all > 0).then(|| self.bins.iter().map(gap).sum::<f64>() / all as f64)
    }
}

fn is_near(truth: &[f64], time: f64) -> bool {
    let after = truth.partition_point(|&t| t < time - BEAT_WINDOW_S);
    truth.get(after).is_some_and(|&t| t <= time + BEAT_WINDOW_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testmusic::Rng;

    #[test]
    fn a_known_table_has_a_known_error() {
        let mut table = Reliability::default();
        (0..8).for_each(|i| table.count(0.95, i < 4)); // says 0.95, is 0.5
        (0..2).for_each(|_| table.count(0.25, false)); // says 0.25, is 0
        assert_eq!(table.bins[9].share_right(), Some(0.5));
        assert_eq!(table.bins[2].mean_confidence(), Some(0.25));
        assert_eq!(table.bins[5].share_right(), None);
        assert!((table.expected_error().unwrap() - (0.8 * 0.45 + 0.2 * 0.25)).abs() < 1e-12);
    }

    #[test]
    fn honest_confidences_have_hardly_an_error_and_boasts_a_large_one() {
        let mut rng = Rng::new(5);
        let (mut honest, mut boasting) = (Reliability::default(), Reliability::default());
        for _ in 0..100_000 {
            let chance = rng.unit();
            let right = rng.unit() < chance;
            honest.count(chance, right);
            boasting.count(1.0, right);
        }
        // The share right of 10,000 beats in a bin is off by 0.005 at most (one standard deviation).
        assert!(honest.expected_error().unwrap() < 0.01);
        assert!((boasting.expected_error().unwrap() - 0.5).abs() < 0.01);
    }

    #[test]
    fn a_beat_is_right_within_70_ms() {
        let mut table = Reliability::default();
        table.add(&[1.0, 2.0], [(0.94, 1.0), (1.06, 1.0), (1.5, 1.0), (2.08, 1.0)]);
        assert_eq!((table.beats(), table.bins[9].right), (4, 2));
        assert_eq!(Reliability::default().expected_error(), None);
    }
}
