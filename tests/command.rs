//! The `arsis analyze` command as a shell sees it: arguments and files in; standard output, standard error and an
//! exit status out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;

use analysis_core::chunk::Chunk;
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use analysis_core::{Config, Observer, analyze};
use said::Said;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testmusic::{Piece, Score};

/// A folder with audio in it, and the command run there.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Two short pieces and a click track.
    fn with_music() -> Self {
        let place = Self::new();
        place.write("a.wav", &tune(7).wav());
        place.write("b.wav", &testmusic::clicks(120.0, 0.25, 6.0, 44_100).wav());
        place.write("c.wav", &tune(8).wav());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// `arsis ARGUMENTS` in this folder, with nothing configured.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear();
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    fn run_with_stdin(&self, arguments: &[&str], stdin: Stdio) -> Said {
        Said::of(self.command(arguments).stdin(stdin).output().unwrap())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A piece of nine seconds: four bars and the beat they end on.
fn tune(seed: u64) -> Piece {
    let (form, tempo_bpm) = ("A".to_owned(), 126.0);
    let base = Score { form, bars_per_section: 4, tempo_bpm, end_tempo_bpm: tempo_bpm, ..Score::default() };
    Score { tonic: 2, seed, ..base }.render()
}

#[derive(Default)]
struct Chunks(Vec<Chunk>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

/// What the library says of a file: the analysis as JSON, and the chunks.
fn library(path: &Path) -> (Value, Vec<Chunk>) {
    let mut chunks = Chunks::default();
    let analysis = analyze(File::open(path).unwrap(), None, &Config::default(), &mut chunks).unwrap();
    // Through text, as the command's own is read: f32 and f64 print alike, but do not compare alike.
    (serde_json::from_str(&serde_json::to_string(&analysis).unwrap()).unwrap(), chunks.0)
}

/// The keys of an object, in alphabetical order.
#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn text_tells_a_person_what_was_heard() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "a.wav"]).expect(0);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].starts_with("a.wav  0:09.0  wav pcm_s16le  ") && lines[0].ends_with("44.1 kHz stereo"),
        "{}",
        said.out
    );
    for (line, begins) in lines[1..].iter().zip([
        "  tempo      12",
        "  beats      17 in 5 bars of 4/4",
        "  key        D major (confidence ",
        "  chords     ",
        "  tuning     A = 4",
        "  loudness   -",
    ]) {
        assert!(line.starts_with(begins), "{line:?} does not begin with {begins:?}");
    }
    assert!(said.out.contains('█'), "a picture of the bands: {}", said.out);
    assert!(said.out.is_ascii() || !said.out.contains('\u{1b}'), "no colours or cursor movements in a pipe");
    assert_eq!(said.err, "", "neither bar nor log where nothing went wrong");
}

#[test]
fn json_is_the_document_that_the_contract_describes() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "json", "a.wav"]).expect(0);
    assert_eq!(said.err, "");
    let document = said.json();
    assert_eq!(
        keys(&document),
        ["analyzer_version", "audio", "events", "file", "fingerprint", "manifest", "summary"]
    );
    assert_eq!(document["file"], "a.wav");
    assert_eq!(document["analyzer_version"], analysis_core::ANALYZER_VERSION);
    assert!(document["fingerprint"].as_str().unwrap().starts_with("sha256:"), "{}", document["fingerprint"]);

    let audio = &document["audio"];
    assert_eq!(
        keys(audio),
        [
            "channels",
            "codec",
            "container",
            "decode_errors",
            "delay_frames",
            "duration_ms",
            "padding_frames",
            "sample_rate",
            "truncated"
        ]
    );
    assert_eq!((&audio["sample_rate"], &audio["channels"]), (&44_100.into(), &2.into()));
    assert_eq!((&audio["container"], &audio["codec"]), (&"wav".into(), &"pcm_s16le".into()));
    assert!((8_000..10_000).contains(&audio["duration_ms"].as_u64().unwrap()));

    let summary = &document["summary"];
    assert_eq!(
        keys(summary),
        [
            "bar_count",
            "beat_count",
            "chord_count",
            "danceability",
            "fade_in_end_ms",
            "fade_out_start_ms",
            "key",
            "loudness",
            "onset_count",
            "section_count",
            "segment_count",
            "swing_ratio",
            "tempo_bpm",
            "tempo_candidates",
            "tempo_confidence",
            "tempo_curve",
            "time_signature",
            "time_signatures",
            "tuning_hz"
        ]
    );
    assert!((summary["tempo_bpm"].as_f64().unwrap() - 126.0).abs() < 0.5, "{summary}");
    assert!((0.0..=1.0).contains(&summary["tempo_confidence"].as_f64().unwrap()), "{summary}");
    for candidate in summary["tempo_candidates"].as_array().unwrap() {
        assert_eq!(keys(candidate), ["bpm", "score"]);
    }
    for point in summary["tempo_curve"].as_array().unwrap() {
        assert_eq!(keys(point), ["bpm", "time_ms"]);
    }
    assert_eq!(summary["time_signature"], "4/4");
    assert_eq!(keys(&summary["key"]), ["confidence", "mode", "name", "runner_up", "tonic"]);
    let key = ["name", "tonic", "mode"].map(|field| summary["key"][field].as_str().unwrap());
    assert_eq!(key, ["D major", "D", "major"]);
    assert!((summary["tuning_hz"].as_f64().unwrap() - 440.0).abs() < 3.0);
    let loudness = keys(&summary["loudness"]);
    for field in ["integrated_lufs", "range_lu", "true_peak_dbtp"] {
        assert!(loudness.contains(&field), "{field}: {loudness:?}");
    }
    assert_eq!(summary["beat_count"], 17);

    let manifest = Manifest::from_json(&serde_json::to_vec(&document["manifest"]).unwrap()).unwrap();
    assert_eq!((manifest.hop_ms, manifest.bands, manifest.levels.len()), (10, 64, 4));

    let events = document["events"].as_array().unwrap();
    for event in events {
        assert_eq!(keys(event), ["confidence", "duration_ms", "event_data", "event_type", "time_ms"]);
        if event["event_type"] == "beat" {
            assert_eq!(keys(&event["event_data"]), ["bar", "position"]);
        }
    }
    let count = |kind: &str| events.iter().filter(|event| event["event_type"] == kind).count();
    assert_eq!((count("beat"), count("downbeat")), (17, 5));

    let (analysis, _) = library(&place.path("a.wav"));
    for part in ["analyzer_version", "fingerprint", "audio", "summary", "manifest", "events"] {
        assert_eq!(document[part], analysis[part], "{part}: as the library says");
    }
}

