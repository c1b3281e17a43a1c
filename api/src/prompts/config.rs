//! The configuration of a preset: what an answer is compared with, how close it must be, what is seen while listening
//! and how playback goes.
//!
//! | `preset_type` | what it must have |
//! |---|---|
//! | `tap`, `mark` | `event_types` |
//! | `choice` | `summary_field`, `options` |
//! | `loop` | `loop_bars` |
//! | `compare` | `excerpt_ms`, and `summary_field` or `frame_field` |
//! | `label` | `event_types`, `labels` |
//! | `annotate` | `category` |
//! | `draw` | `frame_field` |
//! | `estimate` | `summary_field`, `tolerance` |

use super::told;
use crate::json;
use crate::results::EVENT_TYPES;
use crate::text::Checks;
use serde::Deserialize;
use serde_json::Value;
use store::analyses;

/// Kinds of presets.
pub(super) const PRESET_TYPES: [&str; 9] =
    ["tap", "mark", "choice", "loop", "compare", "label", "annotate", "draw", "estimate"];

const ANALYSIS_TYPES: [&str; 5] = ["full", "spectral", "rhythm", "tonal", "structure"];
const SHOWN: [&str; 9] =
    ["waveform", "bands", "beats", "downbeats", "onsets", "sections", "loudness", "centroid", "chroma"];

/// A field that is a list, and what it may hold; `None`: anything.
type Words<'a> = (&'a str, &'a Option<Vec<String>>, Option<&'a [&'a str]>);

/// Most items of a list, and longest word in characters.
const MAX_ITEMS: usize = 24;
const MAX_WORD: usize = 50;

/// Most bytes of a configuration as JSON.
const MAX_BYTES: usize = 8 << 10;

/// Every field that a configuration may have; all presets share them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    analysis_type: String,
    event_types: Option<Vec<String>>,
    exclude_event_types: Option<Vec<String>>,
    summary_field: Option<String>,
    frame_field: Option<String>,
    tolerance_ms: Option<f64>,
    tolerance: Option<f64>,
    #[serde(rename = "accept_half_and_double_tempo")]
    _accept_half_and_double_tempo: Option<bool>,
    answers: Option<f64>,
    options: Option<Vec<String>>,
    labels: Option<Vec<String>>,
    category: Option<String>,
    unit: Option<String>,
    show: Option<Vec<String>>,
    reveal: Option<String>,
    snap_to: Option<String>,
    click: Option<String>,
    start: Option<String>,
    end_at: Option<String>,
    playback_rate: Option<f64>,
    duration_ms: Option<f64>,
    stop_after_ms: Option<f64>,
    excerpt_ms: Option<f64>,
    excerpts: Option<Vec<f64>>,
    loop_bars: Option<f64>,
    limit_bars: Option<f64>,
    bars_with_music: Option<f64>,
    bars_muted: Option<f64>,
    repeat: Option<f64>,
    zoom_ms_per_pixel: Option<f64>,
    #[serde(rename = "match_loudness")]
    _match_loudness: Option<bool>,
    filter: Option<Filter>,
}

/// What playback goes through.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(rename = "type")]
    kind: String,
    cutoff_hz: f64,
}

/// Checks a type and the configuration that it has.
pub(super) fn check(checks: &mut Checks, preset_type: &str, config: &Value) {
    if !PRESET_TYPES.contains(&preset_type) {
        checks.refuse("#/preset_type", format!("must be one of {}", PRESET_TYPES.join(", ")));
    }
    if config.to_string().len() > MAX_BYTES {
        return checks.refuse("#/config", format!("must be at most {MAX_BYTES} bytes"));
    }
    match json::read::<Config>(config.clone()) {
        Ok(config) => {
            config.check_presence(checks, preset_type);
            config.check_words(checks);
            config.check_numbers(checks);
        }
        Err(problem) => checks.refuse_part("#/config", problem),
    }
}

impl Config {
    /// What this type of preset must have.
    fn check_presence(&self, checks: &mut Checks, preset_type: &str) {
        let events = ("event_types", self.event_types.is_some());
        let summary = ("summary_field", self.summary_field.is_some());
        let frames = ("frame_field", self.frame_field.is_some());
        let needed = match preset_type {
            "tap" | "mark" => vec![events],
            "choice" => vec![summary, ("options", self.options.is_some())],
            "loop" => vec![("loop_bars", self.loop_bars.is_some())],
            "compare" if self.frame_field.is_some() => vec![("excerpt_ms", self.excerpt_ms.is_some())],
            "compare" => vec![("excerpt_ms", self.excerpt_ms.is_some()), summary],
            "label" => vec![events, ("labels", self.labels.is_some())],
            "annotate" => vec![("category", self.category.is_some())],
            "draw" => vec![frames],
            "estimate" => vec![summary, ("tolerance", self.tolerance.is_some())],
            _ => Vec::new(),
        };
        for (name, _) in needed.into_iter().filter(|(_, there)| !there) {
            checks.refuse(format!("#/config/{name}"), format!("must be given for {preset_type}"));
        }
    }

