//! Danceability: how regular loudness is over seconds.

use crate::envelope::Envelope;

/// Shortest window, in steps of 10 ms, and how much longer each next one is: 310 ms to 8.7 s in 36 scales, as in
/// Streich & Herrera.
const SHORTEST: f64 = 31.0;
const LONGEST: f64 = 880.0;
const RATIO: f64 = 1.1;
/// Windows of the longest scale that a track must hold: 26 s.
const LEAST_WINDOWS: u64 = 3;
/// Correction of short windows, in steps (Streich & Herrera 2005).
const SHORT_WINDOWS: f64 = 3.0;
/// Fluctuation over the longest windows, in mean deviations, under which sound stands still, as a test tone does: what
/// is measured then is how 10 ms cut its waves. White noise reads 0.13, a sine 0.02 at most.
const STILL: f64 = 0.05;
/// Mean deviation of silence: −70 dB.
const SILENCE: f64 = 3.2e-4;
/// The most that is said: music that repeats exactly has exponents around 0, whose inverse means nothing.
const MOST: f64 = 3.0;

/// Detrended fluctuation analysis of loudness, after S. Streich, P. Herrera, "Detrended fluctuation analysis of music
/// signals: danceability estimation and further semantic characterization" (AES 118th Convention, 2005).
///
/// ```text
/// y[k] = Σ_{i ≤ k} s[i]                                         s: deviation of the samples per 10 ms
/// F(n) = √(mean of (y − straight line through y)²)              over windows of n steps, a line for each
/// α    = log(F(n′)/F(n)) / log((n′ + 3)/(n + 3))                n′ the next longer window
/// danceability = 1 / mean of α, at most 3
/// ```
///
/// A strong steady beat makes loudness return to where it was, so that fluctuation hardly grows with the window: small
/// exponents, high danceability. Music without a beat wanders: its exponents are near 1 and above (1/f noise has 1, a
/// random walk 1.5, white noise 0.5). It says how regular loudness is, not whether anyone would dance.
///
/// Each scale keeps the sums of the window it is in, in f64, and integrates from the start of that window relative to
/// the window's first value: a constant and a straight line more or less are what the fit removes, so nothing is lost,
/// and no sum grows with the length of the track. Windows do not overlap; what is left at the end is not used.
#[derive(Debug, Clone)]
pub struct DanceTracker {
    scales: Vec<Scale>,
    sum: f64,
    steps: u64,
}

impl Default for DanceTracker {
    fn default() -> Self {
        let lengths = std::iter::successors(Some(SHORTEST), |length| Some(length * RATIO));
        let scales = lengths.take_while(|&length| length <= LONGEST).map(Scale::new).collect();
        Self { scales, sum: 0.0, steps: 0 }
    }
}

impl DanceTracker {
    /// Takes the deviation of the next 10 ms, as [`Envelope`] makes it.
    pub fn push(&mut self, deviation: f32) {
        let deviation = f64::from(deviation);
        self.sum += deviation;
        self.steps += 1;
        self.scales.iter_mut().for_each(|scale| scale.push(deviation));
    }

    /// What was heard; `None` for silence, for sound that stands still, and for less than three of the longest windows
    /// (26 s).
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most 3")]
    pub fn finish(&self) -> Option<f32> {
        let mean = self.sum / self.steps.max(1) as f64;
        let longest = self.scales.last().filter(|scale| scale.windows >= LEAST_WINDOWS)?;
        if mean < SILENCE || longest.fluctuation() < STILL * mean {
            return None;
        }
        let exponents = self.scales.windows(2).map(|pair| pair[1].exponent(&pair[0]));
        let alpha = exponents.sum::<f64>() / (self.scales.len() - 1) as f64;
        // Windows that all stand still, beside some that do not, have no exponent.
        alpha.is_finite().then(|| (1.0 / alpha.max(1.0 / MOST)) as f32)
    }
}

/// Danceability of mono samples that are all there.
#[must_use]
pub fn danceability(mono: &[f32], sample_rate_hz: u32) -> Option<f32> {
    let mut tracker = DanceTracker::default();
    Envelope::new(sample_rate_hz).push(mono, &mut |deviation| tracker.push(deviation));
    tracker.finish()
}

/// Windows of one length.
#[derive(Debug, Clone)]
struct Scale {
    length: f64,
    /// The window begun: steps taken, the first one's value, and the integral of all relative to it.
    taken: f64,
    first: f64,
    integral: f64,
    /// Sums over the window of y, k·y and y².
    sums: [f64; 3],
    /// Sum over the whole windows of the mean square beside their lines.
    residuals: f64,
    windows: u64,
}

impl Scale {
    fn new(length: f64) -> Self {
        Self {
            length: length.round(),
            taken: 0.0,
            first: 0.0,
            integral: 0.0,
            sums: [0.0; 3],
            residuals: 0.0,
            windows: 0,
        }
    }

    fn push(&mut self, deviation: f64) {
        if self.taken == 0.0 {
            self.first = deviation;
        }
        self.integral += deviation - self.first;
        let y = self.integral;
        self.sums[0] += y;
        self.sums[1] += self.taken * y;
        self.sums[2] += y * y;
        self.taken += 1.0;
        if self.taken >= self.length {
            self.close();
        }
    }

    /// Mean square beside the least-squares line over k = 0 … n − 1: `Σy² − (Σy)²/n − cov²/Σ(k − k̄)²`, over n.
    fn close(&mut self) {
        let (n, [y, ky, yy]) = (self.length, self.sums);
        let covariance = ky - 0.5 * (n - 1.0) * y;
        let spread = n * (n * n - 1.0) / 12.0;
        let squares = yy - y * y / n - covariance * covariance / spread;
        self.residuals += squares.max(0.0) / n;
        self.windows += 1;
        (self.taken, self.integral, self.sums) = (0.0, 0.0, [0.0; 3]);
    }

    fn fluctuation(&self) -> f64 {
        (self.residuals / self.windows.max(1) as f64).sqrt()
    }

    /// How fast fluctuation grows from the shorter scale to this one.
    fn exponent(&self, shorter: &Self) -> f64 {
        let longer = (self.length + SHORT_WINDOWS) / (shorter.length + SHORT_WINDOWS);
        (self.fluctuation() / shorter.fluctuation()).ln() / longer.ln()
    }
}