#[test]
fn several_files_are_an_array_in_the_order_they_were_named() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "json", "c.wav", "a.wav", "b.wav"]).expect(0).json();
    let files: Vec<&str> =
        said.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["c.wav", "a.wav", "b.wav"]);
    let text = place.run(&["analyze", "--details", "c.wav", "a.wav"]).expect(0);
    let (c, a) = (text.out.find("c.wav  ").unwrap(), text.out.find("\n\na.wav  ").unwrap());
    assert!(c == 0 && a > 0, "an empty line between them: {}", text.out);
}

#[test]
fn jsonl_is_a_document_a_line() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "--format", "jsonl", "a.wav", "b.wav", "c.wav"]).expect(0);
    let mut files: Vec<String> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["file"].as_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["a.wav", "b.wav", "c.wav"]);
}

#[test]
fn the_output_is_the_same_however_many_files_are_analysed_at_a_time() {
    let place = Place::with_music();
    for format in ["text", "json"] {
        let files = ["a.wav", "b.wav", "missing.wav", "c.wav"];
        let run =
            |jobs| place.run(&[&["analyze", "--format", format, "-j", jobs][..], &files].concat()).expect(1);
        assert_eq!(run("1").out, run("4").out, "{format}");
    }
}

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

    let refused = place.run(&["analyze", "music"]).expect(2);
    assert_eq!((refused.out.as_str(), refused.err.contains("music is a folder; add -r")), ("", true));
    let said = place.run(&["analyze", "-r", "--format", "json", "music"]).expect(0).json();
    let files: Vec<&str> =
        said.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["music/a.wav", "music/b/1.WAV", "music/b/2.wav"]);
    let nothing = place.run(&["analyze", "-r", "empty"]).expect(1);
    assert!(nothing.err.contains("no audio files found in empty"), "{}", nothing.err);
}

