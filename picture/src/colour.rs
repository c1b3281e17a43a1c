//! Colours: of values, and of things that are told apart.

use crate::magma::MAGMA;

/// The colours of values from the quietest to the loudest, evenly brighter to the eye.
#[must_use]
pub fn map() -> &'static [[u8; 3]; 256] {
    &MAGMA
}

/// Which colour of [`map()`] a value has: 0 at `low` and below, 255 at `high` and above.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` clamps to the range of u8")]
pub fn index(value: f32, low: f32, high: f32) -> u8 {
    ((value - low) / (high - low) * 255.0).round() as u8
}

/// What a picture's parts are drawn with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub(crate) paper: &'static str,
    pub(crate) ink: &'static str,
    pub(crate) faint: &'static str,
    pub(crate) grid: &'static str,
    pub(crate) beat: &'static str,
    pub(crate) downbeat: &'static str,
    pub(crate) curve: &'static str,
    pub(crate) matched: &'static str,
    pub(crate) missed: &'static str,
    pub(crate) extra: &'static str,
    /// Lightness of regions, in per cent.
    pub(crate) region: u8,
}

/// Ink on paper. The hues of beats are those of Okabe and Ito, told apart by the colour-blind.
pub(crate) const LIGHT: Palette = Palette {
    paper: "#ffffff",
    ink: "#1d1d22",
    faint: "#66666f",
    grid: "#d8d8de",
    beat: "#5b8fb9",
    downbeat: "#c8432b",
    curve: "#1f5f8b",
    matched: "#3c7d5e",
    missed: "#d55e00",
    extra: "#0072b2",
    region: 84,
};

/// Light on a dark page.
pub(crate) const DARK: Palette = Palette {
    paper: "#121217",
    ink: "#ececf1",
    faint: "#a2a2ad",
    grid: "#35353e",
    beat: "#6f9fc8",
    downbeat: "#ff7a5c",
    curve: "#7fbde6",
    matched: "#6fc39b",
    missed: "#ff9a4d",
    extra: "#6ab7f0",
    region: 32,
};

/// A hue of the circle, in degrees, as `#rrggbb` of this lightness, of low saturation, so that text on it is read.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares from 0 to 1")]
pub(crate) fn tint(hue: u32, saturation: f64, lightness_percent: u8) -> String {
    let lightness = f64::from(lightness_percent) / 100.0;
    let reach = saturation * lightness.min(1.0 - lightness);
    let channel = |offset: f64| {
        let k = (offset + f64::from(hue) / 30.0) % 12.0;
        let value = lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (255.0 * value).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_is_brighter_in_grey_too() {
        let grey =
            |c: &[u8; 3]| 0.2126 * f64::from(c[0]) + 0.7152 * f64::from(c[1]) + 0.0722 * f64::from(c[2]);
        assert!(map().windows(2).all(|two| grey(&two[0]) <= grey(&two[1]) + 0.6));
        assert_eq!([-200.0, -80.0, -40.0, 0.0, 9.0].map(|db| index(db, -80.0, 0.0)), [0, 0, 128, 255, 255]);
        assert_eq!(index(f32::NEG_INFINITY, -80.0, 0.0), 0);
    }

    #[test]
    fn a_tint_is_a_colour() {
        assert_eq!(
            [tint(0, 1.0, 50), tint(120, 1.0, 50), tint(240, 0.0, 20)],
            ["#ff0000", "#00ff00", "#333333"]
        );
    }
}
