//! Filter bank: calibration, agreement over rates, and the dense twin.

#![expect(clippy::cast_possible_truncation, reason = "values chosen by the tests fit")]

use analysis_core::bands::{Bands, FLOOR_DB, corners_hz, powers_to_db};
use analysis_core::stft::Stft;
use proptest::prelude::*;
use std::f64::consts::TAU;

/// Band levels in dB of the middle frame of one second of `signal(t)`.
fn levels(rate: u32, count: usize, signal: impl Fn(f64) -> f64) -> Vec<f32> {
    let mono: Vec<f32> = (0..rate).map(|n| signal(f64::from(n) / f64::from(rate)) as f32).collect();
    let mut stft = Stft::new(rate, 10);
    let bands = Bands::new(count, rate, stft.fft_len());
    let mut out = vec![0.0; count];
    let mut index = 0;
    stft.push(&mono, &mut |power: &[f32]| {
        if index == 50 {
            bands.process(power, &mut out);
        }
        index += 1;
    });
    let mut db = vec![0.0; count];
    powers_to_db(&out, &mut db);
    db
}

#[test]
fn a_full_scale_sine_on_a_peak_reads_0_db_in_its_band_at_every_rate_and_count() {
    for count in [8, 64, 128, 256] {
        let corners = corners_hz(count);
        for rate in [22_050, 44_100, 48_000, 96_000] {
            // The lowest bands lie within a main lobe of 0 Hz, where the negative frequency interferes.
            for band in (0..count).step_by(count / 8 + 3).filter(|&b| corners[b + 1] > 90.0) {
                let hz = f64::from(corners[band + 1]);
                if hz > f64::from(rate) / 2.0 - 100.0 {
                    continue;
                }
                let db = levels(rate, count, |t| (TAU * hz * t).sin());
                assert!(db[band].abs() < 0.1, "{count} bands at {rate} Hz, {hz} Hz: {} dB", db[band]);
            }
        }
    }
}

#[test]
fn every_band_holds_energy_even_where_it_is_narrower_than_a_bin() {
    for rate in [44_100, 192_000] {
        let bands = Bands::new(256, rate, Stft::new(rate, 10).fft_len());
        for band in 0..256 {
            assert!(bands.dense_weights(band).iter().any(|&w| w > 0.0), "band {band} at {rate} Hz is empty");
        }
    }
}

#[test]
fn bands_agree_between_a_file_and_its_twin_at_another_rate() {
    let music = |t: f64| {
        [110.0, 220.5, 1_330.0, 4_801.0, 9_000.0].iter().map(|hz| 0.15 * (TAU * hz * t).sin()).sum::<f64>()
    };
    let reference = levels(44_100, 64, music);
    for rate in [48_000, 88_200, 96_000, 192_000] {
        for (band, (a, b)) in levels(rate, 64, music).iter().zip(&reference).enumerate() {
            // Windows differ by a fraction of a sample; far down the skirts zero padding shows.
            assert!(
                (a - b).abs() < 0.3 || *b < -40.0,
                "band {band} at {rate} Hz: {a} dB, {b} dB at 44.1 kHz"
            );
        }
    }
}

#[test]
fn bands_above_nyquist_and_silence_read_the_floor() {
    let db = levels(8_000, 64, |t| (TAU * 1_000.0 * t).sin());
    for (band, corner) in corners_hz(64)[1..65].iter().enumerate() {
        if *corner > 4_000.0 {
            assert_eq!(db[band], FLOOR_DB);
        }
    }
    assert!(levels(44_100, 64, |_| 0.0).iter().all(|&db| db == FLOOR_DB));
}

#[test]
fn white_noise_reads_its_power_within_the_band() {
    // Flat spectrum of total power 1 (a full-scale sine) spread over 22,050 Hz.
    let stft = Stft::new(44_100, 10);
    let bands = Bands::new(64, 44_100, stft.fft_len());
    let per_bin = 1.5 * stft.bin_hz() / 22_050.0; // 1.5: noise bandwidth of the window
    let mut out = vec![0.0; 64];
    bands.process(&vec![per_bin; stft.bins()], &mut out);
    for (band, level) in out.iter().enumerate().skip(20) {
        let corners = &bands.corners_hz()[band..band + 3];
        let want = (corners[2] - corners[0]) / 2.0 / 22_050.0;
        // Bands hardly wider than the main lobe of the window also hear what lies just beside them.
        let tolerance = if band < 40 { 0.2 } else { 0.06 };
        assert!((level / want - 1.0).abs() < tolerance, "band {band}: {level} want {want}");
    }
}

#[test]
fn sparse_rows_equal_their_dense_twin() {
    for (count, rate) in [(8, 8_000), (64, 44_100), (256, 48_000)] {
        let bins = Stft::new(rate, 10).bins();
        let bands = Bands::new(count, rate, (bins - 1) * 2);
        let power: Vec<f32> = (0..bins).map(|k| ((k * 7919) % 1009) as f32 / 1009.0).collect();
        let mut out = vec![0.0; count];
        bands.process(&power, &mut out);
        for (band, &got) in out.iter().enumerate() {
            let weights = bands.dense_weights(band);
            let want: f64 = weights.iter().zip(&power).map(|(&w, &p)| f64::from(w) * f64::from(p)).sum();
            assert!((f64::from(got) - want).abs() <= 1e-5 * want, "band {band}: {got} {want}"); // f32 sums
        }
    }
}

#[test]
fn corners_rise_from_30_hz_to_16_khz() {
    for count in [8, 64, 256] {
        let corners = corners_hz(count);
        assert_eq!(corners.len(), count + 2);
        assert!(corners.windows(2).all(|w| w[0] < w[1]));
        assert!((corners[0] - 30.0).abs() < 1e-3 && (corners[count + 1] - 16_000.0).abs() < 0.1);
    }
}

proptest! {
    #[test]
    fn the_fast_logarithm_equals_the_library_one(power in prop::num::f32::ANY) {
        let mut db = [0.0];
        powers_to_db(&[power], &mut db);
        let want = if power > 1e-12 { (10.0 * f64::from(power.min(f32::MAX)).log10()).max(-120.0) } else { -120.0 };
        prop_assert!((f64::from(db[0]) - want).abs() < 1e-4, "{} {}", db[0], want);
    }
}
