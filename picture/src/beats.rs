//! Beats, downbeats, and numbers of bars.

use crate::axis::TimeAxis;
use crate::figure::name_beside;
use crate::svg::{Svg, number};

const HEIGHT: f64 = 26.0;
/// Beats closer than this, on the picture, are not told apart.
const CLOSEST: f64 = 4.0;
/// Room for the number of a bar.
const NUMBER_WIDTH: f64 = 30.0;

/// A beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// When, in ms.
    pub time_ms: f64,
    /// The number of the bar that it begins; `None` for a beat within a bar.
    pub bar: Option<u32>,
}

/// A lane of beats: all of them where they are told apart, else the downbeats, else those of every other bar, of every
/// fourth, and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct Beats {
    name: String,
    marks: Vec<Mark>,
}

impl Beats {
    /// Beats in order of time.
    #[must_use]
    pub fn new(name: &str, marks: Vec<Mark>) -> Self {
        Self { name: name.to_owned(), marks }
    }

    pub(crate) fn height(&self, axis: &TimeAxis) -> f64 {
        if self.seen(axis).next().is_some() { HEIGHT } else { 0.0 }
    }

    fn seen(&self, axis: &TimeAxis) -> impl Iterator<Item = Mark> {
        let span = axis.span;
        self.marks.iter().copied().filter(move |mark| span.holds(mark.time_ms))
    }

    pub(crate) fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64) {
        let bottom = top + HEIGHT;
        svg.open("g", &[("id", "beats")]);
        name_beside(svg, axis, top + 18.0, &self.name);
        let x = |mark: Mark| axis.x(mark.time_ms);
        let beats: Vec<f64> = self.seen(axis).filter(|mark| mark.bar.is_none()).map(x).collect();
        if self.are_apart(axis, self.seen(axis).count()) {
            svg.verticals("beat", &beats, (bottom - 8.0, bottom));
        }
        let step = self.bar_step(axis, CLOSEST);
        let downbeats = self.seen(axis).filter(|mark| begins(*mark, step));
        svg.verticals("downbeat", &downbeats.map(x).collect::<Vec<f64>>(), (bottom - 13.0, bottom));
        self.number_bars(svg, axis, top + 9.0);
        svg.close("g");
    }

    /// Numbers of as many bars as there is room for.
    fn number_bars(&self, svg: &mut Svg, axis: &TimeAxis, baseline: f64) {
        let step = self.bar_step(axis, NUMBER_WIDTH);
        for mark in self.seen(axis).filter(|mark| begins(*mark, step)) {
            let bar = mark.bar.unwrap_or_default().to_string();
            svg.text((axis.x(mark.time_ms), baseline), "tiny middle", &bar);
        }
    }

    /// Of how many bars one is drawn, so that they are `room` apart on average: 1, 2, 4 and so on.
    fn bar_step(&self, axis: &TimeAxis, room: f64) -> u32 {
        let bars = self.seen(axis).filter(|mark| mark.bar.is_some()).count() as f64;
        let steps = (0..31).map(|power| 1_u32 << power);
        steps.into_iter().find(|step| bars / f64::from(*step) * room <= axis.width).unwrap_or(1 << 30)
    }

    fn are_apart(&self, axis: &TimeAxis, count: usize) -> bool {
        count as f64 * CLOSEST <= axis.width
    }
}

/// Whether a mark begins one of every `step` bars, counted from the first.
fn begins(mark: Mark, step: u32) -> bool {
    mark.bar.is_some_and(|bar| bar.saturating_sub(1).is_multiple_of(step))
}

/// Lines over values: white, with a dark edge that keeps them apart from bright ones.
pub(crate) fn lines_over(svg: &mut Svg, axis: &TimeAxis, times_ms: &[f64], (top, bottom): (f64, f64)) {
    let inside = times_ms.iter().filter(|time| axis.span.holds(**time));
    let xs: Vec<f64> = inside.map(|time| axis.x(*time)).collect();
    if xs.is_empty() || xs.len() as f64 * 2.0 * CLOSEST > axis.width {
        return;
    }
    svg.open("g", &[("class", "bars")]);
    svg.verticals("shade", &xs, (top, bottom));
    svg.verticals("bar", &xs, (top, bottom));
    svg.close("g");
}

/// A small mark at a moment, for where a line alone is easily missed.
pub(crate) fn dots(svg: &mut Svg, class: &str, xs: &[f64], y: f64) {
    if xs.is_empty() {
        return;
    }
    let dot = |x: &f64| format!("M{} {}h5M{} {}v5", number(x - 2.5), number(y), number(*x), number(y - 2.5));
    let path: String = xs.iter().map(dot).collect();
    svg.empty("path", &[("class", class), ("d", &path)]);
}
