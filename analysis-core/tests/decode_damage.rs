//! Damaged, cut, mislabelled and hostile input: distinct errors, kept time, no panic, no growth.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a test may panic, and casts what it has made itself"
)]

mod decode_kit;

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use analysis_core::decode::Decoder;
use analysis_core::{Error, Limits};
use decode_kit::{bursts, decode, decode_fixture, decode_within, exact_words, fixture, fixtures, lag};
use proptest::prelude::*;

/// Bytes with no structure, the same on every run.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(next).collect()
}

/// The error of opening or decoding `bytes`.
#[track_caller]
fn error_of(bytes: Vec<u8>) -> Error {
    decode(bytes).map(|decoded| decoded.report).expect_err("this must not decode")
}

#[test]
fn nothing_is_empty() {
    assert!(matches!(error_of(Vec::new()), Error::Empty));
    // An ID3v2 tag and nothing behind it.
    assert!(matches!(error_of(b"ID3\x04\0\0\0\0\0\x02ab".to_vec()), Error::Empty));
    let wav = fixture("exact-s16.wav");
    assert!(matches!(error_of(wav[..44].to_vec()), Error::Empty));
}

#[test]
fn noise_is_unrecognised_whatever_it_is_named() {
    for count in [1, 5, 100, 5_000, 200_000, 3_000_000] {
        let error = error_of(noise(count));
        assert!(matches!(error, Error::Unrecognized { .. }), "{count} bytes: {error:?}");
    }
    let decoder = Decoder::open(Cursor::new(noise(1000)), Some("audio/mpeg"), &Limits::default());
    assert!(decoder.err().is_some_and(|error| error.to_string().contains("audio/mpeg")));
    let text = b"The quick brown fox jumps over the lazy dog. ".repeat(1000);
    assert!(matches!(error_of(text), Error::Unrecognized { .. }));
}

#[test]
fn noise_in_front_of_mp3_frames_is_skipped() {
    let mut bytes = noise(10_000);
    bytes.extend(fixture("vbr.mp3"));
    assert_eq!(decode(bytes).unwrap().report.frames, 66_150);
}

#[test]
fn a_container_without_audio_and_codecs_without_decoder_are_named() {
    assert!(
        matches!(error_of(fixture("video-only.mp4")), Error::NoAudioTrack { container } if container == "mp4")
    );
    assert!(matches!(error_of(fixture("ac3.mka")), Error::UnsupportedCodec { codec } if codec == "ac3"));
    assert!(
        matches!(error_of(b"wvpk\0\0\0\0".repeat(9)), Error::UnsupportedCodec { codec } if codec == "wavpack")
    );
    // The audio specific config of AAC-LC, 44.1 kHz, mono, becomes that of SBR over 22.05 kHz.
    let mut bytes = fixture("aac.m4a");
    let at = bytes.windows(5).position(|w| w == [0x12, 0x08, 0x56, 0xe5, 0x00]).unwrap();
    bytes[at..at + 3].copy_from_slice(&[0x2b, 0x8a, 0x08]);
    let error = error_of(bytes);
    assert!(matches!(&error, Error::UnsupportedCodec { codec } if codec.contains("aac")), "{error:?}");
}

#[test]
fn known_containers_with_nothing_legible_are_corrupt() {
    for name in ["exact-s16.flac", "vorbis.ogg", "aac.m4a", "aac.mkv", "exact-s16.caf"] {
        let mut bytes = fixture(name);
        bytes.truncate(64);
        let error = error_of(bytes);
        assert!(matches!(error, Error::Corrupt { .. } | Error::Empty), "{name}: {error:?}");
    }
    // Every packet of a FLAC file overwritten.
    let mut bytes = fixture("exact-s16.flac");
    bytes[9_000..].fill(0);
    let error = error_of(bytes);
    assert!(matches!(error, Error::Corrupt { .. } | Error::Empty), "{error:?}");
}

#[test]
fn limits_hold_before_and_while_decoding() {
    let with = |change: fn(&mut Limits), name: &str| {
        let mut limits = Limits::default();
        change(&mut limits);
        decode_within(fixture(name), &limits).map(|decoded| decoded.report.frames)
    };
    assert!(matches!(
        with(|l| l.max_duration_ms = 1000, "cbr.mp3"),
        Err(Error::TooLong { max_ms: 1000, .. })
    ));
    // A fragmented file announces no length.
    assert!(matches!(with(|l| l.max_duration_ms = 1000, "aac-fragmented.mp4"), Err(Error::TooLong { .. })));
    assert!(matches!(
        with(|l| l.max_channels = 2, "exact-s16.6ch.wav"),
        Err(Error::TooManyChannels { given: 6, .. })
    ));
    assert!(matches!(with(|l| l.max_decoded_bytes = 9_999, "cbr.mp3"), Err(Error::DecodedTooLarge { .. })));
    let low = with(|l| l.min_sample_rate_hz = 32_000, "mpeg2.mp3");
    assert!(matches!(low, Err(Error::SampleRateOutOfRange { given_hz: 22_050, .. })));
    assert_eq!(with(|l| l.max_duration_ms = 1500, "cbr.mp3").unwrap(), 66_150);
}

