//! Letters for pictures.

use font8x8::UnicodeFonts;

/// Eight rows of a letter, the lowest bit leftmost; a hollow box for one the font lacks.
pub(crate) fn glyph(letter: char) -> [u8; 8] {
    let known = font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter));
    known.unwrap_or([0x7e, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7e, 0])
}
