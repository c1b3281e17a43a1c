//! The streaming transform against a naive DFT, its calibration and its time base.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "values chosen by the tests fit"
)]

use analysis_core::stft::{Stft, fft_len_for, hann, window_len};
use analysis_core::units;
use proptest::prelude::*;
use std::f64::consts::TAU;

const RATES: [u32; 10] = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000];

fn spectra(stft: &mut Stft, blocks: &[&[f32]]) -> Vec<Vec<f32>> {
    let mut frames = Vec::new();
    let mut keep = |power: &[f32]| frames.push(power.to_vec());
    for block in blocks {
        stft.push(block, &mut keep);
    }
    stft.finish(&mut keep);
    frames
}

fn noise(len: usize, mut seed: u32) -> Vec<f32> {
    (0..len)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

fn sine(hz: f64, rate: u32, len: usize) -> Vec<f32> {
    (0..len).map(|n| (TAU * hz * n as f64 / f64::from(rate)).sin() as f32).collect()
}

/// The definition, in f64, straight from the documentation.
fn naive_power(signal: &[f32], center: i64, window: &[f32], fft_len: usize) -> Vec<f64> {
    let half = (window.len() / 2) as i64;
    let at = |i: i64| usize::try_from(i).ok().and_then(|i| signal.get(i)).map_or(0.0, |&x| f64::from(x));
    let sum: f64 = window.iter().map(|&w| f64::from(w)).sum();
    (0..=fft_len / 2)
        .map(|k| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &w) in window.iter().enumerate() {
                let x = f64::from(w) * at(center - half + n as i64);
                let angle = TAU * ((k * n) % fft_len) as f64 / fft_len as f64;
                re += x * angle.cos();
                im -= x * angle.sin();
            }
            (re * re + im * im) * (2.0 / sum).powi(2)
        })
        .collect()
}

#[test]
fn spectra_equal_the_naive_transform_at_every_frame_even_the_outer_ones() {
    for (rate, hop_ms) in [(8_000, 10), (11_025, 7), (22_050, 33)] {
        let signal = noise(3_000, rate);
        let mut stft = Stft::new(rate, hop_ms);
        let (window, fft_len) = (hann(stft.window_len()), stft.fft_len());
        let frames = spectra(&mut stft, &[&signal]);
        for (i, frame) in frames.iter().enumerate().step_by(5).chain(frames.iter().enumerate().next_back()) {
            let center = units::frame_center_sample(i as u64, hop_ms, rate) as i64;
            let want = naive_power(&signal, center, &window, fft_len);
            for (k, (&got, &want)) in frame.iter().zip(&want).enumerate() {
                // f32 FFT of up to 1,152 points: relative to the strongest possible bin (1.0).
                assert!((f64::from(got) - want).abs() < 1e-6, "rate {rate} frame {i} bin {k}: {got} {want}");
            }
        }
    }
}

/// Error of a power against the definition in f64, in units of the frame's largest: most of it is the rounding of the
/// window's sum, 2,048 additions in f32 that are then squared (some 2e-6), the rest that of the FFT (some 1e-6).
const ROUNDING: f64 = 4e-6;

#[test]
fn spectra_of_any_window_equal_the_naive_transform_also_where_half_the_length_is_odd() {
    // Transforms of 2, 4, 18, 54, 162, 486 and 1,458 points, whose halves are 1, 2 and powers of 3; even and odd windows.
    for window_len in [2, 3, 17, 18, 53, 54, 161, 162, 485, 486, 1_457, 1_458, 1_459, 2_048] {
        let quiet = noise(3_000, 5).into_iter().map(|x| 0.001 * x);
        let signal: Vec<f32> = sine(3_000.0, 44_100, 3_000).iter().zip(quiet).map(|(a, b)| a + b).collect();
        let mut stft = Stft::with_window(44_100, 10, window_len);
        let (window, fft_len) = (hann(window_len), stft.fft_len());
        for (i, frame) in spectra(&mut stft, &[&signal]).iter().enumerate() {
            let center = units::frame_center_sample(i as u64, 10, 44_100) as i64;
            let want = naive_power(&signal, center, &window, fft_len);
            let largest = want.iter().copied().fold(0.0, f64::max);
            for (k, (&got, &want)) in frame.iter().zip(&want).enumerate() {
                let error = (f64::from(got) - want).abs();
                assert!(error <= ROUNDING * largest, "{fft_len} points, frame {i} bin {k}: {got} {want}");
            }
        }
    }
}

