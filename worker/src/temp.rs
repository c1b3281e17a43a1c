//! Temporary files: a folder for each worker process, gone with it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Begins the name of every worker's folder.
const PREFIX: &str = "arsis-worker-";

/// Begins the name of a folder until its lock is held: until then no other worker may take it for abandoned.
const UNFINISHED_PREFIX: &str = "arsis-new-";

/// Held locked by the worker that owns the folder; the system lets go of it however that worker ends.
const LOCK: &str = "lock";

/// This process' folder. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Removes the folders of workers that are gone, and makes one.
    pub(crate) async fn create(parent: &Path) -> io::Result<Self> {
        let parent = parent.to_owned();
        tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&parent)?;
            remove_abandoned(&parent)?;
            let id = Uuid::new_v4().simple();
            let unfinished = parent.join(format!("{UNFINISHED_PREFIX}{id}"));
            fs::create_dir(&unfinished)?;
            let lock = File::create_new(unfinished.join(LOCK))?;
            lock.lock()?;
            let path = parent.join(format!("{PREFIX}{id}"));
            fs::rename(&unfinished, &path)?;
            Ok(Self { path, _lock: lock })
        })
        .await?
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A name for a file that does not exist yet; dropping it removes the file.
    pub(crate) fn file(&self) -> TempFile {
        TempFile(self.path.join(Uuid::new_v4().simple().to_string()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove temporary files");
        }
    }
}

/// A temporary file's name.
#[derive(Debug)]
pub(crate) struct TempFile(PathBuf);

impl TempFile {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.0.display(), %error, "could not remove a temporary file");
            }
            _ => {}
        }
    }
}

fn remove_abandoned(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        if let Err(error) = remove_if_abandoned(&entry.path()) {
            // Someone else's, or being removed by another worker at this moment.
            tracing::debug!(path = %entry.path().display(), %error, "left a temporary folder alone");
        }
    }
    Ok(())
}

fn remove_if_abandoned(path: &Path) -> io::Result<()> {
    let lock = match File::open(path.join(LOCK)) {
        // Folders get their name with the lock held: this one was being removed when its remover died.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return fs::remove_dir_all(path),
        opened => opened?,
    };
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(path),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
