//! `arsis analyze --click`: a click is heard at each beat, on the sample, and the music is still there.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use analysis_core::Limits;
use analysis_core::decode::Decoder;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use testmusic::{Score, WavFormat, wav_bytes};

/// The music's share in the mix.
const MUSIC_GAIN: f64 = 0.5;
/// Clicks last this part of a second.
const CLICKS_A_SECOND: usize = 40;

/// A folder with a piece of nine seconds in it, `a.wav`.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wav"), tune(44_100).wav()).unwrap();
    folder
}

fn tune(sample_rate_hz: u32) -> testmusic::Piece {
    let (form, tempo_bpm) = ("A".to_owned(), 126.0);
    let base = Score { form, bars_per_section: 4, tempo_bpm, end_tempo_bpm: tempo_bpm, ..Score::default() };
    Score { sample_rate_hz, seed: 7, ..base }.render()
}

fn arsis(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
    command.arg("analyze").args(arguments).current_dir(folder.path()).env_clear().stdin(Stdio::null());
    command
}

#[track_caller]
fn run(folder: &TempDir, arguments: &[&str], status: i32) -> (String, String) {
    let Output { status: ended, stdout, stderr } = arsis(folder, arguments).output().unwrap();
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(ended.code(), Some(status), "{arguments:?}: {err}");
    (out, err)
}

/// The beats that the command printed as JSON: time in seconds, and whether it is a downbeat.
fn beats(json: &str) -> Vec<(f64, bool)> {
    let document: Value = serde_json::from_str(json).unwrap();
    let events = document["events"].as_array().unwrap();
    let beat = |event: &&Value| event["event_type"] == "beat";
    let place =
        |event: &Value| (event["time_ms"].as_f64().unwrap() / 1000.0, event["event_data"]["position"] == 1);
    events.iter().filter(beat).map(place).collect()
}

fn decoded(path: &Path) -> (u32, Vec<Vec<f32>>) {
    let mut decoder = Decoder::open(File::open(path).unwrap(), None, &Limits::default()).unwrap();
    let rate_hz = decoder.format().sample_rate_hz;
    let mut planes = vec![Vec::new(); decoder.format().channels];
    while let Some(block) = decoder.next_block().unwrap() {
        planes.iter_mut().zip(block).for_each(|(plane, part)| plane.extend_from_slice(part));
    }
    (rate_hz, planes)
}

/// A click as it is found in the mix, once the music is taken away.
#[derive(Debug)]
struct Click {
    time_s: f64,
    peak: f64,
    /// Its frequency, from the times at which it crosses zero.
    hz: f64,
}

/// Takes the music out of the mix: what remains is clicks, and between them nothing.
#[track_caller]
fn clicks(mix: &[f32], music: &[f32], rate_hz: u32) -> Vec<Click> {
    assert_eq!(mix.len(), music.len());
    let rate = f64::from(rate_hz);
    let rest: Vec<f64> =
        mix.iter().zip(music).map(|(mix, music)| f64::from(*mix) - MUSIC_GAIN * f64::from(*music)).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    // A step of 16 bits is 0.00003; a click is above this within a tenth of a millisecond.
    while let Some(first) = rest[at..].iter().position(|x| x.abs() > 0.005).map(|i| at + i) {
        let end = (first + rate_hz as usize / CLICKS_A_SECOND).min(rest.len());
        let click = &rest[first..end];
        let crosses = |i: &usize| (click[i - 1] < 0.0) != (click[*i] < 0.0);
        let crossings: Vec<usize> = (1..click.len() / 3).filter(crosses).collect();
        let cycles = (crossings.len() - 1) as f64 / 2.0;
        found.push(Click {
            time_s: first as f64 / rate,
            peak: click.iter().fold(0.0, |peak, x| x.abs().max(peak)),
            hz: cycles * rate / (crossings[crossings.len() - 1] - crossings[0]) as f64,
        });
        at = end;
    }
    found
}

/// Every beat has its click, and there is no other; downbeats are higher and louder.
#[track_caller]
fn assert_clicks(clicks: &[Click], beats: &[(f64, bool)]) {
    assert_eq!(clicks.len(), beats.len(), "{clicks:?}");
    for (click, (time_s, downbeat)) in clicks.iter().zip(beats) {
        assert!((click.time_s - time_s).abs() < 0.001, "{click:?} for a beat at {time_s} s");
        let (hz, peak) = if *downbeat { (1500.0, 0.45) } else { (1000.0, 0.3) };
        assert!((click.hz / hz - 1.0).abs() < 0.05 && (click.peak / peak - 1.0).abs() < 0.05, "{click:?}");
    }
}

#[test]
fn a_click_is_heard_on_each_beat_of_every_kind_of_file() {
    let folder = place();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let slow = tune(22_050);
    fs::write(folder.path().join("22050.wav"), slow.wav()).unwrap();
    fs::write(folder.path().join("mono.wav"), wav_bytes(&slow.mono(), 22_050, 1, WavFormat::Float32))
        .unwrap();
    let mut files: Vec<PathBuf> = ["a.wav", "22050.wav", "mono.wav"].map(PathBuf::from).into();
    files.extend(["demo.mp3", "demo.m4a", "demo.ogg"].map(|name| fixtures.join(name)));
    for file in files {
        let name = file.to_str().unwrap();
        let (json, err) = run(&folder, &["--format", "json", "--click", "out.wav", name], 0);
        assert_eq!(err, "", "{name}");
        let (rate_hz, mix) = decoded(&folder.path().join("out.wav"));
        let (music_rate_hz, music) = decoded(&folder.path().join(&file));
        assert_eq!((rate_hz, mix.len()), (music_rate_hz, music.len()), "{name}");
        let beats = beats(&json);
        assert!(beats.len() > 15 && beats.iter().any(|(_, downbeat)| *downbeat), "{name}: {beats:?}");
        for (mix, music) in mix.iter().zip(&music) {
            assert_clicks(&clicks(mix, music, rate_hz), &beats);
        }
    }
}

