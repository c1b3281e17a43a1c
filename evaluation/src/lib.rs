//! How well an engine listens, in the measures that the field agrees on.
//!
//! The metrics are those of `mir_eval` 0.8.2 (Raffel et al., ISMIR 2014), compared with it to the last digits by a
//! test. [`scoring`] applies them to a track, [`table`] averages tracks into rows. The command of this crate
//! listens to generated music and to a corpus, and writes `docs/ACCURACY.md`.
//!
//! ```
//! let truth = [0.5, 1.0, 1.5, 2.0];
//! let said = [0.52, 1.01, 1.75, 2.0];
//! assert_eq!(evaluation::events::f_measure(&truth, &said, 0.07), 0.75);
//! ```

pub mod bootstrap;
pub mod calibration;
pub mod chords;
pub mod continuity;
pub mod events;
pub mod key;
pub mod loudness;
pub mod scoring;
pub mod sections;
pub mod table;
pub mod tempo;
pub mod track;
