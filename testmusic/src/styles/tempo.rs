//! When each beat falls: steady, swept, stepped, drifting or free.

use crate::Rng;
use std::f64::consts::TAU;

/// How the tempo moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TempoPlan {
    /// As a machine plays.
    Constant,
    /// Evenly, in ratio, to `to` times the first tempo.
    Ramp {
        /// Last tempo as a share of the first.
        to: f64,
    },
    /// At once, at a section, to `to` times the first tempo.
    Step {
        /// Later tempo as a share of the first.
        to: f64,
        /// Share of the beats before the step, 0 to 1.
        after: f64,
    },
    /// As a band without a click plays: slow waves of at most `depth` around the tempo.
    Drift {
        /// Largest deviation, as a share.
        depth: f64,
    },
    /// As a soloist plays: every phrase of `beats` slows down at its end by `depth`, and each beat is uneven.
    Rubato {
        /// How much longer the last beat of a phrase is, as a share.
        depth: f64,
        /// Beats in a phrase.
        beats: usize,
    },
}

impl TempoPlan {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "steady",
            Self::Ramp { .. } => "ramp",
            Self::Step { .. } => "step",
            Self::Drift { .. } => "drift",
            Self::Rubato { .. } => "rubato",
        }
    }

    /// Times of `count` beats and of the end of the last, from `first_s`; beats of `bpm` where nothing moves.
    pub(super) fn times(self, bpm: f64, first_s: f64, count: usize, rng: &mut Rng) -> Vec<f64> {
        let phases: Vec<f64> = (0..3).map(|_| rng.unit()).collect();
        let mut time = first_s;
        let mut times = vec![time];
        for beat in 0..count {
            time += 60.0 / bpm / self.pace(beat, count, &phases, rng);
            times.push(time);
        }
        times
    }

    /// Tempo of a beat as a share of the first tempo.
    fn pace(self, beat: usize, count: usize, phases: &[f64], rng: &mut Rng) -> f64 {
        let share = beat as f64 / count as f64;
        match self {
            Self::Constant => 1.0,
            Self::Ramp { to } => to.powf(share),
            Self::Step { to, after } => {
                if share < after {
                    1.0
                } else {
                    to
                }
            }
            Self::Drift { depth } => {
                let wave = |(period, phase): (f64, &f64)| (TAU * (beat as f64 / period + phase)).sin();
                1.0 + depth * [61.0, 37.0, 17.0].into_iter().zip(phases).map(wave).sum::<f64>() / 3.0
            }
            Self::Rubato { depth, beats } => {
                let place = (beat % beats) as f64 / beats as f64;
                let uneven = 0.025 * f64::from(rng.noise());
                (1.0 + 0.05 * (TAU * place).sin() + uneven) / (1.0 + depth * place.powi(6))
            }
        }
    }
}

/// Swung notes: pairs of equal notes in writing, the first longer in playing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swing {
    /// How much longer the first is than the second.
    pub ratio: f64,
    /// Pairs in a beat: 1 swings eighths, 2 swings sixteenths.
    pub pairs: u32,
}

impl Swing {
    /// Where in a beat (0 to 1) a note is played that is written at `place` (0 to 1).
    pub(super) fn bend(self, place: f64) -> f64 {
        let pairs = f64::from(self.pairs);
        let (pair, within) = ((place * pairs).floor(), (place * pairs).fract());
        let turn = self.ratio / (1.0 + self.ratio);
        let bent =
            if within < 0.5 { 2.0 * within * turn } else { turn + (2.0 * within - 1.0) * (1.0 - turn) };
        (pair + bent) / pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_move_as_they_say() {
        let steps = |plan: TempoPlan| {
            let times = plan.times(120.0, 1.0, 64, &mut Rng::new(1));
            assert_eq!((times.len(), times[0]), (65, 1.0));
            times.windows(2).map(|w| w[1] - w[0]).collect::<Vec<f64>>()
        };
        assert!(steps(TempoPlan::Constant).iter().all(|s| (s - 0.5).abs() < 1e-9));
        let ramp = steps(TempoPlan::Ramp { to: 1.2 });
        assert!((ramp[0] - 0.5).abs() < 1e-9 && (ramp[63] - 0.5 / 1.2).abs() < 0.01);
        let step = steps(TempoPlan::Step { to: 0.8, after: 0.5 });
        assert!((step[31] - 0.5).abs() < 1e-9 && (step[32] - 0.625).abs() < 1e-9);
        let drift = steps(TempoPlan::Drift { depth: 0.05 });
        assert!(drift.iter().all(|s| (s / 0.5 - 1.0).abs() < 0.06) && drift[0] != drift[9]);
        let rubato = steps(TempoPlan::Rubato { depth: 0.3, beats: 16 });
        assert!(rubato[15] > 1.1 * rubato[4], "the phrase slows down at its end");
    }

    #[test]
    fn swing_moves_the_second_of_a_pair_alone() {
        let eighths = Swing { ratio: 2.0, pairs: 1 };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(eighths.bend(0.0), 0.0) && close(eighths.bend(0.5), 2.0 / 3.0));
        let sixteenths = Swing { ratio: 1.5, pairs: 2 };
        assert!(close(sixteenths.bend(0.25), 0.3) && close(sixteenths.bend(0.5), 0.5));
        assert!(close(sixteenths.bend(0.75), 0.8));
    }
}