    fn check_words(&self, checks: &mut Checks) {
        let one_of: [(&str, Option<&String>, &[&str]); 7] = [
            ("analysis_type", Some(&self.analysis_type), &ANALYSIS_TYPES),
            ("reveal", self.reveal.as_ref(), &["after_answer", "at_once", "never"]),
            ("snap_to", self.snap_to.as_ref(), &EVENT_TYPES),
            ("click", self.click.as_ref(), &EVENT_TYPES),
            ("start", self.start.as_ref(), &["beginning", "random"]),
            ("end_at", self.end_at.as_ref(), &["strongest_section"]),
            ("filter/type", self.filter.as_ref().map(|filter| &filter.kind), &["lowpass", "highpass"]),
        ];
        for (name, word, allowed) in one_of {
            if word.is_some_and(|word| !allowed.contains(&word.as_str())) {
                checks.refuse(format!("#/config/{name}"), format!("must be one of {}", allowed.join(", ")));
            }
        }
        // A type that is none is said once: its events and fields are not known.
        let of = analyses::type_from_name(&self.analysis_type);
        let event_types = of.map_or_else(|| EVENT_TYPES.to_vec(), told::event_types);
        let lists: [Words<'_>; 5] = [
            ("event_types", &self.event_types, Some(&event_types)),
            ("exclude_event_types", &self.exclude_event_types, Some(&event_types)),
            ("show", &self.show, Some(&SHOWN)),
            ("options", &self.options, None),
            ("labels", &self.labels, None),
        ];
        for (name, words, allowed) in lists {
            let Some(words) = words else { continue };
            let empty = words.is_empty() && name != "show" && name != "exclude_event_types";
            if empty || words.len() > MAX_ITEMS {
                checks.refuse(format!("#/config/{name}"), format!("must be 1 to {MAX_ITEMS}"));
            }
            for (i, word) in words.iter().enumerate().take(MAX_ITEMS) {
                check_word(checks, &format!("#/config/{name}/{i}"), word, allowed);
            }
        }
        let summary_fields = of.map(told::summary_fields);
        let frame_fields = of.map(told::frame_fields);
        let frame_fields: Option<Vec<&str>> =
            frame_fields.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let single = [
            ("summary_field", &self.summary_field, summary_fields.as_deref()),
            ("frame_field", &self.frame_field, frame_fields.as_deref()),
            ("category", &self.category, None),
            ("unit", &self.unit, None),
        ];
        for (name, word, allowed) in single {
            let Some(word) = word else { continue };
            check_word(checks, &format!("#/config/{name}"), word, allowed);
        }
    }

    fn check_numbers(&self, checks: &mut Checks) {
        const HOUR_MS: f64 = 3_600_000.0;
        let whole = [
            ("tolerance_ms", self.tolerance_ms, 1.0, 60_000.0),
            ("answers", self.answers, 1.0, 1000.0),
            ("duration_ms", self.duration_ms, 100.0, HOUR_MS),
            ("stop_after_ms", self.stop_after_ms, 100.0, HOUR_MS),
            ("excerpt_ms", self.excerpt_ms, 100.0, HOUR_MS),
            ("loop_bars", self.loop_bars, 1.0, 256.0),
            ("limit_bars", self.limit_bars, 1.0, 256.0),
            ("bars_with_music", self.bars_with_music, 1.0, 256.0),
            ("bars_muted", self.bars_muted, 1.0, 256.0),
            ("repeat", self.repeat, 1.0, 100.0),
        ];
        let whole = whole.into_iter().map(|(name, number, min, max)| (name, number, min, max, true));
        let others = [
            ("tolerance", self.tolerance, 0.0, 1e6, false),
            ("playback_rate", self.playback_rate, 0.25, 4.0, false),
            ("zoom_ms_per_pixel", self.zoom_ms_per_pixel, 0.1, 1000.0, false),
            ("filter/cutoff_hz", self.filter.as_ref().map(|filter| filter.cutoff_hz), 20.0, 20_000.0, false),
        ];
        for (name, number, min, max, whole) in whole.chain(others) {
            let fits = |number: f64| (min..=max).contains(&number) && !(whole && number.fract() != 0.0);
            if number.is_some_and(|number| !fits(number)) {
                let kind = if whole { "a whole number from" } else { "" };
                checks.refuse(format!("#/config/{name}"), format!("must be {kind} {min} to {max}"));
            }
        }
        for (i, part) in self.excerpts.iter().flatten().enumerate() {
            if i >= MAX_ITEMS || !(0.0..=1.0).contains(part) {
                let rule = format!("must be a part of the track, 0 to 1, one of at most {MAX_ITEMS}");
                checks.refuse(format!("#/config/excerpts/{i}"), rule);
                break;
            }
        }
    }
}

/// A word, one of those allowed where there are any.
fn check_word(checks: &mut Checks, pointer: &str, word: &str, allowed: Option<&[&str]>) {
    match allowed {
        Some([]) => checks.refuse(pointer, "is nothing that an analysis of this type tells"),
        Some(allowed) if !allowed.contains(&word) => {
            checks.refuse(pointer, format!("must be one of {}", allowed.join(", ")));
        }
        Some(_) => {}
        None => drop(checks.required(pointer, MAX_WORD, word.to_owned())),
    }
}

/// Changes a JSON value by a merge patch (RFC 7396, section 2).
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return target.clone_from(patch) };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_does_what_its_standard_shows() {
        // Examples of RFC 7396, appendix A.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = target;
            merge(&mut merged, &patch);
            assert_eq!(merged, result);
        }
    }

    proptest! {
        #[test]
        fn no_configuration_panics(kind in "[a-z]{0,8}", number: f64, words: Vec<String>) {
            let config = json!({"analysis_type": "full", "tolerance_ms": number, "options": words, "show": words});
            check(&mut Checks::default(), &kind, &config);
        }
    }
}
