#![doc = include_str!("../README.md")]
#![doc = include_str!("guide.md")]
#![warn(missing_debug_implementations)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "decode"),
    expect(
        rustdoc::broken_intra_doc_links,
        reason = "the guide speaks of files, which this build cannot read"
    )
)]

pub mod activation;
pub mod analyzer;
pub mod attack;
pub mod bands;
mod bars;
pub mod beat_net;
pub mod beats;
mod chord_path;
pub mod chords;
pub mod chroma;
pub mod chunk;
pub mod config;
#[cfg_attr(not(feature = "decode"), expect(dead_code, reason = "only a file keeps several threads busy"))]
mod crew;
pub mod danceability;
#[cfg(feature = "decode")]
pub mod decode;
mod divisions;
mod ends;
pub mod envelope;
pub mod error;
pub mod events;
mod evidence;
pub mod fades;
pub mod features;
mod field;
mod filterbank;
#[cfg(feature = "decode")]
pub mod fingerprint;
pub mod frame;
mod harmony;
pub mod key;
mod key_path;
mod key_profiles;
pub mod limits;
mod log;
pub mod loudness;
pub mod manifest;
mod memory;
mod meter;
mod novelty;
pub mod onset;
mod opaque;
mod peaks;
mod phase;
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
mod tempo;
pub mod timing;
pub mod tonal;
mod tracked;
pub mod transform;
mod tuning;
pub mod units;
mod vectors;
pub mod zoom;

#[cfg(feature = "decode")]
pub use analyzer::analyze;
pub use analyzer::{Analysis, Analyzer, Frame, Observer, Progress};
pub use config::{AnalysisType, Config, SampleType};
pub use error::{Error, Fault, Result};
pub use limits::Limits;

/// Names this version of the engine in every manifest; a change of results changes it.
pub const ANALYZER_VERSION: &str = concat!("arsis-", env!("CARGO_PKG_VERSION"));
