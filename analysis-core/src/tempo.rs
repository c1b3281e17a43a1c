//! Tempo from onset strength.

use crate::beats::{FRAMES_PER_SECOND, MAX_INTERVAL, MIN_INTERVAL};
use crate::summary::{TempoCandidate, TempoPoint};

/// Longest lag of the autocorrelation, in frames: two of the longest beats.
const LAGS: usize = 2 * MAX_INTERVAL + 2;
/// Frames summed in f32 before they join the f64 totals.
const BLOCK: usize = 512;
/// Candidates reported at most.
const CANDIDATES: usize = 6;
/// Centre and width (octaves) of the log-normal tempo prior (Moelants 2002; wide enough above 180 BPM).
const PRIOR: (f32, f32) = (125.0, 1.1);
/// Autocorrelation below this is no beat, however long the track.
const LEAST_CLARITY: f32 = 0.07;
/// … nor below this many times `1/sqrt(frames)`: noise stays below 5, syllables at random below 8.
const LEAST_SIGNIFICANCE: f32 = 8.3;
/// A tempo that differs by more than this fraction begins a new piece of the curve.
const TEMPO_STEP: f64 = 0.02;
/// Beats to either side that a local tempo is taken over.
const LOCAL_BEATS: usize = 4;

/// Autocorrelation of the activation over the whole track, in constant memory.
///
/// ```text
/// r[l] = Σ_n x[n]·x[n-l],   x: activation less its running mean over about 1 s
/// score[τ] = (r[τ] + r[2τ]/2) · prior(τ)        autocorrelation and a two-tooth comb
/// ```
#[derive(Debug, Clone)]
pub(crate) struct Tempogram {
    /// The last `LAGS` values twice over, so that any window of them is contiguous.
    past: Vec<f32>,
    block: Vec<f32>,
    total: Vec<f64>,
    mean: f32,
    frame: usize,
}

impl Default for Tempogram {
    fn default() -> Self {
        Self {
            past: vec![0.0; 2 * LAGS],
            block: vec![0.0; LAGS],
            total: vec![0.0; LAGS],
            mean: 0.0,
            frame: 0,
        }
    }
}

impl Tempogram {
    /// Takes the next frame's activation.
    pub(crate) fn push(&mut self, activation: f32) {
        self.mean += 0.01 * (activation - self.mean);
        let x = activation - self.mean;
        // Newest first: past[at + l] is the value l frames ago.
        let at = LAGS - 1 - self.frame % LAGS;
        self.past[at] = x;
        self.past[at + LAGS] = x;
        for (sum, &then) in self.block.iter_mut().zip(&self.past[at..at + LAGS]) {
            *sum += x * then;
        }
        self.frame += 1;
        if self.frame.is_multiple_of(BLOCK) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        for (total, block) in self.total.iter_mut().zip(&mut self.block) {
            *total += f64::from(*block);
            *block = 0.0;
        }
    }

    /// How periodic the track is: the highest normalised autocorrelation at a beat's lag, 0 to 1 (pulse
    /// clarity, Lartillot et al., ISMIR 2008).
    #[must_use]
    pub(crate) fn clarity(&mut self) -> f32 {
        self.flush();
        if self.total[0] <= 0.0 {
            return 0.0;
        }
        let top = self.total[MIN_INTERVAL..=MAX_INTERVAL].iter().fold(0.0_f64, |m, &x| m.max(x));
        #[expect(clippy::cast_possible_truncation, reason = "a ratio")]
        let clarity = (top / self.total[0]) as f32;
        clarity
    }

    /// Whether the track keeps a beat at all: the highest autocorrelation against what chance gives.
    ///
    /// Without periodicity, `r[l]/r[0]` of `n` frames scatters with a deviation of about `1/sqrt(n/2)` (flux
    /// of neighbouring frames is correlated); the highest of the lags then stays below
    /// some 5/sqrt(n).
    #[must_use]
    pub(crate) fn keeps_a_beat(&mut self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a threshold")]
        let frames = self.frame as f32;
        let clarity = self.clarity();
        clarity > LEAST_CLARITY && clarity * frames.sqrt() > LEAST_SIGNIFICANCE
    }

