//! Stretches of time from the instants that are stored.

use super::seconds;
use crate::events::Event;
use serde::{Deserialize, Serialize};

/// A bar, a beat or a tatum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins, in seconds.
    pub start: f64,
    /// How long it lasts, in seconds.
    pub duration: f64,
    /// How sure it is, 0 to 1; `None` where no measure exists, as for tatums.
    pub confidence: Option<f32>,
}

impl Span {
    pub(super) fn end(&self) -> f64 {
        self.start + self.duration
    }
}

/// Puts events in order of time; of those at one time the first given stays.
pub(super) fn in_order(events: &mut Vec<Event>) {
    events.sort_by_key(|event| event.time_ms);
    events.dedup_by_key(|event| event.time_ms);
}

/// Spans from each event to the next, events in order. The last is as long as the one before it, an only one as long as
/// the rest of the track; none reaches past the end.
pub(super) fn between(events: &[Event], end_s: f64) -> Vec<Span> {
    let start = |i: usize| events.get(i).map(|event| seconds(event.time_ms));
    let span = |(i, event): (usize, &Event)| {
        let from = seconds(event.time_ms);
        let before = i.checked_sub(1).and_then(start);
        let to = start(i + 1).or(before.map(|before| 2.0 * from - before)).unwrap_or(end_s);
        let to = if i + 1 < events.len() { to } else { to.min(end_s) };
        Span { start: from, duration: rounded(to - from), confidence: event.confidence }
    };
    events.iter().enumerate().map(span).collect()
}

/// Where an event ends, in seconds: after its duration, else with the next, else with the track.
pub(super) fn end_of(events: &[Event], i: usize, end_s: f64) -> f64 {
    let own = events[i].duration_ms.map(|ms| seconds(u64::from(events[i].time_ms) + u64::from(ms)));
    let next = || events.get(i + 1).map(|next| seconds(next.time_ms));
    own.or_else(next).unwrap_or(end_s)
}

/// A duration in seconds to whole ms, as times are stored; at least 0.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round().max(0.0) / 1000.0
}

/// Seconds that two stretches share.
pub(super) fn overlap(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.1.min(b.1) - a.0.max(b.0)).max(0.0)
}
