//! The beat lengths that are tried.

use super::BeatModel;

/// Frames a second of everything in the rhythm rooms.
pub(crate) const FRAMES_PER_SECOND: f32 = 100.0;
/// Shortest beat, in frames: 260.9 beats a minute.
pub const MIN_INTERVAL: usize = 23;
/// Longest beat, in frames: 40 beats a minute.
pub const MAX_INTERVAL: usize = 150;
/// Growth of the beat lengths that are tried, where it is more than one frame.
const INTERVAL_RATIO: f32 = 1.032;
/// Frames by which a beat may be longer than its tempo has it, and one more: fingers are not clocks, nor are tempi whole
/// frames.
pub(super) const PLAY: usize = 4;

/// Tempi at most.
pub(super) const MOST_TEMPI: usize = 64;

/// A tempo, as the beat lengths that it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// Shortest length, in frames.
    pub(super) tau: usize,
    /// Number of lengths.
    pub(super) play: usize,
}

impl Interval {
    #[cfg(test)]
    pub(super) fn lengths(self) -> impl Iterator<Item = usize> {
        self.tau..self.tau + self.play
    }

    /// The longest length, in frames.
    pub(super) fn longest(self) -> usize {
        self.tau + self.play - 1
    }

    /// A number for length `j` of tempo `i`, below 255.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 64 tempi")]
    pub(super) fn code(i: usize, j: usize) -> u32 {
        (i * PLAY + j) as u32
    }

    /// Tempo and length in frames that a code stands for.
    pub(super) fn decode(code: u8, intervals: &[Self]) -> (usize, usize) {
        let (i, j) = (usize::from(code) / PLAY, usize::from(code) % PLAY);
        (i, intervals[i].tau + j)
    }

    /// Log prior of a beat of this length.
    #[expect(clippy::cast_precision_loss, reason = "beat lengths are small")]
    pub(super) fn prior(self, model: &BeatModel) -> f32 {
        let bpm = 60.0 * FRAMES_PER_SECOND / self.tau as f32;
        let octaves = (bpm / model.prior_bpm).log2() / model.prior_octaves;
        -0.5 * octaves * octaves * model.prior_weight * self.tau as f32 / FRAMES_PER_SECOND
    }

    /// Cost of the tempo change from here to a longer beat, and back.
    #[expect(clippy::cast_precision_loss, reason = "beat lengths are small")]
    pub(super) fn change(self, longer: Self, model: &BeatModel) -> f32 {
        model.change_cost * (longer.tau as f32 / self.tau as f32).ln()
    }
}

/// Tempi, rising in length: every frame while beats are short, then in even ratios.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
pub(super) fn intervals() -> Vec<Interval> {
    let next = |tau: usize| (tau + 1).max((tau as f32 * INTERVAL_RATIO).round() as usize);
    let taus = std::iter::successors(Some(MIN_INTERVAL), |&tau| Some(next(tau)));
    let interval = |tau| Interval { tau, play: (next(tau) - tau + 1).min(PLAY) };
    taus.take_while(|&tau| tau <= MAX_INTERVAL).map(interval).collect()
}
