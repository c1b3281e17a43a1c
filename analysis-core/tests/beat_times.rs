//! Beat times hold where a codec changes the attacks.

#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the filter runs in f32")]

use analysis_core::rhythm::RhythmTracker;
use analysis_core::stft::Stft;
use analysis_core::timing::steady;
use testmusic::{Rng, Score, Style};

fn beats(mono: &[f32], rate: u32) -> Vec<f64> {
    let (mut stft, mut tracker) = (Stft::new(rate, 10), RhythmTracker::new(rate));
    for block in mono.chunks(4096) {
        tracker.push_audio(block);
        stft.push(block, &mut |power| {
            tracker.push_spectrum(power);
        });
    }
    stft.finish(&mut |power| {
        tracker.push_spectrum(power);
    });
    tracker.finish().beats.iter().map(|b| b.time_s).collect()
}

/// What a lossy codec does to times: treble goes, and each block of 26 ms gets noise in proportion to its own
/// energy, which in the block of an attack comes before the attack.
fn coded(mono: &[f32], cutoff_hz: f64, noise: f32, rate: u32, seed: u64) -> Vec<f32> {
    let keep = (-std::f64::consts::TAU * cutoff_hz / f64::from(rate)).exp() as f32;
    let (mut low, mut rng) = (0.0, Rng::new(seed));
    let dull: Vec<f32> = mono
        .iter()
        .map(|x| {
            low = keep * low + (1.0 - keep) * x;
            low
        })
        .collect();
    let blur = |block: &[f32]| {
        let rms = (block.iter().map(|x| x * x).sum::<f32>() / block.len() as f32).sqrt();
        block
            .iter()
            .map(|x| ((x + noise * rms * rng.noise()) * 4096.0).round() / 4096.0)
            .collect::<Vec<f32>>()
    };
    dull.chunks(1152).flat_map(blur).collect()
}

#[test]
fn coded_copies_of_a_piece_have_its_beats_within_5_ms() {
    // Without drums the attacks are those of pads that swell, and the bend of the course through them is less sure.
    for (style, tempo_bpm, most_s) in
        [(Style::Rock, 116.0, 0.005), (Style::House, 124.0, 0.005), (Style::Ballad, 96.0, 0.012)]
    {
        let score = Score { style, tempo_bpm, end_tempo_bpm: tempo_bpm, ..Score::default() };
        let (mono, rate) = (score.render().mono(), score.sample_rate_hz);
        let plain = beats(&mono, rate);
        assert!(plain.len() > 20, "{style:?}");
        for (seed, (cutoff_hz, noise)) in (0..).zip([(16_000.0, 0.02), (11_000.0, 0.05), (8_000.0, 0.08)]) {
            let other = beats(&coded(&mono, cutoff_hz, noise, rate, seed), rate);
            assert_eq!(plain.len(), other.len(), "{style:?}, {cutoff_hz} Hz");
            let worst = plain.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < most_s, "{style:?}, {cutoff_hz} Hz: {:.1} ms", 1000.0 * worst);
        }
    }
}

#[test]
fn beats_keep_their_times_where_the_tempo_moves() {
    let score = Score { tempo_bpm: 96.0, end_tempo_bpm: 132.0, ..Score::default() };
    let piece = score.render();
    let found = beats(&piece.mono(), score.sample_rate_hz);
    let nearest = |t: f64| found.iter().map(|b| (b - t).abs()).fold(f64::MAX, f64::min);
    let errors: Vec<f64> = piece.truth.beats.iter().map(|&t| nearest(t)).collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean < 0.003, "mean error {:.1} ms", 1000.0 * mean);
}

#[test]
fn a_few_beats_stay_as_they_are() {
    assert!(steady(&[]).is_empty());
    assert_eq!(steady(&[0.5, 1.0, 1.7, 2.1]), [0.5, 1.0, 1.7, 2.1]);
}

#[test]
fn a_stray_beat_joins_its_neighbours_and_moves_none_of_them() {
    let mut times: Vec<f64> = (0..40).map(|i| 0.3 + 0.5 * f64::from(i)).collect();
    times[20] += 0.02;
    for (i, (time, course)) in steady(&times).iter().zip((0..).map(|i| 0.3 + 0.5 * f64::from(i))).enumerate()
    {
        assert!((time - course).abs() < 0.001, "beat {i}: {time} for {course}");
    }
}

#[test]
fn beats_in_free_time_stay_near_their_attacks() {
    let mut rng = Rng::new(3);
    let times: Vec<f64> = (0..60).map(|i| 0.7 * f64::from(i) + 0.12 * f64::from(rng.noise())).collect();
    let moved = steady(&times).iter().zip(&times).map(|(a, b)| (a - b).abs()).sum::<f64>() / 60.0;
    assert!(moved < 0.005, "{:.1} ms", 1000.0 * moved);
}
