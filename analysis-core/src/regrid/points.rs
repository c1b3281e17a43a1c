//! Single beats put in and taken out, and the grid between and around them.

use super::SAME_MS;
use super::course::Points;
use super::path::Stretch;
use super::pulse::{Place, Pulse, Tempi, merge, nearest};
use super::strength::Strength;

/// A corrected beat this near to one of the grid, in beats, is that beat.
const MOVED: f64 = 0.35;
/// A removed beat is the nearest within this share of a beat, and this, in ms.
const REMOVED: (f64, f64) = (0.4, 150.0);
/// Beats over which corrected ones reach: to one another, and outwards.
const REACH: f64 = 32.0;
/// A beat moved by less than this, in ms, moves no others.
const SLIGHT_MS: f64 = 15.0;
/// What a beat of the grid before is worth beside an onset: outwards …
const BEFORE: f32 = 0.6;
/// … and between two corrected beats, moved along with them.
const BETWEEN: f32 = 0.8;
/// Decoded beats this near to the grid before, in ms, so many in a row, have fallen in with it.
const FALLEN_IN: (f64, usize) = (25.0, 3);

/// A beat put in.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    time_ms: f64,
    /// How far it was moved, where it is a beat of the grid before.
    moved_ms: Option<f64>,
}

/// Does what is said of single beats.
pub(super) fn apply(pulses: &mut Vec<Pulse>, strength: &Strength, points: &Points) {
    if points.is_empty() {
        return;
    }
    let tempi = Tempi::of(pulses);
    let mut taken = vec![false; pulses.len()];
    for &gone in points.gone.keys() {
        let gone = f64::from(gone);
        let reach = (REMOVED.0 * tempi.at(gone).unwrap_or(500.0)).min(REMOVED.1);
        if let Some(i) = nearest(pulses, gone).filter(|&i| (pulses[i].time_ms - gone).abs() <= reach) {
            taken[i] = true;
        }
    }
    let anchors = put(pulses, &mut taken, points, &tempi);
    let mut kept: Vec<Pulse> =
        pulses.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(p, _)| *p).collect();
    std::mem::swap(pulses, &mut kept);
    let new: Vec<Pulse> = anchors.iter().map(|(_, pulse)| *pulse).collect();
    let anchors: Vec<Anchor> = anchors.into_iter().map(|(anchor, _)| anchor).collect();
    mend_around(pulses, strength, &anchors, &tempi);
    merge(pulses, new);
    pulses.retain(|pulse| pulse.is_pinned() || !is_gone(points, pulse, &tempi));
}

/// Whether a beat lies where there is none. Beside a beat that was dragged away another may come to lie.
fn is_gone(points: &Points, pulse: &Pulse, tempi: &Tempi) -> bool {
    let reach = (0.3 * tempi.at(pulse.time_ms).unwrap_or(500.0)).clamp(f64::from(SAME_MS), 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a track")]
    let (from, to) = ((pulse.time_ms - reach).floor().max(0.0) as u32, (pulse.time_ms + reach).ceil() as u32);
    let same = f64::from(SAME_MS) + 1.0;
    points.gone.range(from..=to).any(|(at, dragged)| {
        let away = (f64::from(*at) - pulse.time_ms).abs();
        away <= if *dragged || pulse.origin == super::Origin::Machine { same } else { reach.max(same) }
    })
}

/// The beats put in, each with the place of the beat that it is; marks those as taken.
fn put(pulses: &[Pulse], taken: &mut [bool], points: &Points, tempi: &Tempi) -> Vec<(Anchor, Pulse)> {
    let mut owner: Vec<Option<(f64, usize)>> = vec![None; pulses.len()];
    let of = |time_ms: f64| {
        let reach = MOVED * tempi.at(time_ms).unwrap_or(500.0);
        nearest(pulses, time_ms)
            .map(|i| (i, (pulses[i].time_ms - time_ms).abs()))
            .filter(|found| found.1 <= reach)
    };
    for (n, &beat) in points.beats.iter().enumerate() {
        if let Some((i, away)) = of(beat.into())
            && owner[i].is_none_or(|(other, _)| away < other)
        {
            owner[i] = Some((away, n));
        }
    }
    let anchor = |(n, &beat): (usize, &u32)| {
        let own = of(beat.into()).filter(|(i, _)| owner[*i].is_some_and(|(_, by)| by == n)).map(|(i, _)| i);
        let moved_ms = own.map(|i| f64::from(beat) - pulses[i].time_ms);
        if let Some(i) = own {
            taken[i] = true;
        }
        let pulse = Pulse::corrected(beat, own.and_then(|i| pulses[i].place));
        (Anchor { time_ms: beat.into(), moved_ms }, pulse)
    };
    points.beats.iter().enumerate().map(anchor).collect()
}

/// Decodes again between beats that were moved, and from them outwards.
fn mend_around(pulses: &mut Vec<Pulse>, strength: &Strength, anchors: &[Anchor], tempi: &Tempi) {
    let mut new = Vec::new();
    let mut gone: Vec<(f64, f64)> = Vec::new();
    let near = |a: &Anchor, b: &Anchor| b.time_ms - a.time_ms <= REACH * tempi.at(a.time_ms).unwrap_or(500.0);
    for (i, anchor) in anchors.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| anchors.get(i)).filter(|before| near(before, anchor));
        let after = anchors.get(i + 1).filter(|after| near(anchor, after));
        if let Some(after) = after
            && let Some((mut beats, span)) = between(pulses, strength, *anchor, *after, tempi)
        {
            new.append(&mut beats);
            gone.push(span);
        }
        for (neighbour, way) in [(before, -1.0), (after, 1.0)] {
            if neighbour.is_none()
                && let Some((mut beats, span)) = outward(pulses, strength, *anchor, way, anchors, tempi)
            {
                new.append(&mut beats);
                gone.push(span);
            }
        }
    }
    gone.sort_by(|a, b| a.0.total_cmp(&b.0));
    pulses.retain(|pulse| {
        let at = gone.partition_point(|span| span.0 < pulse.time_ms);
        gone[at.saturating_sub(2)..at].iter().all(|span| pulse.time_ms >= span.1)
    });
    merge(pulses, new);
}

