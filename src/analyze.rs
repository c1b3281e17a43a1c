//! `arsis analyze`: files in, results on standard output, progress and failures on standard error.

mod click;
mod document;
mod font;
mod inputs;
mod output;
mod overview;
mod picture;
mod progress;
mod text;

use crate::cli::{AnalyzeArgs, Format};
use analysis_core::analyzer::{self, Frame, Observer};
use analysis_core::chunk::Chunk;
use analysis_core::{Config, Limits};
use anyhow::{Context, Result};
use document::Document;
use inputs::Input;
use output::FolderWriter;
use overview::Overview;
use progress::{FileProgress, Progress};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

/// Width of a picture's plot in columns, at least; twice that at most.
const OVERVIEW_COLUMNS: usize = 800;

/// Runs the command: exit 0 when every file was analysed, 1 when some failed.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<ExitCode> {
    let config = config(args);
    config.validate()?;
    let inputs = inputs::expand(&args.paths, args.recursive)?;
    let targets = |out: &PathBuf| click::targets(out, config.analysis_type, &inputs);
    let clicks = args.click.as_ref().map(targets).transpose()?;
    let names: Vec<String> = inputs.iter().map(Input::name).collect();
    let folders = args.output.as_ref().map(|root| output::folders(root, &names));
    let progress = Progress::new(inputs.len());
    let printer = Mutex::new(Printer::new(args.format, inputs.len()));
    let jobs: Vec<Job> = (0..inputs.len())
        .map(|index| Job {
            index,
            input: &inputs[index],
            folder: folders.as_ref().map(|folders| folders[index].clone()),
            click: clicks.as_ref().map(|clicks| clicks[index].clone()),
        })
        .collect();
    let work = |job: &Job| {
        let result = analyze_input(job, args, &config, &progress);
        let mut printer = printer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        progress.suspend(|| printer.take(job, result))
    };
    let printed: Result<Vec<()>> = in_parallel(args, || {
        use rayon::prelude::*;
        jobs.par_iter().map(work).collect()
    })?;
    progress.finish();
    printed?;
    let printer = printer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    printer.finish()
}

fn config(args: &AnalyzeArgs) -> Config {
    let limits = Limits { max_duration_ms: args.max_minutes.saturating_mul(60_000), ..Limits::default() };
    Config {
        analysis_type: args.analysis_type.into(),
        hop_ms: args.hop_ms,
        bands: args.bands,
        sample_type: args.values.into(),
        limits,
        ..Config::default()
    }
}

fn in_parallel<T: Send>(args: &AnalyzeArgs, work: impl FnOnce() -> T + Send) -> Result<T> {
    let threads = args.jobs.map_or(0, std::num::NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.context("failed to start the worker threads")?.install(work))
}

/// One input and where its results go.
struct Job<'a> {
    index: usize,
    input: &'a Input,
    folder: Option<PathBuf>,
    click: Option<PathBuf>,
}

/// A finished file.
struct Heard {
    document: Document,
    overview: Overview,
}

fn analyze_input(job: &Job, args: &AnalyzeArgs, config: &Config, progress: &Progress) -> Result<Heard> {
    let file = open(job.input)?;
    let again = job.click.as_ref().map(|_| file.try_clone()).transpose()?;
    let writer = job.folder.clone().map(FolderWriter::create).transpose()?;
    let hint = job.input.extension().or(args.hint.as_deref());
    let mut recorder = Recorder {
        writer,
        overview: Overview::new(OVERVIEW_COLUMNS, config.bands),
        progress: progress.file(&job.input.name()),
    };
    let analysis = analyzer::analyze(file, hint, config, &mut recorder)?;
    let document = Document { file: job.input.name(), analysis };
    if let Some(writer) = recorder.writer {
        writer.finish(&document, &recorder.overview)?;
    }
    if let (Some(path), Some(file)) = (&job.click, again) {
        click::write(path, file, hint, &config.limits, &document.analysis)?;
        if document.analysis.events.beats().is_empty() {
            let (name, path) = (job.input.name(), path.display());
            progress.suspend(|| eprintln!("arsis: {name}: no beat heard; {path} holds the music alone"));
        }
    }
    Ok(Heard { document, overview: recorder.overview })
}

