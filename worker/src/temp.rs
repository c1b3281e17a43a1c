//! Temporary files: a folder for each worker process, gone with it, and room for a bounded number of bytes.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Begins the name of every worker's folder.
const PREFIX: &str = "arsis-worker-";

/// Begins the name of a folder until its lock is held: until then no other worker may take it for abandoned.
const UNFINISHED_PREFIX: &str = "arsis-new-";

/// Held locked by the worker that owns the folder; the system lets go of it however that worker ends.
const LOCK: &str = "lock";

/// How old a folder without its final name must be before it is taken for that of a worker that died while it began.
const UNFINISHED_AGE: Duration = Duration::from_secs(3600);

/// Room is given in pieces of this many bytes: a count of them fits where one of bytes would not.
const PIECE_BYTES: u64 = 64 << 10;

/// This process' folder. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
    max_bytes: u64,
    /// Pieces that are free. Who waits for some is served in order: a large file is not put off for ever by small ones.
    free: Arc<Semaphore>,
}

/// Room for a file, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: u64,
    _pieces: OwnedSemaphorePermit,
}

impl Room {
    /// How large the file may be.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A file that does not fit even when no other is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a copy of {given_bytes} bytes exceeds temp_max_bytes, which is {max_bytes}")]
pub(crate) struct NeverFits {
    pub(crate) given_bytes: u64,
    pub(crate) max_bytes: u64,
}

impl Folder {
    /// Removes the folders of workers that are gone, and makes one.
    ///
    /// # Errors
    /// `parent` cannot be made or written, or lies where files cannot be locked: without locks nobody could tell the
    /// folders of living workers from those of dead ones.
    pub(crate) async fn create(parent: &Path, max_bytes: u64) -> io::Result<Self> {
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
            let free = usize::try_from(max_bytes / PIECE_BYTES).unwrap_or(usize::MAX);
            let free = Arc::new(Semaphore::new(free.min(Semaphore::MAX_PERMITS)));
            Ok(Self { path, _lock: lock, max_bytes, free })
        })
        .await?
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Room for a file of this size, if there is some at the moment.
    ///
    /// # Errors
    /// [`NeverFits`].
    pub(crate) fn try_room(&self, bytes: u64) -> Result<Option<Room>, NeverFits> {
        let pieces = self.free.clone().try_acquire_many_owned(self.pieces(bytes)?);
        Ok(pieces.ok().map(|pieces| Room { bytes, _pieces: pieces }))
    }

    /// Room for a file of this size; waits until there is some. Cancel safe.
    ///
    /// # Errors
    /// [`NeverFits`].
    pub(crate) async fn room(&self, bytes: u64) -> Result<Room, NeverFits> {
        let pieces = self.free.clone().acquire_many_owned(self.pieces(bytes)?).await;
        // Nobody closes the semaphore.
        let pieces = pieces.map_err(|_| self.never_fits(bytes))?;
        Ok(Room { bytes, _pieces: pieces })
    }

    fn pieces(&self, bytes: u64) -> Result<u32, NeverFits> {
        let pieces = bytes.div_ceil(PIECE_BYTES);
        let fits = pieces <= self.max_bytes / PIECE_BYTES;
        u32::try_from(pieces).ok().filter(|_| fits).ok_or_else(|| self.never_fits(bytes))
    }

    fn never_fits(&self, given_bytes: u64) -> NeverFits {
        NeverFits { given_bytes, max_bytes: self.max_bytes }
    }

    /// A name for a file that does not exist yet; dropping it removes the file, then gives its room back.
    pub(crate) fn file(&self, room: Room) -> TempFile {
        TempFile { path: self.path.join(Uuid::new_v4().simple().to_string()), room: Some(room) }
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
pub(crate) struct TempFile {
    path: PathBuf,
    room: Option<Room>,
}

impl TempFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let (path, room) = (std::mem::take(&mut self.path), self.room.take());
        let remove = move || {
            remove_file(&path);
            drop(room);
        };
        // To remove gigabytes takes a file system a while, and a job that was stopped drops its file on an async thread.
        // What is not done when the runtime ends goes with the folder.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

fn remove_file(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "could not remove a temporary file");
        }
        _ => {}
    }
}

fn remove_abandoned(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let removed = if name.starts_with(PREFIX) {
            remove_if_abandoned(&path)
        } else if name.starts_with(UNFINISHED_PREFIX) {
            remove_if_old(&path)
        } else {
            Ok(())
        };
        if let Err(error) = removed {
            // Someone else's, or being removed by another worker at this moment.
            tracing::debug!(path = %path.display(), %error, "left a temporary folder alone");
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

fn remove_if_old(path: &Path) -> io::Result<()> {
    let made = fs::metadata(path)?.modified()?;
    let old = SystemTime::now().duration_since(made).is_ok_and(|age| age >= UNFINISHED_AGE);
    if old { fs::remove_dir_all(path) } else { Ok(()) }
}
