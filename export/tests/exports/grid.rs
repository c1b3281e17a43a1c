//! The grid against the beats that it is made from: every beat has a line, and the line counts as the beat does.

use crate::support::beat;
use analysis_core::events::Event;
use analysis_core::summary::MeterPoint;
use export::grid::{Anchor, TOLERANCE_MS, anchors};
use proptest::prelude::*;

/// Beats at these times, in bars of `metre`.
fn beats(times_ms: &[u32], metre: usize) -> Vec<Event> {
    let place = |(i, &ms): (usize, &u32)| {
        beat(ms, u32::try_from(i / metre).unwrap() + 1, u8::try_from(i % metre).unwrap() + 1)
    };
    times_ms.iter().enumerate().map(place).collect()
}

fn signatures(all: &[(u32, &str)]) -> Vec<MeterPoint> {
    all.iter().map(|&(time_ms, s)| MeterPoint { time_ms, time_signature: s.into() }).collect()
}

fn grid(times_ms: &[u32], metre: usize) -> Vec<Anchor> {
    anchors(beats(times_ms, metre).into_iter(), &signatures(&[(0, &format!("{metre}/4"))]))
}

/// Lines as a reader draws them, up to `end_ms`: time, and beat of the bar.
fn lines(anchors: &[Anchor], end_ms: f64) -> Vec<(f64, u8)> {
    let mut lines = Vec::new();
    for (i, anchor) in anchors.iter().enumerate() {
        let until = anchors.get(i + 1).map_or(end_ms, |next| f64::from(next.time_ms));
        let period = 6_000_000.0 / f64::from(anchor.centi_bpm);
        let line = |n: u32| {
            let count = (u32::from(anchor.position) - 1 + n) % u32::from(anchor.metre.beats) + 1;
            (f64::from(anchor.time_ms) + f64::from(n) * period, u8::try_from(count).unwrap())
        };
        lines.extend((0..).map(line).take_while(|(time, _)| *time < until));
    }
    lines
}

#[track_caller]
fn assert_fits(times_ms: &[u32], positions: &[u8], anchors: &[Anchor]) {
    let lines = lines(anchors, f64::from(*times_ms.last().unwrap()) + TOLERANCE_MS);
    for (&time, &position) in times_ms.iter().zip(positions) {
        let fits = |line: &&(f64, u8)| (line.0 - f64::from(time)).abs() <= TOLERANCE_MS && line.1 == position;
        assert!(lines.iter().any(|line| fits(&line)), "no line at {time} ms, beat {position}: {anchors:?}");
    }
}

/// As a machine plays, rounded to ms.
fn steady(bpm: f64, count: u32) -> Vec<u32> {
    (0..count).map(|i| whole(250.0 + f64::from(i) * 60_000.0 / bpm)).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times made here are small")]
fn whole(ms: f64) -> u32 {
    ms.round() as u32
}

#[test]
fn a_steady_tempo_of_two_decimals_is_one_stretch_however_long() {
    for bpm in [60.0, 116.0, 127.35, 174.0] {
        let times = steady(bpm, 20_000);
        let got = grid(&times, 4);
        assert_eq!(got.len(), 1, "{bpm}: {got:?}");
        assert_eq!(f64::from(got[0].centi_bpm), bpm * 100.0);
        assert_eq!((got[0].position, got[0].metre.to_string().as_str()), (1, "4/4"));
    }
}

#[test]
fn what_two_decimals_lose_adds_up_and_is_made_good_by_a_new_stretch() {
    // A beat is 0.0208 ms too long or short at 120.00: after 400 beats 8 ms.
    let times = steady(120.005, 20_000);
    let got = grid(&times, 4);
    assert!((20..=60).contains(&got.len()), "{}", got.len());
    assert_fits(&times, &counted(times.len(), 4), &got);
}

fn counted(count: usize, metre: usize) -> Vec<u8> {
    (0..count).map(|i| u8::try_from(i % metre).unwrap() + 1).collect()
}

#[test]
fn a_new_tempo_is_a_new_stretch_at_the_beat_where_it_begins() {
    let mut times = steady(120.0, 33);
    let last = *times.last().unwrap();
    times.extend((1..33).map(|i| last + i * 400));
    let got = grid(&times, 4);
    let found: Vec<(u32, u32)> = got.iter().map(|anchor| (anchor.time_ms, anchor.centi_bpm)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].0.abs_diff(last) <= 1, "{found:?}");
    assert!(found[0].1 == 12_000 && found[1].1.abs_diff(15_000) <= 1, "{found:?}");
    assert_fits(&times, &counted(times.len(), 4), &got);
}

