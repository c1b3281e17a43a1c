//! Beats and bars together: the bar-pointer hidden Markov model.

mod history;
mod lanes;

use history::{History, NOWHERE, Node};
pub use lanes::BarPlace;
use lanes::{BARS, LANES};
pub(crate) use lanes::{ENDS, PLACES, STARTS, USED, bar_starting};

/// Frames a second of everything in the rhythm rooms.
pub(crate) const FRAMES_PER_SECOND: f32 = 100.0;
/// Shortest beat, in frames: 260.9 beats a minute.
pub const MIN_INTERVAL: usize = 23;
/// Longest beat, in frames: 40 beats a minute.
pub const MAX_INTERVAL: usize = 150;
/// Growth of the beat lengths that are tried, where it is more than one frame.
const INTERVAL_RATIO: f32 = 1.032;
/// Frames by which a beat may be longer than its tempo has it, and one more: fingers are not clocks, nor are tempi whole
/// frames.
const PLAY: usize = 4;
/// Frames of pending departures: more than the longest beat.
const RING: usize = 160;
/// Frames between renormalisations, which keep f32 scores exact to about 1e-3.
const RENORMALISE: usize = 1024;
/// Frames that a decision looks back over at least: several of the slowest beats.
const LEAST_MEMORY: usize = 1024;
/// … and at most: what is heard at a beat is kept no longer.
const MOST_MEMORY: usize = 8192;
const IMPOSSIBLE: f32 = -1e30;

/// Scores of every place in every bar, for one beat length.
type Row = [f32; LANES];

/// What a frame says of a beat at it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Log-odds of a beat, in nats.
    pub beat: f32,
    /// Probability that a beat here, if there is one, is a downbeat.
    pub downbeat: f32,
}

/// What the decoder believes about evidence, tempo, bars and their change, in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct BeatModel {
    /// Weight of the log-odds of a beat.
    pub beat_weight: f32,
    /// Added to the log-odds of a beat: how much rarer beats are than frames.
    pub beat_offset: f32,
    /// Log-odds of a beat below this count as this.
    pub beat_floor: f32,
    /// Weight of the evidence for and against downbeats.
    pub downbeat_weight: f32,
    /// Cost of a tempo change between beats: `change_cost·|ln(τ'/τ)|`. Krebs et al. use 100.
    pub change_cost: f32,
    /// Most likely tempo, in BPM, of the log-normal prior.
    pub prior_bpm: f32,
    /// Width of the prior, in octaves.
    pub prior_octaves: f32,
    /// Weight of the prior per second of music.
    pub prior_weight: f32,
    /// Log prior of bars of 2 to 7 beats, per bar.
    pub bars: [f32; BARS],
    /// Cost of a change of the number of beats in a bar.
    pub bar_change: f32,
    /// Cost of beginning to hear beats, and of ceasing to.
    pub silence_change: f32,
    /// Frames that a decision looks back over (1,024 to 8,192); it falls half to all of them late, and 2 kB are
    /// kept for each. Default 4,096: 41 s.
    pub memory_frames: usize,
}

impl Default for BeatModel {
    fn default() -> Self {
        Self {
            beat_weight: 1.5,
            beat_offset: 1.3,
            beat_floor: -4.5,
            downbeat_weight: 1.5,
            change_cost: 45.0,
            prior_bpm: 105.0,
            prior_octaves: 0.6,
            prior_weight: 0.7,
            bars: [-0.5, -0.3, 0.0, -1.0, -0.7, -0.7],
            bar_change: 7.0,
            silence_change: 10.0,
            memory_frames: 4_096,
        }
    }
}

impl BeatModel {
    /// For evidence by rule, which is louder and less sure of itself, and seldom has the last word.
    #[must_use]
    pub fn rules() -> Self {
        Self {
            beat_weight: 1.0,
            beat_offset: 0.0,
            beat_floor: -8.0,
            downbeat_weight: 1.0,
            change_cost: 40.0,
            prior_bpm: 120.0,
            prior_octaves: 0.7,
            prior_weight: 0.3,
            memory_frames: 2_048,
            ..Self::default()
        }
    }
}

/// Share of downbeats among beats, before anything is heard.
pub(crate) const DOWNBEAT_SHARE: f32 = 0.27;

