//! Events by hand, and the readers in Python.

use analysis_core::chords::{Chord, Quality};
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::summary::{AudioInfo, KeyEstimate, MeterPoint, Mode, Summary, TempoPoint};
use export::rekordbox::Collection;
use export::{Track, audacity, csv, jams};
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_exports.py");
/// What `scripts/setup --tests` makes.
const VENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-python/bin/python");

/// What a reader in Python says of these files, an item for each. The interpreter is `ARSIS_TEST_PYTHON`, or that of
/// `scripts/setup --tests`, or `python3`; it needs numpy and jams.
#[track_caller]
pub(crate) fn read(kind: &str, paths: &[PathBuf]) -> Vec<Value> {
    let made = || if Path::new(VENV).exists() { VENV.into() } else { "python3".into() };
    let python = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| made());
    let ran = Command::new(&python).arg(SCRIPT).arg(kind).args(paths).output();
    let ran = ran
        .unwrap_or_else(|error| panic!("{python} cannot be run ({error}): scripts/setup --tests makes one"));
    assert!(ran.status.success(), "{kind}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

pub(crate) fn event(time_ms: u32, event_type: EventType, event_data: Option<EventData>) -> Event {
    Event { time_ms, duration_ms: None, event_type, confidence: Some(0.5), event_data }
}

pub(crate) fn beat(time_ms: u32, bar: u32, position: u8) -> Event {
    event(time_ms, EventType::Beat, Some(EventData::Beat { bar, position }))
}

pub(crate) fn chord(time_ms: u32, duration_ms: u32, root: u8, quality: Quality) -> Event {
    let chord = Chord { root, quality };
    let data = EventData::Chord { name: chord.name(), root: chord.root_name().into(), quality };
    Event { duration_ms: Some(duration_ms), ..event(time_ms, EventType::Chord, Some(data)) }
}

pub(crate) fn section(time_ms: u32, label: &str) -> Event {
    event(time_ms, EventType::Section, Some(EventData::Section { label: label.into() }))
}

pub(crate) fn key(time_ms: u32, name: &str) -> Event {
    event(time_ms, EventType::Key, Some(EventData::Name { name: name.into() }))
}

/// Ten seconds of 120 BPM: two sections, two keys, three chords with a gap, eight beats, a downbeat, an onset.
pub(crate) fn some_events() -> Vec<Event> {
    let mut events = vec![
        section(0, "A"),
        key(0, "A minor"),
        chord(500, 1500, 9, Quality::Minor),
        chord(2000, 2000, 5, Quality::Major),
        event(500, EventType::Onset, None),
        event(500, EventType::Downbeat, Some(EventData::Beat { bar: 1, position: 1 })),
        section(5000, "B"),
        key(6000, "F# major"),
        chord(6000, 1000, 6, Quality::Major),
    ];
    events.extend((0..8).map(|i| beat(500 + 500 * u32::from(i), u32::from(i / 4) + 1, i % 4 + 1)));
    events.sort_by_key(|event| event.time_ms);
    events
}

pub(crate) fn summary() -> Summary {
    let name = |name: &str| name.to_owned();
    Summary {
        tempo_bpm: Some(120.0),
        tempo_confidence: Some(0.9),
        tempo_curve: vec![TempoPoint { time_ms: 500, bpm: 120.0 }, TempoPoint { time_ms: 4000, bpm: 121.5 }],
        time_signature: Some(name("4/4")),
        time_signatures: vec![MeterPoint { time_ms: 500, time_signature: name("4/4") }],
        key: Some(KeyEstimate {
            name: name("A minor"),
            tonic: name("A"),
            mode: Mode::Minor,
            confidence: 0.7,
            runner_up: None,
        }),
        beat_count: Some(8),
        ..Summary::default()
    }
}

pub(crate) fn audio() -> AudioInfo {
    let container = Some("wav".into());
    AudioInfo { duration_ms: 10_000, container, ..AudioInfo::of_samples(44_100, 2) }
}

/// Writes every form of `track` but the peaks as `FOLDER/NAME.FORM`.
pub(crate) fn write_all(track: &Track<'_>, folder: &Path, name: &str) {
    let create = |form: &str| BufWriter::new(File::create(file(folder, name, form)).unwrap());
    audacity::write(track, &mut create("audacity")).unwrap();
    jams::write(track, &mut create("jams")).unwrap();
    csv::Table::new(create("csv")).unwrap().add(track).unwrap();
    let mut collection = Collection::new(Cursor::new(Vec::new()));
    collection.add(track).unwrap();
    let mut xml = create("rekordbox");
    collection.finish("1.0", &mut xml).unwrap();
    xml.flush().unwrap();
}

pub(crate) fn file(folder: &Path, name: &str, form: &str) -> PathBuf {
    folder.join(format!("{name}.{form}"))
}

/// One form of one track, as its reader reads it.
#[track_caller]
pub(crate) fn reread(track: &Track<'_>, form: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    write_all(track, folder.path(), "track");
    read(form, &[file(folder.path(), "track", form)]).remove(0)
}
