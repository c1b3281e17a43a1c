//! What `-o` writes.

use super::{Place, library};
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

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
fn what_is_found_in_a_folder_keeps_its_place_there() {
    let place = Place::new();
    let clicks = testmusic::clicks(120.0, 0.25, 5.0, 8_000).wav();
    for name in ["Music/0/01.wav", "Music/a/01.wav", "Music/01.wav"] {
        place.write(name, &clicks);
    }
    for folder in ["pictures", "clicks"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    let run = ["analyze", "-r", "-o", "out", "--picture", "pictures", "--click", "clicks"];
    let said = place.run(&[&run[..], &["Music"]].concat()).expect(0);
    assert!(said.out.contains("\nMusic/a/01.wav "), "{}", said.out);
    assert_eq!((place.names("out"), place.names("out/a")), (names(["0", "01.wav", "a"]), names(["01.wav"])));
    assert_eq!(place.names("pictures"), ["0", "01.wav.png", "a"]);
    assert_eq!(place.names("clicks/a"), ["01.wav.click.wav"]);
    // Another run with less, and `watch`, take nothing for another's.
    fs::remove_dir_all(place.path("Music/0")).unwrap();
    place.run(&["analyze", "-r", "-o", "out", "Music/"]).expect(0);
    assert_eq!(place.names("out"), ["0", "01.wav", "a"]);
    let watched = place.run(&["watch", "--once", "--interval", "0.1", "-r", "-o", "out", "Music"]).expect(0);
    assert_eq!(watched.out, "", "all of it is done");
}

#[test]
fn a_file_and_a_folder_of_one_name_do_not_take_each_others_place() {
    let place = Place::new();
    let clicks = testmusic::clicks(120.0, 0.25, 5.0, 8_000).wav();
    place.write("one/a.wav", &clicks);
    place.write("two/a.wav/b.wav", &clicks);
    place.run(&["analyze", "-r", "-o", "out", "one", "two"]).expect(0);
    assert_eq!(
        (place.names("out"), place.names("out/a.wav")),
        (names(["a.wav", "a.wav-2"]), names(["b.wav"]))
    );
    // In runs of their own the later one lies in the folder of the first, which is not replaced from then on.
    place.run(&["analyze", "-r", "-o", "later", "one"]).expect(0);
    place.run(&["analyze", "-r", "-o", "later", "two"]).expect(0);
    let again = place.run(&["analyze", "-r", "-o", "later", "one"]).expect(1);
    assert!(again.err.contains("later/a.wav is there and holds other things"), "{}", again.err);
    assert!(place.path("later/a.wav/b.wav/manifest.json").exists());
}

#[test]
fn results_replace_nothing_but_results() {
    let place = Place::with_music();
    place.write("out/a.wav/notes.txt", b"mine");
    place.write("out/b.wav", b"mine, too");
    fs::create_dir(place.path("out/c.wav")).unwrap();
    let said = place.run(&["analyze", "-o", "out", "a.wav", "b.wav", "c.wav"]).expect(1);
    for name in ["a.wav", "b.wav"] {
        let says = format!("arsis: {name}: out/{name} is there and holds other things");
        assert!(said.err.lines().any(|line| line.starts_with(&says)), "{}", said.err);
    }
    assert_eq!(
        (place.names("out"), place.names("out/a.wav")),
        (names(["a.wav", "b.wav", "c.wav"]), names(["notes.txt"]))
    );
    assert!(place.path("out/c.wav/manifest.json").exists(), "an empty folder is nobody's");
    let watched = place.run(&["watch", "--once", "--interval", "0.1", "-o", "out", "."]).expect(1);
    assert_eq!((watched.err.lines().count(), place.names("out/a.wav")), (2, names(["notes.txt"])));
    // Said before anything is analysed: here they would go where the music is.
    let here = place.run(&["analyze", "-o", ".", "a.wav"]).expect(2);
    assert!(here.err.contains("-o would replace ./a.wav, an input"), "{}", here.err);
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
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