impl BeatModel {
    /// Nats for a beat, and those that a downbeat and another beat get on top.
    pub(crate) fn weigh(&self, evidence: Evidence) -> (f32, f32, f32) {
        let beat = self.beat_weight * (evidence.beat.max(self.beat_floor) + self.beat_offset);
        let down = evidence.downbeat.clamp(0.02, 0.98);
        let first = self.downbeat_weight * (down / DOWNBEAT_SHARE).ln();
        let other = self.downbeat_weight * ((1.0 - down) / (1.0 - DOWNBEAT_SHARE)).ln();
        (beat, first, other)
    }
}

/// A decoded beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodedBeat {
    /// Its frame.
    pub frame: usize,
    /// Its place in its bar.
    pub place: BarPlace,
}

/// Viterbi decoding of beats and bars, one frame at a time.
///
/// A path is a chain of beats. Each has a tempo, told as a length τ in frames, and a place in a bar of 2 to 7 beats; it
/// lasts τ frames, or a few more, up to the next slower tempo. Frames outside beats, and whole stretches without
/// any, score 0.
///
/// ```text
/// score(t, τ', place) = evidence(t, place) + max over τ, j [ score(t-τ-j, τ, place before) + prior(τ) - change(τ, τ') ]
/// change(τ, τ')       = change_cost·|ln(τ'/τ)|
/// ```
///
/// Whiteley, Cemgil & Godsill, "Bayesian modelling of temporal structure in musical audio", ISMIR 2006; Krebs, Böck &
/// Widmer, "An efficient state-space model for joint tempo and meter tracking", ISMIR 2015; joint beats and downbeats
/// as Böck, Krebs & Widmer, ISMIR 2016. One state for each beat rather than for each frame of it; a cost that is
/// additive along the lengths makes the inner maximum two running ones. Linear in the length of the track.
///
/// Tracks longer than the model's memory are decoded with a lag of half of it to all of it. Memory: 9 MB for 41 s.
#[derive(Debug, Clone)]
pub struct BeatDecoder {
    model: BeatModel,
    /// Tempi that are tried, as beat lengths, rising.
    intervals: Vec<Interval>,
    /// `[i]`: log prior of a beat of that length.
    prior: Vec<f32>,
    /// `[i]`: cost of the tempo change between lengths `i` and `i + 1`.
    step: Vec<f32>,
    /// `[frame mod RING][i]`: best score of all paths that have a beat of that length at that frame.
    departures: Vec<Row>,
    /// `[i]`: best score of all paths whose last beat had that length and ends now, and that beat's [`Interval::code`].
    arrivals: Vec<Row>,
    arrived: Vec<[u32; LANES]>,
    /// `[i]`: the best of them before a beat of that length.
    best: Vec<Row>,
    from: Vec<[u32; LANES]>,
    /// Best score of all paths on which no beat is heard now.
    silent: f32,
    history: History,
    frame: usize,
    /// Frame of the last beat handed out.
    committed: Option<usize>,
    next_commit: usize,
}

impl BeatDecoder {
    /// A decoder before its first frame.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beat lengths are small")]
    pub fn new(model: BeatModel) -> Self {
        let model =
            BeatModel { memory_frames: model.memory_frames.clamp(LEAST_MEMORY, MOST_MEMORY), ..model };
        let intervals = intervals();
        let prior = |&Interval { tau, .. }: &Interval| {
            let bpm = 60.0 * FRAMES_PER_SECOND / tau as f32;
            let octaves = (bpm / model.prior_bpm).log2() / model.prior_octaves;
            -0.5 * octaves * octaves * model.prior_weight * tau as f32 / FRAMES_PER_SECOND
        };
        let step = |pair: &[Interval]| model.change_cost * (pair[1].tau as f32 / pair[0].tau as f32).ln();
        let count = intervals.len();
        Self {
            prior: intervals.iter().map(prior).collect(),
            step: intervals.windows(2).map(step).collect(),
            departures: vec![[IMPOSSIBLE; LANES]; RING * count],
            arrivals: vec![[IMPOSSIBLE; LANES]; count],
            arrived: vec![[0; LANES]; count],
            best: vec![[IMPOSSIBLE; LANES]; count],
            from: vec![[0; LANES]; count],
            silent: 0.0,
            history: History::new(count, model.memory_frames),
            frame: 0,
            committed: None,
            next_commit: model.memory_frames - RING,
            intervals,
            model,
        }
    }