#[test]
fn a_folder_of_results_reads_back_as_what_the_library_computes() {
    let place = Place::with_music();
    place.run(&["analyze", "-o", "out", "a.wav"]).expect(0);
    assert_eq!(place.names("out"), ["a.wav"]);
    let levels: [String; 4] = std::array::from_fn(|level| format!("level-{level}"));
    let names = [&levels[..], &["manifest.json".into(), "picture.png".into()]].concat();
    assert_eq!(place.names("out/a.wav"), [vec!["analysis.json".to_owned()], names].concat());
    let folder = place.path("out/a.wav");

    let (analysis, chunks) = library(&place.path("a.wav"));
    let manifest_json = fs::read(folder.join("manifest.json")).unwrap();
    let manifest = Manifest::from_json(&manifest_json).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&manifest_json).unwrap(), analysis["manifest"]);
    for chunk in &chunks {
        let path = folder.join(format!("level-{}/chunk-{:05}.zst", chunk.level, chunk.index));
        assert!(fs::read(&path).unwrap() == chunk.bytes, "{}", path.display());
    }
    let document: Value = serde_json::from_slice(&fs::read(folder.join("analysis.json")).unwrap()).unwrap();
    assert_eq!((&document["events"], &document["file"]), (&analysis["events"], &"a.wav".into()));

    let frame_count = manifest.frame_count;
    let source = |level: u32, index: u32| {
        Ok(fs::read(folder.join(format!("level-{level}/chunk-{index:05}.zst"))).unwrap())
    };
    let range = FrameReader::new(manifest.clone(), source).unwrap().read(0, 0, u64::MAX).unwrap();
    assert_eq!(range.frame_count, frame_count);
    let bands = range.field(&manifest.frame_layout, "bands").unwrap();
    assert!(bands.iter().copied().fold(f32::MIN, f32::max) > -30.0, "music is loud somewhere");
    assert_python_reads(&folder, &bands);
    assert_picture(&folder.join("picture.png"));
}

/// The example reader in Python, which knows the format from its document alone, reads the same bands.
#[track_caller]
fn assert_python_reads(folder: &Path, bands: &[f32]) {
    let interpreter = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/read_frames.py");
    let ran = Command::new(&interpreter).arg(script).arg(folder).arg("--json").output();
    let ran =
        ran.unwrap_or_else(|error| panic!("{interpreter} cannot be run ({error}): set ARSIS_TEST_PYTHON"));
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "it needs numpy and zstandard; set ARSIS_TEST_PYTHON: {complaint}");
    let read: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let rows = read["values"]["bands"].as_array().unwrap();
    let read: Vec<f64> =
        rows.iter().flat_map(|row| row.as_array().unwrap()).map(|value| value.as_f64().unwrap()).collect();
    let expected: Vec<f64> = bands.iter().map(|value| f64::from(*value)).collect();
    assert!(read == expected, "the bands of all frames, value for value");
}

/// A PNG that decodes to its end, and is no empty canvas.
#[track_caller]
fn assert_picture(path: &Path) {
    let decoder = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert!(info.width >= 800 && info.height >= 200, "{} x {}", info.width, info.height);
    let bytes = info.color_type.samples();
    let colours: std::collections::BTreeSet<&[u8]> = pixels.chunks(bytes).collect();
    assert!(colours.len() > 16, "{} colours", colours.len());
}

