//! A caller who wants only bands compiles no decoders, hears no warnings, and gets the same bytes.

use crate::{cargo, succeed};
use analysis_core::chunk::Chunk;
use analysis_core::manifest::Manifest;
use analysis_core::{AnalysisType, Config, Observer, Result, analyze};
use std::io::{Cursor, Write};
use std::process::Stdio;
use testmusic::{Score, WavFormat, wav_bytes};

/// What only files need.
const FOR_FILES: [&str; 3] = ["ropus", "sha2", "symphonia"];

#[test]
fn who_wants_only_bands_compiles_no_decoder() {
    let crates_of = |arguments: &[&str]| {
        let tree = succeed(
            cargo("tree", "bands-only").args(["--prefix", "none", "--edges", "normal"]).args(arguments),
        );
        String::from_utf8(tree.stdout).unwrap()
    };
    let names =
        |tree: &str| tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    let without: Vec<String> = names(&crates_of(&[]));
    let with: Vec<String> = names(&crates_of(&["--features", "analysis-core/decode"]));
    for name in FOR_FILES {
        let prefix = format!("{name}-");
        let found = |names: &[String]| names.iter().any(|found| found == name || found.starts_with(&prefix));
        assert!(found(&with), "{name} is no dependency any more: name what the decoders need");
        assert!(!found(&without), "{name} is compiled without the feature `decode`");
    }
}

#[test]
fn without_decoders_neither_the_code_nor_its_docs_have_warnings() {
    let built = succeed(&mut cargo("build", "bands-only"));
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(!said.contains("warning"), "{said}");
    let mut docs = cargo("doc", "analysis-core");
    succeed(docs.args(["--lib", "--no-deps", "--no-default-features"]).env("RUSTDOCFLAGS", "-D warnings"));
}

#[derive(Default)]
struct Stored(Vec<u8>);

impl Observer for Stored {
    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.0.extend(chunk.bytes);
        Ok(())
    }
}

#[test]
fn bands_without_decoders_are_the_same_bytes() {
    let rate_hz = 22_050;
    let mut samples = Score { sample_rate_hz: rate_hz, ..Score::demo() }.render().mono();
    samples.truncate(15 * rate_hz as usize);
    let config = Config { analysis_type: AnalysisType::Spectral, ..Config::default() };
    let mut with = Stored::default();
    // Floats decode to the very samples.
    let file = Cursor::new(wav_bytes(&samples, rate_hz, 1, WavFormat::Float32));
    let analysis = analyze(file, Some("wav"), &config, &mut with).unwrap();

    let stdout = without_decoders(&samples, rate_hz);
    let end = stdout.len() - 1 - stdout.iter().rev().skip(1).position(|&byte| byte == b'\n').unwrap();
    let (chunks, manifest) = stdout.split_at(end);
    assert!(with.0.len() > 10_000 && chunks[..chunks.len() - 1] == with.0, "the chunks differ");
    let manifest = Manifest::from_json(manifest).unwrap();
    let Manifest { frame_layout, levels, .. } = analysis.manifest;
    assert_eq!((manifest.frame_layout, manifest.levels), (frame_layout, levels));
}

/// What the example `bands-only`, which has no decoders, writes of these samples.
fn without_decoders(samples: &[f32], rate_hz: u32) -> Vec<u8> {
    let mut example = cargo("run", "bands-only");
    example.args(["--quiet", "--", &rate_hz.to_string(), "1"]);
    let mut example = example.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = example.stdin.take().unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    // It writes while it reads: whoever only wrote would wait for ever.
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = example.wait_with_output().unwrap();
    assert!(output.status.success());
    writer.join().unwrap().unwrap();
    output.stdout
}
