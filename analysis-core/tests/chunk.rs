//! Chunks: what goes in comes out, altered bytes never do, and hostile bytes are refused within bounds.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "values chosen by the tests fit"
)]

use analysis_core::chunk::{
    Chunk, ChunkDecoder, ChunkWriter, HEADER_BYTES, decode_chunk, decode_payload, encode_payload,
};
use analysis_core::frame::FrameLayout;
use analysis_core::{AnalysisType, Config, Error, SampleType};
use proptest::prelude::*;

const MAX: usize = 1 << 20;
const SAMPLES: [SampleType; 4] = [SampleType::U8, SampleType::I16, SampleType::F16, SampleType::F32];

fn layout(sample_type: SampleType, analysis_type: AnalysisType) -> FrameLayout {
    FrameLayout::new(&Config { sample_type, analysis_type, bands: 8, ..Config::default() })
}

/// Frames that drift as spectra do.
fn frames(layout: &FrameLayout, count: usize) -> Vec<u8> {
    let width = layout.bytes_per_frame();
    (0..count * width)
        .map(|i| ((i / width) as f64 * 0.3).sin().mul_add(20.0, (i % width) as f64 * 2.0 + 60.0) as u8)
        .collect()
}

fn pack(layout: &FrameLayout, frames: &[u8], chunk_frames: usize) -> Vec<Chunk> {
    let mut writer = ChunkWriter::new(layout.clone(), 2, chunk_frames).unwrap();
    let mut chunks = Vec::new();
    for frame in frames.chunks(layout.bytes_per_frame()) {
        chunks.extend(writer.push(frame).unwrap());
    }
    chunks.extend(writer.finish().unwrap());
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frames_come_back_from_their_chunks(
        noise in prop::collection::vec(any::<u8>(), 0..6_000),
        sample_type in prop::sample::select(SAMPLES.to_vec()),
        chunk_frames in 1_usize..70,
    ) {
        let layout = layout(sample_type, AnalysisType::Full);
        let whole = noise.len() / layout.bytes_per_frame() * layout.bytes_per_frame();
        let mut decoder = ChunkDecoder::new().unwrap();
        let (mut back, mut next) = (Vec::new(), 0);
        for (index, chunk) in pack(&layout, &noise[..whole], chunk_frames).into_iter().enumerate() {
            let decoded = decoder.decode(&chunk.bytes, &layout, MAX).unwrap();
            prop_assert_eq!((chunk.index as usize, chunk.start_frame), (index, next));
            prop_assert_eq!(decoded.header.start_frame, next);
            prop_assert_eq!((decoded.header.level, decoded.header.frame_count), (2, chunk.frame_count));
            prop_assert_eq!(decoded.header.crc32, chunk.crc32);
            next += chunk.frame_count;
            back.extend(decoded.frames);
        }
        prop_assert_eq!(back, &noise[..whole]);
    }

    #[test]
    fn an_altered_byte_never_changes_frames_unseen(position in any::<prop::sample::Index>(), flip in 1_u8..=255, rows in 1_usize..80) {
        let layout = layout(SampleType::U8, AnalysisType::Full);
        let frames = frames(&layout, rows);
        let mut bytes = pack(&layout, &frames, 1_000).remove(0).bytes;
        let at = position.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(decoded) = decode_chunk(&bytes, &layout, MAX) {
            prop_assert_eq!(decoded.frames, frames, "byte {} ^ {:02x} passed", at, flip);
        }
    }

    #[test]
    fn any_truncation_or_appendix_is_detected(cut in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..20)) {
        let layout = layout(SampleType::I16, AnalysisType::Tonal);
        let bytes = pack(&layout, &frames(&layout, 50), 1_000).remove(0).bytes;
        prop_assert!(decode_chunk(&bytes[..cut.index(bytes.len())], &layout, MAX).is_err());
        prop_assert!(decode_chunk(&[bytes.as_slice(), &more].concat(), &layout, MAX).is_err());
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), keep in 0_usize..40) {
        let layout = layout(SampleType::U8, AnalysisType::Full);
        let good = pack(&layout, &frames(&layout, 9), 9).remove(0).bytes;
        let forged = [&good[..keep.min(good.len())], &bytes].concat();
        let _ = decode_chunk(&forged, &layout, 4_096);
        let _ = decode_payload(&bytes, &layout);
        let mut payload = b"ARSF\x01\0\0\0".to_vec();
        payload.extend(bytes);
        prop_assert!(decode_payload(&payload, &layout).is_err());
    }
}

/// Zstd has bits without a meaning (reserved ones, and padding of its bit streams): altering one changes nothing.
#[test]
fn no_flipped_bit_of_a_small_chunk_changes_its_frames_unseen() {
    let layout = layout(SampleType::U8, AnalysisType::Rhythm);
    let frames = frames(&layout, 30);
    let bytes = pack(&layout, &frames, 30).remove(0).bytes;
    let mut unseen = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            if let Ok(decoded) = decode_chunk(&altered, &layout, MAX) {
                assert_eq!(decoded.frames, frames, "bit {bit} of byte {at} passed");
                unseen += 1;
            }
        }
    }
    assert!(unseen * 100 < bytes.len() * 8, "{unseen} bits were altered unseen");
}