#[test]
fn a_new_metre_is_a_new_stretch_and_so_is_a_bar_of_another_length() {
    let times = steady(120.0, 23);
    // A pick-up of one beat, bars of 4, one of 5, one of 2, bars of 3.
    let positions = [4, 1, 2, 3, 4, 1, 2, 3, 4, 5, 1, 2, 3, 4, 1, 2, 1, 2, 3, 1, 2, 3, 1];
    let events = times.iter().zip(positions).map(|(&ms, position)| beat(ms, 1, position));
    let got = anchors(events, &signatures(&[(250, "4/4"), (times[16], "3/4")]));
    let metres: Vec<String> =
        got.iter().map(|anchor| format!("{} {}", anchor.metre, anchor.position)).collect();
    assert_eq!(metres, ["4/4 4", "5/4 1", "4/4 1", "3/4 1"]);
    assert_fits(&times, &positions, &got);
    let counts: Vec<u8> = lines(&got, f64::from(times[22]) + 10.0).iter().map(|line| line.1).collect();
    assert_eq!(counts, positions, "no line beside a line");
}

#[test]
fn two_beats_of_three_eighths_are_two_lines_a_bar() {
    let times = steady(80.0, 16);
    let got = anchors(beats(&times, 2).into_iter(), &signatures(&[(0, "6/8")]));
    assert_eq!((got.len(), got[0].metre.to_string().as_str()), (1, "2/4"));
    let six = anchors(beats(&times, 6).into_iter(), &signatures(&[(0, "6/8")]));
    assert_eq!((six.len(), six[0].metre.to_string().as_str()), (1, "6/8"));
}

#[test]
fn lines_go_on_through_a_pause_at_the_tempo_around_it() {
    let mut times = steady(120.0, 16);
    let rest = times.last().unwrap() + 6 * 500 + 40;
    times.extend((0..16).map(|i| rest + i * 500));
    let got = grid(&times, 4);
    assert_fits(&times, &counted(times.len(), 4), &got);
    assert!(got.iter().all(|anchor| (11_500..=12_500).contains(&anchor.centi_bpm)), "{got:?}");
    // An hour without a beat: no tempo of two decimals meets the next one.
    let hour: Vec<u32> =
        steady(120.0, 16).into_iter().chain(steady(120.0, 16).iter().map(|t| t + 3_600_123)).collect();
    assert_fits(&hour, &counted(32, 4), &grid(&hour, 4));
}

#[test]
fn fewer_than_two_beats_are_no_grid() {
    assert_eq!(grid(&[], 4), []);
    assert_eq!(grid(&[700], 4), []);
    assert_eq!(grid(&[700, 750], 4), [], "no music has 1200 BPM");
    assert_eq!(grid(&[700, 1200], 4).len(), 1);
}

proptest! {
    #[test]
    fn every_beat_has_a_line_that_counts_as_it_does(
        intervals in prop::collection::vec(100_u32..3000, 1..120),
        positions in prop::collection::vec(1_u8..8, 121),
        signature in prop::sample::select(vec!["4/4", "3/4", "6/8", "7/8", "0/4", "none"]),
    ) {
        let mut time = 5;
        let times: Vec<u32> = std::iter::once(0).chain(intervals).map(|step| { time += step; time }).collect();
        let events = times.iter().zip(&positions).map(|(&ms, &position)| beat(ms, 1, position));
        let got = anchors(events, &signatures(&[(0, signature)]));
        assert_fits(&times, &positions[..times.len()], &got);
    }

    #[test]
    fn a_played_tempo_has_one_line_a_beat_and_no_more(
        bpm in 50.0..190.0_f64,
        drift in 0.0..0.05_f64,
        jitter in prop::collection::vec(-4.0..4.0_f64, 200),
    ) {
        let mut time = 300.0;
        let pace = |i: usize| 1.0 + drift * (i as f64 / 9.0).sin();
        let times: Vec<u32> = jitter.iter().enumerate().map(|(i, off)| {
            time += 60_000.0 / (bpm * pace(i));
            whole(time + off)
        }).collect();
        let got = grid(&times, 4);
        assert_fits(&times, &counted(times.len(), 4), &got);
        prop_assert_eq!(lines(&got, f64::from(times[199]) + TOLERANCE_MS).len(), times.len());
    }
}
