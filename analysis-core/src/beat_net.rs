//! The learned beat and downbeat activation: a temporal convolutional network.

pub mod input;

/// Filters that the network hears: those of the rhythm stage up to 13 kHz.
pub const BANDS: usize = 76;
