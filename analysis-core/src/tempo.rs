//! Tempo from onset strength.
