//! Compressed audio in, planar f32 blocks out. The only room that names symphonia.
//!
//! # Time
//! Sample 0 is the first one a listener hears. What the encoder put before it (delay) and after the last one
//! (padding) is cut off and counted in [`DecodeReport`]:
//!
//! | format | by |
//! |---|---|
//! | MP3 | LAME/Xing tag, plus the 529 samples every decoder adds |
//! | MP3 without a tag | 1105 samples (LAME's 576 and the 529) if its first frame is its encoder's first, which it shows by needing none before it; else nothing. The end is not cut |
//! | MP4 (AAC, ALAC, …) | `iTunSMPB` where it fits the track, else the edit list |
//! | Ogg Vorbis, Opus | first packet or pre-skip, granule positions |
//! | Matroska | Opus pre-skip; what its blocks say of padding does not reach us (at most 20 ms stay) |
//! | CAF | the packet table's priming and valid frames |
//! | ADTS, WAV, AIFF, FLAC | nothing: the first has no place to say it, the others have none |
//!
//! # Damage
//! A packet that cannot be decoded is counted and replaced by silence of its duration (at most a minute), so that
//! what follows keeps its time, wherever the container tells that duration (Matroska may not); in Ogg and FLAC, whose time stamps count samples, so is a hole left by lost pages or frames.
//! MP3 and ADTS have no time stamps: bytes lost between frames shift what follows. A file that ends early
//! gives what it holds, and [`DecodeReport::truncated`] says so.
//!
//! # Values
//! Integers are scaled to [-1, 1) exactly (32-bit ones are rounded to f32). Floats are passed on as they are,
//! also beyond ±1, but what is no number becomes 0 and nothing leaves ±10⁶.

use crate::opaque::opaque;
use std::io::{Read, Seek};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::crew::Crew;
use crate::error::{Error, Result};
use crate::limits::Limits;
pub use crate::limits::MAX_SAMPLE;
use packets::{Packets, Piece};
use source::{Failure, Source};
use symphonia::core::errors::Error as Fault;

mod ahead;
mod batch;
mod demux;
mod flac;
mod mp4;
mod mpeg;
mod opus;
mod packets;
mod riff;
mod sniff;
mod source;
mod supply;
mod track;
mod trim;
mod warm_up;

/// Most frames in one block.
pub const MAX_BLOCK_FRAMES: usize = 65_536;

/// The audio as its header and its first packet describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioFormat {
    /// Sample rate, in Hz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: usize,
    /// Codec, e.g. `mp3`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// Container, e.g. `mp4`, `ogg`, `wav`.
    pub container: String,
    /// Sample frames to expect after trimming. Exact where the container counts them, a guess from the bit
    /// rate where it does not (MP3 without a Xing tag, ADTS), `None` where there is nothing to go by.
    pub expected_frames: Option<u64>,
}

/// How decoding went so far; complete once [`Decoder::next_block`] has returned `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeReport {
    /// Sample frames handed out.
    pub frames: u64,
    /// Encoder delay cut from the start, in sample frames.
    pub delay_frames: u64,
    /// Padding cut from the end, in sample frames.
    pub padding_frames: u64,
    /// Packets that could not be decoded.
    pub decode_errors: u64,
    /// The source ended before its container said it would.
    pub truncated: bool,
}

/// Decodes a file block by block. Memory does not grow with its length.
///
/// ```no_run
/// use analysis_core::{Limits, decode::Decoder};
///
/// # fn main() -> analysis_core::Result<()> {
/// let mut decoder = Decoder::open(std::fs::File::open("song.mp3")?, Some("mp3"), &Limits::default())?;
/// let mut peak = 0.0_f32;
/// while let Some(planes) = decoder.next_block()? {
///     peak = planes.iter().flatten().fold(peak, |peak, sample| peak.max(sample.abs()));
/// }
/// println!("{} frames, peak {peak}", decoder.report().frames);
/// # Ok(())
/// # }
/// ```
pub struct Decoder {
    packets: Packets,
    format: AudioFormat,
    limits: Limits,
    planes: Vec<Vec<f32>>,
    silence_left: u64,
    audio_left: Range<usize>,
    frames: u64,
    ended: bool,
}

