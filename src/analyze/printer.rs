//! What goes to standard output: results in the order of the inputs, whichever finishes first.

use super::document::Document;
use super::file::Changed;
use super::table::{self, Look, Row};
use super::{exports, output, text};
use crate::cli::{AnalyzeArgs, Format};
use crate::stop::Stop;
use crate::{advice, say};
use anyhow::{Context, Result};
use export::csv::Table;
use export::rekordbox::Collection;
use export::{audacity, jams};
use picture::Overview;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Stdout, Write};
use std::path::Path;
use std::process::ExitCode;

/// A finished file.
pub(crate) struct Heard {
    pub(crate) document: Document,
    pub(crate) overview: Overview,
    /// Where `--format dat` is asked for.
    pub(crate) peaks: Option<File>,
}

/// What is printed.
pub(crate) enum Form {
    /// Nothing: the folders of `-o` hold it, or nobody reads it any more.
    Nothing,
    /// Everything about each file.
    Text,
    /// A row for each file, once all are known.
    Table(BTreeMap<usize, Row>),
    /// A row for each file as it comes.
    Rows,
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
    /// What `arsis analyze` prints.
    pub(crate) fn new(args: &AnalyzeArgs, files: usize) -> Result<Self> {
        let into_folders = args.output.is_some();
        let format =
            exports::printed(&args.formats).or(args.formats.first().copied().filter(|_| !into_folders));
        let Some(format) = format else { return Ok(Self::Nothing) };
        Ok(match format {
            Format::Text if files > 1 && !args.details => Self::Table(BTreeMap::new()),
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Jsonl => Self::Jsonl,
            Format::Audacity => Self::Audacity,
            Format::Jams => Self::Jams,
            Format::Dat => Self::Dat,
            Format::Csv => Self::Csv(None),
            Format::Rekordbox => {
                let spool = output::unnamed()?;
                Self::Rekordbox(Box::new(Collection::new(spool)))
            }
        })
    }
}

/// Prints results in the order of the inputs; `jsonl` and rows are printed as they come.
pub(crate) struct Printer {
    form: Form,
    files: usize,
    next: usize,
    waiting: BTreeMap<usize, Option<Heard>>,
    printed: usize,
    failed: usize,
    stopped: usize,
    reader_gone: bool,
    by_reader: bool,
    /// Asked when nobody reads any more: then nothing else is left to be done.
    without_reader: Option<Stop>,
}

/// How a run went so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// Files that were analysed or failed, but were not stopped.
    pub(crate) done: usize,
    /// Whether who read standard output has gone.
    pub(crate) reader_gone: bool,
    /// Whether it was this that ended the run.
    pub(crate) by_reader: bool,
}

impl Printer {
    /// For so many files. `without_reader` is asked to stop when standard output has no reader any more; `None` where
    /// there is more to a run than what it prints.
    pub(crate) fn new(form: Form, files: usize, without_reader: Option<Stop>) -> Self {
        let waiting = BTreeMap::new();
        let (next, printed, failed, stopped) = (0, 0, 0, 0);
        let (reader_gone, by_reader) = (false, false);
        Self { form, files, next, waiting, printed, failed, stopped, reader_gone, by_reader, without_reader }
    }

    /// Takes the result of input `index`, called `name`.
    ///
    /// # Errors
    /// It cannot be printed, though somebody reads.
    pub(crate) fn take(&mut self, index: usize, name: &str, result: Result<Heard>) -> Result<()> {
        let result = result.inspect_err(|error| self.name_failure(index, name, error));
        match (&mut self.form, result) {
            (Form::Table(rows), result) => {
                rows.extend(result.ok().map(|heard| (index, Row::of(&heard.document))));
                self.printed += 1;
                return Ok(());
            }
            (Form::Jsonl | Form::Nothing | Form::Rows, Ok(heard)) => return self.print(heard),
            (_, result) => self.waiting.insert(index, result.ok()),
        };
        while let Some(heard) = self.waiting.remove(&self.next) {
            self.next += 1;
            heard.map_or(Ok(()), |heard| self.print(heard))?;
        }
        Ok(())
    }

    /// Says what failed, on standard error and in the table. What was stopped has not failed, nor has what
    /// changed meanwhile.
    fn name_failure(&mut self, index: usize, name: &str, error: &anyhow::Error) {
        if matches!(error.downcast_ref(), Some(analysis_core::Error::Cancelled)) {
            self.stopped += 1;
            return;
        }
        let reason = advice::told_of(error, Path::new(name));
        say::err(format_args!("arsis: {}: {reason}", name));
        if error.is::<Changed>() {
            self.stopped += 1;
            return;
        }
        self.failed += 1;
        if let Form::Table(rows) = &mut self.form {
            rows.insert(index, Row::Failed { file: name.to_owned(), reason: crate::causes(error) });
        }
    }

    fn print(&mut self, heard: Heard) -> Result<()> {
        let separator = self.separator();
        let written = print(&mut self.form, separator, heard);
        self.printed += 1;
        self.wrote(written)
    }

    /// Nobody reading is no failure: nothing more is printed.
    fn wrote(&mut self, written: std::io::Result<()>) -> Result<()> {
        if written.as_ref().is_err_and(say::is_gone) {
            self.form = Form::Nothing;
            self.reader_gone = true;
            if let Some(stop) = &self.without_reader {
                self.by_reader |= !stop.is_asked();
                stop.ask();
            }
            return Ok(());
        }
        written.context("failed to write to standard output")
    }

    /// How the run went so far.
    pub(crate) fn ended(&self) -> Ended {
        let done = self.files - self.stopped;
        Ended { done, reader_gone: self.reader_gone, by_reader: self.by_reader }
    }

    fn separator(&self) -> &'static str {
        match (&self.form, self.printed) {
            (Form::Json, 0) if self.files > 1 => "[\n",
            (Form::Json, 1..) => ",\n",
            (Form::Text, 1..) => "\n",
            _ => "",
        }
    }

    /// Whether a file failed so far.
    pub(crate) fn failed(&self) -> bool {
        self.failed > 0
    }

    /// Ends the document; exit 0 when no file failed.
    ///
    /// # Errors
    /// It cannot be printed, though somebody reads.
    pub(crate) fn finish(&mut self) -> Result<ExitCode> {
        let form = std::mem::replace(&mut self.form, Form::Nothing);
        let closed = self.close(form);
        self.wrote(closed)?;
        let (failed, files) = (self.failed, self.files);
        if failed > 0 && files > 1 {
            say::err(format_args!("arsis: {failed} of {files} files failed"));
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What stands after the last result. Of several files that all failed an empty document remains, of a single
    /// one nothing.
    fn close(&self, form: Form) -> std::io::Result<()> {
        let mut out = std::io::stdout();
        match (form, self.files > 1, self.printed) {
            (Form::Table(rows), ..) if !rows.is_empty() => {
                let rows: Vec<Row> = rows.into_values().collect();
                out.write_all(table::table(&rows, Look::of_stdout()).as_bytes())
            }
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
        Form::Nothing | Form::Table(_) => {}
        Form::Rows => out.write_all(table::single(&Row::of(document), Look::of_stdout()).as_bytes())?,
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
