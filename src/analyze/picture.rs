//! Pictures of an analysis: where they go, what of the frames they need, and drawing them.

use super::document::Document;
use super::inputs::Input;
use super::output::{self, FolderWriter, part_beside};
use crate::cli::picture::{DrawingArgs, LookArgs, PictureArgs, PictureFormat, SpanArg};
use crate::cli::wrong_usage;
use analysis_core::analyzer::Frame;
use anyhow::{Context, Result, ensure};
use picture::{Heard, Overview, Span, Style};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Columns of an overview, at least; twice that at most.
const COLUMNS: usize = 1000;

/// Where the pictures of each input go: `OUT` itself for one input, `NAME.png` or `.svg` in it, as the
/// results of `-o` lie, where it is a folder.
///
/// # Errors
/// Wrong usage: several inputs and no folder, a name that ends neither in `.png` nor in `.svg`. A folder that is missing.
pub(crate) fn targets(args: &PictureArgs, inputs: &[Input]) -> Result<Vec<Vec<PathBuf>>> {
    let Some(out) = &args.picture else { return Ok(vec![Vec::new(); inputs.len()]) };
    if out.is_dir() {
        let files = |path: PathBuf| {
            let kind = |kind: &&str| path.with_added_extension(kind);
            extensions(args.drawing.picture_format).iter().map(kind).collect()
        };
        return Ok(output::folders(out, inputs).into_iter().map(files).collect());
    }
    check_file(out, "neither a folder that exists nor a name")?;
    if inputs.len() != 1 {
        let (shown, count) = (out.display(), inputs.len());
        let advice = "name a folder that exists to get a file for each";
        return Err(wrong_usage(format!("--picture {shown} is one file for {count} inputs; {advice}")));
    }
    Ok(vec![vec![out.clone()]])
}

/// Refuses a name that does not tell what to draw, which is called `what`, and a folder that is missing.
pub(crate) fn check_file(out: &Path, what: &str) -> Result<()> {
    let shown = out.display();
    if kind_of(out).is_none() {
        return Err(wrong_usage(format!("--picture {shown} is {what} that ends in .png or .svg")));
    }
    let folder = output::folder_of(out);
    ensure!(folder.is_dir(), "--picture {shown}: there is no folder {}; create it first", folder.display());
    Ok(())
}

fn extensions(format: PictureFormat) -> &'static [&'static str] {
    match format {
        PictureFormat::Png => &["png"],
        PictureFormat::Svg => &["svg"],
        PictureFormat::Both => &["png", "svg"],
        PictureFormat::None => &[],
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Svg,
}

fn kind_of(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    [("png", Kind::Png), ("svg", Kind::Svg)]
        .into_iter()
        .find(|(name, _)| *name == extension)
        .map(|(_, kind)| kind)
}

/// The frames of a track as pictures need them, gathered while it is analysed.
pub(crate) struct Columns {
    /// Of the whole.
    pub(crate) whole: Overview,
    /// Of the part that is drawn, with the time of its first frame.
    near: Option<(Overview, SpanArg, Option<f64>)>,
}

impl Columns {
    pub(crate) fn new(look: &LookArgs, bands: usize) -> Self {
        let near = look.picture_span.map(|span| (Overview::new(COLUMNS, bands), span, None));
        Self { whole: Overview::new(COLUMNS, bands), near }
    }

    /// Takes the next frame.
    pub(crate) fn push(&mut self, frame: &Frame<'_>) {
        self.whole.push(&frame.values);
        let Some((overview, span, first_ms)) = &mut self.near else { return };
        let time_ms = frame.time_ms as f64;
        // The frame before the first moment is seen in its first pixels, and so is the one after the last.
        const BESIDE_MS: f64 = 100.0;
        if time_ms >= span.from_ms - BESIDE_MS && span.to_ms.is_none_or(|to_ms| time_ms <= to_ms + BESIDE_MS)
        {
            first_ms.get_or_insert(time_ms);
            overview.push(&frame.values);
        }
    }

    /// The columns to draw, and the time of their first frame.
    pub(crate) fn drawn(&self) -> (&Overview, f64) {
        match &self.near {
            Some((overview, _, first_ms)) => (overview, first_ms.unwrap_or_default()),
            None => (&self.whole, 0.0),
        }
    }
}

/// The picture of a document, as SVG.
///
/// # Errors
/// When the part that is asked for is not in the music.
pub(crate) fn svg(document: &Document, columns: &Columns, look: &LookArgs) -> Result<String> {
    let analysis = &document.analysis;
    let title = Path::new(&document.file).file_name().map(|name| name.to_string_lossy());
    let title = title.unwrap_or_else(|| "standard input".into());
    let (overview, first_ms) = columns.drawn();
    let heard = Heard {
        title: if document.file == "-" { "standard input" } else { &title },
        audio: &analysis.audio,
        summary: &analysis.summary,
        overview,
        first_ms,
        hop_ms: f64::from(analysis.manifest.hop_ms),
        band_edges_hz: document.band_edges_hz(),
    };
    let span = span(look.picture_span, analysis.audio.duration_ms)?;
    let figure = picture::figure_of(&heard, analysis.events.iter(), span, style(look)?);
    Ok(figure.svg())
}

/// The part of `length_ms` that is asked for.
pub(crate) fn span(asked: Option<SpanArg>, length_ms: u64) -> Result<Span> {
    let length_ms = (length_ms as f64).max(1.0);
    let SpanArg { from_ms, to_ms } = asked.unwrap_or(SpanArg { from_ms: 0.0, to_ms: None });
    let shown = |ms| picture::clock(ms, true);
    ensure!(
        from_ms < length_ms,
        "--picture-span begins at {} and the music ends at {}",
        shown(from_ms),
        shown(length_ms)
    );
    Ok(Span::new(from_ms, to_ms.unwrap_or(length_ms).min(length_ms))?)
}

pub(crate) fn style(look: &LookArgs) -> Result<Style> {
    Ok(Style::new(look.picture_width, look.picture_theme.into())?)
}

/// What pictures are called in the folder of a file.
pub(crate) fn file_names(format: PictureFormat) -> impl Iterator<Item = PathBuf> {
    extensions(format).iter().map(|extension| Path::new("picture").with_extension(extension))
}

/// Writes `picture.png` and `picture.svg` into the folder of a file, as far as they are asked for.
pub(crate) fn write_into(folder: &FolderWriter, format: PictureFormat, svg: &str) -> Result<()> {
    for name in file_names(format) {
        folder.write_file(&name.to_string_lossy(), |out| draw(&name, svg, out))?;
    }
    Ok(())
}

/// Writes a picture to a file, which takes its name only when it is whole.
pub(crate) fn write(path: &Path, svg: &str) -> Result<()> {
    let failed = || format!("failed to write the picture {}", path.display());
    let part = part_beside(path).with_context(failed)?;
    let mut out = BufWriter::new(part.as_file());
    draw(path, svg, &mut out).and_then(|()| Ok(out.flush()?)).with_context(failed)?;
    drop(out);
    part.persist(path).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

fn draw(path: &Path, svg: &str, out: &mut impl Write) -> Result<()> {
    match kind_of(path) {
        Some(Kind::Png) => Ok(picture::png(svg, out)?),
        _ => Ok(out.write_all(svg.as_bytes())?),
    }
}

/// Whether any picture is to be drawn.
pub(crate) fn is_wanted(args: &DrawingArgs, to_folder: bool, targets: &[PathBuf]) -> bool {
    (to_folder && args.picture_format != PictureFormat::None) || !targets.is_empty()
}
