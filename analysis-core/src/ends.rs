//! Where beats begin and end: trimmed to what sounds, led on to the first and the last hit.

use crate::beats::MAX_INTERVAL;
use crate::onset::Onset;
use crate::tracked::{Moment, TrackedBeat};

/// Frames that a beat may lie outside what sounds.
const OUTSIDE: usize = 5;
/// Beats that are added at most at either end: the decoder needs a few to get going.
const MOST: usize = 4;
/// Beats at an end that tell the step.
const JUDGED: usize = 5;
/// An onset this near to where a beat should be, in beats, is that beat.
const NEAR: f64 = 0.1;
/// Longest beat, in seconds: what lasts longer is a pause.
const LONGEST_S: f64 = MAX_INTERVAL as f64 * 0.01;
/// Beats must cover this share of what sounds: fewer are chance.
const COVERED: f64 = 0.25;

/// The beats between the first and the last frame that sound: the decoder also counts on through silence. None if
/// they cover too little of it.
#[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
pub(crate) fn trim(beats: &[TrackedBeat], (first, last): (usize, usize)) -> &[TrackedBeat] {
    let from = beats.partition_point(|beat| beat.at.frame as usize + OUTSIDE < first);
    let to = beats.partition_point(|beat| beat.at.frame as usize <= last + OUTSIDE);
    let beats = &beats[from..to.max(from)];
    if covered(beats) < COVERED * (last - first) as f64 { &[] } else { beats }
}

/// Frames that beats cover, each up to the next, but none for longer than twice the usual.
fn covered(beats: &[TrackedBeat]) -> f64 {
    let mut lengths: Vec<u32> = beats.windows(2).map(|pair| pair[1].at.frame - pair[0].at.frame).collect();
    lengths.sort_unstable();
    let longest = 2 * lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    lengths.iter().map(|&length| f64::from(length.min(longest))).sum()
}

/// Adds the beats before the first and after the last whose hits were heard. The `first` frame that sounds is one.
#[expect(clippy::cast_precision_loss, reason = "frames are far below 2^52")]
pub(crate) fn lead_on(beats: &mut Vec<TrackedBeat>, onsets: &[Onset], first: usize) {
    let begins = [Onset { time_s: first as f64 * 0.01, confidence: 1.0 }];
    for _ in 0..MOST {
        let outward: Vec<Moment> = beats.iter().take(JUDGED).rev().map(|beat| beat.at).collect();
        let Some(before) = next(&outward, onsets).or_else(|| next(&outward, &begins)) else { break };
        beats.insert(0, before);
    }
    for _ in 0..MOST {
        let outward: Vec<Moment> =
            beats[beats.len().saturating_sub(JUDGED)..].iter().map(|beat| beat.at).collect();
        let Some(after) = next(&outward, onsets) else { break };
        beats.push(after);
    }
}

/// The beat that follows the last of these moments in their step, if it was heard. The last itself is the least sure, and
/// only counts where there are few.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "times of onsets are positive and below 2^32 steps"
)]
fn next(outward: &[Moment], onsets: &[Onset]) -> Option<TrackedBeat> {
    let (last, sure) = outward.split_last()?;
    let (sure, ahead) = if sure.len() >= 3 { (sure, 2.0) } else { (outward, 1.0) };
    let [from, .., to] = sure else { return None };
    let step = (to.seconds() - from.seconds()) / (sure.len() - 1) as f64;
    if step.abs() > LONGEST_S {
        return None;
    }
    let expected = to.seconds() + ahead * step;
    let after = onsets.partition_point(|onset| onset.time_s < expected - NEAR * step.abs());
    let away = |onset: &&Onset| (onset.time_s - expected).abs();
    let near = onsets[after..].iter().take_while(|onset| away(onset) <= NEAR * step.abs());
    let onset = near.min_by(|a, b| away(a).total_cmp(&away(b)))?;
    let time = (onset.time_s * 1e4).round() as u32;
    let beyond = if step > 0.0 { time > last.time } else { time < last.time };
    let at = Moment::unheard((onset.time_s * 100.0).round() as u32, time);
    beyond.then(|| TrackedBeat::new(Moment { belief: last.belief, ..at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(frames: impl IntoIterator<Item = u32>) -> Vec<TrackedBeat> {
        frames.into_iter().map(|frame| TrackedBeat::new(Moment::unheard(frame, 100 * frame))).collect()
    }

    fn frames(beats: &[TrackedBeat]) -> Vec<u32> {
        beats.iter().map(|beat| beat.at.frame).collect()
    }

    fn onsets(times_s: &[f64]) -> Vec<Onset> {
        times_s.iter().map(|&time_s| Onset { time_s, confidence: 1.0 }).collect()
    }

    #[test]
    fn beats_in_silence_go() {
        let all = beats((0..20).map(|i| 50 * i));
        assert_eq!(frames(trim(&all, (200, 700))), (4..=14).map(|i| 50 * i).collect::<Vec<_>>());
        assert!(trim(&all, (2000, 3000)).is_empty());
        assert!(trim(&[], (0, 0)).is_empty());
    }

    #[test]
    fn a_few_beats_in_a_long_track_are_chance() {
        assert!(trim(&beats([100, 150, 200, 250]), (0, 6000)).is_empty());
        assert_eq!(trim(&beats([100, 150, 200, 250]), (90, 300)).len(), 4);
    }

    #[test]
    fn hits_in_step_with_the_ends_are_beats_too() {
        let mut all = beats((4..20).map(|i| 50 * i));
        lead_on(&mut all, &onsets(&[0.2, 1.01, 1.49, 1.7, 9.98, 10.9]), 52);
        assert_eq!(frames(&all)[..4], [52, 101, 149, 200]);
        assert_eq!(frames(&all)[19..], [998]);
        let mut few = beats([100]);
        lead_on(&mut few, &onsets(&[0.5, 1.5]), 0);
        assert_eq!(frames(&few), [100]);
    }

    #[test]
    fn a_pause_is_no_step() {
        let mut all = beats([4000, 8000, 12000, 16000]);
        lead_on(&mut all, &onsets(&[0.1, 200.0]), 0);
        assert_eq!(frames(&all), [4000, 8000, 12000, 16000]);
    }
}
