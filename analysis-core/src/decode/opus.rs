//! Opus (RFC 6716, RFC 8251) behind symphonia's decoder interface; symphonia itself has none.
//! The only file that names ropus, a port of the reference decoder that gives the same bits.

use ropus::OpusMSDecoder;
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Error as Fault, Result};
use symphonia::core::packet::PacketRef;

/// Opus always decodes at 48 kHz here, whatever rate was put in.
const SAMPLE_RATE_HZ: u32 = 48_000;
/// Longest packet: 120 ms.
const MAX_PACKET_FRAMES: usize = 5_760;

const INFO: CodecInfo = CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] };

/// The identification header (RFC 7845, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    channels: u8,
    /// Frames at 48 kHz to drop from the start.
    pub(super) pre_skip: u16,
    /// Gain to apply, in 1/256 dB.
    gain: i16,
    streams: u8,
    coupled_streams: u8,
    /// Decoded channel for each output channel, in the order of WAVE files.
    mapping: Vec<u8>,
}

impl Head {
    /// Reads the header as Ogg and Matroska store it, or as MP4 does: there the version is 0 and the numbers
    /// are big-endian (Encapsulation of Opus in ISOBMFF, 4.3.2).
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(b"OpusHead")?;
        let &[version, channels, a, b, _, _, _, _, c, d, family, ..] = body else { return None };
        let word = |a, b| if version == 0 { [b, a] } else { [a, b] };
        let (streams, coupled_streams, mapping) = match family {
            0 if channels == 1 => (1, 0, vec![0]),
            0 if channels == 2 => (1, 1, vec![0, 1]),
            1 => {
                let table = body.get(13..13 + usize::from(channels))?;
                let order = wave_order(channels)?;
                (body[11], body[12], order.iter().map(|at| table[*at]).collect())
            }
            _ => return None,
        };
        Some(Self {
            channels,
            pre_skip: u16::from_le_bytes(word(a, b)),
            gain: i16::from_le_bytes(word(c, d)),
            streams,
            coupled_streams,
            mapping,
        })
    }
}

/// Which channel of Vorbis' order stands at each place of WAVE's, which symphonia's buffers keep.
fn wave_order(channels: u8) -> Option<&'static [usize]> {
    Some(match channels {
        1 => &[0],
        2 => &[0, 1],
        3 => &[0, 2, 1],
        4 => &[0, 1, 2, 3],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 5, 3, 4],
        7 => &[0, 2, 1, 6, 5, 3, 4],
        8 => &[0, 2, 1, 7, 5, 6, 3, 4],
        _ => return None,
    })
}

/// Decodes the packets of one Opus stream.
pub(super) struct OpusDecoder {
    decoder: OpusMSDecoder,
    params: AudioCodecParameters,
    interleaved: Vec<i16>,
    buffer: AudioBuffer<i16>,
    channels: usize,
}

impl OpusDecoder {
    /// Makes a decoder from the header in the codec parameters.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self> {
        let head = params.extra_data.as_deref().and_then(Head::parse);
        let head = head.ok_or(Fault::Unsupported("opus: channel mapping"))?;
        let layout = params.channels.clone().filter(|layout| layout.count() == usize::from(head.channels));
        let layout = layout.ok_or(Fault::DecodeError("opus: channel layout"))?;
        let (channels, streams) = (i32::from(head.channels), i32::from(head.streams));
        let coupled = i32::from(head.coupled_streams);
        let rate = SAMPLE_RATE_HZ.cast_signed();
        let mut decoder = OpusMSDecoder::new(rate, channels, streams, coupled, &head.mapping)
            .map_err(|_| Fault::DecodeError("opus: invalid channel mapping"))?;
        decoder.set_gain(i32::from(head.gain));
        let channels = usize::from(head.channels);
        Ok(Self {
            decoder,
            params: params.clone(),
            interleaved: vec![0; MAX_PACKET_FRAMES * channels],
            buffer: AudioBuffer::new(AudioSpec::new(SAMPLE_RATE_HZ, layout), MAX_PACKET_FRAMES),
            channels,
        })
    }
}

impl AudioDecoder for OpusDecoder {
    fn reset(&mut self) {
        self.decoder.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        &INFO
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.buffer.clear();
        let length =
            i32::try_from(packet.data.len()).map_err(|_| Fault::DecodeError("opus: packet too long"))?;
        let most = i32::try_from(MAX_PACKET_FRAMES).unwrap_or(i32::MAX);
        let frames = self
            .decoder
            .decode(Some(packet.data), length, &mut self.interleaved, most, false)
            .map_err(|_| Fault::DecodeError("opus: invalid packet"))?;
        let frames = usize::try_from(frames).unwrap_or(0).min(MAX_PACKET_FRAMES);
        self.buffer.render_uninit(Some(frames));
        self.buffer.copy_from_slice_interleaved(&&self.interleaved[..frames * self.channels]);
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}
