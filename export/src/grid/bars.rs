//! The metre of each beat, so that counting lines as the metre says gives the beats' places in their bars.

use analysis_core::summary::MeterPoint;
use std::fmt;

/// How many lines a bar has, and the note that a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metre {
    /// Beats in a bar.
    pub beats: u8,
    /// Note that gets the beat: 4 for a quarter.
    pub unit: u8,
}

impl fmt::Display for Metre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.beats, self.unit)
    }
}

impl Metre {
    /// What DJ programs take for granted, where nothing is known.
    const COMMON: Self = Self { beats: 4, unit: 4 };

    fn parse(signature: &str) -> Option<Self> {
        let (beats, unit) = signature.split_once('/')?;
        let metre = Self { beats: beats.parse().ok()?, unit: unit.parse().ok()? };
        (metre.beats > 0 && metre.unit > 0).then_some(metre)
    }

    /// As lines count it where bars have at most `longest` beats: two beats of three eighths are 6/8 to musicians,
    /// but two lines a bar.
    fn in_lines(self, longest: u8) -> Self {
        let compound = self.unit == 8 && self.beats > 3 && self.beats.is_multiple_of(3);
        if compound && longest <= self.beats / 3 { Self { beats: self.beats / 3, unit: 4 } } else { self }
    }
}

/// The metre of each beat, given as time and place in its bar. A bar that is longer than its signature says has a
/// metre of its own.
pub(super) fn metres(places: &[(u32, u8)], signatures: &[MeterPoint]) -> Vec<Metre> {
    let mut metres = Vec::with_capacity(places.len());
    let mut rest = places;
    for (i, point) in signatures.iter().enumerate() {
        let until = signatures.get(i + 1).map_or(u32::MAX, |next| next.time_ms);
        let (own, later) = rest.split_at(rest.partition_point(|(time_ms, _)| *time_ms < until));
        extend(&mut metres, own, Metre::parse(&point.time_signature).unwrap_or(Metre::COMMON));
        rest = later;
    }
    extend(&mut metres, rest, Metre::COMMON);
    metres
}

fn extend(metres: &mut Vec<Metre>, places: &[(u32, u8)], signature: Metre) {
    let longest = places.iter().map(|(_, position)| *position).max().unwrap_or(0);
    let metre = signature.in_lines(longest);
    for bar in places.chunk_by(|before, beat| beat.1 > before.1) {
        let beats = bar.iter().map(|(_, position)| *position).fold(metre.beats, u8::max);
        metres.extend(bar.iter().map(|_| Metre { beats, ..metre }));
    }
}
