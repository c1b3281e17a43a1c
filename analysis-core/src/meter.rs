//! Bars, time signature and divisions of the tracked beats.

use crate::beats::{BarPlace, DecodedBeat};
use crate::memory::Memory;
use crate::rhythm::Beat;
use crate::timing;

/// Moments between two beats at which divisions are looked for, as fractions of the beat.
const FRACTIONS: [f64; 7] = [0.25, 1.0 / 3.0, 0.5, 0.58, 2.0 / 3.0, 0.75, 0.83];

/// A beat that the decoder has settled, and what was heard around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrackedBeat {
    /// Frame at which the decoder has it.
    pub(crate) frame: usize,
    /// Time of its attack, in steps of 0.1 ms.
    pub(crate) time: u32,
    /// Its place in its bar.
    pub(crate) place: BarPlace,
    /// Log-odds of a beat there, in sixteenths of a nat.
    pub(crate) belief: i8,
    /// Normalised flux at [`FRACTIONS`] of the way to the next beat, in steps of 1/32.
    between: [u8; FRACTIONS.len()],
}

impl TrackedBeat {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are positive and below 2^32 steps; beliefs are clamped"
    )]
    pub(crate) fn new(beat: DecodedBeat, belief: f32, memory: &Memory) -> Self {
        Self {
            frame: beat.frame,
            time: (memory.attack_time(beat.frame as f64) * 1e4).round() as u32,
            place: beat.place,
            belief: (belief * 16.0).clamp(-127.0, 127.0) as i8,
            between: [0; FRACTIONS.len()],
        }
    }

    /// Looks at what was heard between this beat and the one at frame `next`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are far below 2^52; flux is positive and clamped"
    )]
    pub(crate) fn look_between(&mut self, next: usize, memory: &Memory) {
        let (from, length) = (self.frame as f64, next as f64 - self.frame as f64);
        self.between = FRACTIONS.map(|part| (memory.flux(from + part * length) * 32.0).min(255.0) as u8);
    }

    fn seconds(&self) -> f64 {
        f64::from(self.time) * 1e-4
    }
}

/// Times, bars and confidence of the tracked beats.
pub(crate) fn beats(tracked: &[TrackedBeat]) -> Vec<Beat> {
    let times = timing::steady(&tracked.iter().map(TrackedBeat::seconds).collect::<Vec<_>>());
    let mut bar = 1;
    let mut out = Vec::with_capacity(tracked.len());
    for (i, (beat, time_s)) in tracked.iter().zip(times).enumerate() {
        bar += u32::from(beat.place.position == 1 && i > 0);
        out.push(Beat { time_s, bar, position: beat.place.position, confidence: confidence(tracked, i) });
    }
    out
}

/// Logistic function of the belief at a beat and, more, around it.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn confidence(tracked: &[TrackedBeat], i: usize) -> f32 {
    let nats = |beat: &TrackedBeat| f32::from(beat.belief) / 16.0;
    let near = &tracked[i.saturating_sub(4)..(i + 5).min(tracked.len())];
    let mean = near.iter().map(nats).sum::<f32>() / near.len() as f32;
    1.0 / (1.0 + (-(0.7 * mean + 0.3 * nats(&tracked[i]))).exp())
}

/// Beats in most bars; `None` where fewer than two bars were heard.
#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
pub(crate) fn beats_per_bar(tracked: &[TrackedBeat]) -> Option<u8> {
    let mut count = [0_usize; 8];
    for beat in tracked.iter().filter(|beat| beat.place.position == 1) {
        count[usize::from(beat.place.beats_per_bar)] += 1;
    }
    let best = (2..8).max_by_key(|&n| count[n] * n)?;
    (count[best] >= 2).then_some(best as u8)
}

/// Time signature of bars of so many beats: 2/4, 3/4, 4/4, 5/4, 6/8 or 7/8. Two beats of three parts each are
/// 6/8.
pub(crate) fn time_signature(tracked: &[TrackedBeat], beats_per_bar: u8) -> Option<String> {
    let triple = (0..tracked.len()).filter(|&i| parts(tracked, i) == 3).count();
    let compound = 2 * triple > tracked.len();
    match beats_per_bar {
        2 if compound => Some("6/8".into()),
        2..=5 => Some(format!("{beats_per_bar}/4")),
        6 | 7 => Some(format!("{beats_per_bar}/8")),
        _ => None,
    }
}

/// Times of the smallest regular pulse, in seconds: each beat, at `times`, divided evenly into as many parts
/// as are heard around it.
#[expect(clippy::cast_precision_loss, reason = "a beat has at most four parts")]
pub(crate) fn tatums(tracked: &[TrackedBeat], times: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for (i, pair) in times.windows(2).enumerate() {
        let count = parts(tracked, i);
        out.extend((0..count).map(|part| pair[0] + (pair[1] - pair[0]) * part as f64 / count as f64));
    }
    out.extend(times.last());
    out
}

/// Beats to either side over which the division of a beat is judged.
const DIVISION_REACH: usize = 8;
/// Normalised flux that thirds must have over halves.
const TRIPLE_LEAD: f32 = 0.2;
/// Mean normalised flux from which on a division is heard.
const HEARD: f32 = 0.8;

/// Parts that the beats around beat `i` divide into: 1 to 4, as far as is heard.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn parts(tracked: &[TrackedBeat], i: usize) -> usize {
    let around = &tracked[i.saturating_sub(DIVISION_REACH)..(i + DIVISION_REACH).min(tracked.len() - 1)];
    let mean = |places: &[usize]| {
        let sum: f32 =
            around.iter().flat_map(|beat| places.iter().map(|&p| f32::from(beat.between[p]))).sum();
        sum / 32.0 / (around.len().max(1) * places.len()) as f32
    };
    let (half, third, quarter) = (mean(&[2]), mean(&[1, 4]), mean(&[0, 5]));
    if third > half + TRIPLE_LEAD && third > HEARD {
        3
    } else if quarter > HEARD {
        4
    } else if half > HEARD {
        2
    } else {
        1
    }
}
