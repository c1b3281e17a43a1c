//! Draws what was heard of a track: bands, beats, sections, chords, tempo, chroma and loudness, on one axis of time.
//!
//! There is one way to make a picture: [`Figure::svg`] writes it as SVG, and [`png()`] draws that SVG as PNG, with letters
//! that are shipped here, so that it looks the same on every machine. In the SVG text stays text, lines stay lines, and
//! only the values of frames are pixels, embedded as PNG. The same figure gives the same bytes.
//!
//! What could not be seen is not written: a picture of ten hours is no larger than one of five minutes.
//!
//! ```
//! use picture::{Beats, Figure, Lane, Mark, Span, Style};
//!
//! let span = Span::new(0.0, 4_000.0)?;
//! let mut figure = Figure::new("four beats", "60.0 BPM", span, Style::default());
//! let marks = (0..4).map(|beat| Mark { time_ms: 1000.0 * f64::from(beat), bar: Some(1).filter(|_| beat == 0) });
//! figure.push(Lane::Beats(Beats::new("beats", marks.collect())));
//! let svg = figure.svg();
//! assert!(svg.starts_with("<svg ") && svg.contains("four beats"));
//! let mut png = Vec::new();
//! picture::png(&svg, &mut png)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), picture::Error>(())
//! ```

mod axis;
mod beats;
pub mod colour;
mod curve;
mod error;
mod figure;
mod heat;
mod magma;
mod matches;
mod overview;
mod png;
mod regions;
mod svg;
mod track;
mod words;

pub use axis::{Span, clock};
pub use beats::{Beats, Mark};
pub use curve::{Curve, Shape};
pub use error::{Error, Result};
pub use figure::{Figure, Lane, Style, Theme, WIDTHS_PX};
pub use heat::Heat;
pub use matches::Matches;
pub use overview::Overview;
pub use png::{SCALE, png};
pub use regions::{Region, Regions};
pub use track::{Heard, figure_of};
