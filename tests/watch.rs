//! `arsis watch` as a shell sees it: files that appear, change, fail and vanish, and how it ends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;
mod unreadable;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use said::Said;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// So much music has a document that is larger than what a pipe holds and a reader reads ahead together.
const LONG_S: f64 = 240.0;
/// How much that is at least.
const LONG_BYTES: usize = 1 << 18;

/// A place with a folder `in`.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A click track that is there as a whole, as after a download.
    fn put(&self, name: &str, tempo_bpm: f64) {
        self.put_long(name, tempo_bpm, 5.0);
    }

    fn put_long(&self, name: &str, tempo_bpm: f64, length_s: f64) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let part = self.path("part");
        fs::write(&part, testmusic::clicks(tempo_bpm, 0.25, length_s, 8_000).wav()).unwrap();
        fs::rename(part, path).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(["watch", "in", "--interval", "0.1"]).args(arguments);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        command
    }

    /// One look and its end.
    fn once(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(&[&["--once"], arguments].concat()).output().unwrap())
    }

    fn start(&self, arguments: &[&str]) -> Watching {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Watching { child, out, err }
    }
}

/// A watch that runs.
struct Watching {
    child: Child,
    out: BufReader<ChildStdout>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    /// The next line of standard output; an empty one at its end.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Waits until a line begins. One that no pipe holds as a whole then holds up who says it.
    fn begins_to_say(&mut self) {
        assert!(!self.out.fill_buf().unwrap().is_empty(), "nothing is said any more");
    }

    /// The next line, a document: its file, and its tempo in whole BPM.
    fn says_of(&mut self) -> (String, f64) {
        let document: Value = serde_json::from_str(&self.says()).unwrap();
        let (file, tempo) = (&document["file"], &document["summary"]["tempo_bpm"]);
        (file.as_str().unwrap().to_owned(), tempo.as_f64().unwrap().round())
    }

    fn complains(&mut self) -> String {
        self.err.next().unwrap().unwrap()
    }

    /// Reads what it says to its end; gives that and the exit status.
    fn ends(mut self) -> (String, Option<i32>) {
        let mut said = String::new();
        self.out.read_to_string(&mut said).unwrap();
        (said, self.child.wait().unwrap().code())
    }