opaque!(Decoder { format, frames, ended });

impl Decoder {
    /// Opens a file and decodes as far as its first packet of audio.
    ///
    /// `hint` is a file extension or MIME type; it is only named in errors, the bytes decide.
    ///
    /// # Errors
    /// - [`Error::Empty`]: no bytes, or no audio frames.
    /// - [`Error::Unrecognized`]: no container that is known.
    /// - [`Error::NoAudioTrack`], [`Error::UnsupportedCodec`]: a known container with nothing we can decode.
    /// - [`Error::Corrupt`]: the header cannot be read, or not one packet decodes.
    /// - [`Error::TooLong`], [`Error::TooManyChannels`], [`Error::SampleRateOutOfRange`],
    ///   [`Error::DecodedTooLarge`]: the header announces more than `limits` allow.
    /// - [`Error::Io`]: the reader failed.
    pub fn open<R>(mut reader: R, hint: Option<&str>, limits: &Limits) -> Result<Self>
    where
        R: Read + Seek + Send + Sync + 'static,
    {
        let sniff = sniff::sniff(&mut reader, hint)?;
        let failure = Failure::default();
        let source = Source::new(reader, sniff.window.clone(), failure.clone())?;
        let packets = Packets::open(Box::new(source), sniff, failure, limits)?;
        check_announced(&packets, limits)?;
        Self::start(packets, limits)
    }