    /// Takes what the next frame says. Beats that can no longer change go to `on_beat`.
    pub fn push(&mut self, evidence: Evidence, on_beat: &mut impl FnMut(DecodedBeat)) {
        self.arrive();
        self.choose_lengths();
        self.depart(evidence);
        self.frame += 1;
        if self.frame.is_multiple_of(RENORMALISE) {
            self.renormalise();
        }
        if self.frame == self.next_commit {
            let half = self.model.memory_frames / 2;
            self.commit(self.frame - half, on_beat);
            self.next_commit = self.frame + half - RING;
        }
    }

    /// Hands out the remaining beats.
    pub fn finish(&mut self, on_beat: &mut impl FnMut(DecodedBeat)) {
        self.commit(self.frame, on_beat);
    }

    /// Paths whose last beat ends now; the best of them may fall silent.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 codes and places")]
    fn arrive(&mut self) {
        let (t, count) = (self.frame, self.intervals.len());
        let mut top = (self.silent + self.model.silence_change, NOWHERE);
        for (i, interval) in self.intervals.iter().enumerate() {
            let (row, codes) = (&mut self.arrivals[i], &mut self.arrived[i]);
            *row = [IMPOSSIBLE; LANES];
            for (j, length) in interval.lengths().enumerate().filter(|&(_, length)| length <= t) {
                let from = &self.departures[((t - length) % RING) * count + i];
                offer(row, codes, from, &[Interval::code(i, j); LANES]);
            }
            for (lane, score) in row[..USED].iter_mut().enumerate() {
                *score += self.prior[i];
                if *score > top.0 {
                    top = (*score, (codes[lane] as u8, lane as u8));
                }
            }
        }
        self.silent = top.0 - self.model.silence_change;
        self.history.fall_silent(t, top.1);
    }

    /// `best[τ'] = max over τ of arrivals[τ] - change(τ, τ')`, for all places side by side.
    fn choose_lengths(&mut self) {
        let count = self.intervals.len();
        let (mut run, mut source) = ([IMPOSSIBLE; LANES], [0_u32; LANES]);
        for i in 0..count {
            let cost = if i == 0 { 0.0 } else { self.step[i - 1] };
            run.iter_mut().for_each(|score| *score -= cost);
            offer(&mut run, &mut source, &self.arrivals[i], &self.arrived[i]);
            (self.best[i], self.from[i]) = (run, source);
        }
        (run, source) = ([IMPOSSIBLE; LANES], [0; LANES]);
        for i in (0..count).rev() {
            let cost = self.step.get(i).copied().unwrap_or(0.0);
            run.iter_mut().for_each(|score| *score -= cost);
            offer(&mut run, &mut source, &self.arrivals[i], &self.arrived[i]);
            offer(&mut self.best[i], &mut self.from[i], &run, &source);
        }
    }

    /// A beat now: the next place in the bar, or the first of the next bar, or the first beat after silence.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 lengths")]
    fn depart(&mut self, evidence: Evidence) {
        let (t, count) = (self.frame, self.intervals.len());
        let (beat, first, other) = self.model.weigh(evidence);
        let mut gain = [beat + other; LANES];
        for (start, bar) in STARTS.iter().zip(self.model.bars) {
            gain[*start] = beat + first + bar;
        }
        // A track may begin anywhere inside its first beat.
        let enter = if t < MAX_INTERVAL { 0.0 } else { self.model.silence_change };
        let fresh = self.silent - enter;
        for i in 0..count {
            let (best, from) = (&self.best[i], &self.from[i]);
            let mut row = [IMPOSSIBLE; LANES];
            let mut source = [0_u32; LANES];
            row[1..].copy_from_slice(&best[..LANES - 1]);
            source[1..].copy_from_slice(&from[..LANES - 1]);
            let bars = self.start_bars(i);
            for (bar, &(score, end)) in bars.iter().enumerate() {
                row[STARTS[bar]] = score;
                source[STARTS[bar]] = from[ENDS[end]];
            }
            for lane in 0..LANES {
                let anew = fresh > row[lane];
                row[lane] = if anew { fresh } else { row[lane] } + gain[lane];
                source[lane] = if anew { u32::from(history::START) } else { source[lane] };
            }
            row[USED..].fill(IMPOSSIBLE);
            self.departures[(t % RING) * count + i] = row;
            self.history.remember(t, i, &source, &bars.map(|(_, end)| end as u8));
        }
    }

