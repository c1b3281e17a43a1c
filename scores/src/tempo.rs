//! Tempo accuracy (Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE TASLP
//! 14(5), 2006):
//!
//! ```text
//! |estimate − f · truth| ≤ 0.04 · f · truth
//! ```
//!
//! with `f = 1` for Accuracy 1 and any of 1, 2, 3, 1/2, 1/3 for Accuracy 2.

/// How far a tempo may be off, as a share.
const TOLERANCE: f64 = 0.04;

/// Levels that Accuracy 2 takes as right.
const FACTORS: [f64; 5] = [1.0, 2.0, 3.0, 1.0 / 2.0, 1.0 / 3.0];

/// Whether the tempo is right. No tempo is not.
#[must_use]
pub fn accuracy_1(truth_bpm: f64, estimate_bpm: Option<f64>) -> bool {
    estimate_bpm.is_some_and(|estimate| is_near(truth_bpm, estimate))
}

/// Whether the tempo is right but for the metrical level.
#[must_use]
pub fn accuracy_2(truth_bpm: f64, estimate_bpm: Option<f64>) -> bool {
    estimate_bpm.is_some_and(|estimate| FACTORS.iter().any(|factor| is_near(factor * truth_bpm, estimate)))
}

fn is_near(target_bpm: f64, estimate_bpm: f64) -> bool {
    estimate_bpm > 0.0 && (estimate_bpm - target_bpm).abs() <= TOLERANCE * target_bpm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_per_cent_is_the_border() {
        assert!(accuracy_1(100.0, Some(104.0)) && accuracy_1(100.0, Some(96.0)));
        assert!(!accuracy_1(100.0, Some(104.1)) && !accuracy_1(100.0, Some(95.9)));
    }

    #[test]
    fn levels_are_forgiven_by_accuracy_2_alone() {
        for said in [200.0, 300.0, 50.0, 100.0 / 3.0] {
            assert!(!accuracy_1(100.0, Some(said)) && accuracy_2(100.0, Some(said)), "{said}");
        }
        assert!(!accuracy_2(100.0, Some(150.0)) && !accuracy_2(100.0, Some(400.0)));
    }

    #[test]
    fn no_tempo_is_wrong() {
        assert!(!accuracy_1(100.0, None) && !accuracy_2(100.0, None) && !accuracy_2(100.0, Some(0.0)));
    }
}
