//! Tracks averaged into rows: one for each group, one for all.

use crate::bootstrap::{self, Interval};
use crate::calibration::Reliability;
use crate::scoring::{Measure, Scores, is_settled, settled};
use crate::track::{Prediction, Track};
use std::collections::BTreeMap;

/// Name of the row that averages the groups' tracks.
pub const ALL: &str = "all";

/// What one engine said about tracks.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Name of the engine.
    pub name: String,
    /// Each track and what was said; `None` where the engine was never asked.
    pub heard: Vec<(Track, Option<Prediction>)>,
    /// Seconds of audio and of processor time by group, where they are known for groups alone.
    pub costs: BTreeMap<String, (f64, f64)>,
}

/// Averages over a group. Tracks without truth for a measure do not count in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the engine.
    pub engine: String,
    /// Style or part; [`ALL`] of all that count in it.
    pub group: String,
    /// Number of tracks.
    pub tracks: usize,
    /// Tracks that the engine gave up on.
    pub failed: usize,
    /// Mean of each measure of [`Measure::ALL`].
    pub means: [Option<f64>; Measure::ALL.len()],
    /// Where the mean beat F-measure lies with 95 % confidence.
    pub beat_f: Option<Interval>,
    /// Seconds of audio for a second of processor time.
    pub times_real_time: Option<f64>,
}

impl Listener {
    /// A row for each group in order of appearance, then [`ALL`]. Groups that were never listened to are left out;
    /// measures that the engine never offers are `None`.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut groups: Vec<&str> = Vec::new();
        for (track, _) in &self.heard {
            if !groups.contains(&track.group.as_str()) {
                groups.push(&track.group);
            }
        }
        let rows = groups.into_iter().map(|group| self.row(group, |track| track.group == group));
        rows.chain([self.row(ALL, |track| track.in_all)]).flatten().collect()
    }

    fn row(&self, group: &str, belongs: impl Fn(&Track) -> bool) -> Option<Row> {
        let heard: Vec<_> = self.heard.iter().filter(|(track, _)| belongs(track)).collect();
        if heard.iter().all(|(_, said)| said.is_none()) {
            return None;
        }
        let nothing = Prediction::default();
        let scores: Vec<Scores> = heard
            .iter()
            .map(|(track, said)| Scores::new(&track.truth, said.as_ref().unwrap_or(&nothing)))
            .collect();
        let values = |measure: Measure| scores.iter().filter_map(move |scores| scores.get(measure));
        let mean =
            |measure: Measure| self.offers(measure).then(|| bootstrap::mean(values(measure))).flatten();
        let beat_f: Vec<f64> = values(Measure::BeatF).collect();
        Some(Row {
            engine: self.name.clone(),
            group: group.to_owned(),
            tracks: heard.len(),
            failed: heard.iter().filter(|(_, said)| is_failed(said.as_ref())).count(),
            means: Measure::ALL.map(mean),
            beat_f: self.offers(Measure::BeatF).then(|| bootstrap::of_mean(&beat_f)).flatten(),
            times_real_time: self.times_real_time(&heard),
        })
    }

    fn offers(&self, measure: Measure) -> bool {
        self.heard.iter().any(|(_, said)| said.as_ref().is_some_and(|said| measure.is_offered(said)))
    }

    fn times_real_time(&self, heard: &[&(Track, Option<Prediction>)]) -> Option<f64> {
        let (mut audio_s, mut cpu_s) = (0.0, 0.0);
        for (track, said) in heard {
            if let Some(cpu) = said.as_ref().and_then(|said| said.cpu_s) {
                audio_s += track.truth.duration_s;
                cpu_s += cpu;
            }
        }
        let in_group = |group: &&String| heard.iter().any(|(track, _)| track.group == **group);
        for group in self.costs.keys().filter(in_group) {
            audio_s += self.costs[group].0;
            cpu_s += self.costs[group].1;
        }
        (cpu_s > 0.0).then(|| audio_s / cpu_s)
    }

    /// How true the confidences of beats are, over the tracks that count in [`ALL`]. Tracks without true beats and
    /// the first seconds of a track are left out, as they are from the scores.
    #[must_use]
    pub fn reliability(&self) -> Reliability {
        let mut table = Reliability::default();
        for (track, said) in &self.heard {
            if let (true, false, Some(said)) = (track.in_all, track.truth.beats.is_empty(), said) {
                let sure = said.beats.iter().copied().zip(said.confidences.iter().copied());
                let beats = sure.filter(|(time, _)| is_settled(*time, &track.truth));
                table.add(&settled(&track.truth.beats, &track.truth), beats);
            }
        }
        table
    }

    /// The tracks of [`ALL`] that score least in a measure, the worst first.
    #[must_use]
    pub fn worst(&self, measure: Measure, count: usize) -> Vec<(&Track, &Prediction, Scores)> {
        let scored = self.heard.iter().filter(|(track, _)| track.in_all).filter_map(|(track, said)| {
            let said = said.as_ref()?;
            let scores = Scores::new(&track.truth, said);
            scores.get(measure).map(|value| (value, (track, said, scores)))
        });
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        if measure == Measure::Loudness {
            scored.reverse();
        }
        scored.into_iter().take(count).map(|(_, track)| track).collect()
    }

    /// By how much the mean beat F-measure exceeds another's, over the tracks of [`ALL`] that both listened to.
    #[must_use]
    pub fn gain_over(&self, other: &Self) -> Option<Interval> {
        let gain = |(track, said): &(Track, Option<Prediction>)| {
            let (_, theirs) = other.heard.iter().find(|(known, _)| track.in_all && known.id == track.id)?;
            let ours = Scores::new(&track.truth, said.as_ref()?).get(Measure::BeatF)?;
            Some(ours - Scores::new(&track.truth, theirs.as_ref()?).get(Measure::BeatF)?)
        };
        bootstrap::of_mean(&self.heard.iter().filter_map(gain).collect::<Vec<_>>())
    }
}

