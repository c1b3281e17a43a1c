//! Fades of music that was faded at known times, and of music that was not.

#![expect(clippy::cast_possible_truncation, reason = "samples of signals that the test makes")]

use analysis_core::envelope::Envelope;
use analysis_core::fades::{FadeTracker, Fades};
use testmusic::styles::{Genre, Song};
use testmusic::{Score, Style, Voice};

const RATE: u32 = 16_000;

fn fades(mono: &[f32]) -> Option<Fades> {
    let mut tracker = FadeTracker::default();
    Envelope::new(RATE).push(mono, &mut |deviation| tracker.push(deviation));
    tracker.finish(mono.len() as u64 * 1000 / u64::from(RATE))
}

/// A minute or so of music that begins and ends at full level.
fn music(style: Style, seed: u64) -> Vec<f32> {
    let beats_per_bar = if style == Style::Waltz { 3 } else { 4 };
    let form = "ABAB".to_owned();
    let score =
        Score { style, seed, form, beats_per_bar, lead_in_s: 0.0, sample_rate_hz: RATE, ..Score::default() };
    let mut mono = score.render().mono();
    mono.truncate(mono.len() - 2 * RATE as usize);
    mono
}

#[derive(Debug, Clone, Copy)]
enum Ramp {
    Linear,
    Decibels(f64),
}

impl Ramp {
    fn gain(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Decibels(depth) => 10_f64.powf(-depth * (1.0 - place) / 20.0),
        }
    }
}

fn seconds(mono: &[f32]) -> f64 {
    mono.len() as f64 / f64::from(RATE)
}

fn faded_out(mono: &[f32], ramp: Ramp, length_s: f64) -> Vec<f32> {
    let from = seconds(mono) - length_s;
    let gain = |n: usize| {
        let t = n as f64 / f64::from(RATE);
        if t < from { 1.0 } else { ramp.gain(1.0 - (t - from) / length_s) }
    };
    mono.iter().enumerate().map(|(n, x)| x * gain(n) as f32).collect()
}

fn backwards(mono: &[f32]) -> Vec<f32> {
    mono.iter().rev().copied().collect()
}

#[test]
fn most_fades_are_found_within_half_a_second_or_so() {
    let mut errors = Vec::new();
    for style in [Style::Rock, Style::House, Style::Waltz, Style::Ballad] {
        let mono = music(style, 3);
        for (ramp, length_s) in [Ramp::Linear, Ramp::Decibels(40.0), Ramp::Decibels(60.0)]
            .into_iter()
            .flat_map(|ramp| [4.0, 7.0, 12.0, 20.0].map(|length_s| (ramp, length_s)))
        {
            let from = seconds(&mono) - length_s;
            let out = fades(&faded_out(&mono, ramp, length_s)).unwrap();
            let into = fades(&backwards(&faded_out(&backwards(&mono), ramp, length_s))).unwrap();
            let out_error = out.out_start_ms as f64 / 1000.0 - from;
            let in_error = into.in_end_ms as f64 / 1000.0 - length_s;
            println!("{style:?} {ramp:?} {length_s} s: out {out_error:+.1} s, in {in_error:+.1} s");
            assert_eq!(out.in_end_ms, 0, "{style:?} {ramp:?} {length_s}");
            assert_eq!(into.out_start_ms, mono.len() as u64 / 16, "{style:?} {ramp:?} {length_s}");
            errors.extend([out_error.abs(), in_error.abs()]);
        }
    }
    errors.sort_unstable_by(f64::total_cmp);
    let (median, most) = (errors[errors.len() / 2], errors[errors.len() * 9 / 10]);
    println!("median error {median:.2} s, nine in ten within {most:.2} s, largest {:?}", errors.last());
    // The waltz and the ballad swell by themselves, by as much as a fade has lost after a second or two.
    assert!(median <= 0.6 && most <= 1.5, "median error {median:.2} s, nine in ten within {most:.2} s");
}

