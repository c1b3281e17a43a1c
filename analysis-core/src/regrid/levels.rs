//! Another level of the pulse, or its other phase: beats between beats, fewer beats, half a beat later.

use super::course::Level;
use super::pulse::{Place, Pulse, Tempi, merge};
use super::strength::Strength;
use super::{Factor, Origin};

/// How far new beats go to an onset, in beats and at most in ms.
const SNAP: (f64, f64) = (0.06, 25.0);
/// No beat becomes shorter than this, in ms: however often it is halved, a grid stays bounded.
const SHORTEST_MS: f64 = 100.0;
/// A beat longer than this many usual ones is a pause, and not divided.
const PAUSE: f64 = 1.7;
/// Lengths against the usual one between which beats belong to one passage.
const STEADY: (f64, f64) = (0.75, 1.33);
/// Longest hole between two passages that is filled with even steps, in beats.
const MOST_FILLED: f64 = 4.5;

/// How a new level lies on the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lay {
    /// New beats for each old one …
    pub(super) up: usize,
    /// … or old beats for each new one. One of the two is 1.
    pub(super) down: usize,
    /// Which of `down` beats stays, by its index.
    pub(super) keep: usize,
    /// Half the smaller of the two lengths later.
    pub(super) late: bool,
}

impl Lay {
    pub(super) const SAME: Self = Self { up: 1, down: 1, keep: 0, late: false };

    /// All lays of a ratio, the plainest first.
    pub(super) fn all(up: usize, down: usize) -> impl Iterator<Item = Self> {
        let phases = [false, true].into_iter();
        phases.flat_map(move |late| (0..down).map(move |keep| Self { up, down, keep, late }))
    }
}

/// Does what is said of a span; `downbeats_ms` are where the person says that bars start.
pub(super) fn apply(pulses: &mut Vec<Pulse>, strength: &Strength, level: &Level, downbeats_ms: &[f64]) {
    let from = pulses.partition_point(|pulse| pulse.time_ms < level.from_ms);
    let to = pulses.partition_point(|pulse| pulse.time_ms < level.to_ms).max(from);
    if from == to {
        return;
    }
    let (up, down) = match level.factor {
        Some(Factor::Double) => (2, 1),
        Some(Factor::Triple) => (3, 1),
        Some(Factor::Half) => (1, 2),
        Some(Factor::Third) => (1, 3),
        None => (1, 1),
    };
    let keep = if down > 1 { kept(&pulses[from..to], from, down, downbeats_ms) } else { 0 };
    let lay = Lay { up, down, keep, late: level.factor.is_none() };
    let new = laid(pulses, from..to, lay, &Tempi::of(pulses), strength);
    let ends = [from, to].map(|i| pulses.get(i).map(|pulse| pulse.time_ms));
    replace(pulses, from..to, new);
    mend(pulses, ends.into_iter().flatten());
}

/// Which of `down` beats stays: the one that most bars start on, or the person's bars where they say so.
fn kept(span: &[Pulse], first: usize, down: usize, downbeats_ms: &[f64]) -> usize {
    let mut votes = vec![0_usize; down];
    for (i, pulse) in span.iter().enumerate() {
        let next = downbeats_ms.partition_point(|at| *at < pulse.time_ms - 70.0);
        let said = downbeats_ms.get(next).is_some_and(|at| *at <= pulse.time_ms + 70.0);
        let starts = pulse.place.is_some_and(|place| place.position == 1);
        votes[(first + i) % down] += usize::from(starts) + if said { span.len() } else { 0 };
    }
    let start =
        span.iter().position(|pulse| pulse.place.is_some_and(|place| place.position == 1)).unwrap_or(0);
    // Of equals the one with the first bar.
    (0..down).max_by_key(|&keep| (votes[keep], keep == (first + start) % down)).unwrap_or(0)
}

