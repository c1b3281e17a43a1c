//! What a row of taps means: its beat, how late it comes, and what it says about the grid around.

use super::TapRow;
use super::course::Row;
use super::levels::{self, Lay};
use super::path::Stretch;
use super::pulse::{Pulse, Tempi, nearest};
use super::strength::{STEP_MS, Strength};
use crate::regrid::pulse::merge;

/// Shortest and longest beat that is tapped, in ms.
const TAPPED_MS: (f64, f64) = (150.0, 3_000.0);
/// Taps to either side of a beat that its time is taken from.
const REACH: usize = 6;
/// A tap this far from the course, in beats, is a slip.
const SLIP: f64 = 0.25;
/// A tap within this of the course, in beats, and at least within this, in ms, keeps the beat.
const KEPT: (f64, f64) = (0.15, 45.0);
/// How late people tap: most likely, and its deviation, in ms. Taps on glass or keys come late by the machine's own delay;
/// people alone tap some 20 ms early (negative mean asynchrony, Repp, Psychonomic Bulletin & Review 12(6), 2005).
const LATENCY_MS: (f64, f64) = (30.0, 55.0);
/// Latencies that are tried, in ms, and their step.
const LATENCIES_MS: (i32, i32, usize) = (-120, 220, 5);
/// Weight of what is known of latencies against onsets, which are worth 1 at most.
const PRIOR: f64 = 0.12;
/// What a machine's beat is worth at a tap, beside an onset.
const MACHINE: f32 = 0.5;
/// Ratios of lengths up to this far apart, in nats, are one.
const ALIKE: f64 = 0.1;
/// Share of the tapped beats that a lay of the machine's grid must meet.
const EXPLAINED: f64 = 0.75;
/// Beats within this share of a beat, and within this, in ms, meet.
const MEET: (f64, f64) = (0.15, 70.0);
/// Beats in a row that meet the grid before, when the decoded one ends.
const REJOIN: usize = 4;

/// Decodes what was tapped, and lays the grid that the row speaks for accordingly. `None` where the taps keep no beat.
pub(super) fn follow(pulses: &mut Vec<Pulse>, strength: &Strength, row: &Row) -> Option<TapRow> {
    let tapped = Tapped::of(&row.times_ms)?;
    let latency_ms = tapped.latency_ms(pulses, strength);
    let beats = tapped.decode(strength, latency_ms)?;
    match explained(pulses, &beats, tapped.period_ms) {
        Some(lay) if lay == Lay::SAME => {}
        Some(lay) => {
            levels::relay(pulses, strength, row.claim_ms, f64::midpoint(beats[0], *beats.last()?), lay)
        }
        None => renew(pulses, strength, row.claim_ms, &beats, tapped.period_ms),
    }
    Some(read(row, latency_ms, tapped.period_ms))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are whole ms of a track, lengths of beats are bounded"
)]
fn read(row: &Row, latency_ms: f64, period_ms: f64) -> TapRow {
    TapRow {
        from_ms: row.first() as u32,
        to_ms: row.last() as u32,
        taps: row.times_ms.len(),
        latency_ms: latency_ms as f32,
        bpm: (60_000.0 / period_ms) as f32,
    }
}

/// The even course of a row of taps.
#[derive(Debug)]
struct Tapped {
    /// Every beat of the course, tapped or left out, as late as it was tapped.
    course_ms: Vec<f64>,
    /// Length of a beat: the median along the course.
    period_ms: f64,
}

