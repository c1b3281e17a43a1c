//! Lets every engine listen to every track, on all cores, and tells on standard error how far it is.

use crate::engines::{Audio, Engine};
use crate::generated;
use anyhow::{Context, Result};
use evaluation::table::Listener;
use evaluation::track::{Prediction, Track};
use rayon::prelude::*;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use testmusic::styles::Song;

/// Tracks that are averaged together.
pub(crate) struct Collection {
    /// Head of its tables.
    pub(crate) title: String,
    /// The tracks, and where their audio is.
    pub(crate) sources: Vec<(Track, Source)>,
}

/// Where a track's audio is.
pub(crate) enum Source {
    /// In a file.
    File(PathBuf),
    /// In the head of the generator. The truth comes with the audio.
    Song(Box<Song>),
}

/// Listens to all of a collection with all engines.
pub(crate) fn to(collection: &Collection, engines: &[Box<dyn Engine>]) -> Vec<Listener> {
    let done = AtomicUsize::new(0);
    let count = collection.sources.len();
    let heard: Vec<(Track, Vec<Option<Prediction>>)> = collection
        .sources
        .par_iter()
        .map(|(track, source)| {
            let heard = listen(track, source, engines);
            tell(done.fetch_add(1, Ordering::Relaxed) + 1, count, &track.id);
            heard
        })
        .collect();
    let said_by = |index: usize| heard.iter().map(move |(track, said)| (track.clone(), said[index].clone()));
    let listeners = engines.iter().enumerate().map(|(index, engine)| Listener {
        name: engine.name().to_owned(),
        heard: said_by(index).collect(),
        costs: engine.costs(),
    });
    listeners.collect()
}

/// One track, played or opened once for all engines.
fn listen(track: &Track, source: &Source, engines: &[Box<dyn Engine>]) -> (Track, Vec<Option<Prediction>>) {
    match source {
        Source::File(path) => {
            let said = engines.iter().map(|engine| engine.listen(track, &Audio::File(path))).collect();
            (track.clone(), said)
        }
        Source::Song(song) => {
            let piece = song.render();
            let track = Track { truth: generated::truth(&piece), ..track.clone() };
            let interleaved = piece.interleaved();
            let audio = Audio::Stereo { interleaved: &interleaved, sample_rate_hz: piece.sample_rate_hz };
            let said = engines.iter().map(|engine| engine.listen(&track, &audio)).collect();
            (track, said)
        }
    }
}

/// A line that is written over on a terminal; elsewhere every twentieth.
fn tell(done: usize, count: usize, id: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{done} of {count}  {id}{}", if done == count { "\n" } else { "" });
    } else if done.is_multiple_of(20) || done == count {
        eprintln!("{done} of {count}");
    }
}

/// Writes what was said as prediction files: `FOLDER/ENGINE/ID.json`.
pub(crate) fn save(listener: &Listener, folder: &Path) -> Result<()> {
    for (track, said) in &listener.heard {
        let Some(said) = said else { continue };
        let path = folder.join(&listener.name).join(format!("{}.json", track.id));
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, serde_json::to_vec(said)?)
        };
        write().with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}
