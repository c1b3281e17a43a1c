//! `arsis watch` as a shell sees it: files that appear, change, fail and vanish, and how it ends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use said::Said;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use tempfile::TempDir;

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
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let part = self.path("part");
        fs::write(&part, testmusic::clicks(tempo_bpm, 0.25, 5.0, 8_000).wav()).unwrap();
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
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Watching { child, out, err }
    }
}

/// A watch that runs.
struct Watching {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn says(&mut self) -> String {
        self.out.next().unwrap().unwrap()
    }

    fn complains(&mut self) -> String {
        self.err.next().unwrap().unwrap()
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
