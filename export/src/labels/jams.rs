//! Labels as JAMS 0.3.5 has them: observations with a time, a duration in seconds and a value, the label's text.
//!
//! The schema has no place for what else is said of a label. It goes to the sandbox of its annotation, as an array beside
//! `data`: `{"arsis": [{"time": 1.5, "value": "Chorus", "color": "#ff8800"}, …]}`. On reading it counts for an observation
//! with the same place, time and value; other programs may have changed the one and not the other.

mod parts;

use super::{Fault, Found, Label, Limits, Reading, milliseconds, no_time};
use crate::track::Seconds;
use parts::{Annotation, Document, Observation, Sandbox, each, number, object, text};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};

/// Version of the schema.
const JAMS_VERSION: &str = "0.3.5";

/// Key of the sandbox.
const DETAILS: &str = "arsis";

/// A track that is labelled.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// Name of the music.
    pub title: &'a str,
    /// Who plays.
    pub artist: Option<&'a str>,
    /// Length, in ms. Readers insist on one: where it is not known, as far as the labels reach.
    pub duration_ms: u64,
}

impl Labelled<'_> {
    /// The document up to its annotations: they follow with commas between them, then [`END`].
    #[must_use]
    pub fn begin(&self) -> String {
        let mut about = json!({
            "title": self.title, "duration": self.duration(), "jams_version": JAMS_VERSION, "identifiers": {},
        });
        if let Some(artist) = self.artist {
            about["artist"] = artist.into();
        }
        format!("{{\"file_metadata\":{about},\"sandbox\":{{}},\"annotations\":[")
    }

    /// An annotation that holds these labels of one person.
    #[must_use]
    pub fn annotation(&self, namespace: &str, annotator: &str, labels: &[Label]) -> String {
        let data: Vec<Value> = labels.iter().map(observation).collect();
        let details: Vec<Value> = labels.iter().map(details).collect();
        let annotation = json!({
            "namespace": namespace,
            "annotation_metadata": {
                "annotation_tools": "Arsis", "data_source": "manual", "annotator": {"id": annotator},
            },
            "time": 0.0,
            "duration": self.duration(),
            "data": data,
            "sandbox": {DETAILS: details},
        });
        annotation.to_string()
    }

    fn duration(&self) -> f64 {
        Seconds(self.duration_ms).number()
    }
}

/// What comes after the annotations.
pub const END: &str = "]}\n";

fn observation(label: &Label) -> Value {
    let duration = label.end_ms.map_or(0, |end_ms| end_ms.saturating_sub(label.start_ms));
    json!({"time": seconds(label.start_ms), "duration": seconds(duration), "value": label.text, "confidence": null})
}

fn details(label: &Label) -> Value {
    let mut details = label.details.clone();
    details.insert("time".into(), seconds(label.start_ms).into());
    details.insert("value".into(), label.text.as_str().into());
    Value::Object(details)
}

fn seconds(ms: u32) -> f64 {
    Seconds(ms.into()).number()
}

/// Reads the labels of every annotation whose namespace is one of those asked for: text is its value.
///
/// Only what becomes a label is taken out of the document: as values of JSON the whole may need a hundred times its length.
///
/// # Errors
/// Everything that is wrong, by JSON pointer; so is a document whose annotations are all of other namespaces.
pub fn read(
    document: &[u8],
    wanted: impl Fn(&str) -> bool,
    limits: Limits,
) -> Result<Vec<Found>, Vec<Fault>> {
    let mut reading = Reading::new(limits);
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let document: &RawValue = match serde_json::from_slice(document) {
        Ok(document) => document,
        Err(error) => {
            reading.fault("#", format!("is not JSON: {error}"));
            return reading.finish();
        }
    };
    let annotations = object::<Document<'_>>(document).and_then(|document| document.annotations);
    let (mut any, mut others) = (false, false);
    let is_array = annotations.is_some_and(|annotations| {
        each(annotations, |i, annotation| {
            let annotation = object::<Annotation<'_>>(annotation).unwrap_or_default();
            match annotation.namespace.and_then(text) {
                Some(namespace) if wanted(&namespace) => {
                    any = true;
                    read_annotation(&mut reading, &format!("#/annotations/{i}"), &annotation);
                }
                Some(_) => others = true,
                None => reading.fault(format!("#/annotations/{i}/namespace"), "must be text"),
            }
            on_with(&reading)
        })
    });
    if !is_array {
        reading.fault("#/annotations", "must be an array");
    } else if others && !any && reading.faults.is_empty() {
        reading.fault("#/annotations", "has none of a namespace that is taken here");
    }
    reading.finish()
}

