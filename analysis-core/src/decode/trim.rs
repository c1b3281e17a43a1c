//! Cuts encoder delay and padding off a run of sample frames, and counts what was cut.

use std::ops::Range;

/// What is still to be skipped and kept, and what was cut so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Trim {
    /// Frames still to skip before the first one a listener hears.
    pub(super) skip: u64,
    /// Frames still to keep; `None`: all there are.
    pub(super) keep: Option<u64>,
    /// Frames cut from the start.
    pub(super) delay_frames: u64,
    /// Frames cut from the end.
    pub(super) padding_frames: u64,
}

impl Trim {
    /// The part of the next `frames` frames that is kept.
    pub(super) fn apply(&mut self, frames: u64) -> Range<u64> {
        let start = self.skip.min(frames);
        self.skip -= start;
        self.delay_frames = self.delay_frames.saturating_add(start);
        let kept = self.keep.map_or(frames - start, |keep| keep.min(frames - start));
        self.keep = self.keep.map(|keep| keep - kept);
        self.padding_frames = self.padding_frames.saturating_add(frames - start - kept);
        start..start + kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain way: number every frame and keep those inside the stretch.
    fn naive(skip: u64, keep: u64, packets: &[u64]) -> (Vec<u64>, u64, u64) {
        let all: Vec<u64> = (0..packets.iter().sum()).collect();
        let kept: Vec<u64> = all.iter().copied().filter(|i| (skip..skip + keep).contains(i)).collect();
        let before = all.iter().filter(|i| **i < skip).count() as u64;
        let after = all.len() as u64 - before - kept.len() as u64;
        (kept, before, after)
    }

    proptest::proptest! {
        #[test]
        fn trimming_packet_by_packet_equals_trimming_the_whole(
            skip in 0_u64..40, keep in 0_u64..60, packets in proptest::collection::vec(0_u64..20, 0..8),
        ) {
            let mut trim = Trim { skip, keep: Some(keep), ..Trim::default() };
            let (mut kept, mut at) = (Vec::new(), 0);
            for frames in &packets {
                let part = trim.apply(*frames);
                kept.extend(at + part.start..at + part.end);
                at += frames;
            }
            proptest::prop_assert_eq!((kept, trim.delay_frames, trim.padding_frames), naive(skip, keep, &packets));
        }
    }
}