impl Tapped {
    /// Each tap gets the number of its beat, counted by the median distance; each beat the value of the line through the
    /// taps around (least squares, then again without slips). `None` without a steady distance.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of the beats of a row of taps, from 0"
    )]
    fn of(times_ms: &[f64]) -> Option<Self> {
        let mut steps: Vec<f64> = times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // A second contact of the finger is no tap.
        steps.retain(|step| *step >= 0.5 * TAPPED_MS.0);
        steps.sort_by(f64::total_cmp);
        let usual = *steps.get(steps.len() / 2)?;
        if !(TAPPED_MS.0..=TAPPED_MS.1).contains(&usual) {
            return None;
        }
        let mut taps: Vec<(i64, f64)> = vec![(0, *times_ms.first()?)];
        for &time in &times_ms[1..] {
            let (number, last) = *taps.last()?;
            let beats = ((time - last) / usual).round() as i64;
            if beats > 0 {
                taps.push((number + beats, time));
            }
        }
        let last = taps.last()?.0;
        let course: Vec<f64> = (0..=last).map(|number| fitted(&taps, number, usual)).collect();
        let mut lengths: Vec<f64> = course.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.sort_by(f64::total_cmp);
        let period_ms = *lengths.get(lengths.len() / 2)?;
        let near = (KEPT.0 * period_ms).max(KEPT.1);
        let even = taps.iter().filter(|(n, time)| (course[*n as usize] - time).abs() < near).count();
        let keeps = even * 4 >= times_ms.len() * 3 && taps.len() >= super::FEWEST_TAPS;
        let rises = lengths.first().is_some_and(|least| *least > 0.5 * period_ms);
        (keeps && rises).then_some(Self { course_ms: course, period_ms })
    }

    /// How late the taps come: where onsets and the machine's beats, and how people tap, agree best.
    ///
    /// ```text
    /// L = argmax over L of [ mean over beats t of ( e(t - L) + 0.5·beat(t - L) ) - 0.12·((L - 30 ms) / 55 ms)²/2 ]
    /// ```
    #[expect(clippy::cast_precision_loss, reason = "beats of a row of taps")]
    fn latency_ms(&self, pulses: &[Pulse], strength: &Strength) -> f64 {
        let worth = |time_ms: f64| {
            let away =
                nearest(pulses, time_ms).map_or(f64::INFINITY, |i| (pulses[i].time_ms - time_ms).abs());
            strength.around(time_ms) + if away <= 2.0 * STEP_MS { MACHINE } else { 0.0 }
        };
        let score = |latency: i32| {
            let late = f64::from(latency);
            let worth: f64 = self.course_ms.iter().map(|time| f64::from(worth(time - late))).sum();
            let strange = (late - LATENCY_MS.0) / LATENCY_MS.1;
            worth / self.course_ms.len() as f64 - PRIOR * 0.5 * strange * strange
        };
        let tried = (LATENCIES_MS.0..=LATENCIES_MS.1).step_by(LATENCIES_MS.2);
        tried.max_by(|&a, &b| score(a).total_cmp(&score(b))).map_or(0.0, f64::from)
    }

    /// The beats that were tapped, on the onsets near their course.
    #[expect(clippy::cast_possible_truncation, reason = "a few steps")]
    fn decode(&self, strength: &Strength, latency_ms: f64) -> Option<Vec<f64>> {
        let course: Vec<f64> =
            self.course_ms.iter().map(|time| time - latency_ms).filter(|time| *time >= 0.0).collect();
        let (first, last) = (*course.first()?, *course.last()?);
        let reach = 0.1 * self.period_ms;
        let start = strength.snap(first, reach.min(40.0)).unwrap_or(first);
        let mut stretch = Stretch::new(strength, start, last + 0.5 * self.period_ms, |_| self.period_ms);
        for time in &course[1..] {
            stretch.expect(*time, 1.0, (reach / STEP_MS).ceil() as i64);
        }
        let beats = stretch.decode(strength, false)?;
        let beats: Vec<f64> = std::iter::once(start).chain(beats).collect();
        (beats.len() >= 3).then_some(beats)
    }
}

/// The line through the taps around a beat, at that beat.
#[expect(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "numbers of beats in a row of taps"
)]
fn fitted(taps: &[(i64, f64)], number: i64, usual: f64) -> f64 {
    let from = taps.partition_point(|(n, _)| *n < number - REACH as i64);
    let to = taps.partition_point(|(n, _)| *n <= number + REACH as i64);
    let near = &taps[from..to];
    let line = |kept: &dyn Fn(i64, f64) -> bool| -> Option<(f64, f64)> {
        let own: Vec<(f64, f64)> =
            near.iter().filter(|(n, t)| kept(*n, *t)).map(|(n, t)| ((n - number) as f64, *t)).collect();
        let count = own.len() as f64;
        let (x, t) = own.iter().fold((0.0, 0.0), |sum, tap| (sum.0 + tap.0 / count, sum.1 + tap.1 / count));
        let along: f64 = own.iter().map(|tap| (tap.0 - x).powi(2)).sum();
        let across: f64 = own.iter().map(|tap| (tap.0 - x) * (tap.1 - t)).sum();
        (own.len() >= 3 && along > 0.0).then(|| (t - across / along * x, across / along))
    };
    let Some((at, slope)) = line(&|_, _| true) else {
        let nearest = taps.iter().min_by_key(|(n, _)| (n - number).abs());
        return nearest.map_or(0.0, |(n, t)| t + (number - n) as f64 * usual);
    };
    let honest = |n: i64, t: f64| (at + slope * (n - number) as f64 - t).abs() < SLIP * usual;
    line(&honest).map_or(at, |(at, _)| at)
}

