//! Each form of a track made by hand, read by a reader that is not ours.

use crate::support::{audio, read, reread, section, some_events, summary, write_all};
use analysis_core::events::Event;
use analysis_core::summary::{AudioInfo, Summary};
use export::rekordbox::Collection;
use export::waveform::Waveform;
use export::{EventSource, Track, audacity, csv};
use serde_json::json;
use std::fs;
use std::io::{Cursor, ErrorKind, Write};
use std::path::Path;

/// A name with everything in it that ends a name somewhere.
const HOSTILE: &str = "/music/<&\"'> \ttab\nline, comma; 100% é 🎵 \u{1}/So\u{1b}ng \"x\", 🎵.wav";

fn with_track<T>(
    file: &str,
    events: &dyn EventSource,
    summary: &Summary,
    use_it: impl Fn(&Track<'_>) -> T,
) -> T {
    let audio: AudioInfo = audio();
    use_it(&Track { path: Some(Path::new(file)), ..Track::new(file, &audio, summary, events) })
}

#[test]
fn audacity_has_beats_as_points_and_what_lasts_as_regions_in_order_of_time() {
    let events = some_events();
    let labels = with_track("song.wav", &events, &summary(), |track| {
        let mut text = Vec::new();
        audacity::write(track, &mut text).unwrap();
        assert!(text.starts_with(b"0.000000\t5.000000\tsection A\n"), "{}", String::from_utf8_lossy(&text));
        reread(track, "audacity")
    });
    let expected = json!([
        [0.0, 5.0, "section A"],
        [0.0, 6.0, "key A minor"],
        [0.5, 2.0, "Am"],
        [0.5, 0.5, "1.1"],
        [1.0, 1.0, "1.2"],
        [1.5, 1.5, "1.3"],
        [2.0, 4.0, "F"],
        [2.0, 2.0, "1.4"],
        [2.5, 2.5, "2.1"],
        [3.0, 3.0, "2.2"],
        [3.5, 3.5, "2.3"],
        [4.0, 4.0, "2.4"],
        [5.0, 10.0, "section B"],
        [6.0, 10.0, "key F# major"],
        [6.0, 7.0, "F#"],
    ]);
    assert_eq!(labels, expected);
}

#[test]
fn jams_has_an_annotation_for_each_namespace() {
    let events = some_events();
    let jam = with_track("a/song.wav", &events, &summary(), |track| reread(track, "jams"));
    assert_eq!((&jam["version"], &jam["title"]), (&"0.3.5".into(), &"song".into()));
    assert_eq!(jam["duration"], 10.0);
    assert_eq!(jam["tools"], json!(["Arsis"]));
    assert_eq!(jam["annotators"], json!([analysis_core::ANALYZER_VERSION]));
    let annotations = &jam["annotations"];
    assert_eq!(annotations.as_object().unwrap().len(), 6);
    assert_eq!(annotations["beat"].as_array().unwrap().len(), 8);
    assert_eq!(annotations["beat"][5], json!([3.0, 0.0, 2, 0.5]));
    let confidence = f64::from(0.9_f32.to_string().parse::<f32>().unwrap());
    let tempo = annotations["tempo"].as_array().unwrap();
    assert_eq!((&tempo[0][0], &tempo[0][1], &tempo[0][2]), (&0.5.into(), &3.5.into(), &120.0.into()));
    assert_eq!((&tempo[1][0], &tempo[1][1], &tempo[1][2]), (&4.0.into(), &6.0.into(), &121.5.into()));
    assert!((tempo[0][3].as_f64().unwrap() - confidence).abs() < 1e-6);
    assert_eq!(annotations["key_mode"], json!([[0.0, 6.0, "A:minor", 0.5], [6.0, 4.0, "F#:major", 0.5]]));
    assert_eq!(annotations["segment_open"], json!([[0.0, 5.0, "A", 0.5], [5.0, 5.0, "B", 0.5]]));
    assert_eq!(annotations["onset"], json!([[0.5, 0.0, null, 0.5]]));
    let chords = json!([
        [0.0, 0.5, "N", null],
        [0.5, 1.5, "A:min", 0.5],
        [2.0, 2.0, "F:maj", 0.5],
        [4.0, 2.0, "N", null],
        [6.0, 1.0, "F#:maj", 0.5],
        [7.0, 3.0, "N", null],
    ]);
    assert_eq!(annotations["chord"], chords);
}

#[test]
fn jams_tells_what_was_not_asked_for_from_what_is_not_there() {
    let none: [Event; 0] = [];
    let spectral = with_track("a.wav", &none, &Summary::default(), |track| reread(track, "jams"));
    assert_eq!(spectral["annotations"], json!({}));
    let asked = Summary { beat_count: Some(0), chord_count: Some(0), ..Summary::default() };
    let silent = with_track("a.wav", &none, &asked, |track| reread(track, "jams"));
    let expected = json!({"beat": [], "tempo": [], "chord": [[0.0, 10.0, "N", null]]});
    assert_eq!(silent["annotations"], expected);
}

#[test]
fn csv_has_a_row_an_event_and_empty_cells_where_there_is_nothing() {
    let events = some_events();
    let rows = with_track("song.wav", &events, &summary(), |track| reread(track, "csv"));
    assert_eq!(rows.as_array().unwrap().len(), events.len());
    let row = |time: &str, length: &str, kind: &str, place: [&str; 2], label: &str| {
        json!({"file": "song.wav", "time_s": time, "duration_s": length, "event_type": kind, "confidence": "0.5",
            "bar": place[0], "position": place[1], "label": label})
    };
    assert_eq!(rows[0], row("0.000", "5.000", "section", ["", ""], "A"));
    assert_eq!(rows[1], row("0.000", "6.000", "key", ["", ""], "A minor"));
    assert_eq!(rows[2], row("0.500", "1.500", "chord", ["", ""], "Am"));
    assert_eq!(rows[3], row("0.500", "", "onset", ["", ""], ""));
    assert_eq!(rows[4], row("0.500", "", "downbeat", ["1", "1"], ""));
    assert_eq!(rows[5], row("0.500", "", "beat", ["1", "1"], ""));
}

#[test]
fn csv_is_one_table_for_many_tracks() {
    let (events, mut bytes) = (some_events(), Vec::new());
    let mut table = csv::Table::new(&mut bytes).unwrap();
    for file in ["a.wav", "b.wav"] {
        with_table(&mut table, file, &events);
    }
    drop(table);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.csv");
    fs::write(&path, bytes).unwrap();
    let rows = read("csv", &[path]).remove(0);
    let files: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["file"].as_str().unwrap()).collect();
    assert_eq!(files.iter().filter(|file| **file == "a.wav").count(), events.len());
    assert!(files.is_sorted() && files.len() == 2 * events.len());
}

