//! Frame headers of MPEG audio (ISO/IEC 11172-3, 13818-3) and ADTS (ISO/IEC 13818-7): enough to walk from
//! frame to frame. A sync word alone is twelve bits and occurs in any data; a chain of frames does not.

/// Frames that must follow one another before data counts as MPEG audio. A header that fits the one
/// before it costs random bytes about 17 bits each, so four in a row do not happen by chance.
pub(super) const CHAIN: usize = 4;

/// What two frames of one stream have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// MPEG-1, -2 or -2.5 audio, layers I to III.
    Mpeg { version: u8, layer: u8, rate_index: u8 },
    /// Advanced audio coding in its own framing.
    Adts { profile: u8, rate_index: u8, channels: u8 },
}

/// One frame header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// What it shares with its neighbours.
    pub(super) stream: Stream,
    /// Bytes from this header to the next.
    pub(super) bytes: usize,
    /// Offset of a Xing or Info tag from the start of the frame (layer III: after the side information).
    pub(super) xing_offset: usize,
}

/// kbit/s by bitrate index 1 to 14.
const V1_L1: [usize; 14] = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const V1_L2: [usize; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const V1_L3: [usize; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const V2_L1: [usize; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const V2_L23: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// The frame whose header stands at the start of `bytes`.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame> {
    let &[a, b, c, d, ..] = bytes else { return None };
    if a != 0xff || b & 0xe0 != 0xe0 {
        return None;
    }
    if b & 0xf6 == 0xf0 { adts(bytes) } else { mpeg(b, c, d) }
}

fn mpeg(b: u8, c: u8, d: u8) -> Option<Frame> {
    let (version, layer) = (b >> 3 & 3, b >> 1 & 3); // version 3: MPEG-1, 2: MPEG-2, 0: 2.5; layer 3: I, 1: III
    let (bitrate_index, rate_index) = (usize::from(c >> 4), c >> 2 & 3);
    if version == 1 || layer == 0 || rate_index == 3 {
        return None;
    }
    let table = match (version, layer) {
        (3, 3) => &V1_L1,
        (3, 2) => &V1_L2,
        (3, _) => &V1_L3,
        (_, 3) => &V2_L1,
        _ => &V2_L23,
    };
    // Index 0 is "free format", 15 is forbidden.
    let bitrate = 1000 * table.get(bitrate_index.checked_sub(1)?)?;
    let rate = [44_100, 48_000, 32_000][usize::from(rate_index)] >> [2, 0, 1, 0][usize::from(version)];
    let padding = usize::from(c >> 1 & 1);
    let bytes = match (version, layer) {
        (_, 3) => (12 * bitrate / rate + padding) * 4,
        (0 | 2, 1) => 72 * bitrate / rate + padding,
        _ => 144 * bitrate / rate + padding,
    };
    let mono = d >> 6 == 3;
    let side_info = match (version == 3, mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    Some(Frame { stream: Stream::Mpeg { version, layer, rate_index }, bytes, xing_offset: 4 + side_info })
}

fn adts(bytes: &[u8]) -> Option<Frame> {
    let &[_, _, c, d, e, f, ..] = bytes else { return None };
    let (profile, rate_index, channels) = (c >> 6, c >> 2 & 15, (c & 1) << 2 | d >> 6);
    let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
    if rate_index > 12 || length < 7 {
        return None;
    }
    Some(Frame { stream: Stream::Adts { profile, rate_index, channels }, bytes: length, xing_offset: 0 })
}

/// How a walk from frame to frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// [`CHAIN`] frames in a row and more may follow.
    Long,
    /// The data ended exactly after this many frames.
    Whole(usize),
    /// The data ended inside the frame after this many whole ones.
    Cut(usize),
    /// What follows this many frames is no frame of the same stream.
    Broken(usize),
}

/// Walks the frames from the start of `bytes`, at most `most` of them.
pub(super) fn walk(bytes: &[u8], most: usize) -> Walk {
    let (mut at, mut count, mut stream) = (0, 0, None);
    while count < most {
        let rest = &bytes[at..];
        let Some(frame) = frame(rest) else {
            return match rest.len() {
                0 => Walk::Whole(count),
                // Too short for a header: the beginning of one, or not.
                1..6 if rest[0] == 0xff => Walk::Cut(count),
                _ => Walk::Broken(count),
            };
        };
        if *stream.get_or_insert(frame.stream) != frame.stream {
            return Walk::Broken(count);
        }
        if rest.len() < frame.bytes {
            return Walk::Cut(count);
        }
        at += frame.bytes;
        count += 1;
    }
    Walk::Long
}

/// Offset of the first run of [`CHAIN`] frames. Fewer count only where they are all there is, from the start.
pub(super) fn find_chain(bytes: &[u8]) -> Option<usize> {
    let few = match walk(bytes, CHAIN) {
        Walk::Long => true,
        Walk::Whole(count) | Walk::Cut(count) => count >= 1,
        Walk::Broken(_) => false,
    };
    if few {
        return Some(0);
    }
    (1..bytes.len()).find(|&at| bytes[at] == 0xff && walk(&bytes[at..], CHAIN) == Walk::Long)
}

/// Whether the last frame of a stream is cut off, judged from its last bytes; false where no frames are found.
pub(super) fn ends_inside_frame(tail: &[u8], stream: Stream) -> bool {
    let fits = |at: &usize| frame(&tail[*at..]).is_some_and(|frame| frame.stream == stream);
    (0..tail.len())
        .filter(fits)
        .find_map(|at| match walk(&tail[at..], usize::MAX) {
            Walk::Whole(count) if count >= 2 => Some(false),
            Walk::Cut(count) if count >= 2 => Some(true),
            _ => None,
        })
        .unwrap_or(false)
}

/// Sample frames that the decoder (529) and the encoder (LAME: 576) put before the audio of layer III where no tag
/// tells. The standard fixes the decoder's part alone, by its filter bank; encoders differ. LAME, which nearly all
/// untagged files come from, takes 576 since version 3.55, those made from the ISO sources 528, Fraunhofer's 1160
/// (LAME Technical FAQ): for these the audio then begins 1 ms too late or 13 ms too early.
pub(super) const USUAL_DELAY_FRAMES: u64 = 529 + 576;

/// Whether the first frame of audio in `bytes`, after the frame of a tag, is the first one that its encoder made,
/// with the delay before it; else it was cut out of a stream, and what sounds first is heard first.
///
/// The first frame cannot take bits from frames before it: its `main_data_begin` is 0 (ISO/IEC 11172-3, 2.4.2.7).
/// One from the midst of a stream nearly always takes some.
pub(super) fn begins_an_encoding(bytes: &[u8]) -> bool {
    let tag = xing(bytes).and_then(|_| frame(bytes)).map_or(0, |frame| frame.bytes);
    bytes.get(tag..).and_then(main_data).is_some_and(|main| main.begin == 0)
}

/// Where the main data of a layer III frame lies, in bytes (ISO/IEC 11172-3, 2.4.1.7; 13818-3, 2.4.1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MainData {
    /// How many bytes before the frame's own they begin, in the reservoir that the frames before it left.
    pub(super) begin: usize,
    /// How many of the bytes of this frame can hold main data, of this frame or of later ones.
    pub(super) bytes: usize,
    /// How many belong to this frame.
    pub(super) used: usize,
}

/// What the side information of the layer III frame at the start of `bytes`, which ends with them, says.
pub(super) fn main_data(bytes: &[u8]) -> Option<MainData> {
    let frame = frame(bytes)?;
    let Stream::Mpeg { version, layer: 1, .. } = frame.stream else { return None };
    let checksum = if bytes[1] & 1 == 0 { 2 } else { 0 };
    let side_info = bytes.get(4 + checksum..frame.xing_offset + checksum)?;
    let mono = bytes[3] >> 6 == 3;
    // Bits of `main_data_begin`, bits up to the first granule's, channels of granules, bits of each of them.
    let (begin_bits, mut at, parts, part_bits) = match (version == 3, mono) {
        (true, true) => (9, 18, 2, 59),
        (true, false) => (9, 20, 4, 59),
        (false, true) => (8, 9, 1, 63),
        (false, false) => (8, 10, 2, 63),
    };
    let mut used_bits = 0;
    for _ in 0..parts {
        used_bits += bits(side_info, at, 12);
        at += part_bits;
    }
    Some(MainData {
        begin: bits(side_info, 0, begin_bits),
        bytes: bytes.len() - frame.xing_offset - checksum,
        used: used_bits.div_ceil(8),
    })
}

/// The number in the `count` bits from bit `at` on, first bit highest.
fn bits(bytes: &[u8], at: usize, count: usize) -> usize {
    (at..at + count).fold(0, |value, bit| value << 1 | usize::from(bytes[bit / 8] >> (7 - bit % 8) & 1))
}

/// What a Xing or Info tag in the first frame says of the whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Xing {
    /// Whether it counts the frames, so that the end of the audio is known.
    pub(super) counts_frames: bool,
    /// Bytes of the stream, where given.
    pub(super) bytes: Option<u32>,
}

/// The Xing, Info or VBRI tag in the frame at the start of `bytes`.
pub(super) fn xing(bytes: &[u8]) -> Option<Xing> {
    let offset = frame(bytes)?.xing_offset;
    let word = |at: usize| bytes.get(at..at + 4)?.first_chunk::<4>().copied();
    if word(36) == Some(*b"VBRI") {
        return Some(Xing { counts_frames: true, bytes: word(46).map(u32::from_be_bytes) });
    }
    if !matches!(&word(offset)?, b"Xing" | b"Info") {
        return None;
    }
    let flags = u32::from_be_bytes(word(offset + 4)?);
    let bytes_at = if flags & 1 == 0 { offset + 8 } else { offset + 12 };
    let bytes = if flags & 2 == 0 { None } else { word(bytes_at).map(u32::from_be_bytes) };
    Some(Xing { counts_frames: flags & 1 != 0, bytes })
}
