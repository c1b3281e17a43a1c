//! How alike two accounts of a piece of music are, in the measures that the field agrees on.
//!
//! The metrics are those of `mir_eval` 0.8.2 (Raffel et al., ISMIR 2014), compared with it to the last digits by a
//! test of the crate `evaluation`, which applies them to engines. `arsis compare` applies them to any two files.
//!
//! ```
//! let truth = [0.5, 1.0, 1.5, 2.0];
//! let said = [0.52, 1.01, 1.75, 2.0];
//! assert_eq!(scores::events::f_measure(&truth, &said, 0.07), 0.75);
//! ```

pub mod cemgil;
pub mod chords;
pub mod continuity;
pub mod events;
pub mod key;
pub mod sections;
pub mod tempo;

/// The first seconds of music of more than three times as long are not scored: who taps along needs a moment (Davies et
/// al., C4DM-TR-09-06, 2009).
pub const SETTLING_S: f64 = 5.0;

/// From when on music of this length is scored, in seconds.
#[must_use]
pub fn settled_from_s(duration_s: f64) -> f64 {
    if duration_s > 3.0 * SETTLING_S { SETTLING_S } else { 0.0 }
}
