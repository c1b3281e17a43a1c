//! What holds of a grid whatever a person says about it.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use analysis_core::regrid::{Correction, Factor, Grid, Heard, MachineBeat, Origin, SAME_MS, regrid};
use analysis_core::summary::Summary;
use proptest::prelude::*;

const DURATION_MS: u32 = 60_000;

/// A track: beats and the onsets on them.
#[derive(Debug, Clone)]
struct Track {
    beats: Vec<MachineBeat>,
    onset: Vec<f32>,
}

impl Track {
    /// Even beats, four to a bar, with an onset on each.
    fn steady(period_ms: u32) -> Self {
        let times: Vec<u32> = (200..DURATION_MS - 300).step_by(period_ms as usize).collect();
        Self { onset: onsets(&times), beats: four(&times) }
    }

    fn heard<'a>(&'a self, summary: &'a Summary) -> Heard<'a> {
        Heard { beats: &self.beats, onset: &self.onset, hop_ms: 10, duration_ms: DURATION_MS, summary }
    }

    fn regrid(&self, corrections: &[Correction]) -> Grid {
        regrid(&self.heard(&Summary::default()), corrections)
    }

    fn times(&self) -> Vec<u32> {
        self.beats.iter().map(|beat| beat.time_ms).collect()
    }
}

fn onsets(times_ms: &[u32]) -> Vec<f32> {
    let mut onset = vec![0.02; DURATION_MS as usize / 10 + 1];
    for &time in times_ms {
        if let Some(value) = onset.get_mut((time as usize + 5) / 10) {
            *value = 0.6;
        }
    }
    onset
}

fn four(times_ms: &[u32]) -> Vec<MachineBeat> {
    let beat = |(i, &time_ms): (u32, &u32)| MachineBeat {
        time_ms,
        bar: i / 4 + 1,
        position: u8::try_from(i % 4 + 1).unwrap(),
        confidence: Some(0.9),
    };
    (0..).zip(times_ms).map(beat).collect()
}

fn times(grid: &Grid) -> Vec<u32> {
    grid.beats.iter().map(|beat| beat.time_ms).collect()
}

fn track() -> impl Strategy<Value = Track> {
    let gaps = prop::collection::vec(prop_oneof![8 => 300_u32..800, 1 => 100_u32..3_000], 0..90);
    let machine = gaps.prop_map(|gaps| {
        let sums = gaps.iter().scan(0, |at, gap| {
            *at += gap;
            Some(*at)
        });
        four(&sums.take_while(|at| *at <= DURATION_MS).collect::<Vec<_>>())
    });
    let heard = prop::collection::vec(0_u32..DURATION_MS, 0..200);
    (machine, heard).prop_map(|(beats, heard)| Track { beats, onset: onsets(&heard) })
}

fn factor() -> impl Strategy<Value = Factor> {
    prop_oneof![Just(Factor::Half), Just(Factor::Double), Just(Factor::Third), Just(Factor::Triple)]
}

/// Times beyond the end too.
fn time() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 0..DURATION_MS, 1 => any::<u32>()]
}

fn correction() -> impl Strategy<Value = Correction> {
    let end = || prop::option::of(time());
    prop_oneof![
        (time(), prop::option::of(time()))
            .prop_map(|(time_ms, moved_from_ms)| Correction::Beat { time_ms, moved_from_ms }),
        time().prop_map(|time_ms| Correction::NoBeat { time_ms }),
        time().prop_map(|time_ms| Correction::Downbeat { time_ms }),
        time().prop_map(|time_ms| Correction::NotDownbeat { time_ms }),
        time().prop_map(|time_ms| Correction::Tap { time_ms }),
        (time(), end(), factor()).prop_map(|(time_ms, end_ms, factor)| Correction::Tempo {
            time_ms,
            end_ms,
            factor
        }),
        (time(), end()).prop_map(|(time_ms, end_ms)| Correction::Shift { time_ms, end_ms }),
        (time(), end(), any::<u8>()).prop_map(|(time_ms, end_ms, beats_per_bar)| Correction::Meter {
            time_ms,
            end_ms,
            beats_per_bar
        }),
    ]
}

