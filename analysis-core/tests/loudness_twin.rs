//! The meter against a slow twin: the crate ebur128, asked for the same figures every 10 ms.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "levels are f32, and made-up lengths fit"
)]

use analysis_core::loudness::Loudness;
use analysis_core::summary::LoudnessSummary;
use ebur128::{Channel, EbuR128, Mode};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::f64::consts::TAU;

/// Both filter in f64 and count in the same bins, so that what is handed out as f32 is equal but for its last digits.
const TOLERANCE_LU: f32 = 0.001;
/// Both interpolate by the same filter in f32.
const TOLERANCE_DB: f32 = 0.0001;
/// Where 10 ms are no whole number of samples (11,025 and 22,050 Hz) the twin is asked for up to a sample of 110 less:
/// `10·log10(111/110)`, and a little for sound that swells.
const TOLERANCE_UNEVEN_LU: f32 = 0.05;

/// Width of the bins that blocks are counted in.
const BIN_LU: f32 = 0.1;

const OFFSET_LUFS: f64 = -0.691;
const GATE_LUFS: f64 = -70.0;

/// Places of the channels, in the order of WAVE files.
fn places(channels: usize) -> &'static [Channel] {
    use Channel::{
        Center as C, Left as L, LeftSurround as Ls, Right as R, RightSurround as Rs, Unused as Lfe,
    };
    use Channel::{Mm090, Mm135, Mp090, Mp135, Mp180};
    match channels {
        1 => &[C],
        2 => &[L, R],
        3 => &[L, R, C],
        4 => &[L, R, Ls, Rs],
        5 => &[L, R, C, Ls, Rs],
        6 => &[L, R, C, Lfe, Ls, Rs],
        7 => &[L, R, C, Lfe, Mp180, Mp090, Mm090],
        _ => &[L, R, C, Lfe, Mp135, Mm135, Mp090, Mm090],
    }
}

/// What the twin says: momentary and short-term loudness after every 10 ms, as means of the last 40 and 300 energies.
fn twin(planes: &[Vec<f32>], rate_hz: u32) -> LoudnessSummary {
    let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
    let mut meter = EbuR128::new(planes.len().try_into().unwrap(), rate_hz, mode).unwrap();
    meter.set_channel_map(places(planes.len())).unwrap();
    let (mut energies, mut momentary, mut short_term) = (VecDeque::new(), 0.0_f64, 0.0_f64);
    let end_of = |block: usize| block * rate_hz as usize / 100;
    for block in (0..).take_while(|block| end_of(*block) < planes[0].len()) {
        let to = planes[0].len().min(end_of(block + 1));
        let slices: Vec<&[f32]> = planes.iter().map(|plane| &plane[end_of(block)..to]).collect();
        meter.add_frames_planar_f32(&slices).unwrap();
        if to < end_of(block + 1) {
            break;
        }
        energies.push_front(10_f64.powf((meter.loudness_window(10).unwrap() - OFFSET_LUFS) / 10.0));
        energies.truncate(300);
        let mean = |count: usize| energies.iter().take(count).sum::<f64>() / count as f64;
        momentary = if energies.len() >= 40 { momentary.max(mean(40)) } else { 0.0 };
        short_term = if energies.len() >= 300 { short_term.max(mean(300)) } else { 0.0 };
    }
    let peak = |of: &dyn Fn(u32) -> f64| (0..).take(planes.len()).map(of).fold(0.0, f64::max);
    let short_term_max_lufs = audible(OFFSET_LUFS + 10.0 * short_term.log10());
    LoudnessSummary {
        integrated_lufs: audible(meter.loudness_global().unwrap()),
        range_lu: short_term_max_lufs.and(Some(meter.loudness_range().unwrap() as f32)),
        momentary_max_lufs: audible(OFFSET_LUFS + 10.0 * momentary.log10()),
        short_term_max_lufs,
        true_peak_dbtp: decibels(peak(&|channel| meter.true_peak(channel).unwrap())),
        sample_peak_dbfs: decibels(peak(&|channel| meter.sample_peak(channel).unwrap())),
    }
}

fn audible(lufs: f64) -> Option<f32> {
    (lufs >= GATE_LUFS).then_some(lufs as f32)
}

fn decibels(amplitude: f64) -> Option<f32> {
    (amplitude > 0.0).then(|| (20.0 * amplitude.log10()) as f32)
}

fn measure(planes: &[Vec<f32>], rate_hz: u32, splits: &[usize]) -> LoudnessSummary {
    let mut meter = Loudness::new(planes.len(), rate_hz).unwrap();
    let (mut from, mut splits) = (0, splits.iter().cycle());
    while from < planes[0].len() {
        let to = planes[0].len().min(from + splits.next().unwrap());
        meter.push(&planes.iter().map(|plane| &plane[from..to]).collect::<Vec<_>>()).unwrap();
        from = to;
    }
    meter.finish()
}

