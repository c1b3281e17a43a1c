//! What a decoder must have seen to go on in the middle of a stream with the very samples that one gives that began at
//! its start.
//!
//! | codec | state | packets before |
//! |---|---|---|
//! | FLAC, ALAC | none (of a FLAC frame of too few channels: see [`super::flac`]) | 0 |
//! | Vorbis | the second half of the last block (Vorbis I, 4.3.8) | 1 |
//! | MP3 | bit reservoir, overlap of the hybrid filter bank, its last 16 slots (ISO/IEC 11172-3, 2.4.3.4) | until the reservoir holds all that is asked of it, and one more: 3 or 4 |
//! | others | noise generators and predictions that hang on everything before | – |
//!
//! All of this holds where each of these packets can be decoded, with and without what is before them. Where not, the
//! state hangs on how a decoder bears damage.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::packet::Packet;

use super::mpeg;

/// Most packets for an MP3 decoder: at 8 kbit/s a frame brings 63 bytes, and the reservoir is one of 511.
const MAX_MP3_PACKETS: usize = 16;

/// What kind of state the decoder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WarmUp {
    /// None.
    Stateless,
    /// That of the last packet.
    LastPacket,
    /// A bit reservoir and filters.
    Reservoir,
}

impl WarmUp {
    /// `None` for a decoder whose state never lets go of what was before.
    pub(super) fn of(params: &AudioCodecParameters) -> Option<Self> {
        match params.codec {
            id::CODEC_ID_FLAC | id::CODEC_ID_ALAC => Some(Self::Stateless),
            id::CODEC_ID_VORBIS => Some(Self::LastPacket),
            id::CODEC_ID_MP3 => Some(Self::Reservoir),
            _ => None,
        }
    }

    /// The last of `packets` that a decoder must have seen to go on behind them; `None` if there are too few.
    pub(super) fn before(self, packets: &[Packet]) -> Option<&[Packet]> {
        let last = |count: usize| packets.len().checked_sub(count).map(|start| &packets[start..]);
        match self {
            Self::Stateless => last(0),
            Self::LastPacket => last(1),
            Self::Reservoir => (2..=MAX_MP3_PACKETS).map_while(last).find(|packets| fills_reservoir(packets)),
        }
    }
}

/// Whether a decoder that begins with `packets` finds in its reservoir what one of them asks of it that is not the
/// last, which sets the filters right.
fn fills_reservoir(packets: &[Packet]) -> bool {
    let mut unread = 0;
    for packet in &packets[..packets.len().saturating_sub(1)] {
        let Some(main) = mpeg::main_data(&packet.data) else { return false };
        if main.begin <= unread {
            return true;
        }
        unread = (unread + main.bytes).min((main.begin + main.bytes).saturating_sub(main.used));
    }
    false
}