#[test]
fn results_replace_those_of_an_earlier_run_and_failures_leave_none() {
    let place = Place::with_music();
    place.run(&["analyze", "-o", "out", "a.wav"]).expect(0);
    place.write("out/a.wav/level-7/stale.zst", b"from a run with more levels");
    place.run(&["analyze", "-o", "out", "a.wav"]).expect(0);
    assert!(!place.path("out/a.wav/level-7").exists());
    place.write("bad.wav", b"no audio at all");
    place.run(&["analyze", "-o", "out", "bad.wav"]).expect(1);
    assert_eq!(place.names("out"), ["a.wav"]);
    // Two files of one name do not write over each other.
    place.write("other/a.wav", &testmusic::clicks(90.0, 0.25, 5.0, 44_100).wav());
    place.run(&["analyze", "-o", "both", "a.wav", "other/a.wav"]).expect(0);
    assert_eq!(place.names("both"), ["a.wav", "a.wav-2"]);
}

#[test]
fn a_file_that_fails_takes_no_other_with_it() {
    let place = Place::with_music();
    place.write("bad.wav", b"this is a letter, not a sound");
    let said = place.run(&["analyze", "--format", "json", "a.wav", "bad.wav", "c.wav"]).expect(1);
    let json = said.json();
    let files: Vec<&str> =
        json.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["a.wav", "c.wav"]);
    let lines: Vec<&str> = said.err.lines().collect();
    assert!(lines[0].starts_with("arsis: bad.wav: not a recognised audio file"), "{}", said.err);
    assert_eq!(lines[1..], ["arsis: 1 of 3 files failed"]);
    let all_bad = place.run(&["analyze", "--format", "json", "bad.wav", "missing.wav"]).expect(1);
    assert_eq!(all_bad.json(), serde_json::json!([]));
    let alone = place.run(&["analyze", "--format", "json", "bad.wav"]).expect(1);
    assert_eq!(alone.out, "", "nothing is said of a file that failed");
}

#[test]
fn each_way_to_fail_is_named() {
    let place = Place::with_music();
    place.write("garbage.mp3", &testmusic::noise(1.0, 8_000, 0.5, 9).wav().split_off(44));
    place.write("empty.flac", b"");
    let no_samples = testmusic::silence(0.0, 44_100).wav();
    place.write("no-samples.wav", &no_samples);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis-core/tests/fixtures");
    fs::copy(fixtures.join("ac3.mka"), place.path("ac3.mka")).unwrap();
    for (file, message) in [
        ("garbage.mp3", "not a recognised audio file"),
        ("empty.flac", "the input is empty: it holds no audio"),
        ("no-samples.wav", "the input is empty: it holds no audio"),
        ("missing.wav", "failed to open the file: No such file or directory"),
        ("ac3.mka", "unsupported codec: "),
    ] {
        let said = place.run(&["analyze", file]).expect(1);
        assert_eq!(said.out, "", "{file}");
        let begins = format!("arsis: {file}: {message}");
        assert!(said.err.starts_with(&begins), "{:?} does not begin with {begins:?}", said.err);
        assert_eq!(said.err.lines().count(), 1, "one line for one failure: {}", said.err);
    }
    place.write("long.wav", &testmusic::silence(61.0, 8_000).wav());
    let long = place.run(&["analyze", "--max-minutes", "1", "long.wav"]).expect(1);
    assert!(long.err.starts_with("arsis: long.wav: the audio lasts longer than the limit"), "{}", long.err);
}

