//! Objects as files below a directory. A file appears under its name only when it is whole.

use super::{Body, Error, Head, ObjectKey, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::fs::Metadata;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// Unfinished files lie here; the name cannot be a key's, which has no segment that begins so and is a place of ours.
const UNFINISHED: &str = ".unfinished";

/// Objects lie below this, so that no key meets [`UNFINISHED`].
const OBJECTS: &str = "objects";

/// Bytes read from a file at a time.
const READ_BYTES: usize = 128 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Directory {
    root: Arc<PathBuf>,
}

impl Directory {
    pub(super) async fn open(root: PathBuf) -> Result<Self> {
        let directory = Self { root: Arc::new(root) };
        for part in [UNFINISHED, OBJECTS] {
            let path = directory.root.join(part);
            fs::create_dir_all(&path).await.map_err(|source| failure(&path.display().to_string(), source))?;
        }
        Ok(directory)
    }

    pub(super) async fn put(
        &self,
        key: &ObjectKey,
        mut stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
    ) -> Result<()> {
        let unfinished = Unfinished(self.root.join(UNFINISHED).join(Uuid::new_v4().to_string()));
        let local = |source| failure(key.as_str(), source);
        let mut file = File::create_new(&unfinished.0).await.map_err(local)?;
        while let Some(part) = stream.next().await {
            file.write_all(&part.map_err(Error::Source)?).await.map_err(local)?;
        }
        // On disk before it has its name: after a power cut there is no name without content.
        file.sync_all().await.map_err(local)?;
        let path = self.path(key);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).await.map_err(local)?;
        fs::rename(&unfinished.0, &path).await.map_err(local)?;
        sync_directory(parent).await.map_err(local)
    }

    /// A second name for the same file: objects are replaced and never written to, so both stay what they are. Where the
    /// file system has no such names, a copy.
    pub(super) async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<()> {
        let local = |source| failure(to.as_str(), source);
        let (source, path) = (self.path(from), self.path(to));
        regular_size(from, &self.found(from, fs::metadata(&source).await).await?)?;
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).await.map_err(local)?;
        match fs::hard_link(&source, &path).await {
            Err(error) if !is_absent(&error) => self.copy_bytes(&source, &path).await.map_err(local)?,
            linked => self.found(from, linked).await?,
        }
        sync_directory(parent).await.map_err(local)
    }

    async fn copy_bytes(&self, source: &Path, path: &Path) -> io::Result<()> {
        let unfinished = Unfinished(self.root.join(UNFINISHED).join(Uuid::new_v4().to_string()));
        fs::copy(source, &unfinished.0).await?;
        File::open(&unfinished.0).await?.sync_all().await?;
        fs::rename(&unfinished.0, path).await
    }

    /// The file of an object, and its size. Objects are replaced and never written to: it does not change.
    pub(super) async fn open_file(&self, key: &ObjectKey) -> Result<(File, u64)> {
        let file = self.found(key, File::open(self.path(key)).await).await?;
        let metadata = file.metadata().await.map_err(|source| failure(key.as_str(), source))?;
        let size_bytes = regular_size(key, &metadata)?;
        Ok((file, size_bytes))
    }

    pub(super) async fn get(&self, key: &ObjectKey, range: Option<(u64, u64)>) -> Result<Body> {
        let (mut file, size_bytes) = self.open_file(key).await?;
        let (offset, length) = match range {
            None => (0, size_bytes),
            Some((first, last)) if first < size_bytes && first <= last => {
                (first, last.min(size_bytes - 1) - first + 1)
            }
            Some(_) => return Err(Error::RangeNotSatisfiable { size_bytes }),
        };
        file.seek(SeekFrom::Start(offset)).await.map_err(|source| failure(key.as_str(), source))?;
        let stream = ReaderStream::with_capacity(file.take(length), READ_BYTES);
        let stream = super::exactly(stream, length).boxed();
        Ok(Body { size_bytes, offset, length, content_type: None, stream })
    }

    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Head> {
        let metadata = self.found(key, fs::metadata(self.path(key)).await).await?;
        let size_bytes = regular_size(key, &metadata)?;
        let changed = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let etag = changed.map(|at| format!("\"{:x}-{size_bytes:x}\"", at.as_nanos()));
        Ok(Head { size_bytes, content_type: None, etag })
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<()> {
        let path = self.path(key);
        match self.found(key, fs::remove_file(&path).await).await {
            Err(Error::NotFound { .. }) => return Ok(()),
            removed => removed?,
        }
        // The folders go with their last object; one that still holds something stays.
        let objects = self.root.join(OBJECTS);
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != objects) {
            if fs::remove_dir(folder).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn remove_unfinished(&self, age: Duration) -> Result<()> {
        let local = |source| failure(UNFINISHED, source);
        let mut files = fs::read_dir(self.root.join(UNFINISHED)).await.map_err(local)?;
        while let Some(file) = files.next_entry().await.map_err(local)? {
            // One that is finished or removed meanwhile has no age.
            let written = file.metadata().await.and_then(|metadata| metadata.modified()).ok();
            if written.and_then(|at| at.elapsed().ok()).is_some_and(|since| since >= age) {
                match fs::remove_file(file.path()).await {
                    Err(error) if is_absent(&error) => {}
                    other => other.map_err(local)?,
                }
            }
        }
        Ok(())
    }

    pub(super) async fn probe(&self) -> Result<()> {
        if self.is_there().await?.permissions().readonly() {
            return Err(failure("the directory", io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        Ok(())
    }

    /// What was found of an object. That it is not there is only said where the directory itself is: a disk that is not
    /// mounted says nothing of its objects.
    async fn found<T>(&self, key: &ObjectKey, result: io::Result<T>) -> Result<T> {
        match result {
            Ok(found) => Ok(found),
            Err(error) if is_absent(&error) => {
                self.is_there().await?;
                Err(Error::NotFound { key: key.to_string() })
            }
            Err(source) => Err(failure(key.as_str(), source)),
        }
    }

    /// The folder of objects, if the directory is the one that [`Directory::open`] made.
    async fn is_there(&self) -> Result<Metadata> {
        let path = self.root.join(OBJECTS);
        let away = |source| failure(&path.display().to_string(), source);
        let metadata = fs::metadata(&path).await.map_err(away)?;
        if metadata.is_dir() { Ok(metadata) } else { Err(away(io::ErrorKind::NotADirectory.into())) }
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        // A key has no segment that leads out: see ObjectKey::parse.
        self.root.join(OBJECTS).join(key.as_str())
    }
}

/// A file that is removed unless it got its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing left to remove. Blocking, but a single unlink.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path).await?.sync_all().await
}

fn regular_size(key: &ObjectKey, metadata: &Metadata) -> Result<u64> {
    if metadata.is_file() { Ok(metadata.len()) } else { Err(Error::NotFound { key: key.to_string() }) }
}

fn is_absent(error: &io::Error) -> bool {
    // NotADirectory: the key's parent is itself an object. IsADirectory: the key is the parent of objects.
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

fn failure(what: &str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::PermissionDenied => Error::Denied { what: what.to_owned(), source: source.into() },
        _ => Error::Transient { what: what.to_owned(), source: source.into() },
    }
}
