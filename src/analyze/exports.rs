//! The forms of other programs among `--format`: what each asks of the command line, and the document that `-o DIR`
//! puts beside the others. `csv` and `rekordbox` on standard output are one document for all files; that is the
//! printer's.

use super::inputs::Input;
use super::output::{self, FolderWriter};
use crate::cli::{AnalyzeArgs, Format, TypeArg, wrong_usage};
use crate::say;
use anyhow::{Context, Result};
use clap::ValueEnum;
use export::rekordbox::Collection;
use export::waveform::Waveform;
use export::{Track, audacity, csv, jams};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Cursor, IsTerminal};

/// What a form's document is called in a file's folder; `None` for what is ours and always there.
pub(crate) fn file_name(format: Format) -> Option<&'static str> {
    match format {
        Format::Text | Format::Json | Format::Jsonl => None,
        Format::Audacity => Some("labels.txt"),
        Format::Jams => Some("analysis.jams"),
        Format::Csv => Some("events.csv"),
        Format::Rekordbox => Some("rekordbox.xml"),
        Format::Dat => Some("waveform.dat"),
    }
}

/// What is printed of several forms: the one that is ours.
pub(crate) fn printed(formats: &[Format]) -> Option<Format> {
    formats.iter().copied().find(|format| file_name(*format).is_none())
}

/// Says what cannot be, before anything is analysed.
///
/// # Errors
/// Wrong usage.
pub(crate) fn check(args: &AnalyzeArgs, inputs: &[Input]) -> Result<()> {
    check_together(&args.formats, args.output.is_some())?;
    distinct(&args.formats).into_iter().try_for_each(|format| check_one(format, args, inputs))
}

/// Whether these forms can be had at once.
///
/// # Errors
/// Wrong usage.
pub(crate) fn check_together(formats: &[Format], into_folders: bool) -> Result<()> {
    let ours: BTreeSet<String> =
        formats.iter().filter(|format| file_name(**format).is_none()).map(|format| name(*format)).collect();
    if ours.len() > 1 {
        let ours: Vec<String> = ours.into_iter().collect();
        return Err(wrong_usage(format!("only one of --format {} can be printed", ours.join(" and "))));
    }
    if distinct(formats).len() > 1 && !into_folders {
        return Err(wrong_usage("several forms need a folder to go into; use -o DIR".into()));
    }
    Ok(())
}

/// Each form once, in the order they were named.
fn distinct(formats: &[Format]) -> Vec<Format> {
    let mut once = Vec::new();
    for format in formats {
        if !once.contains(format) {
            once.push(*format);
        }
    }
    once
}

fn check_one(format: Format, args: &AnalyzeArgs, inputs: &[Input]) -> Result<()> {
    let name = name(format);
    if args.output.is_none() {
        let one_each = matches!(format, Format::Audacity | Format::Jams | Format::Dat);
        if one_each && inputs.len() > 1 {
            let count = inputs.len();
            let what = format!("--format {name} is one document a file, and there are {count} files");
            return Err(wrong_usage(format!("{what}; use -o DIR to get one for each")));
        }
        if format == Format::Dat && std::io::stdout().is_terminal() {
            let what = "--format dat is binary and standard output is a terminal";
            return Err(wrong_usage(format!("{what}; send it to a file (> waveform.dat) or use -o DIR")));
        }
    }
    if format == Format::Rekordbox && inputs.contains(&Input::Stdin) {
        let what = "--format rekordbox says where each file lies, and standard input lies nowhere";
        return Err(wrong_usage(format!("{what}; name the file instead of '-'")));
    }
    if args.engine.analysis_type == TypeArg::Spectral
        && !matches!(format, Format::Dat)
        && file_name(format).is_some()
    {
        say::err(format_args!(
            "arsis: --type spectral hears no events: the {name} output will hold none; --type full does"
        ));
    }
    Ok(())
}

fn name(format: Format) -> String {
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Writes the documents of a track into its folder; peaks are there already.
pub(crate) fn write_into(folder: &FolderWriter, formats: &[Format], track: &Track<'_>) -> Result<()> {
    formats.iter().try_for_each(|format| write_one(folder, *format, track))
}

fn write_one(folder: &FolderWriter, format: Format, track: &Track<'_>) -> Result<()> {
    let Some(name) = file_name(format).filter(|_| format != Format::Dat) else { return Ok(()) };
    folder.write_file(name, |out| {
        match format {
            Format::Audacity => audacity::write(track, out)?,
            Format::Jams => jams::write(track, out)?,
            Format::Csv => csv::Table::new(out)?.add(track)?,
            Format::Rekordbox => {
                let mut collection = Collection::new(Cursor::new(Vec::new()));
                collection.add(track)?;
                collection.finish(track.analyzer_version, out)?;
            }
            Format::Text | Format::Json | Format::Jsonl | Format::Dat => {}
        }
        Ok(())
    })
}

/// Peaks of a file as they are found: in its folder, or in a temporary file where they go to standard output, because
/// their number stands before them.
pub(crate) struct PeaksFile {
    waveform: Waveform<BufWriter<File>>,
}

impl PeaksFile {
    /// Starts one where a form asks for it.
    pub(crate) fn create(formats: &[Format], folder: Option<&FolderWriter>) -> Result<Option<Self>> {
        let Some(name) = file_name(Format::Dat).filter(|_| formats.contains(&Format::Dat)) else {
            return Ok(None);
        };
        let file = match folder {
            Some(folder) => folder.create_file(name)?,
            None => output::unnamed()?,
        };
        let waveform = Waveform::new(BufWriter::new(file)).context("failed to write the peaks")?;
        Ok(Some(Self { waveform }))
    }

    /// Takes a block of audio.
    pub(crate) fn push(&mut self, planes: &[Vec<f32>]) -> std::io::Result<()> {
        self.waveform.push(planes)
    }

    /// Completes the file.
    pub(crate) fn finish(self, sample_rate_hz: u32) -> Result<File> {
        let out = self.waveform.finish(sample_rate_hz).context("failed to write the peaks")?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error).context("failed to write the peaks")
    }
}
