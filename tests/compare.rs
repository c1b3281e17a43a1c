//! The `arsis compare` command as a shell sees it: two files in, scores, a picture and an exit status out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;

use said::Said;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testmusic::{Rng, Score};

struct Place {
    folder: TempDir,
}

impl Place {
    /// A piece of music, and what was heard of it.
    fn with_music() -> (Self, Value) {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let score = Score { form: "AB".into(), bars_per_section: 6, ..Score::default() };
        place.write("a.wav", &score.render().wav());
        let heard = place.run(&["analyze", "--format", "json", "a.wav"]).expect(0).json();
        place.write("a.json", heard.to_string().as_bytes());
        (place, heard)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        Said::of(command.output().unwrap())
    }

    /// `arsis compare A B` as JSON.
    fn compare(&self, a: &str, b: &str) -> Value {
        self.run(&["compare", "--format", "json", a, b]).expect(0).json()
    }

    /// Beats, a line each, as `line` writes the beat of a number at a time in seconds.
    fn write_beats(&self, name: &str, beats: &[f64], line: impl Fn(usize, f64) -> String) {
        let lines: String = beats.iter().enumerate().map(|(i, time)| line(i, *time) + "\n").collect();
        self.write(name, lines.as_bytes());
    }
}

fn beats(document: &Value) -> Vec<f64> {
    let events = document["events"].as_array().unwrap().iter();
    events.filter(|e| e["event_type"] == "beat").map(|e| e["time_ms"].as_f64().unwrap() / 1000.0).collect()
}

fn readings(comparison: &Value) -> Vec<&str> {
    comparison["readings"].as_array().unwrap().iter().map(|reading| reading.as_str().unwrap()).collect()
}

/// The same document with sections, which short pieces have none of.
fn with_sections(document: &Value, starts_s: &[u32]) -> Value {
    let mut document = document.clone();
    let section = |two: &[u32]| {
        json!({"time_ms": 1000 * two[0], "duration_ms": 1000 * (two[1] - two[0]), "event_type": "section",
            "confidence": null, "event_data": {"label": "A"}})
    };
    let sections: Vec<Value> = starts_s.windows(2).map(section).collect();
    document["summary"]["section_count"] = sections.len().into();
    document["events"].as_array_mut().unwrap().splice(0..0, sections);
    document
}

/// What another listener might have heard: beats that stray and fail, other chords, another key.
fn heard_by_another(document: &Value) -> Value {
    let (mut other, mut rng) = (document.clone(), Rng::new(8));
    other["summary"]["key"]["name"] = "C major".into();
    let events = other["events"].as_array_mut().unwrap();
    events.retain(|event| event["event_type"] != "beat" || rng.unit() < 0.9);
    for event in events.iter_mut() {
        let kind = event["event_type"].as_str().unwrap().to_owned();
        let time_ms = event["time_ms"].as_u64().unwrap();
        if kind == "beat" {
            event["time_ms"] = (time_ms + rng.below(110) as u64).into();
        } else if kind == "chord" && rng.unit() < 0.4 {
            event["event_data"]["name"] = "F".into();
        }
    }
    // Beats and downbeats of a document are the same moments.
    let firsts: Vec<Value> = events.iter().filter(|e| e["event_data"]["position"] == 1).cloned().collect();
    events.retain(|event| event["event_type"] != "downbeat");
    for mut first in firsts.into_iter().filter(|event| event["event_type"] == "beat") {
        first["event_type"] = "downbeat".into();
        events.push(first);
    }
    other
}

