//! Whether the results of a file are there already.

use crate::analyze::inputs::Source;
use analysis_core::Config;
use analysis_core::fingerprint::fingerprint;
use analysis_core::manifest::Manifest;
use std::fs::{self, File};
use std::path::Path;

/// Whether `folder` holds the results of `file` as it is: they say so of its size and time and of what was asked for, or,
/// where `arsis analyze` wrote them, the manifest says so of its bytes, type, hop and bands.
pub(crate) fn are_there(folder: &Path, file: &Path, source: &Source, config: &Config) -> bool {
    if !folder.join("manifest.json").exists() {
        return false;
    }
    match fs::read(folder.join(Source::FILE)) {
        Ok(bytes) => serde_json::from_slice::<Source>(&bytes).is_ok_and(|found| found == *source),
        Err(_) => are_of(folder, file, config),
    }
}

fn are_of(folder: &Path, file: &Path, config: &Config) -> bool {
    let manifest = fs::read(folder.join("manifest.json")).ok();
    let Some(manifest) = manifest.and_then(|bytes| Manifest::from_json(&bytes).ok()) else { return false };
    let same = manifest.analysis_type == config.analysis_type
        && manifest.hop_ms == config.hop_ms
        && usize::try_from(manifest.bands) == Ok(config.bands);
    let name = || File::open(file).ok().and_then(|mut file| fingerprint(&mut file).ok());
    same && manifest.fingerprint.is_some() && manifest.fingerprint == name()
}
