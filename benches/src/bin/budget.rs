//! Where the time goes: CPU time of each stage beside its limit, as the table in `docs/PERFORMANCE.md`.
//!
//! `budget [ROUNDS]`, 5 by default. Every scenario runs once a round, and the least time of all rounds counts: another
//! program on the machine can only add to it.

use benches::{Material, SCENARIOS};
use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::time::Duration;

/// The fixtures ten times over: four minutes, a song's length, so that what is done once a track weighs as it does
/// there.
const TIMES: usize = 10;

/// A row: its name, its scenario, whether it is whole or part of the whole one above, and its limit in times of decoding
/// the MP3, where there is one.
struct Stage(&'static str, &'static str, Part, Option<f64>);

#[derive(PartialEq)]
enum Part {
    Whole,
    OfTheOneAbove,
}
use Part::{OfTheOneAbove, Whole};

/// Together they are a full analysis but for the mixing down and the queues between stages. The limits of the spectra
/// and bands are 1.4 µs and 0.38 µs a frame of 10 ms on a machine that decoded an MP3 in 11.1 µs a frame.
const STAGES: [Stage; 15] = [
    Stage("decode (MP3)", "decode-mp3", Whole, None),
    Stage("spectra", "stft", Whole, Some(0.13)),
    Stage("bands in dB", "bands", Whole, Some(0.034)),
    Stage("loudness, peak, centroid of frames", "features", Whole, None),
    Stage("rhythm", "rhythm", Whole, None),
    Stage("onset strength", "onset-strength", OfTheOneAbove, None),
    Stage("attacks", "attacks", OfTheOneAbove, None),
    Stage("beat network", "beat-network", OfTheOneAbove, None),
    Stage("beat decoder", "beat-decoder", OfTheOneAbove, None),
    Stage("chroma, key, chords", "tonal", Whole, None),
    Stage("EBU R128 loudness", "loudness", Whole, None),
    Stage("fades, danceability", "envelope", Whole, None),
    Stage("segments", "segments", Whole, None),
    Stage("sections", "structure", Whole, None),
    Stage("quantise and pack", "pack", Whole, None),
];

/// Whole analyses: name, scenarios of decoding and analysis, limit in times of that decoding. The FLAC is mono.
const ANALYSES: [(&str, &str, &str, Option<f64>); 7] = [
    ("spectral, MP3", "decode-mp3", "all-spectral", Some(1.25)),
    ("spectral, Ogg Vorbis", "decode-ogg", "all-spectral", Some(1.35)),
    ("spectral, M4A", "decode-m4a", "all-spectral", Some(1.35)),
    ("rhythm, MP3", "decode-mp3", "all-rhythm", None),
    ("tonal, MP3", "decode-mp3", "all-tonal", None),
    ("structure, MP3", "decode-mp3", "all-structure", None),
    ("full, MP3", "decode-mp3", "all-full", Some(2.0)),
];

fn main() -> anyhow::Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(5), |rounds| rounds.parse())?;
    let times = measure(&Material::new(TIMES), rounds)?;
    print_stages(&times);
    println!();
    print_analyses(&times);
    Ok(())
}

/// CPU time of each scenario, in µs a second of audio.
type Times = BTreeMap<&'static str, f64>;

fn measure(material: &Material, rounds: usize) -> anyhow::Result<Times> {
    let mut runs: Vec<_> = SCENARIOS.iter().map(|s| (s.name, (s.prepare)(material))).collect();
    let mut times = Times::new();
    for _ in 0..rounds {
        for (name, run) in &mut runs {
            let before = cpu_time()?;
            run();
            let spent_us = (cpu_time()? - before).as_secs_f64() * 1e6 / material.seconds();
            let least = times.entry(name).or_insert(f64::INFINITY);
            *least = least.min(spent_us);
        }
    }
    Ok(times)
}

/// CPU time of all threads of this process.
fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

fn print_stages(times: &Times) {
    let decoding = times["decode-mp3"];
    let full = decoding + times["all-full"];
    println!("| stage | limit ÷ decoding | ÷ decoding | µs a second of audio | share of full |");
    println!("|---|---|---|---|---|");
    let row = |name: &str, us: f64, limit: Option<f64>| {
        let (limit, share) = (shown(limit), 100.0 * us / full);
        println!("| {name} | {limit} | {:.3} | {us:.0} | {share:.1} % |", us / decoding);
    };
    let mut rest = full;
    for Stage(name, scenario, part, limit) in &STAGES {
        let us = times[scenario];
        if *part == Whole {
            rest -= us;
            row(name, us, *limit);
        } else {
            row(&format!("– of it: {name}"), us, *limit);
        }
    }
    row("mixing down, queues, what was not told apart", rest, None);
    row("all of it", full, None);
    // 1 GB/s of frames: some 8 kB a second of audio, on a machine that decoded an MP3 in 1.11 ms.
    row("beside it: reading chunks", times["unpack"], Some(0.007));
}

fn print_analyses(times: &Times) {
    println!("| analysis | limit ÷ decoding | ÷ decoding | times as fast as the music |");
    println!("|---|---|---|---|");
    for (name, decode, analyse, limit) in ANALYSES {
        let all = times[decode] + times[analyse];
        println!("| {name} | {} | {:.2} | {:.0} |", shown(limit), all / times[decode], 1e6 / all);
    }
}

fn shown(limit: Option<f64>) -> String {
    limit.map_or_else(|| "–".to_owned(), |limit| format!("≤ {limit}"))
}
