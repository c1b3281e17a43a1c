//! Sample 0 is the first one a listener hears, in every format: the decoded audio lies on the original.
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

use decode_kit::{bursts, decode, decode_fixture, fixture, lag};

/// A lossy codec at these rates keeps the bursts this well.
const SIMILAR: f64 = 0.97;

/// Samples compared: ten of the bursts, so that the search stays quick.
const LISTEN: usize = 24_000;

#[track_caller]
fn check(name: &str, rate_hz: u32, meant_lag: i64, frames: u64, trimmed: (u64, u64)) {
    let decoded = decode_fixture(name);
    assert_eq!(decoded.format.sample_rate_hz, rate_hz, "{name}");
    let (found, similar) = lag(&decoded.planes[0], &bursts(rate_hz)[..LISTEN], 1500);
    assert!(
        (found - meant_lag).abs() <= 1 && similar > SIMILAR,
        "{name}: lag {found}, similarity {similar:.4}"
    );
    let report = decoded.report;
    assert_eq!(report.frames, frames, "{name}");
    assert_eq!((report.delay_frames, report.padding_frames), trimmed, "{name}");
    assert!(!report.truncated && report.decode_errors == 0, "{name}");
}

#[test]
fn mp3_with_a_lame_tag_starts_and_ends_where_the_original_does() {
    // 576 samples of encoder delay and the decoder's 529.
    for name in ["cbr.mp3", "vbr.mp3", "cover.mp3", "lavc-stereo.mp3"] {
        check(name, 44_100, 0, 66_150, (1105, 713));
    }
    check("mpeg2.mp3", 22_050, 0, 33_075, (1105, 380));
}

#[test]
fn mp3_without_a_tag_is_taken_for_lames_and_keeps_its_padding_for_want_of_knowledge() {
    check("untagged.mp3", 44_100, 0, 66_863, (1105, 0));
}

/// The frames of an MP3 file, the tag's among them.
fn mp3_frames(bytes: &[u8]) -> Vec<&[u8]> {
    let sync = bytes[..2].to_vec();
    let mut starts: Vec<usize> = (0..bytes.len() - 1).filter(|&at| bytes[at..at + 2] == sync[..]).collect();
    starts.push(bytes.len());
    starts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

#[test]
fn a_tag_that_does_not_tell_the_delay_is_no_better_than_none() {
    for name in ["cbr.mp3", "vbr.mp3"] {
        let mut bytes = fixture(name);
        let lame = bytes.windows(4).position(|word| word == b"LAME").unwrap();
        bytes[lame..lame + 4].copy_from_slice(b"EMAL");
        let decoded = decode(bytes).unwrap();
        let (found, similar) = lag(&decoded.planes[0], &bursts(44_100)[..LISTEN], 1500);
        assert!(found.abs() <= 1 && similar > SIMILAR, "{name}: lag {found}, similarity {similar:.4}");
        assert_eq!((decoded.report.delay_frames, decoded.report.truncated), (1105, false), "{name}");
    }
}

#[test]
fn mp3_cut_out_of_a_stream_begins_with_what_sounds_first() {
    let bytes = fixture("untagged.mp3");
    let frames = mp3_frames(&bytes);
    assert!(frames.len() > 50, "{} frames", frames.len());
    // Ten frames in, the bit reservoir is in use.
    let from = (10..).find(|&at| frames[at][4] != 0).unwrap();
    let report = decode(frames[from..].concat()).unwrap().report;
    assert_eq!((report.frames + 1152 * from as u64, report.delay_frames), (67_968, 0));
}

#[test]
fn aac_follows_the_edit_list_and_itunes_comment() {
    check("aac.m4a", 44_100, 0, 66_150, (1024, 410));
    check("aac-itunes.m4a", 44_100, 0, 66_150, (1024, 410));
    // A fragmented file's edit list is open at the end.
    check("aac-fragmented.mp4", 44_100, 0, 66_560, (1024, 0));
}

#[test]
fn adts_has_no_place_to_say_its_delay() {
    check("aac.adts.aac", 44_100, 1024, 67_584, (0, 0));
}

#[test]
fn vorbis_ends_by_its_granule_position() {
    check("vorbis.ogg", 44_100, 0, 66_150, (0, 90));
}

#[test]
fn opus_drops_its_pre_skip_in_every_container() {
    check("opus.ogg", 48_000, 0, 72_000, (312, 648));
    check("opus.mp4", 48_000, 0, 72_000, (312, 648));
    check("opus.webm", 48_000, 0, 72_648, (312, 0));
    check("opus-6ch.ogg", 48_000, 0, 72_000, (312, 648));
}

#[test]
fn opus_surround_stands_in_the_order_of_wave_files() {
    let decoded = decode_fixture("opus-6ch.ogg");
    let energy = |plane: &[f32]| plane.iter().map(|sample| sample * sample).sum::<f32>();
    let left = energy(&decoded.planes[0]);
    assert!(
        decoded.planes[1..].iter().all(|plane| energy(plane) < left / 1000.0),
        "only the left one sounds"
    );
}

#[test]
fn pcm_variants_and_layer_two_are_in_time() {
    check("mulaw.wav", 22_050, 0, 33_075, (0, 0));
    check("adpcm-ms.wav", 22_050, 0, 34_612, (0, 0));
    check("adpcm-ima.wav", 22_050, 0, 34_697, (0, 0));
    // 481 samples of the polyphase filter bank pair, which layer II has no tag for.
    check("mp2.mp2", 44_100, 481, 66_816, (0, 0));
}

#[test]
fn opus_in_mp4_without_an_edit_list_loses_its_pre_skip_and_is_whole() {
    let mut bytes = fixture("opus.mp4");
    let edts = bytes.windows(4).position(|name| name == b"edts").unwrap();
    bytes[edts..edts + 4].copy_from_slice(b"free");
    let report = decode(bytes).unwrap().report;
    assert_eq!((report.delay_frames, report.truncated), (312, false));
    assert!((72_000..72_960).contains(&report.frames), "{} frames", report.frames);
}
