//! What makes a genre: its tempi, metres, instruments and rhythms.
//!
//! A rhythm is a line of text, a character a step, spaces only for the eye. Drums: `X` loud, `x` middling, `o` soft,
//! `.` nothing. Pitched parts: `x` the chord, `1` `3` `5` `7` a tone of it, `8` its root an octave up, `w` a step of
//! a walk, `-` hold what sounds, `.` rest. A line is cut or repeated to the length of its bar.

pub(super) mod dance;
pub(super) mod folk;
pub(super) mod popular;
pub(super) mod solo;

use crate::Meter;

/// What is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drum {
    Kick,
    Snare,
    Rim,
    Clap,
    Hat,
    OpenHat,
    Ride,
    Tom,
    Shaker,
}

/// What sounds at a pitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Bass,
    SynthBass,
    LowBowed,
    Piano,
    Guitar,
    Distorted,
    Organ,
    Pad,
    Bowed,
    Fiddle,
    Lead,
    Brass,
    Flute,
}

/// How strictly the players keep time, and what the tempo may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feel {
    /// On the grid; steady, now and then swept.
    Machine,
    /// Some milliseconds off; steady, drifting, swept or stepped.
    Band,
    /// Many milliseconds off; drifting or free.
    Free,
}

/// One way to play a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groove {
    /// Steps in a beat.
    pub(super) div: usize,
    pub(super) drums: &'static [(Drum, &'static str)],
    pub(super) bass: &'static str,
    pub(super) comp: &'static str,
}

/// A genre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    /// Slowest and fastest tempo, in beats a minute.
    pub(super) bpm: (f64, f64),
    pub(super) meter: Meter,
    /// A metre that a section may change to.
    pub(super) other_meter: Option<Meter>,
    pub(super) feel: Feel,
    /// Least and largest ratio, and pairs in a beat.
    pub(super) swing: Option<(f64, f64, u32)>,
    /// Share of songs in minor.
    pub(super) minor: f64,
    /// Chords of four notes rather than three.
    pub(super) sevenths: bool,
    /// How likely the tune moves on a weak step.
    pub(super) busy: f64,
    /// The tune plays in every section.
    pub(super) sings: bool,
    pub(super) bass: Voice,
    pub(super) comp: Voice,
    pub(super) lead: Voice,
    pub(super) grooves: &'static [Groove],
}

/// What most genres share.
const BAND: Recipe = Recipe {
    bpm: (90.0, 140.0),
    meter: Meter::new(4, 4),
    other_meter: None,
    feel: Feel::Band,
    swing: None,
    minor: 0.4,
    sevenths: false,
    busy: 0.35,
    sings: false,
    bass: Voice::Bass,
    comp: Voice::Guitar,
    lead: Voice::Lead,
    grooves: &[],
};
