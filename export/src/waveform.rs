//! Peaks of the audio in audiowaveform's binary form, version 2: what players draw a waveform from.
//!
//! All values are little-endian. After a header of 24 bytes come a minimum and a maximum for every 256 samples, as
//! 16-bit integers; the last pair is of what remains.
//!
//! | bytes | type | field | here |
//! |---|---|---|---|
//! | 0–3 | `i32` | version | 2 |
//! | 4–7 | `u32` | flags | 0: 16 bits |
//! | 8–11 | `i32` | sample rate, in Hz | that of the audio |
//! | 12–15 | `i32` | samples a pair | 256 |
//! | 16–19 | `u32` | pairs | |
//! | 20–23 | `i32` | channels | 1 |
//!
//! Channels are mixed as audiowaveform mixes them: each sample becomes a 16-bit integer, and the integers' sum is
//! divided by their number and cut off towards zero. Of 16-bit files the pairs are those that audiowaveform finds.

use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};

/// Samples a pair, for all channels together.
pub const SAMPLES_PER_PIXEL: u32 = 256;
/// Bytes before the first pair.
const HEADER_BYTES: usize = 24;

/// Takes audio block by block and writes pairs as they are full; their number goes into the header at the end.
/// Memory does not grow with the length of the audio; the file does, by 0.7 kB a second at 44.1 kHz.
pub struct Waveform<W: Write + Seek> {
    out: W,
    pairs: u32,
    /// Samples in the open pair.
    taken: u32,
    least: i16,
    most: i16,
}

impl<W: Write + Seek> fmt::Debug for Waveform<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waveform").field("pairs", &self.pairs).finish_non_exhaustive()
    }
}

impl<W: Write + Seek> Waveform<W> {
    /// Starts a file where `out` stands at its start.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER_BYTES])?;
        Ok(Self { out, pairs: 0, taken: 0, least: i16::MAX, most: i16::MIN })
    }

    /// Takes a block: a plane of samples (-1 to 1) for each channel, all of one length.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn push(&mut self, planes: &[Vec<f32>]) -> io::Result<()> {
        for i in 0..planes.iter().map(Vec::len).min().unwrap_or(0) {
            let sample = mixed(planes, i);
            (self.least, self.most) = (self.least.min(sample), self.most.max(sample));
            self.taken += 1;
            if self.taken == SAMPLES_PER_PIXEL {
                self.write_pair()?;
            }
        }
        Ok(())
    }

    /// Writes the last pair and the header; gives back `out`, which stands behind the header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self, sample_rate_hz: u32) -> io::Result<W> {
        if self.taken > 0 {
            self.write_pair()?;
        }
        self.out.seek(SeekFrom::Start(0))?;
        for field in [2, 0, sample_rate_hz, SAMPLES_PER_PIXEL, self.pairs, 1] {
            self.out.write_all(&field.to_le_bytes())?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_pair(&mut self) -> io::Result<()> {
        self.out.write_all(&self.least.to_le_bytes())?;
        self.out.write_all(&self.most.to_le_bytes())?;
        // 2^32 pairs are 70 days at 192 kHz, more than the engine takes.
        self.pairs = self.pairs.saturating_add(1);
        (self.taken, self.least, self.most) = (0, i16::MAX, i16::MIN);
        Ok(())
    }
}

/// Sample `i` of all channels as one.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a mean of 16-bit integers")]
fn mixed(planes: &[Vec<f32>], i: usize) -> i16 {
    let sum: i32 = planes.iter().map(|plane| i32::from(quantised(plane[i]))).sum();
    (sum / planes.len() as i32) as i16
}

/// The 16-bit integer that a sample was, or is nearest to.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` clamps to the range of i16, and what is no number is 0"
)]
fn quantised(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}