#[track_caller]
fn assert_twins(got: &LoudnessSummary, want: &LoudnessSummary, rate_hz: u32) {
    let maxima_lu = if rate_hz.is_multiple_of(100) { TOLERANCE_LU } else { TOLERANCE_UNEVEN_LU };
    let near = |what: &str, got: Option<f32>, want: Option<f32>, tolerance: f32| {
        let near = match (got, want) {
            (Some(got), Some(want)) => (got - want).abs() <= tolerance,
            (got, want) => got == want,
        };
        assert!(near, "{what}: {got:?}, its twin says {want:?}");
    };
    // Where 10 ms are no whole number of samples, blocks differ in length by a sample, and where 100 ms are none, the twin's
    // drift away from ours: a block near a gate may lie on the other side of it, and then the two are far apart.
    if rate_hz.is_multiple_of(100) {
        near("integrated", got.integrated_lufs, want.integrated_lufs, TOLERANCE_LU);
        near("range", got.range_lu, want.range_lu, TOLERANCE_LU);
    }
    near("momentary max", got.momentary_max_lufs, want.momentary_max_lufs, maxima_lu);
    near("short-term max", got.short_term_max_lufs, want.short_term_max_lufs, maxima_lu);
    near("true peak", got.true_peak_dbtp, want.true_peak_dbtp, TOLERANCE_DB);
    near("sample peak", got.sample_peak_dbfs, want.sample_peak_dbfs, TOLERANCE_DB);
}

/// A stretch of one channel: its level in dB, the share of noise in it, the frequency of its sine, its length.
#[derive(Debug, Clone)]
struct Stretch {
    level_db: f64,
    noise: f64,
    hz: f64,
    seconds: f64,
}

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let level = prop_oneof![4 => -40.0..0.0_f64, 1 => -90.0..-40.0_f64, 1 => Just(f64::NEG_INFINITY)];
    let stretch = (level, 0.0..1.0_f64, 20.0..20_000.0_f64, 0.05..2.0_f64)
        .prop_map(|(level_db, noise, hz, seconds)| Stretch { level_db, noise, hz, seconds });
    prop::collection::vec(stretch, 1..8)
}

/// Sounds the stretches in turn, `len` samples of them, over and over.
fn sound(stretches: &[Stretch], rate_hz: u32, len: usize, seed: u64) -> Vec<f32> {
    let mut random = seed;
    let mut noise = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 32) as f64 / 2_147_483_648.0 - 1.0
    };
    let rate = f64::from(rate_hz);
    let samples = stretches.iter().cycle().flat_map(|stretch| {
        let amplitude = 10_f64.powf(stretch.level_db / 20.0);
        (0..1 + (stretch.seconds * rate) as u32).map(move |n| (stretch, amplitude, f64::from(n)))
    });
    let sample = |(stretch, amplitude, n): (&Stretch, f64, f64)| {
        let tone = (TAU * stretch.hz * n / rate).sin();
        (amplitude * (stretch.noise * noise() + (1.0 - stretch.noise) * tone)) as f32
    };
    samples.take(len).map(sample).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_meter_reads_what_its_slow_twin_reads(
        stretches in stretches(),
        channels in 1_usize..=8,
        rate_hz in prop::sample::select(vec![
            8_000_u32, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000,
        ]),
        seconds in 0.0..8.0_f64,
        splits in prop::collection::vec(1_usize..10_000, 1..5),
        seed: u64,
    ) {
        let len = (seconds * f64::from(rate_hz)) as usize;
        let plane = |channel: usize| {
            let mut own = stretches.clone();
            own.rotate_left(channel % stretches.len());
            sound(&own, rate_hz, len.max(1), seed ^ channel as u64)
        };
        let planes: Vec<_> = (0..channels).map(plane).collect();
        assert_twins(&measure(&planes, rate_hz, &splits), &twin(&planes, rate_hz), rate_hz);
    }
}

/// Half a minute has short-term values enough for a range.
#[test]
fn the_meter_reads_of_music_what_its_slow_twin_reads() {
    let song: Vec<Stretch> = (0..40)
        .map(|bar| Stretch {
            level_db: -6.0 - f64::from(bar * 7 % 17),
            noise: f64::from(bar % 5) / 5.0,
            hz: 55.0 * f64::from(1 + bar * 11 % 90),
            seconds: 0.73,
        })
        .collect();
    for rate_hz in [44_100, 48_000] {
        let planes = [3, 4].map(|seed| sound(&song, rate_hz, 30 * rate_hz as usize, seed));
        assert_twins(&measure(&planes, rate_hz, &[1_152]), &twin(&planes, rate_hz), rate_hz);
    }
    for rate_hz in [11_025, 22_050] {
        let planes = [sound(&song, rate_hz, 30 * rate_hz as usize, 3)];
        let (got, want) = (measure(&planes, rate_hz, &[1_152]), twin(&planes, rate_hz));
        let (got, want) = (got.integrated_lufs.unwrap(), want.integrated_lufs.unwrap());
        assert!((got - want).abs() < BIN_LU, "{got} at {rate_hz} Hz, its twin says {want}");
    }
}

#[test]
fn samples_that_are_no_numbers_spoil_no_more_than_the_windows_that_hold_them() {
    let rate_hz = 48_000;
    let tone = [Stretch { level_db: -20.0, noise: 0.0, hz: 1_000.0, seconds: 60.0 }];
    let clean = vec![sound(&tone, rate_hz, 20 * rate_hz as usize, 1); 2];
    let mut torn = clean.clone();
    torn[1][50_000] = f32::NAN;
    let (clean, torn) = (measure(&clean, rate_hz, &[4_096]), measure(&torn, rate_hz, &[4_096]));
    let near = |a: Option<f32>, b: Option<f32>| (a.unwrap() - b.unwrap()).abs() < 0.1;
    assert!(near(torn.integrated_lufs, clean.integrated_lufs), "{torn:?}, {clean:?}");
    assert!(near(torn.short_term_max_lufs, clean.short_term_max_lufs), "{torn:?}, {clean:?}");
    assert!(near(torn.true_peak_dbtp, clean.true_peak_dbtp), "{torn:?}, {clean:?}");
}
