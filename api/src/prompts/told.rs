//! What an analysis of each type tells, and so a preset can ask for.

use analysis_core::frame::FrameLayout;
use analysis_core::{AnalysisType, Config};

/// What one part of an analysis tells.
struct Part {
    event_types: &'static [&'static str],
    summary_fields: &'static [&'static str],
}

const RHYTHM: Part = Part {
    event_types: &["beat", "downbeat", "tatum", "onset"],
    summary_fields: &[
        "tempo_bpm",
        "tempo_confidence",
        "tempo_candidates",
        "tempo_curve",
        "time_signature",
        "time_signatures",
        "swing_ratio",
        "beat_count",
        "bar_count",
        "onset_count",
    ],
};

const TONAL: Part = Part {
    event_types: &["key", "chord"],
    summary_fields: &[
        "key.name",
        "key.tonic",
        "key.mode",
        "key.confidence",
        "key.runner_up",
        "tuning_hz",
        "chord_count",
    ],
};

const STRUCTURE: Part =
    Part { event_types: &["section", "segment"], summary_fields: &["section_count", "segment_count"] };

const LOUDNESS: Part = Part {
    event_types: &[],
    summary_fields: &[
        "loudness.integrated_lufs",
        "loudness.range_lu",
        "loudness.momentary_max_lufs",
        "loudness.short_term_max_lufs",
        "loudness.true_peak_dbtp",
        "loudness.sample_peak_dbfs",
        "fade_in_end_ms",
        "fade_out_start_ms",
        "danceability",
    ],
};

fn parts(of: AnalysisType) -> &'static [Part] {
    match of {
        AnalysisType::Spectral => &[],
        AnalysisType::Rhythm => &[RHYTHM],
        AnalysisType::Tonal => &[TONAL],
        AnalysisType::Structure => &[RHYTHM, TONAL, STRUCTURE],
        // The full one: no other tells more.
        _ => &[RHYTHM, TONAL, STRUCTURE, LOUDNESS],
    }
}

/// Types of the events that it finds.
pub(super) fn event_types(of: AnalysisType) -> Vec<&'static str> {
    parts(of).iter().flat_map(|part| part.event_types).copied().collect()
}

/// Fields of its summary, by their paths.
pub(super) fn summary_fields(of: AnalysisType) -> Vec<&'static str> {
    parts(of).iter().flat_map(|part| part.summary_fields).copied().collect()
}

/// Fields of its frames.
pub(super) fn frame_fields(of: AnalysisType) -> Vec<String> {
    let layout = FrameLayout::new(&Config { analysis_type: of, ..Config::default() });
    layout.fields().iter().map(|field| field.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::EVENT_TYPES;
    use analysis_core::summary::{KeyEstimate, LoudnessSummary, Mode, Summary};
    use serde_json::Value;

    fn paths(prefix: &str, value: &Value) -> Vec<String> {
        let Value::Object(fields) = value else { return vec![prefix.to_owned()] };
        let path = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        fields.iter().flat_map(|(name, value)| paths(&path(name), value)).collect()
    }

    #[test]
    fn a_full_analysis_tells_everything_that_there_is() {
        let key = KeyEstimate {
            name: String::new(),
            tonic: String::new(),
            mode: Mode::Major,
            confidence: 0.0,
            runner_up: None,
        };
        let loudness = LoudnessSummary {
            integrated_lufs: None,
            range_lu: None,
            momentary_max_lufs: None,
            short_term_max_lufs: None,
            true_peak_dbtp: None,
            sample_peak_dbfs: None,
        };
        let summary = Summary { key: Some(key), loudness: Some(loudness), ..Summary::default() };
        let mut all = paths("", &serde_json::to_value(summary).unwrap());
        let mut told = summary_fields(AnalysisType::Full);
        all.sort();
        told.sort_unstable();
        assert_eq!(told, all);
        let (mut all, mut told) = (EVENT_TYPES, event_types(AnalysisType::Full));
        all.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, all);
    }
}
