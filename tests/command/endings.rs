//! How a run ends before its end: its reader has gone, or somebody asks.

use super::Place;
use std::process::Stdio;

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
