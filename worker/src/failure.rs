//! What is told of a failure: to a person, to a program, and to the queue.

use crate::temp::NeverFits;
use analysis_core::Error as Audio;
use std::error::Error;
use std::io;
use store::objects;
use store::queue;

/// Every kind of failure there is: the values of `error_kind` that a worker writes.
pub(crate) const KINDS: [&str; 22] = [
    "corrupt",
    "database_unavailable",
    "decoded_too_large",
    "disk_failed",
    "disk_full",
    "empty",
    "file_too_large",
    "internal_error",
    "invalid_key",
    "invalid_parameters",
    "no_audio_track",
    "object_changed",
    "object_missing",
    "read_failed",
    "sample_rate_out_of_range",
    "storage_unavailable",
    "timed_out",
    "too_long",
    "too_many_channels",
    "unknown_analysis_type",
    "unrecognized",
    "unsupported_codec",
];

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: another attempt would fail alike.
    Nothing,
    /// Another attempt, as long as there is one left.
    Attempt,
    /// The same attempt again, later: what failed was this worker, not the analysis.
    Postponed,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) next: Next,
    /// Machine-readable.
    pub(crate) kind: &'static str,
    /// For a person who uploaded a file.
    pub(crate) message: String,
    /// The chain of causes, for an operator.
    pub(crate) cause: String,
}

impl Failure {
    pub(crate) fn permanent(
        kind: &'static str,
        message: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self { next: Next::Nothing, kind, message: message.into(), cause: cause.into() }
    }

    pub(crate) fn transient(
        kind: &'static str,
        message: impl Into<String>,
        cause: impl Into<String>,
    ) -> Self {
        Self { next: Next::Attempt, kind, message: message.into(), cause: cause.into() }
    }

    pub(crate) fn for_queue(&self) -> queue::Failure<'_> {
        queue::Failure {
            kind: self.kind,
            message: &self.message,
            cause: &self.cause,
            permanent: self.next == Next::Nothing,
        }
    }

    /// Something that should not happen, and that would happen again.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self::permanent("internal_error", "An internal error ended the analysis of this file.", cause)
    }
}

/// An error and its sources, outermost first.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let source_text = source.to_string();
        // Some errors repeat their source in their own text.
        if !text.ends_with(&source_text) {
            text.push_str(": ");
            text.push_str(&source_text);
        }
        next = source.source();
    }
    text
}

impl From<Audio> for Failure {
    fn from(error: Audio) -> Self {
        let cause = chain(&error);
        let permanent = |kind, message: String| Self::permanent(kind, message, cause.clone());
        match &error {
            Audio::Empty => permanent("empty", "The file holds no audio.".into()),
            Audio::Unrecognized { .. } => {
                permanent("unrecognized", "This is not an audio file of a known format.".into())
            }
            Audio::NoAudioTrack { container } => {
                permanent("no_audio_track", format!("The {container} file holds no audio track."))
            }
            Audio::UnsupportedCodec { codec } => {
                permanent("unsupported_codec", format!("The file's audio codec ({codec}) is not supported."))
            }
            Audio::Corrupt { .. } => {
                permanent("corrupt", "The file is damaged: its audio cannot be decoded.".into())
            }
            Audio::TooLong { max_ms, .. } => permanent(
                "too_long",
                format!("The audio is too long: at most {} hours are analysed.", hours(*max_ms)),
            ),
            Audio::TooManyChannels { given, max } => permanent(
                "too_many_channels",
                format!("The audio has {given} channels; at most {max} are analysed."),
            ),
            Audio::SampleRateOutOfRange { given_hz, min_hz, max_hz } => permanent(
                "sample_rate_out_of_range",
                format!("The audio's sample rate is {given_hz} Hz; {min_hz} to {max_hz} Hz are analysed."),
            ),
            Audio::DecodedTooLarge { .. } => {
                permanent("decoded_too_large", "The audio is too large once it is decoded.".into())
            }
            Audio::InvalidConfig { field, given, allowed } => permanent(
                "invalid_parameters",
                format!("The analysis was asked for with {field} = {given}; it must be {allowed}."),
            ),
            Audio::Io(_) => Self::transient("read_failed", "Reading the audio failed.", cause),
            _ => Self::internal(cause),
        }
    }
}

fn hours(ms: u64) -> String {
    let tenths = ms / 360_000;
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

impl From<objects::Error> for Failure {
    fn from(error: objects::Error) -> Self {
        use objects::Error as Object;
        let cause = chain(&error);
        match &error {
            Object::NotFound { .. } => Self::permanent(
                "object_missing",
                "The track's audio file is not in the storage any more.",
                cause,
            ),
            Object::InvalidKey { .. } => Self::permanent(
                "invalid_key",
                "The track's audio file has a name that cannot be used.",
                cause,
            ),
            Object::TooLarge { max_bytes, .. } => {
                let message =
                    format!("The file is too large: at most {} are analysed here.", size(*max_bytes));
                Self::permanent("file_too_large", message, cause)
            }
            Object::Local { source, .. } if is_full(source) => {
                let message = "The worker has no room for the audio at the moment.";
                Self { next: Next::Postponed, ..Self::transient("disk_full", message, cause) }
            }
            Object::Local { .. } => {
                Self::transient("disk_failed", "The audio could not be kept on the worker's disk.", cause)
            }
            _ => Self::transient("storage_unavailable", "The audio storage could not be reached.", cause),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl From<NeverFits> for Failure {
    fn from(error: NeverFits) -> Self {
        let message = format!("The file is too large: at most {} are analysed here.", size(error.max_bytes));
        Self::permanent("file_too_large", message, error.to_string())
    }
}

/// In the largest unit that leaves a whole number.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes >> 10),
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let cause = chain(&error);
        match error {
            store::Error::ObjectChanged { .. } => Self::permanent(
                "object_changed",
                "The stored audio is not the file that was uploaded: it was changed or replaced since.",
                cause,
            ),
            store::Error::Invalid { .. } => Self::internal(cause),
            _ => Self::transient("database_unavailable", "The result could not be stored.", cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_the_analysis_fault() {
        let after = |kind: io::ErrorKind| {
            Failure::from(objects::Error::Local { path: "copy".into(), source: kind.into() }).next
        };
        assert_eq!(after(io::ErrorKind::StorageFull), Next::Postponed);
        assert_eq!(after(io::ErrorKind::QuotaExceeded), Next::Postponed);
        assert_eq!(after(io::ErrorKind::PermissionDenied), Next::Attempt);
    }

    #[test]
    fn a_limit_is_named_in_the_largest_whole_unit() {
        let named = |max_bytes| Failure::from(NeverFits { given_bytes: u64::MAX, max_bytes }).message;
        assert!(named(16 << 30).contains("at most 16 GiB"), "{}", named(16 << 30));
        assert!(named(1536 << 20).contains("at most 1536 MiB"), "{}", named(1536 << 20));
        assert!(named(100 << 10).contains("at most 100 KiB"), "{}", named(100 << 10));
    }
}