type Mended = (Vec<Pulse>, (f64, f64));

/// The beats between two that were moved: those of the grid, moved along evenly, on the onsets near them.
fn between(pulses: &[Pulse], strength: &Strength, a: Anchor, b: Anchor, tempi: &Tempi) -> Option<Mended> {
    let (from_moved, to_moved) = (a.moved_ms?, b.moved_ms?);
    if from_moved == 0.0 && to_moved == 0.0 {
        return None;
    }
    let period = tempi.at(a.time_ms)?;
    let span = b.time_ms - a.time_ms;
    let own = inside(pulses, a.time_ms, b.time_ms);
    let along = |pulse: &Pulse| {
        let share = ((pulse.time_ms - a.time_ms) / span).clamp(0.0, 1.0);
        pulse.time_ms + from_moved + share * (to_moved - from_moved)
    };
    let mut stretch = Stretch::new(strength, a.time_ms, b.time_ms, |time| tempi.at(time).unwrap_or(period));
    own.iter().for_each(|pulse| stretch.expect(along(pulse), BETWEEN, 4));
    let times = stretch.decode(strength, true)?;
    let counted = times.len() == own.len();
    let place = |i: usize| own.get(i).and_then(|pulse| pulse.place).filter(|_| counted);
    let found = times.iter().enumerate().map(|(i, time)| settled(own, *time, place(i))).collect();
    Some((found, (a.time_ms, b.time_ms)))
}

/// From a beat that was moved to where the decoded beats fall in with the grid before; `None` where they do not.
fn outward(
    pulses: &[Pulse],
    strength: &Strength,
    anchor: Anchor,
    way: f64,
    anchors: &[Anchor],
    tempi: &Tempi,
) -> Option<Mended> {
    anchor.moved_ms.filter(|moved| moved.abs() > SLIGHT_MS)?;
    let period = tempi.at(anchor.time_ms)?;
    let mut end = anchor.time_ms + way * REACH * period;
    // Another beat that was put in is not passed.
    for other in anchors.iter().filter(|other| (other.time_ms - anchor.time_ms) * way > 0.0) {
        end = if way > 0.0 { end.min(other.time_ms - period) } else { end.max(other.time_ms + period) };
    }
    if (end - anchor.time_ms) * way < 2.0 * period {
        return None;
    }
    let mut stretch = Stretch::new(strength, anchor.time_ms, end, |time| tempi.at(time).unwrap_or(period));
    let own = inside(pulses, anchor.time_ms.min(end), anchor.time_ms.max(end));
    own.iter().for_each(|pulse| stretch.expect(pulse.time_ms, BEFORE, 2));
    let times = stretch.decode(strength, false)?;
    let (near, run) = FALLEN_IN;
    let fallen =
        |time: &f64| nearest(pulses, *time).is_some_and(|i| (pulses[i].time_ms - time).abs() <= near);
    let at = times.windows(run).position(|times| times.iter().all(fallen))?;
    let joint = nearest(pulses, times[at])?;
    let joint_ms = pulses[joint].time_ms;
    let span = if way > 0.0 { (anchor.time_ms, joint_ms) } else { (joint_ms + 0.5, anchor.time_ms) };
    let own = inside(pulses, span.0.min(joint_ms), span.1.max(joint_ms));
    let mut places: Vec<_> = own.iter().map(|pulse| pulse.place).collect();
    if way < 0.0 {
        places.reverse();
    }
    let counted = places.len() == at;
    let place = |i: usize| places.get(i).copied().flatten().filter(|_| counted);
    let found = times[..at].iter().enumerate().map(|(i, time)| settled(own, *time, place(i))).collect();
    Some((found, span))
}

/// A decoded beat: the one of the grid before where that is hardly elsewhere.
fn settled(own: &[Pulse], time_ms: f64, place: Option<Place>) -> Pulse {
    let before = nearest(own, time_ms).filter(|&i| (own[i].time_ms - time_ms).abs() <= SLIGHT_MS);
    before.map_or(Pulse::inferred(time_ms, place), |i| own[i])
}

/// The beats strictly between two times.
fn inside(pulses: &[Pulse], from_ms: f64, to_ms: f64) -> &[Pulse] {
    let from = pulses.partition_point(|pulse| pulse.time_ms <= from_ms);
    let to = pulses.partition_point(|pulse| pulse.time_ms < to_ms).max(from);
    &pulses[from..to]
}
