//! Chroma, tuning and key of signals whose notes are known.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths and samples of short signals made here"
)]

use analysis_core::chroma::{ChromaAnchor, ChromaExtractor, ChromaTrack, PitchClasses};
use analysis_core::tonal::{Tonal, TonalAnalyzer};
use analysis_core::units::midi_to_hz;
use proptest::prelude::*;
use testmusic::{Rng, Score, Style};

const RATE: u32 = 44_100;
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// Notes given as (fractional) MIDI numbers, each with six harmonics, under a short fade at both ends.
fn chord(notes: &[f32], seconds: f32, rate: u32) -> Vec<f32> {
    let length = (seconds * rate as f32) as usize;
    let mut out = vec![0.0_f32; length];
    for &note in notes {
        for harmonic in 1..=6_u8 {
            let hz = f64::from(midi_to_hz(note)) * f64::from(harmonic);
            if hz > 0.45 * f64::from(rate) {
                continue;
            }
            let step = std::f64::consts::TAU * hz / f64::from(rate);
            for (n, sample) in out.iter_mut().enumerate() {
                *sample +=
                    0.1 / f32::from(harmonic) * ((n as f64 * step) % std::f64::consts::TAU).sin() as f32;
            }
        }
    }
    let fade = ((0.02 * rate as f32) as usize).min(length / 2);
    for n in 0..fade {
        let gain = n as f32 / fade as f32;
        out[n] *= gain;
        out[length - 1 - n] *= gain;
    }
    out
}

/// Tonic, subdominant, dominant with seventh, tonic, each over its root; twice, a second a chord.
fn cadence(tonic: f32, minor: bool, rate: u32) -> Vec<f32> {
    let third = if minor { 3.0 } else { 4.0 };
    let chords: [&[f32]; 4] = [
        &[-12.0, 0.0, third, 7.0],
        &[-7.0, 0.0, 5.0, 5.0 + third],
        &[-5.0, -1.0, 2.0, 5.0, 7.0],
        &[-12.0, 0.0, third, 7.0],
    ];
    let mut out = Vec::new();
    for notes in chords.iter().cycle().take(8) {
        let notes: Vec<f32> = notes.iter().map(|note| 60.0 + tonic + note).collect();
        out.extend(chord(&notes, 1.0, rate));
    }
    out
}

/// Kick (a falling sine), hat, snare (noise and two tones), hat, four hits a second.
fn drums(seconds: f32) -> Vec<f32> {
    let mut rng = Rng::new(9);
    let length = (seconds * RATE as f32) as usize;
    let mut out = vec![0.0_f32; length];
    for hit in 0..(seconds * 4.0) as usize {
        let start = hit * RATE as usize / 4;
        for (n, sample) in out[start..(start + 11_000).min(length)].iter_mut().enumerate() {
            let t = n as f32 / RATE as f32;
            let noise = (rng.unit() * 2.0 - 1.0) as f32;
            let sine = |cycles: f32| (std::f32::consts::TAU * cycles).sin();
            *sample += match hit % 4 {
                0 => 0.8 * sine(55.0 * t - 4.0 * (-t * 40.0).exp()) * (-t * 18.0).exp(),
                2 => (0.5 * noise + 0.2 * sine(187.0 * t) + 0.2 * sine(331.0 * t)) * (-t * 25.0).exp(),
                _ => 0.2 * noise * (-t * 70.0).exp(),
            };
        }
    }
    out
}

fn anchors(mono: &[f32], rate: u32) -> Vec<ChromaAnchor> {
    let mut extractor = ChromaExtractor::new(rate);
    let mut out = Vec::new();
    extractor.push(mono, &mut |anchor| out.push(*anchor));
    extractor.finish(&mut |anchor| out.push(*anchor));
    out
}

fn listen(mono: &[f32], rate: u32) -> Tonal {
    let mut analyzer = TonalAnalyzer::new(rate);
    analyzer.push(mono, &mut |_| {});
    analyzer.finish(&mut |_| {})
}