/// A row of taps, more or less even.
fn taps() -> impl Strategy<Value = Vec<Correction>> {
    (0..DURATION_MS, 120_u32..2_000, prop::collection::vec(0_u32..80, 2..30)).prop_map(
        |(from, step, jitter)| {
            let time = |(i, j): (u32, u32)| Correction::Tap { time_ms: from + i * step + j };
            (0..).zip(jitter).map(time).collect()
        },
    )
}

fn corrections() -> impl Strategy<Value = Vec<Correction>> {
    let some = prop_oneof![4 => correction().prop_map(|one| vec![one]), 1 => taps()];
    prop::collection::vec(some, 0..12).prop_map(|all| all.concat())
}

/// Beats that must be there and those that must not, by the order of making.
fn points(corrections: &[Correction]) -> (Vec<u32>, Vec<u32>) {
    let (mut there, mut gone): (Vec<u32>, Vec<u32>) = Default::default();
    let mut say = |time_ms: u32, is: bool| {
        let time_ms = time_ms.min(DURATION_MS);
        there.retain(|at| at.abs_diff(time_ms) > SAME_MS);
        gone.retain(|at| at.abs_diff(time_ms) > SAME_MS);
        if is { there.push(time_ms) } else { gone.push(time_ms) }
    };
    for correction in corrections {
        match *correction {
            Correction::Beat { time_ms, moved_from_ms } => {
                if let Some(from) = moved_from_ms {
                    say(from, false);
                }
                say(time_ms, true);
            }
            Correction::Downbeat { time_ms } => say(time_ms, true),
            Correction::NoBeat { time_ms } => say(time_ms, false),
            _ => {}
        }
    }
    (there, gone)
}

proptest! {
    #[test]
    fn corrected_beats_are_in_the_grid_and_removed_ones_never((track, corrections) in (track(), corrections())) {
        let grid = track.regrid(&corrections);
        let (there, gone) = points(&corrections);
        for time in there {
            let found = grid.beats.iter().find(|beat| beat.time_ms == time);
            prop_assert_eq!(found.map(|beat| beat.origin), Some(Origin::Corrected), "{} in {:?}", time, times(&grid));
        }
        for time in gone {
            let near = |beat: &&analysis_core::regrid::GridBeat| beat.time_ms.abs_diff(time) <= SAME_MS;
            prop_assert_eq!(grid.beats.iter().find(near), None, "{}", time);
        }
    }

    #[test]
    fn beats_rise_and_bars_count_on((track, corrections) in (track(), corrections())) {
        let grid = track.regrid(&corrections);
        for pair in grid.beats.windows(2) {
            prop_assert!(pair[0].time_ms < pair[1].time_ms);
            let on = (pair[0].bar, pair[0].position.saturating_add(1));
            let place = (pair[1].bar, pair[1].position);
            prop_assert!(place == on || place == (pair[0].bar + 1, 1), "{:?}", pair);
        }
        let machine = track.times();
        for beat in &grid.beats {
            prop_assert!(beat.time_ms <= DURATION_MS && beat.bar >= 1 && beat.position >= 1);
            prop_assert!(beat.origin != Origin::Machine || machine.contains(&beat.time_ms));
        }
    }

    #[test]
    fn the_same_corrections_give_the_same_grid((track, corrections) in (track(), corrections())) {
        prop_assert_eq!(track.regrid(&corrections), track.regrid(&corrections));
    }

    #[test]
    fn without_corrections_the_grid_is_the_machines(track in track()) {
        let summary = Summary { tempo_bpm: Some(99.0), time_signature: Some("7/8".into()), ..Summary::default() };
        let grid = regrid(&track.heard(&summary), &[]);
        let places: Vec<_> = grid.beats.iter().map(|b| (b.time_ms, b.bar, b.position, b.confidence)).collect();
        let machine: Vec<_> = track.beats.iter().map(|b| (b.time_ms, b.bar, b.position, b.confidence)).collect();
        prop_assert_eq!(places, machine);
        prop_assert_eq!((grid.tempo_bpm, grid.time_signature), (Some(99.0), Some("7/8".into())));
    }

    /// Beats put in tear no holes.
    #[test]
    fn single_beats_leave_no_gap_that_was_not_there(
        (period, beats) in (300_u32..900, prop::collection::vec(200..DURATION_MS - 1_200, 1..12))
    ) {
        let track = Track::steady(period);
        let said: Vec<Correction> =
            beats.iter().map(|&time_ms| Correction::Beat { time_ms, moved_from_ms: None }).collect();
        let grid = track.regrid(&said);
        let widest = times(&grid).windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        prop_assert!(widest <= period * 3 / 2, "{} of {}", widest, period);
    }

    /// What is said about one moment moves nothing far away.
    #[test]
    fn single_beats_change_nothing_far_away(
        (period, time_ms) in (300_u32..900, 200..DURATION_MS - 1_000)
    ) {
        let track = Track::steady(period);
        let grid = track.regrid(&[Correction::Beat { time_ms, moved_from_ms: None }]);
        let far = |at: &u32| at.abs_diff(time_ms) > 4 * period;
        let (left, was) = (times(&grid), track.times());
        let left: Vec<&u32> = left.iter().filter(|at| far(at)).collect();
        prop_assert_eq!(left, was.iter().filter(|at| far(at)).collect::<Vec<_>>());
    }
}

