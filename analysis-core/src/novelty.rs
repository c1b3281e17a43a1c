//! Where music changes its character: checkerboard novelty of banded self-similarity.

use crate::structure::Features;

/// Half width of the kernel, in seconds: what lies before and after a boundary is compared over this far.
const REACH_SECONDS: f64 = 16.0;
/// The kernel's half width in units stays within these.
const REACH_UNITS: std::ops::RangeInclusive<usize> = 5..=24;
/// Novelty under which nothing is a boundary: that of chords changing within a section.
const LEAST_NOVELTY: f32 = 0.02;
/// Shortest section, in seconds.
const LEAST_SECTION_SECONDS: f64 = 7.0;
/// Novelty at which a boundary is believed by two thirds.
const CLEAR_NOVELTY: f32 = 0.06;

/// A boundary before `unit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    pub(crate) unit: usize,
    pub(crate) confidence: f32,
}

/// Similarity of two units, 0 to 1: `exp(-distance)`.
pub(crate) fn similarity(a: &Features, b: &Features) -> f32 {
    let square: f32 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
    (-square.sqrt()).exp()
}

/// Boundaries: peaks of the novelty, at least a shortest section apart, the higher first.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few units")]
pub(crate) fn boundaries(features: &[Features], unit_seconds: f64) -> Vec<Peak> {
    let units = |seconds: f64| (seconds / unit_seconds).round() as usize;
    let reach = units(REACH_SECONDS).clamp(*REACH_UNITS.start(), *REACH_UNITS.end());
    let apart = units(LEAST_SECTION_SECONDS).max(2);
    let novelty = curve(features, reach);
    let mut order: Vec<usize> = (apart..novelty.len().saturating_sub(apart - 1)).collect();
    order.retain(|&i| novelty[i] >= LEAST_NOVELTY && is_peak(&novelty, i));
    order.sort_by(|&a, &b| novelty[b].total_cmp(&novelty[a]).then(a.cmp(&b)));
    let mut taken = vec![false; novelty.len()];
    let mut peaks = Vec::new();
    for i in order {
        let (from, to) = (i.saturating_sub(apart - 1), (i + apart).min(taken.len()));
        if !taken[from..to].contains(&true) {
            taken[i] = true;
            peaks.push(Peak { unit: i, confidence: 1.0 - (-novelty[i] / CLEAR_NOVELTY).exp() });
        }
    }
    peaks.sort_by_key(|peak| peak.unit);
    peaks
}

fn is_peak(novelty: &[f32], i: usize) -> bool {
    let before = i.checked_sub(1).map_or(0.0, |j| novelty[j]);
    let after = novelty.get(i + 1).copied().unwrap_or(0.0);
    novelty[i] > before && novelty[i] >= after
}

/// Novelty before each unit: how much alike the units before are among themselves, and those after, less how much
/// the two sides are alike.
///
/// ```text
/// novelty(i) = ½·mean s(before, before) + ½·mean s(after, after) − mean s(before, after)
/// ```
///
/// each mean weighted by a Gaussian of the distance from the boundary. It is Foote's kernel, with each quadrant
/// normalised by itself so that the ends of the track need no padding.
fn curve(features: &[Features], reach: usize) -> Vec<f32> {
    let band = Band::new(features, 2 * reach);
    let taper: Vec<f32> = (0..reach).map(|d| gaussian((d as f32 + 0.5) / reach as f32)).collect();
    (0..features.len()).map(|i| novelty_at(&band, i, &taper)).collect()
}

fn gaussian(share: f32) -> f32 {
    (-2.0 * share * share).exp()
}

fn novelty_at(band: &Band, i: usize, taper: &[f32]) -> f32 {
    let (before, after) = (i.min(taper.len()), (band.units - i).min(taper.len()));
    if before < 2 || after < 2 {
        return 0.0;
    }
    let mean = |pairs: &dyn Fn(usize, usize) -> Option<(usize, usize)>, rows: usize, columns: usize| {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            if let Some((a, b)) = pairs(row, column) {
                let weight = taper[row] * taper[column];
                sum += weight * band.at(a, b);
                weights += weight;
            }
        }
        sum / weights
    };
    let left = mean(&|row, column| (row < column).then(|| (i - 1 - column, i - 1 - row)), before, before);
    let right = mean(&|row, column| (row < column).then(|| (i + row, i + column)), after, after);
    let across = mean(&|row, column| Some((i - 1 - row, i + column)), before, after);
    0.5 * (left + right) - across
}

/// The similarity of units at most `width` apart.
struct Band {
    units: usize,
    width: usize,
    /// `values[a · width + (b − a)]` for `a ≤ b < a + width`.
    values: Vec<f32>,
}

impl Band {
    fn new(features: &[Features], width: usize) -> Self {
        let mut values = vec![0.0; features.len() * width];
        for (a, row) in values.chunks_exact_mut(width).enumerate() {
            for (value, other) in row.iter_mut().zip(&features[a..]) {
                *value = similarity(&features[a], other);
            }
        }
        Self { units: features.len(), width, values }
    }

    fn at(&self, a: usize, b: usize) -> f32 {
        self.values[a * self.width + (b - a)]
    }
}
