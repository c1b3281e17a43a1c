//! Beat times, steadied by their neighbours.
//!
//! Each tracked beat is timed by the attacks near it. Which of two near attacks is the steeper, and how steep a
//! soft one is, hinges on the codec; where the beats around agree on a course, that course is the better clock.

/// A course laid through the beats around one.
#[derive(Debug, Clone, Copy)]
struct Ruler {
    /// Beats to either side.
    reach: usize,
    /// Weight of an even tempo against one that moves.
    even: f64,
    /// Share of the beats that must be on the course for it to be believed as much as the beat itself.
    agreed: f64,
}

/// For music whose tempo moves.
const BENT: Ruler = Ruler { reach: 8, even: 0.004, agreed: 0.35 };
/// For music that keeps its tempo.
const STRAIGHT: Ruler = Ruler { reach: 16, even: 30.0, agreed: 0.45 };
/// Residuals, in seconds, from which on a beat counts less, pass by pass: the first ones find the course, the
/// last ones leave strays out of it.
const STRAY_S: [f64; 5] = [0.030, 0.016, 0.008, 0.005, 0.005];
/// A beat this far from the course, in seconds, is half on it.
const NEAR_S: f64 = 0.008;
/// Distance from the course, in seconds, at which a beat is as likely to be meant as to be a stray.
const MEANT_S: f64 = 0.045;

/// Draws beats towards the course of their neighbours.
///
/// ```text
/// course  t(x) = a + b·x + c·x²,  x = (j - i)/reach   iterated least squares,
///         weights 1/(1 + 3x²) · 1/(1 + (r/stray)²)
/// share   s = mean of 1/(1 + (r/near)²)           of the beats on the course
/// trust   p = 1/(1 + (agreed/s)⁸) · 1/(1 + ((t - a)/meant)⁸)
/// time    t' = t + p·(a - t)                      with the bent course, then with the straight one
/// ```
///
/// Every step is smooth, so that a small change of one time makes small changes only. Steady music gets a clock
/// that is better than its attacks; in free time few beats are on a course and each keeps the time of its own
/// attack. Fewer than five beats are left as they are.
#[must_use]
pub fn steady(times_s: &[f64]) -> Vec<f64> {
    if times_s.len() < 5 {
        return times_s.to_vec();
    }
    let steadied: Vec<f64> = (0..times_s.len())
        .map(|i| {
            let bent = drawn(times_s, i, times_s[i], BENT);
            drawn(times_s, i, bent, STRAIGHT).max(0.0)
        })
        .collect();
    if steadied.windows(2).all(|pair| pair[0] < pair[1]) { steadied } else { times_s.to_vec() }
}

/// `time`, drawn towards where the course around beat `i` has it.
fn drawn(times_s: &[f64], i: usize, time: f64, ruler: Ruler) -> f64 {
    // At the ends as many beats as elsewhere, more of them on one side.
    let count = (2 * ruler.reach + 1).min(times_s.len());
    let from = i.saturating_sub(ruler.reach).min(times_s.len() - count);
    let near = &times_s[from..from + count];
    let (course, share) = course(near, i - from, times_s[i], ruler);
    let away = (times_s[i] - course) / MEANT_S;
    let trust = 1.0 / (1.0 + (ruler.agreed / share).powi(8)) / (1.0 + away.powi(8));
    time + trust * (course - time)
}

/// Where the course of these times stands at the one with index `own`, and the share of them that is on it.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn course(near: &[f64], own: usize, origin: f64, ruler: Ruler) -> (f64, f64) {
    let points: Vec<(f64, f64, f64)> = near
        .iter()
        .enumerate()
        .map(|(j, t)| {
            let x = (j as f64 - own as f64) / ruler.reach as f64;
            (x, t - origin, 1.0 / (1.0 + 3.0 * x * x))
        })
        .collect();
    let mut fit = parabola(points.iter().copied(), ruler.even);
    for stray in STRAY_S {
        let weighed = points.iter().map(|&(x, y, w)| (x, y, w / (1.0 + ((y - at(fit, x)) / stray).powi(2))));
        fit = parabola(weighed, ruler.even);
    }
    let (mut on, mut all) = (0.0, 0.0);
    for &(x, y, w) in &points {
        on += w / (1.0 + ((y - at(fit, x)) / NEAR_S).powi(2));
        all += w;
    }
    (origin + fit[0], on / all)
}

fn at([a, b, c]: [f64; 3], x: f64) -> f64 {
    a + x * (b + x * c)
}

/// Least squares for `y = a + b·x + c·x²` over `(x, y, weight)`, `c` drawn towards 0 by `even`.
fn parabola(points: impl Iterator<Item = (f64, f64, f64)>, even: f64) -> [f64; 3] {
    let (mut s, mut r) = ([0.0_f64; 5], [0.0_f64; 3]);
    for (x, y, w) in points {
        let powers = [1.0, x, x * x, x * x * x, x * x * x * x];
        for (sum, power) in s.iter_mut().zip(powers) {
            *sum += w * power;
        }
        for (sum, power) in r.iter_mut().zip(powers) {
            *sum += w * power * y;
        }
    }
    s[4] += even;
    // Cramer's rule on the symmetric 3 × 3 system.
    let [s0, s1, s2, s3, s4] = s;
    let (m00, m01, m02) = (s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2);
    let (m11, m12, m22) = (s0 * s4 - s2 * s2, s1 * s2 - s0 * s3, s0 * s2 - s1 * s1);
    let det = s0 * m00 + s1 * m01 + s2 * m02;
    [
        (m00 * r[0] + m01 * r[1] + m02 * r[2]) / det,
        (m01 * r[0] + m11 * r[1] + m12 * r[2]) / det,
        (m02 * r[0] + m12 * r[1] + m22 * r[2]) / det,
    ]
}
