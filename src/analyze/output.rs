//! What `-o DIR` writes: a folder a file, holding `manifest.json`, `analysis.json`, pictures and the
//! chunks as `level-L/chunk-NNNNN.zst`; and the document of `--format` where that is another program's.

use super::document::Document;
use analysis_core::chunk::Chunk;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Names a folder for each input: the file's name, numbered where two files share one.
pub(crate) fn folders(root: &Path, names: &[String]) -> Vec<PathBuf> {
    let mut taken = BTreeSet::new();
    let mut folder = |name: &String| {
        let stem =
            Path::new(name).file_name().map_or_else(|| "stdin".into(), |n| n.to_string_lossy().into_owned());
        let stem = if name == "-" { "stdin".to_owned() } else { stem };
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|n| !taken.contains(n)).unwrap_or(stem);
        taken.insert(free.clone());
        root.join(free)
    };
    names.iter().map(&mut folder).collect()
}

/// Writes a file's results while they come. Everything goes into a hidden sibling folder that takes its
/// name only when it is whole: a folder that is there is complete, whatever ended the run before.
pub(crate) struct FolderWriter {
    part: PathBuf,
    folder: PathBuf,
}

impl FolderWriter {
    /// Starts a folder; what an interrupted run left of it goes.
    ///
    /// # Errors
    /// Nothing can be written there, or something else than results has its name.
    pub(crate) fn create(folder: PathBuf) -> Result<Self> {
        check_replaceable(&folder)?;
        let mut name = hidden(&folder);
        name.push("part");
        let part = folder.with_file_name(name);
        remove_folder(&part)?;
        fs::create_dir_all(&part).with_context(|| format!("failed to create {}", part.display()))?;
        Ok(Self { part, folder })
    }

    /// Writes one chunk.
    pub(crate) fn write_chunk(&self, chunk: &Chunk) -> std::io::Result<()> {
        let level = self.part.join(format!("level-{}", chunk.level));
        if chunk.index == 0 {
            fs::create_dir_all(&level)?;
        }
        fs::write(level.join(format!("chunk-{:05}.zst", chunk.index)), &chunk.bytes)
    }

    /// Writes manifest and analysis, then gives the folder its name.
    pub(crate) fn finish(self, document: &Document) -> Result<()> {
        self.write_json("manifest.json", &document.analysis.manifest)?;
        self.write_json("analysis.json", document)?;
        remove_folder(&self.folder)?;
        fs::rename(&self.part, &self.folder)
            .with_context(|| format!("failed to move the results to {}", self.folder.display()))
    }

    fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<()> {
        self.write_file(name, |mut out| {
            serde_json::to_writer_pretty(&mut out, value)?;
            Ok(writeln!(out)?)
        })
    }

    /// Writes one more file.
    pub(crate) fn write_file(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<()> {
        let mut out = BufWriter::new(self.create_file(name)?);
        write(&mut out)
            .and_then(|()| Ok(out.flush()?))
            .with_context(|| format!("failed to write {}", self.part.join(name).display()))
    }

    /// Starts a file that is written while the music is heard.
    pub(crate) fn create_file(&self, name: &str) -> Result<File> {
        let path = self.part.join(name);
        File::create(&path).with_context(|| format!("failed to create {}", path.display()))
    }
}

impl Drop for FolderWriter {
    /// A run that failed leaves nothing behind; after `finish` there is nothing to remove.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.part);
    }
}

/// A hidden file in the folder of `path` that goes when the run fails; readable as any other file is.
pub(crate) fn part_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(&hidden(path))
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))
}

/// A file without a name, which goes with the process.
pub(crate) fn unnamed() -> Result<File> {
    let folder = std::env::temp_dir();
    tempfile::tempfile_in(&folder)
        .with_context(|| format!("failed to create a temporary file in {} (TMPDIR)", folder.display()))
}

/// How the hidden name beside `path` begins: `.NAME.`, with room for what follows. Of a long name it holds the beginning
/// and a number that others have not.
fn hidden(path: &Path) -> OsString {
    const MOST_BYTES: usize = 200;
    const KEPT_BYTES: usize = 50;
    let name = path.file_name().unwrap_or_default();
    let mut hidden = OsString::from(".");
    if name.len() <= MOST_BYTES {
        hidden.push(name);
    } else {
        let mut number = DefaultHasher::new();
        name.hash(&mut number);
        hidden.push(&*String::from_utf8_lossy(&name.as_bytes()[..KEPT_BYTES]));
        hidden.push(format!("-{:016x}", number.finish()));
    }
    hidden.push(".");
    hidden
}

/// The folder that `path` is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is replaced are results, or an empty folder: whatever else is there is somebody's.
fn check_replaceable(folder: &Path) -> Result<()> {
    let is_ours = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none() || folder.join("manifest.json").exists(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    let shown = folder.display();
    ensure!(is_ours, "{shown} is there and holds no results, and would be replaced; choose another -o");
    Ok(())
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_get_folders_of_their_own() {
        let names = ["a/x.mp3", "b/x.mp3", "x.mp3-2", "-"].map(str::to_owned);
        let got = folders(Path::new("out"), &names);
        assert_eq!(got, ["out/x.mp3", "out/x.mp3-2", "out/x.mp3-2-2", "out/stdin"].map(PathBuf::from));
    }
}
