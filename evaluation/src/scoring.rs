//! What a prediction scores on a track, measure by measure.

use crate::chords::symbol_recall;
use crate::events::{BEAT_WINDOW_S, f_measure};
use crate::key::{Key, weighted_score};
use crate::sections::{WINDOWS_S, boundary_f};
use crate::track::{Prediction, Truth};
use crate::{continuity, tempo};

/// Something that is measured: 0 to 1, more is better; but [`Measure::Loudness`] is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Beat F-measure, 70 ms.
    BeatF,
    /// Continuity at the correct level, longest run.
    CmlC,
    /// Continuity at the correct level, in total.
    CmlT,
    /// Continuity at any allowed level, in total.
    AmlT,
    /// Downbeat F-measure, 70 ms.
    DownbeatF,
    /// Tempo within 4 %.
    Accuracy1,
    /// Tempo within 4 % at any allowed level.
    Accuracy2,
    /// MIREX weighted key score.
    Key,
    /// Chord symbol recall, major and minor triads and none.
    Chords,
    /// Section boundaries within 0.5 s.
    BoundaryHalf,
    /// Section boundaries within 3 s.
    BoundaryThree,
    /// Distance of the integrated loudness, in LU.
    Loudness,
}

impl Measure {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 12] = [
        Self::BeatF,
        Self::CmlC,
        Self::CmlT,
        Self::AmlT,
        Self::DownbeatF,
        Self::Accuracy1,
        Self::Accuracy2,
        Self::Key,
        Self::Chords,
        Self::BoundaryHalf,
        Self::BoundaryThree,
        Self::Loudness,
    ];

    /// Those of the rhythm.
    pub const RHYTHM: &[Self] = Self::ALL.split_at(7).0;

    /// Those of everything else.
    pub const BEYOND: &[Self] = Self::ALL.split_at(7).1;

    /// Head of its column.
    #[must_use]
    pub fn head(self) -> &'static str {
        match self {
            Self::BeatF => "beat F",
            Self::CmlC => "CMLc",
            Self::CmlT => "CMLt",
            Self::AmlT => "AMLt",
            Self::DownbeatF => "down F",
            Self::Accuracy1 => "Acc1",
            Self::Accuracy2 => "Acc2",
            Self::Key => "key",
            Self::Chords => "chords",
            Self::BoundaryHalf => "sec 0.5",
            Self::BoundaryThree => "sec 3",
            Self::Loudness => "loudness",
        }
    }

    /// Whether an engine that says this offers what is measured.
    #[must_use]
    pub fn is_offered(self, said: &Prediction) -> bool {
        match self {
            Self::BeatF | Self::CmlC | Self::CmlT | Self::AmlT => !said.beats.is_empty(),
            Self::DownbeatF => !said.downbeats.is_empty(),
            Self::Accuracy1 | Self::Accuracy2 => said.tempo_bpm.is_some_and(|bpm| bpm != 0.0),
            Self::Key => said.key.as_ref().is_some_and(|key| !key.is_empty()),
            Self::Chords => !said.chords.is_empty(),
            Self::BoundaryHalf | Self::BoundaryThree => !said.boundaries.is_empty(),
            Self::Loudness => said.loudness_lufs.is_some(),
        }
    }
}

/// A value for each measure; `None` where there is no truth to measure by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores([Option<f64>; Measure::ALL.len()]);

impl Scores {
    /// Scores what was said.
    #[must_use]
    pub fn new(truth: &Truth, said: &Prediction) -> Self {
        let mut scores = Self::default();
        scores.score_beats(truth, said);
        let downbeats = settled(&truth.downbeats, truth);
        if downbeats.len() > 2 {
            let said = settled(&said.downbeats, truth);
            scores.set(Measure::DownbeatF, f_measure(&downbeats, &said, BEAT_WINDOW_S));
        }
        if let Some(bpm) = truth.tempo_bpm {
            scores.set(Measure::Accuracy1, share(tempo::accuracy_1(bpm, said.tempo_bpm)));
            scores.set(Measure::Accuracy2, share(tempo::accuracy_2(bpm, said.tempo_bpm)));
        }
        if let Some(key) = truth.key.as_deref().and_then(Key::parse) {
            let said = said.key.as_deref().and_then(Key::parse);
            scores.set(Measure::Key, said.map_or(0.0, |said| weighted_score(key, said)));
        }
        if let Some(recall) = symbol_recall(&truth.chords, &said.chords) {
            scores.set(Measure::Chords, recall);
        }
        // A loudness that was not said has no distance: it is seen in the column of failures.
        if let (Some(truth), Some(said)) = (truth.loudness_lufs, said.loudness_lufs) {
            scores.set(Measure::Loudness, (said - truth).abs());
        }
        if !truth.boundaries.is_empty() {
            let [half, three] =
                WINDOWS_S.map(|window| boundary_f(&truth.boundaries, &said.boundaries, window));
            scores.set(Measure::BoundaryHalf, half);
            scores.set(Measure::BoundaryThree, three);
        }
        scores
    }

