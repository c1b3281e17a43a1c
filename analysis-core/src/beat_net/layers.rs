//! The layers, each over the frames as they come.

use super::weights::Weights;
use super::{BANDS, CHANNELS};
use crate::vectors::{self, Simd, WithSimd};

/// A frame between layers.
pub(super) type Row = [f32; CHANNELS];

/// Channels of the first layer.
const FIRST: usize = 12;
/// Taps of the first and of the dilated layers.
const TAPS: usize = 5;
/// Bands of a window of the first layer, and their stride.
const WINDOW: usize = 8;
const STRIDE: usize = 4;
/// Windows of the first layer, and how many of them the second layer takes together.
const WINDOWS: usize = (BANDS - WINDOW) / STRIDE + 1;
const GROUP: usize = 3;
const GROUPS: usize = WINDOWS / GROUP;
/// Value that the input is centred on, and the factor it is spread by.
const CENTRE: f32 = 0.35;
const SPREAD: f32 = 4.0;
/// Frames beyond those needed that a layer keeps before it moves its memory down.
const SLACK: usize = 256;
const _: () = assert!(WINDOWS.is_multiple_of(3) && GROUPS.is_multiple_of(3));

/// A rectifier that lets a tenth of the negative side through.
#[inline(always)]
pub(super) fn leaky(v: f32) -> f32 {
    v.max(0.1 * v)
}

/// `y = x·w + b`.
#[derive(Debug, Clone)]
pub(super) struct Dense<const IN: usize, const OUT: usize> {
    weights: Vec<[f32; OUT]>,
    bias: [f32; OUT],
}

impl<const IN: usize, const OUT: usize> Dense<IN, OUT> {
    pub(super) fn new(weights: &mut Weights) -> Self {
        Self { weights: weights.rows(IN), bias: weights.row() }
    }

    #[inline(always)]
    pub(super) fn apply(&self, x: &[f32; IN]) -> [f32; OUT] {
        let mut y = self.bias;
        accumulate(x, &self.weights, &mut y);
        y
    }
}

/// `y += x·w`, in the order of the rows: vectorises over the columns, and gives the same bytes everywhere.
#[inline(always)]
fn accumulate<const OUT: usize>(x: &[f32], weights: &[[f32; OUT]], y: &mut [f32; OUT]) {
    let mut sum = *y;
    for (&x, row) in x.iter().zip(weights) {
        for (s, &w) in sum.iter_mut().zip(row) {
            *s += x * w;
        }
    }
    *y = sum;
}

/// As [`accumulate`], for three inputs side by side: each weight is fetched once, and no sum waits for the last product.
#[inline(always)]
fn accumulate_three<const OUT: usize>(x: [&[f32]; 3], weights: &[[f32; OUT]], y: &mut [[f32; OUT]; 3]) {
    let [mut first, mut second, mut third] = *y;
    for (((&a, &b), &c), row) in x[0].iter().zip(x[1]).zip(x[2]).zip(weights) {
        for (((f, s), t), &w) in first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut()).zip(row) {
            *f += a * w;
            *s += b * w;
            *t += c * w;
        }
    }
    *y = [first, second, third];
}

/// [`leaky`], in place.
#[inline(always)]
fn rectify<const OUT: usize>(rows: &mut [[f32; OUT]]) {
    for value in rows.as_flattened_mut() {
        *value = leaky(*value);
    }
}

/// From bands to channels: the first two convolutions and the dense layer after them.
#[derive(Debug, Clone)]
pub(super) struct Front {
    /// `[tap·WINDOW + band][channel]`.
    bands: Vec<[f32; FIRST]>,
    bands_bias: [f32; FIRST],
    /// `[(tap·GROUP + window)·FIRST + channel][channel]`.
    groups: Vec<Row>,
    groups_bias: Row,
    merge: Dense<{ GROUPS * CHANNELS }, CHANNELS>,
    /// The last rows of bands, row `i` at `i mod TAPS`.
    heard: [[f32; BANDS]; TAPS],
    rows: usize,
    /// The last three frames of the first layer, frame `i` at `i mod 3`.
    windows: [[f32; WINDOWS * FIRST]; 3],
    frames: usize,
}

impl Front {
    pub(super) fn new(weights: &mut Weights) -> Self {
        let mut bands: Vec<[f32; FIRST]> = weights.rows(TAPS * WINDOW);
        let mut bands_bias: [f32; FIRST] = weights.row();
        for row in &mut bands {
            for (bias, weight) in bands_bias.iter_mut().zip(row) {
                *bias -= CENTRE * SPREAD * *weight;
                *weight *= SPREAD;
            }
        }
        Self {
            bands,
            bands_bias,
            groups: weights.rows(3 * GROUP * FIRST),
            groups_bias: weights.row(),
            merge: Dense::new(weights),
            heard: [[0.0; BANDS]; TAPS],
            rows: 0,
            windows: [[0.0; WINDOWS * FIRST]; 3],
            frames: 0,
        }
    }

    /// Takes the next 10 ms.
    pub(super) fn push(&mut self, row: &[f32; BANDS], out: &mut Vec<Row>) {
        self.heard[self.rows % TAPS] = *row;
        self.rows += 1;
        // Frame j is centred on row 2j.
        if self.rows >= 3 && self.rows % 2 == 1 {
            vectors::widest_of(Listen { front: self, out });
        }
    }

    /// Ends the track; an odd row at its end makes a frame of its own.
    pub(super) fn finish(&mut self, out: &mut Vec<Row>) {
        let frames = self.rows.div_ceil(2);
        while self.frames < frames {
            self.push(&[0.0; BANDS], out);
        }
        if frames > 0 {
            self.windows[self.frames % 3] = [0.0; WINDOWS * FIRST];
            self.frames += 1;
            out.push(self.second_layer());
        }
    }

