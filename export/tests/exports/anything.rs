//! No list of events makes a writer fail, or write what its reader refuses.

use crate::support::{file, read, write_all};
use analysis_core::chords::Quality;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::summary::{AudioInfo, MeterPoint, Summary, TempoPoint};
use export::Track;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Lists that are tried: each form's reader takes them all in one run, which finds more than one list a run would.
const LISTS: usize = 150;

fn kind() -> impl Strategy<Value = EventType> {
    use EventType::{Beat, Chord, Downbeat, Key, Onset, Section, Segment, Tatum};
    prop::sample::select(vec![Beat, Beat, Beat, Downbeat, Tatum, Onset, Section, Segment, Key, Chord])
}

/// Any characters, and those that forms are made of.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\t\r\n,;\"'<>&#:/\\\\ A-G\u{0}-\u{20}\u{85}\u{2028}\u{FFFE}🎵]{0,12}",
        "[A-H][#b]?( (major|minor|dorian))?",
    ]
}

fn data() -> impl Strategy<Value = Option<EventData>> {
    let quality = prop::sample::select(vec![Quality::Major, Quality::Minor]);
    prop_oneof![
        Just(None),
        (any::<u32>(), any::<u8>()).prop_map(|(bar, position)| Some(EventData::Beat { bar, position })),
        (1..50_u32, 1..8_u8).prop_map(|(bar, position)| Some(EventData::Beat { bar, position })),
        words().prop_map(|label| Some(EventData::Section { label })),
        words().prop_map(|name| Some(EventData::Name { name })),
        (words(), words(), quality).prop_map(|(name, root, quality)| Some(EventData::Chord {
            name,
            root,
            quality
        })),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let time = prop_oneof![0..20_000_u32, any::<u32>()];
    let confidence = prop_oneof![Just(None), (0.0..=1.0_f32).prop_map(Some), any::<f32>().prop_map(Some)];
    (time, prop::option::of(any::<u32>()), kind(), confidence, data()).prop_map(
        |(time_ms, duration_ms, event_type, confidence, event_data)| Event {
            time_ms,
            duration_ms,
            event_type,
            confidence,
            event_data,
        },
    )
}

/// Events in order or not, a summary that may not suit them, and names.
fn track() -> impl Strategy<Value = (Vec<Event>, Summary, u64, String)> {
    let points = prop::collection::vec((any::<u32>(), any::<f32>(), words()), 0..4);
    let summary = (points, prop::option::of(any::<f32>())).prop_map(|(points, tempo_confidence)| Summary {
        tempo_confidence,
        tempo_bpm: tempo_confidence.map(|_| 120.0),
        tempo_curve: points.iter().map(|&(time_ms, bpm, _)| TempoPoint { time_ms, bpm }).collect(),
        time_signatures: points
            .into_iter()
            .map(|(time_ms, _, time_signature)| MeterPoint { time_ms, time_signature })
            .collect(),
        ..Summary::default()
    });
    let events = (prop::collection::vec(event(), 0..40), any::<bool>()).prop_map(|(mut events, ordered)| {
        if ordered {
            events.sort_by_key(|event| event.time_ms);
        }
        events
    });
    (events, summary, any::<u64>(), words())
}

/// Writes one list in every form.
fn write(folder: &Path, number: usize, runner: &mut TestRunner) -> (usize, String) {
    let (events, summary, duration_ms, name) = track().new_tree(runner).unwrap().current();
    // A name of its own for each, whatever it holds.
    let name = format!("{number}{name}");
    let audio = AudioInfo { duration_ms, ..AudioInfo::of_samples(44_100, 2) };
    let lies = PathBuf::from(format!("/music/{name}"));
    let track = Track { path: Some(&lies), ..Track::new(&name, &audio, &summary, &events) };
    write_all(&track, folder, &format!("{number:03}"));
    (events.len(), name)
}

#[test]
fn whatever_the_events_every_form_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let lists: Vec<(usize, String)> = (0..LISTS).map(|i| write(folder.path(), i, &mut runner)).collect();
    let of = |form: &str| -> Vec<Value> {
        let paths: Vec<PathBuf> = (0..LISTS).map(|i| file(folder.path(), &format!("{i:03}"), form)).collect();
        read(form, &paths)
    };
    assert_eq!((of("jams").len(), of("audacity").len()), (LISTS, LISTS));
    for ((count, name), rows) in lists.iter().zip(of("csv")) {
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), *count);
        assert!(rows.iter().all(|row| row["file"] == name.as_str()), "{name:?}");
    }
    for ((_, name), library) in lists.iter().zip(of("rekordbox")) {
        assert_eq!(library[0]["path"], format!("/music/{name}"));
    }
}
