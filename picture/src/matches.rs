//! Two lists of beats, one above the other: those that are the same are joined, the others stand out.

use crate::axis::TimeAxis;
use crate::beats::dots;
use crate::figure::name_beside;
use crate::svg::{Svg, number};
use std::fmt::Write;

const HEIGHT: f64 = 46.0;
/// How far a beat reaches into the lane.
const TICK: f64 = 13.0;
/// Marks closer than this on average are not told apart.
const CLOSEST: f64 = 3.0;

/// A lane of two lists of beats. Of a kind that is too many to be seen, nothing is drawn but its number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matches {
    /// What is compared, e.g. `beats`.
    pub name: String,
    /// Pairs that are the same: time in the reference and in the estimate, in ms.
    pub matched_ms: Vec<(f64, f64)>,
    /// In the reference alone.
    pub missed_ms: Vec<f64>,
    /// In the estimate alone.
    pub extra_ms: Vec<f64>,
}

impl Matches {
    pub(crate) fn height(&self) -> f64 {
        if self.matched_ms.is_empty() && self.missed_ms.is_empty() && self.extra_ms.is_empty() {
            0.0
        } else {
            HEIGHT
        }
    }

    pub(crate) fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64) {
        let bottom = top + HEIGHT;
        svg.open("g", &[("class", "matches"), ("id", &self.name)]);
        name_beside(svg, axis, top + 6.0, &format!("{} A", self.name));
        name_beside(svg, axis, bottom - 6.0, "B");
        let seen: Vec<(f64, f64)> =
            self.matched_ms.iter().copied().filter(|pair| axis.span.holds(pair.0)).collect();
        if is_legible(seen.len(), axis) {
            svg.empty("path", &[("class", "matched"), ("d", &joined(&seen, axis, (top, bottom)))]);
        }
        self.draw_alone(svg, axis, "missed", &self.missed_ms, (top, top + TICK));
        self.draw_alone(svg, axis, "extra", &self.extra_ms, (bottom, bottom - TICK));
        let counts = [seen.len(), count(&self.missed_ms, axis), count(&self.extra_ms, axis)];
        let kinds = [("matched", "same"), ("missed", "missed"), ("extra", "extra")];
        for (row, (count, (class, word))) in counts.into_iter().zip(kinds).enumerate() {
            let y = top + 10.0 + 15.0 * row as f64;
            svg.line((axis.right() + 5.0, y - 3.0), (axis.right() + 12.0, y - 3.0), class);
            svg.text((axis.right() + 15.0, y), "tiny", &format!("{count} {word}"));
        }
        svg.close("g");
    }

    fn draw_alone(
        &self,
        svg: &mut Svg,
        axis: &TimeAxis,
        class: &str,
        times_ms: &[f64],
        (from, to): (f64, f64),
    ) {
        if !is_legible(count(times_ms, axis), axis) {
            return;
        }
        let xs: Vec<f64> = times_ms.iter().filter(|t| axis.span.holds(**t)).map(|t| axis.x(*t)).collect();
        svg.verticals(class, &xs, (from, to));
        dots(svg, class, &xs, to);
    }
}

fn count(times_ms: &[f64], axis: &TimeAxis) -> usize {
    times_ms.iter().filter(|time| axis.span.holds(**time)).count()
}

fn is_legible(count: usize, axis: &TimeAxis) -> bool {
    count > 0 && count as f64 * CLOSEST <= axis.width
}

/// From the tick of each beat above to the tick of its match below.
fn joined(pairs: &[(f64, f64)], axis: &TimeAxis, (top, bottom): (f64, f64)) -> String {
    let mut path = String::new();
    for (above, below) in pairs {
        let (above, below) = (number(axis.x(*above)), number(axis.x_within(*below)));
        let [top, high, low, bottom] = [top, top + TICK, bottom - TICK, bottom].map(number);
        let _ = write!(path, "M{above} {top}V{high}L{below} {low}V{bottom}");
    }
    path
}
