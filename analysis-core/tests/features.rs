//! Centroid, frame loudness and frame peaks.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]
#![expect(clippy::cast_possible_truncation, reason = "values chosen by the tests fit")]

use analysis_core::bands::FLOOR_DB;
use analysis_core::features::{FramePeaks, SpectralFeatures, SpectralValues, amplitude_to_db, peak};
use analysis_core::stft::Stft;
use analysis_core::units;
use proptest::prelude::*;
use std::f64::consts::TAU;

fn middle_frame(rate: u32, channels: usize, signal: impl Fn(f64) -> f64) -> SpectralValues {
    let mono: Vec<f32> = (0..rate / 2).map(|n| signal(f64::from(n) / f64::from(rate)) as f32).collect();
    let mut stft = Stft::new(rate, 10);
    let features = SpectralFeatures::new(rate, stft.fft_len(), channels);
    let mut values = Vec::new();
    stft.push(&mono, &mut |power: &[f32]| values.push(features.process(power)));
    values[25]
}

#[test]
fn a_997_hz_sine_reads_the_loudness_of_bs_1770() {
    for rate in [8_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let one = middle_frame(rate, 1, |t| (TAU * 997.0 * t).sin());
        assert!((one.loudness_lufs + 3.01).abs() < 0.05, "{rate} Hz mono: {}", one.loudness_lufs);
        let two = middle_frame(rate, 2, |t| 0.1 * (TAU * 997.0 * t).sin());
        assert!((two.loudness_lufs + 20.0).abs() < 0.05, "{rate} Hz stereo: {}", two.loudness_lufs);
    }
}

#[test]
fn the_centroid_of_a_sine_is_its_frequency_and_of_two_lies_between() {
    for rate in [22_050, 44_100, 96_000] {
        let one = middle_frame(rate, 1, |t| (TAU * 1_000.0 * t).sin()).centroid_hz.unwrap();
        assert!((one - 1_000.0).abs() < 2.0, "{one}");
        let two =
            middle_frame(rate, 1, |t| 0.3 * (TAU * 1_000.0 * t).sin() + 0.3 * (TAU * 3_000.0 * t).sin());
        assert!((two.centroid_hz.unwrap() - 2_000.0).abs() < 5.0, "{two:?}");
    }
}

#[test]
fn what_lies_above_the_bands_does_not_move_the_centroid() {
    let values =
        middle_frame(96_000, 1, |t| 0.1 * (TAU * 1_000.0 * t).sin() + 0.5 * (TAU * 30_000.0 * t).sin());
    assert!((values.centroid_hz.unwrap() - 1_000.0).abs() < 5.0, "{values:?}");
}

#[test]
fn silence_has_no_centroid_and_reads_the_floor() {
    let values = middle_frame(44_100, 2, |_| 0.0);
    assert_eq!(values, SpectralValues { centroid_hz: None, loudness_lufs: FLOOR_DB });
    assert_eq!(amplitude_to_db(0.0), FLOOR_DB);
    assert!((amplitude_to_db(0.5) + 6.0206).abs() < 1e-3);
}

/// Each sample in turn, given to the frame with the nearest centre (the earlier one at equal distance).
fn naive_peaks(planes: &[Vec<f32>], rate: u32, hop_ms: u32) -> Vec<f32> {
    let samples = planes[0].len();
    let frames = units::frame_count(samples as u64, hop_ms, rate);
    let mut peaks = vec![0.0_f32; frames as usize];
    for n in 0..samples {
        let distance = |i: u64| units::frame_center_sample(i, hop_ms, rate).abs_diff(n as u64);
        let nearest = (0..=frames).min_by_key(|&i| distance(i)).unwrap();
        if let Some(peak) = peaks.get_mut(nearest as usize) {
            *peak = planes.iter().fold(*peak, |peak, plane| peak.max(plane[n].abs()));
        }
    }
    peaks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn frame_peaks_equal_their_naive_twin_for_any_split(
        cuts in prop::collection::vec(0_usize..3_000, 0..9),
        len in 0_usize..3_000,
        rate in prop::sample::select(vec![8_000_u32, 11_025, 44_100]),
        hop_ms in prop::sample::select(vec![1_u32, 10, 33]),
    ) {
        let planes: Vec<Vec<f32>> =
            (1..3).map(|c| (0..len).map(|n| ((n * 7919 * c) % 2003) as f32 / 2003.0 - 0.7).collect()).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(len)).chain([0, len]).collect();
        cuts.sort_unstable();
        let mut tracker = FramePeaks::new(rate, hop_ms);
        let mut got = Vec::new();
        for cut in cuts.windows(2) {
            let block: Vec<&[f32]> = planes.iter().map(|plane| &plane[cut[0]..cut[1]]).collect();
            tracker.push(&block, &mut |peak| got.push(peak));
        }
        tracker.finish(&mut |peak| got.push(peak));
        prop_assert_eq!(got, naive_peaks(&planes, rate, hop_ms));
    }
}

#[test]
fn the_peak_passes_over_what_is_no_number() {
    assert_eq!(peak(&[0.1, f32::NAN, -0.6]), 0.6);
    assert_eq!(peak(&[]), 0.0);
}