#[test]
fn each_fault_has_an_error_of_its_own() {
    let layout = layout(SampleType::U8, AnalysisType::Full);
    let frames = frames(&layout, 10);
    let chunk = pack(&layout, &frames, 10).remove(0);
    let mut payload = Vec::new();
    encode_payload(&layout, 0, 0, &frames, &mut payload).unwrap();
    let spoilt = |at: usize, value: u8| {
        let mut payload = payload.clone();
        payload[at] = value;
        decode_payload(&payload, &layout).unwrap_err()
    };
    assert!(matches!(decode_chunk(&[], &layout, MAX), Err(Error::BadChunk { .. })));
    assert!(matches!(decode_chunk(b"RIFF and more", &layout, MAX), Err(Error::BadChunk { .. })));
    let given = (HEADER_BYTES + frames.len()) as u64;
    let small = decode_chunk(&chunk.bytes, &layout, frames.len());
    assert!(
        matches!(small, Err(Error::ChunkTooLarge { given: g, max }) if g == given && max == frames.len() as u64)
    );
    let other = self::layout(SampleType::U8, AnalysisType::Tonal);
    assert!(matches!(
        decode_chunk(&chunk.bytes, &other, MAX),
        Err(Error::ChunkLayout { given: 24, expected: 20 })
    ));
    assert!(matches!(spoilt(0, b'X'), Error::BadChunk { .. }));
    assert!(matches!(spoilt(4, 9), Error::ChunkVersion { given: 9, supported: 1 }));
    assert!(matches!(spoilt(6, 1), Error::BadChunk { .. }));
    assert!(matches!(spoilt(16, 11), Error::BadChunk { .. }));
    assert!(matches!(spoilt(HEADER_BYTES + 3, 200), Error::ChunkChecksum { .. }));
    let mut writer = ChunkWriter::new(layout, 0, 4).unwrap();
    assert!(matches!(writer.push(&[0; 3]), Err(Error::ChunkLayout { given: 3, expected: 24 })));
}

#[test]
fn a_huge_announced_size_is_refused_before_memory_is_taken() {
    // Single segment, 8-byte content size of 2^40, checksum flag.
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0b1110_0100];
    bytes.extend((1_u64 << 40).to_le_bytes());
    bytes.extend([0x01, 0x00, 0x00, 0, 0, 0, 0]); // an empty last block and a checksum
    let layout = layout(SampleType::U8, AnalysisType::Full);
    assert!(
        matches!(decode_chunk(&bytes, &layout, MAX), Err(Error::ChunkTooLarge { max, .. }) if max == MAX as u64)
    );
}

#[test]
fn the_same_frames_give_the_same_bytes_whatever_was_packed_before() {
    let layout = layout(SampleType::U8, AnalysisType::Full);
    let frames = frames(&layout, 300);
    let alone = pack(&layout, &frames[200 * layout.bytes_per_frame()..], 100).remove(0);
    let last = pack(&layout, &frames, 100).remove(2);
    // The payloads differ in their start frame alone, so compare a chunk packed twice and their sizes.
    assert_eq!(pack(&layout, &frames, 100).remove(2), last);
    assert_eq!(
        decode_chunk(&alone.bytes, &layout, MAX).unwrap().frames,
        decode_chunk(&last.bytes, &layout, MAX).unwrap().frames
    );
    assert_eq!(alone.crc32, last.crc32);
}

#[test]
fn no_frames_make_no_chunk() {
    let layout = layout(SampleType::U8, AnalysisType::Full);
    assert_eq!(ChunkWriter::new(layout, 0, 64).unwrap().finish().unwrap(), None);
}

/// The transform in the words of its documentation.
fn naive_residual(x: impl Fn(isize, isize) -> u64, t: isize, c: isize, bits: u32) -> u64 {
    let sum = x(t, c).wrapping_sub(x(t - 1, c)).wrapping_sub(x(t, c - 1)).wrapping_add(x(t - 1, c - 1));
    sum & (u64::MAX >> (64 - bits))
}

#[test]
fn the_transform_equals_its_naive_twin() {
    for sample_type in SAMPLES {
        let layout = layout(sample_type, AnalysisType::Full);
        let (rows, width, size) = (13, layout.bytes_per_frame(), sample_type.size_bytes());
        let frames: Vec<u8> = (0..rows * width).map(|i| (i * i * 31 % 251) as u8).collect();
        let mut residuals = vec![0; frames.len()];
        analysis_core::transform::forward(&layout, &frames, &mut residuals);
        for field in layout.fields() {
            let x = |t: isize, c: isize| {
                let (Ok(t), Ok(c)) = (usize::try_from(t), usize::try_from(c)) else { return 0 };
                let at = t * width + field.offset + c * size;
                frames[at..at + size].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
            };
            for t in 0..rows {
                for c in 0..field.count {
                    let want = naive_residual(x, t as isize, c as isize, 8 * size as u32).to_le_bytes();
                    for (byte, want) in want.iter().enumerate().take(size) {
                        let at = field.offset * rows + (byte * rows + t) * field.count + c;
                        assert_eq!(residuals[at], *want, "{} frame {t} value {c} byte {byte}", field.name);
                    }
                }
            }
        }
        let mut back = vec![0; frames.len()];
        analysis_core::transform::inverse(&layout, &residuals, &mut back);
        assert_eq!(back, frames);
    }
}
