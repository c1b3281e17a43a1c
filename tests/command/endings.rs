//! How a run ends before its end: its reader has gone, or somebody asks; and what it holds until then.

use super::Place;
use super::said::Said;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Stdio};

/// The command while it runs. Its standard input is ours: who reads it waits as long as we like.
struct Running {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Running {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, err }
    }

    /// Reads standard error up to a line that begins so.
    #[track_caller]
    fn until(&mut self, begins: &str) {
        let mut line = String::new();
        while !line.starts_with(begins) {
            line.clear();
            assert!(self.err.read_line(&mut line).unwrap() > 0, "no line begins with {begins:?}");
        }
    }

    /// The files that it holds open.
    fn open_files(&self) -> Vec<String> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let links = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        links.map(|link| link.display().to_string()).collect()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// What it says until it ends by itself; its standard input stays open.
    fn end(mut self) -> Said {
        let _ours = self.child.stdin.take();
        let mut output = self.child.wait_with_output().unwrap();
        self.err.read_to_end(&mut output.stderr).unwrap();
        Said::of(output)
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::with_music();
    let without_reader = |arguments: &[&str]| {
        let mut child = place.command(arguments);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "", "{arguments:?}");
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}");
    };
    for format in ["text", "json", "jsonl", "csv", "rekordbox"] {
        without_reader(&["analyze", "--format", format, "a.wav", "b.wav"]);
    }
    without_reader(&["analyze", "a.wav"]);
    without_reader(&["completions", "bash"]);
    without_reader(&["man"]);
    without_reader(&["--help"]);
    // Where results are kept as well, the work goes on without the reader.
    without_reader(&["analyze", "-j", "1", "--details", "-o", "out", "a.wav", "b.wav", "c.wav"]);
    assert_eq!(place.names("out"), ["a.wav", "b.wav", "c.wav"]);
    std::fs::create_dir(place.path("pictures")).unwrap();
    without_reader(&["analyze", "-j", "1", "--details", "--picture", "pictures", "a.wav", "b.wav", "c.wav"]);
    assert_eq!(place.names("pictures"), ["a.wav.png", "b.wav.png", "c.wav.png"]);
}

#[test]
fn ctrl_c_and_sigterm_end_what_went_on_without_its_reader() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let place = Place::with_music();
        let arguments = ["analyze", "-v", "-j", "1", "--details", "-o", "out", "a.wav", "b.wav", "-"];
        let mut running = Running::start(&place, &arguments);
        drop(running.child.stdout.take());
        // On one thread the first is printed, to nobody, before the second is analysed.
        running.until("arsis: b.wav: ");
        running.signal(signal);
        let said = running.end().expect(status);
        assert!(said.err.ends_with("arsis: stopped; 2 of 3 files are done\n"), "{}", said.err);
        assert_eq!(place.names("out"), ["a.wav", "b.wav"]);
    }
}

#[test]
fn ctrl_c_and_sigterm_keep_what_is_done_and_remove_what_was_begun() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let place = Place::with_music();
        // Nothing is told of a file before all of it was read once: of this one that takes far longer than any test.
        File::create(place.path("huge.wav")).unwrap().set_len(1 << 40).unwrap();
        let mut running =
            Running::start(&place, &["analyze", "-v", "-j", "1", "-o", "out", "a.wav", "huge.wav"]);
        running.until("arsis: a.wav: ");
        while place.names("out").len() < 2 {
            assert_eq!(running.child.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        running.signal(signal);
        let said = running.end().expect(status);
        assert!(said.err.ends_with("arsis: stopped; 1 of 2 files are done\n"), "{}", said.err);
        assert!(said.out.lines().any(|line| line.starts_with("a.wav ")), "{}", said.out);
        assert_eq!(place.names("out"), ["a.wav"], "hidden ones, too");
    }
}

#[test]
fn standard_output_that_takes_nothing_ends_what_others_do() {
    let place = Place::with_music();
    let mut command = place.command(&["analyze", "-j", "2", "--format", "jsonl", "-", "a.wav"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    // Nothing ever comes through it, nor does it end.
    let _ours = child.stdin.take();
    let said = Said::of(child.wait_with_output().unwrap()).expect(1);
    assert!(said.err.starts_with("arsis: failed to write to standard output: No space left"), "{}", said.err);
}

#[test]
fn what_waits_for_its_turn_to_be_printed_keeps_no_file_open() {
    let place = Place::with_music();
    let arguments = ["analyze", "-v", "-j", "2", "-o", "out", "--format", "dat,json", "-", "a.wav", "b.wav"];
    let mut running = Running::start(&place, &arguments);
    // One of two threads waits for standard input, whose document is the first to be printed.
    running.until("arsis: a.wav: ");
    running.until("arsis: b.wav: ");
    assert!(place.path("out/a.wav/waveform.dat").exists() && place.path("out/b.wav/waveform.dat").exists());
    let open = running.open_files();
    assert!(!open.iter().any(|file| file.contains("waveform.dat")), "{open:#?}");
    running.child.stdin.take().unwrap().write_all(&fs::read(place.path("c.wav")).unwrap()).unwrap();
    let said = running.end().expect(0).json();
    let files: Vec<&str> =
        said.as_array().unwrap().iter().map(|said| said["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["-", "a.wav", "b.wav"]);
}
