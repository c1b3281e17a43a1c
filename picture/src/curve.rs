//! A value over time.

use crate::axis::{TimeAxis, round_numbers};
use crate::figure::upright;
use crate::svg::{Svg, number};
use std::fmt::Write;

const HEIGHT: f64 = 78.0;

/// How points are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Each value holds until the next.
    Steps,
    /// Straight lines.
    Lines,
}

/// A lane with a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    id: String,
    name: String,
    shape: Shape,
    points: Vec<(f64, f64)>,
    range: (f64, f64),
    level: Option<f64>,
}

impl Curve {
    /// Points of time in ms and value, in order of time; what is not finite is left out, what is outside `range` drawn
    /// at its end. `id` names it in the SVG, `name` says what its axis means.
    #[must_use]
    pub fn new(id: &str, name: &str, shape: Shape, points: Vec<(f64, f64)>, range: (f64, f64)) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), shape, points, range, level: None }
    }

    /// With a dashed line at a value.
    #[must_use]
    pub fn with_level(self, level: Option<f64>) -> Self {
        Self { level, ..self }
    }

    pub(crate) fn height(&self, axis: &TimeAxis) -> f64 {
        if self.seen(axis).is_empty() { 0.0 } else { HEIGHT }
    }

    pub(crate) fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64) {
        let (low, high) = self.range;
        let y = |value: f64| top + HEIGHT * (1.0 - (value.clamp(low, high) - low) / (high - low));
        svg.open("g", &[("id", &self.id)]);
        for value in round_numbers(low, high, 4.0) {
            svg.line((axis.left, y(value)), (axis.right(), y(value)), "grid");
            svg.text((axis.left - 6.0, y(value) + 3.5), "small end", &number(value).replace('-', "−"));
        }
        svg.line((axis.left, top), (axis.left, top + HEIGHT), "rule");
        svg.line((axis.left, top + HEIGHT), (axis.right(), top + HEIGHT), "rule");
        if let Some(level) = self.level.filter(|level| (low..=high).contains(level)) {
            svg.line((axis.left, y(level)), (axis.right(), y(level)), "level");
        }
        svg.empty("path", &[("class", "curve"), ("d", &self.path(axis, y))]);
        upright(svg, 14.0, top + HEIGHT / 2.0, &self.name);
        svg.close("g");
    }

    fn path(&self, axis: &TimeAxis, y: impl Fn(f64) -> f64) -> String {
        let mut path = String::new();
        let mut before = None;
        for (time_ms, value) in self.seen(axis) {
            let (x, y) = (number(axis.x_within(time_ms)), number(y(value)));
            let _ = match (self.shape, before.replace(y.clone())) {
                (_, None) => write!(path, "M{x} {y}"),
                (Shape::Steps, Some(before)) if before == y => Ok(()),
                (Shape::Steps, Some(_)) => write!(path, "H{x}V{y}"),
                (Shape::Lines, Some(_)) => write!(path, "L{x} {y}"),
            };
        }
        if self.shape == Shape::Steps {
            let _ = write!(path, "H{}", number(axis.right()));
        }
        path
    }

    /// The points that are drawn: of steps the last before the span as well, and of more than there are places for the
    /// lowest and the highest at each place.
    fn seen(&self, axis: &TimeAxis) -> Vec<(f64, f64)> {
        let span = axis.span;
        let finite = || self.points.iter().copied().filter(|(_, value)| value.is_finite());
        let mut seen: Vec<(f64, f64)> = finite().filter(|(time_ms, _)| span.holds(*time_ms)).collect();
        let before = finite().rfind(|(time_ms, _)| *time_ms < span.from_ms());
        if let (Shape::Steps, Some(point)) = (self.shape, before) {
            seen.insert(0, point);
        }
        if seen.len() as f64 <= 2.0 * axis.width { seen } else { extremes(&seen, axis) }
    }
}

/// The lowest and the highest point of each unit of the axis, in order of time.
fn extremes(points: &[(f64, f64)], axis: &TimeAxis) -> Vec<(f64, f64)> {
    let place = |point: &(f64, f64)| axis.x_within(point.0).floor();
    let mut kept = Vec::new();
    for group in points.chunk_by(|a, b| place(a) == place(b)) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (Some(low), Some(high)) = (group.iter().min_by(by_value), group.iter().max_by(by_value)) else {
            continue;
        };
        kept.extend(if low.0 <= high.0 { [*low, *high] } else { [*high, *low] });
    }
    kept
}
