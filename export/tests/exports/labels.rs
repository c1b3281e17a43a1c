//! Labels are read from anything, and read back as they were written.

use crate::support::read;
use export::labels::jams::{END, Labelled};
use export::labels::{Found, Label, Limits, MAX_TIME_MS, audacity, jams};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const LIMITS: Limits = Limits { labels: 100, faults: 10 };

/// Any characters, and those that forms are made of.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\t\r\n,;\"'\\\\ 0-9.\u{0}-\u{20}\u{85}\u{2028}\u{FFFE}🎵]{0,12}"]
}

fn label() -> impl Strategy<Value = Label> {
    let time = || prop_oneof![0..100_000_u32, 0..=MAX_TIME_MS];
    (time(), time(), any::<bool>(), words(), prop::option::of(words())).prop_map(
        |(a, b, is_moment, text, color)| {
            let details = color.map(|color| ("color".to_owned(), Value::from(color)));
            let end_ms = (a != b && !is_moment).then_some(a.max(b));
            Label { start_ms: a.min(b), end_ms, text, details: details.into_iter().collect() }
        },
    )
}

fn labels(found: Vec<Found>) -> Vec<Label> {
    found.into_iter().map(|found| found.label).collect()
}

fn track_of(duration_ms: u64) -> Labelled<'static> {
    Labelled { title: "a \"title\"", artist: Some("\\"), duration_ms }
}

fn jams_of(labels: &[Label]) -> String {
    let track = track_of(1000);
    format!("{}{}{END}", track.begin(), track.annotation("tag_open", "somebody", labels))
}

proptest! {
    #[test]
    fn jams_gives_back_what_it_was_given(given in prop::collection::vec(label(), 0..20)) {
        let read = jams::read(jams_of(&given).as_bytes(), |namespace| namespace == "tag_open", LIMITS);
        prop_assert_eq!(labels(read.unwrap()), given);
    }

    #[test]
    fn a_label_track_gives_back_times_and_lines(given in prop::collection::vec(label(), 0..20)) {
        let mut file = Vec::new();
        audacity::write(&given, &mut file).unwrap();
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let expected = given.into_iter().map(|label| Label {
            text: label.text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect(),
            details: Map::new(),
            ..label
        });
        prop_assert_eq!(labels(audacity::read(&file, LIMITS).unwrap()), expected.collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_a_reader_fail(bytes: Vec<u8>) {
        let _ = audacity::read(&bytes, LIMITS);
        let _ = jams::read(&bytes, |_| true, LIMITS);
    }

    #[test]
    fn no_lines_make_a_reader_fail(lines in prop::collection::vec("(-?[0-9]{0,400}(\\.|e)?[0-9]{0,3}|NaN|inf|\\\\)\t[^\n]{0,10}(\t[^\n]{0,5})?", 0..30)) {
        match audacity::read(lines.join("\n").as_bytes(), LIMITS) {
            Ok(found) => {
                let is_whole = |label: &Label| {
                    label.end_ms.is_none_or(|end_ms| label.start_ms < end_ms && end_ms <= MAX_TIME_MS)
                };
                let all = found.iter().all(|found| is_whole(&found.label));
                prop_assert!(all);
            }
            Err(faults) => prop_assert!((1..=LIMITS.faults).contains(&faults.len())),
        }
    }

    #[test]
    fn no_observations_make_a_reader_fail(numbers in prop::collection::vec((any::<f64>(), any::<f64>(), words()), 0..30)) {
        let data: Vec<Value> = numbers
            .iter()
            .map(|(time, duration, value)| json!({"time": time, "duration": duration, "value": value}))
            .collect();
        let document = json!({"annotations": [{"namespace": "x", "data": data, "sandbox": {"arsis": [{}, [], 5]}}]});
        match jams::read(document.to_string().as_bytes(), |_| true, LIMITS) {
            Ok(found) => prop_assert_eq!(found.len(), numbers.len()),
            // An observation may be wrong in three places.
            Err(faults) => prop_assert!((1..=LIMITS.faults + 2).contains(&faults.len())),
        }
    }
}

#[test]
fn what_another_program_changed_loses_what_stood_beside_it() {
    let color = Map::from_iter([("color".to_owned(), Value::from("#ff8800"))]);
    let label = |start_ms, text: &str| Label {
        start_ms,
        end_ms: Some(start_ms + 500),
        text: text.into(),
        details: color.clone(),
    };
    let mut document: Value = serde_json::from_str(&jams_of(&[label(0, "a"), label(500, "b")])).unwrap();
    document["annotations"][0]["data"][0]["value"] = "changed".into();
    let read = jams::read(document.to_string().as_bytes(), |_| true, LIMITS).unwrap();
    let read = labels(read);
    assert_eq!((read[0].text.as_str(), read[0].details.len()), ("changed", 0));
    assert_eq!(read[1].details, color);
}

#[test]
fn jams_is_valid_with_labels_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let moment = Label { start_ms: 1500, end_ms: None, text: "x\ny".into(), details: Map::new() };
    let files = [(60_000, vec![moment.clone(), moment]), (0, Vec::new())].map(|(duration_ms, labels)| {
        let track = track_of(duration_ms);
        let path = folder.path().join(format!("{}.jams", labels.len()));
        let annotation = track.annotation("segment_open", "somebody", &labels);
        std::fs::write(&path, format!("{}{annotation}{END}", track.begin())).unwrap();
        path
    });
    let jams = read("jams", &files);
    let observation = json!([1.5, 0.0, "x\ny", null]);
    assert_eq!(jams[0]["annotations"]["segment_open"], json!([observation, observation]));
    assert_eq!(jams[1]["annotations"]["segment_open"], json!([]));
}

#[test]
fn more_labels_than_are_taken_are_a_fault() {
    let file = "0\t1\ta\n".repeat(101);
    let faults = audacity::read(file.as_bytes(), LIMITS).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].place, "line 101");
}
