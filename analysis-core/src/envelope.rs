//! Loudness as it swings: the spread of the samples every 10 ms.

/// Steps a second.
const STEPS_PER_SECOND: u32 = 100;
const LANES: usize = 8;

/// Turns mono samples into their standard deviation over steps of 10 ms; streaming, in constant memory.
///
/// ```text
/// s[k] = √(mean of (x − mean of x)²)        over the samples round(k·rate/100) to before round((k+1)·rate/100)
/// ```
///
/// A constant offset of the signal has no influence, silence reads exactly 0, and how the samples are split into
/// blocks does not matter. What is left at the end, less than a step, is not read.
#[derive(Debug, Clone)]
pub struct Envelope {
    sample_rate_hz: u32,
    step: u64,
    wanted: usize,
    held: Vec<f32>,
}

impl Envelope {
    /// Before the first sample of audio of `sample_rate_hz` (8,000 to 192,000 in this engine).
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        let mut envelope = Self { sample_rate_hz, step: 0, wanted: 0, held: Vec::new() };
        envelope.begin();
        envelope
    }

    /// Takes the next samples and hands out the deviation of each step that they complete.
    pub fn push(&mut self, mono: &[f32], on_deviation: &mut impl FnMut(f32)) {
        let mut rest = mono;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((self.wanted - self.held.len()).min(rest.len()));
            self.held.extend_from_slice(now);
            rest = later;
            if self.held.len() == self.wanted {
                on_deviation(deviation(&self.held));
                self.step += 1;
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        let per_second = u64::from(STEPS_PER_SECOND);
        let bound = |step: u64| (step * u64::from(self.sample_rate_hz) + per_second / 2) / per_second;
        self.wanted = usize::try_from(bound(self.step + 1) - bound(self.step)).unwrap_or(1).max(1);
        self.held.clear();
    }
}

fn deviation(samples: &[f32]) -> f32 {
    let count = samples.len() as f32;
    let mean = crate::bands::sum(samples) / count;
    let mut squares = [0.0_f32; LANES];
    let mut add = |values: &[f32]| {
        for (lane, x) in squares.iter_mut().zip(values) {
            *lane += (x - mean) * (x - mean);
        }
    };
    let (groups, rest) = samples.as_chunks::<LANES>();
    groups.iter().for_each(|group| add(group));
    add(rest);
    (squares.iter().sum::<f32>() / count).sqrt()
}
