//! What is stored of a track, in the forms that other programs read: one form, one file.
//!
//! | module | form | read by |
//! |---|---|---|
//! | [`audacity`] | label track | Audacity |
//! | [`jams`] | JAMS, JSON | tools of music research |
//! | [`csv`] | a table, a row an event | spreadsheets, pandas |
//! | [`rekordbox`] | `DJ_PLAYLISTS` XML | Rekordbox and what reads its library |
//! | [`document`] | the document of `--format json`, with all of it | programs |
//! | [`waveform`] | peaks, binary | players that draw waveforms as audiowaveform stores them |
//!
//! What people say of a track is in [`labels`]: it is read as well as written.
//!
//! All but the last need no audio: they are written from a [`Track`]. Events are written as they come; what is held is
//! the places of the beats while [`grid`] is made, some 30 bytes a beat. Every writer takes any events, in any order,
//! with any text in them, and what it writes can be read. The only errors are those of what is written to; readers of
//! [`labels`] name the faults of what they read.
//!
//! ```
//! use analysis_core::summary::{AudioInfo, Summary};
//! use export::Track;
//!
//! let (audio, summary) = (AudioInfo::of_samples(44_100, 2), Summary::default());
//! let track = Track::new("song.wav", &audio, &summary, &[]);
//! let mut table = Vec::new();
//! export::csv::Table::new(&mut table)?.add(&track)?;
//! assert_eq!(table, b"file,time_s,duration_s,event_type,confidence,bar,position,label\r\n");
//! # Ok::<(), std::io::Error>(())
//! ```

#![warn(missing_debug_implementations)]

pub mod audacity;
pub mod csv;
pub mod document;
pub mod grid;
pub mod jams;
pub mod labels;
pub mod rekordbox;
mod stretches;
mod track;
pub mod waveform;

pub use track::{EventSource, Track};