/// The beats `of` laid anew.
#[expect(clippy::cast_precision_loss, reason = "up to 4 beats for one")]
pub(super) fn laid(
    pulses: &[Pulse],
    of: std::ops::Range<usize>,
    lay: Lay,
    tempi: &Tempi,
    strength: &Strength,
) -> Vec<Pulse> {
    let mut new = Vec::new();
    for i in of.filter(|i| i % lay.down == lay.keep) {
        let pulse = &pulses[i];
        let usual = tempi.at(pulse.time_ms).unwrap_or(500.0);
        let next = pulses.get(i + 1).map_or(usual, |next| next.time_ms - pulse.time_ms);
        let length = if next > PAUSE * usual { usual } else { next };
        let parts = if length < SHORTEST_MS * lay.up as f64 { 1 } else { lay.up };
        let step = length / parts as f64;
        for j in 0..parts {
            let place = pulse
                .place
                .map(|place| if lay.down > 1 { fewer(place, lay.down) } else { more(place, lay.up, j) });
            if j == 0 && !lay.late {
                new.push(Pulse { place, ..*pulse });
                continue;
            }
            let time_ms = pulse.time_ms + (j as f64 + if lay.late { 0.5 } else { 0.0 }) * step;
            let reach = (SNAP.0 * step).min(SNAP.1);
            new.push(Pulse::inferred(
                strength.snap(time_ms, reach).filter(|at| (at - time_ms).abs() <= reach).unwrap_or(time_ms),
                place,
            ));
        }
    }
    new
}

/// The place of the `j`th of `up` beats in place of one. Bars of 2 grow to 4; longer ones become several.
fn more(place: Place, up: usize, j: usize) -> Place {
    let (up, j) = (u32::try_from(up).unwrap_or(1), u32::try_from(j).unwrap_or(0));
    let of = u32::from(place.of.max(1));
    let new_of = if of * up <= 4 { of * up } else { of };
    let index = up * (u32::from(place.position.max(1)) - 1) + j;
    numbered(bars_before(place).wrapping_mul(of * up / new_of), index, new_of)
}

/// The place of one of `down` beats that stays. Long bars shrink; of short ones several become one.
fn fewer(place: Place, down: usize) -> Place {
    let down = u32::try_from(down).unwrap_or(1);
    let of = u32::from(place.of.max(1));
    let index = u32::from(place.position.max(1)) - 1;
    if of.is_multiple_of(down) && of / down >= 3 {
        return numbered(bars_before(place), index / down, of / down);
    }
    numbered(bars_before(place) / down, (index + bars_before(place) % down * of) / down, of)
}

/// Bars before that of a place.
fn bars_before(place: Place) -> u32 {
    place.bar.saturating_sub(1)
}

/// The place `index` beats after the start of bar `bar` (from 0) of so many.
fn numbered(bar: u32, index: u32, of: u32) -> Place {
    let position = u8::try_from(index % of + 1).unwrap_or(1);
    Place {
        bar: bar.wrapping_add(index / of).saturating_add(1),
        position,
        of: u8::try_from(of).unwrap_or(u8::MAX),
    }
}

/// Lays the beats of a claim anew, from the passage at `anchor_ms` on to both sides: each passage in the phase that goes
/// on evenly from the one before.
pub(super) fn relay(
    pulses: &mut Vec<Pulse>,
    strength: &Strength,
    claim_ms: (f64, f64),
    anchor_ms: f64,
    lay: Lay,
) {
    let tempi = Tempi::of(pulses);
    let from = pulses.partition_point(|pulse| pulse.time_ms < claim_ms.0);
    let to = pulses.partition_point(|pulse| pulse.time_ms <= claim_ms.1);
    let passages = passages(pulses, from..to, &tempi);
    let Some(home) = passages
        .iter()
        .rposition(|p| pulses[p.start].time_ms <= anchor_ms)
        .or((!passages.is_empty()).then_some(0))
    else {
        return;
    };
    let laid =
        |passage: &std::ops::Range<usize>, lay: Lay| laid(pulses, passage.clone(), lay, &tempi, strength);
    let mut chosen = vec![Vec::new(); passages.len()];
    chosen[home] = laid(&passages[home], lay);
    let mut best_after = |order: &mut dyn Iterator<Item = usize>, forwards: bool| {
        let (mut lay, mut edge) = (lay, edge(&chosen[home], forwards));
        for i in order {
            let away = |new: &[Pulse]| uneven(edge, self::edge(new, !forwards), &tempi, lay);
            let choices = std::iter::once(lay).chain(Lay::all(lay.up, lay.down));
            let best = choices
                .map(|lay| (lay, laid(&passages[i], lay)))
                .min_by(|a, b| away(&a.1).total_cmp(&away(&b.1)));
            if let Some((found, new)) = best {
                lay = found;
                edge = self::edge(&new, forwards).or(edge);
                chosen[i] = new;
            }
        }
    };
    best_after(&mut (home + 1..passages.len()), true);
    best_after(&mut (0..home).rev(), false);
    let joints: Vec<f64> = passages.iter().map(|passage| pulses[passage.start].time_ms).collect();
    replace(pulses, from..to, chosen.concat());
    mend(pulses, joints);
}