fn key_name(tonal: &Tonal) -> Option<&str> {
    tonal.keys.key.as_ref().map(|key| key.name.as_str())
}

fn name(tonic: usize, minor: bool) -> String {
    format!("{} {}", NAMES[tonic], if minor { "minor" } else { "major" })
}

fn strongest(classes: &PitchClasses) -> usize {
    (0..12).max_by(|&a, &b| classes[a].total_cmp(&classes[b])).unwrap_or(0)
}

#[track_caller]
fn check_no_key(what: &str, mono: &[f32]) {
    let tonal = listen(mono, RATE);
    assert_eq!(key_name(&tonal), None, "{what}");
    assert!(tonal.keys.spans.is_empty() && tonal.keys.events().is_empty(), "{what}");
}

#[test]
fn a_cadence_in_each_of_the_24_keys_is_named() {
    for tonic in 0..12 {
        for minor in [false, true] {
            let tonal = listen(&cadence(tonic as f32 - 6.0, minor, RATE), RATE);
            assert_eq!(key_name(&tonal), Some(name((tonic + 6) % 12, minor).as_str()));
            let key = tonal.keys.key.unwrap();
            assert!(key.confidence > 0.0 && key.confidence <= 1.0);
            assert_eq!(tonal.keys.spans[0].key, key);
            assert_ne!(key.runner_up.unwrap(), key.name);
        }
    }
}

#[test]
fn detuned_music_keeps_its_key_and_tells_its_tuning() {
    for cents in [-40.0_f32, -17.0, 0.0, 25.0, 40.0] {
        for (tonic, minor) in [(0, false), (4, true), (10, false)] {
            let tonal = listen(&cadence(tonic as f32 + cents / 100.0, minor, RATE), RATE);
            assert_eq!(key_name(&tonal), Some(name(tonic, minor).as_str()), "{cents} cents");
            let heard = 1200.0 * (tonal.tuning_hz.unwrap() / 440.0).log2();
            // Tempered chords' pure harmonics pull by 2 cents (fifths) to 14 (thirds, weaker).
            assert!((heard - cents).abs() < 4.0, "{cents} cents heard as {heard}");
        }
    }
}

#[test]
fn music_half_way_between_two_notes_does_not_jump_between_them() {
    let whole = anchors(&cadence(0.5, false, RATE), RATE);
    // Seconds 0, 3, 4 and 7 hold the same chord.
    let tops: Vec<usize> = [5, 35, 45, 75].iter().map(|&i| strongest(&whole[i].chroma)).collect();
    assert!(tops.iter().all(|&top| top == tops[0]), "{tops:?}");
}

#[test]
fn the_notes_of_a_chord_lead_its_chroma_and_its_root_the_bass() {
    let heard = anchors(&chord(&[45.0, 57.0, 60.0, 64.0], 2.0, RATE), RATE);
    let chroma = heard[10].chroma;
    let mut order: Vec<usize> = (0..12).collect();
    order.sort_by(|&a, &b| chroma[b].total_cmp(&chroma[a]));
    let mut leading = order[..3].to_vec();
    leading.sort_unstable();
    assert_eq!(leading, [0, 4, 9], "{chroma:?}");
    assert_eq!(strongest(&heard[10].bass), 9);
}

#[test]
fn transposing_music_turns_its_chroma() {
    // Sines, since the harmonics of a chord meet in one bin and beat at a rate that transposing changes.
    let chord = |steps: usize| -> Vec<f32> {
        let hz = [48.0, 55.0, 64.0, 70.0_f32].map(|note| midi_to_hz(note + steps as f32) / RATE as f32);
        (0..RATE)
            .map(|n| hz.iter().map(|hz| 0.2 * (std::f32::consts::TAU * (hz * n as f32).fract()).sin()).sum())
            .collect()
    };
    let plain = anchors(&chord(0), RATE)[5].chroma;
    for steps in 1..12 {
        let turned = anchors(&chord(steps), RATE)[5].chroma;
        for class in 0..12 {
            // The parabola's error at other places between bins.
            assert!(
                (turned[(class + steps) % 12] - plain[class]).abs() < 0.06,
                "{steps}: {turned:?} {plain:?}"
            );
        }
    }
}

