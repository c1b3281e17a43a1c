//! People who mend wrong grids: how much a correction, two, or a few bars of taps make right.
//!
//! Songs are made by a script and heard by the engine; their grids are made wrong in the ways in which machines go wrong,
//! and then mended as a person would.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use analysis_core::chunk::{Chunk, decode_chunk};
use analysis_core::frame::{FrameLayout, ONSET};
use analysis_core::regrid::{Correction, Factor, Heard, MachineBeat, regrid};
use analysis_core::summary::Summary;
use analysis_core::{AnalysisType, Analyzer, Config, Observer, Result};
use testmusic::styles::{Genre, Song};
use testmusic::{Piece, Rng, Score, Truth};

/// How far a beat may be from the truth, in seconds.
const NEAR_S: f64 = 0.07;

#[derive(Default)]
struct Chunks(Vec<Chunk>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

/// The stored onset strength of a piece.
fn onset(piece: &Piece) -> Vec<f32> {
    let config = Config { analysis_type: AnalysisType::Rhythm, ..Config::default() };
    let layout = FrameLayout::new(&config);
    let mut chunks = Chunks::default();
    let mut analyzer = Analyzer::new(config, piece.sample_rate_hz, 2).unwrap();
    analyzer.push(&piece.interleaved(), &mut chunks).unwrap();
    analyzer.finish(&mut chunks).unwrap();
    chunks.0.retain(|chunk| chunk.level == 0);
    chunks.0.sort_by_key(|chunk| chunk.index);
    let of = |chunk: &Chunk| {
        layout.decode_field(ONSET, &decode_chunk(&chunk.bytes, &layout, 1 << 24).unwrap().frames).unwrap()
    };
    chunks.0.iter().flat_map(of).collect()
}

/// How a grid is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    HalfTempo,
    DoubleTempo,
    OffBeat,
    /// Runs away for 24 beats, a third of a beat at most.
    Drift,
    /// Slips by half a beat in the middle.
    Slip,
    WrongDownbeat,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a song")]
fn ms(seconds: f64) -> u32 {
    (seconds * 1000.0).round().max(0.0) as u32
}

/// The true grid with a fault.
fn faulty(truth: &Truth, fault: Fault) -> Vec<MachineBeat> {
    let beats = &truth.beats;
    let halfway = |i: usize| {
        let next = beats.get(i + 1).copied().unwrap_or_else(|| 2.0 * beats[i] - beats[i - 1]);
        f64::midpoint(beats[i], next)
    };
    let starts = |i: usize| truth.downbeats.iter().any(|at| (at - beats[i]).abs() < 1e-6);
    let all = 0..beats.len();
    let made: Vec<(f64, bool)> = match fault {
        Fault::HalfTempo => all.filter(|i| i % 2 == 1).map(|i| (beats[i], i % 8 == 1)).collect(),
        Fault::DoubleTempo => all.flat_map(|i| [(beats[i], i % 2 == 0), (halfway(i), false)]).collect(),
        Fault::OffBeat => all.map(|i| (halfway(i), starts(i))).collect(),
        Fault::Drift => {
            let from = beats.len() / 3;
            let away = |i: usize| {
                let share = i.checked_sub(from).filter(|n| *n < 24).map_or(0.0, |n| n as f64 / 24.0);
                0.33 * (std::f64::consts::PI * share).sin() * (beats[1] - beats[0])
            };
            all.map(|i| (beats[i] + away(i), starts(i))).collect()
        }
        Fault::Slip => {
            all.map(|i| (if i < beats.len() / 2 { beats[i] } else { halfway(i) }, starts(i))).collect()
        }
        Fault::WrongDownbeat => all.map(|i| (beats[i], i > 0 && starts(i - 1))).collect(),
    };
    let (mut bar, mut position) = (1, 0);
    let count = |(i, (time, starts)): (usize, (f64, bool))| {
        (bar, position) = if starts && i > 0 { (bar + 1, 1) } else { (bar, position + 1) };
        MachineBeat { time_ms: ms(time), bar, position, confidence: Some(0.8) }
    };
    made.into_iter().enumerate().map(count).collect()
}

/// What a person does about it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Help {
    None,
    /// The one statement that fits: half, double, a shift, a beat where it is worst, a downbeat.
    One,
    Two,
    /// Taps on so many beats from a third of the song on, with 20 ms jitter and 60 ms too late.
    Taps(usize),
}

fn corrections(truth: &Truth, fault: Fault, help: Help, rng: &mut Rng) -> Vec<Correction> {
    let beats = &truth.beats;
    let middle = beats.len() / 2;
    let worst = beats.len() / 3 + 12;
    let beat = |i: usize| Correction::Beat { time_ms: ms(beats[i]), moved_from_ms: None };
    let downbeat = |n: usize| Correction::Downbeat { time_ms: ms(truth.downbeats[n]) };
    let tempo = |factor| Correction::Tempo { time_ms: 0, end_ms: None, factor };
    let from = Correction::Shift { time_ms: ms(beats[middle]), end_ms: None };
    let first = truth.downbeats.iter().position(|at| *at >= beats[8]).unwrap_or(0);
    let one = match fault {
        Fault::HalfTempo => tempo(Factor::Double),
        Fault::DoubleTempo => tempo(Factor::Half),
        Fault::OffBeat => Correction::Shift { time_ms: 0, end_ms: None },
        Fault::Drift => beat(worst),
        Fault::Slip => from,
        Fault::WrongDownbeat => downbeat(2),
    };
    match help {
        Help::None => vec![],
        Help::One => vec![one],
        Help::Two if fault == Fault::Drift => vec![beat(worst - 6), beat(worst + 6)],
        Help::Two => vec![one, downbeat(first)],
        Help::Taps(count) => {
            // Where it is wrong.
            let start = if fault == Fault::Slip { middle + 8 } else { beats.len() / 3 };
            let tap = |at: &f64| Correction::Tap { time_ms: ms(at + 0.060 + 0.020 * normal(rng)) };
            beats[start..(start + count).min(beats.len())].iter().map(tap).collect()
        }
    }
}

