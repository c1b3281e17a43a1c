//! Events that last: each with its end, whether its stage told it or not.

use crate::Track;
use analysis_core::events::{Event, EventType};

/// Kinds that fill the time up to the next of their kind.
const LASTING: [EventType; 3] = [EventType::Section, EventType::Key, EventType::Chord];

/// All events in order; sections, keys and chords without a duration last until the next of their kind begins, or
/// the track ends.
pub(crate) fn ended<'a>(track: &Track<'a>) -> impl Iterator<Item = Event> + use<'a> {
    let (events, duration_ms) = (track.events, track.audio.duration_ms);
    let end_ms = u32::try_from(duration_ms).unwrap_or(u32::MAX);
    let mut next_starts = LASTING.map(|kind| {
        let same = events.events().filter(move |event| event.event_type == kind);
        same.map(|event| event.time_ms).skip(1)
    });
    events.events().map(move |mut event| {
        if let Some(lane) = LASTING.iter().position(|kind| *kind == event.event_type) {
            let until = next_starts[lane].next().unwrap_or(end_ms);
            event.duration_ms = event.duration_ms.or(Some(until.saturating_sub(event.time_ms)));
        }
        event
    })
}

/// When an event ends, in ms.
pub(crate) fn end_ms(event: &Event) -> u64 {
    u64::from(event.time_ms) + u64::from(event.duration_ms.unwrap_or(0))
}
