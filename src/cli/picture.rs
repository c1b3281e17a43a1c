//! What the command line accepts of pictures.

use clap::{Args, ValueEnum, value_parser};
use std::path::PathBuf;

/// Narrowest and widest picture, in pixels: [`picture::WIDTHS_PX`] as clap takes it.
const WIDTHS_PX: std::ops::RangeInclusive<i64> =
    (*picture::WIDTHS_PX.start() as i64)..=(*picture::WIDTHS_PX.end() as i64);

/// Pictures of an analysis.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures")]
pub(crate) struct PictureArgs {
    /// Draw a picture: bands, beats, sections, chords, chroma, tempo, loudness. FILE.png or FILE.svg for one input; a folder
    /// that exists gets OUT/NAME.png for each
    #[arg(long, value_name = "OUT")]
    pub(crate) picture: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) drawing: DrawingArgs,
}

/// What is drawn of each file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pictures")]
pub(crate) struct DrawingArgs {
    /// What -o, and --picture with a folder, draw
    #[arg(long, value_enum, default_value_t = PictureFormat::Png, value_name = "FORMAT")]
    pub(crate) picture_format: PictureFormat,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// How a picture looks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pictures")]
pub(crate) struct LookArgs {
    /// Draw a part only: FROM-TO as minutes and seconds (0:30-1:00), or as seconds (90-97.5); without TO up to the end
    #[arg(long, value_name = "FROM-TO", value_parser = parse_span)]
    pub(crate) picture_span: Option<SpanArg>,
    /// Width of the picture in pixels, 96 to an inch; text keeps its size, so that 640 suits a page's text. A PNG has twice
    /// as many
    #[arg(long, default_value_t = 1000, value_name = "PX", value_parser = value_parser!(u32).range(WIDTHS_PX))]
    pub(crate) picture_width: u32,
    /// Ink on white paper, or light on a dark page
    #[arg(long, value_enum, default_value_t = ThemeArg::Light, value_name = "THEME")]
    pub(crate) picture_theme: ThemeArg,
}

/// `--picture-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PictureFormat {
    /// Pixels, as large as two of a screen
    Png,
    /// Lines and text, for papers and editors
    Svg,
    /// PNG and SVG
    Both,
    /// No picture
    None,
}

/// `--picture-theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThemeArg {
    /// Ink on white paper
    Light,
    /// Light on a dark page
    Dark,
}

impl From<ThemeArg> for picture::Theme {
    fn from(arg: ThemeArg) -> Self {
        match arg {
            ThemeArg::Light => Self::Light,
            ThemeArg::Dark => Self::Dark,
        }
    }
}

/// `--picture-span`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SpanArg {
    pub(crate) from_ms: f64,
    /// `None`: the end of the music.
    pub(crate) to_ms: Option<f64>,
}

fn parse_span(text: &str) -> Result<SpanArg, String> {
    let (from, to) = text.split_once('-').ok_or("say where it begins and ends, e.g. 0:30-1:00")?;
    let from_ms = parse_time(from).ok_or_else(|| no_time(from))?;
    let to_ms = match to {
        "" => None,
        to => Some(parse_time(to).ok_or_else(|| no_time(to))?),
    };
    match to_ms {
        Some(to_ms) if to_ms <= from_ms => Err("it ends before anything is in it".into()),
        _ => Ok(SpanArg { from_ms, to_ms }),
    }
}

fn no_time(text: &str) -> String {
    format!("'{text}' is no time; write 1:30, 0:01:30 or 90.5")
}

/// `[[h:]m:]s[.f]` as ms.
fn parse_time(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let plain =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if parts.len() > 3 || !parts.iter().all(plain) {
        return None;
    }
    let seconds = parts.iter().try_fold(0.0, |sum, part| Some(60.0 * sum + part.parse::<f64>().ok()?));
    seconds.map(|seconds| 1000.0 * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        let span = |from_ms, to_ms| SpanArg { from_ms, to_ms };
        for (text, want) in [
            ("0:30-1:00", span(30_000.0, Some(60_000.0))),
            ("90-97.5", span(90_000.0, Some(97_500.0))),
            ("1:00:00-", span(3_600_000.0, None)),
        ] {
            assert_eq!(parse_span(text), Ok(want), "{text}");
        }
        for text in ["", "5", "1:00-0:30", "a-b", "-5", "1:2:3:4-", "1e3-2e3", "inf-", "0:30-nan"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
