//! Beats on their way from the machine's grid to the new one.

use super::{MachineBeat, Origin};

/// A beat whose bar is not counted yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pulse {
    /// Time, in ms.
    pub(super) time_ms: f64,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// The machine's, or 1 for a person's.
    pub(super) confidence: Option<f32>,
    /// What the machine's bars say of it; `None` where they say nothing.
    pub(super) place: Option<Place>,
}

/// A place in a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the bar, as the machine counts them.
    pub(super) bar: u32,
    /// From 1, the downbeat.
    pub(super) position: u8,
    /// Beats in the bar.
    pub(super) of: u8,
}

impl Pulse {
    /// A beat that follows from others.
    pub(super) fn inferred(time_ms: f64, place: Option<Place>) -> Self {
        Self { time_ms, origin: Origin::Inferred, confidence: None, place }
    }

    /// A beat that a person put here.
    pub(super) fn corrected(time_ms: u32, place: Option<Place>) -> Self {
        Self { time_ms: time_ms.into(), origin: Origin::Corrected, confidence: Some(1.0), place }
    }

    /// Whether a person put it here.
    pub(super) fn is_pinned(&self) -> bool {
        self.origin == Origin::Corrected
    }
}

/// The machine's beats, rising; what does not rise is left out.
pub(super) fn of_machine(beats: &[MachineBeat]) -> Vec<Pulse> {
    let mut pulses: Vec<Pulse> = Vec::with_capacity(beats.len());
    let mut of = 4;
    for bar in beats.chunk_by(|a, b| a.bar == b.bar) {
        let last = bar.iter().map(|beat| beat.position).max().unwrap_or(1);
        // The last bar may be cut off; a longer one than before is told by itself.
        let ends = bar.last().is_some_and(|beat| beats.last().is_some_and(|end| end.bar == beat.bar));
        of = if ends { last.max(of) } else { last };
        for beat in bar {
            if pulses.last().is_none_or(|before| before.time_ms < f64::from(beat.time_ms)) {
                let place = Place { bar: beat.bar, position: beat.position.max(1), of };
                pulses.push(Pulse {
                    time_ms: beat.time_ms.into(),
                    origin: Origin::Machine,
                    confidence: beat.confidence,
                    place: Some(place),
                });
            }
        }
    }
    pulses
}

/// The index of the pulse nearest to `time_ms`.
pub(super) fn nearest(pulses: &[Pulse], time_ms: f64) -> Option<usize> {
    let at = pulses.partition_point(|pulse| pulse.time_ms < time_ms);
    let away = |i: usize| (pulses[i].time_ms - time_ms).abs();
    match (at.checked_sub(1), (at < pulses.len()).then_some(at)) {
        (Some(before), Some(after)) => Some(if away(before) <= away(after) { before } else { after }),
        (before, after) => before.or(after),
    }
}

/// Takes pulses in, keeping the order; of two at one time the person's stays, else the one that was there.
pub(super) fn merge(pulses: &mut Vec<Pulse>, more: Vec<Pulse>) {
    pulses.extend(more);
    pulses.sort_by(|a, b| a.time_ms.total_cmp(&b.time_ms).then(b.is_pinned().cmp(&a.is_pinned())));
    pulses.dedup_by(|later, earlier| (later.time_ms - earlier.time_ms).abs() < 1e-6);
}

/// How long beats are along a grid.
#[derive(Debug)]
pub(super) struct Tempi(Vec<(f64, f64)>);

impl Tempi {
    /// Beats to either side that a length is taken over.
    const REACH: usize = 4;

    /// Of these beats: at each the median length of those around.
    pub(super) fn of(pulses: &[Pulse]) -> Self {
        let lengths: Vec<f64> = pulses.windows(2).map(|pair| pair[1].time_ms - pair[0].time_ms).collect();
        let median = |i: usize| {
            let mut near =
                lengths[i.saturating_sub(Self::REACH)..(i + Self::REACH).min(lengths.len())].to_vec();
            near.sort_by(f64::total_cmp);
            near.get(near.len() / 2).copied()
        };
        let at = |(i, pulse): (usize, &Pulse)| median(i).map(|length| (pulse.time_ms, length));
        Self(pulses.iter().enumerate().filter_map(at).collect())
    }

    /// Length of a beat at a time, in ms; `None` where there are fewer than two beats.
    pub(super) fn at(&self, time_ms: f64) -> Option<f64> {
        let next = self.0.partition_point(|(at, _)| *at <= time_ms);
        self.0.get(next.saturating_sub(1)).map(|(_, length)| *length)
    }
}
