//! Names of objects.

use super::{Error, Result};
use std::fmt;
use uuid::Uuid;

/// Longest key, in bytes: the limit of S3.
const MAX_BYTES: usize = 1024;

/// Longest segment between two slashes, in bytes: the limit of common file systems, less a suffix of ours.
const MAX_SEGMENT_BYTES: usize = 200;

/// The name of an object: segments between slashes. A key names the same object in a bucket and in a directory, and
/// can name nothing outside of either.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The audio of a track.
    #[must_use]
    pub fn audio(track_id: Uuid) -> Self {
        Self(format!("tracks/{track_id}/audio"))
    }

    /// What a client stores itself, until the server has made a track's audio of it. No track ever names it.
    #[must_use]
    pub fn upload(upload_id: Uuid) -> Self {
        Self(format!("uploads/{upload_id}/audio"))
    }

    /// Reads a key as it is stored in `reference_tracks.r2_key`, which others may have written.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for a key that is empty or over 1,024 bytes; that begins or ends with a slash or has an
    /// empty segment, one over 200 bytes, `.` or `..`; that has a control character or a backslash.
    pub fn parse(stored: &str) -> Result<Self> {
        let invalid = |reason| Err(Error::InvalidKey { key: stored.chars().take(100).collect(), reason });
        if stored.len() > MAX_BYTES {
            return invalid("longer than 1,024 bytes");
        }
        if stored.chars().any(|c| c.is_control() || c == '\\') {
            return invalid("holds a control character or a backslash");
        }
        for segment in stored.split('/') {
            match segment {
                "" => return invalid("is empty or holds an empty segment"),
                "." | ".." => return invalid("holds a segment that names a place"),
                _ if segment.len() > MAX_SEGMENT_BYTES => {
                    return invalid("holds a segment longer than 200 bytes");
                }
                _ => {}
            }
        }
        Ok(Self(stored.to_owned()))
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
