//! Values of frames as colours: bands over frequency, or pitch classes.

use crate::axis::{TimeAxis, round_numbers};
use crate::beats::lines_over;
use crate::colour::index;
use crate::figure::upright;
use crate::overview::Overview;
use crate::png::{SCALE, indexed};
use crate::svg::{Svg, number};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::ops::Range;

const BANDS_HEIGHT: f64 = 256.0;
const CHROMA_HEIGHT: f64 = 120.0;
/// What the colours span below the loudest level, in dB.
const RANGE_DB: f32 = 80.0;
/// The loudest colour is never below this level, in dB: silence is dark.
const LOUDEST_AT_LEAST_DB: f32 = -40.0;
const PITCH_CLASSES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// What is shown of a column.
#[derive(Debug, Clone)]
enum Values<'a> {
    /// Bands, with their corner frequencies in Hz.
    Bands(&'a [f32]),
    Chroma,
}

/// A lane of values.
#[derive(Debug, Clone)]
pub struct Heat<'a> {
    overview: &'a Overview,
    /// Centre of the first frame, and time between frames, in ms.
    first_ms: f64,
    hop_ms: f64,
    values: Values<'a>,
    bars_ms: Vec<f64>,
}

impl<'a> Heat<'a> {
    /// Levels of bands, whose `bands + 2` corner frequencies are in Hz. The overview's first frame is centred at
    /// `first_ms`.
    #[must_use]
    pub fn bands(overview: &'a Overview, first_ms: f64, hop_ms: f64, band_edges_hz: &'a [f32]) -> Self {
        Self { overview, first_ms, hop_ms, values: Values::Bands(band_edges_hz), bars_ms: Vec::new() }
    }

    /// Pitch classes.
    #[must_use]
    pub fn chroma(overview: &'a Overview, first_ms: f64, hop_ms: f64) -> Self {
        Self { overview, first_ms, hop_ms, values: Values::Chroma, bars_ms: Vec::new() }
    }

    /// With a line at each of these times, where there is room for them.
    #[must_use]
    pub fn with_lines(self, bars_ms: Vec<f64>) -> Self {
        Self { bars_ms, ..self }
    }

    pub(crate) fn height(&self) -> f64 {
        match self.values {
            Values::Bands(_) => BANDS_HEIGHT,
            Values::Chroma => CHROMA_HEIGHT,
        }
    }

    pub(crate) fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64) {
        let (height, (low, high)) = (self.height(), self.range());
        svg.open("g", &[("id", if matches!(self.values, Values::Chroma) { "chroma" } else { "bands" })]);
        let (columns, rows) = (columns(axis), self.rows());
        let shown = self.shown(axis, columns);
        let mut pixels = Vec::with_capacity(shown * rows);
        for row in (0..rows).rev() {
            let value = |column| index(self.value(self.columns_at(axis, column, columns), row), low, high);
            pixels.extend((0..shown).map(value));
        }
        if shown > 0 {
            let width = axis.width * shown as f64 / columns as f64;
            image(svg, (axis.left, top), (width, height), &indexed(shown, &pixels));
        }
        lines_over(svg, axis, &self.bars_ms, (top, top + height));
        self.draw_axis(svg, axis, top);
        draw_scale(
            svg,
            axis,
            top,
            height,
            (low, high),
            if high > 1.0 || low < 0.0 { "dBFS" } else { "share" },
        );
        svg.close("g");
    }

    /// How many of the picture's columns there are frames for: the music may end before the axis does.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` clamps, and so does the picture's end"
    )]
    fn shown(&self, axis: &TimeAxis, columns: usize) -> usize {
        let end_ms = self.first_ms + self.hop_ms * self.overview.frames() as f64;
        let share = (end_ms - axis.span.from_ms()) / axis.span.length_ms();
        ((share * columns as f64).ceil().max(0.0) as usize).min(columns)
    }

    fn rows(&self) -> usize {
        match self.values {
            Values::Bands(_) => self.overview.bands(),
            Values::Chroma => 12,
        }
    }

    /// The values of the first colour and the last.
    fn range(&self) -> (f32, f32) {
        match self.values {
            Values::Bands(_) => {
                let high = (self.overview.maximum().max(LOUDEST_AT_LEAST_DB) / 10.0).ceil() * 10.0;
                (high - RANGE_DB, high)
            }
            Values::Chroma => (0.0, 1.0),
        }
    }

    fn value(&self, columns: Range<usize>, row: usize) -> f32 {
        match self.values {
            Values::Bands(_) => self.overview.peak(columns, row..row + 1),
            Values::Chroma => self.overview.chroma(columns, row),
        }
    }

    /// The columns of the overview that a column of the picture shows.
    fn columns_at(&self, axis: &TimeAxis, column: usize, columns: usize) -> Range<usize> {
        columns_between(self.overview, self.first_ms, self.hop_ms, |share| {
            axis.span.from_ms() + axis.span.length_ms() * (column as f64 + share) / columns as f64
        })
    }

    fn draw_axis(&self, svg: &mut Svg, axis: &TimeAxis, top: f64) {
        let Values::Bands(edges_hz) = self.values else {
            for (pitch_class, name) in PITCH_CLASSES.iter().enumerate() {
                let y = top + CHROMA_HEIGHT * (11.5 - pitch_class as f64) / 12.0 + 3.0;
                svg.text((axis.left - 5.0, y), "tiny end", name);
            }
            return upright(svg, 14.0, top + CHROMA_HEIGHT / 2.0, "pitch class");
        };
        let mut free_above = f64::INFINITY;
        for hz in [50.0_f32, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0] {
            let Some(share) = height_of(hz, edges_hz) else { continue };
            let y = top + BANDS_HEIGHT * (1.0 - share);
            svg.line((axis.left - 4.0, y), (axis.left, y), "rule");
            // Mel bands crowd the low end: a number that would touch the one below is left out.
            if y + 12.0 <= free_above {
                free_above = y;
                let label = if hz < 1000.0 { hz.to_string() } else { format!("{}k", hz / 1000.0) };
                svg.text((axis.left - 6.0, y + 3.5), "small end", &label);
            }
        }
        upright(svg, 14.0, top + BANDS_HEIGHT / 2.0, "frequency (Hz)");
    }
}

