//! What untrusted audio may ask of us.

use crate::error::{Error, Result};

/// Largest sample that the engine takes, as an amplitude: +120 dB full scale. What lies beyond comes from damage, and
/// its square would overflow what follows.
pub const MAX_SAMPLE: f32 = 1e6;

/// What is no number becomes silence, and the rest is kept within ±[`MAX_SAMPLE`].
#[inline(always)]
pub(crate) fn tame(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-MAX_SAMPLE, MAX_SAMPLE) }
}

/// Bounds that hostile or careless input always meets. Every decoder call takes one, and
/// [`Config::limits`](crate::Config::limits) holds one.
///
/// A later version may have further bounds: end a literal with `..Limits::default()`, and it compiles still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest audio accepted, in milliseconds. Default 24 hours. At most 4 days.
    pub max_duration_ms: u64,
    /// Most channels accepted (1..=8). Default 8.
    pub max_channels: usize,
    /// Lowest sample rate accepted, in Hz (8,000 to `max_sample_rate_hz`). Default 8,000.
    pub min_sample_rate_hz: u32,
    /// Highest sample rate accepted, in Hz (up to 192,000). Default 192,000.
    pub max_sample_rate_hz: u32,
    /// Most audio accepted after decoding, in bytes of f32 samples over all channels. Default 512 GiB:
    /// memory does not grow with it, time does.
    pub max_decoded_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration_ms: 24 * 3_600_000,
            max_channels: 8,
            min_sample_rate_hz: 8_000,
            max_sample_rate_hz: 192_000,
            max_decoded_bytes: 512 << 30,
        }
    }
}

impl Limits {
    /// Checks what a container's header announces.
    ///
    /// # Errors
    /// [`Error::SampleRateOutOfRange`], [`Error::TooManyChannels`]; zero channels are [`Error::Corrupt`].
    pub fn check_format(&self, sample_rate_hz: u32, channels: usize) -> Result<()> {
        if !(self.min_sample_rate_hz..=self.max_sample_rate_hz).contains(&sample_rate_hz) {
            return Err(Error::SampleRateOutOfRange {
                given_hz: sample_rate_hz,
                min_hz: self.min_sample_rate_hz,
                max_hz: self.max_sample_rate_hz,
            });
        }
        if channels == 0 {
            return Err(Error::Corrupt { detail: "the audio has no channels".into() });
        }
        if channels > self.max_channels {
            return Err(Error::TooManyChannels { given: channels, max: self.max_channels });
        }
        Ok(())
    }

    /// Checks how much has been decoded (or is announced) so far.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::DecodedTooLarge`].
    pub fn check_length(&self, frames: u64, sample_rate_hz: u32, channels: usize) -> Result<()> {
        let given_ms = crate::units::frames_to_ms(frames, sample_rate_hz);
        if given_ms > self.max_duration_ms {
            return Err(Error::TooLong { given_ms, max_ms: self.max_duration_ms });
        }
        let bytes = u128::from(frames) * channels as u128 * 4;
        if bytes > u128::from(self.max_decoded_bytes) {
            return Err(Error::DecodedTooLarge { max_bytes: self.max_decoded_bytes });
        }
        Ok(())
    }
}
