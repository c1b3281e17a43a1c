//! The minimum requirements of EBU Tech 3341 and 3342, with test signals made as they describe them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values chosen by the tests fit"
)]

use analysis_core::Error;
use analysis_core::loudness::Loudness;
use analysis_core::summary::LoudnessSummary;
use std::f64::consts::TAU;

/// Tech 3341 table 1 and Tech 3342 table 1 allow ±0.1 LU for I and M/S maxima, and ±1 LU for the range.
const TOLERANCE_LU: f32 = 0.1;
const RATE: u32 = 48_000;

/// Measures equal channels: a 1 kHz sine in steps of (level in dBFS, seconds), no phase break between them.
fn measure_steps(rate: u32, channels: usize, steps: &[(f64, f64)]) -> LoudnessSummary {
    let mut meter = Loudness::new(channels, rate).unwrap();
    let mut n = 0_u64;
    for &(dbfs, seconds) in steps {
        let amplitude = 10_f64.powf(dbfs / 20.0);
        let plane: Vec<f32> = (0..(seconds * f64::from(rate)).round() as u64)
            .map(|i| (amplitude * (TAU * 1_000.0 * (n + i) as f64 / f64::from(rate)).sin()) as f32)
            .collect();
        n += plane.len() as u64;
        meter.push(&vec![plane; channels]).unwrap();
    }
    meter.finish()
}

const SILENT: f64 = -300.0;

#[track_caller]
fn assert_near(what: &str, got: Option<f32>, want: f32, tolerance: f32) {
    let got = got.unwrap_or_else(|| panic!("{what} is missing"));
    assert!((got - want).abs() <= tolerance, "{what}: {got}, want {want} ± {tolerance}");
}

#[test]
fn tech_3341_cases_1_and_2_steady_sines() {
    for level in [-23.0, -33.0] {
        for rate in [8_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let got = measure_steps(rate, 2, &[(level, 20.0)]);
            for (what, value) in
                [("I", got.integrated_lufs), ("M", got.momentary_max_lufs), ("S", got.short_term_max_lufs)]
            {
                assert_near(&format!("{what} at {rate} Hz"), value, level as f32, TOLERANCE_LU);
            }
        }
    }
}

#[test]
fn tech_3341_cases_3_to_5_gating() {
    let case_3 = [(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)];
    let case_4 = [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)];
    let case_5 = [(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)];
    for case in [case_3.as_slice(), &case_4, &case_5] {
        assert_near("I", measure_steps(RATE, 2, case).integrated_lufs, -23.0, TOLERANCE_LU);
    }
}

#[test]
fn tech_3341_case_6_surround_channels_weigh_more_and_the_low_frequency_channel_nothing() {
    let levels = [-28.0, -28.0, -24.0, 0.0, -30.0, -30.0]; // the LFE at full scale, to be ignored
    let planes: Vec<Vec<f32>> = levels
        .iter()
        .map(|dbfs| {
            let amplitude = 10_f64.powf(dbfs / 20.0);
            (0..RATE * 20)
                .map(|n| (amplitude * (TAU * 1_000.0 * f64::from(n) / f64::from(RATE)).sin()) as f32)
                .collect()
        })
        .collect();
    let mut meter = Loudness::new(6, RATE).unwrap();
    meter.push(&planes).unwrap();
    assert_near("I", meter.finish().integrated_lufs, -23.0, TOLERANCE_LU);
}

#[test]
fn tech_3341_case_9_short_term_of_alternating_levels() {
    let steps: Vec<_> = [(-20.0, 1.34), (-30.0, 1.66)].repeat(5);
    let got = measure_steps(RATE, 2, &steps);
    assert_near("S max", got.short_term_max_lufs, -23.0, TOLERANCE_LU);
}

#[test]
fn tech_3341_cases_10_and_11_short_term_maximum_of_a_tone_anywhere() {
    for i in (0..20).step_by(3) {
        let got = measure_steps(RATE, 2, &[(SILENT, 0.15 * f64::from(i)), (-23.0, 3.0), (SILENT, 1.0)]);
        assert_near(&format!("S max, offset {i}"), got.short_term_max_lufs, -23.0, TOLERANCE_LU);
    }
    let rising: Vec<_> = (0..20)
        .flat_map(|i| {
            [(SILENT, 0.15 * f64::from(i)), (-38.0 + f64::from(i), 3.0), (SILENT, 3.0 - 0.15 * f64::from(i))]
        })
        .collect();
    assert_near("S max", measure_steps(RATE, 2, &rising).short_term_max_lufs, -19.0, TOLERANCE_LU);
}

#[test]
fn tech_3341_case_12_momentary_of_alternating_levels() {
    let steps: Vec<_> = [(-20.0, 0.18), (-30.0, 0.22)].repeat(25);
    assert_near("M max", measure_steps(RATE, 2, &steps).momentary_max_lufs, -23.0, TOLERANCE_LU);
}

