//! The recursion over the scores of all paths, a frame at a time.

use super::BeatModel;
use super::history::{Entry, FRESH, KIND_BITS, KINDS, NOWHERE, START};
use super::lanes::{BARS, ENDS, LANES, STARTS, USED};
use super::tempi::{Interval, MAX_INTERVAL, MOST_TEMPI};
use super::two::Two;
use crate::vectors::{self, Simd, WithSimd};

/// Frames whose scores have a say in what is taken off all of them when they are renormalised.
const RECENT: usize = 160;
pub(super) const IMPOSSIBLE: f32 = -1e30;

/// Scores of every place in every bar, for one beat length.
pub(super) type Row = [f32; LANES];
/// The [`Interval::code`] of the beat that each of them ends with.
type Codes = [u32; LANES];
/// A row moved up by a lane: what comes before each place. Room for whole vectors.
type Before<T> = [T; LANES + 8];
/// A value for each kind of bar and each tempo, tempi side by side.
type Bars<T> = [[T; MOST_TEMPI]; BARS];

const NO_ROW: Row = [IMPOSSIBLE; LANES];
const NO_CODES: Codes = [0; LANES];
/// Tempi of which the bars are started together.
const WIDTH: usize = 16;
type Part = [f32; WIDTH];

/// What a tempo knows.
#[derive(Debug, Clone)]
struct Tempo {
    interval: Interval,
    /// Log prior of a beat of that length.
    prior: f32,
    /// Cost of the change from the next shorter beat to this one, and from the next longer.
    lengthen: f32,
    shorten: f32,
    /// Its last [`Interval::longest`] departures, that at frame `t` in row `t mod longest`: best score of all paths that
    /// have a beat of this tempo there. The first rows again after the last, so that neighbours lie side by side.
    departures: Vec<Row>,
    /// Row of the next departure, and of the oldest.
    at: usize,
}

/// Best scores of all paths up to now.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    tempi: Vec<Tempo>,
    /// `[i]`: best score of all paths whose last beat has tempo `i` and ends now, and that beat's code.
    arrivals: Vec<Row>,
    arrived: Vec<Codes>,
    /// `[i]`: the best of those with tempi up to `i`, before a beat of tempo `i`.
    lengthened: Vec<Row>,
    lengthened_from: Vec<Codes>,
    /// `[i]`: the best of all before a beat of tempo `i`.
    best: Vec<Before<f32>>,
    from: Vec<Before<u32>>,
    /// `[bar][i]`: the best of them at the last place of that kind of bar; then, before the first place of such a bar.
    bars: Bars<f32>,
    /// `[i]`: kind of the bar before each kind of bar, as an [`Entry`] has them.
    kinds: [u32; MOST_TEMPI],
    /// Made by [`told`].
    told: Row,
    /// Best score of all paths on which no beat is heard now.
    silent: f32,
    /// `[frame mod RECENT]`: highest departure.
    tops: [f32; RECENT],
    frame: usize,
}

impl Scores {
    pub(super) fn new(model: &BeatModel, intervals: &[Interval]) -> Self {
        let changes: Vec<f32> = intervals.windows(2).map(|pair| pair[0].change(pair[1], model)).collect();
        let tempo = |(i, &interval): (usize, &Interval)| Tempo {
            interval,
            prior: interval.prior(model),
            lengthen: i.checked_sub(1).map_or(0.0, |shorter| changes[shorter]),
            shorten: changes.get(i).copied().unwrap_or(0.0),
            departures: vec![NO_ROW; interval.longest() + interval.play - 1],
            at: 0,
        };
        let count = intervals.len();
        Self {
            tempi: intervals.iter().enumerate().map(tempo).collect(),
            arrivals: vec![NO_ROW; count],
            arrived: vec![NO_CODES; count],
            lengthened: vec![NO_ROW; count],
            lengthened_from: vec![NO_CODES; count],
            best: vec![[IMPOSSIBLE; LANES + 8]; count],
            from: vec![[0; LANES + 8]; count],
            bars: [[IMPOSSIBLE; MOST_TEMPI]; BARS],
            kinds: [0; MOST_TEMPI],
            told: told(),
            silent: 0.0,
            tops: [IMPOSSIBLE; RECENT],
            frame: 0,
        }
    }

