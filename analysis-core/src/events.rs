//! Things that happen at a time: beats, bars, onsets, keys, chords, sections.

use serde::{Deserialize, Serialize};

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
    /// Place of a beat in its bar, both counted from 1. A bar number of 0 is the pick-up before bar 1.
    Beat {
        /// Bar number.
        bar: u32,
        /// Beat within the bar.
        position: u8,
    },
    /// Label of a section: equal letters sound alike.
    Section {
        /// `A`, `B`, …
        label: String,
    },
    /// Name of a key or chord.
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
