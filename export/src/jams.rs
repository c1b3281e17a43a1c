//! JAMS, the JSON Annotated Music Specification (Humphrey et al., ISMIR 2014), as version 0.3.5 of its schema has it.
//!
//! | namespace | value | from |
//! |---|---|---|
//! | `beat` | position in the bar | beats |
//! | `tempo` | beats per minute | the tempo curve of the summary |
//! | `key_mode` | `A:minor` | keys |
//! | `chord` | `A:min` in the syntax of Harte et al. (ISMIR 2005); `N` where there is no chord | chords |
//! | `segment_open` | label | sections |
//! | `onset` | null | onsets |
//!
//! What was not asked for has no annotation; what was and is not there has one without observations. A name that is
//! no key is left out of `key_mode`; a chord whose root is no note is `X`, the syntax's word for a chord unknown.

use crate::Track;
use crate::stretches::{end_ms, ended};
use crate::track::{Seconds, words};
use analysis_core::chords::Quality;
use analysis_core::events::{Event, EventData, EventType};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Version of the schema.
const JAMS_VERSION: &str = "0.3.5";

/// Writes the document of a track.
///
/// # Errors
/// Those of `out`.
pub fn write(track: &Track<'_>, out: &mut impl Write) -> io::Result<()> {
    let document = Document {
        file_metadata: json!({
            "title": track.title,
            "duration": Seconds(track.audio.duration_ms).number(),
            "identifiers": track.fingerprint.map_or_else(|| json!({}), |print| json!({"fingerprint": print})),
            "jams_version": JAMS_VERSION,
        }),
        annotations: annotations(track),
        sandbox: json!({"file": track.file}),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    file_metadata: Value,
    annotations: Vec<Annotation<'a>>,
    sandbox: Value,
}

#[derive(Serialize)]
struct Annotation<'a> {
    namespace: &'static str,
    annotation_metadata: Value,
    time: f64,
    duration: f64,
    data: Observations<'a>,
}

/// A moment or stretch, and what is said of it.
#[derive(Serialize)]
struct Observation {
    time: f64,
    duration: f64,
    value: Value,
    confidence: Option<f32>,
}

/// Written one by one, as they are found in the events.
struct Observations<'a> {
    track: Track<'a>,
    find: Finder,
}

type Finder = for<'a> fn(&Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a>;

impl Serialize for Observations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.find)(&self.track))
    }
}

fn annotations<'a>(track: &Track<'a>) -> Vec<Annotation<'a>> {
    let summary = track.summary;
    let heard = |kind| of_kind(track, kind).next().is_some();
    let all: [(&'static str, bool, Finder); 6] = [
        ("beat", summary.beat_count.is_some() || heard(EventType::Beat), beats),
        ("tempo", summary.beat_count.is_some() || tempo(track).next().is_some(), tempo),
        ("key_mode", summary.key.is_some() || heard(EventType::Key), keys),
        ("chord", summary.chord_count.is_some() || heard(EventType::Chord), chords),
        ("segment_open", summary.section_count.is_some() || heard(EventType::Section), sections),
        ("onset", summary.onset_count.is_some() || heard(EventType::Onset), onsets),
    ];
    let there = all.into_iter().filter(|(_, there, _)| *there);
    there.map(|(namespace, _, find)| annotation(track, namespace, find)).collect()
}

fn annotation<'a>(track: &Track<'a>, namespace: &'static str, find: Finder) -> Annotation<'a> {
    Annotation {
        namespace,
        annotation_metadata: json!({
            "annotation_tools": "Arsis",
            "version": track.analyzer_version,
            "data_source": "program",
        }),
        time: 0.0,
        duration: Seconds(track.audio.duration_ms).number(),
        data: Observations { track: *track, find },
    }
}

fn observation(event: &Event, value: Value) -> Observation {
    Observation {
        time: Seconds(event.time_ms.into()).number(),
        duration: Seconds(event.duration_ms.unwrap_or(0).into()).number(),
        value,
        confidence: event.confidence.filter(|confidence| confidence.is_finite()),
    }
}

