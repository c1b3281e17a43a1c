//! How well an engine listens, in the measures that the field agrees on.
//!
//! The metrics of the crate `scores` are compared with those of `mir_eval` 0.8.2 to the last digits by a test.
//! [`scoring`] applies them to a track, [`table`] averages tracks into rows. The command of this crate
//! listens to generated music and to a corpus, and writes `docs/ACCURACY.md`.
//!
//! ```
//! let truth = [0.5, 1.0, 1.5, 2.0];
//! let said = [0.52, 1.01, 1.75, 2.0];
//! assert_eq!(evaluation::events::f_measure(&truth, &said, 0.07), 0.75);
//! ```

pub mod bootstrap;
pub mod calibration;
pub mod loudness;
pub mod scoring;
pub mod table;
pub mod track;

pub use scores::{cemgil, chords, continuity, events, key, sections, tempo};
