//! The command, from a corpus on disk to the tables.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn evaluation(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evaluation")).current_dir(folder).args(arguments).output().unwrap()
}

#[track_caller]
fn check(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The cells of the row that begins with these words.
#[track_caller]
fn row<'t>(text: &'t str, starts: [&str; 2]) -> Vec<&'t str> {
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = rows.into_iter().filter(|row| row.starts_with(&starts));
    found.next().unwrap_or_else(|| panic!("no row {starts:?} in\n{text}"))
}

/// A corpus of clicks: one right, one whose truth is not trusted, one file that is broken.
fn write_corpus(folder: &Path) {
    let piece = testmusic::clicks(120.0, 0.25, 20.0, 44_100);
    let entry = |id: &str, part: &str, trusted: bool| {
        json!({"id": id, "part": part, "file": format!("{id}.wav"), "duration": 20.0, "beats": piece.truth.beats,
            "downbeats": piece.truth.downbeats, "tempo_bpm": 120.0, "trusted": trusted, "style": "clicks"})
    };
    let files =
        [entry("real/a", "real", true), entry("real/b", "real", false), entry("edge/c", "edge", true)];
    fs::write(folder.join("manifest.json"), json!({"seed": 1, "files": files}).to_string()).unwrap();
    fs::create_dir(folder.join("real")).unwrap();
    fs::create_dir(folder.join("edge")).unwrap();
    fs::write(folder.join("real/a.wav"), piece.wav()).unwrap();
    fs::write(folder.join("edge/c.wav"), b"nothing that can be decoded").unwrap();
}

#[test]
fn a_corpus_is_listened_to_and_predictions_stand_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    write_corpus(folder.path());
    let base = ["--pieces", "0", "--corpus", "manifest.json"];
    let text =
        check(&evaluation(folder.path(), &[&base[..], &["--save", "said", "--markdown", "out.md"]].concat()));
    let (all, edge) = (row(&text, ["all", "arsis"]), row(&text, ["edge", "arsis"]));
    assert_eq!(&all[2..5], ["1", "0", "1.000"], "one trusted track, none failed, beat F 1\n{text}");
    assert_eq!(&edge[2..5], ["1", "1", "0.000"], "{text}");
    let markdown = fs::read_to_string(folder.path().join("out.md")).unwrap();
    assert!(markdown.contains("| all | arsis | 1 | 0 | 1.000 | 1.000–1.000 |"), "{markdown}");
    assert!(markdown.starts_with("# How well Arsis listens"));

    // What was saved scores the same when it is read back as another engine's.
    let again = [&base[..], &["--predictions-only", "--predictions", "said/arsis", "saved"]].concat();
    let text = check(&evaluation(folder.path(), &again));
    assert_eq!(row(&text, ["all", "saved"])[2..12], all[2..12], "{text}");
    assert_eq!(row(&text, ["edge", "saved"])[2..5], edge[2..5], "{text}");
}

#[test]
fn songs_are_made_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let genres = ["--genre", "rock", "--genre", "jig"];
    let text = check(&evaluation(folder.path(), &[&["--pieces", "1", "--seed", "3"][..], &genres].concat()));
    assert_eq!(row(&text, ["all", "arsis"])[2..4], ["2", "0"], "{text}");
    assert_eq!(row(&text, ["jig", "arsis"])[2..4], ["1", "0"], "{text}");
    assert!(text.contains("expected calibration error"), "{text}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let complain = |arguments: &[&str], what: &str| {
        let output = evaluation(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(what), "{said}");
    };
    complain(&["--pieces", "0"], "nothing to listen to");
    complain(&["--genre", "polka"], "there is no genre polka; there are rock, house");
    complain(&["--corpus", "absent.json"], "failed to read absent.json");
    complain(&["--predictions", "absent", "peer"], "there is no folder absent");
}