#[test]
fn half_keeps_the_downbeats_and_double_brings_the_beats_back() {
    let track = Track::steady(400);
    let tempo = |factor| Correction::Tempo { time_ms: 0, end_ms: None, factor };
    let half = track.regrid(&[tempo(Factor::Half)]);
    assert_eq!(times(&half), track.times().into_iter().step_by(2).collect::<Vec<_>>());
    assert_eq!(
        half.beats[..5].iter().map(|b| (b.bar, b.position)).collect::<Vec<_>>(),
        [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]
    );
    let double = track.regrid(&[tempo(Factor::Double)]);
    assert_eq!(double.beats.len(), 2 * track.beats.len());
    assert!(times(&double).windows(2).all(|pair| pair[1] - pair[0] == 200));
    assert_eq!(double.time_signature.as_deref(), Some("4/4"));
    assert!((double.tempo_bpm.unwrap() - 300.0).abs() < 0.5);
}

#[test]
fn a_shift_in_a_span_moves_the_beats_in_it_alone() {
    let track = Track::steady(500);
    let grid = track.regrid(&[Correction::Shift { time_ms: 10_000, end_ms: Some(20_000) }]);
    for time in times(&grid) {
        let shifted = (10_000..20_200).contains(&time);
        assert_eq!((time - 200) % 500 == 250, shifted && time % 500 != 200, "{time}");
    }
    assert!(times(&grid).contains(&15_450) && !times(&grid).contains(&15_200));
}

#[test]
fn a_moved_downbeat_counts_the_rest_anew() {
    let track = Track::steady(500);
    // The machine's bars start at 200; the person's one beat later, from the third bar on.
    let grid = track.regrid(&[Correction::Downbeat { time_ms: 4_700 }]);
    assert_eq!(times(&grid), track.times());
    for beat in &grid.beats {
        let starts = if beat.time_ms < 4_700 {
            (beat.time_ms - 200) % 2_000 == 0
        } else {
            (beat.time_ms - 700) % 2_000 == 0
        };
        assert_eq!(beat.position == 1, starts, "{beat:?}");
    }
    assert_eq!(grid.time_signature.as_deref(), Some("4/4"));
}