#[test]
fn scores_are_those_of_mir_eval() {
    let (place, heard) = Place::with_music();
    let (mut a, b) = (
        with_sections(&heard, &[0, 6, 11, 15, 20]),
        with_sections(&heard_by_another(&heard), &[0, 6, 13, 20]),
    );
    a["summary"]["key"]["name"] = "A minor".into();
    place.write("a.json", a.to_string().as_bytes());
    place.write("b.json", b.to_string().as_bytes());
    let ours = place.compare("a.json", "b.json");

    let interpreter = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compare_scores.py");
    let ran =
        Command::new(&interpreter).arg(script).args([place.path("a.json"), place.path("b.json")]).output();
    let ran =
        ran.unwrap_or_else(|error| panic!("{interpreter} cannot be run ({error}): set ARSIS_TEST_PYTHON"));
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "it needs mir_eval 0.8.2; set ARSIS_TEST_PYTHON: {complaint}");
    let theirs: Value = serde_json::from_slice(&ran.stdout).unwrap();
    for (group, scores) in theirs.as_object().unwrap() {
        for (name, score) in scores.as_object().unwrap() {
            let (ours, theirs) = (ours[group][name].as_f64().unwrap(), score.as_f64().unwrap());
            // Quotients of the same counts and sums.
            assert!((ours - theirs).abs() < 1e-9, "{group} {name}: {ours}, mir_eval's is {theirs}");
            assert!(theirs < 1.0 || name == "aml_t", "{group} {name} is put to the test");
        }
    }
    assert_eq!(ours["key"]["weighted_score"], 0.3);
}

#[test]
fn every_form_of_the_same_analysis_says_the_same() {
    let (place, _) = Place::with_music();
    place.run(&["analyze", "-o", "out", "--picture-format", "none", "a.wav"]).expect(0);
    for (format, name) in [("jams", "a.jams"), ("csv", "a.csv"), ("audacity", "a.txt")] {
        let said = place.run(&["analyze", "--format", format, "a.wav"]).expect(0);
        place.write(name, said.out.as_bytes());
    }
    for other in ["a.wav", "out/a.wav", "out/a.wav/analysis.json", "a.jams", "a.csv", "a.txt"] {
        for (a, b) in [("a.json", other), (other, "a.json")] {
            let comparison = place.compare(a, b);
            for (group, name) in [("beats", "f_measure"), ("downbeats", "f_measure"), ("beats", "cml_t")] {
                assert_eq!(comparison[group][name], 1.0, "{a} {b}: {comparison}");
            }
            assert!(comparison["chords"]["overlap"].as_f64().unwrap() > 0.98, "{a} {b}: {comparison}");
            assert_eq!(comparison["tempo"]["accuracy_1"], true, "{a} {b}");
            assert_eq!(readings(&comparison), [""; 0], "{a} {b}");
        }
    }
}

#[test]
fn a_pipe_is_read_from_its_beginning() {
    let (place, heard) = Place::with_music();
    let many: Vec<f64> = (1..2_000).map(|i| f64::from(i) / 2.0).collect();
    place.write_beats("long.beats", &many, |_, time| format!("{time:.3}"));
    assert!(heard.to_string().len() > 4096);
    for name in ["long.beats", "a.json", "a.wav"] {
        let mut cat = Command::new("cat").arg(place.path(name)).stdout(Stdio::piped()).spawn().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(["compare", "--format", "json", name, "/dev/stdin"]).current_dir(place.folder.path());
        command.stdin(cat.stdout.take().unwrap()).env_clear();
        let comparison = Said::of(command.output().unwrap()).expect(0).json();
        cat.wait().unwrap();
        assert_eq!(comparison["beats"]["f_measure"], 1.0, "{name}: {comparison}");
        assert_eq!(comparison["estimate"]["kind"], comparison["reference"]["kind"], "{name}");
    }
}

#[test]
fn documents_of_json_may_begin_with_a_byte_order_mark() {
    let (place, heard) = Place::with_music();
    place.write("marked.json", format!("\u{feff}{heard}").as_bytes());
    assert_eq!(place.compare("a.json", "marked.json")["beats"]["f_measure"], 1.0);
}

/// A JAMS of one annotation, of observations of a time, a duration and a value.
fn jams(namespace: &str, observations: &[(f64, f64, Value)]) -> String {
    let observation = |(time, duration, value): &(f64, f64, Value)| json!({"time": time, "duration": duration, "value": value, "confidence": null});
    let data: Vec<Value> = observations.iter().map(observation).collect();
    json!({"annotations": [{"namespace": namespace, "data": data}]}).to_string()
}

