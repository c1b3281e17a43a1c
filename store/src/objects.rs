//! Audio in object storage: S3, R2 and their like, or a directory.
//!
//! Both speak through [`Objects`]; nothing above knows which it is. Bodies are streams in both directions: memory does
//! not grow with the size of an object.

mod directory;
mod error;
mod key;
mod s3;

pub use error::{Error, Result};
pub use key::ObjectKey;
pub use s3::S3Config;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

/// Where objects are kept.
#[derive(Debug, Clone)]
pub enum Config {
    /// A bucket of a service that speaks S3.
    S3(S3Config),
    /// A directory of this machine; made when it is not there.
    Directory(PathBuf),
}

/// The object storage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    S3(s3::S3),
    Directory(directory::Directory),
}

/// What [`Objects::put`] stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Size of the object, in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the object, in lower-case hex.
    pub sha256: String,
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Size, in bytes.
    pub size_bytes: u64,
    /// As given when it was stored; a directory does not keep it.
    pub content_type: Option<String>,
    /// Changes with the content, where the storage says so.
    pub etag: Option<String>,
}

/// An object's bytes, or a part of them.
pub struct Body {
    /// Size of the whole object, in bytes.
    pub size_bytes: u64,
    /// Place of the first byte of the stream.
    pub offset: u64,
    /// Bytes in the stream.
    pub length: u64,
    /// As given when it was stored; a directory does not keep it.
    pub content_type: Option<String>,
    /// The bytes. A body that ends early gives an error, never a silent end.
    pub stream: BoxStream<'static, io::Result<Bytes>>,
}

/// What [`Objects::open_file`] found.
pub enum Opened {
    /// The stored file itself.
    File(File),
    /// The bytes of an object that lies elsewhere.
    Body(Body),
}

impl Body {
    /// Copies the bytes of the object `key` to a new file at `path`, and gives it opened at its start. All of them come
    /// from one answer of the storage: never a part of one object and a part of the next under that key.
    ///
    /// # Errors
    /// [`Error::Local`] when the file cannot be written, [`Error::Transient`] when the bytes break off, or do not end
    /// where they should.
    pub async fn save(mut self, key: &ObjectKey, path: &Path) -> Result<File> {
        let local = |source| Error::Local { path: path.to_owned(), source };
        let new = tokio::fs::OpenOptions::new().read(true).write(true).create_new(true).open(path).await;
        let mut file = new.map_err(local)?;
        while let Some(part) = self.stream.next().await {
            let part = part.map_err(|error| Error::transient(key, error))?;
            file.write_all(&part).await.map_err(local)?;
        }
        file.flush().await.map_err(local)?;
        file.rewind().await.map_err(local)?;
        Ok(file.into_std().await)
    }
}

/// A request that a client may send to the storage itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presigned {
    /// `PUT`.
    pub method: &'static str,
    /// The address, with the signature in its query.
    pub url: String,
    /// Headers that must be sent exactly so.
    pub headers: Vec<(String, String)>,
}

impl Objects {
    /// Opens the storage. S3 is not asked yet; see [`Objects::probe`].
    ///
    /// # Errors
    /// [`Error::Transient`] when the directory cannot be made or written.
    pub async fn open(config: Config) -> Result<Self> {
        let backend = match config {
            Config::S3(config) => Backend::S3(s3::S3::new(&config)),
            Config::Directory(root) => Backend::Directory(directory::Directory::open(root).await?),
        };
        Ok(Self { backend })
    }