#[test]
fn every_rate_hears_the_same_chord_and_key() {
    for rate in [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000] {
        let tonal = listen(&cadence(2.0, true, rate), rate);
        assert_eq!(key_name(&tonal), Some("D minor"), "{rate} Hz");
        let heard = anchors(&chord(&[50.0, 62.0, 65.0, 69.0], 1.0, rate), rate);
        assert_eq!(heard.len(), 10, "{rate} Hz");
        let chroma = heard[5].chroma;
        assert!(chroma[2] > 0.6 && chroma[5] > 0.4 && chroma[9] > 0.4, "{rate} Hz: {chroma:?}");
    }
}

#[test]
fn silence_and_noise_have_no_chroma_key_or_tuning() {
    let silence = vec![0.0; 10 * RATE as usize];
    assert!(anchors(&silence, RATE).iter().all(|a| a.chroma == [0.0; 12] && a.bass == [0.0; 12]));
    assert_eq!(listen(&silence, RATE), Tonal::default());
    let noise = testmusic::noise(20.0, RATE, 0.5, 3).mono();
    let sounding = anchors(&noise, RATE).iter().filter(|a| a.chroma != [0.0; 12]).count();
    assert!(sounding <= 1, "{sounding} of 200 anchors");
    assert_eq!(listen(&noise, RATE), Tonal::default());
}

#[test]
fn nothing_at_all_has_no_anchors_and_no_key() {
    assert!(anchors(&[], RATE).is_empty());
    assert_eq!(listen(&[], RATE), Tonal::default());
    assert_eq!(anchors(&[0.1], RATE).len(), 1);
}

#[test]
fn one_tone_has_a_tuning_but_no_key() {
    let tone = testmusic::tone(444.0, 20.0, RATE, 0.5).mono();
    check_no_key("a steady tone", &tone);
    let a4 = listen(&tone, RATE).tuning_hz.unwrap();
    assert!((a4 - 444.0).abs() < 0.5, "{a4}");
}

#[test]
fn drums_alone_have_no_key() {
    check_no_key("clicks", &testmusic::clicks(120.0, 0.5, 30.0, RATE).mono());
    check_no_key("drums", &drums(30.0));
    assert_eq!(listen(&drums(30.0), RATE).tuning_hz, None);
}

#[test]
fn tone_rows_have_no_key() {
    let mut rng = Rng::new(5);
    let mut atonal = Vec::new();
    for _ in 0..6 {
        let mut notes: Vec<(u64, f32)> = (0..12).map(|note| (rng.next_u64(), 55.0 + note as f32)).collect();
        notes.sort_by_key(|note| note.0);
        atonal.extend(notes.iter().flat_map(|note| chord(&[note.1], 0.4, RATE)));
    }
    check_no_key("a tone row", &atonal);
}

/// The MIREX weight of an answer: same 1, fifth 0.5, relative 0.3, parallel 0.2.
fn mirex(tonic: usize, minor: bool, answer: &str) -> f32 {
    let is = |tonic: usize, minor: bool| answer == name(tonic % 12, minor);
    let relative = if minor { tonic + 3 } else { tonic + 9 };
    match () {
        () if is(tonic, minor) => 1.0,
        () if is(tonic + 7, minor) || is(tonic + 5, minor) => 0.5,
        () if is(relative, !minor) => 0.3,
        () if is(tonic, !minor) => 0.2,
        () => 0.0,
    }
}