    /// For each kind of bar: the best score of a bar ending now before a beat of length `i`, and which kind it was.
    fn start_bars(&self, i: usize) -> [(f32, usize); BARS] {
        let ends = ENDS.map(|lane| self.best[i][lane]);
        let top = (0..BARS).fold(0, |top, bar| if ends[bar] > ends[top] { bar } else { top });
        let changed = ends[top] - self.model.bar_change;
        std::array::from_fn(|bar| if ends[bar] >= changed { (ends[bar], bar) } else { (changed, top) })
    }

    fn renormalise(&mut self) {
        let top = self.departures.iter().flatten().fold(self.silent, |m, &x| m.max(x));
        for score in self.departures.iter_mut().flatten() {
            *score = (*score - top).max(IMPOSSIBLE);
        }
        self.silent -= top;
    }

    /// The best path now: its last beat, or silence.
    fn last(&self) -> Option<Node> {
        let (now, count) = (self.frame, self.intervals.len());
        let mut best = (self.silent, None);
        for start in now.saturating_sub(MAX_INTERVAL)..now {
            for (i, interval) in self.intervals.iter().enumerate() {
                if start + interval.tau < now {
                    continue;
                }
                for (lane, &score) in self.departures[(start % RING) * count + i][..USED].iter().enumerate() {
                    if score > best.0 {
                        best = (score, Some(Node { frame: start, length: i, lane }));
                    }
                }
            }
        }
        best.1
    }

    fn commit(&mut self, until: usize, on_beat: &mut impl FnMut(DecodedBeat)) {
        // The path may have moved since, but no beat comes this soon after one that is handed out.
        let soonest = self.committed.map_or(0, |c| c + MIN_INTERVAL - PLAY);
        let oldest = soonest.max(self.history.oldest(self.frame));
        let last = self.last().or_else(|| self.history.before_silence(self.frame, oldest, &self.intervals));
        let mut beats = Vec::new();
        let mut at = last;
        while let Some(node) = at.filter(|node| node.frame >= oldest) {
            if node.frame < until {
                beats.push(DecodedBeat { frame: node.frame, place: PLACES[node.lane] });
            }
            at = self.history.before(node, oldest, &self.intervals);
        }
        for &beat in beats.iter().rev() {
            on_beat(beat);
        }
        self.committed = beats.first().map(|beat| beat.frame).or(self.committed);
    }
}

/// A tempo, as the beat lengths that it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    /// Shortest length, in frames.
    tau: usize,
    /// Number of lengths.
    play: usize,
}

impl Interval {
    fn lengths(self) -> impl Iterator<Item = usize> {
        self.tau..self.tau + self.play
    }

    /// A number for length `j` of tempo `i`, below 255.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 64 tempi")]
    fn code(i: usize, j: usize) -> u32 {
        (i * PLAY + j) as u32
    }

    /// Tempo and length in frames that a code stands for.
    fn decode(code: u8, intervals: &[Self]) -> (usize, usize) {
        let (i, j) = (usize::from(code) / PLAY, usize::from(code) % PLAY);
        (i, intervals[i].tau + j)
    }
}

/// Tempi, rising in length: every frame while beats are short, then in even ratios.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
fn intervals() -> Vec<Interval> {
    let next = |tau: usize| (tau + 1).max((tau as f32 * INTERVAL_RATIO).round() as usize);
    let taus = std::iter::successors(Some(MIN_INTERVAL), |&tau| Some(next(tau)));
    let interval = |tau| Interval { tau, play: (next(tau) - tau + 1).min(PLAY) };
    taus.take_while(|&tau| tau <= MAX_INTERVAL).map(interval).collect()
}

/// Takes what is better.
fn offer(best: &mut Row, source: &mut [u32; LANES], offered: &Row, from: &[u32; LANES]) {
    for lane in 0..LANES {
        let better = offered[lane] > best[lane];
        best[lane] = if better { offered[lane] } else { best[lane] };
        source[lane] = if better { from[lane] } else { source[lane] };
    }
}

#[cfg(test)]
#[expect(clippy::needless_range_loop, reason = "the plain search indexes as its formula does")]
mod tests;
