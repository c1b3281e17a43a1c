//! Every metric against `mir_eval` 0.8.2, which is run here on the same random cases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

use evaluation::cemgil::cemgil;
use evaluation::chords::{Span, symbol_recall};
use evaluation::continuity::continuity;
use evaluation::events::{BEAT_WINDOW_S, f_measure};
use evaluation::key::{Key, weighted_score};
use evaluation::sections::{WINDOWS_S, boundary_f, inner};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use testmusic::Rng;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mir_eval_scores.py");

/// What `scripts/setup --tests` makes.
const VENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-python/bin/python");

/// The scores are quotients of the same counts: only the order of their roundings may differ.
const TOLERANCE: f64 = 1e-12;

/// The interpreter named by `ARSIS_TEST_PYTHON`, or that of `scripts/setup --tests`, or `python3`. It needs
/// `mir_eval` 0.8.2.
fn python() -> Command {
    let made = || if Path::new(VENV).exists() { VENV.into() } else { "python3".into() };
    Command::new(std::env::var("ARSIS_TEST_PYTHON").unwrap_or_else(|_| made()))
}

#[track_caller]
fn require_mir_eval() {
    let ask = ["-c", "from importlib.metadata import version; print(version('mir_eval'))"];
    let next = "run `scripts/setup --tests`, or `pip install mir_eval==0.8.2` and set ARSIS_TEST_PYTHON";
    let ran = python().args(ask).output().unwrap_or_else(|error| panic!("no Python ({error}): {next}"));
    let version = String::from_utf8_lossy(&ran.stdout);
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(version.trim(), "0.8.2", "the test needs mir_eval 0.8.2: {next}\n{complaint}");
}

/// One row of mir_eval's scores for each case.
#[track_caller]
fn scores_of_mir_eval(kind: &str, cases: &[Value]) -> Vec<Vec<f64>> {
    require_mir_eval();
    let mut child =
        python().args([SCRIPT, kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(cases).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: see its message above");
    let rows: Vec<Vec<f64>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), cases.len());
    rows
}

#[track_caller]
fn compare(cases: &[Value], ours: &[Vec<f64>], theirs: &[Vec<f64>]) {
    for ((case, ours), theirs) in cases.iter().zip(ours).zip(theirs) {
        assert_eq!(ours.len(), theirs.len());
        let same = ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= TOLERANCE);
        assert!(same, "ours {ours:?}, mir_eval's {theirs:?}, of {case}");
    }
}

