//! Pitch-class profiles.