    /// Takes what the next frame says: nats for a beat at each place. Writes down where each path came from; gives what
    /// the best silent path came from.
    pub(super) fn advance(&mut self, gain: &Row, model: &BeatModel, entries: &mut [Entry]) -> (u8, u8) {
        vectors::widest_of(Advance { scores: self, gain, model, entries })
    }

    /// Paths whose last beat ends now, and the best of them before a beat of the same tempo or a slower one; the best
    /// of all may fall silent.
    #[inline(always)]
    fn arrive<S: Simd>(&mut self, simd: S, silence_change: f32) -> (u8, u8) {
        let mut highest = IMPOSSIBLE;
        for part in 0..Two::<S>::PARTS {
            let (mut top, mut run) = (Two::all(simd, IMPOSSIBLE), Two::all(simd, IMPOSSIBLE));
            let arrivals = self.arrivals.iter_mut().zip(&mut self.arrived);
            let lengthened = self.lengthened.iter_mut().zip(&mut self.lengthened_from);
            for (i, ((tempo, arrival), longer)) in self.tempi.iter().zip(arrivals).zip(lengthened).enumerate()
            {
                let best = tempo.arrival(simd, part, i);
                top = top.or(simd, best);
                run = run.plus(simd, -tempo.lengthen).or(simd, best);
                best.write(part, arrival.0, arrival.1);
                run.write(part, longer.0, longer.1);
            }
            highest = highest.max(top.highest(simd));
        }
        let found = highest > self.silent + silence_change;
        self.silent = if found { highest } else { self.silent + silence_change } - silence_change;
        if found { self.first_arrival(simd, highest) } else { NOWHERE }
    }

    /// Code and lane of the first of the paths with this score, the highest, that end now.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 codes and places")]
    fn first_arrival<S: Simd>(&self, simd: S, score: f32) -> (u8, u8) {
        for (arrival, arrived) in self.arrivals.iter().zip(&self.arrived) {
            let mut highest = IMPOSSIBLE;
            for part in 0..Two::<S>::PARTS {
                highest = highest.max(Two::read(simd, part, arrival, &NO_CODES).highest(simd));
            }
            if highest >= score {
                let lane = arrival.iter().position(|&x| x >= score).unwrap_or_default();
                return (arrived[lane] as u8, lane as u8);
            }
        }
        NOWHERE
    }

    /// `best[τ'] = max over τ of arrivals[τ] - change(τ, τ')`, for all places side by side.
    #[inline(always)]
    fn choose_lengths<S: Simd>(&mut self, simd: S) {
        for part in 0..Two::<S>::PARTS {
            let ends = self.tempi.iter().zip(&self.arrivals).zip(&self.arrived);
            let lengthened = self.lengthened.iter().zip(&self.lengthened_from);
            let chosen = self.best.iter_mut().zip(&mut self.from);
            let mut run = Two::all(simd, IMPOSSIBLE);
            for ((((tempo, arrival), arrived), longer), (best, from)) in
                ends.zip(lengthened).zip(chosen).rev()
            {
                run = run.plus(simd, -tempo.shorten).or(simd, Two::read(simd, part, arrival, arrived));
                let all = Two::read(simd, part, longer.0, longer.1).or(simd, run);
                all.write(part, &mut best[1..=LANES], &mut from[1..=LANES]);
            }
        }
    }

