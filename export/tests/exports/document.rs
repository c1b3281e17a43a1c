//! The whole document, as the command prints it.

use analysis_core::analyzer::{Analysis, analyze};
use analysis_core::config::Config;
use export::{Track, document};
use serde::Serialize;
use std::io::Cursor;
use testmusic::{WavFormat, noise, wav_bytes};

/// The command's own shape.
#[derive(Serialize)]
struct Printed<'a> {
    file: &'a str,
    #[serde(flatten)]
    analysis: &'a Analysis,
}

#[test]
fn the_document_is_the_one_that_the_command_prints() {
    let audio = wav_bytes(&noise(6.0, 22_050, 0.5, 7).mono(), 22_050, 1, WavFormat::Int16);
    let analysis = analyze(Cursor::new(audio), Some("wav"), &Config::default(), &mut ()).unwrap();
    let printed = Printed { file: "a/song.wav", analysis: &analysis };
    let track = Track {
        fingerprint: analysis.fingerprint.as_deref(),
        ..Track::new("a/song.wav", &analysis.audio, &analysis.summary, &analysis.events)
    };
    let mut lines = serde_json::to_vec_pretty(&printed).unwrap();
    lines.push(b'\n');
    let mut out = Vec::new();
    document::write(&track, &analysis.manifest, &mut out).unwrap();
    assert!(out == lines, "{}", String::from_utf8_lossy(&out));
    let mut line = serde_json::to_vec(&printed).unwrap();
    line.push(b'\n');
    let mut out = Vec::new();
    document::write_line(&track, &analysis.manifest, &mut out).unwrap();
    assert!(out == line);
}
