//! Beats from a beat activation: the bar-pointer hidden Markov model.

/// Frames a second of everything in the rhythm rooms.
pub(crate) const FRAMES_PER_SECOND: f32 = 100.0;
/// Shortest beat, in frames: 260.9 beats a minute.
pub const MIN_INTERVAL: usize = 23;
/// Longest beat, in frames: 40 beats a minute.
pub const MAX_INTERVAL: usize = 150;
/// Number of beat lengths.
pub const INTERVALS: usize = MAX_INTERVAL - MIN_INTERVAL + 1;
/// Rows of pending arrivals: more than the longest beat.
const RING: usize = 160;
/// Frames whose predecessors are remembered. Longer tracks are decoded with a fixed lag of at least half of it.
const HISTORY: usize = 16_384;
/// Rows between renormalisations, which keep f32 scores exact to about 1e-4.
const RENORMALISE: usize = 1024;
const IMPOSSIBLE: f32 = -1e30;
const START: u8 = u8::MAX;

/// What the decoder believes about tempo and its change, in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct BeatModel {
    /// Cost of a tempo change between beats: `change_cost·|ln(τ'/τ)|`. Krebs et al. use 100.
    pub change_cost: f32,
    /// Most likely tempo, in BPM, of the log-normal prior.
    pub prior_bpm: f32,
    /// Width of the prior, in octaves.
    pub prior_octaves: f32,
    /// Weight of the prior per second of music.
    pub prior_weight: f32,
    /// Cost of activation half-way between beats.
    pub offbeat_cost: f32,
}

impl Default for BeatModel {
    fn default() -> Self {
        Self {
            change_cost: 40.0,
            prior_bpm: 150.0,
            prior_octaves: 0.53,
            prior_weight: 0.27,
            offbeat_cost: 0.19,
        }
    }
}

/// Viterbi decoding of the bar-pointer model over beats, one frame at a time.
#[derive(Debug, Clone)]
pub struct BeatDecoder {
    model: BeatModel,
    /// `[τ]`: log prior of a beat length, per beat.
    prior: Vec<f32>,
    /// `[τ]`: cost of changing from the longest beat to this one, below 0.
    climb: Vec<f32>,
    /// `[frame mod RING][τ]`: best score of all paths whose beat of length τ ends at that frame.
    arrivals: Vec<f32>,
    /// `[frame mod HISTORY][τ]`: beat length before the beat of length τ that starts at that frame.
    before: Vec<u8>,
    /// Past activations, for off-beat evidence, `[frame mod HISTORY]`.
    past: Vec<f32>,
    best: Vec<f32>,
    frame: usize,
    committed: Option<usize>,
}

impl BeatDecoder {
    /// A decoder before its first frame.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beat lengths are small")]
    pub fn new(model: BeatModel) -> Self {
        let prior = (MIN_INTERVAL..=MAX_INTERVAL)
            .map(|tau| {
                let octaves =
                    (60.0 * FRAMES_PER_SECOND / tau as f32 / model.prior_bpm).log2() / model.prior_octaves;
                -0.5 * octaves * octaves * model.prior_weight * tau as f32 / FRAMES_PER_SECOND
            })
            .collect();
        let climb = (MIN_INTERVAL..=MAX_INTERVAL)
            .map(|tau| model.change_cost * (tau as f32 / MAX_INTERVAL as f32).ln())
            .collect();
        Self {
            prior,
            climb,
            arrivals: vec![IMPOSSIBLE; RING * INTERVALS],
            before: vec![START; HISTORY * INTERVALS],
            past: vec![0.0; HISTORY],
            best: vec![0.0; INTERVALS],
            frame: 0,
            committed: None,
            model,
        }
    }

