//! The bands of a whole track in a bounded number of columns, gathered while it is analysed.

/// Keeps at most `2 · width` columns: when they are full, neighbours merge (the louder value stays) and each
/// further column takes twice as many frames. Memory and result size do not depend on the track's length.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    width: usize,
    bands: usize,
    frames_per_column: usize,
    frames_in_last: usize,
    columns: Vec<f32>,
}

impl Overview {
    /// An empty overview that will have between `width` and `2 · width` columns once that many frames came.
    pub(crate) fn new(width: usize, bands: usize) -> Self {
        Self { width, bands, frames_per_column: 1, frames_in_last: 0, columns: Vec::new() }
    }

    /// Adds the next frame's band levels in dB.
    pub(crate) fn push(&mut self, bands_db: &[f32]) {
        if self.frames_in_last == self.frames_per_column || self.columns.is_empty() {
            if self.len() == 2 * self.width {
                self.merge_neighbours();
            }
            self.columns.extend_from_slice(bands_db);
            self.frames_in_last = 1;
            return;
        }
        let start = self.columns.len() - self.bands;
        raise(&mut self.columns[start..], bands_db);
        self.frames_in_last += 1;
    }

    fn merge_neighbours(&mut self) {
        for column in 0..self.width {
            let (left, right) = self.columns.split_at_mut((2 * column + 1) * self.bands);
            raise(&mut left[2 * column * self.bands..], &right[..self.bands]);
            self.columns
                .copy_within(2 * column * self.bands..(2 * column + 1) * self.bands, column * self.bands);
        }
        self.columns.truncate(self.width * self.bands);
        self.frames_per_column *= 2;
    }

    /// Number of columns so far.
    pub(crate) fn len(&self) -> usize {
        self.columns.len() / self.bands.max(1)
    }

    /// Number of bands in a column.
    pub(crate) fn bands(&self) -> usize {
        self.bands
    }

    /// Frames that one full column stands for.
    pub(crate) fn frames_per_column(&self) -> usize {
        self.frames_per_column
    }

    /// Loudest level, in dB, of `bands` over the columns in `from..to`.
    pub(crate) fn peak(&self, from: usize, to: usize, bands: std::ops::Range<usize>) -> f32 {
        let to = to.min(self.len());
        let rows = (from..to).flat_map(|column| &self.columns[column * self.bands..][bands.clone()]);
        rows.copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// Level of one band in one column, in dB.
    pub(crate) fn level(&self, column: usize, band: usize) -> f32 {
        self.columns[column * self.bands + band]
    }

    /// Highest level anywhere, in dB.
    pub(crate) fn maximum(&self) -> f32 {
        self.columns.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

fn raise(kept: &mut [f32], other: &[f32]) {
    for (a, b) in kept.iter_mut().zip(other) {
        *a = a.max(*b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost_and_the_size_is_bounded() {
        for frames in [1, 15, 16, 17, 100, 1000] {
            let mut overview = Overview::new(8, 2);
            for frame in 0..frames {
                overview.push(&[if frame == frames - 1 { 5.0 } else { -90.0 }, -50.0]);
            }
            assert!(overview.len() <= 16 && overview.len() * overview.frames_per_column() >= frames);
            let last = (frames - 1) / overview.frames_per_column();
            assert_eq!(overview.level(last, 0), 5.0, "{frames} frames");
            assert_eq!(overview.peak(0, overview.len(), 1..2), -50.0);
        }
    }
}
