//! What two sides score against one another, measure by measure; what one of them does not say is left out.

use super::reading;
use super::side::{Kind, Side, median};
use scores::cemgil::cemgil;
use scores::chords::symbol_recall;
use scores::continuity::continuity;
use scores::events::{BEAT_WINDOW_S, f_measure, matches};
use scores::key::{Key, weighted_score};
use scores::sections::{WINDOWS_S, boundary_f};
use scores::tempo::{accuracy_1, accuracy_2};
use serde::Serialize;

/// Everything that is said of two sides. Serialises to the document of `arsis compare --format json`.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) reference: About,
    pub(crate) estimate: About,
    /// Beats and downbeats before this are not scored, in seconds.
    pub(crate) scored_from_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beats: Option<BeatScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) downbeats: Option<DownbeatScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tempo: Option<TempoScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chords: Option<ChordScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sections: Option<SectionScores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loudness: Option<LoudnessDifference>,
    /// What a person would say of it.
    pub(crate) readings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct About {
    pub(crate) file: String,
    pub(crate) kind: Option<Kind>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BeatScores {
    pub(crate) f_measure: f64,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) cml_c: f64,
    pub(crate) cml_t: f64,
    pub(crate) aml_c: f64,
    pub(crate) aml_t: f64,
    pub(crate) cemgil: f64,
    pub(crate) matched: usize,
    pub(crate) missed: usize,
    pub(crate) extra: usize,
    /// Middle of the matched beats' distances; above 0 the estimate is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) median_offset_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DownbeatScores {
    pub(crate) f_measure: f64,
    pub(crate) matched: usize,
    pub(crate) missed: usize,
    pub(crate) extra: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct TempoScores {
    pub(crate) reference_bpm: f64,
    pub(crate) estimate_bpm: f64,
    pub(crate) accuracy_1: bool,
    pub(crate) accuracy_2: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct KeyScore {
    pub(crate) reference: String,
    pub(crate) estimate: String,
    pub(crate) weighted_score: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChordScore {
    /// Share of the time in which the triads are the same.
    pub(crate) overlap: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct SectionScores {
    pub(crate) f_measure_half_s: f64,
    pub(crate) f_measure_3_s: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct LoudnessDifference {
    pub(crate) reference_lufs: f64,
    pub(crate) estimate_lufs: f64,
    /// Above 0 the estimate is louder.
    pub(crate) difference_lu: f64,
}

impl Comparison {
    /// Scores `b` by `a`.
    pub(crate) fn new(a: &Side, b: &Side) -> Self {
        let about = |side: &Side| About { file: side.name.clone(), kind: side.kind };
        let scored_from_s = scores::settled_from_s(a.end_s().max(b.end_s()));
        let settled = |times: &Option<Vec<f64>>| -> Option<Vec<f64>> {
            Some(times.as_ref()?.iter().copied().filter(|time| *time >= scored_from_s).collect())
        };
        let pair =
            |a: &Option<Vec<f64>>, b: &Option<Vec<f64>>| settled(a).filter(|a| !a.is_empty()).zip(settled(b));
        let mut comparison = Self {
            reference: about(a),
            estimate: about(b),
            scored_from_s,
            beats: pair(&a.beats, &b.beats).map(|(a, b)| beats(&a, &b)),
            downbeats: pair(&a.downbeats, &b.downbeats).map(|(a, b)| downbeats(&a, &b)),
            tempo: a.tempo_bpm.zip(b.tempo_bpm).map(|(a, b)| tempo(a, b)),
            key: a.key.as_deref().zip(b.key.as_deref()).and_then(|(a, b)| key(a, b)),
            chords: a
                .chords
                .as_ref()
                .zip(b.chords.as_ref())
                .and_then(|(a, b)| symbol_recall(a, b).map(|overlap| ChordScore { overlap })),
            sections: a
                .boundaries()
                .filter(|a| !a.is_empty())
                .zip(b.boundaries())
                .map(|(a, b)| sections(&a, &b)),
            loudness: a.loudness_lufs.zip(b.loudness_lufs).map(|(a, b)| loudness(a, b)),
            readings: Vec::new(),
        };
        comparison.readings = reading::of(&comparison, a, b);
        comparison
    }
}

fn beats(a: &[f64], b: &[f64]) -> BeatScores {
    let offsets_ms: Vec<f64> =
        matches(a, b, BEAT_WINDOW_S).map(|(at, said)| 1000.0 * (b[said] - a[at])).collect();
    let matched = offsets_ms.len();
    let continuity = continuity(a, b);
    let share = |of: usize| if of == 0 { 0.0 } else { matched as f64 / of as f64 };
    BeatScores {
        f_measure: f_measure(a, b, BEAT_WINDOW_S),
        precision: share(b.len()),
        recall: share(a.len()),
        cml_c: continuity.cml_c,
        cml_t: continuity.cml_t,
        aml_c: continuity.aml_c,
        aml_t: continuity.aml_t,
        cemgil: cemgil(a, b),
        matched,
        missed: a.len() - matched,
        extra: b.len() - matched,
        // To the microsecond: beyond that there is only rounding.
        median_offset_ms: median(offsets_ms).map(|ms| (1000.0 * ms).round() / 1000.0),
    }
}

fn downbeats(a: &[f64], b: &[f64]) -> DownbeatScores {
    let matched = matches(a, b, BEAT_WINDOW_S).count();
    let f_measure = f_measure(a, b, BEAT_WINDOW_S);
    DownbeatScores { f_measure, matched, missed: a.len() - matched, extra: b.len() - matched }
}

fn tempo(reference_bpm: f64, estimate_bpm: f64) -> TempoScores {
    let said = Some(estimate_bpm);
    let (accuracy_1, accuracy_2) = (accuracy_1(reference_bpm, said), accuracy_2(reference_bpm, said));
    TempoScores { reference_bpm, estimate_bpm, accuracy_1, accuracy_2 }
}

fn key(reference: &str, estimate: &str) -> Option<KeyScore> {
    let weighted_score = weighted_score(Key::parse(reference)?, Key::parse(estimate)?);
    Some(KeyScore { reference: reference.to_owned(), estimate: estimate.to_owned(), weighted_score })
}

fn sections(a: &[f64], b: &[f64]) -> SectionScores {
    let [f_measure_half_s, f_measure_3_s] = WINDOWS_S.map(|window_s| boundary_f(a, b, window_s));
    SectionScores { f_measure_half_s, f_measure_3_s }
}

fn loudness(reference_lufs: f64, estimate_lufs: f64) -> LoudnessDifference {
    LoudnessDifference { reference_lufs, estimate_lufs, difference_lu: estimate_lufs - reference_lufs }
}
