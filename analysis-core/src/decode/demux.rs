//! The packets of one audio track, as its container gives them.

use std::io;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatOptions, FormatReader, probe::Hint};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::guarded;
use super::sniff::Sniff;
use super::source::Failure;
use super::track::{self, Link};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// Packets in a row that a demuxer may fail to deliver before the rest counts as lost.
const MAX_FAULTS_IN_A_ROW: u32 = 4_096;
/// Most of embedded pictures and tags that is read, in bytes each: nothing here uses them.
const MAX_METADATA_BYTES: usize = 1 << 20;

/// What a container holds next.
pub(super) enum Event {
    /// A packet of the track.
    Packet(Packet),
    /// Bytes that are no packet, however many in a row.
    Fault,
    /// From here on another stream of a chained file, and its decoder.
    Link(Box<Link>, Box<dyn AudioDecoder>),
    /// Nothing more.
    End(End),
}

/// How the packets ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Before they should have.
    pub(super) truncated: bool,
    /// Because of this.
    pub(super) error: Option<Error>,
}

/// Reads the packets of the audio track.
pub(super) struct Demuxer {
    reader: Box<dyn FormatReader>,
    sniff: Sniff,
    failure: Failure,
    limits: Limits,
    track_id: u32,
    /// Failures since the last packet.
    faults: u32,
}

impl Demuxer {
    /// Reads the headers and finds the audio track and its decoder.
    pub(super) fn open(
        source: Box<dyn MediaSource>,
        sniff: Sniff,
        failure: Failure,
        limits: &Limits,
    ) -> Result<(Self, Link, Box<dyn AudioDecoder>)> {
        let stream = MediaSourceStream::new(source, Default::default());
        let metadata = MetadataOptions::default()
            .limit_tag_bytes(Limit::Maximum(MAX_METADATA_BYTES))
            .limit_visual_bytes(Limit::Maximum(MAX_METADATA_BYTES));
        let probe = || {
            symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        };
        let reader = guarded(probe).map_err(|fault| unreadable_header(fault, &sniff, &failure))?;
        let (link, decoder) = track::choose(reader.as_ref(), &sniff, limits)?;
        let track_id = link.track_id;
        let demuxer = Self { reader, sniff, failure, limits: limits.clone(), track_id, faults: 0 };
        Ok((demuxer, link, decoder))
    }

    /// What comes next; after [`Event::End`] nothing does.
    pub(super) fn next(&mut self) -> Event {
        while self.faults < MAX_FAULTS_IN_A_ROW {
            let next = guarded(|| self.reader.next_packet());
            // Whatever the demuxer makes of it: who takes packets may stop before their end.
            if let Some(error) = self.failure.take() {
                return Event::End(End { truncated: false, error: Some(Error::Io(error)) });
            }
            match next {
                // No fault of the file's, but a demuxer may make up empty packets without end.
                Ok(Some(packet)) if packet.data.is_empty() => self.faults += 1,
                Ok(Some(packet)) => {
                    self.faults = 0;
                    if packet.track_id == self.track_id {
                        return Event::Packet(packet);
                    }
                }
                Ok(None) => return Event::End(End::default()),
                Err(Fault::ResetRequired) => {
                    self.faults += 1;
                    return self.relink();
                }
                Err(Fault::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(_) => {
                    self.faults += 1;
                    if self.faults == 1 {
                        return Event::Fault;
                    }
                }
            }
        }
        Event::End(End { truncated: true, error: None })
    }

    /// Takes up the next stream of a chained file.
    fn relink(&mut self) -> Event {
        match track::choose(self.reader.as_ref(), &self.sniff, &self.limits) {
            Ok((link, decoder)) => {
                self.track_id = link.track_id;
                Event::Link(Box::new(link), decoder)
            }
            Err(error) => Event::End(End { truncated: false, error: Some(error) }),
        }
    }
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
pub(super) mod tests {
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

    /// A fixture's demuxer, behind what `script` makes of its track's number.
    pub(in super::super) fn scripted(
        script: impl FnOnce(u32) -> Vec<std::result::Result<Packet, Fault>>,
        spins: bool,
    ) -> (Demuxer, Link, Box<dyn AudioDecoder>) {
        let flac = include_bytes!("../../tests/fixtures/exact-s16.flac");
        let mut reader = Cursor::new(flac.as_slice());
        let (sniff, failure) = (sniff::sniff(&mut reader, None).unwrap(), Failure::default());
        let source = Source::new(reader, sniff.window.clone(), failure.clone()).unwrap();
        let (demuxer, link, decoder) =
            Demuxer::open(Box::new(source), sniff, failure, &Limits::default()).unwrap();
        let script = script(link.track_id).into();
        let reader: Box<dyn FormatReader> = Box::new(Scripted { inner: demuxer.reader, script, spins });
        (Demuxer { reader, ..demuxer }, link, decoder)
    }

    #[test]
    fn faults_between_other_tracks_packets_do_not_end_the_audio() {
        let script = |own: u32| {
            let fault = || Err(Fault::DecodeError("a bad cluster"));
            vec![Ok(packet(own + 1, &[1])), fault(), fault(), Ok(packet(own + 1, &[1])), Ok(packet(own, &[]))]
        };
        let (mut demuxer, ..) = scripted(script, false);
        assert!(matches!(demuxer.next(), Event::Fault));
        assert!(matches!(demuxer.next(), Event::Packet(packet) if !packet.data.is_empty()));
    }

    #[test]
    fn a_reader_that_failed_ends_the_packets_at_once() {
        let (mut demuxer, ..) = scripted(|own| vec![Ok(packet(own, &[1])), Ok(packet(own, &[1]))], false);
        assert!(matches!(demuxer.next(), Event::Packet(_)));
        demuxer.failure.note(io::Error::other("cable pulled"));
        assert!(matches!(demuxer.next(), Event::End(End { error: Some(Error::Io(_)), .. })));
    }

    #[test]
    fn empty_packets_without_end_end() {
        let (mut demuxer, ..) = scripted(|_| Vec::new(), true);
        assert!(matches!(demuxer.next(), Event::End(End { truncated: true, error: None })));
    }
}