#[test]
fn music_that_starts_and_stops_at_once_has_no_fades() {
    for style in [Style::Rock, Style::House, Style::Waltz, Style::Ballad] {
        let mono = music(style, 5);
        let whole = Fades { in_end_ms: 0, out_start_ms: mono.len() as u64 / 16 };
        assert_eq!(fades(&mono), Some(whole), "{style:?}");
    }
}

#[test]
fn notes_that_ring_on_are_no_fade_of_many_seconds() {
    for (voice, seed) in [(Voice::Piano, 1), (Voice::Pluck, 2), (Voice::Band, 3), (Voice::Strings, 4)] {
        let (piece, _) = testmusic::solo(voice, 60, RATE, seed);
        let found = fades(&piece.mono()).unwrap();
        let end_ms = piece.mono().len() as u64 / 16;
        assert!(found.out_start_ms + 2_500 > end_ms, "{voice:?}: {found:?} of {end_ms}");
    }
    // A last chord of eight seconds, with partials that beat.
    let mut mono = music(Style::Rock, 1);
    let chord = |n: usize| {
        let t = n as f64 / f64::from(RATE);
        let partials = [110.0, 138.6, 164.8, 220.4, 277.0];
        let sum: f64 = partials.iter().map(|hz| (std::f64::consts::TAU * hz * t).sin()).sum();
        (0.12 * (-0.6 * t).exp() * sum) as f32
    };
    mono.extend((0..8 * RATE as usize).map(chord));
    let end_ms = mono.len() as u64 / 16;
    assert_eq!(fades(&mono).unwrap().out_start_ms, end_ms);
}

#[test]
fn songs_of_every_genre_end_without_a_fade_of_many_seconds() {
    for genre in Genre::ALL {
        let mut song = Song::random(genre, 4);
        song.sample_rate_hz = RATE;
        let piece = song.render();
        let found = fades(&piece.mono()).unwrap();
        let (end_ms, first) = (piece.mono().len() as u64 / 16, piece.truth.beats[0]);
        println!("{genre}: {found:?} of {end_ms}, first beat {first}");
        assert!(found.out_start_ms + 3_500 > end_ms, "{genre}: {found:?} of {end_ms}");
        assert!(found.in_end_ms as f64 / 1000.0 < first + 2.5, "{genre}: {found:?}, first beat {first}");
    }
}

#[test]
fn a_quiet_coda_is_no_fade() {
    let mut mono = music(Style::Rock, 2);
    let from = mono.len() - 10 * RATE as usize;
    mono[from..].iter_mut().for_each(|x| *x *= 0.1);
    assert_eq!(fades(&mono).unwrap().out_start_ms, mono.len() as u64 / 16);
}

#[test]
fn music_that_softens_before_it_stops_does_not_fade() {
    for style in [Style::Rock, Style::House] {
        let mono = faded_out(&music(style, 2), Ramp::Decibels(12.5), 20.0);
        assert_eq!(fades(&mono).unwrap().out_start_ms, mono.len() as u64 / 16, "{style:?}");
    }
}

#[test]
fn silence_before_the_music_counts_to_its_fade_in() {
    let silence = vec![0.0; 3 * RATE as usize];
    let mono = [silence.as_slice(), &music(Style::House, 1)].concat();
    assert_eq!(fades(&mono).unwrap().in_end_ms, 3_000);
    let faded = backwards(&faded_out(&backwards(&music(Style::House, 1)), Ramp::Linear, 8.0));
    let found = fades(&[silence.as_slice(), &faded].concat()).unwrap();
    assert!(found.in_end_ms.abs_diff(11_000) < 1_200, "{found:?}");
}

#[test]
fn silence_has_no_fades_and_a_moment_has_none_to_find() {
    assert_eq!(fades(&[]), None);
    assert_eq!(fades(&testmusic::silence(20.0, RATE).left), None);
    assert_eq!(fades(&testmusic::noise(20.0, RATE, 1e-5, 1).left), None);
    let moment = testmusic::noise(0.05, RATE, 0.5, 1).left;
    assert_eq!(fades(&moment), Some(Fades { in_end_ms: 0, out_start_ms: 50 }));
}
