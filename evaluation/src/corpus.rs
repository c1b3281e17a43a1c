//! A corpus on disk: a manifest, and audio files beside it.
//!
//! ```json
//! {"files": [{"id": "part/name", "part": "part", "file": "part/name.flac", "duration": 60.0, "beats": [0.5, 1.0],
//!             "downbeats": [0.5], "tempo_bpm": 120.0, "key": "A minor", "chords": [[0.5, "Am"], [2.5, "F"]], "boundaries": [32.5],
//!             "loudness_lufs": -14.2, "style": "rock", "trusted": true}]}
//! ```
//!
//! A chord lasts until the next, `N` is none; boundaries are where sections begin, but for the first. Other fields are allowed and ignored. Files with `"trusted": false` are left out; those of the part `edge` have
//! a row of their own but do not count in `all`.

use crate::listen::{Collection, Source};
use anyhow::{Context, Result};
use evaluation::chords;
use evaluation::track::{Track, Truth};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Files whose measure is that they end well.
const EDGE: &str = "edge";

#[derive(Deserialize)]
struct Manifest {
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    part: String,
    file: PathBuf,
    duration: Option<f64>,
    beats: Option<Vec<f64>>,
    downbeats: Option<Vec<f64>>,
    tempo_bpm: Option<f64>,
    key: Option<String>,
    chords: Option<Vec<(f64, String)>>,
    boundaries: Option<Vec<f64>>,
    loudness_lufs: Option<f64>,
    style: Option<String>,
    trusted: Option<bool>,
}

/// Reads a manifest; files are averaged by part, or by style where they have one.
pub(crate) fn read(manifest: &Path, by_style: bool) -> Result<Collection> {
    let failed = || format!("failed to read {}", manifest.display());
    let bytes = std::fs::read(manifest).with_context(failed)?;
    let entries: Manifest = serde_json::from_slice(&bytes).with_context(failed)?;
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let trusted = entries.files.into_iter().filter(|entry| entry.trusted != Some(false));
    let sources: Vec<(Track, Source)> = trusted
        .map(|entry| {
            let path = folder.join(&entry.file);
            (entry.track(by_style), Source::File(path))
        })
        .collect();
    let title = format!("A corpus of {} files", sources.len());
    Ok(Collection { title, sources })
}

impl Entry {
    fn track(self, by_style: bool) -> Track {
        let sorted = |times: Option<Vec<f64>>| {
            let mut times = times.unwrap_or_default();
            times.sort_by(f64::total_cmp);
            times
        };
        let duration_s = self.duration.unwrap_or_default();
        let truth = Truth {
            duration_s,
            beats: sorted(self.beats),
            downbeats: sorted(self.downbeats),
            tempo_bpm: self.tempo_bpm.filter(|bpm| *bpm > 0.0),
            key: self.key,
            boundaries: sorted(self.boundaries),
            chords: chords::until_the_next(&self.chords.unwrap_or_default(), duration_s),
            loudness_lufs: self.loudness_lufs,
        };
        let in_all = self.part != EDGE;
        let group = self.style.filter(|_| by_style).unwrap_or(self.part);
        Track { id: self.id, group, in_all, truth }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_may_leave_out_what_is_not_known() {
        let text = r#"{"files": [{"id": "edge/x", "part": "edge", "file": "edge/x.wav", "beats": null, "rare": 1},
            {"id": "real/y", "part": "real", "file": "real/y.mp3", "style": "rock", "tempo_bpm": 120, "downbeats": [2, 0.5]}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        let tracks: Vec<Track> = manifest.files.into_iter().map(|entry| entry.track(true)).collect();
        assert!(!tracks[0].in_all && tracks[1].in_all);
        assert_eq!([&tracks[0].group, &tracks[1].group], ["edge", "rock"]);
        assert_eq!(tracks[0].truth, Truth::default());
        assert_eq!((tracks[1].truth.tempo_bpm, &tracks[1].truth.downbeats), (Some(120.0), &vec![0.5, 2.0]));
    }
}
