//! Sections and their repeats.
