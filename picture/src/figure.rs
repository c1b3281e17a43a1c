//! A picture: lanes below one another over one axis of time.

use crate::axis::{Span, TimeAxis};
use crate::beats::Beats;
use crate::colour::{DARK, LIGHT, Palette};
use crate::curve::Curve;
use crate::error::{Error, Result};
use crate::heat::Heat;
use crate::matches::Matches;
use crate::regions::Regions;
use crate::svg::{Svg, number};
use crate::words;
use std::ops::RangeInclusive;

/// How wide a picture may be.
pub const WIDTHS_PX: RangeInclusive<u32> = 480..=4000;

const MARGIN_LEFT: f64 = 58.0;
const MARGIN_RIGHT: f64 = 70.0;
const TITLE_HEIGHT: f64 = 46.0;
const TITLE_SIZE: f64 = 15.0;
const GAP: f64 = 10.0;
const AXIS_HEIGHT: f64 = 26.0;

/// What the page is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Ink on white paper.
    #[default]
    Light,
    /// Light on a dark page.
    Dark,
}

/// How a picture looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    width_px: u32,
    theme: Theme,
}

impl Default for Style {
    fn default() -> Self {
        Self { width_px: 1000, theme: Theme::Light }
    }
}

impl Style {
    /// A width in CSS pixels, of which 96 are an inch ([`WIDTHS_PX`]; default 1000), and a theme. Text keeps its size: 640
    /// is 17 cm, a page's text.
    ///
    /// # Errors
    /// [`Error::Width`].
    pub fn new(width_px: u32, theme: Theme) -> Result<Self> {
        if WIDTHS_PX.contains(&width_px) {
            return Ok(Self { width_px, theme });
        }
        Err(Error::Width { given: width_px })
    }

    pub(crate) fn palette(self) -> &'static Palette {
        match self.theme {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }

    /// Width of what lies over the axis of time.
    pub(crate) fn plot_width(self) -> f64 {
        f64::from(self.width_px) - MARGIN_LEFT - MARGIN_RIGHT
    }
}

/// One kind of thing over time.
#[derive(Debug, Clone)]
pub enum Lane<'a> {
    /// Stretches with names.
    Regions(Regions),
    /// Beats and numbers of bars.
    Beats(Beats),
    /// Values of frames as colours.
    Heat(Heat<'a>),
    /// A value over time.
    Curve(Curve),
    /// Two lists of beats, and which of them are the same.
    Matches(Matches),
}

impl Lane<'_> {
    /// 0 for what could not be seen.
    fn height(&self, axis: &TimeAxis) -> f64 {
        match self {
            Self::Regions(regions) => regions.height(axis),
            Self::Beats(beats) => beats.height(axis),
            Self::Heat(heat) => heat.height(),
            Self::Curve(curve) => curve.height(axis),
            Self::Matches(matches) => matches.height(),
        }
    }

    fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64, palette: &Palette) {
        match self {
            Self::Regions(regions) => regions.draw(svg, axis, top, palette),
            Self::Beats(beats) => beats.draw(svg, axis, top),
            Self::Heat(heat) => heat.draw(svg, axis, top),
            Self::Curve(curve) => curve.draw(svg, axis, top),
            Self::Matches(matches) => matches.draw(svg, axis, top),
        }
    }
}

/// A picture that is being put together.
#[derive(Debug, Clone)]
pub struct Figure<'a> {
    title: String,
    subtitle: String,
    span: Span,
    style: Style,
    lanes: Vec<Lane<'a>>,
}

impl<'a> Figure<'a> {
    /// A picture without lanes. What of the title does not fit is left out in its middle.
    #[must_use]
    pub fn new(title: &str, subtitle: &str, span: Span, style: Style) -> Self {
        Self { title: title.to_owned(), subtitle: subtitle.to_owned(), span, style, lanes: Vec::new() }
    }

    /// Adds a lane below the others.
    pub fn push(&mut self, lane: Lane<'a>) {
        self.lanes.push(lane);
    }