#[test]
fn generated_pieces_in_several_styles_keep_their_key() {
    let (mut weights, mut wrong) = (Vec::new(), Vec::new());
    for style in [Style::Rock, Style::House, Style::Waltz, Style::Ballad] {
        for index in 0..6_u8 {
            let (tonic, minor) = (index * 5 % 12, index % 2 == 1);
            let beats_per_bar = if style == Style::Waltz { 3 } else { 4 };
            let score =
                Score { tonic, minor, style, beats_per_bar, seed: u64::from(index), ..Score::default() };
            let tonal = listen(&score.render().mono(), RATE);
            assert_eq!(tonal.keys.spans.len(), 1, "{style:?}: {:?}", tonal.keys.spans);
            let answer = key_name(&tonal).unwrap_or_default();
            let weight = mirex(usize::from(tonic), minor, answer);
            weights.push(weight);
            assert!(minor || weight == 1.0, "{style:?} in {}: {answer}", name(usize::from(tonic), minor));
            if weight < 1.0 {
                wrong.push((style, name(usize::from(tonic), minor), answer.to_owned()));
            }
        }
    }
    // Loops in natural minor hold the very notes of their relative major: some are taken for it.
    let mean = weights.iter().sum::<f32>() / weights.len() as f32;
    assert!(mean >= 0.8, "{mean}: {wrong:?}");
}

#[test]
fn a_change_of_key_is_an_event_where_it_happens() {
    let repeat = |tonic: f32| cadence(tonic, false, RATE).repeat(5);
    let tonal = listen(&[repeat(0.0), repeat(6.0)].concat(), RATE);
    let names: Vec<&str> = tonal.keys.spans.iter().map(|span| span.key.name.as_str()).collect();
    assert_eq!(names, ["C major", "F# major"]);
    let change = tonal.keys.spans[1].start_ms;
    assert!(change.abs_diff(40_000) <= 6_000, "{change}");
    assert_eq!(tonal.keys.spans[0].end_ms, change);
    assert_eq!(tonal.keys.spans[1].end_ms, 80_000);
    assert_eq!(tonal.keys.events().len(), 2);
}

#[test]
fn a_track_interpolates_between_anchors_and_holds_the_last() {
    let anchor =
        |index: u64, level: f32| ChromaAnchor { index, chroma: [level; 12], ..ChromaAnchor::default() };
    let mut track = ChromaTrack::default();
    assert_eq!(track.at_ms(0), None);
    let at = |track: &ChromaTrack, ms: u64| track.at_ms(ms).map(|classes| classes[0]);
    track.push(&anchor(0, 0.2));
    assert_eq!((at(&track, 0), at(&track, 10)), (Some(0.2), None));
    track.push(&anchor(1, 0.6));
    assert!((at(&track, 25).unwrap() - 0.3).abs() < 1e-6);
    assert_eq!((at(&track, 0), at(&track, 100), at(&track, 101)), (Some(0.2), Some(0.6), None));
    track.finish();
    assert_eq!(at(&track, 195), Some(0.6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn blocks_of_any_size_give_the_same(sizes in prop::collection::vec(1_usize..30_000, 1..40)) {
        let rate = 22_050;
        let mono = cadence(3.3, true, rate);
        let mut analyzer = TonalAnalyzer::new(rate);
        let (mut heard, mut rest) = (Vec::new(), mono.as_slice());
        for size in sizes.iter().cycle() {
            let (block, after) = rest.split_at((*size).min(rest.len()));
            analyzer.push(block, &mut |anchor| heard.push(*anchor));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let tonal = analyzer.finish(&mut |anchor| heard.push(*anchor));
        prop_assert_eq!(tonal, listen(&mono, rate));
        prop_assert_eq!(heard, anchors(&mono, rate));
    }

    #[test]
    fn no_samples_make_it_panic(samples in prop::collection::vec(any::<f32>(), 0..3_000), rate in 8_000_u32..50_000) {
        listen(&samples, rate);
    }
}
