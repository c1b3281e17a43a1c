//! The frames of a track in a bounded number of columns, gathered while it is analysed.

use analysis_core::frame::FrameValues;
use std::ops::Range;

/// Keeps at most `2 · width` columns: when they are full, neighbours merge and each further column takes twice as many
/// frames. Memory and result size do not depend on the track's length.
///
/// | values | of several frames |
/// |---|---|
/// | bands, dB | the loudest |
/// | chroma, 0 to 1 | the mean |
/// | loudness, LUFS | the mean of the power |
#[derive(Debug, Clone)]
pub struct Overview {
    width: usize,
    frames_per_column: usize,
    frames_in_last: usize,
    bands: usize,
    columns: Vec<f32>,
    /// Sums over the frames of a column, for each of its pitch classes.
    chroma: Vec<f32>,
    /// Sum of the power over the frames of a column.
    power: Vec<f64>,
    /// Some frame had chroma, or loudness.
    heard: [bool; 2],
}

impl Overview {
    /// An empty overview that will have between `width` and `2 · width` columns once that many frames came.
    #[must_use]
    pub fn new(width: usize, bands: usize) -> Self {
        let (columns, chroma, power) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            width,
            frames_per_column: 1,
            frames_in_last: 0,
            bands,
            columns,
            chroma,
            power,
            heard: [false; 2],
        }
    }

    /// Adds the next frame.
    pub fn push(&mut self, frame: &FrameValues<'_>) {
        if self.frames_in_last == self.frames_per_column || self.power.is_empty() {
            if self.len() == 2 * self.width {
                self.merge_neighbours();
            }
            self.begin_column();
        }
        self.frames_in_last += 1;
        let last = self.len() - 1;
        raise(&mut self.columns[last * self.bands..], frame.bands_db);
        if let Some(chroma) = frame.chroma {
            self.heard[0] = true;
            add(&mut self.chroma[last * 12..], chroma);
        }
        if !frame.loudness_lufs.is_nan() {
            self.heard[1] = true;
            self.power[last] += 10_f64.powf(f64::from(frame.loudness_lufs) / 10.0);
        }
    }

    fn begin_column(&mut self) {
        self.columns.resize(self.columns.len() + self.bands, f32::NEG_INFINITY);
        self.chroma.resize(self.chroma.len() + 12, 0.0);
        self.power.push(0.0);
        self.frames_in_last = 0;
    }

    fn merge_neighbours(&mut self) {
        merge(&mut self.columns, self.bands, self.width, raise);
        merge(&mut self.chroma, 12, self.width, add);
        for column in 0..self.width {
            self.power[column] = self.power[2 * column] + self.power[2 * column + 1];
        }
        self.power.truncate(self.width);
        self.frames_per_column *= 2;
        self.frames_in_last = self.frames_per_column;
    }

    /// Number of columns so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.power.len()
    }

    /// Whether no frame came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.power.is_empty()
    }

    /// Number of bands in a column.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Frames that one full column stands for.
    #[must_use]
    pub fn frames_per_column(&self) -> usize {
        self.frames_per_column
    }

    /// Frames so far.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames_in(0..self.len())
    }

    /// Loudest level, in dB, of `bands` over `columns`.
    #[must_use]
    pub fn peak(&self, columns: Range<usize>, bands: Range<usize>) -> f32 {
        let columns = columns.start..columns.end.min(self.len());
        let rows = columns.flat_map(|column| &self.columns[column * self.bands..][bands.clone()]);
        rows.copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// Highest level anywhere, in dB.
    #[must_use]
    pub fn maximum(&self) -> f32 {
        self.columns.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// Whether any frame had pitch classes.
    #[must_use]
    pub fn has_chroma(&self) -> bool {
        self.heard[0]
    }

    /// Mean of a pitch class over `columns`, 0 to 1.
    #[must_use]
    pub fn chroma(&self, columns: Range<usize>, pitch_class: usize) -> f32 {
        let frames = self.frames_in(columns.clone());
        let columns = columns.start..columns.end.min(self.len());
        columns.map(|column| self.chroma[column * 12 + pitch_class]).sum::<f32>() / frames.max(1) as f32
    }

    /// Whether any frame had a loudness.
    #[must_use]
    pub fn has_loudness(&self) -> bool {
        self.heard[1]
    }

    /// Mean power over `columns` as a loudness, in LUFS; minus infinity for digital silence.
    #[must_use]
    pub fn loudness_lufs(&self, columns: Range<usize>) -> f64 {
        let frames = self.frames_in(columns.clone());
        let power: f64 = self.power[columns.start..columns.end.min(self.len())].iter().sum();
        10.0 * (power / frames.max(1) as f64).log10()
    }

    /// Frames in these columns: the last may stand for fewer than the others.
    fn frames_in(&self, columns: Range<usize>) -> usize {
        let full = columns.end.min(self.len()).saturating_sub(columns.start) * self.frames_per_column;
        let short = if columns.end >= self.len() { self.frames_per_column - self.frames_in_last } else { 0 };
        full.saturating_sub(short)
    }
}

/// Makes one column of two, `kept` times, each of `rows` values.
fn merge(values: &mut Vec<f32>, rows: usize, kept: usize, join: fn(&mut [f32], &[f32])) {
    for column in 0..kept {
        let (left, right) = values.split_at_mut((2 * column + 1) * rows);
        join(&mut left[2 * column * rows..], &right[..rows]);
        values.copy_within(2 * column * rows..(2 * column + 1) * rows, column * rows);
    }
    values.truncate(kept * rows);
}

fn raise(kept: &mut [f32], other: &[f32]) {
    kept.iter_mut().zip(other).for_each(|(kept, other)| *kept = kept.max(*other));
}

fn add(kept: &mut [f32], other: &[f32]) {
    kept.iter_mut().zip(other).for_each(|(kept, other)| *kept += other);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(bands_db: &'a [f32], chroma: &'a [f32; 12]) -> FrameValues<'a> {
        let (loudness_lufs, peak_dbfs, onset) = (-20.0, -20.0, 0.0);
        FrameValues { bands_db, loudness_lufs, peak_dbfs, onset, centroid_hz: None, chroma: Some(chroma) }
    }

    #[test]
    fn no_peak_is_lost_and_the_size_is_bounded() {
        for frames in [1, 15, 16, 17, 100, 1000] {
            let mut overview = Overview::new(8, 2);
            for at in 0..frames {
                let level = if at == frames - 1 { 5.0 } else { -90.0 };
                overview.push(&frame(&[level, -50.0], &[0.25; 12]));
            }
            let all = 0..overview.len();
            assert!(overview.len() <= 16 && overview.len() * overview.frames_per_column() >= frames);
            let last = (frames - 1) / overview.frames_per_column();
            assert_eq!(overview.peak(last..last + 1, 0..1), 5.0, "{frames} frames");
            assert_eq!(overview.peak(all.clone(), 1..2), -50.0);
            assert!((overview.chroma(all.clone(), 3) - 0.25).abs() < 1e-6, "{frames} frames");
            assert!((overview.chroma(last..last + 1, 3) - 0.25).abs() < 1e-6, "{frames} frames");
            assert!((overview.loudness_lufs(all) + 20.0).abs() < 1e-5, "{frames} frames");
        }
    }
}
