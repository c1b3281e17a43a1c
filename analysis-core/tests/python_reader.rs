//! The reader in `examples/python`, written from the document alone, against chunks made here: every field,
//! level and sample type, value for value.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "helpers of tests may fail as tests do"
)]

mod support;

use analysis_core::reader::FrameReader;
use analysis_core::{AnalysisType, Config, Error, SampleType};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use support::Stored;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python/read_frames.py");

/// The interpreter named by `ARSIS_TEST_PYTHON`, or `python3`. It needs numpy and zstandard.
fn python(arguments: &[&str]) -> Output {
    let interpreter = std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let ran = Command::new(&interpreter).args(arguments).output();
    ran.unwrap_or_else(|error| panic!("{interpreter} cannot be run ({error}): set ARSIS_TEST_PYTHON"))
}

#[track_caller]
fn require_modules() {
    let ran = python(&["-c", "import numpy, zstandard"]);
    assert!(
        ran.status.success(),
        "the Python reader needs numpy and zstandard: make a venv, `pip install numpy zstandard`, and set \
         ARSIS_TEST_PYTHON to its interpreter\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// Writes an analysis as `arsis analyze -o` does.
fn write(stored: &Stored, folder: &Path) {
    fs::write(folder.join("manifest.json"), serde_json::to_vec_pretty(&stored.manifest).unwrap()).unwrap();
    for chunk in &stored.chunks {
        let level = folder.join(format!("level-{}", chunk.level));
        fs::create_dir_all(&level).unwrap();
        fs::write(level.join(format!("chunk-{:05}.zst", chunk.index)), &chunk.bytes).unwrap();
    }
}

fn values_from_python(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let ran = python(&[&[SCRIPT, folder.to_str().unwrap(), "--json"], arguments].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[track_caller]
fn compare(stored: &Stored, folder: &Path, level: u32, from_ms: u64, to_ms: u64) {
    let missing = || Error::BadChunk { detail: "no such chunk".into() };
    let source = |level, index| stored.bytes(level, index).ok_or_else(missing);
    let range =
        FrameReader::new(stored.manifest.clone(), source).unwrap().read(level, from_ms, to_ms).unwrap();
    let times = [level.to_string(), from_ms.to_string(), to_ms.to_string()];
    let [level, from, to] = times.each_ref().map(String::as_str);
    let got = values_from_python(folder, &["--level", level, "--from-ms", from, "--to-ms", to]);
    assert_eq!(got["start_frame"], range.start_frame);
    assert_eq!(got["hop_ms"], range.hop_ms);
    let layout = &stored.manifest.frame_layout;
    for field in layout.fields() {
        let want = range.field(layout, &field.name).unwrap();
        let rows = got["values"][&field.name].as_array().unwrap();
        let got: Vec<Option<f64>> =
            rows.iter().flat_map(|row| row.as_array().unwrap()).map(|x| x.as_f64()).collect();
        assert_eq!(rows.len(), range.frame_count as usize);
        assert_eq!(got.len(), want.len(), "{}", field.name);
        for (got, want) in got.into_iter().zip(want) {
            // Both are the f32 nearest to raw · scale + bias in f64: equal, not merely close.
            assert_eq!(got.map(|got| got as f32), (!want.is_nan()).then_some(want), "{}", field.name);
        }
    }
}

#[test]
fn the_python_reader_reads_the_same_values() {
    require_modules();
    for sample_type in [SampleType::U8, SampleType::I16, SampleType::F16, SampleType::F32] {
        let config = Config { sample_type, bands: 16, chunk_frames: 64, zoom_levels: 2, ..Config::default() };
        let stored = Stored::new(&config, 403);
        let folder = tempfile::tempdir().unwrap();
        write(&stored, folder.path());
        assert_eq!(stored.frames.len(), 403 * stored.manifest.frame_layout.bytes_per_frame());
        for level in 0..=2 {
            compare(&stored, folder.path(), level, 0, 1_000_000);
        }
        compare(&stored, folder.path(), 0, 615, 1_305);
        compare(&stored, folder.path(), 0, 9_000, 9_100);
    }
}

#[test]
fn the_python_reader_refuses_an_altered_chunk() {
    require_modules();
    let config = Config { analysis_type: AnalysisType::Rhythm, chunk_frames: 64, ..Config::default() };
    let stored = Stored::new(&config, 100);
    let folder = tempfile::tempdir().unwrap();
    write(&stored, folder.path());
    let path = folder.path().join("level-0/chunk-00001.zst");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    assert!(!python(&[SCRIPT, folder.path().to_str().unwrap()]).status.success());
}

#[test]
fn the_python_reader_tells_what_is_there() {
    require_modules();
    let stored = Stored::new(&Config::default(), 100);
    let folder = tempfile::tempdir().unwrap();
    write(&stored, folder.path());
    let ran = python(&[SCRIPT, folder.path().to_str().unwrap()]);
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        text.starts_with("level 0: 100 frames, 10 ms apart, from frame 0\nbands      (100, 64)"),
        "{text}"
    );
    let npy = folder.path().join("chroma.npy");
    let wrote = python(&[
        SCRIPT,
        folder.path().to_str().unwrap(),
        "--field",
        "chroma",
        "--npy",
        npy.to_str().unwrap(),
    ]);
    assert!(wrote.status.success() && fs::read(npy).unwrap().starts_with(b"\x93NUMPY"));
}
