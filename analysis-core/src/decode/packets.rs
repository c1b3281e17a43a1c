//! Packets of one audio track, decoded one after another: what to play of each, and silence for what is lost.

use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatOptions, FormatReader, probe::Hint};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::sniff::Sniff;
use super::source::Failure;
use super::track::{self, Link};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// Packets in a row that a demuxer may fail to deliver before the rest counts as lost.
const MAX_FAULTS_IN_A_ROW: u32 = 4_096;
/// Longest hole in the time stamps that is filled with silence, in seconds. A longer one is no loss but a
/// lie or another recording, and silence of any length can be had for a few bytes.
const MAX_GAP_S: u64 = 60;
/// Frames cut off at the ends that count towards no limit, in seconds: what a container trims is far shorter, but it
/// may claim that all but a moment of hours is to be cut.
const MAX_TRIM_S: u64 = 60;
/// Most of embedded pictures and tags that is read, in bytes each: nothing here uses them.
const MAX_METADATA_BYTES: usize = 1 << 20;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// This range of the frames in [`Packets::decoded`].
    Audio(Range<usize>),
    /// So many frames whose packets were lost.
    Silence(u64),
    /// Nothing more.
    End,
}

/// A demuxer and the decoder of its audio track.
pub(super) struct Packets {
    demuxer: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    sniff: Sniff,
    failure: Failure,
    limits: Limits,
    link: Link,
    /// A packet that waits until the hole before it is filled.
    stash: Option<Packet>,
    expected_ts: Option<i64>,
    /// Frames decoded, before anything is cut off.
    decoded_frames: u64,
    delay_frames: u64,
    padding_frames: u64,
    errors: u64,
    truncated: bool,
    ended: bool,
}

impl Packets {
    /// Reads the headers and finds the audio track.
    pub(super) fn open(
        source: Box<dyn MediaSource>,
        sniff: Sniff,
        failure: Failure,
        limits: &Limits,
    ) -> Result<Self> {
        let stream = MediaSourceStream::new(source, Default::default());
        let metadata = MetadataOptions::default()
            .limit_tag_bytes(Limit::Maximum(MAX_METADATA_BYTES))
            .limit_visual_bytes(Limit::Maximum(MAX_METADATA_BYTES));
        let probe = || {
            symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        };
        let demuxer = guarded(probe).map_err(|fault| unreadable_header(fault, &sniff, &failure))?;
        let (link, decoder) = track::choose(demuxer.as_ref(), &sniff, limits)?;
        Ok(Self {
            demuxer,
            decoder,
            truncated: sniff.truncated,
            sniff,
            failure,
            limits: limits.clone(),
            link,
            stash: None,
            expected_ts: None,
            decoded_frames: 0,
            delay_frames: 0,
            padding_frames: 0,
            errors: 0,
            ended: false,
        })
    }

