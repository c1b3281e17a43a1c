//! Sections of pieces whose form is known.

use analysis_core::chroma::ChromaExtractor;
use analysis_core::events::{EventData, EventType};
use analysis_core::stft::Stft;
use analysis_core::structure::{Section, StructureTracker};
use testmusic::{Score, Style};

const RATE: u32 = 22_050;

fn sections(mono: &[f32], downbeats_s: &[f64]) -> Vec<Section> {
    let mut stft = Stft::new(RATE, 10);
    let mut chroma = ChromaExtractor::new(RATE);
    let mut tracker = StructureTracker::new(stft.bins(), stft.bin_hz());
    stft.push(mono, &mut |power| tracker.push_spectrum(power));
    stft.finish(&mut |power| tracker.push_spectrum(power));
    chroma.push(mono, &mut |anchor| tracker.push_anchor(anchor));
    chroma.finish(&mut |anchor| tracker.push_anchor(anchor));
    tracker.finish(downbeats_s, mono.len() as f64 / f64::from(RATE))
}

fn piece(form: &str, style: Style, minor: bool, seed: u64) -> Score {
    Score { form: form.into(), style, minor, seed, sample_rate_hz: RATE, ..Score::default() }
}

/// Starts and labels of the truth, neighbours of one letter joined: nothing audible parts them.
fn truth(score: &testmusic::Truth) -> Vec<(f64, char)> {
    let mut joined = score.sections.clone();
    joined.dedup_by_key(|section| section.1);
    joined
}

fn starts_s(sections: &[Section]) -> Vec<f64> {
    sections.iter().skip(1).map(|section| section.start_ms as f64 / 1000.0).collect()
}

/// F-measure of boundaries within `window` seconds.
fn f_measure(heard: &[f64], expected: &[f64], window: f64) -> f64 {
    let hits = |of: &[f64], among: &[f64]| {
        of.iter().filter(|t| among.iter().any(|u| (*t - u).abs() <= window)).count() as f64
            / of.len().max(1) as f64
    };
    let (recall, precision) = (hits(expected, heard), hits(heard, expected));
    if recall + precision > 0.0 { 2.0 * recall * precision / (recall + precision) } else { 0.0 }
}

#[test]
fn boundaries_of_known_forms_are_found_with_and_without_bars() {
    let (mut with_bars, mut without, mut count) = (0.0, 0.0, 0.0);
    for (i, form) in ["ABAB", "ABCB", "ABAC"].into_iter().enumerate() {
        for style in [Style::Rock, Style::Waltz, Style::Ballad] {
            let beats_per_bar = if style == Style::Waltz { 3 } else { 4 };
            let score = Score { beats_per_bar, ..piece(form, style, i == 1, 11 + i as u64) };
            let piece = score.render();
            let expected: Vec<f64> = truth(&piece.truth).iter().skip(1).map(|section| section.0).collect();
            let mono = piece.mono();
            with_bars += f_measure(&starts_s(&sections(&mono, &piece.truth.downbeats)), &expected, 0.5);
            without += f_measure(&starts_s(&sections(&mono, &[])), &expected, 3.0);
            count += 1.0;
        }
    }
    let (with_bars, without) = (with_bars / count, without / count);
    assert!(with_bars >= 0.65, "F at 0.5 s with bars: {with_bars}");
    assert!(without >= 0.65, "F at 3 s without bars: {without}");
}

#[test]
fn a_section_that_returns_gets_its_letter_back() {
    let piece = piece("ABA", Style::Waltz, false, 5).render();
    let piece_truth = truth(&piece.truth);
    let found = sections(&piece.mono(), &piece.truth.downbeats);
    let labels: Vec<&str> = found.iter().map(|section| section.label.as_str()).collect();
    assert_eq!(labels, ["A", "B", "A"], "{piece_truth:?} {found:?}");
}

#[test]
fn sections_tile_the_track_and_start_on_downbeats() {
    let piece = piece("ABAB", Style::Waltz, false, 5).render();
    let found = sections(&piece.mono(), &piece.truth.downbeats);
    assert!(found.len() >= 2, "{found:?}");
    assert_eq!(found[0].start_ms, 0);
    assert_eq!(found[found.len() - 1].end_ms, (piece.mono().len() as u64 * 1000 + 11_025) / 22_050);
    for pair in found.windows(2) {
        assert_eq!(pair[0].end_ms, pair[1].start_ms);
        assert_ne!(pair[0].label, pair[1].label);
    }
    for section in &found[1..] {
        let start = section.start_ms as f64 / 1000.0;
        assert!(piece.truth.downbeats.iter().any(|downbeat| (downbeat - start).abs() < 0.001), "{start}");
    }
    let event = found[1].event();
    assert_eq!((event.event_type, u64::from(event.time_ms)), (EventType::Section, found[1].start_ms));
    assert_eq!(event.event_data, Some(EventData::Section { label: found[1].label.clone() }));
    assert!(event.confidence.is_some_and(|confidence| (0.0..=1.0).contains(&confidence)));
}

#[test]
fn nothing_silence_noise_a_tone_and_short_music_have_no_sections() {
    assert_eq!(sections(&[], &[]), []);
    assert_eq!(sections(&testmusic::silence(60.0, RATE).mono(), &[]), []);
    assert_eq!(sections(&testmusic::noise(60.0, RATE, 0.3, 4).mono(), &[]), []);
    assert_eq!(sections(&testmusic::tone(440.0, 60.0, RATE, 0.4).mono(), &[]), []);
    assert_eq!(sections(&testmusic::clicks(120.0, 0.0, 60.0, RATE).mono(), &[]), []);
    let short = Score { bars_per_section: 2, ..piece("AB", Style::Waltz, false, 5) }.render();
    assert_eq!(sections(&short.mono(), &short.truth.downbeats), []);
}

#[test]
fn odd_downbeats_do_not_break_it() {
    let piece = piece("ABAB", Style::Rock, false, 5).render();
    let mono = piece.mono();
    for downbeats in [vec![f64::NAN; 20], vec![-5.0; 20], vec![1e9; 20], vec![3.0; 20], vec![0.0]] {
        let found = sections(&mono, &downbeats);
        assert!(found.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
    }
}

#[test]
fn the_same_audio_gives_the_same_sections() {
    let piece = piece("ABC", Style::House, true, 8).render();
    let mono = piece.mono();
    assert_eq!(sections(&mono, &piece.truth.downbeats), sections(&mono, &piece.truth.downbeats));
}
