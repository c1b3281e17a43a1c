//! Onset strength from power spectra.
