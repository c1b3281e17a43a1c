//! Danceability of sounds whose exponents are known, and of music with and without a beat.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples and block sizes that the test makes"
)]

use analysis_core::danceability::{DanceTracker, danceability};
use analysis_core::envelope::Envelope;
use testmusic::{Rng, Score, Style};

const RATE: u32 = 16_000;

fn score(style: Style, tempo_bpm: f64) -> Vec<f32> {
    let (form, sample_rate_hz) = ("ABAB".to_owned(), RATE);
    let score =
        Score { style, tempo_bpm, end_tempo_bpm: tempo_bpm, form, sample_rate_hz, ..Score::default() };
    score.render().mono()
}

/// Notes that swell and die over seconds, at random.
fn drifting(seconds: usize, seed: u64) -> Vec<f32> {
    let (mut rng, mut mono) = (Rng::new(seed), vec![0.0_f32; seconds * RATE as usize]);
    let mut at = 0.0;
    while at < seconds as f64 {
        let (length, gain, hz) =
            (1.0 + 6.0 * rng.unit(), rng.unit() * rng.unit(), 110.0 * (1.0 + 3.0 * rng.unit()));
        let first = (at * f64::from(RATE)) as usize;
        for (i, sample) in mono.iter_mut().skip(first).take((length * f64::from(RATE)) as usize).enumerate() {
            let t = i as f64 / f64::from(RATE);
            let swell = (std::f64::consts::PI * t / length).sin();
            *sample += (0.3 * gain * swell * (std::f64::consts::TAU * hz * t).sin()) as f32;
        }
        at += 0.3 + 3.0 * rng.unit();
    }
    mono
}

/// The formula of the documentation, step by step, over all steps at once.
fn naive(mono: &[f32]) -> f64 {
    let spread = |step: &[f32]| {
        let mean = step.iter().map(|&x| f64::from(x)).sum::<f64>() / step.len() as f64;
        (step.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / step.len() as f64).sqrt()
    };
    let mut sum = 0.0;
    let path: Vec<f64> = mono
        .chunks_exact(RATE as usize / 100)
        .map(|step| {
            sum += spread(step);
            sum
        })
        .collect();
    let lengths: Vec<usize> = (0..36).map(|i| (31.0 * 1.1_f64.powi(i)).round() as usize).collect();
    let fluctuations: Vec<f64> = lengths.iter().map(|&n| fluctuation(&path, n)).collect();
    let alpha: f64 = (1..36)
        .map(|i| {
            let ratio = (lengths[i] as f64 + 3.0) / (lengths[i - 1] as f64 + 3.0);
            (fluctuations[i] / fluctuations[i - 1]).log10() / ratio.log10()
        })
        .sum();
    35.0 / alpha
}

fn fluctuation(path: &[f64], n: usize) -> f64 {
    let windows = path.chunks_exact(n);
    let count = windows.len() as f64;
    let middle = (n as f64 - 1.0) / 2.0;
    let residual = |window: &[f64]| {
        let mean = window.iter().sum::<f64>() / n as f64;
        let at = |k: usize| k as f64 - middle;
        let slope = window.iter().enumerate().map(|(k, y)| at(k) * (y - mean)).sum::<f64>()
            / (0..n).map(|k| at(k) * at(k)).sum::<f64>();
        window.iter().enumerate().map(|(k, y)| (y - mean - slope * at(k)).powi(2)).sum::<f64>() / n as f64
    };
    (windows.map(residual).sum::<f64>() / count).sqrt()
}

#[test]
fn streaming_equals_the_formula() {
    for mono in [score(Style::Rock, 110.0), drifting(90, 3), testmusic::noise(60.0, RATE, 0.4, 5).left] {
        let (got, want) = (f64::from(danceability(&mono, RATE).unwrap()), naive(&mono).min(3.0));
        assert!((got - want).abs() < 1e-3 * want, "{got} for {want}"); // deviations are f32
    }
}

#[test]
fn exponents_of_known_processes_are_those_of_the_theory() {
    let mut rng = Rng::new(7);
    let hear = |values: &mut dyn FnMut() -> f32| {
        let mut tracker = DanceTracker::default();
        (0..200_000).for_each(|_| tracker.push(values()));
        1.0 / tracker.finish().unwrap()
    };
    let white = hear(&mut || 0.5 + 0.2 * rng.noise());
    assert!((white - 0.5).abs() < 0.05, "white noise: {white}");
    let mut walk = 100.0;
    let brown = hear(&mut || {
        walk += 0.02 * rng.noise();
        walk
    });
    assert!((brown - 1.5).abs() < 0.1, "random walk: {brown}");
}

#[test]
fn a_beat_is_more_danceable_than_none() {
    let of = |mono: &[f32]| danceability(mono, RATE).unwrap();
    let beats = [of(&score(Style::House, 124.0)), of(&score(Style::Rock, 100.0))];
    let free = [1, 2, 3].map(|seed| of(&drifting(90, seed)));
    println!("beats {beats:?}, free {free:?}");
    let least = beats.iter().fold(f32::INFINITY, |a, &b| a.min(b));
    let most = free.iter().fold(0.0_f32, |a, &b| a.max(b));
    assert!(least > 1.2 * most, "beats {beats:?}, free {free:?}");
    assert!(most < 1.2 && least <= 3.0, "beats {beats:?}, free {free:?}");
}

#[test]
fn silence_a_tone_and_a_moment_have_none() {
    assert_eq!(danceability(&[], RATE), None);
    assert_eq!(danceability(&testmusic::silence(60.0, RATE).left, RATE), None);
    assert_eq!(danceability(&testmusic::tone(440.0, 60.0, 44_100, 0.5).left, 44_100), None);
    assert_eq!(danceability(&vec![0.25; 60 * RATE as usize], RATE), None);
    assert_eq!(danceability(&score(Style::House, 124.0)[..25 * RATE as usize], RATE), None);
}

#[test]
fn sound_that_stands_still_and_stops_has_none() {
    let mut tracker = DanceTracker::default();
    // The whole windows of some lengths end before the silence, those of others hold it.
    let steps = std::iter::repeat_n(0.35, 2_604).chain(std::iter::repeat_n(0.0, 9));
    steps.for_each(|deviation| tracker.push(deviation));
    assert_eq!(tracker.finish(), None);
}

#[test]
fn ten_hours_lose_no_precision() {
    let mut rng = Rng::new(9);
    let bar: Vec<f32> = (0..12_000).map(|_| 0.3 + 0.3 * rng.noise()).collect();
    let hear = |hours: usize| {
        let mut tracker = DanceTracker::default();
        bar.iter().cycle().take(hours * 360_000).for_each(|&s| tracker.push(s));
        tracker.finish().unwrap()
    };
    let (one, ten) = (hear(1), hear(10));
    assert!((one - ten).abs() < 0.02 * one, "{one} {ten}");
}

#[test]
fn the_envelope_is_the_same_for_blocks_of_any_size_and_rate() {
    let mono = testmusic::tone(997.0, 2.0, 22_050, 0.5).left;
    let mut whole = Vec::new();
    Envelope::new(22_050).push(&mono, &mut |s| whole.push(s));
    assert_eq!(whole.len(), 200);
    assert!(whole.iter().all(|s| (s - 0.5 / 2.0_f32.sqrt()).abs() < 0.02));
    for block in [1, 7, 220, 221, 5_000] {
        let (mut envelope, mut parts) = (Envelope::new(22_050), Vec::new());
        mono.chunks(block).for_each(|part| envelope.push(part, &mut |s| parts.push(s)));
        assert_eq!(parts, whole, "blocks of {block}");
    }
}
