//! What `-o DIR` writes: a folder a file, holding `manifest.json`, `analysis.json`, pictures and the
//! chunks as `level-L/chunk-NNNNN.zst`; and the document of `--format` where that is another program's.

use super::document::Document;
use super::inputs::Input;
use analysis_core::chunk::Chunk;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, DirEntry, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Names a folder below `root` for each input: its own place there, numbered where another has it, or lies in it.
pub(crate) fn folders(root: &Path, inputs: &[Input]) -> Vec<PathBuf> {
    let above = inputs.iter().flat_map(|input| input.place().ancestors().skip(1));
    let mut taken: BTreeSet<PathBuf> = above.map(Path::to_owned).collect();
    let mut folder = |input: &Input| {
        let mut free = input.place().to_owned();
        for number in 2.. {
            if taken.insert(free.clone()) {
                break;
            }
            let mut name = input.place().as_os_str().to_owned();
            name.push(format!("-{number}"));
            free = name.into();
        }
        root.join(free)
    };
    inputs.iter().map(&mut folder).collect()
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

/// A hidden file in the folder of `path`, which is made where it is missing. It goes when the run fails; readable as any
/// other file is.
pub(crate) fn part_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    fs::create_dir_all(folder_of(path))?;
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

/// What is replaced are results, or an empty folder: whatever else is there is somebody's, and so is a folder beside the
/// levels, where results of others may be.
fn check_replaceable(folder: &Path) -> Result<()> {
    let is_ours = match fs::read_dir(folder) {
        Ok(entries) => {
            let entries: Vec<_> = entries.filter_map(Result::ok).collect();
            let is_other = |entry: &DirEntry| {
                entry.file_type().is_ok_and(|kind| kind.is_dir())
                    && !entry.file_name().as_bytes().starts_with(b"level-")
            };
            entries.is_empty() || (folder.join("manifest.json").exists() && !entries.iter().any(is_other))
        }
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    let shown = folder.display();
    ensure!(
        is_ours,
        "{shown} is there and holds other things than results, which would go; choose another -o"
    );
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
        let named = ["a/x.mp3", "b/x.mp3", "x.mp3-2"].map(|path| Input::named(path.into()));
        let found = ["m/x.mp3", "m/b/x.mp3", "m/x.mp3-2/y.mp3"];
        let found = found.map(|path| Input::found(Path::new("m"), path.into()));
        let got = folders(Path::new("out"), &[&named[..], &found, &[Input::Stdin]].concat());
        let [first, second, third] = ["out/x.mp3", "out/x.mp3-3", "out/x.mp3-2-2"];
        let [fourth, fifth, sixth] = ["out/x.mp3-4", "out/b/x.mp3", "out/x.mp3-2/y.mp3"];
        let expect = [first, second, third, fourth, fifth, sixth, "out/stdin"];
        assert_eq!(got, expect.map(PathBuf::from));
    }
}
