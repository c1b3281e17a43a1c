//! How small frames become: layouts of a chunk against settings of zstd, on the bands of real music.
//! `chunk_sizes AUDIO…` prints the tables of `docs/PERFORMANCE.md`, as Markdown.
//!
//! Bytes are those of all chunks for a second of audio. Speeds are those of zstd alone, in MB of frames a second on one
//! core, each chunk at its best of five runs. The entropy is what an ideal code for single bytes would take of each
//! chunk, without its table.

use analysis_core::chunk::{ChunkDecoder, ChunkWriter, DecodedChunk};
use analysis_core::frame::{BANDS, Field, FrameLayout};
use analysis_core::{AnalysisType, Config, Error, Frame, Observer, analyze, transform};
use std::fs::File;
use std::io::BufReader;
use std::time::Instant;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

const CHUNK_FRAMES: usize = 1024;
/// More than any chunk holds.
const MOST_BYTES: usize = 1 << 20;
/// Each chunk is timed this often; the fewest seconds count.
const RUNS: usize = 5;

/// What is done to a chunk of rows of `bands` bytes before zstd sees it.
type Layout = fn(rows: &[u8], bands: usize) -> Vec<u8>;

const LAYOUTS: [(&str, Layout); 8] = [
    ("rows", |rows, _| rows.to_vec()),
    ("planes", planes),
    ("time, rows", in_time),
    ("time, planes", |rows, bands| planes(&in_time(rows, bands), bands)),
    ("gradient, rows", gradient),
    ("gradient, planes", |rows, bands| planes(&gradient(rows, bands), bands)),
    ("time, bits", |rows, bands| bits(&in_time(rows, bands))),
    ("gradient, bits", |rows, bands| bits(&gradient(rows, bands))),
];

/// Level of zstd, and whether only long matches are sought in a small table, as `chunk` has it.
const SETTINGS: [(i32, bool); 9] = [
    (1, true),
    (-5, false),
    (-1, false),
    (1, false),
    (3, false),
    (6, false),
    (9, false),
    (12, false),
    (19, false),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config { analysis_type: AnalysisType::Spectral, ..Config::default() };
    let (width, mut files) = (config.bands, Vec::new());
    for path in std::env::args().skip(1) {
        let hint = path.rsplit_once('.').map(|(_, extension)| extension.to_owned());
        let mut bands = Bands { rows: Vec::new() };
        analyze(BufReader::new(File::open(&path)?), hint.as_deref(), &config, &mut bands)?;
        files.push(bands.rows);
    }
    print_layouts(&files, width)?;
    print_settings(&files, width)?;
    print_lengths(&files, width)?;
    let speed = decoding_mb_s(&files, &layout_of(width)?)?;
    println!("\nWhole chunks are decoded at {speed:.0} MB/s of frames.");
    Ok(())
}

/// All files in chunks of `frames` frames, laid out.
fn chunks_of(files: &[Vec<u8>], frames: usize, width: usize, layout: Layout) -> Vec<Vec<u8>> {
    files.iter().flat_map(|file| file.chunks(frames * width)).map(|rows| layout(rows, width)).collect()
}

/// Bytes a second of each layout under each setting.
fn print_layouts(files: &[Vec<u8>], width: usize) -> std::io::Result<()> {
    let names = SETTINGS.map(setting_name).join(" | ");
    println!("| layout | entropy | {names} |\n|---|---|{}", "---|".repeat(SETTINGS.len()));
    for (name, layout) in LAYOUTS {
        let chunks = chunks_of(files, CHUNK_FRAMES, width, layout);
        print!("| {name} | {:.0} |", entropy_bytes_a_second(&chunks, width));
        for setting in SETTINGS {
            print!(" {:.0} |", Measured::of(&chunks, width, setting)?.bytes_a_second);
        }
        println!();
    }
    Ok(())
}

/// Speed of each setting on the layout that is stored.
fn print_settings(files: &[Vec<u8>], width: usize) -> std::io::Result<()> {
    println!("\n| zstd | pack MB/s | unpack MB/s |\n|---|---|---|");
    let chunks = chunks_of(files, CHUNK_FRAMES, width, gradient);
    for setting in SETTINGS {
        let Measured { pack_mb_s, unpack_mb_s, .. } = Measured::of(&chunks, width, setting)?;
        println!("| {} | {pack_mb_s:.0} | {unpack_mb_s:.0} |", setting_name(setting));
    }
    Ok(())
}

/// Bytes a second by the length of chunks, stored as they are.
fn print_lengths(files: &[Vec<u8>], width: usize) -> std::io::Result<()> {
    println!("\n| frames in a chunk | bytes a second | over entropy |\n|---|---|---|");
    for frames in [256, 512, 1024, 2048, 4096] {
        let chunks = chunks_of(files, frames, width, gradient);
        let bytes = Measured::of(&chunks, width, SETTINGS[0])?.bytes_a_second;
        let over = (bytes / entropy_bytes_a_second(&chunks, width) - 1.0) * 100.0;
        println!("| {frames} | {bytes:.0} | {over:.1} % |");
    }
    Ok(())
}

