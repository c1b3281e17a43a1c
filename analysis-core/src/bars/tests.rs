use super::*;
use crate::divisions::Between;
use crate::tracked::Moment;

/// Beats of half a second; those whose number is in `first` sound like downbeats.
fn beats(count: usize, first: impl Fn(usize) -> bool) -> Vec<TrackedBeat> {
    let moment = |i: usize| Moment {
        frame: 50 * i as u32,
        time: 5000 * i as u32,
        belief: 16,
        downbeat: if first(i) { 235 } else { 20 },
    };
    let beat = |i| TrackedBeat { at: moment(i), half: moment(i), between: Between::default() };
    (0..count).map(beat).collect()
}

fn positions(beats: &[TrackedBeat]) -> Vec<u8> {
    places(beats, &BeatModel::default()).iter().map(|place| place.position).collect()
}

#[test]
fn bars_are_counted_from_where_downbeats_sound() {
    for bar in 2..=7 {
        let places = places(&beats(60, |i| i % bar == 1), &BeatModel::default());
        for (i, place) in places.iter().enumerate() {
            assert_eq!(usize::from(place.beats_per_bar), bar, "beat {i}");
            assert_eq!(place.position == 1, i % bar == 1, "beat {i} of bars of {bar}: {place:?}");
        }
    }
}

#[test]
fn bars_may_change_within_a_track() {
    let found = positions(&beats(64, |i| if i < 32 { i % 4 == 0 } else { (i - 32) % 3 == 0 }));
    assert_eq!((&found[28..32], &found[32..36]), (&[1, 2, 3, 4][..], &[1, 2, 3, 1][..]));
}

#[test]
fn one_downbeat_that_was_not_heard_changes_nothing() {
    let found = positions(&beats(64, |i| i % 4 == 0 && i != 24));
    assert!(found.iter().enumerate().all(|(i, &position)| usize::from(position) == i % 4 + 1), "{found:?}");
}

#[test]
fn after_a_pause_a_bar_may_begin_anywhere() {
    let mut beats = beats(48, |i| if i < 22 { i % 4 == 0 } else { (i - 22) % 4 == 0 });
    for beat in &mut beats[22..] {
        beat.at.time += 30_000;
    }
    let found = positions(&beats);
    assert_eq!((found[21], found[22], found[26]), (2, 1, 1));
}

#[test]
fn nothing_has_no_bars() {
    assert!(places(&[], &BeatModel::default()).is_empty());
    assert_eq!(places(&beats(1, |_| true), &BeatModel::default()).len(), 1);
}