    /// Decodes on with `threads` threads, the caller's included: they decode ahead of what is asked for. The blocks,
    /// the report and the errors are the same with any number. Where the codec allows it (FLAC, ALAC, MP3, Vorbis) all
    /// threads decode, else one of them at a time. They end with the decoder; more than
    /// [`crate::config::MAX_THREADS`] are that many.
    ///
    /// Dropping it waits for what each thread is at: one read of the reader, or a batch to decode.
    ///
    /// Memory: two batches more than threads, four where one thread decodes at a time. A batch ends with the packet
    /// that brings it to 1 MiB of packets or to 512 KiB of samples; its buffers keep up to 2 MiB from one use to the
    /// next.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        self.helped_by(&Arc::new(Crew::new(threads)))
    }

    /// As [`Decoder::with_threads`], by threads that do other things too.
    pub(crate) fn helped_by(mut self, crew: &Arc<Crew>) -> Self {
        self.packets.spread(crew);
        self
    }

    /// The audio's format; it does not change while decoding.
    #[must_use]
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// The next samples, one plane a channel, all of one length between 1 and [`MAX_BLOCK_FRAMES`]; `None`
    /// at the end.
    ///
    /// # Errors
    /// [`Error::TooLong`] and [`Error::DecodedTooLarge`] when more comes than `limits` allow,
    /// [`Error::FormatChanged`] where a chained file goes on at another rate or channel count,
    /// [`Error::Io`] when the reader fails. After an error there is nothing more.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>> {
        let filled = self.fill();
        self.ended |= !matches!(filled, Ok(true));
        Ok(filled?.then_some(&self.planes[..]))
    }

    /// What was trimmed, lost and handed out so far.
    #[must_use]
    pub fn report(&self) -> DecodeReport {
        let (delay_frames, padding_frames) = self.packets.trimmed();
        let short = self.ended && self.frames < self.packets.link().least_frames;
        DecodeReport {
            frames: self.frames,
            delay_frames,
            padding_frames,
            decode_errors: self.packets.errors(),
            truncated: short || self.packets.truncated(),
        }
    }

    /// Decodes to the first audible frame: only then rate and channels are known for sure.
    fn start(mut packets: Packets, limits: &Limits) -> Result<Self> {
        let mut silence_left = 0;
        let announced = packets.link().expected_frames.unwrap_or(0);
        let audio_left = loop {
            match packets.next()? {
                Piece::Audio(range) => break range,
                Piece::Silence(frames) => {
                    silence_left += frames;
                    let link = packets.link();
                    limits.check_length(silence_left, link.sample_rate_hz, link.channels.max(1))?;
                }
                Piece::End if packets.errors() == 0 && announced == 0 => return Err(Error::Empty),
                Piece::End => {
                    let detail = format!("no packet can be decoded ({} tried)", packets.errors());
                    return Err(Error::Corrupt { detail });
                }
            }
        };
        let block = packets.block();
        let (sample_rate_hz, channels) = (block.rate_hz, block.planes.len());
        limits.check_format(sample_rate_hz, channels)?;
        let link = packets.link();
        let format = AudioFormat {
            sample_rate_hz,
            channels,
            codec: link.codec.clone(),
            container: link.container.clone(),
            expected_frames: link.expected_frames,
        };
        let planes = vec![Vec::new(); channels];
        Ok(Self {
            packets,
            format,
            limits: limits.clone(),
            planes,
            silence_left,
            audio_left,
            frames: 0,
            ended: false,
        })
    }

    /// Fills the planes with what comes next; false at the end.
    fn fill(&mut self) -> Result<bool> {
        while !self.ended && self.silence_left == 0 && self.audio_left.is_empty() {
            match self.packets.next()? {
                Piece::Audio(range) => {
                    self.check_format()?;
                    self.audio_left = range;
                }
                Piece::Silence(frames) => self.silence_left = frames,
                Piece::End => return Ok(false),
            }
        }
        if self.ended {
            return Ok(false);
        }
        let count = if self.silence_left > 0 { self.fill_silence() } else { self.fill_audio() };
        self.frames += count as u64;
        self.limits.check_length(self.frames, self.format.sample_rate_hz, self.format.channels)?;
        Ok(true)
    }

    fn fill_silence(&mut self) -> usize {
        let count = usize::try_from(self.silence_left).unwrap_or(usize::MAX).min(MAX_BLOCK_FRAMES);
        for plane in &mut self.planes {
            plane.clear();
            plane.resize(count, 0.0);
        }
        self.silence_left -= count as u64;
        count
    }

    fn fill_audio(&mut self) -> usize {
        let count = self.audio_left.len().min(MAX_BLOCK_FRAMES);
        let range = self.audio_left.start..self.audio_left.start + count;
        self.audio_left.start = range.end;
        let block = self.packets.block();
        if block.frames == Some(count) {
            std::mem::swap(&mut self.planes, &mut block.planes);
            return count;
        }
        for (to, from) in self.planes.iter_mut().zip(&block.planes) {
            to.clear();
            to.extend_from_slice(&from[range.clone()]);
        }
        count
    }

    fn check_format(&mut self) -> Result<()> {
        let block = self.packets.block();
        let (rate_hz, channels) = (block.rate_hz, block.planes.len());
        if (rate_hz, channels) == (self.format.sample_rate_hz, self.format.channels) {
            return Ok(());
        }
        Err(Error::FormatChanged {
            was: describe(self.format.sample_rate_hz, self.format.channels),
            becomes: describe(rate_hz, channels),
        })
    }
}

/// Runs foreign code; a panic in it becomes a fault like any other.
fn guarded<T>(run: impl FnOnce() -> std::result::Result<T, Fault>) -> std::result::Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Fault::DecodeError("the decoder panicked")))
}

fn describe(rate_hz: u32, channels: usize) -> String {
    format!("{rate_hz} Hz, {channels} channels")
}

/// Holds the length that the header announces against the limits, before anything is decoded.
fn check_announced(packets: &Packets, limits: &Limits) -> Result<()> {
    let link = packets.link();
    link.expected_frames
        .map_or(Ok(()), |frames| limits.check_length(frames, link.sample_rate_hz, link.channels))
}