    /// Stores a stream under a key, over what may be there. Readers see the old object or the whole new one; after an
    /// error, or when the future is dropped, the old one is still there and nothing of the new one stays.
    ///
    /// # Errors
    /// [`Error::Source`] when `stream` gives an error, else as the storage has it.
    pub async fn put<S>(&self, key: &ObjectKey, content_type: &str, stream: S) -> Result<Stored>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let mut digest = Sha256::new();
        let mut size_bytes = 0;
        let counted = stream.inspect(|part| {
            if let Ok(bytes) = part {
                digest.update(bytes);
                size_bytes += bytes.len() as u64;
            }
        });
        match &self.backend {
            Backend::S3(s3) => s3.put(key, content_type, counted).await?,
            Backend::Directory(directory) => directory.put(key, counted).await?,
        }
        let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Stored { size_bytes, sha256 })
    }

    /// Copies the object `from` to the key `to`, which must be free, without its bytes coming here. The copy stays as it
    /// is, whatever is stored under `from` later.
    ///
    /// # Errors
    /// [`Error::NotFound`], else as the storage has it; S3 copies at most 5 GiB.
    pub async fn copy(&self, from: &ObjectKey, to: &ObjectKey, content_type: &str) -> Result<()> {
        match &self.backend {
            Backend::S3(s3) => s3.copy(from, to, content_type).await,
            Backend::Directory(directory) => directory.copy(from, to).await,
        }
    }

    /// Reads a whole object.
    ///
    /// # Errors
    /// [`Error::NotFound`], else as the storage has it.
    pub async fn get(&self, key: &ObjectKey) -> Result<Body> {
        match &self.backend {
            Backend::S3(s3) => s3.get(key, None).await,
            Backend::Directory(directory) => directory.get(key, None).await,
        }
    }

    /// Reads the bytes from `first` to `last`, both counted; `last` may lie beyond the end.
    ///
    /// # Errors
    /// [`Error::RangeNotSatisfiable`] when `first` lies at or beyond the end or after `last`, [`Error::NotFound`], else
    /// as the storage has it.
    pub async fn get_range(&self, key: &ObjectKey, first: u64, last: u64) -> Result<Body> {
        match &self.backend {
            Backend::S3(s3) => s3.get(key, Some((first, last))).await,
            Backend::Directory(directory) => directory.get(key, Some((first, last))).await,
        }
    }

    /// Opens an object that is to be read as a file: the stored file itself where the storage is a directory, else its
    /// bytes, for [`Body::save`]. The file stays as it is for who holds it open, whatever becomes of the object.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above `max_bytes`, [`Error::NotFound`], else as the storage has it.
    pub async fn open_file(&self, key: &ObjectKey, max_bytes: u64) -> Result<Opened> {
        match &self.backend {
            Backend::Directory(directory) => {
                let (file, size_bytes) = directory.open_file(key).await?;
                within(size_bytes, max_bytes)?;
                Ok(Opened::File(file.into_std().await))
            }
            Backend::S3(s3) => {
                let body = s3.get(key, None).await?;
                within(body.size_bytes, max_bytes)?;
                Ok(Opened::Body(body))
            }
        }
    }

    /// Looks at an object without reading it.
    ///
    /// # Errors
    /// [`Error::NotFound`], else as the storage has it.
    pub async fn head(&self, key: &ObjectKey) -> Result<Head> {
        match &self.backend {
            Backend::S3(s3) => s3.head(key).await,
            Backend::Directory(directory) => directory.head(key).await,
        }
    }

    /// Removes an object, and what unfinished uploads under its key left; one that is not there is no error.
    ///
    /// # Errors
    /// As the storage has it.
    pub async fn delete(&self, key: &ObjectKey) -> Result<()> {
        match &self.backend {
            Backend::S3(s3) => s3.delete(key).await,
            Backend::Directory(directory) => directory.delete(key).await,
        }
    }

    /// Removes what processes that died left of objects they were storing, where nothing was written for `age`. A bucket
    /// lists it by key: there it goes with [`Objects::delete`].
    ///
    /// # Errors
    /// As the storage has it.
    pub async fn remove_unfinished(&self, age: Duration) -> Result<()> {
        match &self.backend {
            Backend::S3(_) => Ok(()),
            Backend::Directory(directory) => directory.remove_unfinished(age).await,
        }
    }

    /// Whether the storage answers and lets us in.
    ///
    /// # Errors
    /// As the storage has it.
    pub async fn probe(&self) -> Result<()> {
        match &self.backend {
            Backend::S3(s3) => s3.probe().await,
            Backend::Directory(directory) => directory.probe().await,
        }
    }

    /// A request with which a client can store an object of exactly `size_bytes` itself until it expires; `None` where
    /// the storage is a directory, which no client can reach.
    ///
    /// # Errors
    /// [`Error::Transient`] when it cannot be signed, for example for more than seven days.
    pub async fn presign_put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        size_bytes: u64,
        expires: Duration,
    ) -> Result<Option<Presigned>> {
        match &self.backend {
            Backend::S3(s3) => s3.presign_put(key, content_type, size_bytes, expires).await.map(Some),
            Backend::Directory(_) => Ok(None),
        }
    }
}

fn within(size_bytes: u64, max_bytes: u64) -> Result<()> {
    if size_bytes > max_bytes { Err(Error::TooLarge { size_bytes, max_bytes }) } else { Ok(()) }
}

/// Turns a stream that ends before or goes on after `length` bytes into one with an error there. What lies behind the
/// error is nobody's to read.
fn exactly(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    length: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let mut left = length;
    let ended = move |left: u64| {
        let message = format!("the body ended {left} bytes before its end");
        (left > 0).then(|| io::Error::new(io::ErrorKind::UnexpectedEof, message))
    };
    let longer = move || {
        let message = format!("the body goes on after the {length} bytes that were announced");
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    // The end is marked by `None`, so that it can become an error.
    stream.map(Some).chain(futures::stream::once(std::future::ready(None))).filter_map(move |part| {
        let item = match part {
            Some(Ok(bytes)) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    left = rest;
                    Some(Ok(bytes))
                }
                None => {
                    left = 0;
                    Some(Err(longer()))
                }
            },
            Some(Err(error)) => {
                left = 0;
                Some(Err(error))
            }
            None => ended(left).map(Err),
        };
        std::future::ready(item)
    })
}
