//! Packets that follow one another, and what was decoded of them.

use std::sync::Arc;

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::packet::Packet;

use super::demux::End;
use super::guarded;
use super::supply::Maker;
use crate::limits::tame;

/// Samples over all channels from which on nothing is added to a batch: 1.5 s of stereo at 44.1 kHz, 512 KiB.
/// A longer batch wastes less on warming up, a shorter one takes less memory.
pub(super) const BATCH_SAMPLES: usize = 1 << 17;

/// The samples of one packet.
#[derive(Default)]
pub(super) struct Block {
    /// Sample rate, in Hz.
    pub(super) rate_hz: u32,
    /// A plane of samples for each channel.
    pub(super) planes: Vec<Vec<f32>>,
    /// Length of the planes; `None` for a packet that cannot be decoded.
    pub(super) frames: Option<usize>,
}

impl Block {
    fn decode(&mut self, decoder: &mut dyn AudioDecoder, packet: &Packet) {
        let decoded = guarded(|| {
            let audio = decoder.decode(packet)?;
            self.rate_hz = audio.spec().rate();
            copy_planes(&audio, &mut self.planes);
            Ok(audio.frames())
        });
        self.frames = decoded.ok();
    }

    fn samples(&self) -> usize {
        self.frames.unwrap_or(0) * self.planes.len()
    }
}

/// Copies samples as `f32`, with every float a number within ±[`MAX_SAMPLE`](crate::limits::MAX_SAMPLE).
fn copy_planes(audio: &GenericAudioBufferRef<'_>, planes: &mut Vec<Vec<f32>>) {
    let GenericAudioBufferRef::F32(audio) = audio else {
        audio.copy_to_vecs_planar(planes);
        if matches!(audio, GenericAudioBufferRef::F64(_)) {
            planes.iter_mut().flatten().for_each(|sample| *sample = tame(*sample));
        }
        return;
    };
    planes.resize_with(audio.num_planes(), Vec::new);
    for (to, from) in planes.iter_mut().zip(audio.iter_planes()) {
        to.clear();
        to.extend(from.iter().map(|sample| tame(*sample)));
    }
}

/// A decoder and what makes others like it.
pub(super) struct Made {
    pub(super) maker: Arc<Maker>,
    pub(super) decoder: Box<dyn AudioDecoder>,
}

impl Made {
    /// Takes a packet for the state it leaves; whether it can be decoded.
    pub(super) fn hear(&mut self, packet: &Packet) -> bool {
        guarded(|| self.decoder.decode(packet).map(|_| ())).is_ok()
    }
}

/// Some packets in a row, of one stream.
#[derive(Default)]
pub(super) struct Batch {
    /// Where these are the first packets of another stream: that stream.
    pub(super) link: Option<Arc<Maker>>,
    /// Losses right before these packets.
    pub(super) faults: u64,
    /// Packets right before these, for a decoder that has not seen them.
    pub(super) warm_up: Vec<Packet>,
    pub(super) packets: Vec<Packet>,
    /// What follows the packets, where they are the last.
    pub(super) end: Option<End>,
    /// How many of the packets are decoded.
    pub(super) decoded: usize,
    /// Whether by a decoder that had seen nothing before but `warm_up`.
    pub(super) apart: bool,
    blocks: Vec<Block>,
    /// The block that was asked for last.
    last: usize,
    /// Samples decoded.
    samples: usize,
}

impl Batch {
    /// The end.
    pub(super) fn nothing_more() -> Self {
        Self { end: Some(End::default()), ..Self::default() }
    }

    /// Makes room for other packets; keeps the buffers.
    pub(super) fn clear(&mut self) {
        (self.link, self.end) = (None, None);
        (self.faults, self.decoded, self.samples, self.apart) = (0, 0, 0, false);
        self.warm_up.clear();
        self.packets.clear();
        // Packets of changing size must not leave every buffer as large as the largest of them.
        let held: usize = self.blocks.iter().flat_map(|block| &block.planes).map(Vec::capacity).sum();
        if held > 4 * BATCH_SAMPLES {
            self.blocks.clear();
        }
    }

    /// Samples decoded.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// The samples of a packet, decoded by `decoder` if that has not been done yet: then it must have decoded all
    /// packets before.
    pub(super) fn block(&mut self, index: usize, decoder: &mut Option<Made>) -> &mut Block {
        self.last = if index < self.decoded { index } else { 0 };
        self.blocks.resize_with(self.blocks.len().max(1), Block::default);
        let block = &mut self.blocks[self.last];
        if index >= self.decoded {
            match decoder {
                Some(made) => block.decode(made.decoder.as_mut(), &self.packets[index]),
                None => block.frames = None,
            }
        }
        block
    }

    /// The block that was asked for last.
    pub(super) fn last_block(&mut self) -> &mut Block {
        &mut self.blocks[self.last]
    }

    /// Decodes the next packet.
    pub(super) fn decode_next(&mut self, decoder: &mut dyn AudioDecoder) {
        self.blocks.resize_with(self.blocks.len().max(self.decoded + 1), Block::default);
        let block = &mut self.blocks[self.decoded];
        block.decode(decoder, &self.packets[self.decoded]);
        self.samples += block.samples();
        self.decoded += 1;
    }

    /// Decodes the packets by `own`, a decoder that is made, or made as new, and warmed up for the purpose. Stops early
    /// where they hold more than they said; decodes nothing where not all before them can be decoded.
    pub(super) fn decode_apart(&mut self, maker: &Arc<Maker>, own: &mut Option<Made>) {
        *own = Maker::make(maker, own.take());
        let Some(made) = own else { return };
        self.apart = self.warm_up.iter().all(|packet| made.hear(packet));
        while self.apart && self.decoded < self.packets.len() && self.samples < BATCH_SAMPLES {
            self.decode_next(made.decoder.as_mut());
        }
    }
}
