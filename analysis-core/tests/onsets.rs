//! How many onsets of single instruments are found, and how near to their times.

#![expect(clippy::cast_precision_loss, reason = "a few hundred onsets")]

use analysis_core::rhythm::RhythmTracker;
use analysis_core::stft::Stft;
use testmusic::{Voice, solo};

const RATE_HZ: u32 = 44_100;
/// An onset this near to a true one has found it, in seconds (MIREX, mir_eval).
const FOUND_S: f64 = 0.05;

fn onsets(mono: &[f32], rate_hz: u32) -> Vec<f64> {
    let (mut stft, mut tracker) = (Stft::new(rate_hz, 10), RhythmTracker::new(rate_hz));
    for block in mono.chunks(4096) {
        tracker.push_audio(block);
        stft.push(block, &mut |power| {
            tracker.push_spectrum(power);
        });
    }
    stft.finish(&mut |power| {
        tracker.push_spectrum(power);
    });
    tracker.finish().onsets.iter().map(|onset| onset.time_s).collect()
}

/// How well the onsets found fit the true ones.
#[derive(Debug)]
struct Score {
    f_measure: f64,
    /// Mean of how late those found are, in ms.
    late_ms: f64,
    /// Mean of how far they are off, in ms.
    error_ms: f64,
}

/// Pairs each true onset with the first one left that is near enough; both rise, and true ones are far apart.
fn score(found: &[f64], truth: &[f64]) -> Score {
    let (mut late, mut next) = (Vec::new(), 0);
    for time in truth {
        next += found[next..].iter().take_while(|found| **found < time - FOUND_S).count();
        if found.get(next).is_some_and(|found| *found <= time + FOUND_S) {
            late.push(1000.0 * (found[next] - time));
            next += 1;
        }
    }
    let hits = late.len() as f64;
    Score {
        f_measure: 2.0 * hits / (found.len() + truth.len()) as f64,
        late_ms: late.iter().sum::<f64>() / hits,
        error_ms: late.iter().map(|late| late.abs()).sum::<f64>() / hits,
    }
}

/// Least F-measure and largest mean error, in ms, to be met.
fn wanted(voice: Voice) -> (f64, f64) {
    match voice {
        Voice::Kick | Voice::Snare | Voice::Hat | Voice::Pluck => (0.99, 3.0),
        // The hammer is softer than the string that it sets off.
        Voice::Piano => (0.99, 5.0),
        Voice::Band => (0.97, 5.0),
        // Half a wave of the lowest note lasts 9 ms, and the loudest half of the first ones is taken for the attack.
        Voice::Bass => (0.94, 8.0),
        // Notes that swell: when they begin to be heard is open, and where they end or beat is taken for more of them.
        Voice::Lead => (0.82, 9.0),
        Voice::Strings => (0.65, 20.0),
    }
}

#[test]
fn onsets_of_every_instrument_are_found_and_clear_attacks_within_5_ms() {
    for voice in Voice::ALL {
        let scores: Vec<Score> = (1..=3)
            .map(|seed| {
                let (piece, truth) = solo(voice, 80, RATE_HZ, seed);
                score(&onsets(&piece.mono(), RATE_HZ), &truth)
            })
            .collect();
        let mean = |value: fn(&Score) -> f64| scores.iter().map(value).sum::<f64>() / scores.len() as f64;
        let (f_measure, error_ms) = (mean(|s| s.f_measure), mean(|s| s.error_ms));
        println!("{voice:?}: F {f_measure:.3}, {:+.2} ms, off by {error_ms:.2} ms", mean(|s| s.late_ms));
        let (least_f, most_ms) = wanted(voice);
        assert!(f_measure >= least_f, "{voice:?}: F {f_measure:.3}");
        assert!(error_ms <= most_ms, "{voice:?}: off by {error_ms:.2} ms");
    }
}

#[test]
fn the_score_counts_what_is_missing_and_what_is_too_much() {
    let found = score(&[0.101, 0.3, 0.497], &[0.1, 0.5, 0.9]);
    assert!((found.f_measure - 2.0 / 3.0).abs() < 1e-9, "{found:?}");
    assert!((found.late_ms + 1.0).abs() < 1e-6 && (found.error_ms - 2.0).abs() < 1e-6, "{found:?}");
}
