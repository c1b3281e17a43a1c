//! Packets of one audio track, one after another: what to play of each, and silence for what is lost.

use std::ops::Range;
use std::sync::Arc;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::io::MediaSource;
use symphonia::core::packet::Packet;

use super::ahead::Ahead;
use super::batch::{Batch, Block, Made};
use super::demux::Demuxer;
use super::sniff::Sniff;
use super::source::Failure;
use super::supply::{Maker, Supply};
use super::track::Link;
use crate::crew::Crew;
use crate::error::Result;
use crate::limits::Limits;

/// Longest hole in the time stamps that is filled with silence, in seconds. A longer one is no loss but a
/// lie or another recording, and silence of any length can be had for a few bytes.
const MAX_GAP_S: u64 = 60;
/// Frames cut off at the ends that count towards no limit, in seconds: what a container trims is far shorter, but it
/// may claim that all but a moment of hours is to be cut.
const MAX_TRIM_S: u64 = 60;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// This range of the frames in [`Packets::block`].
    Audio(Range<usize>),
    /// So many frames whose packets were lost.
    Silence(u64),
    /// Nothing more.
    End,
}

/// The packets of a track in their order, and what is to be heard of them.
pub(super) struct Packets {
    ahead: Ahead,
    batch: Batch,
    /// The next packet of the batch.
    at: usize,
    /// What was before the batch: the packets of the last one, and those that it was warmed up with.
    trail: [Vec<Packet>; 2],
    maker: Arc<Maker>,
    /// Decodes what was not decoded ahead; has decoded all packets before. `None` while there is nothing to do for it.
    decoder: Option<Made>,
    /// One that did so before, to be used again.
    spare: Option<Made>,
    /// How many packets before the next one were decoded without fault.
    sound: usize,
    limits: Limits,
    link: Link,
    /// Whether the hole before the next packet is filled.
    gap_filled: bool,
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
        let truncated = sniff.truncated;
        let (demuxer, link, decoder) = Demuxer::open(source, sniff, failure, limits)?;
        Ok(Self { truncated, ..Self::new(demuxer, link, decoder, limits) })
    }

    fn new(demuxer: Demuxer, link: Link, decoder: Box<dyn AudioDecoder>, limits: &Limits) -> Self {
        let maker = Arc::new(Maker::new(link.clone(), limits.clone()));
        Self {
            ahead: Ahead::new(Supply::new(demuxer, maker.clone())),
            batch: Batch::default(),
            at: 0,
            trail: Default::default(),
            decoder: Some(Made { maker: maker.clone(), decoder }),
            spare: None,
            maker,
            sound: 0,
            limits: limits.clone(),
            link,
            gap_filled: false,
            expected_ts: None,
            decoded_frames: 0,
            delay_frames: 0,
            padding_frames: 0,
            errors: 0,
            truncated: false,
            ended: false,
        }
    }

    /// Decodes ahead from here on with the help of `crew`. Changes nothing but the time it takes.
    pub(super) fn spread(&mut self, crew: &Arc<Crew>) {
        // What is left of the batch is still to be decoded by its own decoder.
        if crew.threads() > 1 && self.at == self.batch.packets.len() {
            self.ahead.spread(crew, &mut self.decoder);
        }
    }

    /// The track as its header describes it.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The audio of the packet that [`Packets::next`] spoke of last.
    pub(super) fn block(&mut self) -> &mut Block {
        self.batch.last_block()
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
            if self.at == self.batch.packets.len() {
                self.turn()?;
                continue;
            }
            let gap = self.gap();
            if gap > 0 {
                self.errors += 1;
                return Ok(Piece::Silence(gap));
            }
            let piece = self.decode()?;
            if !matches!(&piece, Piece::Audio(range) if range.is_empty()) && piece != Piece::Silence(0) {
                return Ok(piece);
            }
        }
        self.ended = true;
        Ok(Piece::End)
    }

    /// Ends with the batch, or takes the next one.
    fn turn(&mut self) -> Result<()> {
        if let Some(end) = self.batch.end.take() {
            self.truncated |= end.truncated;
            self.ended = true;
            return end.error.map_or(Ok(()), Err);
        }
        if !self.batch.packets.is_empty() {
            self.trail = [std::mem::take(&mut self.batch.warm_up), std::mem::take(&mut self.batch.packets)];
        }
        self.batch = self.ahead.next(std::mem::take(&mut self.batch));
        self.at = 0;
        self.errors += self.batch.faults;
        if let Some(maker) = self.batch.link.take() {
            (self.delay_frames, self.padding_frames) = self.trimmed();
            (self.link, self.expected_ts) = (maker.link.clone(), None);
            (self.maker, self.decoder, self.trail) = (maker, None, Default::default());
        } else if self.batch.apart && self.sound < self.batch.warm_up.len() {
            // Its decoder may not have had the state that ours has.
            self.batch.decoded = 0;
        }
        if self.batch.decoded > 0 {
            self.spare = self.decoder.take().or(self.spare.take());
        }
        Ok(())
    }

    /// A decoder that has the state of one that has decoded everything before the next packet: the batches that were
    /// decoded apart are warmed up so that from their start on this is so.
    fn catch_up(&mut self) -> Option<Made> {
        let mut made = Maker::make(&self.maker, self.spare.take())?;
        let own = [&self.batch.warm_up[..], &self.batch.packets[..self.at]];
        let trail = self.trail.each_ref().map(Vec::as_slice);
        for packet in if self.batch.decoded > 0 { own } else { trail }.into_iter().flatten() {
            made.hear(packet);
        }
        Some(made)
    }

    /// Frames missing before the next packet, where time stamps count frames.
    fn gap(&mut self) -> u64 {
        if std::mem::replace(&mut self.gap_filled, true) {
            return 0;
        }
        let packet = &self.batch.packets[self.at];
        let gap = self.expected_ts.and_then(|expected| packet.pts.get().checked_sub(expected)).unwrap_or(0);
        self.expected_ts = end_ts(packet);
        let most = MAX_GAP_S * u64::from(self.link.sample_rate_hz);
        u64::try_from(gap).ok().filter(|gap| self.link.stamps_count_frames && *gap <= most).unwrap_or(0)
    }

    /// Decodes a packet; a lost one is silence of its duration, so that what follows keeps its time.
    fn decode(&mut self) -> Result<Piece> {
        let cut = self.link.cut(&self.batch.packets[self.at]);
        if self.at >= self.batch.decoded && self.decoder.is_none() {
            self.decoder = self.catch_up();
        }
        let frames = self.batch.block(self.at, &mut self.decoder).frames;
        self.at += 1;
        self.gap_filled = false;
        let Some(frames) = frames else {
            (self.errors, self.sound) = (self.errors + 1, 0);
            let lost = cut.lost.min(MAX_GAP_S * u64::from(self.link.sample_rate_hz));
            self.count(lost)?;
            let kept = self.link.trim.apply(lost);
            return Ok(Piece::Silence(kept.end - kept.start));
        };
        self.sound += 1;
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

/// Time stamp of what should follow `packet`.
fn end_ts(packet: &Packet) -> Option<i64> {
    i64::try_from(packet.block_dur().get()).ok().and_then(|dur| packet.pts.get().checked_add(dur))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use symphonia::core::errors::Error as Fault;
    use symphonia::core::units::{Duration, Timestamp};

    use super::super::demux;
    use super::*;
    use crate::error::Error;

    type Script = Vec<std::result::Result<Packet, Fault>>;

    fn scripted(script: impl FnOnce(u32) -> Script) -> Packets {
        let (demuxer, link, decoder) = demux::tests::scripted(script, false);
        Packets::new(demuxer, link, decoder, &Limits::default())
    }

    /// A packet that cannot be decoded and says that it lasts for ever.
    fn endless(track_id: u32) -> std::result::Result<Packet, Fault> {
        Ok(Packet::new(track_id, Timestamp::new(0), Duration::new(u64::MAX), [1, 2, 3].as_slice()))
    }

    #[test]
    fn a_lost_packet_is_silence_of_a_minute_at_most() {
        let mut packets = scripted(|own| vec![endless(own), endless(own)]);
        let minute = Piece::Silence(MAX_GAP_S * u64::from(packets.link.sample_rate_hz));
        assert_eq!(packets.next().unwrap(), minute);
        assert_eq!(packets.next().unwrap(), minute);
        assert!(matches!(packets.next().unwrap(), Piece::Audio(_)));
    }

    #[test]
    fn what_a_demuxer_cannot_deliver_counts_as_lost() {
        for threads in [1, 3] {
            let crew = Arc::new(Crew::new(NonZeroUsize::new(threads).unwrap()));
            let fault = || Err(Fault::DecodeError("a bad cluster"));
            let mut packets = scripted(|_| vec![fault(), fault(), fault()]);
            packets.spread(&crew);
            assert!(matches!(packets.next().unwrap(), Piece::Audio(_)));
            assert_eq!(packets.errors(), 1, "{threads} threads");
        }
    }

    #[test]
    fn what_is_cut_off_meets_the_limits_too() {
        let mut packets = scripted(|own| (0..9).map(|_| endless(own)).collect());
        packets.link.trim.skip = u64::MAX;
        packets.limits.max_duration_ms = 60_000;
        assert!(matches!(packets.next(), Err(Error::TooLong { max_ms: 60_000, .. })));
    }

    #[test]
    fn padding_without_end_ends() {
        let mut packets = scripted(|own| (0..9).map(|_| endless(own)).collect());
        packets.link.trim.keep = Some(0);
        assert_eq!(packets.next().unwrap(), Piece::End);
        assert_eq!(packets.errors(), 2);
    }
}
