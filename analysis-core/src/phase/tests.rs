use super::*;

/// A beat at this time, with nats for it and for the half of it.
fn beat(seconds: f64, on: f32, off: f32) -> TrackedBeat {
    let moment = |seconds: f64, nats: f32| Moment {
        frame: (seconds * 100.0).round() as u32,
        time: (seconds * 1e4).round() as u32,
        belief: (nats * 16.0) as i8,
        downbeat: 60,
    };
    TrackedBeat { at: moment(seconds, on), half: moment(seconds + 0.25, off), between: Between::default() }
}

/// Beats of half a second from `from` to `to`.
fn passage(from: f64, to: f64, on: f32, off: f32) -> Vec<TrackedBeat> {
    let count = ((to - from) / 0.5).round() as usize;
    (0..=count).map(|i| beat(from + 0.5 * i as f64, on, off)).collect()
}

fn times(beats: &[TrackedBeat]) -> Vec<f64> {
    beats.iter().map(|beat| beat.at.seconds()).collect()
}

#[track_caller]
fn assert_even(beats: &[TrackedBeat], from: f64, to: f64) {
    let times = times(beats);
    assert!((times[0] - from).abs() < 0.01 && (times[times.len() - 1] - to).abs() < 0.26, "{times:?}");
    for (i, time) in times.iter().enumerate() {
        assert!((time - (from + 0.5 * i as f64)).abs() < 0.02, "beat {i} at {time}: {times:?}");
    }
}

#[test]
fn a_passage_that_jumps_by_half_a_beat_is_laid_on_the_grid_of_the_others() {
    let mut beats = passage(1.0, 20.0, 2.0, -2.0);
    beats.extend(passage(20.75, 30.25, 1.0, -1.0));
    beats.extend(passage(31.0, 60.0, 2.0, -2.0));
    assert_even(&keep(beats.clone()), 1.0, 60.0);
}

#[test]
fn the_grid_with_more_evidence_wins_wherever_it_lies() {
    let mut beats = passage(1.0, 10.0, 2.0, -2.0);
    beats.extend(passage(10.75, 60.25, 2.0, -2.0));
    assert_even(&keep(beats.clone()), 1.25, 60.25);
}

#[test]
fn a_jump_over_hurried_beats_is_seen() {
    let mut beats = passage(1.0, 20.0, 2.0, -2.0);
    beats.extend([20.4, 20.8, 21.2].map(|time| beat(time, 0.0, 0.0)));
    beats.extend(passage(21.75, 30.25, 1.0, -1.0));
    beats.extend([30.7, 31.1].map(|time| beat(time, 0.0, 0.0)));
    beats.extend(passage(31.5, 60.0, 2.0, -2.0));
    assert_even(&keep(beats.clone()), 1.0, 60.0);
}

#[test]
fn music_that_keeps_its_phase_stays_as_it_is() {
    for beats in [vec![], passage(1.0, 1.0, 1.0, 0.0), passage(0.5, 90.0, 1.0, 2.0)] {
        assert_eq!(keep(beats.clone()), beats);
    }
    // Another tempo, and a pause after which anything may come.
    let mut beats = passage(1.0, 20.0, 2.0, -2.0);
    beats.extend((0..40).map(|i| beat(20.6 + 0.6 * f64::from(i), 2.0, -2.0)));
    beats.extend(passage(60.25, 80.25, 1.0, -1.0));
    assert_eq!(times(&keep(beats.clone())), times(&beats));
}

#[test]
fn times_rise_whatever_the_beats_were() {
    let mut state = 3_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    for _ in 0..200 {
        let (mut time, mut beats) = (0.5, Vec::new());
        for _ in 0..12 {
            let length = [0.5, 0.5, 0.51, 0.25, 0.74, 1.0][(random() * 6.0) as usize];
            for _ in 0..(random() * 14.0) as usize {
                beats.push(beat(time, random() as f32, random() as f32));
                time += 0.5 + 0.02 * random();
            }
            time += length;
        }
        let kept = times(&keep(beats.clone()));
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]), "{kept:?}");
    }
}

#[test]
fn nothing_is_counted_through_silence_or_over_another_tempo() {
    let mut beats = passage(1.0, 30.5, 2.0, -2.0);
    beats.extend(passage(31.25, 40.75, 2.0, -2.0));
    let silence = 40.75..100.0;
    let mut after = beats.clone();
    after.extend((0..30).map(|i| beat(100.0 + 0.6 * f64::from(i), 2.0, -2.0)));
    let kept = times(&keep(after));
    assert!(!kept.iter().any(|t| *t > silence.start && *t < silence.end), "{kept:?}");
    // A ritardando keeps its own beats.
    let (mut time, mut length, mut slowing) = (41.25, 0.5, Vec::new());
    for _ in 0..14 {
        slowing.push(beat(time, 2.0, -2.0));
        length *= 1.1;
        time += length;
    }
    beats.extend(slowing.iter().copied());
    let kept = times(&keep(beats));
    assert!(times(&slowing)[1..].iter().all(|t| kept.contains(t)), "{kept:?}");
}
