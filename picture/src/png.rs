//! The one file that draws: SVG in, PNG out.

use crate::colour::map;
use crate::error::{Error, Result};
use png::{BitDepth, ColorType, Compression, Encoder, PixelDimensions, Unit};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{FontResolver, ImageHrefResolver, Options, Tree};
use std::io::Write;
use std::sync::Arc;

/// Pixels of a PNG for one of the SVG, in each direction.
pub const SCALE: u32 = 2;

/// 96 pixels of the SVG are an inch.
const PIXELS_PER_METRE: u32 = SCALE * 3780;

/// Rows that are drawn at a time: memory does not depend on the height.
const STRIP_ROWS: u32 = 128;

/// Widest and highest PNG.
const MOST_PIXELS: f32 = 16_384.0;

static ROBOTO: &[u8] = include_bytes!("../font/Roboto-Regular.subset.ttf");

/// Draws an SVG as PNG of [`SCALE`] times its size, on white. Its text is drawn in our letters whatever font it names; a
/// letter that we do not have is a hollow box. Images within it are drawn, files that it names are not read.
///
/// # Errors
/// [`Error::Svg`] if it is none, [`Error::TooLarge`], and [`Error::Write`] for what `out` refuses.
pub fn png(svg: &str, out: impl Write) -> Result<()> {
    let tree = Tree::from_str(svg, &options())?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = SCALE as f32;
    let too_large = || Error::TooLarge { width, height };
    if width * scale > MOST_PIXELS || height * scale > MOST_PIXELS {
        return Err(too_large());
    }
    let size = tree.size().to_int_size().scale_by(scale).ok_or_else(too_large)?;
    let (columns, rows) = (size.width(), size.height());
    let mut writer = encoder(out, columns, rows)?;
    let mut lines = writer.stream_writer()?;
    let mut strip = Pixmap::new(columns, STRIP_ROWS).ok_or_else(too_large)?;
    for top in (0..rows).step_by(STRIP_ROWS as usize) {
        strip.fill(resvg::tiny_skia::Color::WHITE);
        let place = Transform::from_scale(scale, scale).post_translate(0.0, -(top as f32));
        resvg::render(&tree, place, &mut strip.as_mut());
        let drawn = (rows - top).min(STRIP_ROWS) * columns;
        let opaque = strip.pixels()[..drawn as usize].iter().flat_map(|p| [p.red(), p.green(), p.blue()]);
        lines.write_all(&opaque.collect::<Vec<u8>>()).map_err(png::EncodingError::from)?;
    }
    Ok(lines.finish()?)
}

fn encoder<W: Write>(out: W, columns: u32, rows: u32) -> Result<png::Writer<W>> {
    let mut encoder = Encoder::new(out, columns, rows);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_pixel_dims(Some(PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: Unit::Meter,
    }));
    Ok(encoder.write_header()?)
}

/// Our letters for all text, and no files.
fn options() -> Options<'static> {
    let mut options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        font_resolver: FontResolver {
            select_font: Box::new(|_, fonts| fonts.faces().next().map(|face| face.id)),
            select_fallback: Box::new(|_, _, _| None),
        },
        ..Options::default()
    };
    Arc::make_mut(&mut options.fontdb).load_font_data(ROBOTO.to_vec());
    options
}

/// A PNG of indices into [`map`], row by row.
pub(crate) fn indexed(columns: usize, pixels: &[u8]) -> Vec<u8> {
    let rows = pixels.len() / columns.max(1);
    let mut out = Vec::new();
    let size = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut encoder = Encoder::new(&mut out, size(columns), size(rows));
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(map().concat());
    encoder.set_compression(Compression::Balanced);
    // Memory takes all that is written to it, and the sizes are those of the pixels.
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    debug_assert!(written.is_ok(), "{written:?}");
    out
}
