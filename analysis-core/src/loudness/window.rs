//! The mean of the last so many energies.

const LANES: usize = 4;

/// A sliding window over energies of blocks.
///
/// The sum is taken afresh over the whole window, so that what has left it leaves nothing behind, not even by rounding.
pub(super) struct Window {
    energies: Vec<f64>,
    next: usize,
    full: bool,
}

impl Window {
    pub(super) fn new(blocks: usize) -> Self {
        Self { energies: vec![0.0; blocks], next: 0, full: false }
    }

    /// Takes the next energy, and gives the mean of the last `blocks` once there are so many.
    pub(super) fn push(&mut self, energy: f64) -> Option<f64> {
        self.energies[self.next] = energy;
        self.next = (self.next + 1) % self.energies.len();
        self.full |= self.next == 0;
        self.full.then(|| sum(&self.energies) / self.energies.len() as f64)
    }
}

fn sum(values: &[f64]) -> f64 {
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] += group[lane];
        }
    }
    rest.iter().chain(&lanes).sum()
}