#[test]
fn a_folder_of_results_takes_several_forms_at_once() {
    let place = Place::with_music();
    let said = place
        .run(&["analyze", "--format", "jams,audacity", "--format", "dat", "-o", "out", "a.wav"])
        .expect(0);
    assert_eq!(said.out, "");
    let names = place.names("out/a.wav");
    for name in ["analysis.jams", "labels.txt", "waveform.dat"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let said = place.run(&["analyze", "--format", "csv,jsonl", "-o", "out", "a.wav"]).expect(0);
    assert_eq!(said.json()["file"], "a.wav");
    assert!(place.path("out/a.wav/events.csv").exists() && !place.path("out/a.wav/labels.txt").exists());
    let without = place.run(&["analyze", "--format", "jams,csv", "a.wav"]).expect(2);
    assert!(without.err.contains("use -o DIR"), "{}", without.err);
    let both = place.run(&["analyze", "--format", "json,text", "-o", "out", "a.wav"]).expect(2);
    assert!(both.err.contains("only one of --format json and text"), "{}", both.err);
}

#[test]
fn a_failure_says_what_to_do_next() {
    let place = Place::with_music();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis-core/tests/fixtures");
    let fixture = |name: &str| fs::read(fixtures.join(name)).unwrap();
    let aac = fixture("aac.m4a");
    let at = aac.windows(4).rposition(|code| code == b"mp4a").unwrap();
    place.write("bought.m4a", &[&aac[..at], b"drms", &aac[at + 4..]].concat());
    place.write("film.mp4", &fixture("video-only.mp4"));
    place.write("odd.mka", &fixture("ac3.mka"));
    place.write("letter.wav", b"this is a letter, not a sound");
    place.write("empty.flac", b"");
    place.write("torn.flac", &fixture("exact-s16.flac")[..3_000]);
    for (file, step) in [
        ("A.wav", "did you mean a.wav?"),
        ("lettre.wav", "did you mean letter.wav?"),
        ("nowhere/a.wav", "there is no folder nowhere"),
        ("bought.m4a", "protected against copying (DRM)"),
        ("film.mp4", "is it a film without sound"),
        ("odd.mka", "convert it first: ffmpeg"),
        ("letter.wav", "wav, flac, mp3, ogg, opus, m4a, aac"),
        ("empty.flac", "was it copied to its end?"),
        ("torn.flac", "Copy or download it again"),
    ] {
        let said = place.run(&["analyze", file]).expect(1);
        assert!(said.err.contains(step), "{file}: {}", said.err);
    }
    // Nothing is like these, or they are there.
    assert!(!place.run(&["analyze", "quite-another.wav"]).expect(1).err.contains("mean"));
    let long = place.run(&["analyze", "--max-minutes", "1", "missing"]).expect(1);
    assert_eq!(long.err.lines().count(), 1);
    place.write("file", b"");
    let file = place.run(&["analyze", "-o", "file", "a.wav", "b.wav"]).expect(2);
    assert!(file.err.contains("-o file is a file; name a folder"), "{}", file.err);
    let below = place.run(&["analyze", "-o", "file/out", "a.wav", "b.wav"]).expect(1);
    assert_eq!(below.err.lines().count(), 1, "once, not for each file: {}", below.err);
}

#[test]
fn verbose_says_how_long_each_stage_took() {
    let place = Place::with_music();
    let said = place.run(&["analyze", "-v", "-j", "1", "a.wav", "b.wav", "c.wav"]).expect(0);
    assert_eq!(said.out, place.run(&["analyze", "a.wav", "b.wav", "c.wav"]).expect(0).out);
    let lines: Vec<&str> = said.err.lines().collect();
    for (line, file) in lines.iter().zip(["a.wav", "b.wav", "c.wav"]) {
        assert!(line.starts_with(&format!("arsis: {file}: 0:0")) && line.contains("beats "), "{}", said.err);
    }
    assert!(lines[3].starts_with("arsis: time by stage: 3 files, 0:24 of audio"), "{}", said.err);
    let stages: Vec<&str> = lines[4..].iter().filter_map(|line| line.split_whitespace().next()).collect();
    for stage in
        ["decode", "spectra", "bands", "onsets", "beats", "tonal", "structure", "loudness", "pack", "write"]
    {
        assert!(stages.contains(&stage), "{stage}: {}", said.err);
    }
    // Helpers tell their part, too: decoding goes on beside listening.
    let helped = place.run(&["analyze", "-v", "-j", "2", "a.wav"]).expect(0);
    assert!(helped.err.contains("decode"), "{}", helped.err);
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let place = Place::new();
    let with_url = |url: &str, arguments: &[&str]| {
        Said::of(place.command(arguments).env("DATABASE_URL", url).output().unwrap()).expect(1).err
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = with_url(&format!("postgres://u:secret@127.0.0.1:{port}/music"), &["migrate"]);
    let says =
        format!("arsis: failed to connect to the database \"music\" at 127.0.0.1:{port} (DATABASE_URL)");
    assert!(gone.starts_with(&says) && gone.contains("does PostgreSQL run there?"), "{gone}");
    let wrong = with_url("u:secret@music", &["migrate"]);
    assert!(wrong.contains("postgres://USER:PASSWORD@HOST:5432/DATABASE"), "{wrong}");
    assert!(!gone.contains("secret") && !wrong.contains("secret"), "{gone}{wrong}");
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let place = Place::with_music();
    for (arguments, says) in [
        (&["analyze"][..], "<PATH>"),
        (&["analyze", "--format", "yaml", "a.wav"], "possible values: text, json, jsonl"),
        (
            &["analyze", "--type", "deep", "a.wav"],
            "possible values: full, spectral, rhythm, tonal, structure",
        ),
        (&["analyze", "-j", "0", "a.wav"], "--jobs"),
        (&["analyze", "--bands", "7", "a.wav"], "7 is not in 8..=256"),
        (&["analyze", "--hop-ms", "101", "a.wav"], "101 is not in 1..=100"),
        (&["analyze", "--max-minutes", "0", "a.wav"], "0 is not in 1..=5760"),
        (&["analyze", "-", "-"], "only once"),
        (&["analyse", "a.wav"], "analyze"),
        (&[], "Usage"),
    ] {
        let said = place.run(arguments).expect(2);
        assert!(said.out.is_empty() && said.err.contains(says), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn options_reach_the_engine() {
    let place = Place::with_music();
    let options = ["--type", "spectral", "--bands", "16", "--hop-ms", "20", "--values", "f32"];
    let document =
        place.run(&[&["analyze", "--format", "json", "a.wav"], &options[..]].concat()).expect(0).json();
    let manifest = &document["manifest"];
    assert_eq!((&manifest["analysis_type"], &manifest["bands"]), (&"spectral".into(), &16.into()));
    assert_eq!(
        (&manifest["hop_ms"], &manifest["frame_layout"]["fields"][0]["type"]),
        (&20.into(), &"f32".into())
    );
    for field in ["tempo_bpm", "key", "loudness", "beat_count", "section_count"] {
        assert_eq!(document["summary"][field], Value::Null, "{field}");
    }
    assert_eq!(document["events"], serde_json::json!([]));
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
fn several_files_are_a_table() {
    let place = Place::with_music();
    place.write("d.wav", b"this is a letter, not a sound");
    let said = place.run(&["analyze", "c.wav", "d.wav", "a.wav"]).expect(1);
    let lines: Vec<&str> = said.out.lines().collect();
    let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["FILE", "LENGTH", "BPM", "KEY", "LUFS", "METRE", "BEATS"]);
    let row = words(1);
    assert_eq!(
        (row[0], row[1], row[3], row[4], row[6], row[7]),
        ("c.wav", "0:09", "D", "major", "4/4", "17")
    );
    assert!(lines[2].starts_with("d.wav  failed: not a recognised audio file"), "{}", said.out);
    assert_eq!(words(3)[0], "a.wav");
    assert_eq!(lines[4..], ["", "2 files, 0:18 of audio; 1 failed"]);
    // Columns begin where their headings do.
    assert_eq!(lines[0].find("METRE"), lines[1].find("4/4"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "no colours in a pipe");
}
