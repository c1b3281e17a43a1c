//! Documents of JSON: those of `--format json`, and JAMS.

use super::lists::add_beats;
use super::names::{key_name, lead_sheet};
use super::side::{Kind, Side};
use analysis_core::events::{Event, EventType};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Largest document: ten hours of everything are 160 MB.
const MOST_BYTES: u64 = 1 << 30;

/// What is looked at, of either.
#[derive(Deserialize)]
struct Document {
    audio: Option<Audio>,
    summary: Option<Summary>,
    #[serde(default)]
    events: Compared,
    file_metadata: Option<Metadata>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
struct Audio {
    duration_ms: f64,
}

#[derive(Deserialize)]
struct Summary {
    tempo_bpm: Option<f64>,
    key: Option<Key>,
    loudness: Option<Loudness>,
    beat_count: Option<u64>,
    chord_count: Option<u64>,
    section_count: Option<u64>,
}

#[derive(Deserialize)]
struct Key {
    name: String,
}

#[derive(Deserialize)]
struct Loudness {
    integrated_lufs: Option<f64>,
}

#[derive(Deserialize)]
struct Metadata {
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Annotation {
    namespace: String,
    /// As text, until it is known to be compared.
    data: Box<RawValue>,
}

/// The events that are compared; the others, by far the most, are passed over as they are read.
#[derive(Default)]
struct Compared(Vec<Event>);

impl<'de> Deserialize<'de> for Compared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Compared;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<Compared, A::Error> {
                let mut kept = Vec::new();
                while let Some(event) = events.next_element::<Event>()? {
                    let is_compared = matches!(
                        event.event_type,
                        EventType::Beat | EventType::Section | EventType::Chord | EventType::Key
                    );
                    kept.extend(is_compared.then_some(event));
                }
                Ok(Compared(kept))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

/// Reads either.
///
/// # Errors
/// When it is neither, or is damaged.
pub(crate) fn read(file: File) -> Result<Side> {
    let bytes = file.metadata()?.len();
    ensure!(bytes <= MOST_BYTES, "it is larger than the {} MiB that are taken of JSON", MOST_BYTES >> 20);
    let mut text = BufReader::new(file);
    if text.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let document: Document =
        serde_json::from_reader(text).context("it is JSON of another kind, or damaged")?;
    match (document.summary, document.annotations) {
        (Some(summary), _) => Ok(analysis(summary, document.audio, document.events.0)),
        (None, Some(annotations)) => {
            let duration_s = document.file_metadata.and_then(|about| about.duration);
            let mut side = Side { kind: Some(Kind::Jams), duration_s, ..Side::default() };
            annotations.iter().try_for_each(|annotation| add_annotation(&mut side, annotation))?;
            Ok(side)
        }
        (None, None) => bail!("it is neither a document of `arsis analyze --format json` nor JAMS"),
    }
}

fn analysis(summary: Summary, audio: Option<Audio>, events: Vec<Event>) -> Side {
    let mut side = Side {
        kind: Some(Kind::Analysis),
        duration_s: audio.map(|audio| audio.duration_ms / 1000.0),
        beats: summary.beat_count.map(|_| Vec::new()),
        downbeats: summary.beat_count.map(|_| Vec::new()),
        chords: summary.chord_count.map(|_| Vec::new()),
        sections: summary.section_count.map(|_| Vec::new()),
        ..Side::default()
    };
    events.into_iter().for_each(|event| side.add_event(event));
    side.key = summary.key.map(|key| key.name);
    side.tempo_bpm = summary.tempo_bpm;
    side.loudness_lufs = summary.loudness.and_then(|loudness| loudness.integrated_lufs);
    side
}

#[derive(Deserialize)]
struct Observation {
    time: f64,
    #[serde(default)]
    duration: f64,
    value: Value,
}

/// Adds an annotation of a namespace that is compared. Of several of one kind the first counts: they are different
/// people's.
fn add_annotation(side: &mut Side, annotation: &Annotation) -> Result<()> {
    let namespace = annotation.namespace.as_str();
    let is_first = match namespace {
        "beat" | "beat_position" => side.beats.is_none(),
        "chord" | "chord_harte" => side.chords.is_none(),
        "key_mode" => side.key.is_none(),
        "tempo" => side.tempo_bpm.is_none(),
        _ => namespace.starts_with("segment_") && side.sections.is_none(),
    };
    if !is_first {
        return Ok(());
    }
    let data = serde_json::from_str::<Vec<Observation>>(annotation.data.get())
        .with_context(|| format!("its annotation {namespace} is no list of observations"))?;
    if namespace == "tempo" {
        // The tempo that holds longest.
        let longest = data.iter().max_by(|a, b| a.duration.total_cmp(&b.duration));
        side.tempo_bpm = longest.and_then(|tempo| tempo.value.as_f64());
        return Ok(());
    }
    if namespace.starts_with("beat") {
        let at = |value: &Value| position(if namespace == "beat" { value } else { &value["position"] });
        add_beats(side, data.iter().map(|beat| (beat.time, at(&beat.value))).collect());
        return Ok(());
    }
    data.into_iter().for_each(|observation| add_observation(side, namespace, &observation));
    Ok(())
}

fn add_observation(side: &mut Side, namespace: &str, Observation { time, duration, value }: &Observation) {
    let end = time + duration;
    let text = value.as_str().unwrap_or_default();
    match namespace {
        "chord" | "chord_harte" => side.add_chord(*time, end, lead_sheet(text)),
        "key_mode" => {
            side.key = side.key.take().or_else(|| key_name(text));
        }
        _ => side.add_section(*time, end, text.to_owned()),
    }
}

/// A place in a bar: one between two beats is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` clamps to the range of u32"
)]
fn position(value: &Value) -> Option<u32> {
    value.as_f64().filter(|position| position.fract() == 0.0).map(|position| position as u32)
}