    /// Ctrl-C; gives the exit status.
    fn interrupt(mut self) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_appears_is_analysed_and_ctrl_c_ends_it() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    let mut watching = place.start(&["-o", "out"]);
    assert!(watching.complains().starts_with("arsis: watching in, a look every 0.1 s"));
    assert!(watching.says().starts_with("in/a.wav  0:05"));
    place.put("in/b.wav", 120.0);
    assert!(watching.says().starts_with("in/b.wav  0:05  120.0 BPM"));
    fs::write(place.path("in/letter.wav"), b"this is a letter, not a sound").unwrap();
    assert!(watching.complains().starts_with("arsis: in/letter.wav: not a recognised audio file"));
    // The same file with other music in it is new; the letter is named no more.
    place.put("in/a.wav", 150.0);
    assert!(watching.says().starts_with("in/a.wav  0:05  150"));
    place.put("in/letter.wav", 90.0);
    assert!(watching.says().starts_with("in/letter.wav  0:05"));
    for name in ["a.wav", "b.wav", "letter.wav"] {
        assert!(place.path("out").join(name).join("picture.png").exists(), "{name}");
    }
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn a_folder_that_goes_is_waited_for() {
    let place = Place::new();
    let mut watching = place.start(&["--format", "jsonl"]);
    assert!(watching.complains().starts_with("arsis: watching in"));
    fs::remove_dir(place.path("in")).unwrap();
    assert!(watching.complains().starts_with("arsis: in cannot be read (No such file or directory"));
    fs::create_dir(place.path("in")).unwrap();
    assert_eq!(watching.complains(), "arsis: in is back");
    place.put("in/a.wav", 100.0);
    let document: Value = serde_json::from_str(&watching.says()).unwrap();
    assert_eq!(document["file"], "in/a.wav");
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn what_is_done_is_skipped_by_the_next_run() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    place.put("in/below/b.wav", 120.0);
    place.put("in/.hidden.wav", 120.0);
    let first = place.once(&["-r", "-o", "in/out"]).expect(0);
    let mut files: Vec<&str> = first.out.lines().filter_map(|line| line.split("  ").next()).collect();
    files.sort_unstable();
    assert_eq!((files, first.err.as_str()), (vec!["in/a.wav", "in/below/b.wav"], ""));
    assert!(place.path("in/out/below/b.wav/manifest.json").exists());
    assert_eq!(place.once(&["-r", "-o", "in/out"]).expect(0).out, "", "all of it is done");
    // Something else is asked for; a file has changed; results are gone.
    let other = place.once(&["-o", "in/out", "--type", "rhythm"]).expect(0);
    assert_eq!(other.out.lines().count(), 1, "{}", other.out);
    place.put("in/a.wav", 150.0);
    fs::remove_dir_all(place.path("in/out/below")).unwrap();
    let again = place.once(&["-r", "-o", "in/out"]).expect(0);
    assert_eq!(again.out.lines().count(), 2, "{}", again.out);
    // What `analyze` wrote counts by its bytes.
    let mut analyze = Command::new(env!("CARGO_BIN_EXE_arsis"));
    let analyze = analyze.args(["analyze", "-o", "other", "in/a.wav"]).current_dir(place.folder.path());
    Said::of(analyze.output().unwrap()).expect(0);
    assert_eq!(place.once(&["-o", "other"]).expect(0).out, "");
}

#[test]
fn once_ends_as_analyze_does() {
    let place = Place::new();
    place.once(&[]).expect(0);
    place.put("in/a.wav", 100.0);
    fs::write(place.path("in/b.wav"), b"this is a letter, not a sound").unwrap();
    let said = place.once(&["--format", "jsonl"]).expect(1);
    assert_eq!((&said.json()["file"], said.err.lines().count()), (&"in/a.wav".into(), 1), "{}", said.err);
    for (arguments, says) in [
        (&["--format", "json"][..], "use jsonl"),
        (&["--format", "jams"], "-o DIR"),
        (&["--jobs", "0"], "--jobs"),
        (&["-o", "in"], "the folder that is watched"),
    ] {
        let said = place.once(arguments).expect(2);
        assert!(said.err.contains(says), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    let mut child = place.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn a_file_that_changes_after_it_was_seen_is_analysed_as_it_is_later() {
    let place = Place::new();
    place.put_long("in/a.wav", 100.0, LONG_S);
    place.put("in/b.wav", 100.0);
    let arguments = ["--once", "-j", "1", "--format", "jsonl", "-o", "out"];
    let mut watching = place.start(&arguments);
    // Both were seen; the first is printed as far as somebody reads, and then it is the second's turn.
    watching.begins_to_say();
    place.put("in/b.wav", 150.0);
    assert!(watching.says().len() > LONG_BYTES, "too short to hold anything up");
    let changed = "arsis: in/b.wav: it changed while it was analysed; left for a later look";
    assert_eq!(watching.complains(), changed);
    assert_eq!(watching.says_of(), ("in/b.wav".to_owned(), 150.0));
    assert_eq!(watching.ends(), (String::new(), Some(0)));
    assert_eq!(place.once(&arguments[1..]).expect(0).out, "", "its results are of what is there");
}

#[test]
fn a_folder_that_goes_before_the_last_look_ends_it() {
    let place = Place::new();
    // So many are analysed on one thread before it is looked which of them have changed; the last one comes after.
    let names: Vec<String> = ('a'..='q').map(|name| format!("in/{name}.wav")).collect();
    names.iter().for_each(|name| place.put(name, 100.0));
    place.put_long("in/a.wav", 100.0, LONG_S);
    place.put_long("in/q.wav", 100.0, LONG_S);
    let mut watching = place.start(&["--once", "-j", "1", "--format", "jsonl"]);
    watching.begins_to_say();
    place.put("in/b.wav", 150.0);
    watching.says();
    assert!(watching.complains().starts_with("arsis: in/b.wav: it changed"));
    for name in &names[2..16] {
        assert_eq!(watching.says_of().0, *name);
    }
    watching.begins_to_say();
    fs::remove_dir_all(place.path("in")).unwrap();
    assert!(watching.says().len() > LONG_BYTES, "too short to hold anything up");
    assert_eq!(watching.complains(), "arsis: in cannot be read (No such file or directory (os error 2))");
    assert_eq!(watching.ends(), (String::new(), Some(1)));
}

#[test]
fn what_is_asked_for_later_is_made_once() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    place.once(&["-o", "out"]).expect(0);
    // What `analyze` wrote says nothing of what it was asked for.
    let mut analyze = Command::new(env!("CARGO_BIN_EXE_arsis"));
    let analyze = analyze.args(["analyze", "-o", "by-analyze", "in/a.wav"]).current_dir(place.folder.path());
    Said::of(analyze.output().unwrap()).expect(0);
    for out in ["out", "by-analyze"] {
        for (option, value, made) in [
            ("--format", "text,jams,dat", &["analysis.jams", "waveform.dat"][..]),
            ("--picture-format", "both", &["picture.png", "picture.svg"]),
        ] {
            let arguments = ["-o", out, option, value];
            assert_eq!(place.once(&arguments).expect(0).out.lines().count(), 1, "{arguments:?}");
            made.iter().for_each(|name| assert!(place.path(out).join("a.wav").join(name).exists(), "{name}"));
            assert_eq!(place.once(&arguments).expect(0).out, "", "{arguments:?}, again");
        }
    }
    // What is printed of results is none of them, nor is the order in which they are asked for.
    place.once(&["-o", "out", "--format", "dat,csv"]).expect(0);
    assert_eq!(place.once(&["-o", "out", "--format", "csv,jsonl,dat"]).expect(0).out, "");
    fs::remove_file(place.path("by-analyze/a.wav/source.json")).unwrap();
    let less = ["-o", "by-analyze", "--picture-format", "svg"];
    assert_eq!(place.once(&less).expect(0).out, "", "all that is asked for is there");
}

#[test]
fn a_folder_that_cannot_be_read_is_named_once_and_fails() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    unreadable::folder_in(place.folder.path(), "in/deep");
    let said = place.once(&["-r"]).expect(1);
    assert!(said.out.starts_with("in/a.wav  0:05"), "{}", said.out);
    assert!(said.err.starts_with("arsis: in/deep/ddd") && said.err.ends_with("; left out\n"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}

#[test]
fn any_number_of_threads_is_taken() {
    let place = Place::new();
    place.put("in/a.wav", 100.0);
    let said = place.once(&["-j", &usize::MAX.to_string()]).expect(0);
    assert_eq!((said.out.lines().count(), said.err.as_str()), (1, ""));
}
