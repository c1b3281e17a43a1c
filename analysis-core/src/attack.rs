//! When exactly an attack happens: a fine envelope of the samples.

/// Length of a fine step, in seconds: 1 ms.
const STEPS_PER_FRAME: u64 = 10;
/// Steps compared before and after a moment.
const SPAN: usize = 10;

/// Weight of the side after a moment that makes steady sound weigh the same on both: `Σ k/SPAN / Σ (k/SPAN)³`,
/// k = 1 to SPAN.
const EVEN: f32 = 20.0 / 11.0;

/// Decay of the remembered level over 1 ms: half-life 1.4 s.
const LEVEL_DECAY: f32 = 0.9995;
/// Energy, relative to the loudest of the last seconds, that is added on both sides (-25 dB), so that what
/// codecs leave between sounds makes no attacks.
const FLOOR: f32 = 0.003;
/// … and energy of the slope that is always added: digital silence has no attacks.
const QUIETEST: f32 = 1e-12;

/// The steepest rise near a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Attack {
    /// Its time from the frame's centre, in ms, -5 to 5.
    pub offset_ms: f32,
    /// How steep it is: rise of the energy over 10 ms, in nepers, 0 and up.
    pub strength: f32,
}

/// Finds, for each frame of 10 ms, the steepest rise of energy within it.
#[derive(Debug, Clone)]
pub struct Attacks {
    rate: u64,
    scale: f32,
    last: f32,
    sample: u64,
    step_end: u64,
    step: u64,
    /// Samples of the fine step begun.
    held: Vec<f32>,
    ring: [f32; 2 * SPAN],
    level: f32,
    rises: [f32; 3],
    best: (f32, f32),
}

impl Attacks {
    /// For samples at `sample_rate_hz`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sample rates are far below 2^24")]
    pub fn new(sample_rate_hz: u32) -> Self {
        Self {
            rate: u64::from(sample_rate_hz),
            scale: (sample_rate_hz as f32 / 8000.0).powi(2),
            last: 0.0,
            sample: 0,
            step_end: step_end(0, u64::from(sample_rate_hz)),
            step: 0,
            held: Vec::with_capacity(sample_rate_hz as usize / 1000 + 1),
            ring: [0.0; 2 * SPAN],
            level: 0.0,
            rises: [0.0; 3],
            best: (0.0, 0.0),
        }
    }

    /// Takes samples; gives an attack for each completed frame, in order.
    pub fn push(&mut self, mono: &[f32], out: &mut impl FnMut(Attack)) {
        let mut rest = mono;
        while !rest.is_empty() {
            let want = usize::try_from(self.step_end - self.sample).map_or(rest.len(), |n| n.min(rest.len()));
            let (now, later) = rest.split_at(want);
            self.held.extend_from_slice(now);
            self.sample += want as u64;
            rest = later;
            if self.sample == self.step_end {
                self.end_step(out);
            }
        }
    }

    /// Gives the attacks of the last frames, as if silence followed.
    pub fn finish(&mut self, out: &mut impl FnMut(Attack)) {
        for _ in 0..3 * STEPS_PER_FRAME {
            self.end_step(out);
        }
    }

    fn end_step(&mut self, out: &mut impl FnMut(Attack)) {
        self.ring.rotate_left(1);
        self.ring[2 * SPAN - 1] = self.scale * slope_energy(&self.held, self.last);
        self.last = self.held.last().copied().unwrap_or(0.0);
        self.held.clear();
        let (before, after) = self.sides();
        self.level = (self.level * LEVEL_DECAY).max(after);
        let floor = FLOOR * self.level + QUIETEST;
        let rise = ((after + floor) / (before + floor)).ln();
        self.step += 1;
        self.step_end = step_end(self.step, self.rate);
        self.rises.rotate_left(1);
        self.rises[2] = rise;
        // The middle one of the three is the rise SPAN + 1 steps ago.
        if self.step < 1 + SPAN as u64 {
            return;
        }
        let boundary = self.step - 1 - SPAN as u64;
        self.consider(boundary);
        // Frame i holds the boundaries from 5 steps before its centre to 4 after.
        if boundary % STEPS_PER_FRAME == STEPS_PER_FRAME / 2 - 1 {
            out(Attack { offset_ms: self.best.1, strength: self.best.0.max(0.0) });
            self.best = (0.0, 0.0);
        }
    }

    /// Energy on both sides of the boundary, what is nearer weighing more, and after it more steeply so: codecs let
    /// a faint copy of an attack sound some ms before it, and a boundary there must not win by the attack that it
    /// sees from afar. (With equal weights coded copies had their beats up to 3.5 ms early; so, 2 ms.)
    #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
    fn sides(&self) -> (f32, f32) {
        let (mut before, mut after) = (0.0, 0.0);
        for k in 0..SPAN {
            let near = (SPAN - k) as f32 / SPAN as f32;
            before += near * self.ring[SPAN - 1 - k];
            after += EVEN * near * near * near * self.ring[SPAN + k];
        }
        (before, after)
    }

    fn consider(&mut self, boundary: u64) {
        let [a, b, c] = self.rises;
        if b > self.best.0 && b >= a && b > c {
            let curve = a - 2.0 * b + c;
            let shift = if curve < -1e-6 { (0.5 * (a - c) / curve).clamp(-0.5, 0.5) } else { 0.0 };
            let within = (boundary % STEPS_PER_FRAME) as f32;
            let offset = if within >= 5.0 { within - 10.0 } else { within };
            self.best = (b, offset + shift);
        }
    }
}

/// Mean square of the first difference: attacks are broadband, and steady bass is not in the way.
///
/// Eight lanes of fixed order: vectorises, and gives the same bytes everywhere.
#[expect(clippy::cast_precision_loss, reason = "a handful of samples")]
fn slope_energy(samples: &[f32], before: f32) -> f32 {
    let Some(&first) = samples.first() else { return 0.0 };
    let mut lanes = [0.0_f32; 8];
    lanes[0] = (first - before) * (first - before);
    let (later, earlier) = (&samples[1..], &samples[..samples.len() - 1]);
    let (later8, earlier8) = (later.chunks_exact(8), earlier.chunks_exact(8));
    for (lane, (x, y)) in lanes.iter_mut().zip(later8.remainder().iter().zip(earlier8.remainder())) {
        *lane += (x - y) * (x - y);
    }
    for (x, y) in later8.zip(earlier8) {
        for lane in 0..8 {
            lanes[lane] += (x[lane] - y[lane]) * (x[lane] - y[lane]);
        }
    }
    lanes.iter().sum::<f32>() / samples.len() as f32
}

/// First sample after fine step `step`.
fn step_end(step: u64, rate: u64) -> u64 {
    ((step + 1) * rate + 500) / 1000
}
