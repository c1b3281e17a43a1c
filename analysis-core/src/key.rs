//! Key and tuning.
