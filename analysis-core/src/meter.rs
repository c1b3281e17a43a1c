//! Bars and time signatures.