/// Takes so many bytes, and then has no reader.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_csv_table_tells_what_kept_it_from_being_written() {
    // More rows than a writer holds back.
    let events: Vec<Event> = some_events().into_iter().cycle().take(10_000).collect();
    with_track("song.wav", &events, &summary(), |track| {
        let error = csv::Table::new(Pipe(1_000)).unwrap().add(track).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    });
}

fn with_table(table: &mut csv::Table<&mut Vec<u8>>, file: &str, events: &Vec<Event>) {
    let (audio, summary) = (audio(), summary());
    table.add(&Track::new(file, &audio, &summary, events)).unwrap();
}

#[test]
fn rekordbox_has_what_its_importer_reads() {
    let events = some_events();
    let tracks = with_track("/music/song one.wav", &events, &summary(), |track| reread(track, "rekordbox"));
    let track = &tracks[0];
    let attributes = json!({
        "TrackID": "1", "Name": "song one", "Kind": "WAV File", "TotalTime": "10", "AverageBpm": "120.00",
        "SampleRate": "44100", "Location": "file://localhost/music/song%20one.wav", "Tonality": "Am",
    });
    assert_eq!(track["attributes"], attributes);
    let tempo = json!([{"Inizio": "0.500", "Bpm": "120.00", "Metro": "4/4", "Battito": "1"}]);
    assert_eq!(track["tempo"], tempo);
    let mark = |name: &str, start: &str| json!({"Name": name, "Type": "0", "Start": start, "Num": "-1"});
    assert_eq!(track["marks"], json!([mark("A", "0.000"), mark("B", "5.000")]));
}

#[test]
fn rekordbox_says_nothing_of_what_is_not_there() {
    let none: [Event; 0] = [];
    let (summary, audio) = (Summary::default(), AudioInfo::of_samples(8_000, 1));
    let track = reread(&Track::new("x.wav", &audio, &summary, &none), "rekordbox").take()[0].take();
    let attributes = json!({"TrackID": "1", "Name": "x", "TotalTime": "0", "SampleRate": "8000",
        "Location": "file://localhost/x.wav"});
    assert_eq!(track["attributes"], attributes);
    assert_eq!((&track["tempo"], &track["marks"]), (&json!([]), &json!([])));
}

#[test]
fn rekordbox_is_one_collection_for_many_tracks_or_none() {
    let mut collection = Collection::new(Cursor::new(Vec::new()));
    let events = some_events();
    for file in ["/a.wav", "/b.wav"] {
        let (audio, summary) = (audio(), summary());
        collection.add(&Track::new(file, &audio, &summary, &events)).unwrap();
    }
    let (mut two, mut none) = (Vec::new(), Vec::new());
    collection.finish("1.0", &mut two).unwrap();
    Collection::new(Cursor::new(Vec::new())).finish("1.0", &mut none).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let paths = ["two.xml", "none.xml"].map(|name| folder.path().join(name));
    fs::write(&paths[0], two).unwrap();
    fs::write(&paths[1], none).unwrap();
    let read = read("rekordbox", &paths);
    assert_eq!((read[0].as_array().unwrap().len(), read[1].as_array().unwrap().len()), (2, 0));
}

