//! The likeliest way through the keys: changes only where they are certain.

use crate::key_profiles::{KEYS, KeyScores};

/// What a change of key costs, in correlation summed over segments. A change to a distant key gains about 0.5 a
/// segment of 2 s and is believed after 10 s; one to the relative or the dominant gains 0.1 and needs most of a minute.
const CHANGE_COST: f32 = 2.5;
/// Head start of the whole's key in every segment.
const HOME: f32 = 0.03;

/// Segments `from..to` in one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) key: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Viterbi over the 24 keys: the path with the greatest sum of scores less the cost of its changes. Needs a byte
/// per key and segment (432 kB for 10 hours).
pub(crate) fn runs(scores: &[KeyScores], home: usize) -> Vec<Run> {
    let mut total = [0.0_f32; KEYS];
    let mut came_from: Vec<[u8; KEYS]> = Vec::with_capacity(scores.len());
    for score in scores {
        let leader = best(&total);
        let mut from = [0_u8; KEYS];
        let stay_or_change = total[leader] - CHANGE_COST;
        let base = total[leader];
        for key in 0..KEYS {
            let changes = stay_or_change > total[key];
            // Below 24, so it fits.
            from[key] = u8::try_from(if changes { leader } else { key }).unwrap_or(0);
            let head_start = if key == home { HOME } else { 0.0 };
            // Counted from the leader, so that the sum stays small over any length.
            total[key] = total[key].max(stay_or_change) - base + score[key] + head_start;
        }
        came_from.push(from);
    }
    trace(&came_from, best(&total))
}

fn best(total: &[f32; KEYS]) -> usize {
    (1..KEYS).fold(0, |leader, key| if total[key] > total[leader] { key } else { leader })
}

fn trace(came_from: &[[u8; KEYS]], last: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut key = last;
    for (segment, from) in came_from.iter().enumerate().rev() {
        match runs.last_mut() {
            Some(run) if run.key == key => run.from = segment,
            _ => runs.push(Run { key, from: segment, to: segment + 1 }),
        }
        key = usize::from(from[key]);
    }
    runs.reverse();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clear(key: usize) -> KeyScores {
        std::array::from_fn(|k| if k == key { 0.9 } else { 0.4 })
    }

    #[test]
    fn a_short_excursion_is_not_a_change_and_a_long_one_is() {
        let path = |excursion: usize| {
            let mut scores = vec![clear(0); 20];
            scores.extend(vec![clear(7); excursion]);
            scores.extend(vec![clear(0); 20]);
            runs(&scores, 0).iter().map(|run| run.key).collect::<Vec<_>>()
        };
        assert_eq!(path(3), [0]);
        assert_eq!(path(20), [0, 7, 0]);
    }

    #[test]
    fn runs_cover_every_segment_once() {
        let scores: Vec<KeyScores> = (0..200).map(|i| clear(i / 40)).collect();
        let runs = runs(&scores, 0);
        assert_eq!(runs.first().map(|run| run.from), Some(0));
        assert_eq!(runs.last().map(|run| run.to), Some(200));
        assert!(runs.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(runs.iter().map(|run| run.key).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn no_segments_have_no_runs() {
        assert!(runs(&[], 0).is_empty());
    }
}
