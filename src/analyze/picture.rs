//! A PNG of a track: its bands over time, with beats and downbeats above them and a scale beside them.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels and colours, clamped to the picture before each cast"
)]

use super::font;
use super::overview::Overview;
use analysis_core::events::{EventData, EventType, Events};
use anyhow::{Context, Result};
use std::io::Write;

const MARGIN_LEFT: usize = 64;
const MARGIN_RIGHT: usize = 16;
const TITLE: usize = 28;
const BEATS: usize = 26;
const SECTIONS: usize = 16;
const AXIS: usize = 26;
const BAND_HEIGHT: usize = 360;
/// What the picture spans below the loudest level, in dB.
const RANGE_DB: f32 = 72.0;

const PAPER: [u8; 3] = [252, 252, 250];
const INK: [u8; 3] = [40, 40, 46];
const FAINT: [u8; 3] = [170, 170, 178];
const BEAT: [u8; 3] = [120, 150, 190];
const DOWNBEAT: [u8; 3] = [200, 60, 50];

/// What is drawn.
pub(crate) struct Picture<'a> {
    pub(crate) title: &'a str,
    pub(crate) overview: &'a Overview,
    pub(crate) band_edges_hz: &'a [f32],
    pub(crate) hop_ms: u32,
    pub(crate) duration_ms: u64,
    pub(crate) events: &'a Events,
}

impl Picture<'_> {
    /// Writes it as PNG.
    pub(crate) fn write(&self, out: impl Write) -> Result<()> {
        let canvas = self.draw();
        let (width, height) = (u32::try_from(canvas.width)?, u32::try_from(canvas.height())?);
        let mut encoder = png::Encoder::new(out, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().context("failed to write the picture's header")?;
        writer.write_image_data(&canvas.pixels).context("failed to write the picture")
    }

    fn draw(&self) -> Canvas {
        let plot_width = self.overview.len().clamp(600, 1600);
        let top = TITLE + BEATS + SECTIONS;
        let mut canvas = Canvas::new(MARGIN_LEFT + plot_width + MARGIN_RIGHT, top + BAND_HEIGHT + AXIS);
        canvas.text(MARGIN_LEFT, 10, self.title, INK);
        self.draw_bands(&mut canvas, plot_width, top);
        self.draw_marks(&mut canvas, plot_width);
        self.draw_axes(&mut canvas, plot_width, top);
        canvas
    }

    fn draw_bands(&self, canvas: &mut Canvas, plot_width: usize, top: usize) {
        let loudest = self.overview.maximum().max(-60.0);
        let bands = self.overview.bands();
        // The last column may stand for fewer frames than the others.
        let columns = self.span_ms() / self.column_ms();
        for x in 0..plot_width {
            let column = ((x as f64 + 0.5) / plot_width as f64 * columns) as usize;
            if column >= self.overview.len() {
                continue;
            }
            for y in 0..BAND_HEIGHT {
                let band = (BAND_HEIGHT - 1 - y) * bands / BAND_HEIGHT;
                let level = self.overview.level(column, band);
                canvas.set(MARGIN_LEFT + x, top + y, colour(1.0 + (level - loudest) / RANGE_DB));
            }
        }
    }

    fn column_ms(&self) -> f64 {
        (self.overview.frames_per_column() * self.hop_ms as usize) as f64
    }

    fn span_ms(&self) -> f64 {
        (self.duration_ms as f64).max(1.0)
    }

    fn x_of(&self, time_ms: f64, plot_width: usize) -> usize {
        let x = (time_ms / self.span_ms() * plot_width as f64).clamp(0.0, plot_width as f64 - 1.0);
        MARGIN_LEFT + x as usize
    }

    /// Ticks for beats where they stay apart, always for downbeats; letters for sections.
    fn draw_marks(&self, canvas: &mut Canvas, plot_width: usize) {
        let count = |kind| self.events.iter().filter(|e| e.event_type == kind).count();
        let (show_beats, show_bars) =
            (count(EventType::Beat) * 3 < plot_width, count(EventType::Downbeat) * 3 < plot_width);
        for event in self.events.iter() {
            let x = self.x_of(f64::from(event.time_ms), plot_width);
            match event.event_type {
                EventType::Beat if show_beats => {
                    canvas.vertical(x, TITLE + SECTIONS + 14, TITLE + SECTIONS + BEATS - 2, BEAT)
                }
                EventType::Downbeat if show_bars => {
                    canvas.vertical(x, TITLE + SECTIONS + 4, TITLE + SECTIONS + BEATS - 2, DOWNBEAT)
                }
                EventType::Section => {
                    canvas.vertical(x, TITLE, TITLE + SECTIONS + 2, INK);
                    if let Some(EventData::Section { label }) = &event.event_data {
                        canvas.text(x + 4, TITLE + 4, label, INK);
                    }
                }
                _ => {}
            }
        }
    }

    fn draw_axes(&self, canvas: &mut Canvas, plot_width: usize, top: usize) {
        let bottom = top + BAND_HEIGHT;
        let step_ms = tick_step_ms(self.span_ms(), plot_width);
        let mut tick = 0.0;
        while tick <= self.span_ms() {
            let x = self.x_of(tick, plot_width);
            canvas.vertical(x, bottom, bottom + 4, INK);
            let label = super::text::clock(tick as u64);
            canvas.text(x.saturating_sub(4 * label.len()), bottom + 10, &label, INK);
            tick += step_ms;
        }
        let mut free_above = usize::MAX;
        for hz in [50.0_f32, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0] {
            // Mel bands crowd the low end: a label that would touch the one below is left out.
            let Some(row) = self.row_of(hz).filter(|row| row + 12 <= free_above) else { continue };
            free_above = row;
            let label = if hz < 1000.0 { format!("{hz} Hz") } else { format!("{} kHz", hz / 1000.0) };
            canvas.text(
                MARGIN_LEFT.saturating_sub(8 * label.len() + 4),
                (top + row).saturating_sub(4),
                &label,
                INK,
            );
            canvas.horizontal(MARGIN_LEFT - 3, MARGIN_LEFT, top + row, FAINT);
        }
    }

    /// Row of the plot in which a frequency lies.
    fn row_of(&self, hz: f32) -> Option<usize> {
        let bands = self.overview.bands();
        let band = self.band_edges_hz.windows(2).position(|edge| edge[0] <= hz && hz < edge[1])?;
        let share = (band as f32 + 0.5) / bands as f32;
        (band < bands).then_some(((1.0 - share) * BAND_HEIGHT as f32) as usize)
    }
}

