//! How beats divide: tatums, compound time, swing.

use crate::memory::Memory;
use crate::tracked::TrackedBeat;

/// Steps of a beat at which its divisions are looked for.
const STEPS: usize = 12;
/// Where between two beats the second half may begin, from straight to a dotted rhythm, as fractions of the beat.
const SECOND_HALF: (f64, f64) = (0.44, 0.72);
/// Beats to either side over which the division of a beat is judged.
const REACH: usize = 8;
/// Normalised flux that thirds must have over halves.
const TRIPLE_LEAD: f32 = 0.2;
/// Mean normalised flux from which on a division is heard.
const HEARD: f32 = 0.8;
/// Beats with a second half that a swing ratio takes.
const ENOUGH: usize = 16;

/// What was heard between a beat and the next.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Between {
    /// Normalised flux at each twelfth of the way, in steps of 1/32.
    flux: [u8; STEPS],
    /// Where the second half begins, in steps of 1/255 of the beat, and the normalised flux there.
    half: (u8, u8),
}

impl Between {
    /// Looks at what was heard between two beats, given by their frames.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames are far below 2^52; flux and fractions are positive and bounded"
    )]
    pub(crate) fn of(from: usize, to: usize, memory: &Memory) -> Self {
        let (start, length) = (from as f64, to as f64 - from as f64);
        let steps = |flux: f32| (flux * 32.0).min(255.0) as u8;
        let first = (start + SECOND_HALF.0 * length).round() as usize;
        let last = (start + SECOND_HALF.1 * length).round() as usize;
        let strongest = (first..=last).map(|k| (memory.flux(k as f64), k)).max_by(|a, b| a.0.total_cmp(&b.0));
        let half = strongest.map_or((0, 0), |(flux, k)| {
            let begins = memory.attack_time(k as f64) - memory.attack_time(start);
            ((begins / (length * 0.01) * 255.0).clamp(0.0, 255.0) as u8, steps(flux))
        });
        let at = |step: usize| start + step as f64 / STEPS as f64 * length;
        Self { flux: std::array::from_fn(|step| steps(memory.flux(at(step)))), half }
    }

    /// What was heard from half-way between two beats to half-way after them.
    pub(crate) fn shifted(before: &Self, after: &Self) -> Self {
        let half = STEPS / 2;
        let step = |step: usize| if step < half { before.flux[step + half] } else { after.flux[step - half] };
        Self { flux: std::array::from_fn(step), half: (0, 0) }
    }
}

/// Parts that the beats around beat `i` divide into: 1 to 4, as far as is heard.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
pub(crate) fn parts(tracked: &[TrackedBeat], i: usize) -> usize {
    let around = &tracked[i.saturating_sub(REACH)..(i + REACH).min(tracked.len() - 1)];
    let mean = |places: &[usize]| {
        let flux = |beat: &TrackedBeat| places.iter().map(|&p| f32::from(beat.between.flux[p])).sum::<f32>();
        around.iter().map(flux).sum::<f32>() / 32.0 / (around.len().max(1) * places.len()) as f32
    };
    let (half, third, quarter) = (mean(&[6]), mean(&[4, 8]), mean(&[3, 9]));
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

/// How long the first half of a beat is against the second: 1 is straight, 2 is two parts of a triplet against one.
/// The median over the beats whose second half is heard; `None` where too few have one.
pub(crate) fn swing_ratio(tracked: &[TrackedBeat]) -> Option<f32> {
    let heard = |beat: &TrackedBeat| f32::from(beat.between.half.1) / 32.0 > HEARD;
    let mut halves: Vec<u8> = tracked.iter().filter(|b| heard(b)).map(|b| b.between.half.0).collect();
    if halves.len() < ENOUGH || 3 * halves.len() < tracked.len() {
        return None;
    }
    halves.sort_unstable();
    let first = f32::from(halves[halves.len() / 2]) / 255.0;
    (first < 1.0).then(|| first / (1.0 - first))
}
