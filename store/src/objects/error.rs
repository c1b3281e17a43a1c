//! What can go wrong with objects, one variant per thing a caller would do differently.

use super::ObjectKey;
use std::io;
use std::path::PathBuf;

/// Why an object could not be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object.
    #[error("there is no object {key}")]
    NotFound {
        /// Which.
        key: String,
    },
    /// The name cannot be that of an object.
    #[error("{key:?} is no object's name: it {reason}")]
    InvalidKey {
        /// The name, shortened.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The range lies outside the object.
    #[error("the range lies outside the object of {size_bytes} bytes")]
    RangeNotSatisfiable {
        /// Size of the object, in bytes.
        size_bytes: u64,
    },
    /// The object is larger than the caller allows.
    #[error("the object has {size_bytes} bytes, the limit is {max_bytes}")]
    TooLarge {
        /// Size of the object, in bytes.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The storage refuses our credentials, or they do not allow this.
    #[error("the object storage denies access to {what}")]
    Denied {
        /// The object or bucket.
        what: String,
        /// What the storage said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stream that was to be stored gave an error.
    #[error("the stream to be stored failed")]
    Source(#[source] io::Error),
    /// A file of this machine could not be written.
    #[error("failed to write {}", path.display())]
    Local {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The storage could not be reached, broke off, or failed: another try may succeed.
    #[error("the object storage failed on {what}")]
    Transient {
        /// The object or bucket.
        what: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// `Result` with this module's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether another try may succeed without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        // Denied too: credentials are changed and clocks are set right while jobs wait.
        matches!(self, Self::Transient { .. } | Self::Local { .. } | Self::Denied { .. })
    }

    pub(super) fn transient(
        key: &ObjectKey,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Transient { what: key.to_string(), source: source.into() }
    }
}
