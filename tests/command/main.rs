//! The `arsis analyze` command as a shell sees it: arguments and files in; standard output, standard error and an
//! exit status out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod documents;
mod endings;
mod failures;
mod folders;
mod inputs;
mod names;
#[path = "../said/mod.rs"]
mod said;
#[path = "../unreadable/mod.rs"]
mod unreadable;

use analysis_core::chunk::Chunk;
use analysis_core::{Config, Observer, analyze};
use said::Said;
use serde_json::Value;
use std::fs::{self, File};
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
