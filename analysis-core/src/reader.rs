//! Reads stored frames by time.