#[test]
fn the_wav_file_says_its_size_and_is_as_readable_as_any_other() {
    let folder = place();
    run(&folder, &["--type", "rhythm", "--click", "out.wav", "a.wav"], 0);
    let (wav, music) =
        (fs::read(folder.path().join("out.wav")).unwrap(), fs::read(folder.path().join("a.wav")).unwrap());
    assert_eq!(wav.len(), music.len());
    assert!(wav[..44] == music[..44], "the header of the same music in 16 bits: {:?}", &wav[..44]);
    let mode = |name: &str| {
        std::os::unix::fs::PermissionsExt::mode(&folder.path().join(name).metadata().unwrap().permissions())
    };
    assert_eq!(mode("out.wav"), mode("a.wav"));
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.wav", "out.wav"], "nothing else is left");
}

#[test]
fn nothing_clips_however_loud_the_music_is() {
    let folder = place();
    let piece = tune(22_050);
    let loud: Vec<f32> = piece.interleaved().iter().map(|x| 8.0 * x).collect();
    fs::write(folder.path().join("loud.wav"), wav_bytes(&loud, 22_050, 2, WavFormat::Float32)).unwrap();
    run(&folder, &["--click", "out.wav", "loud.wav"], 0);
    let (_, mix) = decoded(&folder.path().join("out.wav"));
    let (_, music) = decoded(&folder.path().join("loud.wav"));
    let top = mix[0].iter().fold(0.0_f32, |top, x| top.max(x.abs()));
    assert!(top > 0.95 && top <= 32_767.0 / 32_768.0, "{top}");
    let turned = mix[0].iter().zip(&music[0]).filter(|(mix, music)| **mix * **music < -0.3).count();
    assert_eq!(turned, 0, "no sample wraps around");
}

#[test]
fn music_without_beats_is_written_alone_and_a_note_says_so() {
    let folder = place();
    fs::write(folder.path().join("noise.wav"), testmusic::noise(5.0, 22_050, 0.3, 4).wav()).unwrap();
    let (_, err) = run(&folder, &["--click", "out.wav", "noise.wav"], 0);
    assert_eq!(err, "arsis: noise.wav: no beat heard; out.wav holds the music alone\n");
    let ((_, mix), (rate_hz, music)) =
        (decoded(&folder.path().join("out.wav")), decoded(&folder.path().join("noise.wav")));
    assert!(clicks(&mix[0], &music[0], rate_hz).is_empty());
}

#[test]
fn a_folder_takes_a_file_for_each_input() {
    let folder = place();
    fs::create_dir_all(folder.path().join("b")).unwrap();
    fs::create_dir(folder.path().join("clicks")).unwrap();
    fs::copy(folder.path().join("a.wav"), folder.path().join("b/a.wav")).unwrap();
    run(&folder, &["--type", "rhythm", "--click", "clicks", "a.wav", "b/a.wav"], 0);
    let read = |name: &str| fs::read(folder.path().join("clicks").join(name)).unwrap();
    assert!(read("a.wav.click.wav") == read("a.wav-2.click.wav"), "the same music, the same clicks");
    assert_eq!(fs::read_dir(folder.path().join("clicks")).unwrap().count(), 2);
}

#[test]
fn standard_input_gets_its_clicks_too() {
    let folder = place();
    let music = fs::read(folder.path().join("a.wav")).unwrap();
    let mut child = arsis(&folder, &["--type", "rhythm", "--click", "piped.wav", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&music).unwrap();
    assert!(child.wait().unwrap().success());
    run(&folder, &["--type", "rhythm", "--click", "named.wav", "a.wav"], 0);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("piped.wav") == read("named.wav"));
}

#[test]
fn each_way_to_ask_wrongly_says_what_is_right_and_leaves_the_files_alone() {
    let folder = place();
    let music = fs::read(folder.path().join("a.wav")).unwrap();
    fs::write(folder.path().join("b.wav"), &music).unwrap();
    fs::write(folder.path().join("a.wav.click.wav"), &music).unwrap();
    fs::write(folder.path().join("garbage.wav"), b"no music").unwrap();
    for (arguments, status, says) in [
        (
            &["--click", "out.wav", "a.wav", "b.wav"][..],
            2,
            "one file for 2 inputs; name a folder that exists",
        ),
        (&["--click", "out.mp3", "a.wav"], 2, "nor a name that ends in .wav"),
        (&["--click", "-", "a.wav"], 2, "nor a name that ends in .wav"),
        (&["--click", "clicks.wav/", "a.wav"], 2, "neither a folder that exists"),
        (&["--click", "./a.wav", "a.wav"], 2, "would replace ./a.wav, an input; choose another name"),
        (&["--click", ".", "a.wav", "a.wav.click.wav"], 2, "would replace ./a.wav.click.wav, an input"),
        (&["--click", "out.wav", "--type", "tonal", "a.wav"], 2, "use --type full, rhythm or structure"),
        (&["--click", "nowhere/out.wav", "a.wav"], 1, "there is no folder nowhere; create it first"),
        (&["--click", "out.wav", "garbage.wav"], 1, "arsis: garbage.wav: "),
    ] {
        let (out, err) = run(&folder, arguments, status);
        assert!(out.is_empty() && err.contains(says), "{arguments:?}: {err}");
    }
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.wav", "a.wav.click.wav", "b.wav", "garbage.wav"]);
    assert!(fs::read(folder.path().join("a.wav")).unwrap() == music);
}