    /// Before the first place of each kind of bar comes the last of a bar of the same kind, or the best of all last ones.
    #[inline(always)]
    fn start_bars(&mut self, bar_change: f32, fresh: f32) {
        for (i, best) in self.best.iter().enumerate() {
            for (bar, end) in self.bars.iter_mut().zip(ENDS) {
                bar[i] = best[end + 1];
            }
        }
        let kinds = self.kinds.as_chunks_mut::<WIDTH>().0;
        for (part, kinds) in kinds.iter_mut().enumerate() {
            let at = WIDTH * part;
            let mut ends = [[0.0; WIDTH]; BARS];
            for (end, bar) in ends.iter_mut().zip(&self.bars) {
                end.copy_from_slice(&bar[at..at + WIDTH]);
            }
            let (mut top, mut kind) = (ends[0], [0; WIDTH]);
            for (bar, end) in (0_u32..).zip(ends) {
                (top, kind) = better_with(top, kind, end, bar);
            }
            let changed = plus(top, -bar_change);
            let mut all = [0; WIDTH];
            for (bar, end) in (0_u32..).zip(ends) {
                let (score, before) = start(end, changed, [bar; WIDTH], kind, fresh);
                for i in 0..WIDTH {
                    all[i] |= before[i] << (KIND_BITS * bar);
                }
                self.bars[bar as usize][at..at + WIDTH].copy_from_slice(&score);
            }
            *kinds = all;
        }
        for (i, (best, from)) in self.best.iter_mut().zip(&mut self.from).enumerate() {
            for (bar, start) in self.bars.iter().zip(STARTS) {
                best[start] = bar[i];
            }
            for (byte, code) in (0..).zip(&mut from[KINDS..LANES]) {
                *code = self.kinds[i] >> (8 * byte);
            }
        }
    }

    /// A beat now: the next place in the bar, or the first of the next bar, or the first beat after silence.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 codes")]
    fn depart<S: Simd>(&mut self, simd: S, gain: &Row, fresh: f32, entries: &mut [Entry]) {
        let mut highest = IMPOSSIBLE;
        let anew = Two::all(simd, fresh).coded(simd, START.into());
        for part in 0..Two::<S>::PARTS {
            let mut top = Two::all(simd, IMPOSSIBLE);
            let gain = Two::read(simd, part, gain, &NO_CODES);
            let told = Two::read(simd, part, &self.told, &NO_CODES).plus(simd, fresh);
            let told = told.coded(simd, START.into());
            let chosen = self.best.iter().zip(&mut self.from);
            for (tempo, (best, from)) in self.tempi.iter_mut().zip(chosen) {
                let before = Two::read(simd, part, &best[..LANES], &from[..LANES]);
                let codes = before.or(simd, told);
                let row = before.or(simd, anew).sum(simd, gain).coded_as(codes);
                top = top.or(simd, row);
                row.write(part, &mut tempo.departures[tempo.at], &mut from[..LANES]);
            }
            highest = highest.max(top.highest(simd));
        }
        for tempo in &mut self.tempi {
            tempo.advance();
        }
        for (entry, from) in entries.iter_mut().zip(&self.from) {
            let mut bytes = [0; LANES];
            for lane in 0..LANES {
                bytes[lane] = from[lane] as u8;
            }
            *entry = bytes;
        }
        self.tops[self.frame % RECENT] = highest;
    }

    /// Takes the best score of late off all scores, which keeps them exact to about 1e-3 in f32.
    pub(super) fn renormalise(&mut self) {
        let top = self.tops.iter().fold(self.silent, |m, &x| m.max(x));
        let off = |score: &mut f32| *score = (*score - top).max(IMPOSSIBLE);
        self.tempi.iter_mut().flat_map(|tempo| &mut tempo.departures).flatten().for_each(off);
        self.tops.iter_mut().for_each(off);
        self.silent -= top;
    }

    /// Best score of all paths on which no beat is heard now.
    pub(super) fn silent(&self) -> f32 {
        self.silent
    }

