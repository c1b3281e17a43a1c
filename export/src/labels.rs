//! Labels that people give to moments and stretches of a track, in the forms of other programs: read and written.
//!
//! | module | form | read and written by |
//! |---|---|---|
//! | [`audacity`] | label track | Audacity |
//! | [`jams`] | JAMS, JSON | tools of music research |
//!
//! What is read comes from anywhere: readers take any bytes, hold a few times as much memory, and name every place that
//! is wrong, up to [`Limits::faults`]. What is written reads back the same.

pub mod audacity;
pub mod jams;

use serde_json::{Map, Value};
use std::fmt;

/// Longest time that can be told, in ms: some 24 days.
pub const MAX_TIME_MS: u32 = i32::MAX as u32;

/// A moment or a stretch, and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Where it begins, in ms.
    pub start_ms: u32,
    /// Where it ends, in ms; `None` for a moment.
    pub end_ms: Option<u32>,
    /// What it is called.
    pub text: String,
    /// What else is said of it. Only JAMS, and only from this module, has it.
    pub details: Map<String, Value>,
}

/// A label, and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// `line 3`, or a JSON pointer such as `#/annotations/0/data/3`.
    pub place: String,
    /// The label.
    pub label: Label,
}

/// Something that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `line 3`, or a JSON pointer such as `#/annotations/0/data/3/time`.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// How much is read of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most labels. More is a fault.
    pub labels: usize,
    /// Most faults that are told; reading ends there.
    pub faults: usize,
}

/// What is being read: labels until there is a fault, then faults alone.
#[derive(Debug)]
struct Reading {
    limits: Limits,
    found: Vec<Found>,
    faults: Vec<Fault>,
}

impl Reading {
    fn new(limits: Limits) -> Self {
        Self { limits, found: Vec::new(), faults: Vec::new() }
    }

    fn fault(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.faults.push(Fault { place: place.into(), reason: reason.into() });
    }

    fn keep(&mut self, place: String, label: Label) {
        if self.found.len() == self.limits.labels {
            self.fault(place, format!("is beyond the {} labels that are taken at once", self.limits.labels));
            // One is enough said.
            self.limits.faults = 0;
        } else {
            self.found.push(Found { place, label });
        }
    }

    /// Whether enough is wrong.
    fn is_over(&self) -> bool {
        self.faults.len() >= self.limits.faults.max(1)
    }

    fn finish(self) -> Result<Vec<Found>, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.found) } else { Err(self.faults) }
    }
}

/// Seconds as whole ms, the nearest; `None` for what is no time that can be told.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn milliseconds(seconds: f64) -> Option<u32> {
    let ms = (seconds * 1000.0).round();
    (ms >= 0.0 && ms <= f64::from(MAX_TIME_MS)).then_some(ms as u32)
}

/// What to say where [`milliseconds`] gives nothing.
fn no_time() -> String {
    format!("must be seconds from 0 to {}", MAX_TIME_MS / 1000)
}
