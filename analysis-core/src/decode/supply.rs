//! Batches of packets in their order, and how each is to be decoded.

use std::sync::Arc;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::packet::Packet;

use super::batch::{BATCH_SAMPLES, Batch, Made};
use super::demux::{Demuxer, Event};
use super::track::{self, Link};
use super::warm_up::WarmUp;
use crate::limits::Limits;

/// Most packets of a batch.
const BATCH_PACKETS: usize = 256;
/// Bytes of packets from which on nothing is added to a batch.
const BATCH_BYTES: usize = 1 << 20;

/// Makes decoders for the packets of one stream.
pub(super) struct Maker {
    /// The stream.
    pub(super) link: Link,
    limits: Limits,
}

impl Maker {
    pub(super) fn new(link: Link, limits: Limits) -> Self {
        Self { link, limits }
    }

    /// One that has decoded nothing yet: `used` made as new, or another where that is not this one's. What opened once
    /// opens again.
    pub(super) fn make(maker: &Arc<Self>, used: Option<Made>) -> Option<Made> {
        if let Some(mut made) = used.filter(|made| Arc::ptr_eq(&made.maker, maker)) {
            made.decoder.reset();
            return Some(made);
        }
        let decoder = track::open_decoder(&maker.link.params, &maker.limits).ok()?;
        Some(Made { maker: maker.clone(), decoder })
    }
}

/// When and by what the packets are decoded.
enum Decoding {
    /// One by one, by whoever takes them.
    OnDemand,
    /// Ahead, by one decoder, because its state hangs on all packets before.
    InOrder(Box<dyn AudioDecoder>),
    /// Ahead, each batch by a decoder of its own that is warmed up with what the codec needs.
    Apart(WarmUp),
}

/// The demuxer, and how far decoding is. Who holds it makes the next batch.
pub(super) struct Supply {
    demuxer: Demuxer,
    maker: Arc<Maker>,
    decoding: Decoding,
    /// Number of the next batch.
    number: u64,
    /// Losses before its packets.
    faults: u64,
    /// The stream that they begin.
    link: Option<(Box<Link>, Box<dyn AudioDecoder>)>,
    /// Packets right before them, if they are all that a decoder needs to have seen.
    warm_up: Option<Vec<Packet>>,
}

impl Supply {
    pub(super) fn new(demuxer: Demuxer, maker: Arc<Maker>) -> Self {
        Self { demuxer, maker, decoding: Decoding::OnDemand, number: 0, faults: 0, link: None, warm_up: None }
    }

    /// From now on packets are decoded ahead. Keeps `made`, which has decoded all before, where it must decode all after.
    pub(super) fn decode_ahead(&mut self, made: Made) -> Option<Made> {
        if let Some(warm_up) = WarmUp::of(&self.maker.link.params) {
            self.decoding = Decoding::Apart(warm_up);
            return Some(made);
        }
        self.decoding = Decoding::InOrder(made.decoder);
        None
    }

    /// Puts the next packets into `batch`, for as long as it is `wanted`; gives the batch's number and, where the batch
    /// can now be decoded apart, by what.
    pub(super) fn fill(&mut self, batch: &mut Batch, wanted: impl Fn() -> bool) -> (u64, Option<Arc<Maker>>) {
        batch.clear();
        batch.faults = std::mem::take(&mut self.faults);
        self.begin_link(batch);
        self.read(batch, wanted);
        let apart = self.warm_up(batch);
        self.number += 1;
        (self.number - 1, apart.then(|| self.maker.clone()))
    }

    /// Gives the batch what it needs to be decoded apart; whether it can be.
    fn warm_up(&mut self, batch: &mut Batch) -> bool {
        let Decoding::Apart(kind) = self.decoding else { return false };
        if batch.packets.is_empty() {
            return false;
        }
        let next = kind.before(&batch.packets).map(<[Packet]>::to_vec);
        let before = std::mem::replace(&mut self.warm_up, next);
        if batch.link.is_some() {
            return true;
        }
        before.is_some_and(|packets| {
            batch.warm_up = packets;
            true
        })
    }

    /// Takes up the stream that the last batch ended before, if it did.
    fn begin_link(&mut self, batch: &mut Batch) {
        let Some((link, decoder)) = self.link.take() else { return };
        self.maker = Arc::new(Maker::new(*link, self.maker.limits.clone()));
        batch.link = Some(self.maker.clone());
        self.warm_up = None;
        if !matches!(self.decoding, Decoding::OnDemand) {
            self.decode_ahead(Made { maker: self.maker.clone(), decoder });
        }
    }

    /// Reads packets until the batch is full or something else comes.
    fn read(&mut self, batch: &mut Batch, wanted: impl Fn() -> bool) {
        let (mut bytes, mut claimed) = (0, 0);
        while batch.packets.len() < BATCH_PACKETS && bytes < BATCH_BYTES && claimed < BATCH_SAMPLES as u64 {
            if !wanted() {
                return;
            }
            match self.demuxer.next() {
                Event::Packet(packet) => {
                    bytes += packet.data.len();
                    claimed = claimed.saturating_add(self.maker.link.samples(&packet));
                    batch.packets.push(packet);
                    match &mut self.decoding {
                        Decoding::OnDemand => return,
                        Decoding::InOrder(decoder) => {
                            batch.decode_next(decoder.as_mut());
                            if batch.samples() >= BATCH_SAMPLES {
                                return;
                            }
                        }
                        Decoding::Apart(_) => {}
                    }
                }
                Event::Fault => {
                    self.faults += 1;
                    return;
                }
                Event::Link(link, decoder) => {
                    self.link = Some((link, decoder));
                    return;
                }
                Event::End(end) => {
                    batch.end = Some(end);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use symphonia::core::units::{Duration, Timestamp};

    use super::super::demux;
    use super::*;

    #[test]
    fn nothing_is_read_that_nobody_wants() {
        let packet = |own| Ok(Packet::new(own, Timestamp::new(0), Duration::new(1), [1].as_slice()));
        let (demuxer, link, decoder) =
            demux::tests::scripted(|own| (0..9).map(|_| packet(own)).collect(), false);
        let maker = Arc::new(Maker::new(link, Limits::default()));
        let mut supply = Supply::new(demuxer, maker.clone());
        supply.decode_ahead(Made { maker, decoder });
        let (mut batch, asked) = (Batch::default(), Cell::new(0));
        supply.fill(&mut batch, || asked.replace(asked.get() + 1) < 3);
        assert_eq!(batch.packets.len(), 3);
    }
}
