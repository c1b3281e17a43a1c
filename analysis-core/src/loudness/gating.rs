//! Loudness of blocks, kept as a histogram: what passes the gates of ITU-R BS.1770-4 and EBU Tech 3342.

use super::{GATE_LUFS, energy_to_lufs, lufs_to_energy};

/// Bins of 0.1 LU from the absolute gate of −70 LUFS to +30 LUFS; the last holds what is louder too.
const BINS: usize = 1000;
const BINS_PER_LU: f64 = 10.0;
/// The relative gates, in LU against the mean: of the integrated loudness (BS.1770-4) and of the range (Tech 3342).
const INTEGRATED_GATE_LU: f64 = -10.0;
const RANGE_GATE_LU: f64 = -20.0;
/// The range leaves out the softest tenth and the loudest twentieth (Tech 3342).
const LOW_SHARE: f64 = 0.10;
const HIGH_SHARE: f64 = 0.95;

/// How many blocks had which loudness. Memory is fixed; a block counts with the loudness of its bin's centre.
pub(super) struct Histogram {
    counts: Vec<u32>,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BINS] }
    }

    /// Counts a block of this energy, unless it is below the absolute gate.
    pub(super) fn add(&mut self, energy: f64) {
        let bin = (energy_to_lufs(energy) - GATE_LUFS) * BINS_PER_LU;
        if bin.is_finite() && bin >= 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "neither large nor negative"
            )]
            let bin = bin as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// Loudness of the mean energy of the blocks above the relative gate, in LUFS; `None` without blocks.
    pub(super) fn integrated_lufs(&self) -> Option<f64> {
        self.mean_energy(self.first_above(INTEGRATED_GATE_LU)?).map(energy_to_lufs)
    }

    /// From the softest to the loudest of the blocks above the relative gate, the extremes left out, in LU; 0 without
    /// blocks.
    pub(super) fn range_lu(&self) -> f64 {
        let Some(first) = self.first_above(RANGE_GATE_LU) else { return 0.0 };
        let last = self.blocks(first).saturating_sub(1) as f64;
        (self.bin_of(first, last * HIGH_SHARE) - self.bin_of(first, last * LOW_SHARE)) as f64 / BINS_PER_LU
    }

    /// The first bin whose centre is not below the mean of all blocks and `gate_lu` more.
    fn first_above(&self, gate_lu: f64) -> Option<usize> {
        let gate = self.mean_energy(0)? * 10_f64.powf(gate_lu / 10.0);
        (0..BINS).find(|&bin| centre(bin) >= gate)
    }

    fn mean_energy(&self, first: usize) -> Option<f64> {
        let energy: f64 = (first..BINS).map(|bin| f64::from(self.counts[bin]) * centre(bin)).sum();
        let blocks = self.blocks(first);
        (blocks > 0).then(|| energy / blocks as f64)
    }

    /// Number of blocks in bin `first` and above.
    fn blocks(&self, first: usize) -> u64 {
        self.counts[first..].iter().map(|&count| u64::from(count)).sum()
    }

    /// The bin of the block that comes `rank`-th (from 0, rounded) when those of bin `first` and above are put in order.
    fn bin_of(&self, first: usize, rank: f64) -> usize {
        let mut passed = 0.0;
        let holds = |&bin: &usize| {
            passed += f64::from(self.counts[bin]);
            passed > (rank + 0.5).floor()
        };
        (first..BINS).find(holds).unwrap_or(first)
    }
}

/// Energy of a bin's centre.
fn centre(bin: usize) -> f64 {
    lufs_to_energy(GATE_LUFS + (bin as f64 + 0.5) / BINS_PER_LU)
}
