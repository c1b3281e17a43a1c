//! Things that happen at a time: beats, bars, onsets, keys, chords, sections.

use crate::chords::{ChordSpan, Quality};
use crate::onset::Onset;
use crate::rhythm::Beat;
use crate::segments::{Segment, SegmentData, Segments};
use crate::units::seconds_to_ms;
use serde::{Deserialize, Serialize, Serializer};
use std::iter::Peekable;

/// What kind of thing happens. The names are those stored in `analysis_events.event_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventType {
    /// Every beat; `event_data`: `{"bar": n, "position": 1…}`, both counted from 1.
    Beat,
    /// The first beat of a bar (stands beside its `Beat`).
    Downbeat,
    /// The smallest regular pulse.
    Tatum,
    /// The start of a note or a hit.
    Onset,
    /// A stretch of music with one character; has a duration.
    Section,
    /// A short stretch of steady sound between onsets; has a duration.
    Segment,
    /// A key begins here.
    Key,
    /// A chord begins here; has a duration.
    Chord,
}

impl EventType {
    /// The stored name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::Downbeat => "downbeat",
            Self::Tatum => "tatum",
            Self::Onset => "onset",
            Self::Section => "section",
            Self::Segment => "segment",
            Self::Key => "key",
            Self::Chord => "chord",
        }
    }
}

/// Details of an event, as small as a 10-hour track needs them; serialised as `event_data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum EventData {
    /// Place of a beat in its bar, both counted from 1. A pick-up is bar 1.
    Beat {
        /// Bar number.
        bar: u32,
        /// Beat within the bar.
        position: u8,
    },
    /// Label of a section: equal ones repeat one another.
    Section {
        /// `A`, `B`, …, `A'` a variation of `A`.
        label: String,
    },
    /// A chord.
    Chord {
        /// As a lead sheet has it: `C`, `F#m`.
        name: String,
        /// Pitch class of the root: `C`, `C#`, … `B`.
        root: String,
        /// Major or minor.
        quality: Quality,
    },
    /// What a segment sounds like.
    Segment(Box<SegmentData>),
    /// Name of a key.
    Name {
        /// For example `A minor`.
        name: String,
    },
}

/// One event. Serialises to the document of `arsis analyze --format json` and to a row of `analysis_events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happens, in ms from the first sample a listener hears.
    pub time_ms: u32,
    /// How long it lasts, in ms; `None` for an instant.
    pub duration_ms: Option<u32>,
    /// What it is.
    pub event_type: EventType,
    /// How sure we are, 0 to 1; `None` where no measure exists.
    pub confidence: Option<f32>,
    /// Details by type.
    pub event_data: Option<EventData>,
}

/// All events of a track, kept as small as their stages found them: a 10-hour track has half a million.
/// They become [`Event`]s one at a time, in order of time; at one time sections and keys come first, then chord,
/// downbeat, beat, tatum, onset, segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    beats: Vec<Beat>,
    tatums_s: Vec<f64>,
    onsets: Vec<Onset>,
    chords: Vec<ChordSpan>,
    segments: Segments,
    marks: Vec<Event>,
}

impl Events {
    /// From what the stages found, each in order of time. `marks` are the few that are none of the others.
    #[must_use]
    pub fn new(beats: Vec<Beat>, tatums_s: Vec<f64>, onsets: Vec<Onset>, mut marks: Vec<Event>) -> Self {
        marks.sort_by_key(|event| (event.time_ms, event.event_type));
        Self { beats, tatums_s, onsets, chords: Vec::new(), segments: Segments::default(), marks }
    }

    /// With these chords, in order of time.
    #[must_use]
    pub fn with_chords(self, chords: Vec<ChordSpan>) -> Self {
        Self { chords, ..self }
    }

