//! Lossless formats give back the very samples that went in.
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

use analysis_core::decode::Decoder;
use decode_kit::{decode, decode_fixture, exact_words, fixture};

#[track_caller]
fn check(name: &str, bits: u32) {
    let decoded = decode_fixture(name);
    // Scaling as documented: the integer of that many bits over 2^(bits − 1); 32 bits are rounded to f32.
    let scale = |word: i32| ((f64::from(word >> (32 - bits))) / f64::from(bits - 1).exp2()) as f32;
    let words = exact_words();
    assert_eq!(decoded.planes.len(), 2, "{name}");
    for (channel, plane) in decoded.planes.iter().enumerate() {
        let meant: Vec<f32> = words.iter().skip(channel).step_by(2).map(|word| scale(*word)).collect();
        assert!(*plane == meant, "{name}, channel {channel}: {} frames", plane.len());
    }
    let report = decoded.report;
    assert_eq!((report.delay_frames, report.padding_frames, report.decode_errors), (0, 0, 0), "{name}");
    assert!(!report.truncated, "{name}");
}

#[test]
fn wav_is_exact_at_every_width() {
    for (name, bits) in
        [("exact-u8.wav", 8), ("exact-s16.wav", 16), ("exact-s24.wav", 24), ("exact-s32.wav", 32)]
    {
        check(name, bits);
    }
    check("exact-f32.wav", 24);
    check("exact-f64.wav", 24);
}

#[test]
fn flac_is_exact_in_its_own_container_and_in_ogg() {
    check("exact-s16.flac", 16);
    check("exact-s24.flac", 24);
    check("exact-s16.ogg.flac.oga", 16);
}

#[test]
fn alac_is_exact_in_mp4_and_caf() {
    check("exact-s16.alac.m4a", 16);
    check("exact-s24.alac.m4a", 24);
    check("exact-s16.alac.caf", 16);
}

#[test]
fn aiff_caf_and_matroska_pcm_is_exact_in_both_byte_orders() {
    for name in ["exact-s16.aiff", "exact-s16le.aifc", "exact-s16.caf", "exact-s16.mkv"] {
        check(name, 16);
    }
    for name in ["exact-s24.aiff", "exact-s24.caf", "exact-f32.caf"] {
        check(name, 24);
    }
}

#[test]
fn extensible_wav_keeps_its_six_channels_in_order() {
    let decoded = decode_fixture("exact-s16.6ch.wav");
    assert_eq!(decoded.format.channels, 6);
    let words = exact_words();
    // FL=FL|FR=FR|FC=FL|LFE=FR|BL=FL|BR=FR
    for (channel, plane) in decoded.planes.iter().enumerate() {
        let meant: Vec<f32> =
            words.iter().skip(channel % 2).step_by(2).map(|w| (w >> 16) as f32 / 32_768.0).collect();
        assert!(*plane == meant, "channel {channel}");
    }
}

#[test]
fn the_format_names_codec_container_and_length() {
    let cases = [
        ("exact-s24.wav", "wav", "pcm_s24le"),
        ("exact-s16.aiff", "aiff", "pcm_s16be"),
        ("exact-s16.alac.m4a", "mp4", "alac"),
        ("exact-s16.flac", "flac", "flac"),
        ("exact-s16.ogg.flac.oga", "ogg", "flac"),
        ("exact-f32.caf", "caf", "pcm_f32be"),
    ];
    for (name, container, codec) in cases {
        let format = decode_fixture(name).format;
        assert_eq!((format.container.as_str(), format.codec.as_str()), (container, codec), "{name}");
        assert_eq!(
            (format.sample_rate_hz, format.channels, format.expected_frames),
            (44_100, 2, Some(3000)),
            "{name}"
        );
    }
}

/// A float WAV of the given samples.
fn float_wav(samples: &[f32]) -> Vec<u8> {
    let mut bytes = fixture("exact-f32.wav");
    let data = bytes.windows(4).position(|window| window == b"data").unwrap() + 8;
    for (place, sample) in bytes[data..].chunks_exact_mut(4).zip(samples) {
        place.copy_from_slice(&sample.to_le_bytes());
    }
    bytes
}

#[test]
fn what_is_no_number_becomes_silence_and_overs_stay() {
    let given = [f32::NAN, 1.5, f32::INFINITY, -2.0, f32::NEG_INFINITY, 1e30];
    let decoded = decode(float_wav(&given)).unwrap();
    assert_eq!(decoded.planes[0][..3], [0.0, 1e6, -1e6]);
    assert_eq!(decoded.planes[1][..3], [1.5, -2.0, 1e6]);
}

#[test]
fn memory_is_not_touched_for_lengths_a_header_only_claims() {
    // STREAMINFO's total is 36 bits wide, from the low half of byte 21 of the file on.
    let mut flac = fixture("exact-s16.flac");
    flac[21] = flac[21] & 0xf0 | 1;
    let decoder = Decoder::open(std::io::Cursor::new(flac), None, &analysis_core::Limits::default());
    let error = decoder.err().map(|error| error.to_string());
    // 2^32 frames at 44.1 kHz are 27 hours: refused before anything is decoded.
    assert!(error.is_some_and(|error| error.contains("longer than the limit")));
}