    /// The best tempi with their share of the score, best first. `tracked_bpm` leads where it is among them.
    #[must_use]
    pub(crate) fn candidates(&mut self, tracked_bpm: Option<f32>) -> Vec<TempoCandidate> {
        self.flush();
        let scores: Vec<f32> = (0..=MAX_INTERVAL + 1).map(|lag| self.score(lag)).collect();
        let mut found: Vec<TempoCandidate> = (MIN_INTERVAL..=MAX_INTERVAL)
            .filter(|&l| scores[l] > 0.0 && scores[l] >= scores[l - 1] && scores[l] > scores[l + 1])
            .map(|l| TempoCandidate {
                bpm: 60.0 * FRAMES_PER_SECOND / (l as f32 + peak_shift(&scores[l - 1..=l + 1])),
                score: scores[l],
            })
            .collect();
        if let Some(bpm) = tracked_bpm {
            lead_with(&mut found, bpm);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(CANDIDATES);
        let sum: f32 = found.iter().map(|c| c.score).sum();
        for candidate in &mut found {
            candidate.score /= sum.max(f32::MIN_POSITIVE);
        }
        found
    }

    #[expect(clippy::cast_possible_truncation, reason = "scores need no more than f32")]
    fn score(&self, lag: usize) -> f32 {
        if lag < MIN_INTERVAL - 1 || self.total[0] <= 0.0 {
            return 0.0;
        }
        let comb = self.total[lag] + 0.5 * self.total[(2 * lag).min(LAGS - 1)];
        let octaves = (60.0 * FRAMES_PER_SECOND / lag as f32 / PRIOR.0).log2() / PRIOR.1;
        ((comb / self.total[0]) as f32).max(0.0) * (-0.5 * octaves * octaves).exp()
    }
}

/// Puts the tracked tempo first, with the exact value that the beats give.
fn lead_with(found: &mut Vec<TempoCandidate>, bpm: f32) {
    let top = found.iter().fold(f32::MIN_POSITIVE, |m, c| m.max(c.score));
    found.retain(|c| (c.bpm / bpm - 1.0).abs() > 0.03);
    found.push(TempoCandidate { bpm, score: top * 1.001 });
}

/// Vertex of the parabola through three equidistant points, from the middle one, -0.5 to 0.5.
pub(crate) fn peak_shift(y: &[f32]) -> f32 {
    let curve = y[0] - 2.0 * y[1] + y[2];
    if curve >= 0.0 { 0.0 } else { (0.5 * (y[0] - y[2]) / curve).clamp(-0.5, 0.5) }
}

/// Main tempo: the median over the track of the tempo over `2·LOCAL_BEATS` beats, refined on the beats that
/// agree with it.
#[must_use]
pub(crate) fn main_bpm(beats_s: &[f64]) -> Option<f64> {
    let mut local = local_bpm(beats_s);
    if local.is_empty() {
        return None;
    }
    local.sort_by(f64::total_cmp);
    let median = local[local.len() / 2];
    let (mut seconds, mut beats) = (0.0, 0.0);
    for pair in beats_s.windows(2 * LOCAL_BEATS + 1) {
        let span = pair[2 * LOCAL_BEATS] - pair[0];
        let bpm = 60.0 * (2 * LOCAL_BEATS) as f64 / span;
        if (bpm / median - 1.0).abs() < TEMPO_STEP {
            seconds += span;
            beats += (2 * LOCAL_BEATS) as f64;
        }
    }
    Some(if beats > 0.0 { 60.0 * beats / seconds } else { median })
}

/// Tempo around each beat interval.
fn local_bpm(beats_s: &[f64]) -> Vec<f64> {
    (1..beats_s.len())
        .filter_map(|i| {
            let (from, to) = (i.saturating_sub(LOCAL_BEATS), (i + LOCAL_BEATS - 1).min(beats_s.len() - 1));
            let span = beats_s[to] - beats_s[from];
            (span > 0.0).then(|| 60.0 * (to - from) as f64 / span)
        })
        .collect()
}

/// Piecewise constant tempo: a new piece begins where the local tempo leaves the last one by 2 %.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are within 24 days of ms, tempi within a few hundred"
)]
pub(crate) fn curve(beats_s: &[f64]) -> Vec<TempoPoint> {
    let local = local_bpm(beats_s);
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let mut current = f64::NAN;
    for (i, &bpm) in local.iter().enumerate() {
        match pieces.last_mut() {
            Some((_, end)) if (bpm / current - 1.0).abs() <= TEMPO_STEP => *end = i + 1,
            _ => {
                pieces.push((i, i + 1));
                current = bpm;
            }
        }
    }
    pieces
        .iter()
        .map(|&(from, to)| TempoPoint {
            time_ms: (beats_s[from] * 1000.0).round() as u32,
            bpm: (60.0 * (to - from) as f64 / (beats_s[to] - beats_s[from])) as f32,
        })
        .collect()
}
