//! Where each path came from.

use super::Interval;
use super::lanes::{BARS, ENDS, LANES, USED, bar_starting};

/// In place of the code of a beat's length: the first beat after silence.
pub(super) const START: u8 = u8::MAX;
/// In place of a code and a lane: no beat.
pub(super) const NOWHERE: (u8, u8) = (u8::MAX, u8::MAX);
/// Bytes of a tempo: where the path to each lane came from, and from which bar to each first lane.
const ENTRY: usize = USED + BARS;

/// A beat on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) frame: usize,
    /// Index of the tempo of the beat that begins here.
    pub(super) length: usize,
    pub(super) lane: usize,
}

/// The predecessors of every state of the last frames.
#[derive(Debug, Clone)]
pub(super) struct History {
    lengths: usize,
    frames: usize,
    /// `[frame mod frames][length][ENTRY]`.
    entries: Vec<u8>,
    /// `[frame mod frames]`: code and lane of the beat after which it fell silent, if it did so then.
    silences: Vec<(u8, u8)>,
}

impl History {
    /// Remembers this many frames.
    pub(super) fn new(lengths: usize, frames: usize) -> Self {
        let (entries, silences) = (vec![START; frames * lengths * ENTRY], vec![NOWHERE; frames]);
        Self { lengths, frames, entries, silences }
    }

    /// The first frame that is still remembered when `now` comes next.
    pub(super) fn oldest(&self, now: usize) -> usize {
        now.saturating_sub(self.frames)
    }

    /// For a beat of this tempo at `frame`: code of the beat before it, by lane, and kind of the bar before it, by
    /// kind of bar.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 codes")]
    pub(super) fn remember(&mut self, frame: usize, length: usize, codes: &[u32; LANES], bars: &[u8; BARS]) {
        let entry = self.entry(frame, length);
        let slot = &mut self.entries[entry..entry + ENTRY];
        for (byte, &from) in slot.iter_mut().zip(&codes[..USED]) {
            *byte = from as u8;
        }
        slot[USED..].copy_from_slice(bars);
    }

    /// What the best silent path at `frame` came from, or [`NOWHERE`] if it was silent before.
    pub(super) fn fall_silent(&mut self, frame: usize, from: (u8, u8)) {
        self.silences[frame % self.frames] = from;
    }

    /// The beat before this one.
    pub(super) fn before(&self, node: Node, oldest: usize, intervals: &[Interval]) -> Option<Node> {
        let entry = self.entry(node.frame, node.length);
        let code = self.entries[entry + node.lane];
        if code == START {
            return self.before_silence(node.frame + 1, oldest, intervals);
        }
        let lane = match bar_starting(node.lane) {
            Some(bar) => ENDS[usize::from(self.entries[entry + USED + bar])],
            None => node.lane - 1,
        };
        let (length, frames) = Interval::decode(code, intervals);
        Some(Node { frame: node.frame.checked_sub(frames)?, length, lane })
    }

    /// The last beat before the silence that lasted until just before `end`.
    pub(super) fn before_silence(&self, end: usize, oldest: usize, intervals: &[Interval]) -> Option<Node> {
        let fell = (oldest..end).rev().find(|frame| self.silences[frame % self.frames] != NOWHERE)?;
        let (code, lane) = self.silences[fell % self.frames];
        let (length, frames) = Interval::decode(code, intervals);
        Some(Node { frame: fell.checked_sub(frames)?, length, lane: lane.into() })
    }

    fn entry(&self, frame: usize, length: usize) -> usize {
        ((frame % self.frames) * self.lengths + length) * ENTRY
    }
}
