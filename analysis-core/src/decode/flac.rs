//! FLAC behind symphonia's decoder interface, without what its decoder would keep from one packet to the next.

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, FinalizeResult};
use symphonia::core::errors::{Error as Fault, Result};
use symphonia::core::packet::PacketRef;

/// Decodes packets of as many channels as the stream has.
///
/// Symphonia's decoder leaves the channels that a frame lacks as an earlier frame filled them: what is heard would hang
/// on which packets this very decoder was given before.
pub(super) struct FlacDecoder(pub(super) Box<dyn AudioDecoder>);

impl AudioDecoder for FlacDecoder {
    fn reset(&mut self) {
        self.0.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        self.0.codec_info()
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        self.0.codec_params()
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        let stream = self.0.codec_params().channels.as_ref().map(|channels| channels.count());
        if channels(packet.data) != stream {
            return Err(Fault::DecodeError("flac: another number of channels"));
        }
        self.0.decode_ref(packet)
    }

    fn finalize(&mut self) -> FinalizeResult {
        self.0.finalize()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.0.last_decoded()
    }
}

/// Channels that the first frame header in `packet` names (RFC 9639, 9.1.3); `None` without one. A header is sought as
/// the decoder seeks it.
fn channels(packet: &[u8]) -> Option<usize> {
    let header = packet.windows(4).find(|header| header[0] == 0xff && header[1] & 0xfc == 0xf8)?;
    match header[3] >> 4 {
        independent @ 0..=7 => Some(usize::from(independent) + 1),
        8..=10 => Some(2),
        _ => None,
    }
}
