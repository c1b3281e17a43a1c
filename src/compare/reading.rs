//! What a person would say of a comparison: twice as many beats, on the off-beat, late, a bar that begins elsewhere.

use super::scoring::Comparison;
use super::side::{Side, median, median_step};
use scores::events::{BEAT_WINDOW_S, f_measure, matches};

/// Steps whose ratio is this near a whole number are that level, as a share.
const LEVEL_TOLERANCE: f64 = 0.06;
/// From this F-measure on, beats are the same but for what is said.
const SAME: f64 = 0.7;
/// Smaller offsets are those of annotators, in ms.
const SMALLEST_OFFSET_MS: f64 = 5.0;

/// Sentences about two sides; none where there is nothing to add to the scores.
pub(crate) fn of(comparison: &Comparison, a: &Side, b: &Side) -> Vec<String> {
    let mut said = Vec::new();
    if let (Some(scores), Some(a), Some(b)) = (&comparison.beats, &a.beats, &b.beats) {
        let level = level(a, b);
        said.extend(level.map(str::to_owned));
        if level.is_none() && scores.f_measure < SAME {
            said.extend(moved(a, b));
        }
        let offset = scores.median_offset_ms.filter(|_| scores.f_measure >= SAME || level.is_some());
        said.extend(offset.and_then(late));
    }
    let same_beats = comparison.beats.as_ref().is_some_and(|beats| beats.f_measure >= SAME);
    let other_bars = comparison.downbeats.as_ref().is_some_and(|downbeats| downbeats.f_measure < SAME);
    if same_beats && other_bars {
        said.extend(bars(a, b));
    }
    said.extend(
        comparison.key.as_ref().and_then(|key| relation(key.weighted_score, &key.reference, &key.estimate)),
    );
    let louder = comparison.loudness.as_ref().map(|loudness| loudness.difference_lu);
    said.extend(louder.filter(|lu| lu.abs() >= 0.5).map(|lu| {
        format!("B is {:.1} LU {} than A.", lu.abs(), if lu > 0.0 { "louder" } else { "quieter" })
    }));
    said
}

/// Another metrical level.
fn level(a: &[f64], b: &[f64]) -> Option<&'static str> {
    let ratio = median_step(a)? / median_step(b)?;
    let levels = [
        (2.0, "B has twice as many beats as A."),
        (3.0, "B has three times as many beats as A."),
        (0.5, "B has half as many beats as A."),
        (1.0 / 3.0, "B has a third as many beats as A."),
        (1.5, "B has three beats for two of A."),
        (2.0 / 3.0, "B has two beats for three of A."),
    ];
    levels
        .into_iter()
        .find(|(level, _)| (ratio / level - 1.0).abs() < LEVEL_TOLERANCE)
        .map(|(_, words)| words)
}

/// The same steps elsewhere: between the beats, or all of them late or early.
fn moved(a: &[f64], b: &[f64]) -> Option<String> {
    let between: Vec<f64> = a.windows(2).map(|two| f64::midpoint(two[0], two[1])).collect();
    if f_measure(&between, b, BEAT_WINDOW_S) >= SAME {
        return Some("B is on the off-beats of A.".into());
    }
    let nearest = |time: &f64| {
        let after = a.partition_point(|other| other < time);
        let around = &a[after.saturating_sub(1)..a.len().min(after + 1)];
        around.iter().map(|other| time - other).min_by(|x, y| x.abs().total_cmp(&y.abs()))
    };
    let offset_s = median(b.iter().filter_map(nearest).collect())?;
    let back: Vec<f64> = b.iter().map(|time| time - offset_s).collect();
    (f_measure(a, &back, BEAT_WINDOW_S) >= SAME).then(|| late(1000.0 * offset_s)).flatten()
}

fn late(offset_ms: f64) -> Option<String> {
    let word = if offset_ms > 0.0 { "late" } else { "early" };
    (offset_ms.abs() >= SMALLEST_OFFSET_MS).then(|| format!("B is {:.0} ms {word}.", offset_ms.abs()))
}

/// Bars that begin on another beat: where in the bars of A the downbeats of B lie, if most lie in one place.
fn bars(a: &Side, b: &Side) -> Option<String> {
    let (beats, downbeats, said) = (a.beats.as_ref()?, a.downbeats.as_ref()?, b.downbeats.as_ref()?);
    let bars =
        beats.iter().map(|beat| downbeats.partition_point(|down| *down <= *beat)).collect::<Vec<usize>>();
    let places: Vec<usize> =
        (0..bars.len()).map(|i| i - bars.partition_point(|bar| *bar < bars[i])).collect();
    let length = bars.chunk_by(|x, y| x == y).map(<[usize]>::len).max()?;
    let mut counts = vec![0_usize; length];
    matches(beats, said, BEAT_WINDOW_S)
        .filter(|(at, _)| bars[*at] > 0)
        .for_each(|(at, _)| counts[places[at]] += 1);
    let (place, count) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    let is_most = 10 * count > 6 * said.len();
    let (by, word) = if 2 * place <= length { (place, "late") } else { (length - place, "early") };
    let beats = if by == 1 { "one beat".into() } else { format!("{by} beats") };
    (is_most && place > 0).then(|| format!("The bars of B begin {beats} {word}."))
}

/// How a wrong key is related to the right one.
fn relation(score: f64, reference: &str, estimate: &str) -> Option<String> {
    let how = match score {
        1.0 => return None,
        0.5 => "a fifth above",
        0.3 => "the relative key of",
        0.2 => "the parallel key of",
        _ => return Some(format!("{estimate} is not related to {reference}.")),
    };
    Some(format!("{estimate} is {how} {reference}."))
}
