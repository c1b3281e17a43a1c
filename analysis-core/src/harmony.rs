//! Where the harmony changes: evidence for beats and bars that drums do not give.

use crate::vectors;

/// Frames averaged before and after a moment: 0.2 s.
pub(crate) const SPAN: usize = 20;
/// Filters from the lowest bass note to where overtones crowd.
const RANGE_HZ: std::ops::Range<f32> = 60.0..2000.0;
/// Steps of the fixed-point sums, which never drift: 2^-16.
const STEPS: f32 = 65_536.0;

/// Difference of the average spectrum after a moment from that before it.
///
/// ```text
/// h[n] = mean over filters of |mean(Y[n+1 ..= n+20]) - mean(Y[n-20 .. n])|
/// ```
///
/// Sums are kept in fixed point, so a long track does not drift and silence gives exactly zero.
#[derive(Debug, Clone)]
pub(crate) struct HarmonicChange {
    range: std::ops::Range<usize>,
    ring: Vec<i32>,
    before: Vec<i32>,
    after: Vec<i32>,
    frame: usize,
}

impl HarmonicChange {
    /// For the bands of [`crate::onset::OnsetStrength::whitened`] with these centres.
    #[must_use]
    pub(crate) fn new(centers_hz: &[f32]) -> Self {
        let range = centers_hz.partition_point(|&c| c < RANGE_HZ.start)
            ..centers_hz.partition_point(|&c| c < RANGE_HZ.end);
        let count = range.len();
        Self {
            range,
            ring: vec![0; count * 2 * SPAN],
            before: vec![0; count],
            after: vec![0; count],
            frame: 0,
        }
    }

    /// Takes the next frame's bands; gives the change at the frame [`HarmonicChange::delay`] earlier.
    pub(crate) fn process(&mut self, whitened: &[f32]) -> f32 {
        let count = self.range.len();
        let oldest = (self.frame % (2 * SPAN)) * count;
        let middle = ((self.frame + SPAN) % (2 * SPAN)) * count;
        let rows = [oldest..oldest + count, middle..middle + count];
        let Ok([oldest, middle]) = self.ring.get_disjoint_mut(rows) else { return 0.0 };
        let (before, after) = (&mut self.before[..], &mut self.after[..]);
        let sum = vectors::widest(
            #[inline(always)]
            || slide(&whitened[self.range.clone()], oldest, middle, before, after),
        );
        self.frame += 1;
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than f32")]
        let mean = sum as f32 / (count.max(1) * SPAN) as f32;
        mean / STEPS
    }

    /// How many frames late [`HarmonicChange::process`] answers.
    #[must_use]
    pub(crate) fn delay() -> usize {
        SPAN
    }
}

/// Moves the sums on by one frame; gives the sum of what they differ by.
#[inline(always)]
fn slide(whitened: &[f32], oldest: &mut [i32], middle: &[i32], before: &mut [i32], after: &mut [i32]) -> i32 {
    let mut sum = 0;
    let sums = before.iter_mut().zip(after);
    for (((&y, oldest), &crossing), (before, after)) in whitened.iter().zip(oldest).zip(middle).zip(sums) {
        #[expect(clippy::cast_possible_truncation, reason = "whitened bands lie between 0 and 1")]
        let new = (y * STEPS) as i32;
        *before += crossing - *oldest;
        *after += new - crossing;
        *oldest = new;
        sum += (*after - *before).abs();
    }
    sum
}
