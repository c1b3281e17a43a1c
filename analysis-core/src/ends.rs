//! Where beats begin and end: trimmed to what sounds, led on to the first and the last hit.

use crate::divisions::Between;
use crate::onset::Onset;
use crate::tracked::{Moment, TrackedBeat};

/// Frames that a beat may lie outside what sounds.
const OUTSIDE: usize = 5;
/// Beats that are added at most at either end: the decoder needs a few to get going.
const MOST: usize = 4;
/// An onset this near to where a beat should be, in beats, is that beat.
const NEAR: f64 = 0.1;
/// Beats must cover this share of what sounds: fewer are chance.
const COVERED: f64 = 0.25;

/// The beats between the first and the last frame that sound: the decoder also counts on through silence. None if
/// they cover too little of it.
pub(crate) fn trim(beats: &[TrackedBeat], (first, last): (usize, usize)) -> &[TrackedBeat] {
    let from = beats.partition_point(|beat| beat.at.frame + OUTSIDE < first);
    let to = beats.partition_point(|beat| beat.at.frame <= last + OUTSIDE);
    let beats = &beats[from..to.max(from)];
    if covered(beats) < COVERED * (last - first) as f64 { &[] } else { beats }
}

/// Frames that beats cover, each up to the next, but none for longer than twice the usual.
#[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
fn covered(beats: &[TrackedBeat]) -> f64 {
    let mut lengths: Vec<usize> = beats.windows(2).map(|pair| pair[1].at.frame - pair[0].at.frame).collect();
    lengths.sort_unstable();
    let longest = 2 * lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    lengths.iter().map(|&length| length.min(longest) as f64).sum()
}

/// Adds the beats before the first and after the last whose hits were heard.
pub(crate) fn lead_on(beats: &mut Vec<TrackedBeat>, onsets: &[Onset]) {
    for _ in 0..MOST {
        let [first, second, ..] = beats[..] else { return };
        let Some(before) = next(&second, &first, onsets) else { break };
        beats.insert(0, TrackedBeat { place: first.place, ..before });
    }
    for _ in 0..MOST {
        let [.., second, last] = beats[..] else { return };
        let Some(after) = next(&second, &last, onsets) else { break };
        beats.push(TrackedBeat { place: last.place, ..after });
    }
}

/// The beat that follows `from` and `to` in the same step, if it was heard.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times of onsets are positive and below 2^32 steps"
)]
fn next(from: &TrackedBeat, to: &TrackedBeat, onsets: &[Onset]) -> Option<TrackedBeat> {
    let step = to.at.seconds() - from.at.seconds();
    let expected = to.at.seconds() + step;
    let after = onsets.partition_point(|onset| onset.time_s < expected - NEAR * step.abs());
    let away = |onset: &&Onset| (onset.time_s - expected).abs();
    let near = onsets[after..].iter().take_while(|onset| away(onset) <= NEAR * step.abs());
    let onset = near.min_by(|a, b| away(a).total_cmp(&away(b)))?;
    let time = (onset.time_s * 1e4).round() as u32;
    let at = Moment { frame: (onset.time_s * 100.0).round() as usize, time, ..to.at };
    Some(TrackedBeat { at, half: at, place: to.place, between: Between::default() })
}