fn setting_name((level, long_only): (i32, bool)) -> String {
    if long_only { format!("{level}, as stored") } else { level.to_string() }
}

/// Collects the bands of every frame.
struct Bands {
    rows: Vec<u8>,
}

impl Observer for Bands {
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.rows.extend_from_slice(&frame.bytes[..frame.values.bands_db.len()]);
        Ok(())
    }
}

/// A layout of nothing but `bands` bands.
fn layout_of(bands: usize) -> Result<FrameLayout, Error> {
    let full = FrameLayout::new(&Config { bands, ..Config::default() });
    FrameLayout::from_fields(vec![Field { offset: 0, ..full.field(BANDS)?.clone() }])
}

fn gradient(rows: &[u8], bands: usize) -> Vec<u8> {
    let mut residuals = vec![0; rows.len()];
    if let Ok(layout) = layout_of(bands) {
        transform::forward(&layout, rows, &mut residuals);
    }
    residuals
}

fn in_time(rows: &[u8], bands: usize) -> Vec<u8> {
    let before = std::iter::repeat_n(&0, bands).chain(rows);
    rows.iter().zip(before).map(|(now, before)| now.wrapping_sub(*before)).collect()
}

fn planes(rows: &[u8], bands: usize) -> Vec<u8> {
    (0..bands).flat_map(|band| rows.iter().skip(band).step_by(bands).copied()).collect()
}

/// All lowest bits, then all second ones, and so on.
fn bits(bytes: &[u8]) -> Vec<u8> {
    let of_eight =
        |bit: usize, eight: &[u8]| eight.iter().fold(0_u8, |packed, byte| packed << 1 | byte >> bit & 1);
    (0..8).flat_map(|bit| bytes.chunks(8).map(move |eight| of_eight(bit, eight))).collect()
}

struct Measured {
    bytes_a_second: f64,
    pack_mb_s: f64,
    unpack_mb_s: f64,
}

impl Measured {
    fn of(chunks: &[Vec<u8>], bands: usize, (level, long_only): (i32, bool)) -> std::io::Result<Self> {
        let mut compressor = Compressor::new(level)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        if long_only {
            compressor.set_parameter(CParameter::MinMatch(7))?;
            compressor.set_parameter(CParameter::HashLog(6))?;
        }
        let (packed, pack_s) = timed(chunks, |chunk| compressor.compress(chunk))?;
        let mut decompressor = Decompressor::new()?;
        let (_, unpack_s) = timed(&packed, |packed| decompressor.decompress(packed, MOST_BYTES))?;
        let frames_bytes = size(chunks);
        Ok(Self {
            bytes_a_second: size(&packed) / seconds_of(chunks, bands),
            pack_mb_s: frames_bytes / pack_s / 1e6,
            unpack_mb_s: frames_bytes / unpack_s / 1e6,
        })
    }
}

fn size(chunks: &[Vec<u8>]) -> f64 {
    chunks.iter().map(Vec::len).sum::<usize>() as f64
}

/// Length of the audio, at a hop of 10 ms.
fn seconds_of(chunks: &[Vec<u8>], bands: usize) -> f64 {
    size(chunks) / bands as f64 / 100.0
}

fn entropy_bytes_a_second(chunks: &[Vec<u8>], bands: usize) -> f64 {
    chunks.iter().map(|chunk| entropy_bytes(chunk)).sum::<f64>() / seconds_of(chunks, bands)
}

/// What `work` makes of each item, and the sum of the fewest seconds that each took.
fn timed<T, U, E>(items: &[T], mut work: impl FnMut(&T) -> Result<U, E>) -> Result<(Vec<U>, f64), E> {
    let (mut made, mut seconds) = (Vec::new(), 0.0);
    for item in items {
        let mut fewest = f64::INFINITY;
        for run in 0..RUNS {
            let start = Instant::now();
            let result = work(item)?;
            fewest = fewest.min(start.elapsed().as_secs_f64());
            if run == 0 {
                made.push(result);
            }
        }
        seconds += fewest;
    }
    Ok((made, seconds))
}

fn entropy_bytes(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let bits = |&count: &u32| f64::from(count) * (bytes.len() as f64 / f64::from(count)).log2();
    counts.iter().filter(|&&count| count > 0).map(bits).sum::<f64>() / 8.0
}

/// Speed of `ChunkDecoder::decode`: zstd, the transform and the checksum.
fn decoding_mb_s(files: &[Vec<u8>], layout: &FrameLayout) -> Result<f64, Error> {
    let mut chunks = Vec::new();
    for file in files {
        let mut writer = ChunkWriter::new(layout.clone(), 0, CHUNK_FRAMES)?;
        for frame in file.chunks_exact(layout.bytes_per_frame()) {
            chunks.extend(writer.push(frame)?);
        }
        chunks.extend(writer.finish()?);
    }
    let mut decoder = ChunkDecoder::new()?;
    let frames = |decoded: DecodedChunk| decoded.frames.len();
    let (_, seconds) = timed(&chunks, |chunk| decoder.decode(&chunk.bytes, layout, MOST_BYTES).map(frames))?;
    Ok(size(files) / seconds / 1e6)
}
