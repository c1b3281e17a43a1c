//! What is read: standard input, and folders.

use super::said::Said;
use super::{Place, unreadable};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

#[test]
fn standard_input_is_a_file_like_any_other() {
    let place = Place::with_music();
    let from_file: Value = place.run(&["analyze", "--format", "json", "a.wav"]).expect(0).json();
    let open = || Stdio::from(File::open(place.path("a.wav")).unwrap());
    let mut piped = place.run_with_stdin(&["analyze", "--format", "json", "-"], open()).expect(0).json();
    assert_eq!(piped["file"], "-");
    piped["file"] = "a.wav".into();
    assert_eq!(piped, from_file);

    // A real pipe, which cannot be read back and forth, and a hint.
    let arguments = ["analyze", "--hint", "wav", "-"];
    let mut child = place.command(&arguments);
    let mut child =
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(place.path("a.wav")).unwrap()).unwrap();
    let said = Said::of(child.wait_with_output().unwrap()).expect(0);
    assert!(said.out.starts_with("-  0:09.0"), "{}", said.out);

    let nothing = place.run(&["analyze", "-"]).expect(1);
    assert!(nothing.err.contains("-: the input is empty"), "{}", nothing.err);
}

#[test]
fn folders_are_walked_only_when_asked() {
    let place = Place::new();
    let clicks = testmusic::clicks(120.0, 0.25, 5.0, 44_100).wav();
    place.write("music/b/2.wav", &clicks);
    place.write("music/b/1.WAV", &clicks);
    place.write("music/a.wav", &clicks);
    place.write("music/notes.txt", b"not audio");
    place.write("empty/notes.txt", b"not audio");
    symlink("..", place.path("music/round.wav")).unwrap();
    symlink("nowhere", place.path("music/gone.wav")).unwrap();
    assert!(Command::new("mkfifo").arg(place.path("music/pipe.wav")).status().unwrap().success());

    let refused = place.run(&["analyze", "music"]).expect(2);
    assert_eq!((refused.out.as_str(), refused.err.contains("music is a folder; add -r")), ("", true));
    let said = place.run(&["analyze", "-r", "--format", "json", "music"]).expect(1);
    // A link that leads nowhere is missing music; one to a folder, and a pipe, are no music.
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.err);
    assert!(lines[0].starts_with("arsis: music/gone.wav: failed to open the file"), "{}", said.err);
    assert_eq!(lines[1], "arsis: 1 of 4 files failed");
    let said = said.json();
    let files: Vec<&str> =
        said.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["music/a.wav", "music/b/1.WAV", "music/b/2.wav"]);
    let nothing = place.run(&["analyze", "-r", "empty"]).expect(1);
    assert!(nothing.err.contains("no audio files found in empty"), "{}", nothing.err);
}

#[test]
fn hidden_names_are_taken_only_when_they_are_named() {
    let place = Place::new();
    let clicks = testmusic::clicks(120.0, 0.25, 5.0, 8_000).wav();
    for name in ["music/a.wav", "music/.b.wav", "music/.Trash/c.wav", ".hidden/d.wav"] {
        place.write(name, &clicks);
    }
    place.write("music/._a.wav", b"what a Mac writes beside a file");
    let files = |arguments: &[&str]| {
        let said = place.run(&[&["analyze", "-j", "1", "--format", "jsonl", "-r"], arguments].concat());
        let lines: Vec<Value> =
            said.expect(0).out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.iter().map(|line| line["file"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&["music"]), ["music/a.wav"]);
    assert_eq!(files(&[".hidden", "music/.b.wav"]), [".hidden/d.wav", "music/.b.wav"]);
}

#[test]
fn pipes_are_read_as_files_are_and_devices_are_not() {
    let place = Place::with_music();
    let from_file = place.run(&["analyze", "a.wav"]).expect(0).out;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let bytes = fs::read(place.path("a.wav")).unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&bytes));
    let from_pipe = place.run_with_stdin(&["analyze", "/dev/stdin"], reader.into()).expect(0).out;
    writing.join().unwrap().unwrap();
    assert_eq!(from_pipe.replacen("/dev/stdin", "a.wav", 1), from_file);
    let (reader, _) = std::io::pipe().unwrap();
    let mut command = place.command(&["analyze", "/dev/stdin"]);
    let nowhere = Said::of(command.stdin(reader).env("TMPDIR", "nowhere").output().unwrap()).expect(1);
    assert!(nowhere.err.contains("failed to create a temporary file in nowhere (TMPDIR)"), "{}", nowhere.err);
    let device = place.run(&["analyze", "/dev/zero"]).expect(1);
    assert!(device.err.starts_with("arsis: /dev/zero: it is a device"), "{}", device.err);
}

#[test]
fn a_folder_that_cannot_be_read_takes_no_other_with_it() {
    let place = Place::with_music();
    unreadable::folder_in(place.folder.path(), "music/deep");
    fs::rename(place.path("b.wav"), place.path("music/b.wav")).unwrap();
    let said = place.run(&["analyze", "-r", "--format", "csv", "music"]).expect(1);
    assert!(said.out.contains("music/b.wav,"), "{}", said.out);
    assert!(
        said.err.starts_with("arsis: music/deep/ddd") && said.err.ends_with("; left out\n"),
        "{}",
        said.err
    );
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}
