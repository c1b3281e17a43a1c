//! Where each path came from.

use super::lanes::{BARS, ENDS, LANES, USED, bar_starting};
use super::tempi::Interval;

/// In place of the code of a beat's length: the first beat after silence.
pub(super) const START: u8 = u8::MAX;
/// In place of a code and a lane: no beat.
pub(super) const NOWHERE: (u8, u8) = (u8::MAX, u8::MAX);
/// Where the paths to a beat of one tempo came from: for each lane in use but the first ones of a bar the code of the beat
/// before it, or [`START`]; in the lane after the last one of a bar the code of the beat that ended the bar. In the last
/// four bytes, little-endian, the kind of the bar before each kind of bar, [`KIND_BITS`] each, or [`FRESH`].
pub(super) type Entry = [u8; LANES];
/// Where the kinds of bars begin in an entry.
pub(super) const KINDS: usize = LANES - 4;
/// Bits of a kind of bar.
pub(super) const KIND_BITS: u32 = 3;
/// In place of a kind of bar: the first beat after silence.
pub(super) const FRESH: u32 = (1 << KIND_BITS) - 1;
const _: () = assert!(USED < KINDS && BARS <= FRESH as usize && BARS * KIND_BITS as usize <= 32);

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
    /// `[frame mod frames][length]`: an [`Entry`].
    entries: Vec<u8>,
    /// `[frame mod frames]`: code and lane of the beat after which it fell silent, if it did so then.
    silences: Vec<(u8, u8)>,
}

impl History {
    /// Remembers this many frames.
    pub(super) fn new(lengths: usize, frames: usize) -> Self {
        // Bytes of zero: pages that are never written take no memory.
        let (entries, silences) = (vec![0; frames * lengths * LANES], vec![NOWHERE; frames]);
        Self { lengths, frames, entries, silences }
    }

    /// The first frame that is still remembered when `now` comes next.
    pub(super) fn oldest(&self, now: usize) -> usize {
        now.saturating_sub(self.frames)
    }

    /// `[length]`: the entries of a frame, to be written.
    pub(super) fn entries_mut(&mut self, frame: usize) -> &mut [Entry] {
        let first = (frame % self.frames) * self.lengths;
        &mut self.entries.as_chunks_mut().0[first..first + self.lengths]
    }

    /// What the best silent path at `frame` came from, or [`NOWHERE`] if it was silent before.
    pub(super) fn fall_silent(&mut self, frame: usize, from: (u8, u8)) {
        self.silences[frame % self.frames] = from;
    }

    /// The beat before this one.
    pub(super) fn before(&self, node: Node, oldest: usize, intervals: &[Interval]) -> Option<Node> {
        let entry = &self.entries.as_chunks().0[(node.frame % self.frames) * self.lengths + node.length];
        let (code, lane) = match bar_starting(node.lane) {
            Some(bar) => match ENDS.get(kind_before(entry, bar)) {
                Some(&end) => (entry[end + 1], end),
                None => (START, 0),
            },
            None => (entry[node.lane], node.lane.saturating_sub(1)),
        };
        if code == START {
            return self.before_silence(node.frame + 1, oldest, intervals);
        }
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
}

/// Kind of the bar before this kind of bar, or [`FRESH`].
fn kind_before(entry: &Entry, bar: usize) -> usize {
    let kinds = entry[KINDS..].iter().rev().fold(0, |kinds, &byte| kinds << 8 | usize::from(byte));
    kinds >> (KIND_BITS as usize * bar) & FRESH as usize
}
