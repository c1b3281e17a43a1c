//! Stretches of time with names: sections, keys, chords.

use crate::axis::TimeAxis;
use crate::colour::{Palette, tint};
use crate::figure::name_beside;
use crate::svg::Svg;
use crate::words;

const HEIGHT: f64 = 17.0;
/// Regions that are narrower than this on average cannot be seen.
const NARROWEST: f64 = 2.5;
const LETTER_SIZE: f64 = 10.0;

/// A stretch with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Where it begins, in ms.
    pub from_ms: f64,
    /// Where it ends, in ms.
    pub to_ms: f64,
    /// What it is called.
    pub label: String,
}

/// A lane of regions: equal names have equal colours. Left out where there are too many to be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    name: String,
    regions: Vec<Region>,
}

impl Regions {
    /// Regions in order of time.
    #[must_use]
    pub fn new(name: &str, regions: Vec<Region>) -> Self {
        Self { name: name.to_owned(), regions }
    }

    pub(crate) fn height(&self, axis: &TimeAxis) -> f64 {
        let count = self.seen(axis).count();
        if count > 0 && count as f64 * NARROWEST <= axis.width { HEIGHT } else { 0.0 }
    }

    /// The regions that meet the span.
    fn seen(&self, axis: &TimeAxis) -> impl Iterator<Item = &Region> {
        let span = axis.span;
        self.regions
            .iter()
            .filter(move |r| r.to_ms > span.from_ms() && r.from_ms < span.to_ms() && r.from_ms < r.to_ms)
    }

    pub(crate) fn draw(&self, svg: &mut Svg, axis: &TimeAxis, top: f64, palette: &Palette) {
        svg.open("g", &[("class", "regions"), ("id", &self.name.replace(' ', "-"))]);
        name_beside(svg, axis, top + HEIGHT / 2.0, &self.name);
        for region in self.seen(axis) {
            let (left, right) = (axis.x_within(region.from_ms), axis.x_within(region.to_ms));
            let fill = fill(&region.label, palette.region);
            // A little of the paper between neighbours, where there is room for it.
            let width = (right - left - 0.75).max((right - left) * 0.7);
            svg.rectangle((left, top), (width, HEIGHT), &fill);
            let text = words::shortened(&region.label, LETTER_SIZE, width - 4.0);
            if text == region.label || text.chars().count() > 4 {
                svg.text((left + width / 2.0, top + 12.0), "small middle", &text);
            }
        }
        svg.close("g");
    }
}

/// Colour of a name. Notes have their place on the circle of fifths, so that near keys and chords look alike, minor ones
/// less of it; a section's variation is coloured as what it varies. All other names have a colour of their letters.
fn fill(label: &str, lightness_percent: u8) -> String {
    if let Some((step, is_minor)) = note(label) {
        return tint(step * 7 % 12 * 30, if is_minor { 0.35 } else { 0.75 }, lightness_percent);
    }
    let hash = label.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    tint(hash % 360, 0.5, lightness_percent)
}

/// Steps above C, and whether it is minor, of a key, a chord or a section's letter.
fn note(label: &str) -> Option<(u32, bool)> {
    let mut letters = label.chars();
    let naturals = [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];
    let first = letters.next()?;
    let (_, natural) = naturals.into_iter().find(|(letter, _)| *letter == first)?;
    let rest = letters.as_str();
    let (step, kind) = match (rest.strip_prefix('#'), rest.strip_prefix('b')) {
        (Some(kind), _) => (natural + 1, kind),
        (_, Some(kind)) => (natural + 11, kind),
        _ => (natural, rest),
    };
    match kind.trim_start_matches([' ', ':', '\'']) {
        "" | "maj" | "major" | "7" | "maj7" | "6" => Some((step, false)),
        "m" | "min" | "minor" | "m7" | "min7" | "m6" | "dim" => Some((step, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_have_equal_colours_and_variations_theirs() {
        assert_eq!(fill("A", 84), fill("A'", 84));
        assert_eq!(fill("F# minor", 84), fill("F#m", 84));
        assert_ne!(fill("A minor", 84), fill("A", 84));
        assert_ne!(fill("Bridge", 84), fill("Ending", 84));
        assert_eq!((note("Bridge"), note("Bbm"), note("é"), note("")), (None, Some((22, true)), None, None));
    }
}