/// How the tapped beats lie on the grid around them, if they do.
#[expect(clippy::cast_precision_loss, reason = "up to 4 beats for one")]
fn explained(pulses: &[Pulse], beats: &[f64], period_ms: f64) -> Option<Lay> {
    let (first, last) = (*beats.first()?, *beats.last()?);
    let margin = 1.5 * period_ms;
    let tempi = Tempi::of(pulses);
    let usual = tempi.at(f64::midpoint(first, last))?;
    let from = pulses.partition_point(|pulse| pulse.time_ms < first - margin - usual);
    let to = pulses.partition_point(|pulse| pulse.time_ms <= last + margin + usual);
    let near = |ratio: f64| (usual / period_ms / ratio).ln().abs() < ALIKE;
    let (up, down) = [(1_usize, 1_usize), (2, 1), (1, 2), (3, 1), (1, 3), (4, 1), (1, 4)]
        .into_iter()
        .find(|(up, down)| near(*up as f64 / *down as f64))?;
    let silent = Strength::new(&[], 10, 0);
    let meet = (MEET.0 * period_ms).min(MEET.1);
    let share = |lay: Lay| {
        let grid = levels::laid(pulses, from..to, lay, &tempi, &silent);
        let met =
            |time: &&f64| nearest(&grid, **time).is_some_and(|i| (grid[i].time_ms - **time).abs() <= meet);
        beats.iter().filter(met).count() as f64 / beats.len() as f64
    };
    let lays = Lay::all(up, down).map(|lay| (lay, share(lay)));
    // Of equals the plainest.
    let best = lays.fold(None, |best: Option<(Lay, f64)>, new| match best {
        Some(best) if best.1 >= new.1 => Some(best),
        _ => Some(new),
    });
    best.filter(|(_, share)| *share >= EXPLAINED).map(|(lay, _)| lay)
}

/// Decodes the grid that a row speaks for from the tapped beats outwards, until it meets the grid before, if that has
/// the same level.
fn renew(pulses: &mut Vec<Pulse>, strength: &Strength, claim_ms: (f64, f64), beats: &[f64], period_ms: f64) {
    let (Some(&first), Some(&last)) = (beats.first(), beats.last()) else { return };
    let tempi = Tempi::of(pulses);
    let usual = tempi.at(f64::midpoint(first, last));
    let level = usual.is_some_and(|usual| (usual / period_ms).ln().abs() < ALIKE);
    let period = |time_ms: f64| match (usual, tempi.at(time_ms)) {
        (Some(usual), Some(here)) => period_ms * (here / usual).clamp(0.8, 1.25),
        _ => period_ms,
    };
    let ends = (pulses.first().map(|p| p.time_ms), pulses.last().map(|p| p.time_ms));
    let margin = 0.5 * period_ms;
    let from = ends.0.map_or(claim_ms.0, |end| (end - margin).max(claim_ms.0)).min(first);
    let to = ends.1.map_or(claim_ms.1, |end| (end + margin).min(claim_ms.1)).max(last);
    let outward = |from_ms: f64, to_ms: f64| {
        let mut stretch = Stretch::new(strength, from_ms, to_ms, period);
        if level {
            pulses.iter().for_each(|pulse| stretch.expect(pulse.time_ms, MACHINE, 2));
        }
        let mut found = stretch.decode(strength, false).unwrap_or_default();
        let meets = |time: &f64| {
            nearest(pulses, *time)
                .is_some_and(|i| (pulses[i].time_ms - time).abs() <= 0.5 * MEET.0 * period_ms)
        };
        let met = if level { found.windows(REJOIN).position(|run| run.iter().all(meets)) } else { None };
        let end = met.map(|at| {
            found.truncate(at + 1);
            found[at]
        });
        if pulses.is_empty() {
            // Nobody has said where the music is but the onsets.
            while found.last().is_some_and(|time| strength.around(*time) < 0.1) {
                found.pop();
            }
        }
        (found, end.unwrap_or(to_ms))
    };
    let ((before, from), (after, to)) = (outward(first, from), outward(last, to));
    let joint = if level { 0.4 * period_ms } else { 0.0 };
    pulses.retain(|pulse| pulse.time_ms < from - joint || pulse.time_ms > to + joint);
    let new = before.into_iter().chain(beats.iter().copied()).chain(after);
    merge(pulses, new.map(|time_ms| Pulse::inferred(time_ms, None)).collect());
}
