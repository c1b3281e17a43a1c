//! What is printed: text for people, documents for programs.

use super::{Place, keys, library};
use analysis_core::manifest::Manifest;
use serde_json::Value;

#[test]
fn text_tells_a_person_what_was_heard() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "a.wav"]).expect(0);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].starts_with("a.wav  0:09.0  wav pcm_s16le  ") && lines[0].ends_with("44.1 kHz stereo"),
        "{}",
        said.out
    );
    for (line, begins) in lines[1..].iter().zip([
        "  tempo      12",
        "  beats      17 in 5 bars of 4/4",
        "  key        D major (confidence ",
        "  chords     ",
        "  tuning     A = 4",
        "  loudness   -",
    ]) {
        assert!(line.starts_with(begins), "{line:?} does not begin with {begins:?}");
    }
    assert!(said.out.contains('█'), "a picture of the bands: {}", said.out);
    assert!(said.out.is_ascii() || !said.out.contains('\u{1b}'), "no colours or cursor movements in a pipe");
    assert_eq!(said.err, "", "neither bar nor log where nothing went wrong");
}

#[test]
fn what_is_too_short_for_lufs_is_not_called_silence() {
    let place = Place::new();
    for (name, piece, says) in [
        ("short.wav", testmusic::tone(1_000.0, 0.2, 44_100, 0.7), "  loudness   true peak -3.1 dBTP\n"),
        ("quiet.wav", testmusic::tone(1_000.0, 2.0, 44_100, 0.000_2), "  loudness   true peak -7"),
        ("silent.wav", testmusic::silence(2.0, 44_100), "  loudness   silence\n"),
    ] {
        place.write(name, &piece.wav());
        let said = place.run(&["analyze", name]).expect(0);
        assert!(said.out.contains(says), "{name}: {}", said.out);
    }
}

#[test]
fn several_files_are_a_table() {
    let place = Place::with_music();
    place.write("d.wav", b"this is a letter, not a sound");
    let said = place.run(&["analyze", "c.wav", "d.wav", "a.wav"]).expect(1);
    let lines: Vec<&str> = said.out.lines().collect();
    let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["FILE", "LENGTH", "BPM", "KEY", "LUFS", "METRE", "BEATS"]);
    let row = words(1);
    assert_eq!(
        (row[0], row[1], row[3], row[4], row[6], row[7]),
        ("c.wav", "0:09", "D", "major", "4/4", "17")
    );
    assert!(lines[2].starts_with("d.wav  failed: not a recognised audio file"), "{}", said.out);
    assert_eq!(words(3)[0], "a.wav");
    assert_eq!(lines[4..], ["", "2 files, 0:18 of audio; 1 failed"]);
    // Columns begin where their headings do.
    assert_eq!(lines[0].find("METRE"), lines[1].find("4/4"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn json_is_the_document_that_the_contract_describes() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "json", "a.wav"]).expect(0);
    assert_eq!(said.err, "");
    let document = said.json();
    assert_eq!(
        keys(&document),
        ["analyzer_version", "audio", "events", "file", "fingerprint", "manifest", "summary"]
    );
    assert_eq!(document["file"], "a.wav");
    assert_eq!(document["analyzer_version"], analysis_core::ANALYZER_VERSION);
    assert!(document["fingerprint"].as_str().unwrap().starts_with("sha256:"), "{}", document["fingerprint"]);

    let audio = &document["audio"];
    assert_eq!(
        keys(audio),
        [
            "channels",
            "codec",
            "container",
            "decode_errors",
            "delay_frames",
            "duration_ms",
            "padding_frames",
            "sample_rate",
            "truncated"
        ]
    );
    assert_eq!((&audio["sample_rate"], &audio["channels"]), (&44_100.into(), &2.into()));
    assert_eq!((&audio["container"], &audio["codec"]), (&"wav".into(), &"pcm_s16le".into()));
    assert!((8_000..10_000).contains(&audio["duration_ms"].as_u64().unwrap()));

    let summary = &document["summary"];
    assert_eq!(
        keys(summary),
        [
            "bar_count",
            "beat_count",
            "chord_count",
            "danceability",
            "fade_in_end_ms",
            "fade_out_start_ms",
            "key",
            "loudness",
            "onset_count",
            "section_count",
            "segment_count",
            "swing_ratio",
            "tempo_bpm",
            "tempo_candidates",
            "tempo_confidence",
            "tempo_curve",
            "time_signature",
            "time_signatures",
            "tuning_hz"
        ]
    );
    assert!((summary["tempo_bpm"].as_f64().unwrap() - 126.0).abs() < 0.5, "{summary}");
    assert!((0.0..=1.0).contains(&summary["tempo_confidence"].as_f64().unwrap()), "{summary}");
    for candidate in summary["tempo_candidates"].as_array().unwrap() {
        assert_eq!(keys(candidate), ["bpm", "score"]);
    }
    for point in summary["tempo_curve"].as_array().unwrap() {
        assert_eq!(keys(point), ["bpm", "time_ms"]);
    }
    assert_eq!(summary["time_signature"], "4/4");
    assert_eq!(keys(&summary["key"]), ["confidence", "mode", "name", "runner_up", "tonic"]);
    let key = ["name", "tonic", "mode"].map(|field| summary["key"][field].as_str().unwrap());
    assert_eq!(key, ["D major", "D", "major"]);
    assert!((summary["tuning_hz"].as_f64().unwrap() - 440.0).abs() < 3.0);
    let loudness = keys(&summary["loudness"]);
    for field in ["integrated_lufs", "range_lu", "true_peak_dbtp"] {
        assert!(loudness.contains(&field), "{field}: {loudness:?}");
    }
    assert_eq!(summary["beat_count"], 17);

    let manifest = Manifest::from_json(&serde_json::to_vec(&document["manifest"]).unwrap()).unwrap();
    assert_eq!((manifest.hop_ms, manifest.bands, manifest.levels.len()), (10, 64, 4));

    let events = document["events"].as_array().unwrap();
    for event in events {
        assert_eq!(keys(event), ["confidence", "duration_ms", "event_data", "event_type", "time_ms"]);
        if event["event_type"] == "beat" {
            assert_eq!(keys(&event["event_data"]), ["bar", "position"]);
        }
    }
    let count = |kind: &str| events.iter().filter(|event| event["event_type"] == kind).count();
    assert_eq!((count("beat"), count("downbeat")), (17, 5));

    let (analysis, _) = library(&place.path("a.wav"));
    for part in ["analyzer_version", "fingerprint", "audio", "summary", "manifest", "events"] {
        assert_eq!(document[part], analysis[part], "{part}: as the library says");
    }
}

