//! What `arsis` shows on a terminal, and does not where there is none: bars, colours, and how Ctrl-C ends it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

#[path = "terminal/screen.rs"]
mod screen;

use screen::Screen;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What a terminal of `columns` by `rows` was sent, and the exit status.
struct Shown {
    bytes: Vec<u8>,
    status: Option<i32>,
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

/// `arsis ARGUMENTS` on a terminal, in `folder`, with `variables` set and nothing else configured.
#[track_caller]
fn on_terminal(
    folder: &Path,
    (columns, rows): (usize, usize),
    interrupt_at: &str,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> Shown {
    let interpreter = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&interpreter);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/run.py"));
    command.args([&columns.to_string(), &rows.to_string(), interrupt_at, env!("CARGO_BIN_EXE_arsis")]);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_clear().env("TERM", "xterm-256color").envs(variables.iter().copied());
    let ran = command.output();
    let ran =
        ran.unwrap_or_else(|error| panic!("{interpreter} cannot be run ({error}): set ARSIS_TEST_PYTHON"));
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    Shown { bytes: ran.stdout, status: ran.status.code() }
}

/// A folder of so many short files, whose names are as long as names get and wide in part.
fn music(files: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..files {
        let bytes = testmusic::clicks(100.0 + number as f64, 0.25, 5.0, 8_000).wav();
        let name = format!("{number:02} 夜想曲第二番 {}.wav", "in the old town hall ".repeat(6));
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn bars_appear_and_vanish_and_never_tear_the_screen() {
    let folder = music(12);
    for size in [(100, 24), (60, 6), (24, 4), (12, 2)] {
        let shown = on_terminal(folder.path(), size, "", &[], &["analyze", "-r", "-j", "8", "."]);
        assert_eq!(shown.status, Some(0), "{}", shown.text());
        assert!(shown.text().contains(" %"), "{size:?}: {}", shown.text());
        let screen = Screen::after(&shown.bytes, size.0, size.1);
        let left = screen.text();
        assert!(!left.iter().any(|line| line.contains('░') || line.contains("listening")), "{left:#?}");
        let table = left.iter().position(|line| line.starts_with("FILE")).unwrap();
        assert!(left[table + 12].starts_with('…') || left[table + 12].contains("town hall"), "{left:#?}");
        assert!(left[..table].concat().starts_with("arsis: heard 1:0"), "{left:#?}");
        // The lines that sum up may wrap where there is no room; bars and rows may not.
        let sums = left[..table].concat().len().div_ceil(size.0) + 2;
        assert!(screen.wrapped <= sums, "{size:?}: {} wrapped: {left:#?}", screen.wrapped);
    }
}

#[test]
fn no_name_is_wider_than_the_terminal_or_obeyed_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let music = folder.path().join("music");
    fs::create_dir(&music).unwrap();
    let name = format!("\u{1b}[2J\u{9b}2Jnight \u{202e}{}.wav", "and day ".repeat(25));
    for name in [&name, &format!("b {name}")] {
        fs::write(music.join(name), testmusic::clicks(120.0, 0.25, 6.0, 8_000).wav()).unwrap();
    }
    let (analyze, watch) =
        (&["analyze", "-r", "music"][..], &["watch", "--once", "music", "--interval", "0.1"]);
    for (arguments, shown) in [(analyze, "…"), (watch, "music/ [2J 2Jnight")] {
        for columns in [60, 100] {
            let printed = on_terminal(folder.path(), (columns, 24), "", &[], arguments);
            assert_eq!(printed.status, Some(0), "{}", printed.text());
            assert!(!printed.text().contains(['\u{9b}', '\u{202e}']), "{:?}", printed.text());
            // A screen takes what bars send, and nothing that would clear it.
            let screen = Screen::after(&printed.bytes, columns, 24);
            let left = screen.text();
            assert!(left.iter().any(|line| line.contains(shown)), "{columns}: {left:#?}");
            assert_eq!(screen.wrapped, 0, "{columns}: {left:#?}");
        }
    }
}

#[test]
fn one_file_has_a_bar_that_says_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wav"), testmusic::clicks(120.0, 0.25, 6.0, 8_000).wav()).unwrap();
    let shown = on_terminal(folder.path(), (80, 24), "", &[], &["analyze", "a.wav"]);
    assert!(shown.text().contains("a.wav  ") && shown.text().contains("reading"), "{}", shown.text());
    let left = Screen::after(&shown.bytes, 80, 24).text();
    assert!(left[0].starts_with("a.wav  0:06.0  wav"), "{left:#?}");
}

#[test]
fn ctrl_c_keeps_what_is_done_and_leaves_no_half_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wav"), testmusic::clicks(120.0, 0.25, 6.0, 8_000).wav()).unwrap();
    // An hour takes long enough for Ctrl-C to come before its end, on whatever machine.
    fs::write(folder.path().join("long.wav"), testmusic::silence(3_600.0, 8_000).wav()).unwrap();
    let arguments = ["analyze", "-j", "1", "-o", "out", "a.wav", "long.wav"];
    let shown = on_terminal(folder.path(), (80, 24), "long.wav", &[], &arguments);
    assert_eq!(shown.status, Some(130), "{}", shown.text());
    let left = Screen::after(&shown.bytes, 80, 24).text();
    assert!(left.iter().any(|line| line.starts_with("a.wav") && line.contains("120.0")), "{left:#?}");
    assert!(left.iter().any(|line| line == "arsis: stopped; 1 of 2 files are done"), "{left:#?}");
    let names: Vec<_> =
        fs::read_dir(folder.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["a.wav"]);
}