fn of_kind<'a>(track: &Track<'a>, kind: EventType) -> impl Iterator<Item = Event> + use<'a> {
    ended(track).filter(move |event| event.event_type == kind)
}

fn beats<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    let value = |event: &Event| match event.event_data {
        Some(EventData::Beat { position, .. }) => position.into(),
        _ => Value::Null,
    };
    Box::new(of_kind(track, EventType::Beat).map(move |event| observation(&event, value(&event))))
}

fn onsets<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    Box::new(of_kind(track, EventType::Onset).map(|event| observation(&event, Value::Null)))
}

fn sections<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    let value = |event: &Event| words(event).unwrap_or_default().into();
    Box::new(of_kind(track, EventType::Section).map(move |event| observation(&event, value(&event))))
}

/// The tempo from each point of the curve to the next. The schema wants a confidence: without one there is nothing
/// to write.
fn tempo<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    let (curve, duration_ms) = (&track.summary.tempo_curve, track.audio.duration_ms);
    let confidence = track.summary.tempo_confidence.filter(|confidence| (0.0..=1.0).contains(confidence));
    let points = curve.iter().enumerate().filter_map(move |(i, point)| {
        let end_ms = curve.get(i + 1).map_or(duration_ms, |next| next.time_ms.into());
        Some(Observation {
            time: Seconds(point.time_ms.into()).number(),
            duration: Seconds(end_ms.saturating_sub(point.time_ms.into())).number(),
            value: (point.bpm.is_finite() && point.bpm >= 0.0).then_some(point.bpm)?.into(),
            confidence: Some(confidence?),
        })
    });
    Box::new(points)
}

fn keys<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    let keys = of_kind(track, EventType::Key)
        .filter_map(|event| Some(observation(&event, key_mode(words(&event)?)?.into())));
    Box::new(keys)
}

/// `A minor` → `A:minor`.
fn key_mode(name: &str) -> Option<String> {
    let (tonic, mode) = name.split_once(' ')?;
    (is_note(tonic) && ["major", "minor"].contains(&mode)).then(|| format!("{tonic}:{mode}"))
}

/// A letter from A to G, sharp, flat or neither.
fn is_note(name: &str) -> bool {
    let accidental = name.strip_prefix(|letter| ('A'..='G').contains(&letter));
    accidental.is_some_and(|accidental| ["", "#", "b"].contains(&accidental))
}

/// The chords, and `N` for the time before, between and after them.
fn chords<'a>(track: &Track<'a>) -> Box<dyn Iterator<Item = Observation> + 'a> {
    let duration_ms = track.audio.duration_ms;
    let mut filled_ms = 0;
    let heard = of_kind(track, EventType::Chord).map(Some).chain(std::iter::once(None));
    Box::new(heard.flat_map(move |chord| {
        let start_ms = chord.as_ref().map_or(duration_ms, |chord| chord.time_ms.into());
        let gap = (start_ms > filled_ms).then(|| no_chord(filled_ms, start_ms));
        filled_ms = filled_ms.max(chord.as_ref().map_or(0, end_ms));
        [gap, chord.map(|chord| observation(&chord, harte(&chord).into()))].into_iter().flatten()
    }))
}

fn no_chord(start_ms: u64, end_ms: u64) -> Observation {
    let duration = Seconds(end_ms - start_ms).number();
    Observation { time: Seconds(start_ms).number(), duration, value: "N".into(), confidence: None }
}

fn harte(chord: &Event) -> String {
    match &chord.event_data {
        Some(EventData::Chord { root, quality: Quality::Major, .. }) if is_note(root) => {
            format!("{root}:maj")
        }
        Some(EventData::Chord { root, quality: Quality::Minor, .. }) if is_note(root) => {
            format!("{root}:min")
        }
        _ => "X".into(),
    }
}