#[test]
fn chords_that_are_said_twice_count_once() {
    let (place, _) = Place::with_music();
    let (once, late) = ((0.0, 4.0, json!("A:min")), (2.0, 8.0, json!("F")));
    place.write("once.jams", jams("chord", &[once.clone(), (4.0, 4.0, json!("F"))]).as_bytes());
    let reversed = (3.0, -1.0, json!("C"));
    place
        .write("often.jams", jams("chord", &[once.clone(), once.clone(), once.clone(), reversed]).as_bytes());
    place.write("over.jams", jams("chord", &[once, late]).as_bytes());
    for (a, b, overlap) in
        [("once.jams", "often.jams", 0.5), ("often.jams", "once.jams", 1.0), ("once.jams", "over.jams", 0.75)]
    {
        assert_eq!(place.compare(a, b)["chords"]["overlap"], overlap, "{a} {b}");
    }
}

#[test]
fn only_whole_numbers_that_can_be_places_in_a_bar_are_places() {
    let (place, _) = Place::with_music();
    let write = |name: &str, values: &dyn Fn(u32) -> Value| {
        let beats: Vec<_> = (0..40).map(|i| (10.0 + 0.5 * f64::from(i), 0.0, values(i))).collect();
        place.write(name, jams("beat", &beats).as_bytes());
    };
    write("bars.jams", &|i| json!(i % 4 + 1));
    write("halves.jams", &|i| json!(if i % 4 == 2 { 1.5 } else { f64::from(i % 4 + 1) }));
    write("counted.jams", &|i| json!(i + 1));
    let downbeats = |name| place.compare("bars.jams", name)["downbeats"].clone();
    assert_eq!(downbeats("halves.jams")["f_measure"], 1.0);
    assert!(downbeats("counted.jams").is_null(), "numbers that count beats are no places");
}

