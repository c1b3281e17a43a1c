//! The likeliest sequence of chords, settled some seconds behind the music.

use crate::chords::{Fit, STATES, TRIADS};
use std::collections::VecDeque;

/// What a change of chord costs, in fit summed over anchors of 100 ms.
const CHANGE_COST: f32 = 2.0;
/// Anchors that may still change their chord: 20 s. A change is decided within two or three.
const LAG: usize = 200;

/// Consecutive anchors over one chord.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    /// Its first anchor; the next run's first one ends it.
    pub(crate) from: u32,
    /// Its state: a triad, or none.
    pub(crate) state: u8,
    /// Mean fit.
    pub(crate) fit: f32,
    /// Mean lead over the second best, negative where another one fits better.
    pub(crate) lead: f32,
}

/// A Viterbi search with a fixed lag, in constant memory beside its runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChordPath {
    totals: Fit,
    open: VecDeque<Step>,
    settled: Vec<Run>,
    last: Sums,
    anchors: u32,
}

/// An anchor whose chord is not settled.
#[derive(Debug, Clone, Copy)]
struct Step {
    came_from: [u8; STATES],
    fit: Fit,
}

/// What the run that is being settled adds up to.
#[derive(Debug, Clone, Copy)]
struct Sums {
    anchors: u32,
    /// In double precision: a drone may last for days.
    fits: [f64; STATES],
}

impl Default for Sums {
    fn default() -> Self {
        Self { anchors: 0, fits: [0.0; STATES] }
    }
}

impl ChordPath {
    /// Takes how well the next anchor fits each state.
    pub(crate) fn push(&mut self, fit: Fit) {
        let leader = best(&self.totals);
        let changed = self.totals[leader] - CHANGE_COST;
        let mut came_from = [0; STATES];
        let leading = self.totals[leader];
        for ((state, from), total) in (0_u8..).zip(&mut came_from).zip(&mut self.totals) {
            *from = if changed > *total { u8::try_from(leader).unwrap_or(state) } else { state };
            // Counted from the leader, so that the sum stays small over any length.
            *total = total.max(changed) - leading + fit[usize::from(state)];
        }
        self.open.push_back(Step { came_from, fit });
        if self.open.len() == 2 * LAG {
            self.settle(LAG);
        }
    }

    /// Settles everything.
    pub(crate) fn finish(mut self) -> Vec<Run> {
        self.settle(self.open.len());
        self.close();
        self.settled
    }

    /// Settles the first `count` anchors.
    fn settle(&mut self, count: usize) {
        let mut state = best(&self.totals);
        let mut states = vec![0; self.open.len()];
        for (step, at) in self.open.iter().zip(&mut states).rev() {
            *at = state;
            state = usize::from(step.came_from[state]);
        }
        for state in states.into_iter().take(count) {
            if let Some(step) = self.open.pop_front() {
                self.extend(state, &step.fit);
            }
        }
    }

    fn extend(&mut self, state: usize, fit: &Fit) {
        let state = u8::try_from(state).unwrap_or(u8::MAX);
        if self.settled.last().is_none_or(|run| run.state != state) {
            self.close();
            self.settled.push(Run { from: self.anchors, state, fit: 0.0, lead: 0.0 });
        }
        self.last.fits.iter_mut().zip(fit).for_each(|(sum, fit)| *sum += f64::from(*fit));
        self.last.anchors += 1;
        self.anchors += 1;
    }

    /// Ends the run that was being settled.
    #[expect(clippy::cast_possible_truncation, reason = "means need no more than f32")]
    fn close(&mut self) {
        let Sums { anchors, fits } = std::mem::take(&mut self.last);
        if let Some(run) = self.settled.last_mut() {
            let state = usize::from(run.state);
            let others = fits[..TRIADS].iter().enumerate().filter(|(other, _)| *other != state);
            let second = others.map(|(_, fit)| *fit).fold(f64::MIN, f64::max).max(fits[TRIADS]);
            run.fit = (fits[state] / f64::from(anchors)) as f32;
            run.lead = ((fits[state] - second) / f64::from(anchors)) as f32;
        }
    }
}

/// The leading state; of equals, the first.
fn best(totals: &Fit) -> usize {
    (1..STATES).fold(0, |leader, state| if totals[state] > totals[leader] { state } else { leader })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clear(state: usize) -> Fit {
        std::array::from_fn(|other| if other == state { 0.9 } else { 0.2 })
    }

    fn runs(anchors: &[usize]) -> Vec<(u32, u8)> {
        let mut path = ChordPath::default();
        anchors.iter().for_each(|&state| path.push(clear(state)));
        path.finish().iter().map(|run| (run.from, run.state)).collect()
    }

    #[test]
    fn a_passing_note_is_no_chord_and_a_beat_of_it_is() {
        let with = |length: usize| [vec![0; 20], vec![7; length], vec![0; 20]].concat();
        assert_eq!(runs(&with(2)), [(0, 0)]);
        assert_eq!(runs(&with(7)), [(0, 0), (20, 7), (27, 0)]);
    }

    #[test]
    fn what_is_settled_early_is_what_the_whole_would_give() {
        let anchors: Vec<usize> = (0..5_000).map(|i| (i / 13 * 7) % STATES).collect();
        let want: Vec<(u32, u8)> = (0..5_000)
            .step_by(13)
            .map(|i| (u32::try_from(i).unwrap(), u8::try_from((i / 13 * 7) % STATES).unwrap()))
            .collect();
        assert_eq!(runs(&anchors), want);
    }

    #[test]
    fn lead_and_fit_are_means_over_the_run() {
        let mut path = ChordPath::default();
        (0..30).for_each(|_| path.push(clear(3)));
        let run = path.finish()[0];
        assert!((run.fit - 0.9).abs() < 1e-5 && (run.lead - 0.7).abs() < 1e-5, "{run:?}");
        assert!(ChordPath::default().finish().is_empty());
    }
}