    /// Takes the log-likelihood ratio of a beat at the next frame. Frames of beats that can no longer change go to `on_beat`.
    pub fn push(&mut self, evidence: f32, on_beat: &mut impl FnMut(usize)) {
        let t = self.frame;
        self.past[t % HISTORY] = evidence;
        self.score_arrivals(t);
        self.choose_predecessors(t);
        self.depart(t, evidence);
        self.frame += 1;
        if self.frame.is_multiple_of(RENORMALISE) {
            self.renormalise();
        }
        let since = self.committed.unwrap_or(0);
        if self.frame - since >= HISTORY - RING {
            self.commit(self.frame - HISTORY / 2, on_beat);
        }
    }

    /// Hands out the remaining beats.
    pub fn finish(&mut self, on_beat: &mut impl FnMut(usize)) {
        self.commit(self.frame, on_beat);
    }

    /// Adds what a whole beat tells: prior and activation between its ends.
    fn score_arrivals(&mut self, t: usize) {
        let row = &mut self.arrivals[(t % RING) * INTERVALS..][..INTERVALS];
        for (i, score) in row.iter_mut().enumerate() {
            let tau = MIN_INTERVAL + i;
            if tau > t {
                // A track may begin anywhere inside its first beat.
                *score = 0.5 * self.prior[i];
                continue;
            }
            let half = self.past[(t - tau / 2) % HISTORY];
            *score += self.prior[i] - self.model.offbeat_cost * half.max(0.0);
        }
    }

    /// `best[τ] = max over τ' of arrival[τ'] - cost·|ln(τ'/τ)|`: two running maxima, since the cost is additive
    /// along the axis.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 255 beat lengths")]
    fn choose_predecessors(&mut self, t: usize) {
        let row = &self.arrivals[(t % RING) * INTERVALS..][..INTERVALS];
        let before = &mut self.before[(t % HISTORY) * INTERVALS..][..INTERVALS];
        let (mut run, mut from) = (f32::NEG_INFINITY, 0_u8);
        for i in 0..INTERVALS {
            let score = row[i] + self.climb[i];
            let better = score > run;
            run = if better { score } else { run };
            from = if better { i as u8 } else { from };
            self.best[i] = run - self.climb[i];
            before[i] = from;
        }
        (run, from) = (f32::NEG_INFINITY, 0_u8);
        for i in (0..INTERVALS).rev() {
            let score = row[i] - self.climb[i];
            let better = score > run;
            run = if better { score } else { run };
            from = if better { i as u8 } else { from };
            let down = run + self.climb[i];
            let better = down > self.best[i];
            self.best[i] = if better { down } else { self.best[i] };
            before[i] = if better { from } else { before[i] };
        }
        if t < MAX_INTERVAL {
            for slot in before {
                *slot = if MIN_INTERVAL + usize::from(*slot) > t { START } else { *slot };
            }
        }
    }

    fn depart(&mut self, t: usize, evidence: f32) {
        for (i, &score) in self.best.iter().enumerate() {
            self.arrivals[((t + MIN_INTERVAL + i) % RING) * INTERVALS + i] = score + evidence;
        }
    }

    fn renormalise(&mut self) {
        let top = self.arrivals.iter().fold(IMPOSSIBLE, |m, &x| m.max(x));
        for score in &mut self.arrivals {
            *score = (*score - top).max(IMPOSSIBLE);
        }
    }

    /// The best beat still open: its start and beat length.
    fn open_beat(&self) -> Option<(usize, usize)> {
        let now = self.frame;
        let mut best = (IMPOSSIBLE, None);
        for ahead in 0..=MAX_INTERVAL {
            let end = now + ahead;
            for i in 0..INTERVALS {
                let tau = MIN_INTERVAL + i;
                let score = self.arrivals[(end % RING) * INTERVALS + i];
                if end >= tau && end - tau < now && tau > ahead && score > best.0 {
                    best = (score, Some((end - tau, i)));
                }
            }
        }
        best.1
    }