    /// With these segments, in order of time.
    #[must_use]
    pub fn with_segments(self, segments: impl Into<Segments>) -> Self {
        Self { segments: segments.into(), ..self }
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.beats.len()
            + self.downbeats().count()
            + self.tatums_s.len()
            + self.onsets.len()
            + self.chords.len()
            + self.segments.len()
            + self.marks.len()
    }

    /// Whether nothing happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The beats, in order of time, as exact as they were found; as events they are rounded to whole ms.
    #[must_use]
    pub fn beats(&self) -> &[Beat] {
        &self.beats
    }

    /// Every event, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Event> + Send {
        let lanes: [Box<dyn Iterator<Item = Event> + Send + '_>; 7] = [
            Box::new(self.marks.iter().cloned()),
            Box::new(self.chords.iter().map(ChordSpan::event)),
            Box::new(
                self.downbeats().map(|beat| Event { event_type: EventType::Downbeat, ..beat_event(beat) }),
            ),
            Box::new(self.beats.iter().map(beat_event)),
            Box::new(self.tatums_s.iter().map(|time_s| instant(*time_s, EventType::Tatum, None))),
            Box::new(self.onsets.iter().map(|o| instant(o.time_s, EventType::Onset, Some(o.confidence)))),
            Box::new(self.segments.iter().map(Segment::event)),
        ];
        Merge { lanes: lanes.map(Iterator::peekable) }
    }

    fn downbeats(&self) -> impl Iterator<Item = &Beat> {
        self.beats.iter().filter(|beat| beat.position == 1)
    }
}

impl Serialize for Events {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

fn instant(time_s: f64, event_type: EventType, confidence: Option<f32>) -> Event {
    let time_ms = u32::try_from(seconds_to_ms(time_s)).unwrap_or(u32::MAX);
    Event { time_ms, duration_ms: None, event_type, confidence, event_data: None }
}

fn beat_event(beat: &Beat) -> Event {
    let place = EventData::Beat { bar: beat.bar, position: beat.position };
    Event { event_data: Some(place), ..instant(beat.time_s, EventType::Beat, Some(beat.confidence)) }
}

/// Takes the earliest of several rising lanes; of equals, the first lane's.
struct Merge<I: Iterator<Item = Event>, const N: usize> {
    lanes: [Peekable<I>; N],
}

impl<I: Iterator<Item = Event>, const N: usize> Iterator for Merge<I, N> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let times = self.lanes.iter_mut().enumerate().filter_map(|(i, lane)| Some((lane.peek()?.time_ms, i)));
        let (_, earliest) = times.min()?;
        self.lanes[earliest].next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(time_s: f64, position: u8) -> Beat {
        Beat { time_s, bar: 1, position, confidence: 0.5 }
    }

    #[test]
    fn events_come_in_order_of_time_and_rank() {
        let marks = vec![instant(1.0, EventType::Key, None), instant(0.0, EventType::Section, None)];
        let onsets = vec![Onset { time_s: 0.7, confidence: 1.0 }];
        let events = Events::new(vec![beat(0.5, 1), beat(1.0, 2)], vec![0.5, 0.75, 1.0], onsets, marks);
        let kinds: Vec<(u32, &str)> = events.iter().map(|e| (e.time_ms, e.event_type.as_str())).collect();
        let expected = [
            (0, "section"),
            (500, "downbeat"),
            (500, "beat"),
            (500, "tatum"),
            (700, "onset"),
            (750, "tatum"),
            (1000, "key"),
            (1000, "beat"),
            (1000, "tatum"),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(events.len(), expected.len());
    }

    #[test]
    fn a_beat_reads_as_the_contract_says() {
        let events = Events::new(vec![beat(0.5, 2)], vec![], vec![], vec![]);
        let json = serde_json::to_value(&events).unwrap();
        let expected = serde_json::json!([{"time_ms": 500, "duration_ms": null, "event_type": "beat",
            "confidence": 0.5, "event_data": {"bar": 1, "position": 2}}]);
        assert_eq!(json, expected);
    }
}