fn is_failed(said: Option<&Prediction>) -> bool {
    said.is_none_or(|said| said.error.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Truth;

    fn track(id: &str, group: &str, in_all: bool) -> Track {
        let beats: Vec<f64> = (0..20).map(|i| 0.5 * f64::from(i)).collect();
        let truth = Truth { duration_s: 10.0, beats, tempo_bpm: Some(120.0), ..Truth::default() };
        Track { id: id.into(), group: group.into(), in_all, truth }
    }

    fn right(track: &Track) -> Prediction {
        let beats = track.truth.beats.clone();
        Prediction { confidences: vec![0.9; beats.len()], beats, cpu_s: Some(0.1), ..Prediction::default() }
    }

    #[test]
    fn rows_average_groups_and_all() {
        let tracks = [track("a", "rock", true), track("b", "rock", true), track("c", "edge", false)];
        let failed = Prediction { error: Some("broken".into()), ..Prediction::default() };
        let said = [Some(right(&tracks[0])), Some(failed), Some(right(&tracks[2]))];
        let heard = tracks.into_iter().zip(said).collect();
        let listener = Listener { name: "x".into(), heard, costs: BTreeMap::new() };
        let rows = listener.rows();
        let seen: Vec<_> = rows.iter().map(|r| (r.group.as_str(), r.tracks, r.failed, r.means[0])).collect();
        let want = [("rock", 2, 1, Some(0.5)), ("edge", 1, 0, Some(1.0)), (ALL, 2, 1, Some(0.5))];
        assert_eq!(seen, want);
        assert_eq!(rows[0].means[Measure::Accuracy1 as usize], None, "no tempo is ever said");
        assert!((rows[2].times_real_time.unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(listener.worst(Measure::BeatF, 1)[0].0.id, "b");
        let reliability = listener.reliability();
        assert_eq!((reliability.beats(), reliability.bins[9].right), (20, 20));
        assert_eq!(listener.gain_over(&listener).unwrap().high, 0.0);
    }

    #[test]
    fn a_group_that_was_never_listened_to_has_no_row() {
        let tracks = [track("a", "rock", true), track("b", "jazz", true)];
        let said = [Some(right(&tracks[0])), None];
        let heard = tracks.into_iter().zip(said).collect();
        let costs = BTreeMap::from([("rock".to_owned(), (10.0, 2.0))]);
        let rows = Listener { name: "x".into(), heard, costs }.rows();
        assert_eq!(rows.iter().map(|row| row.group.as_str()).collect::<Vec<_>>(), ["rock", ALL]);
        assert_eq!((rows[1].tracks, rows[1].failed, rows[1].means[0]), (2, 1, Some(0.5)));
    }
}