    fn commit(&mut self, until: usize, on_beat: &mut impl FnMut(usize)) {
        let Some((mut start, mut i)) = self.open_beat() else { return };
        let mut beats = Vec::new();
        let oldest = self.committed.map_or(0, |c| c + MIN_INTERVAL / 2);
        loop {
            if start < oldest {
                break;
            }
            if start < until {
                beats.push(start);
            }
            let before = self.before[(start % HISTORY) * INTERVALS + i];
            if before == START {
                break;
            }
            i = usize::from(before);
            start -= MIN_INTERVAL + i;
        }
        for &beat in beats.iter().rev() {
            on_beat(beat);
        }
        self.committed = beats.first().copied().or(self.committed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The model written down plainly: every start, every beat length, every predecessor, in f64.
    fn naive(evidence: &[f32]) -> Vec<usize> {
        let reference = BeatDecoder::new(BeatModel::default());
        let (model, n) = (&reference.model, evidence.len());
        let cost = |a: usize, b: usize| f64::from(model.change_cost) * ((a as f64 / b as f64).ln()).abs();
        // score[t][i]: best path with a beat of length i starting at t; from[t][i]: length before it.
        let mut score = vec![vec![f64::NEG_INFINITY; INTERVALS]; n];
        let mut from = vec![vec![None; INTERVALS]; n];
        for t in 0..n {
            let ended: Vec<f64> = (0..INTERVALS)
                .map(|i| {
                    let tau = MIN_INTERVAL + i;
                    let prior = f64::from(reference.prior[i]);
                    if tau > t {
                        return 0.5 * prior;
                    }
                    let half = f64::from(evidence[t - tau / 2].max(0.0));
                    score[t - tau][i] + prior - f64::from(model.offbeat_cost) * half
                })
                .collect();
            for i in 0..INTERVALS {
                for (j, &before) in ended.iter().enumerate() {
                    let s = before - cost(MIN_INTERVAL + i, MIN_INTERVAL + j) + f64::from(evidence[t]);
                    if s > score[t][i] {
                        score[t][i] = s;
                        from[t][i] = (MIN_INTERVAL + j <= t).then_some(j);
                    }
                }
            }
        }
        let open = (0..n).flat_map(|t| (0..INTERVALS).map(move |i| (t, i)));
        let last = open.filter(|&(t, i)| t + MIN_INTERVAL + i >= n);
        let mut at = last.max_by(|a, b| score[a.0][a.1].total_cmp(&score[b.0][b.1]));
        let mut beats = Vec::new();
        while let Some((t, i)) = at {
            beats.push(t);
            at = from[t][i].map(|j| (t - MIN_INTERVAL - j, j));
        }
        beats.reverse();
        beats
    }

    fn decode(evidence: &[f32]) -> Vec<usize> {
        let (mut decoder, mut beats) = (BeatDecoder::new(BeatModel::default()), Vec::new());
        for &e in evidence {
            decoder.push(e, &mut |beat| beats.push(beat));
        }
        decoder.finish(&mut |beat| beats.push(beat));
        beats
    }

    #[test]
    fn the_running_maxima_find_the_path_that_plain_search_finds() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        for period in [31, 50, 97] {
            let pulse = |t: usize, r: f32| if t % period == 7 { 1.0 + r } else { 1.5 * r - 1.2 };
            let evidence: Vec<f32> = (0..900).map(|t| pulse(t, random())).collect();
            assert_eq!(decode(&evidence), naive(&evidence), "period {period}");
        }
    }

    #[test]
    fn a_long_track_is_committed_piece_by_piece_without_gaps() {
        let evidence: Vec<f32> = (0..100_000).map(|t| if t % 47 == 11 { 2.0 } else { -1.0 }).collect();
        let expected: Vec<usize> = (0..100_000).filter(|t| t % 47 == 11).collect();
        assert_eq!(decode(&evidence), expected);
        let (mut decoder, mut early) = (BeatDecoder::new(BeatModel::default()), 0);
        for &e in &evidence {
            decoder.push(e, &mut |_| early += 1);
        }
        assert!(early > 1500, "only {early} beats before the end");
    }
}