/// About normal: the sum of twelve even ones.
fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
}

/// F-measure: within 70 ms, one to one.
fn f_measure(truth: &[f64], said: &[f64]) -> f64 {
    let (mut i, mut j, mut hits) = (0, 0, 0.0);
    while let (Some(a), Some(b)) = (truth.get(i), said.get(j)) {
        if (a - b).abs() <= NEAR_S {
            (i, j, hits) = (i + 1, j + 1, hits + 1.0);
        } else if a < b {
            i += 1;
        } else {
            j += 1;
        }
    }
    2.0 * hits / (truth.len() + said.len()).max(1) as f64
}

/// Beat and downbeat F-measure after help.
fn score(song: &(Truth, Vec<f32>, u32), fault: Fault, help: Help, seed: u64) -> (f64, f64) {
    let (truth, onset, duration_ms) = song;
    let said = corrections(truth, fault, help, &mut Rng::new(seed));
    let (beats, summary) = (faulty(truth, fault), Summary::default());
    let heard = Heard { beats: &beats, onset, hop_ms: 10, duration_ms: *duration_ms, summary: &summary };
    let grid = regrid(&heard, &said);
    let times: Vec<f64> = grid.beats.iter().map(|beat| f64::from(beat.time_ms) * 1e-3).collect();
    let starts = grid.beats.iter().filter(|beat| beat.position == 1);
    let starts: Vec<f64> = starts.map(|beat| f64::from(beat.time_ms) * 1e-3).collect();
    (f_measure(&truth.beats, &times), f_measure(&truth.downbeats, &starts))
}

fn songs() -> Vec<(Truth, Vec<f32>, u32)> {
    let genres = [Genre::Rock, Genre::House, Genre::Waltz, Genre::Ballad, Genre::Funk, Genre::SoloPiano];
    let make = |genre: Genre| {
        let piece = Song::random(genre, 1).render();
        (piece.truth.clone(), onset(&piece), ms(piece.seconds()))
    };
    genres.into_iter().map(make).collect()
}

#[test]
fn people_mend_wrong_grids_with_little() {
    let songs = songs();
    let helps = [Help::None, Help::One, Help::Two, Help::Taps(4), Help::Taps(8), Help::Taps(16)];
    let mean = |fault: Fault, help: Help| {
        let scores: Vec<(f64, f64)> = (0_u64..)
            .zip(&songs)
            .flat_map(|(seed, song)| [score(song, fault, help, seed), score(song, fault, help, seed + 100)])
            .collect();
        let count = scores.len() as f64;
        let sum = scores.iter().fold((0.0, 0.0), |sum, score| (sum.0 + score.0, sum.1 + score.1));
        (sum.0 / count, sum.1 / count)
    };
    println!("| fault | as heard | one correction | two | a bar of taps | two bars | four bars |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let at_least = [
        (Fault::HalfTempo, [0.0, 0.97, 0.97, 0.95, 0.97, 0.97]),
        (Fault::DoubleTempo, [0.0, 0.97, 0.97, 0.95, 0.97, 0.97]),
        (Fault::OffBeat, [0.0, 0.97, 0.97, 0.95, 0.97, 0.97]),
        (Fault::Drift, [0.0, 0.9, 0.95, 0.0, 0.95, 0.97]),
        (Fault::Slip, [0.0, 0.97, 0.97, 0.95, 0.97, 0.97]),
        (Fault::WrongDownbeat, [0.99; 6]),
    ];
    let mut low = Vec::new();
    for (fault, least) in at_least {
        let found = helps.map(|help| mean(fault, help));
        let cells: Vec<String> = found.iter().map(|(b, d)| format!("{b:.3} / {d:.3}")).collect();
        println!("| {fault:?} | {} |", cells.join(" | "));
        for ((found, least), help) in found.iter().zip(least).zip(helps) {
            if found.0 < least {
                low.push(format!("{fault:?} {help:?}: {} < {least}", found.0));
            }
        }
    }
    assert!(low.is_empty(), "{low:?}");
}

#[test]
fn one_moved_downbeat_counts_the_rest_anew() {
    let piece = Score { form: "ABAB".into(), ..Score::default() }.render();
    let song = (piece.truth.clone(), onset(&piece), ms(piece.seconds()));
    assert!(score(&song, Fault::WrongDownbeat, Help::None, 1).1 < 0.05);
    // All but the two bars before it.
    assert!(score(&song, Fault::WrongDownbeat, Help::One, 1).1 > 0.92);
}
