//! EBU R128 loudness.
