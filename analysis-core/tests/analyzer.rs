//! What the analysis as a whole promises, whatever is in the samples.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test may panic, and casts what it has made itself"
)]

use analysis_core::analyzer::{Analysis, Analyzer};
use analysis_core::limits::MAX_SAMPLE;
use analysis_core::{AnalysisType, Config};
use testmusic::Score;

const RATE_HZ: u32 = 22_050;

#[track_caller]
fn analysis(samples: &[f32]) -> Analysis {
    in_blocks(Config::default(), samples, samples.len())
}

#[track_caller]
fn in_blocks(config: Config, samples: &[f32], length: usize) -> Analysis {
    let mut analyzer = Analyzer::new(config, RATE_HZ, 1).unwrap();
    samples.chunks(length).for_each(|block| analyzer.push(block, &mut ()).unwrap());
    analyzer.finish(&mut ()).unwrap()
}

/// A decaying A minor chord every half second.
fn pulses(samples: usize) -> Vec<f32> {
    let at = |n: usize| {
        let (t, since) = (n as f32 / RATE_HZ as f32, (n % (RATE_HZ as usize / 2)) as f32 / RATE_HZ as f32);
        let chord = [220.0, 261.63, 329.63, 440.0].iter().map(|hz| (std::f32::consts::TAU * hz * t).sin());
        0.2 * (-8.0 * since).exp() * chord.sum::<f32>()
    };
    (0..samples).map(at).collect()
}

#[test]
fn nothing_happens_after_the_end() {
    // The last hit is the very end, and no length is a whole number of frames or anchors.
    for extra in [1, 30, 97, 211, 1_500] {
        let found = analysis(&pulses(RATE_HZ as usize * 12 + extra));
        let end_ms = found.audio.duration_ms;
        assert!(found.summary.key.is_some() && found.summary.beat_count > Some(10));
        let mut counts = [0, 0];
        for event in found.events.iter() {
            let until = u64::from(event.time_ms) + u64::from(event.duration_ms.unwrap_or(0));
            assert!(u64::from(event.time_ms) < end_ms && until <= end_ms, "{event:?} of {end_ms} ms");
            counts[0] += u32::from(event.event_type.as_str() == "beat");
            counts[1] += u32::from(event.event_type.as_str() == "onset");
        }
        let told = [found.summary.beat_count, found.summary.onset_count];
        assert_eq!(told, counts.map(Some));
    }
}

#[test]
fn the_size_of_the_blocks_has_no_influence() {
    let mut samples = Score { sample_rate_hz: RATE_HZ, ..Score::demo() }.render().mono();
    let (start, length) = (samples.len() - 8 * RATE_HZ as usize, 8.0 * RATE_HZ as f32);
    for (n, sample) in samples[start..].iter_mut().enumerate() {
        *sample *= 1.0 - n as f32 / length;
    }
    for (analysis_type, hop_ms) in [(AnalysisType::Full, 10), (AnalysisType::Structure, 33)] {
        let config = Config { analysis_type, hop_ms, ..Config::default() };
        let whole = in_blocks(config.clone(), &samples, samples.len());
        assert!(whole.summary.segment_count > Some(100), "{:?}", whole.summary);
        let full = analysis_type == AnalysisType::Full;
        assert_eq!(
            (whole.summary.danceability.is_some(), whole.summary.fade_in_end_ms.is_some()),
            (full, full)
        );
        for length in [97, 4_410, 100_003] {
            let parts = in_blocks(config.clone(), &samples, length);
            assert_eq!(parts.summary, whole.summary, "blocks of {length}");
            assert!(parts.events == whole.events, "blocks of {length}");
            assert_eq!(parts.manifest, whole.manifest, "blocks of {length}");
        }
    }
}

#[test]
fn absurd_samples_count_as_the_largest_that_a_file_could_hold() {
    let mut absurd = pulses(RATE_HZ as usize * 12);
    (absurd[10], absurd[20], absurd[30]) = (1e30, f32::NAN, f32::NEG_INFINITY);
    let mut tame = absurd.clone();
    (tame[10], tame[20], tame[30]) = (MAX_SAMPLE, 0.0, -MAX_SAMPLE);
    let (absurd, tame) = (analysis(&absurd), analysis(&tame));
    assert_eq!((&absurd.summary, &absurd.events), (&tame.summary, &tame.events));
}
