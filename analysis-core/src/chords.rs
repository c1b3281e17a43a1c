//! Chords: major and minor triads, and where there is none.

use crate::events::{Event, EventData, EventType};
use crate::key_profiles::NAMES;
use serde::{Deserialize, Serialize};

/// Kind of a triad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Root, major third, fifth.
    Major,
    /// Root, minor third, fifth.
    Minor,
}

/// A triad on one of twelve roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    /// Pitch class of the root, C = 0, below 12.
    pub root: u8,
    /// Its kind.
    pub quality: Quality,
}

impl Chord {
    /// Pitch class of the root: `C`, `C#`, … `B`.
    #[must_use]
    pub fn root_name(self) -> &'static str {
        NAMES[usize::from(self.root % 12)]
    }

    /// As a lead sheet has it: `C`, `F#m`.
    #[must_use]
    pub fn name(self) -> String {
        let minor = if self.quality == Quality::Minor { "m" } else { "" };
        format!("{}{minor}", self.root_name())
    }
}

/// A stretch of music over one chord.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChordSpan {
    /// Where it begins, in ms.
    pub start_ms: u32,
    /// Where it ends, in ms.
    pub end_ms: u32,
    /// The chord.
    pub chord: Chord,
    /// How sure it is, 0 to 1.
    pub confidence: f32,
}

impl ChordSpan {
    /// The stretch as an event.
    #[must_use]
    pub fn event(&self) -> Event {
        let Chord { quality, .. } = self.chord;
        let root = self.chord.root_name().to_owned();
        Event {
            time_ms: self.start_ms,
            duration_ms: Some(self.end_ms - self.start_ms),
            event_type: EventType::Chord,
            confidence: Some(self.confidence),
            event_data: Some(EventData::Chord { name: self.chord.name(), root, quality }),
        }
    }
}