/// Pixels of an image over the axis: as many as the PNG has there, so that it shows each of them.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
fn columns(axis: &TimeAxis) -> usize {
    (axis.width * f64::from(SCALE)).round() as usize
}

/// The columns of an overview within a stretch of time, at least one; `time_ms` gives its ends for 0 and 1. Frame `i`
/// stands for the time nearest its centre.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` clamps, and so does the overview's end"
)]
pub(crate) fn columns_between(
    overview: &Overview,
    first_ms: f64,
    hop_ms: f64,
    time_ms: impl Fn(f64) -> f64,
) -> Range<usize> {
    let column_ms = hop_ms * overview.frames_per_column() as f64;
    let at = |share: f64| ((time_ms(share) - first_ms + hop_ms / 2.0) / column_ms) as usize;
    let first = at(0.0).min(overview.len().saturating_sub(1));
    first..at(1.0).min(overview.len()).max(first + 1)
}

/// Where a frequency lies, 0 at the lower end of the lowest band's row and 1 at the upper end of the highest's: band `b`
/// peaks at edge `b + 1`, which is the middle of its row.
fn height_of(hz: f32, edges_hz: &[f32]) -> Option<f64> {
    let below = edges_hz.windows(2).position(|edges| edges[0] <= hz && hz < edges[1])?;
    let part = (hz - edges_hz[below]) / (edges_hz[below + 1] - edges_hz[below]);
    let share = (below as f64 + f64::from(part) - 0.5) / (edges_hz.len() - 2) as f64;
    (0.0..=1.0).contains(&share).then_some(share)
}

/// What the colours mean.
fn draw_scale(svg: &mut Svg, axis: &TimeAxis, top: f64, height: f64, (low, high): (f32, f32), unit: &str) {
    let left = axis.right() + 9.0;
    let all: Vec<u8> = (0..=255).rev().collect();
    image(svg, (left, top), (9.0, height), &indexed(1, &all));
    for value in round_numbers(low.into(), high.into(), (height / 30.0).floor()) {
        let y = top + height * (1.0 - (value - f64::from(low)) / f64::from(high - low));
        svg.line((left + 9.0, y), (left + 12.0, y), "rule");
        let label = if unit == "dBFS" { format!("{value:.0}").replace('-', "−") } else { number(value) };
        // The outermost stay beside their own scale.
        svg.text((left + 14.0, (y + 3.5).clamp(top + 8.0, top + height)), "small", &label);
    }
    upright(svg, left + 47.0, top + height / 2.0, if unit == "dBFS" { "level (dBFS)" } else { "strength" });
}

/// Pixels, each as large as its share of the place.
fn image(svg: &mut Svg, (x, y): (f64, f64), (width, height): (f64, f64), png: &[u8]) {
    let data = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png));
    let [x, y, width, height] = [x, y, width, height].map(number);
    svg.empty(
        "image",
        &[
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
            ("preserveAspectRatio", "none"),
            // The attribute is for renderers of SVG 1.1, the style for browsers.
            ("image-rendering", "optimizeSpeed"),
            ("style", "image-rendering:pixelated"),
            ("xlink:href", &data),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequency_lies_in_the_middle_of_the_row_of_the_band_that_peaks_there() {
        let edges = [100.0, 200.0, 300.0, 400.0];
        let at = [200.0, 250.0, 300.0, 90.0, 110.0, 399.0].map(|hz| height_of(hz, &edges));
        assert_eq!(at, [Some(0.25), Some(0.5), Some(0.75), None, None, None]);
    }
}