/// Draws sequences of beats of every kind that trips a scorer.
struct Dice(Rng);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0.below(count)
    }

    fn chance(&mut self, share: f64) -> bool {
        self.0.unit() < share
    }

    /// A grid whose tempo may drift, from 0 to 60 beats long.
    fn grid(&mut self) -> Vec<f64> {
        let count = if self.chance(0.08) { self.below(4) } else { self.below(60) };
        let mut step = 0.25 + 0.75 * self.0.unit();
        let drift = if self.chance(0.3) { 1.0 + 0.02 * (self.0.unit() - 0.5) } else { 1.0 };
        let mut time = 6.0 * self.0.unit();
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(time);
            time += step;
            step *= drift;
        }
        times
    }

    /// What an engine may make of the truth: another level, another phase, jitter, gaps, extra and doubled beats.
    fn heard(&mut self, truth: &[f64]) -> Vec<f64> {
        let midpoints = |times: &[f64]| times.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect::<Vec<_>>();
        let mut times = match self.below(8) {
            0 => midpoints(truth),
            1 => [truth.to_vec(), midpoints(truth)].concat(),
            2 => truth.iter().step_by(2).copied().collect(),
            3 => truth.iter().skip(1).step_by(2).copied().collect(),
            4 => self.grid(),
            _ => truth.to_vec(),
        };
        let jitter = [0.0, 0.005, 0.03, 0.1, 0.3][self.below(5)];
        let shift = if self.chance(0.3) { 0.2 * (self.0.unit() - 0.5) } else { 0.0 };
        times.iter_mut().for_each(|t| *t += shift + jitter * (self.0.unit() - 0.5));
        let missing = [0.0, 0.0, 0.05, 0.3][self.below(4)];
        times.retain(|_| self.0.unit() >= missing);
        if self.chance(0.2) {
            let extra: Vec<f64> = (0..self.below(6)).map(|_| 40.0 * self.0.unit()).collect();
            times.extend(extra);
        }
        if self.chance(0.15) {
            let again: Vec<f64> = times.iter().copied().filter(|_| self.0.unit() < 0.1).collect();
            times.extend(again);
        }
        if self.chance(0.3) {
            // Values on a grid of milliseconds meet at equal distances, and at exactly 70 ms.
            times.iter_mut().for_each(|t| *t = (*t * 1000.0).round() / 1000.0);
        }
        times.retain(|t| *t >= 0.0);
        times.sort_by(f64::total_cmp);
        times
    }

    fn beats(&mut self) -> (Vec<f64>, Vec<f64>) {
        let mut reference = self.grid();
        if self.chance(0.3) {
            reference.iter_mut().for_each(|t| *t = (*t * 100.0).round() / 100.0);
        }
        let estimated = self.heard(&reference);
        if self.chance(0.05) {
            let again: Vec<f64> = reference.iter().copied().filter(|_| self.0.unit() < 0.1).collect();
            reference.extend(again);
            reference.sort_by(f64::total_cmp);
        }
        if self.chance(0.5) { (reference, estimated) } else { (estimated, reference) }
    }

    /// Boundaries of sections: from 0, one to ten of them, often near those of another.
    fn sections(&mut self) -> (Vec<f64>, Vec<f64>) {
        let mut reference = vec![0.0];
        for _ in 0..=self.below(9) {
            reference.push(reference.last().copied().unwrap_or(0.0) + 1.0 + 20.0 * self.0.unit());
        }
        let spread = [0.2, 1.0, 6.0][self.below(3)];
        let mut estimated: Vec<f64> =
            reference[1..].iter().map(|t| t + spread * (self.0.unit() - 0.5)).collect();
        estimated.retain(|t| *t > 0.0 && self.0.unit() < 0.8);
        if self.chance(0.2) {
            // One boundary after rounding.
            let twins: Vec<f64> = estimated.iter().map(|t| (t * 1e5).round() / 1e5 + 3e-6).collect();
            estimated.extend(twins);
        }
        estimated.extend([0.0, 300.0]);
        estimated.sort_by(f64::total_cmp);
        (reference, estimated)
    }

    /// Chords without gaps, of kinds that are scored and kinds that are not.
    fn chords(&mut self, mut from: f64) -> Vec<Span> {
        let count = 1 + self.below(12);
        let mut chord = || {
            let root = ["C", "Db", "F#", "A", "Bb"][self.below(5)];
            let kind = ["", "", "m", "m", "7", "m7", "maj7", "6", "m6", "dim"][self.below(10)];
            let name = if self.chance(0.1) { "N".to_owned() } else { format!("{root}{kind}") };
            let start = from;
            from += 0.2 + 3.0 * self.0.unit();
            Span { start, end: from, name }
        };
        (0..count).map(|_| chord()).collect()
    }
}