#[test]
fn several_files_are_an_array_in_the_order_they_were_named() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "json", "c.wav", "a.wav", "b.wav"]).expect(0).json();
    let files: Vec<&str> =
        said.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["c.wav", "a.wav", "b.wav"]);
    let text = place.run(&["analyze", "--details", "c.wav", "a.wav"]).expect(0);
    let (c, a) = (text.out.find("c.wav  ").unwrap(), text.out.find("\n\na.wav  ").unwrap());
    assert!(c == 0 && a > 0, "an empty line between them: {}", text.out);
}

#[test]
fn jsonl_is_a_document_a_line() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "jsonl", "a.wav", "b.wav", "c.wav"]).expect(0);
    let mut files: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["file"].as_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["a.wav", "b.wav", "c.wav"]);
}

#[test]
fn the_output_is_the_same_however_many_files_are_analysed_at_a_time() {
    let place = Place::with_music();
    for format in ["text", "json"] {
        let files = ["a.wav", "b.wav", "missing.wav", "c.wav"];
        let run =
            |jobs| place.run(&[&["analyze", "--format", format, "-j", jobs][..], &files].concat()).expect(1);
        assert_eq!(run("1").out, run("4").out, "{format}");
    }
}

#[test]
fn options_reach_the_engine() {
    let place = Place::with_music();
    let options = ["--type", "spectral", "--bands", "16", "--hop-ms", "20", "--values", "f32"];
    let document =
        place.run(&[&["analyze", "--format", "json", "a.wav"], &options[..]].concat()).expect(0).json();
    let manifest = &document["manifest"];
    assert_eq!((&manifest["analysis_type"], &manifest["bands"]), (&"spectral".into(), &16.into()));
    assert_eq!(
        (&manifest["hop_ms"], &manifest["frame_layout"]["fields"][0]["type"]),
        (&20.into(), &"f32".into())
    );
    for field in ["tempo_bpm", "key", "loudness", "beat_count", "section_count"] {
        assert_eq!(document["summary"][field], Value::Null, "{field}");
    }
    assert_eq!(document["events"], serde_json::json!([]));
}

#[test]
fn verbose_says_how_long_each_stage_took() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "-v", "-j", "1", "a.wav", "b.wav", "c.wav"]).expect(0);
    assert_eq!(said.out, place.run(&["analyze", "a.wav", "b.wav", "c.wav"]).expect(0).out);
    let lines: Vec<&str> = said.err.lines().collect();
    for (line, file) in lines.iter().zip(["a.wav", "b.wav", "c.wav"]) {
        assert!(line.starts_with(&format!("arsis: {file}: 0:0")) && line.contains("beats "), "{}", said.err);
    }
    assert!(lines[3].starts_with("arsis: time by stage: 3 files, 0:24 of audio"), "{}", said.err);
    let stages: Vec<&str> = lines[4..].iter().filter_map(|line| line.split_whitespace().next()).collect();
    for stage in
        ["decode", "spectra", "bands", "onsets", "beats", "tonal", "structure", "loudness", "pack", "write"]
    {
        assert!(stages.contains(&stage), "{stage}: {}", said.err);
    }
    // Helpers tell their part, too: decoding goes on beside listening.
    let helped = place.run(&["analyze", "-v", "-j", "2", "a.wav"]).expect(0);
    assert!(helped.err.contains("decode"), "{}", helped.err);
}
