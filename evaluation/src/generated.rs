//! Generated songs as tracks to listen to.

use crate::listen::{Collection, Source};
use anyhow::{Context, Result};
use evaluation::track::{Track, Truth};
use evaluation::{chords, loudness};
use testmusic::Piece;
use testmusic::styles::{Genre, Song};

/// Tempi of a song may be this far from its main one, as a share, and it still has one tempo …
const STEADY: f64 = 0.04;

/// … if this share of its beats keeps it.
const STEADY_SHARE: f64 = 0.9;

/// The genres of these names; of no names, all.
pub(crate) fn genres(names: &[String]) -> Result<Vec<Genre>> {
    let known = |name: &String| {
        let all = || Genre::ALL.map(Genre::name).join(", ");
        let genre = Genre::ALL.into_iter().find(|genre| genre.name() == name);
        genre.with_context(|| format!("there is no genre {name}; there are {}", all()))
    };
    if names.is_empty() { Ok(Genre::ALL.to_vec()) } else { names.iter().map(known).collect() }
}

/// `pieces` songs of each genre. They are played when they are listened to, and forgotten.
pub(crate) fn collection(pieces: u64, seed: u64, genres: &[Genre]) -> Collection {
    let songs = genres.iter().flat_map(|&genre| (seed..seed + pieces).map(move |s| Song::random(genre, s)));
    let title = format!("Generated music, {pieces} songs of each genre from seed {seed}");
    Collection { title, sources: songs.map(|song| (name(&song), Source::Song(Box::new(song)))).collect() }
}

/// The track before it is played: all but the truth.
fn name(song: &Song) -> Track {
    let group = song.genre.name().to_owned();
    let id = format!("{}/{}", group.replace([' ', '/'], "-"), song.name());
    Track { id, group, in_all: true, truth: Truth::default() }
}

/// What is true of a song.
pub(crate) fn truth(piece: &Piece) -> Truth {
    let truth = &piece.truth;
    Truth {
        duration_s: piece.seconds(),
        beats: truth.beats.clone(),
        downbeats: truth.downbeats.clone(),
        tempo_bpm: has_one_tempo(&truth.beats, truth.tempo_bpm).then_some(truth.tempo_bpm),
        key: Some(truth.key.clone()),
        boundaries: truth.sections.iter().skip(1).map(|(time, _)| *time).collect(),
        chords: chords::until_the_next(&truth.chords, piece.seconds()),
        loudness_lufs: loudness::integrated_lufs(&[&piece.left, &piece.right], piece.sample_rate_hz),
    }
}

fn has_one_tempo(beats: &[f64], bpm: f64) -> bool {
    let keeps = |pair: &&[f64]| ((pair[1] - pair[0]) * bpm / 60.0 - 1.0).abs() < STEADY;
    let kept = beats.windows(2).filter(keeps).count();
    kept as f64 >= STEADY_SHARE * (beats.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_that_sweeps_has_no_one_tempo() {
        let steady: Vec<f64> = (0..60).map(|i| 0.5 * f64::from(i)).collect();
        assert!(has_one_tempo(&steady, 120.0));
        let swept: Vec<f64> = (0..60).map(|i| 0.5 * f64::from(i) * (1.0 + 0.002 * f64::from(i))).collect();
        assert!(!has_one_tempo(&swept, 115.0));
    }
}