    /// The track as its header describes it.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The audio of the packet last decoded.
    pub(super) fn decoded(&self) -> GenericAudioBufferRef<'_> {
        self.decoder.last_decoded()
    }

    /// Frames cut from the start and the end so far.
    pub(super) fn trimmed(&self) -> (u64, u64) {
        let trim = &self.link.trim;
        (
            self.delay_frames.saturating_add(trim.delay_frames),
            self.padding_frames.saturating_add(trim.padding_frames),
        )
    }

    /// Packets lost so far.
    pub(super) fn errors(&self) -> u64 {
        self.errors
    }

    /// Whether the source ended before it should have.
    pub(super) fn truncated(&self) -> bool {
        self.truncated
    }

    /// Decodes on until there is something to play.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::TooLong`] and [`Error::DecodedTooLarge`] also for what is decoded and cut off.
    pub(super) fn next(&mut self) -> Result<Piece> {
        while !self.ended && !self.is_all_padding() {
            let packet = match self.stash.take() {
                Some(packet) => packet,
                None => match self.read()? {
                    None => break,
                    Some(packet) => {
                        let gap = self.gap_before(&packet);
                        self.expect_after(&packet);
                        if gap > 0 {
                            self.errors += 1;
                            self.stash = Some(packet);
                            return Ok(Piece::Silence(gap));
                        }
                        packet
                    }
                },
            };
            let piece = self.decode(&packet)?;
            if !matches!(&piece, Piece::Audio(range) if range.is_empty()) && piece != Piece::Silence(0) {
                return Ok(piece);
            }
        }
        self.ended = true;
        self.failure.take().map_or(Ok(Piece::End), |error| Err(Error::Io(error)))
    }

    /// The next packet of the track; `None` at the end.
    fn read(&mut self) -> Result<Option<Packet>> {
        let mut faults = 0;
        while faults < MAX_FAULTS_IN_A_ROW {
            match guarded(|| self.demuxer.next_packet()) {
                // No fault of the file's, but a demuxer may make up empty packets without end.
                Ok(Some(packet)) if packet.data.is_empty() => faults += 1,
                Ok(Some(packet)) if packet.track_id == self.link.track_id => return Ok(Some(packet)),
                Ok(Some(_)) => faults = 0,
                Ok(None) => return Ok(None),
                Err(Fault::ResetRequired) => {
                    self.relink()?;
                    faults += 1;
                }
                Err(Fault::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(_) => {
                    self.errors += u64::from(faults == 0);
                    faults += 1;
                }
            }
        }
        self.truncated = true;
        Ok(None)
    }

    /// Takes up the next stream of a chained file.
    fn relink(&mut self) -> Result<()> {
        let (delay_frames, padding_frames) = self.trimmed();
        let (link, decoder) = track::choose(self.demuxer.as_ref(), &self.sniff, &self.limits)?;
        (self.link, self.decoder) = (link, decoder);
        (self.delay_frames, self.padding_frames) = (delay_frames, padding_frames);
        self.expected_ts = None;
        Ok(())
    }

    /// Frames missing between the last packet and this one, where time stamps count frames.
    fn gap_before(&self, packet: &Packet) -> u64 {
        let gap = self.expected_ts.and_then(|expected| packet.pts.get().checked_sub(expected)).unwrap_or(0);
        let most = MAX_GAP_S * u64::from(self.link.sample_rate_hz);
        u64::try_from(gap).ok().filter(|gap| self.link.stamps_count_frames && *gap <= most).unwrap_or(0)
    }

    fn expect_after(&mut self, packet: &Packet) {
        let end =
            i64::try_from(packet.block_dur().get()).ok().and_then(|dur| packet.pts.get().checked_add(dur));
        self.expected_ts = end;
    }

    /// Decodes a packet; a lost one is silence of its duration, so that what follows keeps its time.
    fn decode(&mut self, packet: &Packet) -> Result<Piece> {
        let cut = self.link.cut(packet);
        let frames = guarded(|| self.decoder.decode(packet).map(|audio| audio.frames()));
        match frames {
            Ok(frames) => {
                let start = cut.start.min(frames);
                let end = frames.saturating_sub(cut.end).max(start);
                if frames > 0 {
                    self.delay_frames = self.delay_frames.saturating_add(cut.counted_start);
                    self.padding_frames = self.padding_frames.saturating_add(cut.counted_end);
                }
                self.count(frames as u64)?;
                let kept = self.link.trim.apply((end - start) as u64);
                let index = |at: u64| start + usize::try_from(at).unwrap_or(usize::MAX);
                Ok(Piece::Audio(index(kept.start)..index(kept.end)))
            }
            Err(_) => {
                self.errors += 1;
                let lost = cut.lost.min(MAX_GAP_S * u64::from(self.link.sample_rate_hz));
                self.count(lost)?;
                let kept = self.link.trim.apply(lost);
                Ok(Piece::Silence(kept.end - kept.start))
            }
        }
    }

    /// Counts frames before trimming, so that no length is without limit because nobody hears it.
    fn count(&mut self, frames: u64) -> Result<()> {
        self.decoded_frames = self.decoded_frames.saturating_add(frames);
        let rate_hz = self.link.sample_rate_hz;
        let counted = self.decoded_frames.saturating_sub(2 * MAX_TRIM_S * u64::from(rate_hz));
        self.limits.check_length(counted, rate_hz, self.link.channels.max(1))
    }

    /// Whether all that is to be heard was, and more followed than an encoder pads.
    fn is_all_padding(&self) -> bool {
        let trim = &self.link.trim;
        trim.keep == Some(0) && trim.padding_frames > MAX_TRIM_S * u64::from(self.link.sample_rate_hz)
    }
}

/// Runs foreign code; a panic in it becomes a fault like any other.
pub(super) fn guarded<T>(
    run: impl FnOnce() -> std::result::Result<T, Fault>,
) -> std::result::Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Fault::DecodeError("the decoder panicked")))
}

