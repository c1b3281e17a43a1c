//! Beats and bars together: the bar-pointer hidden Markov model.

mod history;
mod lanes;
mod scores;
mod tempi;
mod two;

use history::{History, Node};
pub use lanes::BarPlace;
use lanes::{BARS, LANES};
pub(crate) use lanes::{ENDS, PLACES, STARTS, USED, bar_starting};
use scores::{IMPOSSIBLE, Row, Scores};
pub(crate) use tempi::FRAMES_PER_SECOND;
use tempi::{Interval, PLAY, intervals};
pub use tempi::{MAX_INTERVAL, MIN_INTERVAL};

/// Frames by which a decision comes earlier than its memory would have it: more than the longest beat.
const MARGIN: usize = 160;
/// Frames between renormalisations, which keep f32 scores exact to about 1e-3.
const RENORMALISE: usize = 1024;
/// Frames that a decision looks back over at least: several of the slowest beats.
const LEAST_MEMORY: usize = 1024;
/// … for evidence by rule …
pub(crate) const RULES_MEMORY: usize = 2_048;
/// … and at most: what is heard at a beat is kept no longer.
const MOST_MEMORY: usize = 8192;

/// What a frame says of a beat at it. What is no number says nothing.
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
            memory_frames: RULES_MEMORY,
            ..Self::default()
        }
    }
}

/// Log-odds of a beat above this count as this: far beyond what is ever heard, and sums stay numbers.
const MOST_LOG_ODDS: f32 = 1e4;
/// Share of downbeats among beats, before anything is heard.
pub(crate) const DOWNBEAT_SHARE: f32 = 0.27;

impl BeatModel {
    /// Nats for a beat, and those that a downbeat and another beat get on top.
    pub(crate) fn weigh(&self, evidence: Evidence) -> (f32, f32, f32) {
        // The maximum with what is no number is the floor.
        let odds = evidence.beat.max(self.beat_floor).min(MOST_LOG_ODDS);
        let beat = self.beat_weight * (odds + self.beat_offset);
        let said = if evidence.downbeat.is_nan() { DOWNBEAT_SHARE } else { evidence.downbeat };
        let down = said.clamp(0.02, 0.98);
        let first = self.downbeat_weight * (down / DOWNBEAT_SHARE).ln();
        let other = self.downbeat_weight * ((1.0 - down) / (1.0 - DOWNBEAT_SHARE)).ln();
        (beat, first, other)
    }

    /// Nats for a beat at each place.
    fn gain(&self, evidence: Evidence) -> Row {
        let (beat, first, other) = self.weigh(evidence);
        let mut gain = [IMPOSSIBLE; LANES];
        gain[..USED].fill(beat + other);
        for (start, bar) in STARTS.into_iter().zip(self.bars) {
            gain[start] = beat + first + bar;
        }
        gain
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
/// Tracks longer than the model's memory are decoded with a lag of half of it to all of it. Memory: 9 MB for 41 s. A
/// frame takes some 23,000 instructions with AVX2.
#[derive(Debug, Clone)]
pub struct BeatDecoder {
    model: BeatModel,
    /// Tempi that are tried, as beat lengths, rising.
    intervals: Vec<Interval>,
    scores: Scores,
    history: History,
    frame: usize,
    /// Frame of the last beat handed out.
    committed: Option<usize>,
    next_commit: usize,
}

impl BeatDecoder {
    /// A decoder before its first frame, which is at 0; each is 10 ms after the last.
    #[must_use]
    pub fn new(model: BeatModel) -> Self {
        let model =
            BeatModel { memory_frames: model.memory_frames.clamp(LEAST_MEMORY, MOST_MEMORY), ..model };
        let intervals = intervals();
        Self {
            scores: Scores::new(&model, &intervals),
            history: History::new(intervals.len(), model.memory_frames),
            frame: 0,
            committed: None,
            next_commit: model.memory_frames - MARGIN,
            intervals,
            model,
        }
    }

    /// Takes what the next frame says. Beats that can no longer change go to `on_beat`.
    pub fn push(&mut self, evidence: Evidence, on_beat: &mut impl FnMut(DecodedBeat)) {
        let gain = self.model.gain(evidence);
        let silence = self.scores.advance(&gain, &self.model, self.history.entries_mut(self.frame));
        self.history.fall_silent(self.frame, silence);
        self.frame += 1;
        if self.frame.is_multiple_of(RENORMALISE) {
            self.scores.renormalise();
        }
        if self.frame == self.next_commit {
            let half = self.model.memory_frames / 2;
            self.commit(self.frame - half, on_beat);
            self.next_commit = self.frame + half - MARGIN;
        }
    }

    /// Hands out the remaining beats.
    pub fn finish(&mut self, on_beat: &mut impl FnMut(DecodedBeat)) {
        self.commit(self.frame, on_beat);
    }

    /// The best path now: its last beat, or silence.
    fn last(&self) -> Option<Node> {
        let now = self.frame;
        let mut best = (self.scores.silent(), None);
        for start in now.saturating_sub(MAX_INTERVAL)..now {
            for (i, interval) in self.intervals.iter().enumerate() {
                if start + interval.tau < now {
                    continue;
                }
                for (lane, score) in self.scores.departures(start, i).into_iter().enumerate() {
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

#[cfg(test)]
#[expect(clippy::needless_range_loop, reason = "the plain search indexes as its formula does")]
mod tests;
