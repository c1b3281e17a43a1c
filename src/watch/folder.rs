//! One look at the folder: which audio files are there, of what size and time.

use crate::analyze::inputs::{Stamp, is_audio, is_hidden};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What one look saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Audio files, each with its stamp.
    pub(crate) files: Vec<(PathBuf, Stamp)>,
    /// Folders that could not be read, each with why. One that went while it was looked at is none of them.
    pub(crate) unreadable: Vec<(PathBuf, io::Error)>,
}

/// Looks at a folder, and with `recursive` at those in it. Hidden ones and `without`, where results go, are left out.
///
/// # Errors
/// The folder itself cannot be read.
pub(crate) fn look(root: &Path, recursive: bool, without: Option<&Path>) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut folders: BTreeSet<PathBuf> = take(root, recursive, &mut seen)?;
    while let Some(folder) = folders.pop_first() {
        if without.is_some_and(|without| fs::canonicalize(&folder).is_ok_and(|path| path == without)) {
            continue;
        }
        match take(&folder, recursive, &mut seen) {
            Ok(below) => folders.extend(below),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => seen.unreadable.push((folder, error)),
        }
    }
    seen.files.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(seen)
}

/// Takes the files of one folder; gives the folders in it.
fn take(folder: &Path, recursive: bool, seen: &mut Seen) -> io::Result<BTreeSet<PathBuf>> {
    let mut folders = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_hidden(&entry) {
            continue;
        }
        let path = entry.path();
        // What has gone meanwhile was not there.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            folders.extend(recursive.then_some(path));
        } else if is_audio(&path) {
            let stamp = Stamp::of(&path);
            seen.files.extend(stamp.map(|stamp| (path, stamp)));
        }
    }
    Ok(folders)
}
