//! The rhythm rooms, heard through their public surface.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "block sizes that the test draws"
)]

use analysis_core::rhythm::{Rhythm, RhythmTracker};
use analysis_core::stft::Stft;
use testmusic::{Rng, Score, Style};

fn listen(mono: &[f32], rate: u32, blocks: impl IntoIterator<Item = usize>) -> Rhythm {
    let (mut stft, mut tracker) = (Stft::new(rate, 10), RhythmTracker::new(rate));
    let mut rest = mono;
    for block in blocks {
        let (now, later) = rest.split_at(block.min(rest.len()));
        tracker.push_audio(now);
        stft.push(now, &mut |power| {
            tracker.push_spectrum(power);
        });
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stft.finish(&mut |power| {
        tracker.push_spectrum(power);
    });
    tracker.finish()
}

fn hear(mono: &[f32], rate: u32) -> Rhythm {
    listen(mono, rate, std::iter::repeat(4096))
}

/// Every true beat has its own within 30 ms; gives the mean absolute error in ms.
#[track_caller]
fn assert_same_beats(rhythm: &Rhythm, truth: &[f64]) -> f64 {
    let times: Vec<f64> = rhythm.beats.iter().map(|b| b.time_s).collect();
    assert_eq!(times.len(), truth.len(), "tempo {:?}, first {:?}", rhythm.tempo_bpm, times.first());
    let errors: Vec<f64> = times.iter().zip(truth).map(|(a, b)| 1000.0 * (a - b).abs()).collect();
    let worst = errors.iter().fold(0.0_f64, |m, &e| m.max(e));
    assert!(worst < 30.0, "worst error {worst} ms");
    errors.iter().sum::<f64>() / errors.len() as f64
}

#[test]
fn every_click_from_60_to_200_is_a_beat_at_its_time() {
    for bpm in [60.0, 72.0, 90.0, 100.0, 120.0, 137.0, 150.0, 168.0, 184.0, 200.0] {
        for first_s in [0.0, 0.213] {
            let piece = testmusic::clicks(bpm, first_s, 30.0, 44_100);
            let rhythm = hear(&piece.left, 44_100);
            let error = assert_same_beats(&rhythm, &piece.truth.beats);
            assert!(error < 2.0, "{bpm} BPM from {first_s} s: mean error {error} ms");
            let tempo = f64::from(rhythm.tempo_bpm.unwrap());
            assert!((tempo - bpm).abs() < 0.1, "{bpm} BPM read as {tempo}");
        }
    }
}

#[test]
fn clicks_keep_their_times_at_every_sample_rate() {
    for rate in [8_000, 11_025, 22_050, 48_000, 96_000, 192_000] {
        let piece = testmusic::clicks(110.0, 0.1, 20.0, rate);
        let error = assert_same_beats(&hear(&piece.left, rate), &piece.truth.beats);
        assert!(error < 2.0, "{rate} Hz: mean error {error} ms");
    }
}

#[test]
fn silence_noise_and_tones_have_no_beats() {
    for (name, piece) in [
        ("silence", testmusic::silence(30.0, 44_100)),
        ("noise", testmusic::noise(30.0, 44_100, 0.3, 1)),
        ("faint noise", testmusic::noise(30.0, 44_100, 3e-5, 2)),
        ("long noise", testmusic::noise(240.0, 22_050, 0.5, 3)),
        ("tone", testmusic::tone(440.0, 30.0, 44_100, 0.5)),
    ] {
        let rhythm = hear(&piece.left, piece.sample_rate_hz);
        assert_eq!(rhythm.beats.len(), 0, "{name}, clarity {}", rhythm.pulse_clarity);
        assert_eq!(rhythm.tempo_bpm, None, "{name}");
        assert!(rhythm.candidates.is_empty() && rhythm.curve.is_empty(), "{name}");
        assert_eq!((rhythm.time_signature, rhythm.tatums_s.len()), (None, 0), "{name}");
    }
    assert!(hear(&testmusic::silence(10.0, 44_100).left, 44_100).onsets.is_empty());
}

#[test]
fn nothing_at_all_is_an_empty_rhythm() {
    assert_eq!(RhythmTracker::new(44_100).finish(), Rhythm::default());
    assert!(hear(&[0.5; 100], 44_100).beats.is_empty());
}

#[test]
fn blocks_of_any_size_give_the_same_rhythm() {
    let mono = Score { bars_per_section: 4, ..Score::demo() }.render().mono();
    let whole = hear(&mono, 44_100);
    assert!(!whole.beats.is_empty());
    let mut rng = Rng::new(5);
    for longest in [1.0, 700.0, 50_000.0] {
        let mut sizes = || 1 + (rng.noise().abs() * longest) as usize;
        assert!(
            listen(&mono, 44_100, std::iter::from_fn(|| Some(sizes()))) == whole,
            "blocks up to {longest}"
        );
    }
}

#[test]
fn the_level_does_not_matter() {
    let mono = Score::demo().render().mono();
    let quiet: Vec<f32> = mono.iter().map(|x| x * 0.125).collect();
    let (a, b) = (hear(&mono, 44_100), hear(&quiet, 44_100));
    assert_eq!(a.beats.len(), b.beats.len());
    for (a, b) in a.beats.iter().zip(&b.beats) {
        assert!((a.time_s - b.time_s).abs() < 0.003, "{a:?} {b:?}");
    }
}

/// Share of the true times that have an estimate within 70 ms, and of the estimates that have a truth.
fn hits(truth: &[f64], times: &[f64]) -> f64 {
    let near = |a: &[f64], b: &[f64]| a.iter().filter(|x| b.iter().any(|y| (*x - y).abs() < 0.07)).count();
    (near(truth, times) + near(times, truth)) as f64 / (truth.len() + times.len()) as f64
}

#[test]
fn bars_tempo_and_time_signature_of_played_music_are_found() {
    // What repeats with each half of a bar may be heard from either half.
    for (style, beats_per_bar, tempo_bpm, signature, least) in [
        (Style::Rock, 4, 96.0, "4/4", 0.0),
        (Style::Rock, 4, 132.0, "4/4", 0.9),
        (Style::House, 4, 124.0, "4/4", 0.0),
        (Style::Waltz, 3, 150.0, "3/4", 0.9),
    ] {
        let score = Score { style, beats_per_bar, tempo_bpm, end_tempo_bpm: tempo_bpm, ..Score::default() };
        let piece = score.render();
        let rhythm = hear(&piece.mono(), 44_100);
        let beats: Vec<f64> = rhythm.beats.iter().map(|b| b.time_s).collect();
        let downbeats: Vec<f64> = rhythm.beats.iter().filter(|b| b.position == 1).map(|b| b.time_s).collect();
        let found = (hits(&piece.truth.beats, &beats), hits(&piece.truth.downbeats, &downbeats));
        assert!(
            found.0 > 0.95 && found.1 >= least,
            "{style:?} at {tempo_bpm}: {found:?}, {:?}",
            rhythm.tempo_bpm
        );
        assert!((f64::from(rhythm.tempo_bpm.unwrap()) - tempo_bpm).abs() < 0.2);
        assert_eq!(rhythm.time_signature.as_deref(), Some(signature), "{style:?} at {tempo_bpm}");
        assert_eq!(rhythm.candidates[0].bpm, rhythm.tempo_bpm.unwrap());
        assert!(rhythm.tatums_s.windows(2).all(|w| w[0] < w[1]));
        assert!(beats.iter().all(|b| rhythm.tatums_s.contains(b)), "every beat is a tatum");
    }
}

#[test]
fn beats_follow_a_tempo_that_rises() {
    let score = Score { tempo_bpm: 100.0, end_tempo_bpm: 132.0, form: "ABAB".into(), ..Score::default() };
    let piece = score.render();
    let rhythm = hear(&piece.mono(), 44_100);
    let beats: Vec<f64> = rhythm.beats.iter().map(|b| b.time_s).collect();
    let found = hits(&piece.truth.beats, &beats);
    assert!(found > 0.95, "{found}");
    let curve = &rhythm.curve;
    assert!(curve.len() > 3 && curve[0].bpm < 108.0 && curve[curve.len() - 1].bpm > 124.0, "{curve:?}");
}

#[test]
fn syllables_at_random_have_no_beat() {
    let (rate, mut rng) = (16_000, Rng::new(11));
    let mut mono = vec![0.0_f32; 60 * 16_000];
    let mut at = 0.2;
    while at < 59.0 {
        let (length, pitch) = (0.06 + 0.2 * rng.noise().abs(), 90.0 + 60.0 * rng.noise());
        let gap = 0.02 + 0.25 * rng.noise().abs() * if rng.noise() > 0.8 { 4.0 } else { 1.0 };
        for i in 0..(length * rate as f32) as usize {
            let t = i as f32 / rate as f32;
            let envelope = (std::f32::consts::PI * t / length).sin();
            let voice: f32 =
                (1..9).map(|h| (std::f32::consts::TAU * pitch * h as f32 * t).sin() / h as f32).sum();
            mono[(at * rate as f32) as usize + i] += 0.2 * envelope * (voice + 0.2 * rng.noise());
        }
        at += length + gap;
    }
    let rhythm = hear(&mono, rate);
    assert_eq!(rhythm.beats.len(), 0, "clarity {}", rhythm.pulse_clarity);
    assert!(rhythm.onsets.len() > 50);
}

#[test]
fn onsets_are_found_at_their_times() {
    let piece = testmusic::clicks(93.0, 0.4, 20.0, 44_100);
    let onsets = hear(&piece.left, 44_100).onsets;
    assert_eq!(onsets.len(), piece.truth.beats.len());
    for (onset, truth) in onsets.iter().zip(&piece.truth.beats) {
        assert!((onset.time_s - truth).abs() < 0.005, "{onset:?} for {truth}");
    }
}
