//! One file from its bytes to its results, the same way whoever asks for it.

use super::click;
use super::document::Document;
use super::exports::{self, PeaksFile};
use super::inputs::{Input, Source, Stamp};
use super::output::FolderWriter;
use super::picture::{self, Columns};
use super::pipe;
use super::printer::Heard;
use super::progress::{FileProgress, Progress};
use super::timings::{Sum, Watch};
use crate::cli::Format;
use crate::cli::picture::DrawingArgs;
use crate::say;
use crate::stop::Stop;
use analysis_core::Config;
use analysis_core::analyzer::{self, Frame, Observer};
use analysis_core::chunk::Chunk;
use analysis_core::stages::{Stage, StageHook};
use anyhow::{Context, Result, ensure};
use std::fmt::{Display, Formatter};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;

/// What holds for all files of a run.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) formats: Vec<Format>,
    pub(crate) drawing: DrawingArgs,
    /// Extension or MIME type of standard input.
    pub(crate) hint: Option<String>,
    /// Ends what runs when somebody asks.
    pub(crate) stop: Stop,
    /// Takes what each file took, where somebody wants to know.
    pub(crate) timings: Option<Sum>,
}

/// One input and where its results go.
pub(crate) struct Job<'a> {
    pub(crate) index: usize,
    pub(crate) input: &'a Input,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) click: Option<PathBuf>,
    pub(crate) pictures: Vec<PathBuf>,
    /// Written beside the results, for who asks later whether they are of this file as it is.
    pub(crate) source: Option<Source>,
}

impl Job<'_> {
    /// Fails where the file is another than the one that was asked for. One that has gone was read while it was there.
    fn check_unchanged(&self) -> Result<(), Changed> {
        let (Some(source), Input::File { path, .. }) = (&self.source, self.input) else { return Ok(()) };
        let changed = Stamp::of(path).is_some_and(|now| now != source.stamp());
        if changed { Err(Changed) } else { Ok(()) }
    }
}

/// A file was written to while it was analysed: what was heard is of neither.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changed;

impl Display for Changed {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("it changed while it was analysed; left for a later look")
    }
}

impl std::error::Error for Changed {}

/// Analyses one input.
///
/// # Errors
/// Whatever is wrong with the file or with where its results go; [`analysis_core::Error::Cancelled`] when it was
/// stopped, [`Changed`] when it was written to meanwhile. No folder is left of it.
pub(crate) fn analyze(job: &Job<'_>, settings: &Settings, progress: &Progress) -> Result<Heard> {
    settings.stop.check()?;
    let watch = settings.timings.as_ref().map(|_| Watch::start());
    let heard = hear(job, settings, progress, watch.as_ref())?;
    if let (Some(watch), Some(sum)) = (watch, &settings.timings) {
        let spent = watch.finish(heard.document.analysis.audio.duration_ms);
        sum.add(&spent);
        progress.suspend(|| say::err(format_args!("arsis: {}: {}", job.input.name(), spent.line())));
    }
    Ok(heard)
}

fn hear(
    job: &Job<'_>,
    settings: &Settings,
    progress: &Progress,
    watch: Option<&Arc<Watch>>,
) -> Result<Heard> {
    let Settings { config, formats, drawing, .. } = settings;
    let file = open(job.input, &settings.stop)?;
    let again = job.click.as_ref().map(|_| file.try_clone()).transpose()?;
    let writer = job.folder.clone().map(FolderWriter::create).transpose()?;
    let hint = job.input.extension().or(settings.hint.as_deref());
    let mut recorder = Recorder {
        peaks: PeaksFile::create(formats, writer.as_ref())?,
        writer,
        columns: Columns::new(&drawing.look, config.bands),
        progress: progress.file(job.index, job.input),
        stop: &settings.stop,
        watch,
    };
    let file = Heeding { file, stop: settings.stop.clone() };
    let analysis = analyzer::analyze(file, hint, config, &mut recorder);
    // What it says of a file that could not be read to its end is of no use.
    settings.stop.check()?;
    job.check_unchanged()?;
    let analysis = analysis?;
    recorder.progress.part("writing");
    watch.into_iter().for_each(|watch| watch.enter(Stage::Observer));
    let peaks = recorder.peaks.map(|peaks| peaks.finish(analysis.audio.sample_rate)).transpose()?;
    let document = Document { file: job.input.name(), path: job.input.location(), analysis };
    let columns = recorder.columns;
    let svg = picture::is_wanted(drawing, recorder.writer.is_some(), &job.pictures)
        .then(|| picture::svg(&document, &columns, &drawing.look))
        .transpose();
    if let Some(writer) = recorder.writer {
        exports::write_into(&writer, formats, &document.track())?;
        // The analysis is worth keeping where it cannot be drawn; who named a picture is told below.
        match &svg {
            Ok(svg) => {
                svg.iter().try_for_each(|svg| picture::write_into(&writer, drawing.picture_format, svg))?
            }
            Err(error) if job.pictures.is_empty() => {
                let line = format_args!("arsis: {}: no picture: {error:#}", job.input.name());
                progress.suspend(|| say::err(line));
            }
            Err(_) => {}
        }
        if let Some(source) = &job.source {
            writer.write_file(Source::FILE, |out| Ok(serde_json::to_writer(out, source)?))?;
        }
        writer.finish(&document)?;
    }
    if !job.pictures.is_empty() {
        let svg = svg?.unwrap_or_default();
        job.pictures.iter().try_for_each(|path| picture::write(path, &svg))?;
    }
    if let (Some(path), Some(file)) = (&job.click, again) {
        click::write(path, file, hint, config, &document.analysis, &settings.stop)?;
        if document.analysis.events.beats().is_empty() {
            let (name, path) = (job.input.name(), path.display());
            let line = format_args!("arsis: {name}: no beat heard; {path} holds the music alone");
            progress.suspend(|| say::err(line));
        }
    }
    // In a folder they are whole: what waits for its turn to be printed keeps no file open.
    let peaks = peaks.filter(|_| job.folder.is_none());
    Ok(Heard { document, overview: columns.whole, peaks })
}

/// Opens a file; what comes through a pipe is copied to a temporary file, because containers are read back and forth.
fn open(input: &Input, stop: &Stop) -> Result<File> {
    let path = match input {
        Input::File { path, .. } => path,
        Input::Stdin => return pipe::copy_stdin(stop),
    };
    let kind = fs::metadata(path).context("failed to open the file")?.file_type();
    ensure!(!kind.is_dir(), "it is a folder");
    if kind.is_fifo() {
        let path = path.clone();
        return pipe::copy(move || File::open(path), stop);
    }
    ensure!(kind.is_file(), "it is a device, which has no end; '-' reads standard input");
    File::open(path).context("failed to open the file")
}

/// A file that cannot be read any more once somebody asks to end: the engine tells nobody how far it is before it has
/// read all of a file once.
struct Heeding {
    file: File,
    stop: Stop,
}

impl Read for Heeding {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stop.check().map_err(io::Error::other)?;
        self.file.read(into)
    }
}

impl Seek for Heeding {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Takes what the engine gives while it runs.
struct Recorder<'a> {
    writer: Option<FolderWriter>,
    columns: Columns,
    peaks: Option<PeaksFile>,
    progress: FileProgress,
    stop: &'a Stop,
    watch: Option<&'a Arc<Watch>>,
}

impl Observer for Recorder<'_> {
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
        self.stop.check()
    }

    fn stage_hook(&self) -> Option<StageHook> {
        self.watch.map(Watch::hook)
    }
}