    fn score_beats(&mut self, truth: &Truth, said: &Prediction) {
        let beats = settled(&truth.beats, truth);
        if beats.len() > 3 {
            let said = settled(&said.beats, truth);
            let continuity = continuity::continuity(&beats, &said);
            self.set(Measure::BeatF, f_measure(&beats, &said, BEAT_WINDOW_S));
            self.set(Measure::CmlC, continuity.cml_c);
            self.set(Measure::CmlT, continuity.cml_t);
            self.set(Measure::AmlT, continuity.aml_t);
        }
    }

    fn set(&mut self, measure: Measure, value: f64) {
        self.0[measure as usize] = Some(value);
    }

    /// The value of a measure.
    #[must_use]
    pub fn get(&self, measure: Measure) -> Option<f64> {
        self.0[measure as usize]
    }
}

/// The times that are scored, rising: all of a track of up to 15 s, else those after the first 5 s.
#[must_use]
pub fn settled(times: &[f64], truth: &Truth) -> Vec<f64> {
    let mut times: Vec<f64> = times.iter().copied().filter(|&time| is_settled(time, truth)).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Whether this time is scored.
#[must_use]
pub fn is_settled(time: f64, truth: &Truth) -> bool {
    time >= scores::settled_from_s(truth.duration_s)
}

fn share(right: bool) -> f64 {
    f64::from(u8::from(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chords::Span;

    fn truth() -> Truth {
        let beats: Vec<f64> = (0..80).map(|i| 0.5 * f64::from(i)).collect();
        let downbeats = beats.iter().copied().step_by(4).collect();
        let key = Some("A minor".into());
        let boundaries = vec![16.0];
        let chords = vec![Span { start: 0.0, end: 40.0, name: "Am".into() }];
        let (tempo_bpm, loudness_lufs) = (Some(120.0), Some(-14.0));
        Truth { duration_s: 40.0, beats, downbeats, tempo_bpm, key, boundaries, chords, loudness_lufs }
    }

    #[test]
    fn the_truth_scores_one_everywhere() {
        let truth = truth();
        let said = Prediction {
            beats: truth.beats.clone(),
            downbeats: truth.downbeats.clone(),
            tempo_bpm: truth.tempo_bpm,
            key: truth.key.clone(),
            boundaries: truth.boundaries.clone(),
            chords: truth.chords.clone(),
            loudness_lufs: truth.loudness_lufs,
            ..Prediction::default()
        };
        let scores = Scores::new(&truth, &said);
        for measure in Measure::ALL {
            let best = if measure == Measure::Loudness { 0.0 } else { 1.0 };
            assert_eq!(scores.get(measure), Some(best), "{measure:?}");
            assert!(measure.is_offered(&said) && !measure.is_offered(&Prediction::default()));
        }
    }

    #[test]
    fn silence_scores_nothing_where_there_is_truth() {
        let scores = Scores::new(&truth(), &Prediction::default());
        let shares = Measure::ALL.into_iter().filter(|measure| *measure != Measure::Loudness);
        assert!(shares.into_iter().all(|measure| scores.get(measure) == Some(0.0)));
        assert_eq!(scores.get(Measure::Loudness), None);
        let unknown = Scores::new(&Truth::default(), &Prediction::default());
        assert!(Measure::ALL.iter().all(|measure| unknown.get(*measure).is_none()));
    }

    #[test]
    fn the_first_seconds_are_not_scored_unless_the_track_is_short() {
        let truth = truth();
        let late = Prediction { beats: settled(&truth.beats, &truth), ..Prediction::default() };
        assert_eq!(late.beats[0], 5.0);
        assert_eq!(Scores::new(&truth, &late).get(Measure::BeatF), Some(1.0));
        let short = Truth { duration_s: 15.0, ..truth };
        assert_eq!(settled(&short.beats, &short)[0], 0.0);
    }

    #[test]
    fn a_word_that_is_no_key_scores_nothing() {
        let said = Prediction { key: Some("unknown".into()), ..Prediction::default() };
        assert_eq!(Scores::new(&truth(), &said).get(Measure::Key), Some(0.0));
    }
}