    /// Best scores of all paths with a beat of tempo `i` at this frame, one of the last that can still go on.
    pub(super) fn departures(&self, frame: usize, i: usize) -> [f32; USED] {
        let tempo = &self.tempi[i];
        let row = &tempo.departures[frame % tempo.interval.longest()];
        std::array::from_fn(|lane| row[lane])
    }
}

impl Tempo {
    /// Paths whose last beat has this tempo, the `i`-th, and ends now.
    #[inline(always)]
    fn arrival<S: Simd>(&self, simd: S, part: usize, i: usize) -> Two<S> {
        let window = &self.departures[self.at..][..self.interval.play];
        let Some((shortest, longer)) = window.split_last() else { return Two::all(simd, IMPOSSIBLE) };
        let mut best = Two::read(simd, part, shortest, &NO_CODES).coded(simd, Interval::code(i, 0));
        for (j, row) in (1..).zip(longer.iter().rev()) {
            best = best.or(simd, Two::read(simd, part, row, &NO_CODES).coded(simd, Interval::code(i, j)));
        }
        best.plus(simd, self.prior)
    }

    /// To the row of the next frame.
    #[inline(always)]
    fn advance(&mut self) {
        let longest = self.interval.longest();
        if self.at + longest < self.departures.len() {
            self.departures[self.at + longest] = self.departures[self.at];
        }
        self.at = if self.at + 1 == longest { 0 } else { self.at + 1 };
    }
}

/// A frame's work.
struct Advance<'a> {
    scores: &'a mut Scores,
    gain: &'a Row,
    model: &'a BeatModel,
    entries: &'a mut [Entry],
}

impl WithSimd for Advance<'_> {
    type Output = (u8, u8);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (u8, u8) {
        let Self { scores, gain, model, entries } = self;
        let silence = scores.arrive(simd, model.silence_change);
        // A track may begin anywhere inside its first beat.
        let enter = if scores.frame < MAX_INTERVAL { 0.0 } else { model.silence_change };
        let fresh = scores.silent - enter;
        scores.choose_lengths(simd);
        scores.start_bars(model.bar_change, fresh);
        scores.depart(simd, gain, fresh, entries);
        scores.frame += 1;
        silence
    }
}

/// Zero for each place of which [`Entry`] tells by a code whether a path begins anew; of the others [`FRESH`] tells.
fn told() -> Row {
    let mut told = [0.0; LANES];
    told[0] = f32::NEG_INFINITY;
    for end in ENDS {
        told[end + 1] = f32::NEG_INFINITY;
    }
    told[KINDS..].fill(f32::NEG_INFINITY);
    told
}

// Parts are passed by value, so that they stay in registers.

/// What is better of the two, of equals the first; `code` stands for all that is offered.
#[inline(always)]
fn better_with(mut best: Part, mut source: [u32; WIDTH], offered: Part, code: u32) -> (Part, [u32; WIDTH]) {
    for lane in 0..WIDTH {
        let better = offered[lane] > best[lane];
        best[lane] = if better { offered[lane] } else { best[lane] };
        source[lane] = if better { code } else { source[lane] };
    }
    (best, source)
}

/// Score and kind of what comes before a first place: the same kind of bar, another, or silence.
#[inline(always)]
fn start(
    end: Part,
    changed: Part,
    same: [u32; WIDTH],
    other: [u32; WIDTH],
    fresh: f32,
) -> (Part, [u32; WIDTH]) {
    let (mut score, mut kind) = (end, same);
    for i in 0..WIDTH {
        let stays = end[i] >= changed[i];
        score[i] = if stays { end[i] } else { changed[i] };
        kind[i] = if stays { same[i] } else { other[i] };
        kind[i] = if fresh > score[i] { FRESH } else { kind[i] };
    }
    (score, kind)
}

#[inline(always)]
fn plus(mut row: Part, nats: f32) -> Part {
    for score in &mut row {
        *score += nats;
    }
    row
}