#[test]
fn what_one_side_does_not_say_is_left_out() {
    let (place, heard) = Place::with_music();
    place.write_beats("b.beats", &beats(&heard), |_, time| format!("{time:.3}"));
    let comparison = place.compare("a.json", "b.beats");
    assert_eq!(comparison["beats"]["f_measure"], 1.0);
    for group in ["downbeats", "key", "chords", "sections", "loudness"] {
        assert!(comparison.get(group).is_none(), "{group}: {comparison}");
    }
    place.write("key.jams", br#"{"annotations":[{"namespace":"key_mode","data":[{"time":0,"duration":9,"value":"A:minor","confidence":1}]}]}"#);
    let said = place.run(&["compare", "key.jams", "b.beats"]).expect(0);
    assert!(said.out.contains("nothing that both of them say"), "{}", said.out);
}

#[test]
fn a_person_is_told_what_is_the_matter() {
    let (place, heard) = Place::with_music();
    let all = beats(&heard);
    let first = heard["events"].as_array().unwrap().iter().find(|e| e["event_type"] == "beat").unwrap();
    let place_of =
        |i: usize| i + usize::try_from(first["event_data"]["position"].as_u64().unwrap()).unwrap() - 1;
    let between: Vec<f64> = all.windows(2).map(|two| f64::midpoint(two[0], two[1])).collect();
    let mut twice = [all.clone(), between.clone()].concat();
    twice.sort_by(f64::total_cmp);
    let half: Vec<f64> = all.iter().step_by(2).copied().collect();
    let plain = |_: usize, time: f64| format!("{time:.3}");
    place.write_beats("late.beats", &all, |_, time| format!("{:.3}", time + 0.023));
    place.write_beats("far.beats", &all, |_, time| format!("{:.3}", time + 0.12));
    place.write_beats("off.beats", &between, plain);
    place.write_beats("twice.beats", &twice, plain);
    place.write_beats("half.beats", &half, plain);
    place.write_beats("bars.beats", &all, |i, time| format!("{time:.3} {}", (place_of(i) + 3) % 4 + 1));
    for (name, said) in [
        ("late.beats", "B is 23 ms late."),
        ("far.beats", "B is 120 ms late."),
        ("off.beats", "B is on the off-beats of A."),
        ("twice.beats", "B has twice as many beats as A."),
        ("half.beats", "B has half as many beats as A."),
        ("bars.beats", "The bars of B begin one beat late."),
    ] {
        assert_eq!(readings(&place.compare("a.json", name)), [said], "{name}");
        let text = place.run(&["compare", "a.json", name]).expect(0).out;
        assert!(text.ends_with(&format!("→ {said}\n")), "{text}");
    }
}

#[test]
fn a_picture_joins_what_is_the_same_and_shows_what_is_not() {
    let (place, heard) = Place::with_music();
    let mut other = beats(&heard);
    other.remove(9);
    other.push(other[20] + 0.2);
    place.write_beats("b.beats", &other, |_, time| format!("{time:.3}"));
    place.run(&["compare", "--picture", "ab.svg", "a.wav", "b.beats"]).expect(0);
    let svg = fs::read_to_string(place.path("ab.svg")).unwrap();
    let count = |class: &str| {
        let path = svg.lines().find(|line| line.starts_with(&format!("<path class=\"{class}\"")));
        path.unwrap().split("d=\"").nth(1).unwrap().split('M').count() - 1
    };
    assert_eq!((count("matched"), count("missed"), count("extra")), (other.len() - 1, 1, 1));
    assert!(svg.contains("id=\"bands\"") && svg.contains(">chords A<"));
    place.run(&["compare", "--picture", "ab.png", "--picture-theme", "dark", "a.json", "b.beats"]).expect(0);
    assert!(fs::read(place.path("ab.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn scripts_get_an_exit_status_and_a_reason() {
    let (place, heard) = Place::with_music();
    place.write_beats("half.beats", &beats(&heard)[..12], |_, time| format!("{time:.3}"));
    place.write("bad.json", b"{\"events\": 5}");
    place.write("none.json", b"{\"a\": 1}");
    place.write("many.json", b"[{}, {}]");
    place.write("words.txt", b"hello world\n");
    place.write("empty.txt", b"");
    place.write("early.beats", b"0.5\n1.0\n");
    place.write("late.beats", b"0.5\n20.0\n");
    place.write(
        "nan.csv",
        b"file,time_s,duration_s,event_type,confidence,bar,position,label\r\na,nan,,beat,,,,\r\n",
    );
    fs::create_dir(place.path("folder")).unwrap();
    fs::create_dir(place.path("round")).unwrap();
    symlink("analysis.json", place.path("round/analysis.json")).unwrap();
    place.run(&["compare", "--min-f", "0.9", "a.json", "a.json"]).expect(0);
    for (arguments, status, said) in [
        (["--min-f", "0.9", "a.json", "half.beats"].as_slice(), 1, "below the 0.9"),
        (&["a.json", "gone.json"], 1, "failed to read gone.json"),
        (&["a.json", "bad.json"], 1, "failed to read bad.json: it is JSON of another kind"),
        (&["a.json", "none.json"], 1, "neither a document of `arsis analyze --format json` nor JAMS"),
        (&["a.json", "many.json"], 1, "of one file"),
        (&["a.json", "words.txt"], 1, "line 1"),
        (&["a.json", "empty.txt"], 1, "nothing that can be compared"),
        (&["a.json", "folder"], 1, "without analysis.json"),
        (&["a.json", "round"], 1, "failed to open its analysis.json: Too many levels"),
        (&["a.json", "nan.csv"], 1, "row 1 of the table has no time that counts"),
        (&["--min-f", "0.9", "early.beats", "late.beats"], 1, "A has no beats from 0:05 on"),
        (&["--picture", "a.gif", "a.json", "a.json"], 2, "a.gif is no name that ends in .png or .svg"),
        (&["--picture", "folder", "a.json", "a.json"], 2, "folder is no name that ends in .png or .svg"),
        (&["--min-f", "2", "a.json", "a.json"], 2, "from 0 to 1"),
        (&["a.json"], 2, "required"),
    ] {
        let ran = place.run(&[&["compare"], arguments].concat()).expect(status);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}