fn edge(pulses: &[Pulse], last: bool) -> Option<f64> {
    if last { pulses.last() } else { pulses.first() }.map(|pulse| pulse.time_ms)
}

/// How far from a whole number of new beats two times are, in beats.
#[expect(clippy::cast_precision_loss, reason = "up to 4 beats for one")]
fn uneven(a: Option<f64>, b: Option<f64>, tempi: &Tempi, lay: Lay) -> f64 {
    let (Some(a), Some(b)) = (a, b) else { return 1.0 };
    let length = tempi.at(a).unwrap_or(500.0) * lay.down as f64 / lay.up as f64;
    let beats = (a - b).abs() / length;
    if beats < 0.5 { 1.0 - beats } else { (beats - beats.round()).abs() }
}

/// Stretches of even beats, in order.
fn passages(pulses: &[Pulse], of: std::ops::Range<usize>, tempi: &Tempi) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for i in of {
        let even = |at: usize| {
            let share =
                (pulses[at + 1].time_ms - pulses[at].time_ms) / tempi.at(pulses[at].time_ms).unwrap_or(500.0);
            (STEADY.0..=STEADY.1).contains(&share)
        };
        match found.last_mut() {
            Some(last) if even(i - 1) => last.end = i + 1,
            _ => found.push(i..i + 1),
        }
    }
    found
}

/// Puts new beats in place of some.
pub(super) fn replace(pulses: &mut Vec<Pulse>, of: std::ops::Range<usize>, new: Vec<Pulse>) {
    pulses.drain(of);
    merge(pulses, new);
}

/// Where a change meets what it left alone: fills holes of whole beats, and removes new beats that are too near to
/// others. `joints_ms` rise.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "up to 4 beats"
)]
pub(super) fn mend(pulses: &mut Vec<Pulse>, joints_ms: impl IntoIterator<Item = f64>) {
    let mut new = Vec::new();
    let mut gone = Vec::new();
    let mut next = 0;
    for at_ms in joints_ms {
        let at = pulses.partition_point(|pulse| pulse.time_ms < at_ms);
        let around = &pulses[at.saturating_sub(8)..(at + 8).min(pulses.len())];
        let Some(usual) = Tempi::of(around).at(at_ms) else { continue };
        for i in at.saturating_sub(2).max(next)..(at + 1).min(pulses.len().saturating_sub(1)) {
            next = i + 1;
            let (a, b) = (pulses[i], pulses[i + 1]);
            let beats = (b.time_ms - a.time_ms) / usual;
            if (1.75..MOST_FILLED).contains(&beats) && (beats - beats.round()).abs() < 0.25 {
                let steps = beats.round() as usize;
                let time = |step: usize| a.time_ms + (b.time_ms - a.time_ms) * step as f64 / steps as f64;
                new.extend((1..steps).map(|step| Pulse::inferred(time(step), None)));
            } else if beats < 0.4 && gone.last() != Some(&i) {
                gone.extend([i, i + 1].into_iter().find(|&j| pulses[j].origin == Origin::Inferred));
            }
        }
    }
    for i in gone.into_iter().rev() {
        pulses.remove(i);
    }
    if !new.is_empty() {
        merge(pulses, new);
    }
}