fn on_with(reading: &Reading) -> ControlFlow<()> {
    if reading.is_over() { Break(()) } else { Continue(()) }
}

fn read_annotation(reading: &mut Reading, pointer: &str, annotation: &Annotation<'_>) {
    let details = beside(annotation, reading.limits.labels);
    let read = |i: usize, observation| {
        let place = format!("{pointer}/data/{i}");
        if let Some((mut label, observation)) = read_observation(reading, &place, observation) {
            let beside = details.get(i).copied();
            label.details = beside.and_then(|beside| details_of(beside, &observation)).unwrap_or_default();
            reading.keep(place, label);
        }
        on_with(reading)
    };
    if !annotation.data.is_some_and(|data| each(data, read)) {
        reading.fault(format!("{pointer}/data"), "must be an array of observations");
    }
}

/// What is said beside the observations of an annotation, of as many as become labels.
fn beside<'a>(annotation: &Annotation<'a>, most: usize) -> Vec<&'a RawValue> {
    let mut details = Vec::new();
    let sandbox = annotation.sandbox.and_then(object::<Sandbox<'_>>);
    if let Some(said) = sandbox.and_then(|sandbox| sandbox.arsis) {
        each(said, |_, one| {
            details.push(one);
            if details.len() < most { Continue(()) } else { Break(()) }
        });
    }
    details
}

fn read_observation<'a>(
    reading: &mut Reading,
    place: &str,
    observation: &'a RawValue,
) -> Option<(Label, Observation<'a>)> {
    let Some(observation) = object::<Observation<'_>>(observation) else {
        reading.fault(place, "must be an observation with time, duration and value");
        return None;
    };
    let positive = |raw: Option<&RawValue>| raw.and_then(number).filter(|number| *number >= 0.0);
    let (time, duration) = (positive(observation.time), positive(observation.duration));
    let start_ms = time.and_then(milliseconds);
    if start_ms.is_none() {
        reading.fault(format!("{place}/time"), no_time());
    }
    let end_ms = time.zip(duration).and_then(|(time, duration)| milliseconds(time + duration));
    if end_ms.is_none() && start_ms.is_some() || duration.is_none() {
        reading.fault(format!("{place}/duration"), no_time());
    }
    let text = observation.value.and_then(text);
    if text.is_none() {
        reading.fault(format!("{place}/value"), "must be text");
    }
    let (start_ms, end_ms, text) = (start_ms?, end_ms?, text?);
    let end_ms = (end_ms > start_ms).then_some(end_ms);
    Some((Label { start_ms, end_ms, text, details: Map::new() }, observation))
}

/// What is said beside an observation, if it is about this one: never lists or objects, which we do not write.
fn details_of(beside: &RawValue, observation: &Observation<'_>) -> Option<Map<String, Value>> {
    let mut details: BTreeMap<String, &RawValue> = object(beside)?;
    let (time, value) = (details.remove("time")?, details.remove("value")?);
    let same =
        number(time) == observation.time.and_then(number) && text(value) == observation.value.and_then(text);
    let plain = |raw: &RawValue| !raw.get().starts_with(['[', '{']);
    let details = details.into_iter().filter(|(_, raw)| plain(raw));
    let details = details.filter_map(|(name, raw)| Some((name, serde_json::from_str(raw.get()).ok()?)));
    same.then(|| details.collect())
}
