//! `arsis analyze`: files in, results on standard output, progress and failures on standard error.

mod click;
mod document;
mod exports;
pub(crate) mod inputs;
mod output;
pub(crate) mod picture;
mod printer;
mod progress;
mod text;

use crate::cli::AnalyzeArgs;
use analysis_core::analyzer::{self, Frame, Observer};
use analysis_core::chunk::Chunk;
use analysis_core::config::MAX_THREADS;
use analysis_core::{Config, Limits};
use anyhow::{Context, Result};
use document::Document;
use exports::PeaksFile;
use inputs::Input;
use output::FolderWriter;
use picture::Columns;
use printer::{Heard, Printer};
use progress::{FileProgress, Progress};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::available_parallelism;

/// Runs the command: exit 0 when every file was analysed, 1 when some failed.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<ExitCode> {
    let inputs = inputs::expand(&args.paths, args.recursive)?;
    let share = Share::new(args.jobs, inputs.len());
    let config = config(args, share.threads_per_file);
    config.validate()?;
    exports::check(args, &inputs)?;
    let targets = |out: &PathBuf| click::targets(out, config.analysis_type, &inputs);
    let clicks = args.click.as_ref().map(targets).transpose()?;
    let pictures = picture::targets(&args.picture, &inputs)?;
    picture::check_keeps(&pictures, &inputs)?;
    let names: Vec<String> = inputs.iter().map(Input::name).collect();
    let folders = args.output.as_ref().map(|root| output::folders(root, &names));
    let progress = Progress::new(inputs.len());
    let printer = Mutex::new(Printer::new(args, inputs.len())?);
    let jobs: Vec<Job> = (0..inputs.len())
        .map(|index| Job {
            index,
            input: &inputs[index],
            folder: folders.as_ref().map(|folders| folders[index].clone()),
            click: clicks.as_ref().map(|clicks| clicks[index].clone()),
            pictures: &pictures[index],
        })
        .collect();
    let work = |job: &Job| {
        let result = analyze_input(job, args, &config, &progress);
        let mut printer = printer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        progress.suspend(|| printer.take(job.index, &job.input.name(), result))
    };
    let printed: Result<Vec<()>> = in_parallel(share.files_at_a_time, || {
        use rayon::prelude::*;
        jobs.par_iter().map(work).collect()
    })?;
    progress.finish();
    printed?;
    let printer = printer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    printer.finish()
}

/// How the threads are shared out: to files side by side, and what each of those gets where there are fewer files.
struct Share {
    files_at_a_time: usize,
    threads_per_file: NonZeroUsize,
}

impl Share {
    /// Shares out `threads` (default: as many as there are cores), never more of them, nor more to a file than it may
    /// have.
    fn new(threads: Option<NonZeroUsize>, files: usize) -> Self {
        let threads = threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN).get();
        let files_at_a_time = threads.min(files.max(1));
        let each = (threads / files_at_a_time).min(MAX_THREADS);
        let threads_per_file = NonZeroUsize::new(each).unwrap_or(NonZeroUsize::MIN);
        Self { files_at_a_time, threads_per_file }
    }
}

fn config(args: &AnalyzeArgs, threads: NonZeroUsize) -> Config {
    let limits = Limits { max_duration_ms: args.max_minutes.saturating_mul(60_000), ..Limits::default() };
    Config {
        analysis_type: args.analysis_type.into(),
        hop_ms: args.hop_ms,
        bands: args.bands,
        sample_type: args.values.into(),
        limits,
        threads,
        ..Config::default()
    }
}

fn in_parallel<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.context("failed to start the worker threads")?.install(work))
}

/// One input and where its results go.
struct Job<'a> {
    index: usize,
    input: &'a Input,
    folder: Option<PathBuf>,
    click: Option<PathBuf>,
    pictures: &'a [PathBuf],
}

fn analyze_input(job: &Job, args: &AnalyzeArgs, config: &Config, progress: &Progress) -> Result<Heard> {
    let file = open(job.input)?;
    let again = job.click.as_ref().map(|_| file.try_clone()).transpose()?;
    let writer = job.folder.clone().map(FolderWriter::create).transpose()?;
    let hint = job.input.extension().or(args.hint.as_deref());
    let mut recorder = Recorder {
        peaks: PeaksFile::create(args.format, writer.as_ref())?,
        writer,
        columns: Columns::new(&args.picture.look, config.bands),
        progress: progress.file(&job.input.name()),
    };
    let analysis = analyzer::analyze(file, hint, config, &mut recorder)?;
    let peaks = recorder.peaks.map(|peaks| peaks.finish(analysis.audio.sample_rate)).transpose()?;
    let document = Document { file: job.input.name(), path: job.input.location(), analysis };
    let columns = recorder.columns;
    let svg = picture::is_wanted(&args.picture, recorder.writer.is_some(), job.pictures)
        .then(|| picture::svg(&document, &columns, &args.picture.look))
        .transpose()?
        .unwrap_or_default();
    if let Some(writer) = recorder.writer {
        exports::write_into(&writer, args.format, &document.track())?;
        picture::write_into(&writer, args.picture.picture_format, &svg)?;
        writer.finish(&document)?;
    }
    job.pictures.iter().try_for_each(|path| picture::write(path, &svg))?;
    if let (Some(path), Some(file)) = (&job.click, again) {
        click::write(path, file, hint, config, &document.analysis)?;
        if document.analysis.events.beats().is_empty() {
            let (name, path) = (job.input.name(), path.display());
            progress.suspend(|| eprintln!("arsis: {name}: no beat heard; {path} holds the music alone"));
        }
    }
    Ok(Heard { document, overview: columns.whole, peaks })
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
    columns: Columns,
    peaks: Option<PeaksFile>,
    progress: FileProgress,
}

impl Observer for Recorder {
    fn on_audio(&mut self, planes: &[Vec<f32>]) -> analysis_core::Result<()> {
        self.peaks.as_mut().map_or(Ok(()), |peaks| peaks.push(planes)).map_err(analysis_core::Error::Write)
    }

    fn on_frame(&mut self, frame: &Frame<'_>) -> analysis_core::Result<()> {
        self.columns.push(frame);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_go_to_files_first_and_never_beyond_their_number() {
        for (threads, files, at_a_time, each) in [
            (1, 1, 1, 1),
            (2, 1, 1, 2),
            (2, 9, 2, 1),
            (8, 3, 3, 2),
            (8, 8, 8, 1),
            (4, 0, 1, 4),
            (1, 5, 1, 1),
            (256, 2, 2, MAX_THREADS),
        ] {
            let share = Share::new(NonZeroUsize::new(threads), files);
            assert_eq!((share.files_at_a_time, share.threads_per_file.get()), (at_a_time, each));
        }
    }
}
