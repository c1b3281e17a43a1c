//! Songs drawn from a seed, in many genres, with everything true of them known: beats, bars, metres, tempo, swing,
//! key, chords and sections.
//!
//! ```
//! use testmusic::styles::{Genre, Song};
//!
//! let song = Song::random(Genre::JazzSwing, 3);
//! assert_eq!(song, Song::random(Genre::JazzSwing, 3));
//! assert!(song.swing.is_some());
//! ```

mod band;
mod genre;
mod harmony;
mod player;
mod recipes;
mod song;
mod tempo;

pub use genre::Genre;
pub use harmony::Tonality;
pub use song::{Section, Song};
pub use tempo::{Swing, TempoPlan};
