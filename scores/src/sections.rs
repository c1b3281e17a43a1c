//! Where sections begin: the boundary hit rate at 0.5 s and 3 s (Turnbull et al., "A supervised approach for
//! detecting boundaries in music", ISMIR 2007; Levy and Sandler, IEEE TASLP 16(2), 2008; as
//! `mir_eval.segment.detection`).

use crate::events;

/// The strict and the lenient window, in seconds.
pub const WINDOWS_S: [f64; 2] = [0.5, 3.0];

/// F-measure, 0 to 1, of estimated boundaries: rising times in seconds, compared after rounding to 10 µs and
/// without doubles. The start and the end of the track are no finds: leave them out with [`inner`].
#[must_use]
pub fn boundary_f(reference: &[f64], estimated: &[f64], window_s: f64) -> f64 {
    events::f_measure(&distinct(reference), &distinct(estimated), window_s)
}

/// All boundaries but the first and the last.
#[must_use]
pub fn inner(boundaries: &[f64]) -> &[f64] {
    boundaries.get(1..boundaries.len().saturating_sub(1)).unwrap_or_default()
}

fn distinct(times: &[f64]) -> Vec<f64> {
    let mut rounded: Vec<f64> = times.iter().map(|time| (time * 1e5).round_ties_even() / 1e5).collect();
    rounded.dedup();
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_decides() {
        let (truth, said) = ([0.0, 20.0, 40.0, 60.0], [0.0, 20.4, 42.0, 60.0]);
        assert_eq!(boundary_f(&truth, &said, 0.5), 0.75);
        assert_eq!(boundary_f(&truth, &said, 3.0), 1.0);
        assert_eq!(boundary_f(inner(&truth), inner(&said), 0.5), 0.5);
    }

    #[test]
    fn nothing_inside_scores_nothing() {
        assert_eq!(inner(&[]), &[] as &[f64]);
        assert_eq!(inner(&[0.0]), &[] as &[f64]);
        assert_eq!(boundary_f(inner(&[0.0, 9.0]), inner(&[0.0, 9.0]), 0.5), 0.0);
    }
}
