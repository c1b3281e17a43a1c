//! What goes to standard output: results in the order of the inputs, whichever finishes first.

use super::document::Document;
use super::{exports, text};
use crate::cli::{AnalyzeArgs, Format};
use anyhow::{Context, Result};
use export::csv::Table;
use export::rekordbox::Collection;
use export::{audacity, jams};
use picture::Overview;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Stdout, Write};
use std::process::ExitCode;

/// A finished file.
pub(crate) struct Heard {
    pub(crate) document: Document,
    pub(crate) overview: Overview,
    /// Where `--format dat` is asked for.
    pub(crate) peaks: Option<File>,
}

/// What is printed.
enum Form {
    /// Nothing: the folders of `-o` hold it.
    Nothing,
    Text,
    Json,
    Jsonl,
    Audacity,
    Jams,
    Dat,
    /// One table for all files, from the first on.
    Csv(Option<Box<Table<Stdout>>>),
    /// One library for all files, held back until their number is known.
    Rekordbox(Box<Collection<File>>),
}

impl Form {
    fn new(args: &AnalyzeArgs) -> Result<Self> {
        if args.output.is_some() && exports::file_name(args.format).is_some() {
            return Ok(Self::Nothing);
        }
        Ok(match args.format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Jsonl => Self::Jsonl,
            Format::Audacity => Self::Audacity,
            Format::Jams => Self::Jams,
            Format::Dat => Self::Dat,
            Format::Csv => Self::Csv(None),
            Format::Rekordbox => {
                let spool = tempfile::tempfile().context("failed to create a temporary file")?;
                Self::Rekordbox(Box::new(Collection::new(spool)))
            }
        })
    }
}

/// Prints results in the order of the inputs; `jsonl` prints them as they come.
pub(crate) struct Printer {
    form: Form,
    files: usize,
    next: usize,
    waiting: BTreeMap<usize, Option<Heard>>,
    printed: usize,
    failed: usize,
}

impl Printer {
    pub(crate) fn new(args: &AnalyzeArgs, files: usize) -> Result<Self> {
        let form = Form::new(args)?;
        Ok(Self { form, files, next: 0, waiting: BTreeMap::new(), printed: 0, failed: 0 })
    }

    /// Takes the result of input `index`, called `name`.
    pub(crate) fn take(&mut self, index: usize, name: &str, result: Result<Heard>) -> Result<()> {
        let heard = result.inspect_err(|error| {
            eprintln!("arsis: {name}: {}", crate::causes(error));
            self.failed += 1;
        });
        if matches!(self.form, Form::Jsonl | Form::Nothing) {
            return heard.map_or(Ok(()), |heard| self.print(heard));
        }
        self.waiting.insert(index, heard.ok());
        while let Some(heard) = self.waiting.remove(&self.next) {
            self.next += 1;
            heard.map_or(Ok(()), |heard| self.print(heard))?;
        }
        Ok(())
    }

    fn print(&mut self, heard: Heard) -> Result<()> {
        let separator = self.separator();
        let written = print(&mut self.form, separator, heard);
        self.printed += 1;
        written.context("failed to write to standard output")
    }

    fn separator(&self) -> &'static str {
        match (&self.form, self.printed) {
            (Form::Json, 0) if self.files > 1 => "[\n",
            (Form::Json, 1..) => ",\n",
            (Form::Text, 1..) => "\n",
            _ => "",
        }
    }

    /// Ends the document; exit 0 when no file failed.
    pub(crate) fn finish(self) -> Result<ExitCode> {
        let (failed, files) = (self.failed, self.files);
        self.close().context("failed to write to standard output")?;
        if failed > 0 && files > 1 {
            eprintln!("arsis: {failed} of {files} files failed");
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What stands after the last result. Of several files that all failed an empty document remains, of a single
    /// one nothing.
    fn close(self) -> std::io::Result<()> {
        let mut out = std::io::stdout();
        match (self.form, self.files > 1, self.printed) {
            (Form::Json, false, 1..) => out.write_all(b"\n"),
            (Form::Json, true, 0) => out.write_all(b"[]\n"),
            (Form::Json, true, _) => out.write_all(b"\n]\n"),
            (Form::Csv(None), true, _) => Table::new(out).map(|_| ()),
            (Form::Rekordbox(collection), true, _) | (Form::Rekordbox(collection), false, 1..) => {
                let mut out = BufWriter::new(out.lock());
                collection.finish(analysis_core::ANALYZER_VERSION, &mut out)?;
                out.flush()
            }
            _ => Ok(()),
        }
    }
}

/// Writes straight to standard output: a long track's events are never a second time in memory.
fn print(form: &mut Form, separator: &str, heard: Heard) -> std::io::Result<()> {
    let document = &heard.document;
    let mut out = BufWriter::new(std::io::stdout().lock());
    out.write_all(separator.as_bytes())?;
    match form {
        Form::Nothing => {}
        Form::Text => out.write_all(text::describe(document, &heard.overview).as_bytes())?,
        Form::Json => serde_json::to_writer_pretty(&mut out, document)?,
        Form::Jsonl => {
            serde_json::to_writer(&mut out, document)?;
            out.write_all(b"\n")?;
        }
        Form::Audacity => audacity::write(&document.track(), &mut out)?,
        Form::Jams => jams::write(&document.track(), &mut out)?,
        Form::Dat => copy(heard.peaks, &mut out)?,
        Form::Csv(Some(table)) => table.add(&document.track())?,
        Form::Csv(table) => table.insert(Box::new(Table::new(std::io::stdout())?)).add(&document.track())?,
        Form::Rekordbox(collection) => collection.add(&document.track())?,
    }
    out.flush()
}

fn copy(peaks: Option<File>, out: &mut impl Write) -> std::io::Result<()> {
    if let Some(mut peaks) = peaks {
        peaks.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut peaks, out)?;
    }
    Ok(())
}