/// A round number of milliseconds that leaves at least 90 pixels between labels.
fn tick_step_ms(span_ms: f64, plot_width: usize) -> f64 {
    let least = span_ms * 90.0 / plot_width as f64;
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0];
    steps.into_iter().map(|s| s * 1000.0).find(|s| *s >= least).unwrap_or(14_400_000.0)
}

/// From dark to light through purple and orange, evenly brighter, so that it reads in grey as well.
fn colour(level: f32) -> [u8; 3] {
    const STOPS: [[f32; 3]; 6] = [
        [8.0, 7.0, 18.0],
        [52.0, 18.0, 96.0],
        [128.0, 37.0, 122.0],
        [214.0, 69.0, 90.0],
        [252.0, 145.0, 80.0],
        [252.0, 246.0, 190.0],
    ];
    let at = level.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let index = (at as usize).min(STOPS.len() - 2);
    let share = at - index as f32;
    std::array::from_fn(|c| (STOPS[index][c] * (1.0 - share) + STOPS[index + 1][c] * share) as u8)
}

struct Canvas {
    width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, pixels: PAPER.repeat(width * height) }
    }

    fn height(&self) -> usize {
        self.pixels.len() / (3 * self.width)
    }

    fn set(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        let at = 3 * (y * self.width + x);
        if x < self.width && at + 3 <= self.pixels.len() {
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn vertical(&mut self, x: usize, from: usize, to: usize, colour: [u8; 3]) {
        (from..to).for_each(|y| self.set(x, y, colour));
    }

    fn horizontal(&mut self, from: usize, to: usize, y: usize, colour: [u8; 3]) {
        (from..to).for_each(|x| self.set(x, y, colour));
    }

    fn text(&mut self, x: usize, y: usize, text: &str, colour: [u8; 3]) {
        for (index, letter) in text.chars().enumerate() {
            for (row, bits) in font::glyph(letter).into_iter().enumerate() {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    self.set(x + 8 * index + column, y + row, colour);
                }
            }
        }
    }
}
