//! From the paths of the command line to the files to analyse.

use crate::advice::READS;
use crate::cli::wrong_usage;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, Metadata};
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
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// How the input is named in results and messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "-".into(),
        }
    }

    /// Where it lies, from the root.
    pub(crate) fn location(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok(),
            Self::Stdin => None,
        }
    }

    /// Size in bytes, where there is a file to tell.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::File(path) => fs::metadata(path).map_or(0, |file| file.len()),
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
            Self::File(path) => path.extension()?.to_str(),
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

/// Expands folders, in the order of their names, so that the same folder gives the same results.
pub(crate) fn expand(paths: &[PathBuf], recursive: bool) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if inputs.contains(&Input::Stdin) {
                return Err(wrong_usage("standard input ('-') can be read only once".into()));
            }
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            if !recursive {
                let folder = path.display();
                return Err(wrong_usage(format!(
                    "{folder} is a folder; add -r to analyse the audio files in it"
                )));
            }
            let before = inputs.len();
            walk(path, &mut inputs)?;
            if inputs.len() == before {
                bail!("no audio files found in {}; by their names, {READS}", path.display());
            }
        } else {
            inputs.push(Input::File(path.clone()));
        }
    }
    Ok(inputs)
}

fn walk(folder: &Path, inputs: &mut Vec<Input>) -> Result<()> {
    let listed = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut entries = listed
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("failed to list {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().with_context(|| format!("failed to look at {}", path.display()))?;
        if kind.is_dir() {
            walk(&path, inputs)?;
        } else if is_audio(&path) {
            inputs.push(Input::File(path));
        }
    }
    Ok(())
}

/// Whether a file is taken from a folder, by its name.
pub(crate) fn is_audio(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}
