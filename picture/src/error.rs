//! What can go wrong with a picture.

use crate::figure::WIDTHS_PX;
use thiserror::Error;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A span that holds no time.
    #[error("there is nothing from {from_ms} ms to {to_ms} ms")]
    EmptySpan {
        /// Where it begins.
        from_ms: f64,
        /// Where it ends.
        to_ms: f64,
    },
    /// A width that no picture has.
    #[error("a picture is {} to {} wide, not {given}", WIDTHS_PX.start(), WIDTHS_PX.end())]
    Width {
        /// What was asked for.
        given: u32,
    },
    /// Text that is no SVG, or is of no size.
    #[error("it is no SVG that can be drawn")]
    Svg(#[from] resvg::usvg::Error),
    /// An SVG that is too large to be drawn.
    #[error("an SVG of {width} by {height} is too large to be drawn")]
    TooLarge {
        /// Its width.
        width: f32,
        /// Its height.
        height: f32,
    },
    /// The PNG could not be written.
    #[error("failed to write the PNG")]
    Write(#[from] png::EncodingError),
}
