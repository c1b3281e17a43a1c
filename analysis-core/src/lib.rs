//! Listens to music and writes down what it hears.
//!
//! Audio in, frames, chunks, events and a summary out. A pure library: no network, no database, no
//! environment, no clock.

pub mod activation;
pub mod analyzer;
pub mod attack;
pub mod bands;
pub mod bars;
pub mod beat_net;
pub mod beats;
mod chord_path;
pub mod chords;
pub mod chroma;
pub mod chunk;
pub mod config;
mod crew;
pub mod danceability;
pub mod decode;
pub mod divisions;
mod ends;
pub mod envelope;
pub mod error;
pub mod events;
mod evidence;
pub mod fades;
pub mod features;
pub mod field;
mod filterbank;
pub mod fingerprint;
pub mod frame;
pub mod harmony;
pub mod key;
mod key_path;
pub mod key_profiles;
pub mod limits;
mod log;
pub mod loudness;
pub mod manifest;
mod memory;
mod meter;
mod novelty;
pub mod onset;
pub mod peaks;
pub mod phase;
mod power_spectrum;
pub mod reader;
pub mod regrid;
pub mod rhythm;
mod section_labels;
pub mod segments;
mod sounding;
pub mod spotify;
pub mod stages;
pub mod stft;
pub mod structure;
pub mod summary;
pub mod tempo;
pub mod timing;
pub mod tonal;
pub mod tracked;
pub mod transform;
pub mod tuning;
pub mod units;
mod vectors;
pub mod zoom;

pub use analyzer::{Analysis, Analyzer, Frame, Observer, Progress, analyze};
pub use config::{AnalysisType, Config, SampleType};
pub use error::{Error, Result};
pub use limits::Limits;

/// Names this version of the engine in every manifest; a change of results changes it.
pub const ANALYZER_VERSION: &str = concat!("arsis-", env!("CARGO_PKG_VERSION"));
