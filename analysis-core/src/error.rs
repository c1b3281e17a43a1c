//! Everything that can go wrong between bytes and frames, one variant per thing a caller would do differently.
//!
//! [`Error::fault`] sorts them by whose fault they are, for callers who need no more.

use std::io;

/// Why audio could not be analysed, a chunk not be read, or a configuration not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input holds no bytes, or a container without a single audio frame.
    #[error("the input is empty: it holds no audio")]
    Empty,
    /// The bytes are no audio container that is known.
    #[error("not a recognised audio file: {detail}")]
    Unrecognized {
        /// What the probe saw.
        detail: String,
    },
    /// The container is known, but holds no audio track.
    #[error("the {container} container holds no audio track")]
    NoAudioTrack {
        /// Short name of the container.
        container: String,
    },
    /// The container is known, its codec is not.
    #[error("unsupported codec: {codec}")]
    UnsupportedCodec {
        /// Name or four-character code of the codec.
        codec: String,
    },
    /// The file is of a known kind, but damaged beyond its first audio frame.
    #[error("the audio is corrupt: {detail}")]
    Corrupt {
        /// What was found broken.
        detail: String,
    },
    /// A chained file goes on with another sample rate or channel count.
    #[error("the audio changes its format on the way: {was}, then {becomes}")]
    FormatChanged {
        /// Format up to the change.
        was: String,
        /// Format after it.
        becomes: String,
    },
    /// The audio lasts longer than `Limits::max_duration_ms`.
    #[error("the audio lasts longer than the limit of {max_ms} ms (at least {given_ms} ms)")]
    TooLong {
        /// Length known so far, in milliseconds.
        given_ms: u64,
        /// The limit, in milliseconds.
        max_ms: u64,
    },
    /// More channels than `Limits::max_channels`.
    #[error("the audio has {given} channels, the limit is {max}")]
    TooManyChannels {
        /// Channels in the audio.
        given: usize,
        /// The limit.
        max: usize,
    },
    /// A sample rate outside `Limits`.
    #[error("a sample rate of {given_hz} Hz is outside {min_hz} to {max_hz} Hz")]
    SampleRateOutOfRange {
        /// Rate of the audio, in Hz.
        given_hz: u32,
        /// Lowest rate allowed, in Hz.
        min_hz: u32,
        /// Highest rate allowed, in Hz.
        max_hz: u32,
    },
    /// The audio decodes to more bytes (as f32 samples) than `Limits::max_decoded_bytes`.
    #[error("the audio decodes to more than the limit of {max_bytes} bytes")]
    DecodedTooLarge {
        /// The limit, in bytes of f32 samples.
        max_bytes: u64,
    },
    /// A configuration value outside its legal range.
    #[error("invalid configuration: {field} is {given}, it must be {allowed}")]
    InvalidConfig {
        /// Name of the field.
        field: &'static str,
        /// The value given.
        given: String,
        /// What would be legal.
        allowed: String,
    },
    /// A block handed to the analyzer does not fit its channel count.
    #[error("a block of {given} samples does not divide into {channels} channels")]
    RaggedBlock {
        /// Samples in the block.
        given: usize,
        /// Channels of the analyzer.
        channels: usize,
    },
    /// A stored chunk cannot be read: truncated, altered, or of another layout.
    #[error("the chunk cannot be read: {detail}")]
    BadChunk {
        /// What does not fit.
        detail: String,
    },
    /// A stored chunk claims to be larger than the caller allows.
    #[error("the chunk decodes to {given} bytes, the limit is {max}")]
    ChunkTooLarge {
        /// Bytes the chunk claims.
        given: u64,
        /// The limit.
        max: u64,
    },
    /// A stored chunk is written in a format version that is not known.
    #[error("the chunk has format version {given}, only version {supported} is known")]
    ChunkVersion {
        /// Version the chunk claims.
        given: u16,
        /// The version that is read here.
        supported: u16,
    },
    /// A stored chunk holds frames of another size than the layout describes.
    #[error("the chunk holds frames of {given} bytes, the layout describes {expected}")]
    ChunkLayout {
        /// Bytes a frame in the chunk.
        given: u32,
        /// Bytes a frame in the layout.
        expected: usize,
    },
    /// The frames of a stored chunk are not those it was made from.
    #[error("the frames of the chunk have CRC-32 {given:08x}, {expected:08x} was recorded")]
    ChunkChecksum {
        /// Of the frames as decoded.
        given: u32,
        /// As written in the chunk or its manifest.
        expected: u32,
    },
    /// A manifest or frame layout contradicts itself.
    #[error("the manifest is invalid: {detail}")]
    BadManifest {
        /// What does not fit.
        detail: String,
    },
    /// A layout has no field of this name.
    #[error("the frames have no field named {name}")]
    UnknownField {
        /// The name asked for.
        name: String,
    },
    /// A time range holds more bytes of frames than the caller allows.
    #[error("the range holds {given_bytes} bytes of frames, the limit is {max_bytes}")]
    RangeTooLarge {
        /// Bytes of frames in the range.
        given_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The observer asked to stop.
    #[error("the analysis was cancelled")]
    Cancelled,
    /// Reading the audio failed.
    #[error("reading the audio failed")]
    Io(#[from] io::Error),
    /// Writing a result failed; for observers that write.
    #[error("writing the result failed")]
    Write(#[source] io::Error),
    /// zstd failed to pack, or to allocate its context.
    #[error("zstd failed")]
    Zstd(#[source] io::Error),
}

/// Whose fault an [`Error`] is, and so what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are not what they should be: another try changes nothing.
    Input,
    /// The bytes ask for more than the caller allows ([`crate::Limits`], a most of bytes).
    Limit,
    /// The caller asked for what cannot be: a mistake in the program or its configuration.
    Caller,
    /// A reader, a writer or the memory failed: another try may succeed.
    World,
    /// Nobody's: the observer asked to stop.
    Cancelled,
}

impl Error {
    /// Whose fault it is.
    ///
    /// | fault | variants |
    /// |---|---|
    /// | input | `Empty`, `Unrecognized`, `NoAudioTrack`, `UnsupportedCodec`, `Corrupt`, `FormatChanged`, `BadChunk`, `ChunkVersion`, `ChunkLayout`, `ChunkChecksum`, `BadManifest` |
    /// | limit | `TooLong`, `TooManyChannels`, `SampleRateOutOfRange`, `DecodedTooLarge`, `ChunkTooLarge`, `RangeTooLarge` |
    /// | caller | `InvalidConfig`, `RaggedBlock`, `UnknownField` |
    /// | world | `Io`, `Write`, `Zstd` |
    /// | cancelled | `Cancelled` |
    ///
    /// ```
    /// use analysis_core::{Analyzer, Config, Error, Fault};
    ///
    /// let silence = Analyzer::new(Config::default(), 44_100, 1)?.finish(&mut ());
    /// assert_eq!(silence.map_err(|error| error.fault()).err(), Some(Fault::Input)); // not one sample came
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Empty
            | Self::Unrecognized { .. }
            | Self::NoAudioTrack { .. }
            | Self::UnsupportedCodec { .. }
            | Self::Corrupt { .. }
            | Self::FormatChanged { .. }
            | Self::BadChunk { .. }
            | Self::ChunkVersion { .. }
            | Self::ChunkLayout { .. }
            | Self::ChunkChecksum { .. }
            | Self::BadManifest { .. } => Fault::Input,
            Self::TooLong { .. }
            | Self::TooManyChannels { .. }
            | Self::SampleRateOutOfRange { .. }
            | Self::DecodedTooLarge { .. }
            | Self::ChunkTooLarge { .. }
            | Self::RangeTooLarge { .. } => Fault::Limit,
            Self::InvalidConfig { .. } | Self::RaggedBlock { .. } | Self::UnknownField { .. } => {
                Fault::Caller
            }
            Self::Io(_) | Self::Write(_) | Self::Zstd(_) => Fault::World,
            Self::Cancelled => Fault::Cancelled,
        }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
