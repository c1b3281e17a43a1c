//! Beats that keep their phase.
//!
//! Where a band goes into double time, the snare falls between the beats and looks like a beat itself; a decoder that
//! sees half a minute then jumps by half a beat, and back when the passage ends. A steady tempo does not do that. What
//! jumps by half a beat between two passages of one tempo is laid on the grid that has more of the track's evidence.

use crate::divisions::Between;
use crate::tracked::{Moment, TrackedBeat};

/// A beat belongs to a steady passage if its length is within this share of the passage's.
const STEADY: f64 = 0.07;
/// Beats of the shortest steady passage.
const SHORTEST: usize = 12;
/// Beats over which a passage's tempo is taken.
const MEMORY: usize = 8;
/// … and the beats of a passage stray from even ones by less than this share of a beat (RMS): free time is not steady,
/// however slowly it moves.
const STRAIGHT: f64 = 0.04;
/// Two passages have one tempo if their beats differ by less than this share.
const ALIKE: f64 = 0.02;
/// Most beats between two passages that are held against each other.
const GAP: f64 = 6.0;
/// How far from half a beat a jump may be, in beats.
const NEAR_HALF: f64 = 0.2;
/// Most that one beat can say for a phase, in nats.
const MOST: f32 = 3.0;

/// Beats `first..=last` of one tempo.
#[derive(Debug, Clone, Copy)]
struct Passage {
    first: usize,
    last: usize,
    /// Length of a beat, in seconds.
    period: f64,
    /// Number of the first passage of its chain: those that are held against each other.
    chain: usize,
    /// Whether it lies half a beat from that one.
    shifted: bool,
}

/// Lays passages that jump by half a beat on the grid of the others.
#[must_use]
pub(crate) fn keep(beats: Vec<TrackedBeat>) -> Vec<TrackedBeat> {
    let mut passages = steady(&beats);
    let mut moved = vec![false; passages.len()];
    let mut from = 0;
    while from < passages.len() {
        let to = chain(&beats, &mut passages, from);
        let weight = |shifted: bool| {
            let own = passages[from..to].iter().filter(|p| p.shifted == shifted);
            own.map(|p| advantage(&beats[p.first..=p.last])).sum::<f32>()
        };
        let wrong = weight(false) >= weight(true);
        let jumps = passages[from..to].iter().any(|passage| passage.shifted);
        for (passage, moved) in passages[from..to].iter().zip(&mut moved[from..to]) {
            *moved = jumps && passage.shifted == wrong;
        }
        from = to;
    }
    if moved.contains(&true) { rebuilt(&beats, &passages, &moved) } else { beats }
}

/// Length of a beat where beats are even, and how far (RMS) they stray from that, in seconds: least squares.
#[expect(clippy::cast_precision_loss, reason = "beats are far fewer than 2^52")]
fn line(beats: &[TrackedBeat]) -> (f64, f64) {
    let count = beats.len() as f64;
    let middle = 0.5 * (count - 1.0);
    let mean = beats.iter().map(|beat| beat.at.seconds()).sum::<f64>() / count;
    let (mut across, mut along) = (0.0, 0.0);
    for (i, beat) in beats.iter().enumerate() {
        let x = i as f64 - middle;
        across += x * (beat.at.seconds() - mean);
        along += x * x;
    }
    let period = across / along;
    let away = |i: usize| beats[i].at.seconds() - mean - period * (i as f64 - middle);
    let squares: f64 = (0..beats.len()).map(|i| away(i).powi(2)).sum();
    (period, (squares / count).sqrt())
}

/// Passages of steady tempo, in order.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn steady(beats: &[TrackedBeat]) -> Vec<Passage> {
    let time = |i: usize| beats[i].at.seconds();
    let mut passages = Vec::new();
    let mut first = 0;
    for i in 1..=beats.len() {
        let goes_on = i < beats.len() && {
            let back = i - 1 - first.max((i - 1).saturating_sub(MEMORY));
            let length = time(i) - time(i - 1);
            let usual = if back > 0 { (time(i - 1) - time(i - 1 - back)) / back as f64 } else { length };
            (length / usual - 1.0).abs() < STEADY
        };
        if !goes_on {
            let last = i - 1;
            if last - first + 1 >= SHORTEST {
                let (period, stray) = line(&beats[first..=last]);
                if stray < STRAIGHT * period {
                    passages.push(Passage { first, last, period, chain: 0, shifted: false });
                }
            }
            first = if i - first > 1 { last } else { i };
        }
    }
    passages
}

