//! Songs of every genre: what is said of them fits itself, and fits what one hears.

use std::collections::BTreeSet;
use testmusic::styles::{Genre, Song, TempoPlan};
use testmusic::{Meter, Piece};

fn songs() -> impl Iterator<Item = Song> {
    Genre::ALL.into_iter().flat_map(|genre| (0..40).map(move |seed| Song::random(genre, seed)))
}

#[track_caller]
fn check_rising(times: &[f64], name: &str) {
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{name} do not rise");
}

#[track_caller]
fn check_truth(song: &Song, piece: &Piece) {
    let truth = &piece.truth;
    check_rising(&truth.beats, "beats");
    check_rising(&truth.downbeats, "downbeats");
    let bars = song.sections.iter().map(|section| section.bars.len()).sum::<usize>();
    assert_eq!(truth.downbeats.len() + usize::from(song.missing_beats > 0), bars);
    assert!(truth.downbeats.iter().all(|time| truth.beats.contains(time)));
    assert!(truth.chords.iter().all(|(time, _)| truth.beats.contains(time)));
    assert_eq!(truth.sections.len(), song.sections.len());
    assert_eq!(
        (truth.meters[0].0, truth.sections[0].0, truth.chords[0].0),
        (truth.beats[0], truth.beats[0], truth.beats[0])
    );
    assert_eq!(truth.key, song.tonality.name());
    assert!((truth.tempo_bpm / song.bpm - 1.0).abs() < 0.25, "{} BPM of {}", truth.tempo_bpm, song.bpm);
    assert!((30.0..150.0).contains(&piece.seconds()), "{} s", piece.seconds());
    assert!(piece.left.iter().chain(&piece.right).all(|sample| sample.is_finite()));
    let peak = piece.left.iter().chain(&piece.right).fold(0.0_f32, |most, sample| most.max(sample.abs()));
    assert!((0.25..=0.98).contains(&peak), "peak {peak}");
}

#[test]
fn every_genre_plays_and_tells_the_truth() {
    for genre in Genre::ALL {
        let mut song = Song::random(genre, 1);
        song.sample_rate_hz = 22_050;
        check_truth(&song, &song.render());
    }
}

#[test]
fn the_same_seed_plays_the_same_samples() {
    let play = |seed| Song::random(Genre::Funk, seed).render();
    let (once, again) = (play(5), play(5));
    assert!(once.left == again.left && once.right == again.right && once.truth == again.truth);
    assert_ne!(once.truth, play(6).truth);
}

#[test]
fn seeds_reach_every_metre_tempo_and_swing() {
    let mut meters = BTreeSet::new();
    let mut tempi = BTreeSet::new();
    for song in songs() {
        meters.extend(song.sections.iter().flat_map(|section| &section.bars).map(Meter::to_string));
        tempi.insert(song.tempo.name());
    }
    assert_eq!(meters.into_iter().collect::<Vec<_>>(), ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8"]);
    assert_eq!(tempi.into_iter().collect::<Vec<_>>(), ["drift", "ramp", "rubato", "steady", "step"]);
    assert!(songs().any(|song| song.swing.is_some_and(|swing| swing.ratio > 2.0)));
    assert!(songs().any(|song| song.missing_beats > 0));
    let changes =
        |song: &Song| song.sections.iter().flat_map(|s| &s.bars).any(|m| *m != song.sections[0].bars[0]);
    assert!(songs().filter(changes).count() > 40, "metre changes within a song");
}

#[test]
fn a_metre_change_moves_the_downbeats() {
    let changes =
        |song: &Song| song.genre == Genre::Rock && song.sections[1].bars.contains(&Meter::new(2, 4));
    let song = songs().find(changes).unwrap();
    let piece = song.render();
    check_truth(&song, &piece);
    let beats_between =
        |pair: &[f64]| piece.truth.beats.iter().filter(|b| (pair[0]..pair[1]).contains(*b)).count();
    let lengths: BTreeSet<usize> = piece.truth.downbeats.windows(2).map(beats_between).collect();
    assert_eq!(lengths, BTreeSet::from([2, 4]));
    assert!(piece.truth.meters.len() > 2);
}

/// Energy in the 30 ms from a time, less that in the 30 ms before it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times lie within the piece")]
fn rise(mono: &[f32], rate: f64, time: f64) -> f64 {
    let energy = |from: f64| {
        let start = (from * rate).round() as usize;
        let samples = &mono[start..start + (0.03 * rate) as usize];
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>()
    };
    energy(time) - energy(time - 0.03)
}

#[test]
fn drums_are_heard_on_the_beats_that_are_told() {
    for genre in [Genre::House, Genre::Techno] {
        let swept = (0..40).map(|seed| Song::random(genre, seed)).find(|s| s.tempo != TempoPlan::Constant);
        let piece = swept.unwrap().render();
        let (mono, rate) = (piece.mono(), f64::from(piece.sample_rate_hz));
        let (first, second) = (piece.truth.sections[1].0, piece.truth.sections[2].0);
        let beats = piece.truth.beats.iter().copied().filter(|beat| (first..second).contains(beat));
        let beats: Vec<f64> = beats.collect();
        let rises = |shift_s: f64| beats.iter().filter(|b| rise(&mono, rate, **b + shift_s) > 0.0).count();
        let (on, beside) = (rises(0.0), rises(0.09));
        assert!(10 * on > 9 * beats.len(), "{genre}: {on} of {}", beats.len());
        assert!(2 * beside < on, "{genre}: {beside} of {} beside the beats", beats.len());
    }
}