#[test]
fn a_cut_file_gives_what_it_holds_and_says_so() {
    let names = [
        "exact-s16.wav",
        "exact-s24.aiff",
        "exact-f32.caf",
        "cbr.mp3",
        "vbr.mp3",
        "untagged.mp3",
        "vorbis.ogg",
        "opus.ogg",
        "aac.adts.aac",
        "aac.mkv",
        "bursts.flac",
        "adpcm-ms.wav",
        "aac-fragmented.mp4",
    ];
    for name in names.into_iter() {
        let whole = decode_fixture(name);
        let mut bytes = fixture(name);
        // 61 %, which is inside a frame or packet of each.
        bytes.truncate(bytes.len() * 61 / 100);
        let cut = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(cut.report.truncated, "{name} must say that it is cut");
        assert!(!whole.report.truncated, "{name} is whole");
        let (got, all) = (cut.report.frames, whole.report.frames);
        assert!(got > all * 3 / 10 && got < all * 7 / 10, "{name}: {got} of {all} frames");
        let same = cut.planes[0].iter().zip(&whole.planes[0]).take(cut.planes[0].len().saturating_sub(2400));
        assert!(same.clone().all(|(a, b)| a == b), "{name}: what is there is unchanged");
    }
}

#[test]
fn lost_packets_become_silence_and_what_follows_keeps_its_time() {
    for name in ["vorbis.ogg", "aac.m4a", "bursts.flac", "opus.ogg"] {
        let whole = decode_fixture(name);
        let mut bytes = fixture(name);
        let mut middle = bytes.len() * 70 / 100;
        // In Ogg, inside a page: the length of a page whose header is lost cannot be told.
        middle += bytes[middle..].windows(4).position(|bytes| bytes == b"OggS").map_or(0, |page| page + 60);
        bytes[middle..middle + 300].fill(0x55);
        let damaged = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(damaged.report.decode_errors > 0, "{name} counts what is lost");
        assert_eq!(damaged.report.frames, whole.report.frames, "{name}");
        let late = whole.planes[0].len() * 85 / 100;
        let (found, similar) = lag(&damaged.planes[0][late..], &whole.planes[0][late..], 50);
        assert!(found == 0 && similar > 0.999, "{name}: lag {found}, similarity {similar}");
    }
}

/// A WAV whose RIFF and data sizes are overwritten.
fn resized_wav(riff: u32, data: u32) -> Vec<u8> {
    let mut bytes = fixture("exact-s16.wav");
    bytes[4..8].copy_from_slice(&riff.to_le_bytes());
    bytes[40..44].copy_from_slice(&data.to_le_bytes());
    bytes
}

#[test]
fn wav_from_a_pipe_is_read_to_its_end() {
    let whole = decode_fixture("exact-s16.wav");
    for (riff, data) in [(u32::MAX, u32::MAX), (0, 0), (0x7fff_f024, 0x7fff_f000), (36, 0), (8, 12_000)] {
        let streamed = decode(resized_wav(riff, data)).unwrap();
        assert_eq!(streamed.planes, whole.planes, "sizes {riff:#x} and {data:#x}");
        assert!(!streamed.report.truncated);
    }
    let promising = decode(resized_wav(50_036, 50_000)).unwrap();
    assert!(promising.report.truncated && promising.planes == whole.planes);
}

#[test]
fn rf64_is_read_by_its_long_sizes() {
    let wav = fixture("exact-s16.wav");
    let mut bytes = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    for value in [0_u64, 12_000, 3_000] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(&wav[12..40]);
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(&wav[44..]);
    bytes.extend(b"LIST\x04\0\0\0abcd");
    assert_eq!(decode(bytes).unwrap().planes, decode_fixture("exact-s16.wav").planes);
}