/// End of the chain of passages that starts with passage `from`; marks which of them are shifted.
fn chain(beats: &[TrackedBeat], passages: &mut [Passage], from: usize) -> usize {
    passages[from].chain = from;
    for next in from + 1..passages.len() {
        let (a, b) = (passages[next - 1], passages[next]);
        let period = 0.5 * (a.period + b.period);
        let beats_between = (beats[b.first].at.seconds() - beats[a.last].at.seconds()) / period;
        let away = (beats_between - beats_between.floor() - 0.5).abs();
        let related = (a.period / b.period - 1.0).abs() < ALIKE && beats_between < GAP;
        if !related || (away > NEAR_HALF && away < 0.5 - NEAR_HALF) {
            return next;
        }
        passages[next].chain = from;
        passages[next].shifted = a.shifted ^ (away <= NEAR_HALF);
    }
    passages.len()
}

/// What beats have over the moments between them, in nats.
fn advantage(beats: &[TrackedBeat]) -> f32 {
    let nats = |moment: &Moment| f32::from(moment.belief) / 16.0;
    beats.iter().map(|beat| (nats(&beat.at) - nats(&beat.half)).clamp(-MOST, MOST)).sum()
}

/// The beats with the `moved` passages half a beat away, and even steps in between.
fn rebuilt(beats: &[TrackedBeat], passages: &[Passage], moved: &[bool]) -> Vec<TrackedBeat> {
    let mut out: Vec<TrackedBeat> = Vec::with_capacity(beats.len());
    let mut next = 0;
    let mut before_moved = false;
    for (i, (passage, &moved)) in passages.iter().zip(moved).enumerate() {
        let related = i > 0 && passages[i - 1].chain == passage.chain;
        let joins = related && (moved || before_moved);
        if !joins && next < passage.first {
            out.extend_from_slice(&beats[next..passage.first]);
        }
        let own = &beats[passage.first.max(if joins { 0 } else { next })..=passage.last];
        let own: Vec<TrackedBeat> = if moved { halves(own) } else { own.to_vec() };
        if let (true, Some(first)) = (joins, own.first()) {
            step_to(&mut out, first, passage.period);
        }
        let last = out.last().map_or(0, |beat| beat.at.time);
        out.extend(own.into_iter().filter(|beat| beat.at.time > last));
        next = passage.last + 1;
        before_moved = moved;
    }
    out.extend_from_slice(&beats[next.min(beats.len())..]);
    out
}

/// The moments half-way between beats, as beats.
fn halves(beats: &[TrackedBeat]) -> Vec<TrackedBeat> {
    let shifted = |pair: &[TrackedBeat]| TrackedBeat {
        at: pair[0].half,
        half: pair[1].at,
        between: Between::shifted(&pair[0].between, &pair[1].between),
    };
    beats.windows(2).map(shifted).collect()
}

/// Adds beats in even steps of about `period` up to `to`, which stays out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a handful of beats, at times that are positive and below 2^32 steps"
)]
fn step_to(out: &mut Vec<TrackedBeat>, to: &TrackedBeat, period: f64) {
    while out.last().is_some_and(|last| to.at.seconds() - last.at.seconds() < 0.6 * period) {
        out.pop();
    }
    let Some(last) = out.last().copied() else { return };
    let span = f64::from(to.at.time - last.at.time);
    let steps = (span * 1e-4 / period).round().max(1.0) as usize;
    for step in 1..steps {
        let share = step as f64 / steps as f64;
        let frame = last.at.frame + (f64::from(to.at.frame - last.at.frame) * share).round() as u32;
        let time = last.at.time + (span * share).round() as u32;
        out.push(TrackedBeat::new(Moment::unheard(frame, time)));
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers that the tests draw")]
mod tests;
