//! What the decoder's tests share: the fixtures and the two signals they were made from (fixtures/make.sh).
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Cursor;
use std::path::Path;

use analysis_core::decode::{AudioFormat, DecodeReport, Decoder, MAX_BLOCK_FRAMES};
use analysis_core::{Limits, Result};

/// A file decoded to its end.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Samples, one plane a channel.
    pub(crate) planes: Vec<Vec<f32>>,
    /// Format the decoder announced.
    pub(crate) format: AudioFormat,
    /// Its report after the last block.
    pub(crate) report: DecodeReport,
}

/// The bytes of a committed fixture.
#[track_caller]
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of all audio fixtures, in order.
pub(crate) fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".sh"))
        .collect();
    names.sort();
    names
}

/// Decodes to the end within `limits`, holding every block against the contract.
pub(crate) fn decode_within(bytes: Vec<u8>, limits: &Limits) -> Result<Decoded> {
    let mut decoder = Decoder::open(Cursor::new(bytes), None, limits)?;
    let format = decoder.format().clone();
    let mut planes = vec![Vec::new(); format.channels];
    while let Some(block) = decoder.next_block()? {
        assert_eq!(block.len(), format.channels);
        assert!((1..=MAX_BLOCK_FRAMES).contains(&block[0].len()));
        for (plane, part) in planes.iter_mut().zip(block) {
            assert_eq!(part.len(), block[0].len(), "planes of one block are of one length");
            assert!(part.iter().all(|sample| sample.is_finite()));
            plane.extend_from_slice(part);
        }
    }
    assert!(decoder.next_block()?.is_none(), "the end stays the end");
    let report = decoder.report();
    assert_eq!(report.frames, planes[0].len() as u64);
    Ok(Decoded { planes, format, report })
}

/// Decodes to the end within the default limits.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Decoded> {
    decode_within(bytes, &Limits::default())
}

/// Decodes a fixture that must decode.
#[track_caller]
pub(crate) fn decode_fixture(name: &str) -> Decoded {
    decode(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Decaying sines at uneven times, 1.5 s, as make.sh computes them.
pub(crate) fn bursts(rate_hz: u32) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let at = |n: u32| {
        let t = f64::from(n) / rate;
        (0..13)
            .map(|k: i32| (k, t - (0.05 + 0.1 * f64::from(k) + 0.013 * f64::from(k * 7 % 5))))
            .filter(|(_, u)| *u >= 0.0)
            .map(|(k, u)| {
                0.5 * (-30.0 * u).exp() * (std::f64::consts::TAU * 400.0 * 1.25_f64.powi(k) * u).sin()
            })
            .sum::<f64>()
    };
    (0..rate_hz * 3 / 2).map(|n| (at(n) * 20_000.0 / 32_768.0) as f32).collect()
}

/// The noise of all 32 bits: sample `2·frame + channel`.
pub(crate) fn exact_words() -> Vec<i32> {
    let mut state = 1_u32;
    (0..6000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state ^ 0x8000_0000) as i32
        })
        .collect()
}

/// By how many samples `heard` lags behind `meant`, and how well they agree there (1: the same up to gain).
pub(crate) fn lag(heard: &[f32], meant: &[f32], most: i64) -> (i64, f64) {
    let overlap = |lag: i64| {
        let (heard, meant) = if lag >= 0 {
            (heard.get(lag as usize..).unwrap_or_default(), meant)
        } else {
            (heard, &meant[(-lag) as usize..])
        };
        let pairs = heard.iter().zip(meant).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let (ab, aa, bb) =
            pairs.fold((0.0, 0.0, 0.0), |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b));
        ab / (aa * bb).sqrt().max(1e-30)
    };
    (-most..=most).map(|lag| (lag, overlap(lag))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}