#[test]
fn tech_3341_cases_13_and_14_momentary_maximum_of_a_tone_anywhere() {
    for i in 0..20 {
        let got = measure_steps(RATE, 2, &[(SILENT, 0.02 * f64::from(i)), (-23.0, 0.4), (SILENT, 1.0)]);
        assert_near(&format!("M max, offset {i}"), got.momentary_max_lufs, -23.0, TOLERANCE_LU);
    }
    let rising: Vec<_> = (0..20)
        .flat_map(|i| {
            [(SILENT, 0.02 * f64::from(i)), (-38.0 + f64::from(i), 0.4), (SILENT, 0.4 - 0.02 * f64::from(i))]
        })
        .collect();
    assert_near("M max", measure_steps(RATE, 2, &rising).momentary_max_lufs, -19.0, TOLERANCE_LU);
}

/// A stereo sine at a fraction of the rate, at an angle, that Tech 3341 sets against a true peak.
fn true_peak_of(divisor: f64, degrees: f64, amplitude: f64) -> Option<f32> {
    let at = |n: f64| amplitude * (TAU * n / divisor + degrees.to_radians()).sin();
    // Faded in and out, so that the edges do not ring above the peak.
    let fade = |n: f64| (n / 480.0).min((48_000.0 - n) / 480.0).clamp(0.0, 1.0);
    let plane: Vec<f32> = (0..RATE).map(|n| (at(f64::from(n)) * fade(f64::from(n))) as f32).collect();
    let mut meter = Loudness::new(2, RATE).unwrap();
    meter.push(&[&plane, &plane]).unwrap();
    meter.finish().true_peak_dbtp
}

#[test]
fn tech_3341_cases_15_to_19_true_peaks() {
    // Tech 3341 allows +0.2 and −0.4 dB.
    let cases = [
        (4.0, 0.0, 0.5, -6.0),
        (4.0, 45.0, 0.5, -6.0),
        (6.0, 60.0, 0.5, -6.0),
        (8.0, 67.5, 0.5, -6.0),
        (4.0, 45.0, 1.41, 3.0),
    ];
    for (divisor, degrees, amplitude, want) in cases {
        let got = true_peak_of(divisor, degrees, amplitude).unwrap();
        assert!(
            (want - 0.4..=want + 0.2).contains(&got),
            "fs/{divisor} at {degrees}°: {got} dBTP, want {want}"
        );
    }
}

#[test]
fn tech_3342_cases_1_to_4_loudness_range() {
    let cases: [(&[(f64, f64)], f32); 4] = [
        (&[(-20.0, 20.0), (-30.0, 20.0)], 10.0),
        (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        (&[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ];
    for (steps, want) in cases {
        // Tech 3342 allows ±1 LU.
        assert_near("LRA", measure_steps(RATE, 2, steps).range_lu, want, TOLERANCE_LU);
    }
}

#[test]
fn one_channel_reads_3_lu_less_than_two_equal_ones() {
    assert_near("I", measure_steps(RATE, 1, &[(-20.0, 5.0)]).integrated_lufs, -23.01, TOLERANCE_LU);
    assert_near("I", measure_steps(RATE, 2, &[(-20.0, 5.0)]).integrated_lufs, -20.0, TOLERANCE_LU);
}

#[test]
fn silence_and_nothing_have_no_loudness() {
    let none = LoudnessSummary {
        integrated_lufs: None,
        range_lu: None,
        momentary_max_lufs: None,
        short_term_max_lufs: None,
        true_peak_dbtp: None,
        sample_peak_dbfs: None,
    };
    assert_eq!(Loudness::new(2, RATE).unwrap().finish(), none);
    let mut meter = Loudness::new(2, RATE).unwrap();
    meter.push(&vec![vec![0.0; 5 * RATE as usize]; 2]).unwrap();
    assert_eq!(meter.finish(), none);
    let short = measure_steps(RATE, 1, &[(-6.0, 0.3)]);
    assert_eq!((short.integrated_lufs, short.momentary_max_lufs, short.range_lu), (None, None, None));
    assert_near("sample peak", short.sample_peak_dbfs, -6.0, 0.01);
}

#[test]
fn every_channel_count_and_rate_in_the_limits_is_measured_and_others_are_refused() {
    for channels in 1..=8 {
        for rate in [8_000, 11_025, 192_000] {
            assert!(measure_steps(rate, channels, &[(-20.0, 0.5)]).integrated_lufs.is_some());
        }
    }
    for (channels, rate) in [(0, 48_000), (9, 48_000), (2, 7_999), (2, 192_001)] {
        assert!(matches!(Loudness::new(channels, rate), Err(Error::InvalidConfig { .. })));
    }
    let mut meter = Loudness::new(2, RATE).unwrap();
    assert!(matches!(meter.push(&[vec![0.0; 3]]), Err(Error::RaggedBlock { .. })));
    assert!(matches!(meter.push(&[vec![0.0; 3], vec![0.0; 4]]), Err(Error::RaggedBlock { .. })));
}

#[test]
fn any_split_into_blocks_gives_the_same_figures() {
    let plane: Vec<f32> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5).collect();
    let mut whole = Loudness::new(2, 44_100).unwrap();
    whole.push(&[&plane, &plane]).unwrap();
    let whole = whole.finish();
    for size in [1, 100, 441, 1_152, 65_536] {
        let mut split = Loudness::new(2, 44_100).unwrap();
        plane.chunks(size).for_each(|block| split.push(&[block, block]).unwrap());
        assert_eq!(split.finish(), whole, "blocks of {size}");
    }
}