    /// The stretch of time that is drawn.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The picture as SVG 1.1.
    #[must_use]
    pub fn svg(&self) -> String {
        let axis = TimeAxis { span: self.span, left: MARGIN_LEFT, width: self.style.plot_width() };
        let seen: Vec<(&Lane<'_>, f64)> = self
            .lanes
            .iter()
            .map(|lane| (lane, lane.height(&axis)))
            .filter(|(_, height)| *height > 0.0)
            .collect();
        let height = TITLE_HEIGHT + seen.iter().map(|(_, height)| height + GAP).sum::<f64>() + AXIS_HEIGHT;
        let mut svg = Svg::default();
        self.begin(&mut svg, height);
        self.draw_title(&mut svg, &axis);
        let mut top = TITLE_HEIGHT;
        for (lane, height) in seen {
            lane.draw(&mut svg, &axis, top, self.style.palette());
            top += height + GAP;
        }
        axis.draw(&mut svg, top - GAP);
        svg.close("svg");
        svg.into_text()
    }

    fn begin(&self, svg: &mut Svg, height: f64) {
        let (width, height) = (self.style.width_px.to_string(), number(height));
        let view = format!("0 0 {width} {height}");
        let links = ("xmlns:xlink", "http://www.w3.org/1999/xlink");
        let names = [("xmlns", "http://www.w3.org/2000/svg"), links, ("role", "img")];
        let size = [("width", width.as_str()), ("height", &height), ("viewBox", &view)];
        svg.open("svg", &[&names[..], &size].concat());
        svg.holding("title", &[], &self.title);
        svg.holding("desc", &[], &self.subtitle);
        svg.holding("style", &[], &styles(self.style.palette()));
        svg.empty("rect", &[("class", "paper"), ("width", &width), ("height", &height)]);
    }

    fn draw_title(&self, svg: &mut Svg, axis: &TimeAxis) {
        let title = words::shortened(&self.title, TITLE_SIZE, axis.width);
        svg.text((axis.left, 20.0), "title", &title);
        svg.text((axis.left, 36.0), "faint", &words::shortened(&self.subtitle, 11.0, axis.width));
    }
}

/// What the classes look like.
fn styles(palette: &Palette) -> String {
    let Palette { paper, ink, faint, grid, beat, downbeat, curve, matched, missed, extra, .. } = palette;
    format!(
        "text{{font-family:Roboto,Helvetica,Arial,sans-serif;font-size:11px;fill:{ink}}} .paper{{fill:{paper}}} \
         .title{{font-size:{TITLE_SIZE}px}} .faint{{fill:{faint}}} .small{{font-size:10px}} .tiny{{font-size:9px}} \
         .middle{{text-anchor:middle}} .end{{text-anchor:end}} \
         path,line,polyline{{fill:none}} .rule{{stroke:{ink};stroke-width:.75}} .grid{{stroke:{grid};stroke-width:.75}} \
         .beat{{stroke:{beat};stroke-width:1}} .downbeat{{stroke:{downbeat};stroke-width:1.25}} \
         .shade{{stroke:#000;stroke-opacity:.4;stroke-width:1.8}} .bar{{stroke:#fff;stroke-opacity:.75;stroke-width:.7}} \
         .curve{{stroke:{curve};stroke-width:1.25;stroke-linejoin:round}} \
         .level{{stroke:{downbeat};stroke-width:1;stroke-dasharray:4 3}} \
         .matched{{stroke:{matched};stroke-width:1}} .missed{{stroke:{missed};stroke-width:1.5}} \
         .extra{{stroke:{extra};stroke-width:1.5}}"
    )
}

/// The name of a lane, beside it.
pub(crate) fn name_beside(svg: &mut Svg, axis: &TimeAxis, middle: f64, name: &str) {
    svg.text((axis.left - 8.0, middle + 3.5), "small faint end", name);
}

/// What the axis of a lane means, upright at the left edge or the right.
pub(crate) fn upright(svg: &mut Svg, x: f64, middle: f64, text: &str) {
    let place = format!("translate({} {}) rotate(-90)", number(x), number(middle));
    svg.holding("text", &[("transform", &place), ("class", "small faint middle")], text);
}