    #[inline(always)]
    fn first_layer(&mut self) {
        let Self { bands, bands_bias, heard, rows, windows, frames, .. } = self;
        let out = windows[*frames % 3].as_chunks_mut::<FIRST>().0;
        for (three, channels) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let mut sums = [*bands_bias; 3];
            for (tap, weights) in bands.as_chunks::<WINDOW>().0.iter().enumerate() {
                let row = &heard[(*rows + tap) % TAPS];
                let window = |i: usize| &row[STRIDE * (3 * three + i)..][..WINDOW];
                accumulate_three([window(0), window(1), window(2)], weights, &mut sums);
            }
            rectify(&mut sums);
            *channels = sums;
        }
        self.frames += 1;
    }

    #[inline(always)]
    fn second_layer(&self) -> Row {
        const LEN: usize = GROUP * FIRST;
        let mut merged = [0.0; GROUPS * CHANNELS];
        let out = merged.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<3>().0;
        for (three, channels) in out.iter_mut().enumerate() {
            let mut sums = [self.groups_bias; 3];
            for (tap, weights) in self.groups.as_chunks::<LEN>().0.iter().enumerate() {
                let frame = &self.windows[(self.frames + tap) % 3];
                let group = |i: usize| &frame[LEN * (3 * three + i)..][..LEN];
                accumulate_three([group(0), group(1), group(2)], weights, &mut sums);
            }
            rectify(&mut sums);
            *channels = sums;
        }
        let mut row = self.merge.apply(&merged);
        rectify(std::slice::from_mut(&mut row));
        row
    }
}

/// Takes a frame through the front.
struct Listen<'a> {
    front: &'a mut Front,
    out: &'a mut Vec<Row>,
}

impl WithSimd for Listen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.front.first_layer();
        // The first frame has to wait for the one after it.
        if self.front.frames >= 2 {
            self.out.push(self.front.second_layer());
        }
    }
}

/// A residual layer with five taps `dilation` frames apart.
#[derive(Debug, Clone)]
pub(super) struct Dilated {
    dilation: usize,
    /// `[tap·CHANNELS + channel][channel]`.
    taps: Vec<Row>,
    bias: Row,
    mix: Dense<CHANNELS, CHANNELS>,
    /// Frames that are still needed, oldest first; those before the track are zero.
    memory: Vec<Row>,
    /// Where in `memory` the next output's oldest tap lies.
    at: usize,
}

impl Dilated {
    pub(super) fn new(weights: &mut Weights, dilation: usize) -> Self {
        Self {
            taps: weights.rows(TAPS * CHANNELS),
            bias: weights.row(),
            mix: Dense::new(weights),
            memory: vec![[0.0; CHANNELS]; 2 * dilation],
            at: 0,
            dilation,
        }
    }

    /// Takes frames; gives those whose neighbours are all known.
    pub(super) fn process(&mut self, rows: &[Row], out: &mut Vec<Row>) {
        vectors::widest_of(Process { layer: self, rows, out });
    }

    #[inline(always)]
    fn work(&mut self, rows: &[Row], out: &mut Vec<Row>) {
        self.memory.extend_from_slice(rows);
        let end = self.memory.len().saturating_sub(4 * self.dilation);
        while self.at + 3 <= end {
            out.extend(self.three(self.at));
            self.at += 3;
        }
        while self.at < end {
            out.push(self.one(self.at));
            self.at += 1;
        }
        if self.at > SLACK {
            self.memory.drain(..self.at);
            self.at = 0;
        }
    }

    /// Gives the last frames.
    pub(super) fn finish(&mut self, out: &mut Vec<Row>) {
        self.process(&vec![[0.0; CHANNELS]; 2 * self.dilation], out);
    }

    #[inline(always)]
    fn three(&self, at: usize) -> [Row; 3] {
        let mut sum = [self.bias; 3];
        for (tap, weights) in self.taps.chunks_exact(CHANNELS).enumerate() {
            let from = at + tap * self.dilation;
            accumulate_three(
                [&self.memory[from], &self.memory[from + 1], &self.memory[from + 2]],
                weights,
                &mut sum,
            );
        }
        rectify(&mut sum);
        let mut added = [self.mix.bias; 3];
        accumulate_three([&sum[0], &sum[1], &sum[2]], &self.mix.weights, &mut added);
        for (i, row) in added.iter_mut().enumerate() {
            self.add_middle(at + i, row);
        }
        added
    }

    #[inline(always)]
    fn one(&self, at: usize) -> Row {
        let mut sum = self.bias;
        for (tap, weights) in self.taps.chunks_exact(CHANNELS).enumerate() {
            accumulate(&self.memory[at + tap * self.dilation], weights, &mut sum);
        }
        rectify(std::slice::from_mut(&mut sum));
        let mut row = self.mix.apply(&sum);
        self.add_middle(at, &mut row);
        row
    }

    /// What the taps add comes on top of the frame in the middle of them.
    #[inline(always)]
    fn add_middle(&self, at: usize, row: &mut Row) {
        for (value, before) in row.iter_mut().zip(&self.memory[at + 2 * self.dilation]) {
            *value += before;
        }
    }
}

/// Takes frames through a layer.
struct Process<'a> {
    layer: &'a mut Dilated,
    rows: &'a [Row],
    out: &'a mut Vec<Row>,
}

impl WithSimd for Process<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.layer.work(self.rows, self.out);
    }
}

#[cfg(test)]
mod tests;