#[test]
fn where_the_machines_bars_agree_again_they_are_believed() {
    let mut track = Track::steady(500);
    // The machine loses a beat's place for four bars, and changes to threes at the end.
    for (i, beat) in track.beats.iter_mut().enumerate() {
        let place = if i >= 60 {
            i - 60
        } else if (20..36).contains(&i) {
            i + 3
        } else {
            i
        };
        let of = if i >= 60 { 3 } else { 4 };
        beat.position = u8::try_from(place % of + 1).unwrap();
    }
    let mut bar = 0;
    for beat in &mut track.beats {
        bar += u32::from(beat.position == 1);
        beat.bar = bar.max(1);
    }
    let grid = track.regrid(&[Correction::Downbeat { time_ms: 200 + 20 * 500 }]);
    let starts: Vec<usize> =
        grid.beats.iter().enumerate().filter(|(_, b)| b.position == 1).map(|(i, _)| i).collect();
    assert_eq!(starts[..15], [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56]);
    assert_eq!(starts[15..18], [60, 63, 66]);
}

#[test]
fn a_meter_counts_until_its_end() {
    let track = Track::steady(500);
    let meter = Correction::Meter { time_ms: 4_200, end_ms: Some(10_200), beats_per_bar: 3 };
    let grid = track.regrid(&[meter]);
    let starts: Vec<u32> = grid.beats.iter().filter(|b| b.position == 1).map(|b| b.time_ms).collect();
    assert_eq!(starts[..8], [200, 2_200, 4_200, 5_700, 7_200, 8_700, 10_200, 12_200]);
    let names: Vec<&str> = grid.time_signatures.iter().map(|point| point.time_signature.as_str()).collect();
    assert_eq!(names, ["4/4", "3/4", "4/4"]);
}

#[test]
fn a_bar_whose_downbeat_is_none_goes_on() {
    let track = Track::steady(500);
    let grid = track.regrid(&[Correction::NotDownbeat { time_ms: 4_210 }]);
    let places: Vec<(u32, u8)> = grid.beats[4..14].iter().map(|b| (b.bar, b.position)).collect();
    let eight = [(2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (2, 7), (2, 8), (3, 1), (3, 2)];
    assert_eq!(places, eight);
}

#[test]
fn a_dragged_beat_leaves_nothing_behind() {
    let track = Track::steady(500);
    let grid = track.regrid(&[Correction::Beat { time_ms: 5_280, moved_from_ms: Some(5_200) }]);
    assert_eq!(grid.beats.len(), track.beats.len());
    let moved: Vec<u32> = times(&grid).into_iter().filter(|at| !track.times().contains(at)).collect();
    assert_eq!(moved, [5_280]);
    let beat = grid.beats.iter().find(|beat| beat.time_ms == 5_280).unwrap();
    assert_eq!((beat.origin, beat.bar, beat.position), (Origin::Corrected, 3, 3));
}

#[test]
fn three_taps_say_nothing_and_noise_keeps_no_beat() {
    let track = Track::steady(500);
    let taps = |times: &[u32]| times.iter().map(|&time_ms| Correction::Tap { time_ms }).collect::<Vec<_>>();
    let grid = track.regrid(&taps(&[1_000, 1_500, 2_000]));
    assert_eq!((times(&grid), grid.unused_taps), (track.times(), 3));
    let wild = [1_000, 1_130, 1_900, 2_010, 3_500, 3_600, 3_720, 5_400, 5_900];
    let grid = track.regrid(&taps(&wild));
    assert_eq!((times(&grid), grid.unused_taps, grid.tap_rows.len()), (track.times(), wild.len(), 0));
}

#[test]
fn a_removed_beat_stays_away_where_the_grid_is_decoded_again() {
    let track = Track::steady(500);
    let drag = |time_ms: u32| Correction::Beat { time_ms: time_ms + 40, moved_from_ms: Some(time_ms) };
    let grid = track.regrid(&[Correction::NoBeat { time_ms: 6_720 }, drag(5_200), drag(8_200)]);
    assert_eq!(times(&grid).iter().find(|at| at.abs_diff(6_720) <= 100), None, "{:?}", times(&grid));
}
