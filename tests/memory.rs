//! Memory does not grow with the length of the audio: the most that `arsis analyze` ever holds, as the kernel counts
//! it, for a long file and for a short one.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use nix::sys::resource::{UsageWho, getrusage};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use testmusic::{Score, WavFormat, wav_bytes};

/// Mono, a byte a sample: an hour is 29 MB.
const RATE_HZ: u32 = 8_000;
const WAV_HEADER_BYTES: usize = 44;
const SHORT_MINUTES: u32 = 10;
const LONG_MINUTES: u32 = 600;
const KIB: f64 = 1024.0;
const MB: f64 = 1_000_000.0;
/// What ten hours may take more than ten minutes: their events, and a few bytes a frame.
const ALLOWED_MB: f64 = 20.0;

/// `minutes` of music: the demonstration's piece again and again, so that beats, onsets, keys and sections pile up.
fn write_music(path: &Path, minutes: u32) {
    let piece = Score { sample_rate_hz: RATE_HZ, ..Score::demo() }.render();
    let wav = wav_bytes(&piece.mono(), RATE_HZ, 1, WavFormat::Int8);
    let (header, samples) = wav.split_at(WAV_HEADER_BYTES);
    let data_bytes = minutes * 60 * RATE_HZ;
    let mut out = BufWriter::new(File::create(path).unwrap());
    // RIFF WAVE: the length of the file less 8 at byte 4, that of the samples in the last four bytes.
    out.write_all(&header[..4]).unwrap();
    out.write_all(&(data_bytes + 36).to_le_bytes()).unwrap();
    out.write_all(&header[8..40]).unwrap();
    out.write_all(&data_bytes.to_le_bytes()).unwrap();
    let mut left = data_bytes as usize;
    while left > 0 {
        let part = left.min(samples.len());
        out.write_all(&samples[..part]).unwrap();
        left -= part;
    }
    out.flush().unwrap();
}

/// Analyses `minutes` of music in a process of its own; gives the most memory that any child of this process has
/// ever held, in MB. That never falls, so ask for lengths in rising order.
fn peak_mb(folder: &TempDir, minutes: u32) -> f64 {
    let path = folder.path().join(format!("{minutes}.wav"));
    write_music(&path, minutes);
    let began = Instant::now();
    // JSON: everything that was heard is printed.
    let status = Command::new(env!("CARGO_BIN_EXE_arsis"))
        .args(["analyze", "--format", "json"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let took = began.elapsed();
    assert!(status.unwrap().success(), "{minutes} minutes");
    std::fs::remove_file(&path).unwrap();
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as f64 * KIB / MB;
    println!("{minutes} minutes: at most {peak:.1} MB, {took:.1?}");
    peak
}

/// The most that this process has held since it began, in MB.
fn own_peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim_end_matches("kB").trim().parse::<f64>().unwrap() * KIB / MB
}

#[test]
fn ten_hours_take_at_most_20_mb_more_than_ten_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let short = peak_mb(&folder, SHORT_MINUTES);
    // What starts a process is counted with it: this test must not be what is measured.
    assert!(own_peak_mb() < short, "this test takes {:.1} MB itself", own_peak_mb());
    let long = peak_mb(&folder, LONG_MINUTES);
    let grown = long - short;
    assert!(grown < ALLOWED_MB, "{grown:.1} MB more: {short:.1} MB for the short, {long:.1} MB for the long");
}
