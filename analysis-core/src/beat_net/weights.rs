//! The weights that training wrote.

/// Half-precision, little-endian, layer by layer in the order in which they are read: for each layer its rows, then
/// its biases. Made by `training/` in the repository, under the licence of this crate.
static STANDARD: &[u8] = include_bytes!("weights.bin");

/// Hands out weights in order.
pub(super) struct Weights {
    rest: &'static [u8],
}

impl Weights {
    pub(super) fn standard() -> Self {
        Self { rest: STANDARD }
    }

    /// The next `COLUMNS` weights. A file that is too short gives zeros; a test holds the lengths against each other.
    pub(super) fn row<const COLUMNS: usize>(&mut self) -> [f32; COLUMNS] {
        std::array::from_fn(|_| {
            let Some((bytes, rest)) = self.rest.split_first_chunk::<2>() else { return 0.0 };
            self.rest = rest;
            half::f16::from_le_bytes(*bytes).to_f32()
        })
    }

    /// The next `count` rows.
    pub(super) fn rows<const COLUMNS: usize>(&mut self, count: usize) -> Vec<[f32; COLUMNS]> {
        (0..count).map(|_| self.row()).collect()
    }

    /// Weights not handed out yet.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.rest.len() / 2
    }
}