#[test]
fn a_full_scale_sine_on_a_bin_reads_one_at_every_rate() {
    for rate in RATES {
        let mut stft = Stft::new(rate, 10);
        let bin = stft.bins() / 5;
        let hz = bin as f64 * f64::from(rate) / stft.fft_len() as f64;
        let frames = spectra(&mut stft, &[&sine(hz, rate, rate as usize / 2)]);
        let frame = &frames[frames.len() / 2];
        assert!((frame[bin] - 1.0).abs() < 1e-3, "{rate}: {}", frame[bin]); // leakage of the negative frequency
        let lobe: f32 = frame[bin - 4..=bin + 4].iter().sum();
        let want = 1.5 * stft.fft_len() as f32 / stft.window_len() as f32;
        assert!((lobe - want).abs() < 5e-3, "{rate}: lobe {lobe}, want {want}"); // side lobes left out
    }
}

#[test]
fn there_are_as_many_frames_as_centres_before_the_end() {
    for rate in RATES {
        for hop_ms in [1, 10, 33, 100] {
            for len in [0_usize, 1, 2, 441, 5_000, 20_001] {
                let frames = spectra(&mut Stft::new(rate, hop_ms), &[&vec![0.25; len]]);
                assert_eq!(frames.len() as u64, units::frame_count(len as u64, hop_ms, rate));
            }
        }
    }
}

#[test]
fn a_signal_ends_at_any_rate_and_with_any_window() {
    let frames_of = |mut stft: Stft, len: usize| {
        let mut frames = 0;
        stft.push(&noise(len, 3), &mut |_| frames += 1);
        stft.finish(&mut |_| frames += 1);
        frames
    };
    for rate in 1..1_500 {
        let want = units::frame_count(1_000, 10, rate);
        assert_eq!(frames_of(Stft::new(rate, 10), 1_000), want, "rate {rate}");
    }
    for (window, hop_ms) in (2..=64).flat_map(|window| [(window, 1), (window, 10)]) {
        let want = units::frame_count(999, hop_ms, 8_000);
        let stft = Stft::with_window(8_000, hop_ms, window);
        assert_eq!(frames_of(stft, 999), want, "window {window}, hop {hop_ms} ms");
    }
}

#[test]
fn an_impulse_is_strongest_in_the_frame_centred_on_it() {
    for (rate, hop_ms) in [(44_100, 10), (22_050, 10), (11_025, 10), (48_000, 7)] {
        let mut signal = vec![0.0; rate as usize];
        for target in [0_u64, 17, 40] {
            signal.fill(0.0);
            signal[units::frame_center_sample(target, hop_ms, rate) as usize] = 1.0;
            let energies: Vec<f32> =
                spectra(&mut Stft::new(rate, hop_ms), &[&signal]).iter().map(|f| f.iter().sum()).collect();
            let best = energies.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            assert_eq!(best as u64, target, "rate {rate}");
        }
    }
}

#[test]
fn silence_is_exactly_zero_and_finish_starts_afresh() {
    let mut stft = Stft::new(44_100, 10);
    let first = spectra(&mut stft, &[&noise(10_000, 1)]);
    assert!(spectra(&mut stft, &[&[0.0; 10_000]]).iter().flatten().all(|&p| p == 0.0));
    assert_eq!(spectra(&mut stft, &[&noise(10_000, 1)]), first);
    assert!(spectra(&mut stft, &[]).is_empty());
}

#[test]
fn lengths_are_even_and_of_small_factors() {
    assert_eq!([2, 3, 372, 2048, 2049, 2230].map(fft_len_for), [2, 4, 384, 2048, 2304, 2304]);
    assert_eq!(RATES.map(window_len), [372, 512, 744, 1024, 1486, 2048, 2230, 4096, 4458, 8916]);
    for len in 2..5_000 {
        let mut rest = fft_len_for(len);
        assert!(rest >= len && rest.is_multiple_of(2) && rest < len * 3 / 2 + 3);
        while rest.is_multiple_of(2) {
            rest /= 2;
        }
        while rest.is_multiple_of(3) {
            rest /= 3;
        }
        assert_eq!(rest, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_into_blocks_gives_the_same_bits(
        cuts in prop::collection::vec(0_usize..12_000, 0..12),
        rate in prop::sample::select(RATES.to_vec()),
        hop_ms in prop::sample::select(vec![1_u32, 7, 10, 100]),
    ) {
        let signal = noise(12_000, 7);
        let mut cuts = cuts;
        cuts.extend([0, signal.len()]);
        cuts.sort_unstable();
        let blocks: Vec<&[f32]> = cuts.windows(2).map(|w| &signal[w[0]..w[1]]).collect();
        let whole = spectra(&mut Stft::new(rate, hop_ms), &[&signal]);
        prop_assert_eq!(spectra(&mut Stft::new(rate, hop_ms), &blocks), whole);
    }
}