#[test]
fn chained_ogg_streams_follow_one_another_and_a_change_of_rate_is_an_error() {
    let once = decode_fixture("vorbis.ogg");
    let mut twice = fixture("vorbis.ogg");
    let mut second = fixture("vorbis.ogg");
    renumber(&mut second);
    twice.extend(second);
    let chained = decode(twice).unwrap();
    let mut meant = once.planes[0].clone();
    meant.extend(&once.planes[0]);
    assert!(chained.planes[0] == meant, "{} frames", chained.report.frames);
    assert!(!chained.report.truncated);

    let mut changing = fixture("vorbis.ogg");
    changing.extend(fixture("opus.ogg"));
    assert!(matches!(error_of(changing), Error::FormatChanged { .. }));
}

/// Gives the pages of an Ogg file another serial number and their new checksums.
fn renumber(ogg: &mut [u8]) {
    let mut at = 0;
    while at < ogg.len() {
        let segments = usize::from(ogg[at + 26]);
        let body: usize = ogg[at + 27..at + 27 + segments].iter().map(|length| usize::from(*length)).sum();
        let page = &mut ogg[at..at + 27 + segments + body];
        page[14] ^= 0xff;
        page[22..26].fill(0);
        let crc = page.iter().fold(0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        });
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        at += 27 + segments + body;
    }
}

#[test]
fn joined_mp3_files_are_heard_to_the_end() {
    let mut bytes = fixture("cbr.mp3");
    for _ in 0..3 {
        bytes.extend(fixture("cbr.mp3"));
    }
    let joined = decode(bytes).unwrap().report;
    assert!(joined.frames > 4 * 66_150, "{} frames", joined.frames);
}

#[test]
fn trailing_tags_are_no_audio() {
    let whole = decode_fixture("untagged.mp3");
    let mut bytes = fixture("untagged.mp3");
    // An APEv2 tag whose value looks like frames, and an ID3v1 tag behind it.
    let value = fixture("cbr.mp3");
    let size = u32::try_from(value.len() + 32).unwrap();
    bytes.extend(&value);
    bytes.extend(b"APETAGEX\xd0\x07\0\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(b"TAG");
    bytes.extend([b' '; 125]);
    let tagged = decode(bytes).unwrap();
    assert!(tagged.planes == whole.planes && !tagged.report.truncated);
}

/// Fails at a place, as a scratched disc does.
struct Failing(Cursor<Vec<u8>>, u64);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.1..self.1 + 70_000).contains(&self.0.position()) {
            Err(io::Error::other("cable pulled"))
        } else {
            self.0.read(buffer)
        }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_failing_reader_is_an_io_error_and_not_a_short_file() {
    let wav: Vec<u8> = fixture("exact-s16.wav").into_iter().chain(vec![0; 400_000]).collect();
    let mut wav = wav;
    wav[40..44].copy_from_slice(&412_000_u32.to_le_bytes());
    let failing = Failing(Cursor::new(wav), 200_000);
    let mut decoder = Decoder::open(failing, None, &Limits::default()).unwrap();
    let error = loop {
        match decoder.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("must fail"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Io(_)), "{error:?}");
    assert!(decoder.next_block().is_ok_and(|block| block.is_none()), "after an error there is nothing more");
}

#[test]
fn the_same_bytes_give_the_same_samples() {
    for name in ["vbr.mp3", "vorbis.ogg", "aac.m4a", "opus.ogg"] {
        assert!(decode_fixture(name).planes == decode_fixture(name).planes, "{name}");
    }
    assert_eq!(bursts(44_100).len(), 66_150);
    assert_eq!(exact_words().len(), 6_000);
}

/// Peak resident memory of this process, in kB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// Whatever is done to a file, decoding ends, stays within its limits and does not take memory by the header.
    #[test]
    fn mangled_files_end_within_their_limits(
        which in 0_usize..1000,
        cut in prop::option::of(0.0_f64..1.0),
        flips in prop::collection::vec((0.0_f64..1.0, any::<u8>(), any::<bool>()), 0..12),
    ) {
        let (names, peak_before) = (fixtures(), peak_kb());
        let mut bytes = fixture(&names[which % names.len()]);
        let length = bytes.len() as f64;
        for (place, value, in_header) in flips {
            let span = if in_header { length.min(512.0) } else { length };
            bytes[(place * span) as usize] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate((cut * length) as usize);
        }
        let limits = Limits { max_duration_ms: 120_000, ..Limits::default() };
        if let Ok(decoded) = decode_within(bytes, &limits) {
            prop_assert!(decoded.report.frames > 0);
        }
        let taken = peak_kb().saturating_sub(peak_before);
        prop_assert!(taken < 200_000, "{taken} kB for a damaged {}", names[which % names.len()]);
    }
}
