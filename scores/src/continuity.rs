//! Continuity of beats: for how much of a track one could tap along (Hainsworth, "Techniques for the automated
//! analysis of musical audio", 2004; Klapuri, Eronen, Astola, IEEE TASLP 14(1), 2006; as
//! `mir_eval.beat.continuity`).
//!
//! A beat is right when it is close to the nearest truth and so is its step to the neighbouring beat:
//!
//! ```text
//! phase  = |beat − truth| / truth's step          < 0.175
//! period = |1 − beat's step / truth's step|       < 0.175
//! ```
//!
//! `t` counts all right beats, `c` only the longest unbroken run of them, both as a share of the estimated or the
//! true beats, whichever are more. `CML` takes the truth as it is, `AML` the best of the truth, its off-beats, twice
//! the tempo, and half the tempo on odd or even beats.

/// Largest phase and period error of a right beat.
const TOLERANCE: f64 = 0.175;

/// Four shares, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Continuity {
    /// Correct metrical level, longest run.
    pub cml_c: f64,
    /// Correct metrical level, in total.
    pub cml_t: f64,
    /// Any allowed metrical level, longest run.
    pub aml_c: f64,
    /// Any allowed metrical level, in total.
    pub aml_t: f64,
}

/// Continuity of `estimated` against `reference`: rising times in seconds. 0 where either has fewer than two.
#[must_use]
pub fn continuity(reference: &[f64], estimated: &[f64]) -> Continuity {
    if reference.len() < 2 || estimated.len() < 2 {
        return Continuity::default();
    }
    let shares: Vec<(f64, f64)> =
        variations(reference).iter().map(|reference| shares(reference, estimated)).collect();
    Continuity {
        cml_c: shares[0].0,
        cml_t: shares[0].1,
        aml_c: shares.iter().fold(0.0, |best, share| best.max(share.0)),
        aml_t: shares.iter().fold(0.0, |best, share| best.max(share.1)),
    }
}

/// The truth, its off-beats, twice its tempo, and half its tempo on odd and on even beats.
fn variations(reference: &[f64]) -> [Vec<f64>; 5] {
    let mut double = Vec::with_capacity(2 * reference.len());
    for pair in reference.windows(2) {
        double.extend([pair[0], 0.5 * (pair[1] - pair[0]) + pair[0]]);
    }
    double.extend(reference.last());
    let every_second = |times: &[f64], first: usize| times.iter().skip(first).step_by(2).copied().collect();
    [
        reference.to_vec(),
        every_second(&double, 1),
        every_second(reference, 0),
        every_second(reference, 1),
        double,
    ]
}

/// Longest run and total of right beats, as shares.
fn shares(reference: &[f64], estimated: &[f64]) -> (f64, f64) {
    let most = reference.len().max(estimated.len()) as f64;
    let (mut total, mut run, mut longest) = (0_u32, 0_u32, 0_u32);
    for at in 0..estimated.len() {
        // No truth is used twice: two beats within 0.175 steps of it do not step by 0.825.
        if is_right(reference, nearest(reference, estimated[at]), estimated, at) {
            total += 1;
            run += 1;
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    (f64::from(longest) / most, f64::from(total) / most)
}

/// Index of the nearest time; of equals, the first.
fn nearest(reference: &[f64], time: f64) -> usize {
    let after = reference.partition_point(|&r| r < time).min(reference.len() - 1);
    let mut best = after;
    while best > 0 && (time - reference[best - 1]).abs() <= (time - reference[best]).abs() {
        best -= 1;
    }
    best
}

/// Whether a beat fits the truth in phase and period. The first beat, and one nearest the first truth, look
/// forward to the next; all others look back.
fn is_right(reference: &[f64], nearest: usize, estimated: &[f64], at: usize) -> bool {
    let distance = (estimated[at] - reference[nearest]).abs();
    let forward = at == 0 || nearest == 0;
    let truth_step = if forward { step_after(reference, nearest) } else { step_before(reference, nearest) };
    let step = if forward { step_after(estimated, at) } else { step_before(estimated, at) };
    // Truths at one time have a step of 0. A beat on them may still be off by a share of 1 (never right), and
    // dividing by 0 gives infinity or NaN, which is not below the tolerance either.
    distance / truth_step < TOLERANCE && (1.0 - step / truth_step).abs() < TOLERANCE
}

/// Time to the next; at the end, from the one before. A single time steps by 0.
fn step_after(times: &[f64], at: usize) -> f64 {
    if at + 1 < times.len() { times[at + 1] - times[at] } else { step_before(times, at) }
}

fn step_before(times: &[f64], at: usize) -> f64 {
    if at == 0 { 0.0 } else { times[at] - times[at - 1] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(first: f64, step: f64, count: u32) -> Vec<f64> {
        (0..count).map(|i| first + step * f64::from(i)).collect()
    }

    #[test]
    fn the_same_beats_score_one() {
        let truth = grid(5.0, 0.5, 40);
        assert_eq!(continuity(&truth, &truth), Continuity { cml_c: 1.0, cml_t: 1.0, aml_c: 1.0, aml_t: 1.0 });
    }

    #[test]
    fn other_levels_count_only_at_any_level() {
        let truth = grid(5.0, 0.5, 40);
        for other in [grid(5.25, 0.5, 39), grid(5.0, 0.25, 79), grid(5.0, 1.0, 20), grid(5.5, 1.0, 20)] {
            let scores = continuity(&truth, &other);
            assert!(scores.cml_t < 0.05 && scores.aml_t == 1.0, "{scores:?}");
        }
        assert!(continuity(&truth, &grid(5.0, 0.5 / 1.5, 60)).aml_t < 0.05);
    }

    #[test]
    fn one_wrong_beat_breaks_the_run_and_costs_two() {
        let truth = grid(5.0, 0.5, 40);
        let mut said = truth.clone();
        said[20] += 0.2;
        let scores = continuity(&truth, &said);
        assert_eq!((scores.cml_c, scores.cml_t), (20.0 / 40.0, 38.0 / 40.0));
    }

    #[test]
    fn fewer_than_two_beats_score_nothing() {
        assert_eq!(continuity(&[1.0], &grid(0.0, 0.5, 9)), Continuity::default());
        assert_eq!(continuity(&grid(0.0, 0.5, 9), &[1.0]), Continuity::default());
        assert_eq!(continuity(&[], &[]), Continuity::default());
    }
}
