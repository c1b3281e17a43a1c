//! Whether the results of a file are there already.

use crate::analyze::file::Settings;
use crate::analyze::inputs::Source;
use crate::analyze::{exports, picture};
use analysis_core::fingerprint::fingerprint;
use analysis_core::frame::BANDS;
use analysis_core::manifest::Manifest;
use analysis_core::{ANALYZER_VERSION, Config};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Whether `folder` holds the results of `file` as it is: they say so of its size and time and of what was asked for, or,
/// where `arsis analyze` wrote them, the manifest says so of its bytes, type, hop, bands, values and engine, and every
/// document and picture that is asked for is there.
pub(crate) fn are_there(folder: &Path, file: &Path, source: &Source, settings: &Settings) -> bool {
    if !folder.join("manifest.json").exists() {
        return false;
    }
    match fs::read(folder.join(Source::FILE)) {
        Ok(bytes) => serde_json::from_slice::<Source>(&bytes).is_ok_and(|found| found == *source),
        Err(_) => are_of(folder, file, &settings.config) && are_whole(folder, settings),
    }
}

/// Whether all documents and pictures are there.
fn are_whole(folder: &Path, settings: &Settings) -> bool {
    let documents = settings.formats.iter().filter_map(|format| exports::file_name(*format));
    let pictures = picture::file_names(settings.drawing.picture_format);
    documents.map(PathBuf::from).chain(pictures).all(|name| folder.join(name).exists())
}

fn are_of(folder: &Path, file: &Path, config: &Config) -> bool {
    let manifest = fs::read(folder.join("manifest.json")).ok();
    let Some(manifest) = manifest.and_then(|bytes| Manifest::from_json(&bytes).ok()) else { return false };
    let same = manifest.analysis_type == config.analysis_type
        && manifest.hop_ms == config.hop_ms
        && usize::try_from(manifest.bands) == Ok(config.bands)
        && manifest.analyzer_version == ANALYZER_VERSION
        && manifest.frame_layout.field(BANDS).is_ok_and(|field| field.sample_type == config.sample_type);
    let name = || File::open(file).ok().and_then(|mut file| fingerprint(&mut file).ok());
    same && manifest.fingerprint.is_some() && manifest.fingerprint == name()
}
