//! The axis of time, and round numbers for any axis.

use crate::error::{Error, Result};
use crate::svg::Svg;

/// The stretch of time that is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    from_ms: f64,
    to_ms: f64,
}

impl Span {
    /// From one time to a later one.
    ///
    /// # Errors
    /// [`Error::EmptySpan`] if nothing lies between them, or if one is no number.
    pub fn new(from_ms: f64, to_ms: f64) -> Result<Self> {
        if from_ms.is_finite() && to_ms.is_finite() && from_ms < to_ms {
            return Ok(Self { from_ms, to_ms });
        }
        Err(Error::EmptySpan { from_ms, to_ms })
    }

    /// Where it begins, in ms.
    #[must_use]
    pub fn from_ms(&self) -> f64 {
        self.from_ms
    }

    /// Where it ends, in ms.
    #[must_use]
    pub fn to_ms(&self) -> f64 {
        self.to_ms
    }

    /// Its length, in ms.
    #[must_use]
    pub fn length_ms(&self) -> f64 {
        self.to_ms - self.from_ms
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(&self, time_ms: f64) -> bool {
        (self.from_ms..=self.to_ms).contains(&time_ms)
    }
}

/// Where times lie on the picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeAxis {
    pub(crate) span: Span,
    /// Left end.
    pub(crate) left: f64,
    /// Length on the picture.
    pub(crate) width: f64,
}

impl TimeAxis {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Where a time lies, also beyond the ends.
    pub(crate) fn x(&self, time_ms: f64) -> f64 {
        self.left + (time_ms - self.span.from_ms) / self.span.length_ms() * self.width
    }

    /// Where a time lies, at an end what lies beyond it.
    pub(crate) fn x_within(&self, time_ms: f64) -> f64 {
        self.x(time_ms).clamp(self.left, self.right())
    }

    /// Ticks and their times, below `top`.
    pub(crate) fn draw(&self, svg: &mut Svg, top: f64) {
        let step_ms = self.step_ms();
        svg.open("g", &[("id", "time"), ("class", "axis")]);
        for tick_ms in self.ticks(step_ms) {
            let x = self.x(tick_ms);
            svg.line((x, top), (x, top + 4.0), "rule");
            svg.text((x, top + 15.0), "small middle", &clock(tick_ms, step_ms < 1000.0));
        }
        svg.close("g");
    }

    /// The times of the ticks. They are counted: far from zero the sum of a time and a step is that time again.
    fn ticks(&self, step_ms: f64) -> impl Iterator<Item = f64> {
        let (first_ms, to_ms) = ((self.span.from_ms / step_ms).ceil() * step_ms, self.span.to_ms);
        (0_u32..).map(move |i| first_ms + f64::from(i) * step_ms).take_while(move |tick_ms| *tick_ms <= to_ms)
    }

    /// A round number of milliseconds that leaves room for the times.
    fn step_ms(&self) -> f64 {
        const STEPS_MS: [f64; 18] = [
            100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4, 1.2e5, 3e5, 6e5, 9e5, 1.8e6, 3.6e6,
            7.2e6, 1.44e7,
        ];
        let least = self.span.length_ms() * 64.0 / self.width;
        STEPS_MS.into_iter().find(|step| *step >= least).unwrap_or_else(|| (least / 3.6e6).ceil() * 3.6e6)
    }
}

/// `m:ss` or `h:mm:ss`, with tenths where they are asked for.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` clamps to the range of u64"
)]
pub fn clock(time_ms: f64, tenths: bool) -> String {
    let all = (time_ms / 100.0).round() as u64;
    let (hours, minutes, seconds) = (all / 36_000, all / 600 % 60, all / 10 % 60);
    let mut text = if hours > 0 { format!("{hours}:{minutes:02}") } else { minutes.to_string() };
    text += &format!(":{seconds:02}");
    if tenths {
        text += &format!(".{}", all % 10);
    }
    text
}

/// Round numbers within `low ..= high`, at most `most` of them and at least one where there is any.
pub(crate) fn round_numbers(low: f64, high: f64, most: f64) -> Vec<f64> {
    let rough = ((high - low) / most).max(1e-9);
    let unit = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * unit).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * unit);
    let first = (low / step).ceil();
    (0..100).map(|i| (first + f64::from(i)) * step).take_while(|value| *value <= high + 1e-9 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_player() {
        let read = [(0.0, false), (61_900.0, false), (36_000_000.0, false), (61_940.0, true)];
        assert_eq!(read.map(|(ms, tenths)| clock(ms, tenths)), ["0:00", "1:01", "10:00:00", "1:01.9"]);
    }

    #[test]
    fn numbers_on_an_axis_are_round() {
        assert_eq!(round_numbers(113.2, 121.0, 4.0), [114.0, 116.0, 118.0, 120.0]);
        assert_eq!(round_numbers(-62.0, -14.0, 3.0), [-60.0, -40.0, -20.0]);
        assert_eq!(round_numbers(0.0, 1.0, 2.0), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn ticks_come_to_an_end_however_far_from_zero() {
        for (from_ms, to_ms) in [(0.0, 5_000.0), (0.0, 1e300), (1e19, 1e19 + 4_096.0)] {
            let axis = TimeAxis { span: Span::new(from_ms, to_ms).unwrap(), left: 0.0, width: 1_000.0 };
            let found = axis.ticks(axis.step_ms()).take(1_000).count();
            assert!((1..100).contains(&found), "{found} from {from_ms} to {to_ms}");
        }
    }

    #[test]
    fn a_span_holds_time() {
        for (from, to) in [(1.0, 1.0), (2.0, 1.0), (0.0, f64::NAN), (0.0, f64::INFINITY)] {
            assert!(Span::new(from, to).is_err(), "{from} to {to}");
        }
    }
}