/// Why a container whose first bytes were recognised could not be opened.
fn unreadable_header(fault: Fault, sniff: &Sniff, failure: &Failure) -> Error {
    if let Some(error) = failure.take() {
        return Error::Io(error);
    }
    if let Some(codec) = sniff.foreign_codec {
        return Error::UnsupportedCodec { codec: codec.into() };
    }
    match fault {
        // Demuxers say "missing …" where a part of the file is not there, and else name what they cannot do.
        Fault::Unsupported(what) if !what.contains("missing") && !what.contains("not marked") => {
            Error::UnsupportedCodec { codec: what.into() }
        }
        fault => Error::Corrupt { detail: fault.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::Cursor;

    use symphonia::core::formats::{FormatInfo, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
    use symphonia::core::meta::Metadata;
    use symphonia::core::units::{Duration, Timestamp};

    use super::super::sniff;
    use super::super::source::Source;
    use super::*;

    /// A demuxer that plays a script before its own packets.
    struct Scripted {
        inner: Box<dyn FormatReader>,
        script: VecDeque<std::result::Result<Packet, Fault>>,
        /// Once the script is over: empty packets of another track for ever.
        spins: bool,
    }

    impl FormatReader for Scripted {
        fn format_info(&self) -> &FormatInfo {
            self.inner.format_info()
        }
        fn media_info(&self) -> &MediaInfo {
            self.inner.media_info()
        }
        fn metadata(&mut self) -> Metadata<'_> {
            self.inner.metadata()
        }
        fn seek(&mut self, mode: SeekMode, to: SeekTo) -> std::result::Result<SeekedTo, Fault> {
            self.inner.seek(mode, to)
        }
        fn tracks(&self) -> &[Track] {
            self.inner.tracks()
        }
        fn next_packet(&mut self) -> std::result::Result<Option<Packet>, Fault> {
            match self.script.pop_front() {
                Some(next) => next.map(Some),
                None if self.spins => Ok(Some(packet(u32::MAX, &[]))),
                None => self.inner.next_packet(),
            }
        }
        fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
        where
            Self: 's,
        {
            self.inner.into_inner()
        }
    }

    fn packet(track_id: u32, data: &[u8]) -> Packet {
        Packet::new(track_id, Timestamp::new(0), Duration::new(0), data)
    }

    /// Packets of a fixture, behind what `script` makes of its track's number.
    fn scripted(script: impl FnOnce(u32) -> Vec<std::result::Result<Packet, Fault>>, spins: bool) -> Packets {
        let flac = include_bytes!("../../tests/fixtures/exact-s16.flac");
        let mut reader = Cursor::new(flac.as_slice());
        let (sniff, failure) = (sniff::sniff(&mut reader, None).unwrap(), Failure::default());
        let source = Source::new(reader, sniff.window.clone(), failure.clone()).unwrap();
        let packets = Packets::open(Box::new(source), sniff, failure, &Limits::default()).unwrap();
        let script = script(packets.link.track_id).into();
        let demuxer: Box<dyn FormatReader> = Box::new(Scripted { inner: packets.demuxer, script, spins });
        Packets { demuxer, ..packets }
    }

    #[test]
    fn faults_between_other_tracks_packets_do_not_end_the_audio() {
        let script = |own: u32| {
            let fault = || Err(Fault::DecodeError("a bad cluster"));
            vec![Ok(packet(own + 1, &[1])), fault(), fault(), Ok(packet(own + 1, &[1])), Ok(packet(own, &[]))]
        };
        let mut packets = scripted(script, false);
        assert!(packets.read().unwrap().is_some_and(|packet| !packet.data.is_empty()));
        assert_eq!((packets.errors(), packets.truncated()), (1, false));
    }

    /// A packet that cannot be decoded and says that it lasts for ever.
    fn endless(track_id: u32) -> std::result::Result<Packet, Fault> {
        Ok(Packet::new(track_id, Timestamp::new(0), Duration::new(u64::MAX), [1, 2, 3].as_slice()))
    }

    #[test]
    fn a_lost_packet_is_silence_of_a_minute_at_most() {
        let mut packets = scripted(|own| vec![endless(own), endless(own)], false);
        let minute = Piece::Silence(MAX_GAP_S * u64::from(packets.link.sample_rate_hz));
        assert_eq!(packets.next().unwrap(), minute);
        assert_eq!(packets.next().unwrap(), minute);
        assert!(matches!(packets.next().unwrap(), Piece::Audio(_)));
    }

    #[test]
    fn what_is_cut_off_meets_the_limits_too() {
        let mut packets = scripted(|own| (0..9).map(|_| endless(own)).collect(), false);
        packets.link.trim.skip = u64::MAX;
        packets.limits.max_duration_ms = 60_000;
        assert!(matches!(packets.next(), Err(Error::TooLong { max_ms: 60_000, .. })));
    }

    #[test]
    fn padding_without_end_ends() {
        let mut packets = scripted(|own| (0..9).map(|_| endless(own)).collect(), false);
        packets.link.trim.keep = Some(0);
        assert_eq!(packets.next().unwrap(), Piece::End);
        assert_eq!(packets.errors(), 2);
    }

    #[test]
    fn empty_packets_without_end_end() {
        let mut packets = scripted(|_| Vec::new(), true);
        assert!(packets.read().unwrap().is_none());
        assert!(packets.truncated());
    }
}
