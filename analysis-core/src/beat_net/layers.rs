//! The layers, each over the frames as they come.

use super::weights::Weights;
use super::{BANDS, CHANNELS};

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

/// A rectifier that lets a tenth of the negative side through.
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

    pub(super) fn apply(&self, x: &[f32; IN]) -> [f32; OUT] {
        let mut y = self.bias;
        accumulate(x, &self.weights, &mut y);
        y
    }
}

/// `y += x·w`, in the order of the rows: vectorises over the columns, and gives the same bytes everywhere.
fn accumulate<const OUT: usize>(x: &[f32], weights: &[[f32; OUT]], y: &mut [f32; OUT]) {
    let mut sum = *y;
    for (&x, row) in x.iter().zip(weights) {
        for (s, &w) in sum.iter_mut().zip(row) {
            *s += x * w;
        }
    }
    *y = sum;
}

/// As [`accumulate`], for two frames at a time: each weight is fetched once.
fn accumulate_two<const OUT: usize>(x: [&[f32]; 2], weights: &[[f32; OUT]], y: &mut [[f32; OUT]; 2]) {
    let [mut first, mut second] = *y;
    for ((&a, &b), row) in x[0].iter().zip(x[1]).zip(weights) {
        for ((f, s), &w) in first.iter_mut().zip(second.iter_mut()).zip(row) {
            *f += a * w;
            *s += b * w;
        }
    }
    *y = [first, second];
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
    /// The last rows of bands, oldest first.
    heard: [[f32; BANDS]; TAPS],
    rows: usize,
    /// The last three frames of the first layer, oldest first.
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
        self.heard.rotate_left(1);
        self.heard[TAPS - 1] = *row;
        self.rows += 1;
        // Frame j is centred on row 2j.
        if self.rows >= 3 && self.rows % 2 == 1 {
            let windows = self.first_layer();
            self.push_windows(windows, out);
        }
    }

    /// Ends the track; an odd row at its end makes a frame of its own.
    pub(super) fn finish(&mut self, out: &mut Vec<Row>) {
        let frames = self.rows.div_ceil(2);
        while self.frames < frames {
            self.push(&[0.0; BANDS], out);
        }
        if frames > 0 {
            self.push_windows([0.0; WINDOWS * FIRST], out);
        }
    }

    fn first_layer(&self) -> [f32; WINDOWS * FIRST] {
        let mut out = [0.0; WINDOWS * FIRST];
        for (place, channels) in out.as_chunks_mut::<FIRST>().0.iter_mut().enumerate() {
            let mut sum = self.bands_bias;
            for (row, weights) in self.heard.iter().zip(self.bands.chunks_exact(WINDOW)) {
                accumulate(&row[STRIDE * place..][..WINDOW], weights, &mut sum);
            }
            *channels = sum.map(leaky);
        }
        out
    }

    fn push_windows(&mut self, windows: [f32; WINDOWS * FIRST], out: &mut Vec<Row>) {
        self.windows.rotate_left(1);
        self.windows[2] = windows;
        self.frames += 1;
        // The first frame has to wait for the one after it.
        if self.frames >= 2 {
            out.push(self.second_layer());
        }
    }

    fn second_layer(&self) -> Row {
        const LEN: usize = GROUP * FIRST;
        let mut merged = [0.0; GROUPS * CHANNELS];
        for (group, channels) in merged.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            let mut sum = self.groups_bias;
            for (frame, weights) in self.windows.iter().zip(self.groups.chunks_exact(LEN)) {
                accumulate(&frame[LEN * group..][..LEN], weights, &mut sum);
            }
            *channels = sum.map(leaky);
        }
        self.merge.apply(&merged).map(leaky)
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
        self.memory.extend_from_slice(rows);
        let ready = self.memory.len().saturating_sub(self.at + 4 * self.dilation);
        for _ in 0..ready / 2 {
            let y = self.two(self.at);
            out.extend(y);
            self.at += 2;
        }
        if ready % 2 == 1 {
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

    fn two(&self, at: usize) -> [Row; 2] {
        let mut sum = [self.bias; 2];
        for (tap, weights) in self.taps.chunks_exact(CHANNELS).enumerate() {
            let from = at + tap * self.dilation;
            accumulate_two([&self.memory[from], &self.memory[from + 1]], weights, &mut sum);
        }
        let [first, second] = sum;
        [self.mixed(at, first), self.mixed(at + 1, second)]
    }

    fn one(&self, at: usize) -> Row {
        let mut sum = self.bias;
        for (tap, weights) in self.taps.chunks_exact(CHANNELS).enumerate() {
            accumulate(&self.memory[at + tap * self.dilation], weights, &mut sum);
        }
        self.mixed(at, sum)
    }

    /// The frame in the middle of the taps, with what they add.
    fn mixed(&self, at: usize, sum: Row) -> Row {
        let mut row = self.mix.apply(&sum.map(leaky));
        for (value, before) in row.iter_mut().zip(&self.memory[at + 2 * self.dilation]) {
            *value += before;
        }
        row
    }
}