#[test]
fn names_that_would_break_a_form_do_not() {
    let events: Vec<Event> = some_events().into_iter().chain([section(9000, HOSTILE)]).collect();
    with_track(HOSTILE, &events, &summary(), |track| {
        let title = "So\u{1b}ng \"x\", 🎵";
        assert_eq!(reread(track, "jams")["title"], title);
        let rows = reread(track, "csv");
        let last = rows.as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["file"], &last["label"]), (&HOSTILE.into(), &HOSTILE.into()));
        let library = reread(track, "rekordbox");
        // XML has no way to say an escape character.
        assert_eq!(library[0]["attributes"]["Name"], title.replace('\u{1b}', "\u{FFFD}"));
        assert_eq!(library[0]["path"], HOSTILE);
        assert_eq!(library[0]["marks"][2]["Name"], HOSTILE.replace(['\u{1}', '\u{1b}'], "\u{FFFD}"));
        let labels = reread(track, "audacity");
        let flat = HOSTILE.replace(['\t', '\n', '\u{1}', '\u{1b}'], " ");
        assert_eq!(labels.as_array().unwrap().last().unwrap()[2], format!("section {flat}"));
    });
}

#[test]
fn a_file_called_by_bytes_that_are_no_text_is_found_by_them() {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff\xfe.wav"));
    let (audio, summary, none) = (audio(), Summary::default(), Vec::new());
    let track = Track { path: Some(path), ..Track::new("/a\u{FFFD}\u{FFFD}.wav", &audio, &summary, &none) };
    let library = reread(&track, "rekordbox");
    assert_eq!(library[0]["attributes"]["Location"], "file://localhost/a%FF%FE.wav");
}

#[test]
fn the_same_track_gives_the_same_bytes() {
    let events = some_events();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    with_track("song.wav", &events, &summary(), |track| {
        folders.iter().for_each(|folder| write_all(track, folder.path(), "x"));
    });
    for form in ["audacity", "jams", "csv", "rekordbox"] {
        let [a, b] = folders
            .each_ref()
            .map(|folder| fs::read(crate::support::file(folder.path(), "x", form)).unwrap());
        assert_eq!(a, b, "{form}");
    }
}

#[test]
fn peaks_are_those_of_the_samples_whatever_the_blocks() {
    let piece = testmusic::Score { form: "A".into(), bars_per_section: 1, ..Default::default() }.render();
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("piece.wav");
    fs::write(&wav, piece.wav()).unwrap();
    let expected = read("peaks", &[wav]).remove(0);
    let quantised = |plane: &[f32]| -> Vec<f32> {
        plane.iter().map(|x| (x * 32_768.0).round().clamp(-32_768.0, 32_767.0) / 32_768.0).collect()
    };
    let planes = [quantised(&piece.left), quantised(&piece.right)];
    let dat = folder.path().join("waveform.dat");
    for size in [1, 255, 256, 10_000, planes[0].len()] {
        let mut waveform = Waveform::new(fs::File::create(&dat).unwrap()).unwrap();
        for start in (0..planes[0].len()).step_by(size) {
            let block = planes.each_ref().map(|plane| plane[start..plane.len().min(start + size)].to_vec());
            waveform.push(&block).unwrap();
        }
        waveform.finish(44_100).unwrap();
        let got = read("dat", std::slice::from_ref(&dat)).remove(0);
        let length = planes[0].len().div_ceil(256);
        let header = json!({"version": 2, "flags": 0, "sample_rate": 44_100, "samples_per_pixel": 256,
            "length": length, "channels": 1});
        assert_eq!(got["header"], header, "blocks of {size}");
        assert!(got["pairs"] == expected, "blocks of {size}");
    }
}

#[test]
fn peaks_of_samples_beyond_full_scale_are_cut_off_and_of_nothing_are_none() {
    let mut out = Cursor::new(Vec::new());
    let mut waveform = Waveform::new(&mut out).unwrap();
    waveform.push(&[vec![3.0, -3.0, f32::NAN]]).unwrap();
    waveform.finish(8_000).unwrap();
    assert_eq!(out.into_inner()[24..], [0x00, 0x80, 0xff, 0x7f]);
    let mut empty = Cursor::new(Vec::new());
    Waveform::new(&mut empty).unwrap().finish(8_000).unwrap();
    assert_eq!(empty.into_inner().len(), 24);
}
