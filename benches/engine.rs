//! What each stage costs. Criterion's elements are seconds of audio: "600 elem/s" listens 600 times as fast as the
//! music plays. Everything listens to the same generated piece; compare figures of one run only.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "benches panic where a program would report"
)]

use analysis_core::analyzer::{self, Analyzer};
use analysis_core::bands::{Bands, powers_to_db};
use analysis_core::chunk::{self, ChunkWriter};
use analysis_core::decode::Decoder;
use analysis_core::stft::Stft;
use analysis_core::{AnalysisType, Config, Limits};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::io::Cursor;
use testmusic::{Piece, Score};

const FLAC: &[u8] = include_bytes!("../tests/fixtures/demo.flac");
const MP3: &[u8] = include_bytes!("../tests/fixtures/demo.mp3");
const OGG: &[u8] = include_bytes!("../tests/fixtures/demo.ogg");
const M4A: &[u8] = include_bytes!("../tests/fixtures/demo.m4a");

fn piece() -> Piece {
    Score { form: "AB".into(), ..Score::demo() }.render()
}

/// Length of the encoded copies, in seconds.
const FIXTURE_SECONDS: u64 = 24;

fn seconds(piece: &Piece) -> Throughput {
    Throughput::Elements(piece.seconds().round() as u64)
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for (name, bytes) in [("flac", FLAC), ("mp3", MP3), ("ogg", OGG), ("m4a", M4A)] {
        group.throughput(Throughput::Elements(FIXTURE_SECONDS));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut decoder = Decoder::open(Cursor::new(bytes), Some(name), &Limits::default()).unwrap();
                while let Some(block) = decoder.next_block().unwrap() {
                    black_box(block);
                }
            });
        });
    }
}

fn spectra(c: &mut Criterion) {
    let piece = piece();
    let mono = piece.mono();
    let mut group = c.benchmark_group("spectra");
    group.throughput(seconds(&piece));
    group.bench_function("stft", |b| {
        let mut stft = Stft::new(44_100, 10);
        b.iter(|| {
            let mut sink = |power: &[f32]| {
                black_box(power);
            };
            stft.push(&mono, &mut sink);
            stft.finish(&mut sink);
        });
    });
    group.bench_function("stft, bands, dB", |b| {
        let mut stft = Stft::new(44_100, 10);
        let bands = Bands::new(64, 44_100, stft.fft_len());
        let (mut powers, mut levels) = (vec![0.0; 64], vec![0.0; 64]);
        b.iter(|| {
            let mut sink = |power: &[f32]| {
                bands.process(power, &mut powers);
                powers_to_db(&powers, &mut levels);
                black_box(&levels);
            };
            stft.push(&mono, &mut sink);
            stft.finish(&mut sink);
        });
    });
}

/// Keeps the level 0 chunks and their frames.
#[derive(Default)]
struct Kept {
    chunks: Vec<chunk::Chunk>,
}

impl analyzer::Observer for Kept {
    fn on_chunk(&mut self, chunk: chunk::Chunk) -> analysis_core::Result<()> {
        if chunk.level == 0 {
            self.chunks.push(chunk);
        }
        Ok(())
    }
}

fn chunks(c: &mut Criterion) {
    let piece = piece();
    let mut kept = Kept::default();
    let analysis = run(&piece, AnalysisType::Full, &mut kept);
    let layout = &analysis.manifest.frame_layout;
    let decode = |chunk: &chunk::Chunk| chunk::decode_chunk(&chunk.bytes, layout, 1 << 24).unwrap().frames;
    let frames: Vec<Vec<u8>> = kept.chunks.iter().map(decode).collect();
    let mut group = c.benchmark_group("chunks");
    group.throughput(Throughput::Bytes(frames.iter().map(|f| f.len() as u64).sum()));
    group.bench_function("pack", |b| {
        b.iter_batched(
            || ChunkWriter::new(layout.clone(), 0, 1024).unwrap(),
            |mut writer| {
                for frame in frames.iter().flat_map(|f| f.chunks_exact(layout.bytes_per_frame())) {
                    black_box(writer.push(frame).unwrap());
                }
                black_box(writer.finish().unwrap());
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("unpack", |b| {
        b.iter(|| kept.chunks.iter().map(decode).for_each(|f| drop(black_box(f))))
    });
}

fn run(piece: &Piece, kind: AnalysisType, observer: &mut dyn analyzer::Observer) -> analyzer::Analysis {
    let config = Config { analysis_type: kind, ..Config::default() };
    let mut analyzer = Analyzer::new(config, piece.sample_rate_hz, 2).unwrap();
    analyzer.push(&piece.interleaved(), observer).unwrap();
    analyzer.finish(observer).unwrap()
}

fn whole(c: &mut Criterion) {
    let piece = piece();
    let mut group = c.benchmark_group("analyze");
    group.sample_size(20).throughput(seconds(&piece));
    for (name, kind) in [
        ("spectral", AnalysisType::Spectral),
        ("beats", AnalysisType::Rhythm),
        ("tonal", AnalysisType::Tonal),
        ("full", AnalysisType::Full),
    ] {
        group.bench_function(name, |b| b.iter(|| black_box(run(&piece, kind, &mut ()))));
    }
    group.throughput(Throughput::Elements(FIXTURE_SECONDS));
    group.bench_function("full from mp3", |b| {
        b.iter(|| {
            black_box(analyzer::analyze(Cursor::new(MP3), Some("mp3"), &Config::default(), &mut ()).unwrap())
        });
    });
}

criterion_group!(benches, decode, spectra, chunks, whole);
criterion_main!(benches);