/// Opens a file; standard input is copied to a temporary file, because containers are read back and forth.
fn open(input: &Input) -> Result<File> {
    match input {
        Input::File(path) => {
            let file = File::open(path).context("failed to open the file")?;
            anyhow::ensure!(!file.metadata()?.is_dir(), "it is a folder");
            Ok(file)
        }
        Input::Stdin => {
            let mut file = tempfile::tempfile().context("failed to create a temporary file")?;
            std::io::copy(&mut std::io::stdin().lock(), &mut file)
                .context("failed to read standard input")?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        }
    }
}

/// Takes what the engine gives while it runs.
struct Recorder {
    writer: Option<FolderWriter>,
    overview: Overview,
    progress: FileProgress,
}

impl Observer for Recorder {
    fn on_frame(&mut self, frame: &Frame<'_>) -> analysis_core::Result<()> {
        self.overview.push(frame.values.bands_db);
        Ok(())
    }

    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        if let Some(writer) = &self.writer {
            writer.write_chunk(&chunk).map_err(analysis_core::Error::Write)?;
        }
        Ok(())
    }

    fn on_progress(&mut self, progress: analyzer::Progress) -> analysis_core::Result<()> {
        self.progress.set(progress.done_ms, progress.total_ms);
        Ok(())
    }
}

/// Prints results in the order of the inputs, whichever finishes first; `jsonl` prints them as they come.
struct Printer {
    format: Format,
    files: usize,
    next: usize,
    waiting: BTreeMap<usize, Option<Heard>>,
    printed: usize,
    failed: usize,
}

impl Printer {
    fn new(format: Format, files: usize) -> Self {
        Self { format, files, next: 0, waiting: BTreeMap::new(), printed: 0, failed: 0 }
    }

    fn take(&mut self, job: &Job, result: Result<Heard>) -> Result<()> {
        let heard = result.inspect_err(|error| {
            eprintln!("arsis: {}: {}", job.input.name(), crate::causes(error));
            self.failed += 1;
        });
        if self.format == Format::Jsonl {
            return heard.map_or(Ok(()), |heard| self.print(&heard));
        }
        self.waiting.insert(job.index, heard.ok());
        while let Some(heard) = self.waiting.remove(&self.next) {
            self.next += 1;
            heard.map_or(Ok(()), |heard| self.print(&heard))?;
        }
        Ok(())
    }

    /// Writes straight to standard output: a long track's events are never a second time in memory.
    fn print(&mut self, heard: &Heard) -> Result<()> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let written = out.write_all(self.separator().as_bytes()).and_then(|()| match self.format {
            Format::Text => out.write_all(text::describe(&heard.document, &heard.overview).as_bytes()),
            Format::Json => Ok(serde_json::to_writer_pretty(&mut out, &heard.document)?),
            Format::Jsonl => {
                serde_json::to_writer(&mut out, &heard.document)?;
                out.write_all(b"\n")
            }
        });
        self.printed += 1;
        written.and_then(|()| out.flush()).context("failed to write to standard output")
    }

    fn separator(&self) -> &'static str {
        match (self.format, self.printed) {
            (Format::Json, 0) if self.files > 1 => "[\n",
            (Format::Json, 1..) => ",\n",
            (Format::Text, 1..) => "\n",
            _ => "",
        }
    }

    fn finish(self) -> Result<ExitCode> {
        let closing = match (self.format, self.files > 1, self.printed) {
            (Format::Json, false, 1..) => "\n",
            (Format::Json, true, 0) => "[]\n",
            (Format::Json, true, _) => "\n]\n",
            _ => "",
        };
        std::io::stdout().write_all(closing.as_bytes()).context("failed to write to standard output")?;
        if self.failed > 0 && self.files > 1 {
            eprintln!("arsis: {} of {} files failed", self.failed, self.files);
        }
        Ok(if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