#[test]
fn ctrl_c_ends_the_wait_for_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wav"), testmusic::clicks(120.0, 0.25, 6.0, 8_000).wav()).unwrap();
    let arguments = ["analyze", "-j", "1", "--format", "jsonl", "a.wav", "-"];
    let shown = on_terminal(folder.path(), (80, 24), "analyzer_version", &[], &arguments);
    assert_eq!(shown.status, Some(130), "{}", shown.text());
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.wav"), b"no sound").unwrap();
    let table: &[&str] = &["analyze", "bad.wav", "bad.wav"];
    let help: &[&str] = &["analyze", "--help"];
    let wrong: &[&str] = &["analyze", "--formt", "json", "bad.wav"];
    let coloured = |variables: &[(&str, &str)], more: &[&str], arguments: &[&str]| {
        let arguments = [more, arguments].concat();
        let shown = on_terminal(folder.path(), (80, 24), "", variables, &arguments).text();
        let parameter = |c: char| c.is_ascii_digit() || c == ';';
        shown.split("\u{1b}[").skip(1).any(|rest| rest.trim_start_matches(parameter).starts_with('m'))
    };
    for arguments in [table, help, wrong] {
        assert!(coloured(&[], &[], arguments), "{arguments:?} on a terminal");
        assert!(!coloured(&[("NO_COLOR", "1")], &[], arguments), "{arguments:?} with NO_COLOR");
        assert!(!coloured(&[], &["--color", "never"], arguments), "{arguments:?} with never");
        assert!(
            coloured(&[("NO_COLOR", "1")], &["--color=always"], arguments),
            "{arguments:?}: --color wins"
        );
    }
    let piped = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
        let said = command.output().unwrap();
        String::from_utf8([said.stdout, said.stderr].concat()).unwrap().contains('\u{1b}')
    };
    for arguments in [table, help, wrong] {
        assert!(!piped(&[], arguments), "{arguments:?} in a pipe");
        assert!(piped(&[("CLICOLOR_FORCE", "1")], arguments), "{arguments:?} with CLICOLOR_FORCE");
        assert!(piped(&[], &[&["--color", "always"], arguments].concat()), "{arguments:?} with always");
    }
}
