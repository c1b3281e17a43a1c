//! From the paths of the command line to the files to analyse.

use crate::advice::READS;
use crate::cli::wrong_usage;
use crate::say;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Extensions taken from folders; a file named on the command line is tried whatever it is called.
const EXTENSIONS: [&str; 22] = [
    "wav", "wave", "flac", "mp3", "mp2", "mp1", "ogg", "oga", "opus", "m4a", "m4b", "mp4", "aac", "alac",
    "aif", "aiff", "aifc", "caf", "mka", "mkv", "webm", "weba",
];

/// One thing to analyse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file.
    File {
        /// Where it is read.
        path: PathBuf,
        /// Where what is written of it lies, below a folder for that.
        place: PathBuf,
    },
    /// Standard input.
    Stdin,
}

impl Input {
    /// A file that was named itself: what is written of it has its name.
    pub(crate) fn named(path: PathBuf) -> Self {
        let place = path.file_name().map_or_else(|| "file".into(), PathBuf::from);
        Self::File { path, place }
    }

    /// A file that was found below a folder: what is written of it lies as it does.
    pub(crate) fn found(folder: &Path, path: PathBuf) -> Self {
        match path.strip_prefix(folder).map(Path::to_owned) {
            Ok(place) => Self::File { path, place },
            Err(_) => Self::named(path),
        }
    }

    /// Where what is written of it lies, below a folder for that.
    pub(crate) fn place(&self) -> &Path {
        match self {
            Self::File { place, .. } => place,
            Self::Stdin => Path::new("stdin"),
        }
    }

    /// How the input is named in results and messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Stdin => "-".into(),
        }
    }

    /// Where it lies, from the root.
    pub(crate) fn location(&self) -> Option<PathBuf> {
        match self {
            Self::File { path, .. } => fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok(),
            Self::Stdin => None,
        }
    }

    /// Size in bytes, where there is a file to tell.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::File { path, .. } => fs::metadata(path).map_or(0, |file| file.len()),
            Self::Stdin => 0,
        }
    }

    /// What kind of file it is by its name.
    pub(crate) fn kind(&self) -> String {
        self.extension().unwrap_or_default().to_owned()
    }

    /// File extension, to help the probe.
    pub(crate) fn extension(&self) -> Option<&str> {
        match self {
            Self::File { path, .. } => path.extension()?.to_str(),
            Self::Stdin => None,
        }
    }
}

/// A file as it was seen: if it is written to, one of these changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its size.
    pub(crate) size_bytes: u64,
    /// When it was last written, in ns since 1970.
    pub(crate) modified_ns: u64,
}

impl Stamp {
    /// Of the file that is there now.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().filter(Metadata::is_file).map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for Stamp {
    fn from(found: &Metadata) -> Self {
        let since = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let modified_ns = since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        Self { size_bytes: found.len(), modified_ns }
    }
}

/// A file as results are of it: who finds the same again need not analyse it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Its size.
    pub(crate) size_bytes: u64,
    /// When it was last written, in ns since 1970.
    pub(crate) modified_ns: u64,
    /// What was asked for.
    pub(crate) asked: String,
}

impl Source {
    /// What it is written as, beside the results.
    pub(crate) const FILE: &str = "source.json";

    /// The file it is of.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { size_bytes: self.size_bytes, modified_ns: self.modified_ns }
    }
}

/// Refuses to write over what is read.
///
/// # Errors
/// Wrong usage of `option`.
pub(crate) fn check_kept<'a>(
    inputs: &[Input],
    option: &str,
    targets: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    let read: BTreeSet<PathBuf> =
        inputs.iter().filter_map(|input| fs::canonicalize(input.location()?).ok()).collect();
    let replaces = |target: &&PathBuf| fs::canonicalize(target).is_ok_and(|path| read.contains(&path));
    match targets.into_iter().find(replaces) {
        Some(target) => {
            let target = target.display();
            Err(wrong_usage(format!("{option} would replace {target}, an input; choose another name")))
        }
        None => Ok(()),
    }
}

/// What the paths of the command line come to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) inputs: Vec<Input>,
    /// Whether folders in those that were named could not be read. Standard error names them.
    pub(crate) left_out: bool,
}

/// Expands folders, in the order of their names, so that the same folder gives the same results.
pub(crate) fn expand(paths: &[PathBuf], recursive: bool) -> Result<Found> {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            if found.inputs.contains(&Input::Stdin) {
                return Err(wrong_usage("standard input ('-') can be read only once".into()));
            }
            found.inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let shown = path.display();
            if !recursive {
                return Err(wrong_usage(format!(
                    "{shown} is a folder; add -r to analyse the audio files in it"
                )));
            }
            let before = found.inputs.len();
            walk(path, path, &mut found).with_context(|| format!("failed to list {shown}"))?;
            if found.inputs.len() == before {
                bail!("no audio files found in {shown}; by their names, {READS}");
            }
        } else {
            found.inputs.push(Input::named(path.clone()));
        }
    }
    Ok(found)
}

/// Takes what is in a folder below `root`, but hidden names. A folder in it that cannot be read takes nothing else with it.
fn walk(root: &Path, folder: &Path, found: &mut Found) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.retain(|entry| !is_hidden(entry));
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What has gone meanwhile was not there.
        let Ok(kind) = entry.file_type() else { continue };
        if !kind.is_dir() {
            // A link to a folder may lead round in a circle, and a pipe wait for ever.
            let is_other = || fs::metadata(&path).is_ok_and(|found| !found.is_file());
            if is_audio(&path) && !is_other() {
                found.inputs.push(Input::found(root, path));
            }
        } else if let Err(error) = walk(root, &path, found) {
            say::err(format_args!("arsis: {}: {error}; left out", path.display()));
            found.left_out = true;
        }
    }
    Ok(())
}

/// Hidden names, which no folder gives: among them what copying programs write to before they rename it, what systems write
/// beside a file, and what was thrown away.
pub(crate) fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_bytes().starts_with(b".")
}

/// Whether a file is taken from a folder, by its name.
pub(crate) fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}
