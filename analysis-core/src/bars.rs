//! Bars over settled beats: the last word on places, with the whole track in view.

use crate::beats::{BarPlace, BeatModel, ENDS, PLACES, USED, bar_starting};
use crate::tracked::TrackedBeat;

/// A beat this many times as long as the one before is a pause: what follows may begin anywhere in a bar.
const PAUSE: f64 = 2.5;
/// … but at least this many times this, in seconds: the shortest beat.
const SHORTEST_S: f64 = 0.23;

/// What a bar of 2 costs beyond its prior, in nats: half a bar of 4 sounds much like it, and 4 is what people count.
const HALF_BAR: f32 = 1.8;

/// The place of each beat in bars of 2 to 7: Viterbi over beats, with the downbeat evidence, the bars and the cost of
/// their change that the beat decoder has too.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "there are 27 places")]
pub(crate) fn places(beats: &[TrackedBeat], model: &BeatModel) -> Vec<BarPlace> {
    let mut before = vec![[0_u8; USED]; beats.len()];
    let mut score = [0.0_f32; USED];
    let mut bars = model.bars;
    bars[0] -= HALF_BAR;
    for (i, beat) in beats.iter().enumerate() {
        let (_, first, other) = model.weigh(beat.at.evidence());
        let mut next = [0.0; USED];
        let free = i == 0 || pauses(beats, i);
        for lane in 0..USED {
            let start = bar_starting(lane);
            let (best, from) = match start {
                _ if free => best_of(&score, 0..USED, 0.0),
                Some(bar) => {
                    let kept = (score[ENDS[bar]], ENDS[bar]);
                    let changed = best_of(&score, ENDS, model.bar_change);
                    if changed.0 > kept.0 { changed } else { kept }
                }
                None => (score[lane - 1], lane - 1),
            };
            next[lane] = best + start.map_or(other, |bar| first + bars[bar]);
            before[i][lane] = from as u8;
        }
        // Relative to the best, so that f32 stays exact however long the track.
        let (top, _) = best_of(&next, 0..USED, 0.0);
        score = next.map(|score| score - top);
    }
    let (_, mut lane) = best_of(&score, 0..USED, 0.0);
    let mut places = vec![PLACES[0]; beats.len()];
    for (place, before) in places.iter_mut().zip(&before).rev() {
        *place = PLACES[lane];
        lane = before[lane].into();
    }
    places
}

fn best_of(score: &[f32; USED], lanes: impl IntoIterator<Item = usize>, cost: f32) -> (f32, usize) {
    let better =
        |best: (f32, usize), lane: usize| if score[lane] > best.0 { (score[lane], lane) } else { best };
    let (best, lane) = lanes.into_iter().fold((f32::NEG_INFINITY, 0), better);
    (best - cost, lane)
}

/// Whether there is a pause before beat `i`.
fn pauses(beats: &[TrackedBeat], i: usize) -> bool {
    let length = |i: usize| beats[i].at.seconds() - beats[i - 1].at.seconds();
    i > 1 && length(i) > PAUSE * length(i - 1).max(SHORTEST_S)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "a handful of beats")]
mod tests;
