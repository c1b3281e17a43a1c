//! Events at a time, matched one to one: the F-measure of beats and downbeats.
//!
//! ```text
//! precision = matched / estimated      recall = matched / reference
//! F = 2 · precision · recall / (precision + recall)
//! ```
//!
//! An estimate may be matched with a reference at most `window_s` away, each at most once, and as many as can be
//! are matched (Dixon, "Onset detection revisited", DAFx 2006; Davies et al., C4DM-TR-09-06, 2009; as
//! `mir_eval.beat.f_measure`).

/// How far a beat may be from the truth, in seconds.
pub const BEAT_WINDOW_S: f64 = 0.07;

/// F-measure, 0 to 1, of `estimated` against `reference`: rising times in seconds. 0 where either is empty.
#[must_use]
pub fn f_measure(reference: &[f64], estimated: &[f64], window_s: f64) -> f64 {
    let matched = count_matched(reference, estimated, window_s) as f64;
    if matched == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (matched / estimated.len() as f64, matched / reference.len() as f64);
    2.0 * precision * recall / (precision + recall)
}

/// Size of the largest one-to-one matching of rising times, in linear time.
#[must_use]
pub fn count_matched(reference: &[f64], estimated: &[f64], window_s: f64) -> usize {
    matches(reference, estimated, window_s).count()
}

/// The largest one-to-one matching of rising times, in linear time: places in `reference` and in `estimated`, rising.
///
/// Both ends of an estimate's window rise with the estimate, so the earliest reference that is still free is
/// never worth more to a later estimate: taking it at once loses nothing.
pub fn matches(reference: &[f64], estimated: &[f64], window_s: f64) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    estimated.iter().enumerate().filter_map(move |(said, &time)| {
        // The comparisons that mir_eval makes, down to the rounding of the window's ends.
        while at < reference.len() && reference[at] < time - window_s {
            at += 1;
        }
        let is_match = at < reference.len() && reference[at] <= time + window_s;
        at += usize::from(is_match);
        is_match.then(|| (at - 1, said))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use testmusic::Rng;

    /// The naive twin: augmenting paths, whatever the shape of the windows.
    fn augmented(reference: &[f64], estimated: &[f64], window_s: f64) -> usize {
        fn place(at: usize, hits: &[Vec<usize>], taken: &mut [Option<usize>], seen: &mut [bool]) -> bool {
            hits[at].iter().any(|&reference| {
                if std::mem::replace(&mut seen[reference], true) {
                    return false;
                }
                let free = taken[reference].is_none_or(|other| place(other, hits, taken, seen));
                if free {
                    taken[reference] = Some(at);
                }
                free
            })
        }
        let near = |e: &f64| {
            (0..reference.len()).filter(|&r| (reference[r] - e).abs() <= window_s).collect::<Vec<_>>()
        };
        let hits: Vec<Vec<usize>> = estimated.iter().map(near).collect();
        let mut taken = vec![None; reference.len()];
        (0..hits.len()).filter(|&e| place(e, &hits, &mut taken, &mut vec![false; reference.len()])).count()
    }

    #[test]
    fn the_sweep_matches_as_many_as_augmenting_paths() {
        let mut rng = Rng::new(3);
        for _ in 0..2_000 {
            let mut times = |count: usize| {
                let mut times: Vec<f64> = (0..rng.below(count)).map(|_| rng.unit()).collect();
                times.sort_by(f64::total_cmp);
                times
            };
            let (reference, estimated) = (times(12), times(12));
            let want = augmented(&reference, &estimated, 0.07);
            assert_eq!(count_matched(&reference, &estimated, 0.07), want, "{reference:?} {estimated:?}");
        }
    }

    #[test]
    fn one_estimate_is_worth_one_reference() {
        assert_eq!(count_matched(&[1.0, 1.05], &[1.02], 0.07), 1);
        assert_eq!(count_matched(&[1.0], &[0.98, 1.0, 1.02], 0.07), 1);
        // The nearest pair (1.05, 1.04) first would leave 1.10 and 0.99 alone.
        assert_eq!(count_matched(&[1.05, 1.11], &[0.99, 1.05], 0.07), 2);
    }

    #[test]
    fn nothing_is_worth_nothing() {
        assert_eq!(f_measure(&[], &[], 0.07), 0.0);
        assert_eq!(f_measure(&[1.0], &[], 0.07), 0.0);
        assert_eq!(f_measure(&[], &[1.0], 0.07), 0.0);
        assert_eq!(f_measure(&[1.0], &[1.0], 0.07), 1.0);
    }
}