#[test]
fn beat_scores_are_those_of_mir_eval() {
    let mut dice = Dice(Rng::new(20_09));
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = (0..4_000).map(|_| dice.beats()).collect();
    let score = |(reference, estimated): &(Vec<f64>, Vec<f64>)| {
        let c = continuity(reference, estimated);
        let f = f_measure(reference, estimated, BEAT_WINDOW_S);
        vec![f, c.cml_c, c.cml_t, c.aml_c, c.aml_t, cemgil(reference, estimated)]
    };
    let cases: Vec<Value> = pairs
        .iter()
        .map(|(reference, estimated)| json!({"reference": reference, "estimated": estimated}))
        .collect();
    let ours: Vec<Vec<f64>> = pairs.iter().map(score).collect();
    compare(&cases, &ours, &scores_of_mir_eval("beats", &cases));
    // The cases must reach what they are for: some right, some wrong, some empty, some at another level.
    let count = |wanted: fn(&Vec<f64>) -> bool| ours.iter().filter(|row| wanted(row)).count();
    assert!(count(|row| row[0] == 0.0) > 100 && count(|row| row[0] > 0.9) > 400);
    assert!(count(|row| row[4] > row[2] + 0.5) > 400 && count(|row| row[1] + 0.2 < row[2]) > 100);
}

#[test]
fn boundary_scores_are_those_of_mir_eval() {
    let mut dice = Dice(Rng::new(2007));
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = (0..1_000).map(|_| dice.sections()).collect();
    let score = |(reference, estimated): &(Vec<f64>, Vec<f64>)| {
        let at = |window| {
            let all = boundary_f(reference, estimated, window);
            [all, boundary_f(inner(reference), inner(estimated), window)]
        };
        WINDOWS_S.into_iter().flat_map(at).collect()
    };
    let cases: Vec<Value> = pairs
        .iter()
        .map(|(reference, estimated)| json!({"reference": reference, "estimated": estimated}))
        .collect();
    let ours: Vec<Vec<f64>> = pairs.iter().map(score).collect();
    compare(&cases, &ours, &scores_of_mir_eval("sections", &cases));
}

#[test]
fn key_scores_are_those_of_mir_eval() {
    let tonics = "C C# Db D D# Eb E F F# Gb G G# Ab A A# Bb B Cb H c eb".split(' ');
    let modes = ["major", "minor", "other"];
    let mut keys: Vec<String> = tonics.flat_map(|t| modes.map(|mode| format!("{t} {mode}"))).collect();
    keys.extend(["X", "x", "C", "C dorian", "", "X major"].map(str::to_owned));
    let pairs = || keys.iter().flat_map(|a| keys.iter().map(move |b| (a, b)));
    let cases: Vec<Value> = pairs().map(|(a, b)| json!({"reference": a, "estimated": b})).collect();
    let score = |(a, b): (&String, &String)| match (Key::parse(a), Key::parse(b)) {
        (Some(a), Some(b)) => vec![weighted_score(a, b)],
        _ => vec![-1.0],
    };
    let ours: Vec<Vec<f64>> = pairs().map(score).collect();
    compare(&cases, &ours, &scores_of_mir_eval("keys", &cases));
}

#[test]
fn chord_scores_are_those_of_mir_eval() {
    let mut dice = Dice(Rng::new(2010));
    let mut pair = || {
        let reference = dice.chords(0.5);
        // Often the truth itself, with some chords taken for others; later or earlier at its ends.
        let mut estimated = if dice.chance(0.6) { reference.clone() } else { dice.chords(0.0) };
        for span in &mut estimated {
            if dice.chance(0.3) {
                span.name = ["C", "Am", "N", "Bbdim"][dice.below(4)].to_owned();
            }
        }
        (reference, estimated)
    };
    let pairs: Vec<(Vec<Span>, Vec<Span>)> = (0..1_000).map(|_| pair()).collect();
    let cases: Vec<Value> = pairs.iter().map(|(r, e)| json!({"reference": r, "estimated": e})).collect();
    let ours: Vec<Vec<f64>> = pairs.iter().map(|(r, e)| vec![symbol_recall(r, e).unwrap_or(-1.0)]).collect();
    compare(&cases, &ours, &scores_of_mir_eval("chords", &cases));
    let count = |wanted: fn(f64) -> bool| ours.iter().filter(|row| wanted(row[0])).count();
    assert!(count(|x| x > 0.6) > 100 && count(|x| (0.05..0.5).contains(&x)) > 100);
}
