//! `arsis watch`: analyses what appears in a folder, as it appears.
//!
//! The folder is looked at again and again rather than asked of the system: notifications do not come from network
//! file systems, and are lost when many files come at once.

mod folder;
mod looks;
mod results;

use crate::analyze::exports;
use crate::analyze::file::{Job, Settings};
use crate::analyze::inputs::{Input, Source, Stamp};
use crate::analyze::printer::{Form, Printer};
use crate::analyze::progress::Progress;
use crate::analyze::timings::Sum;
use crate::analyze::{Share, analyze_all, config, output_folder};
use crate::cli::picture::DrawingArgs;
use crate::cli::watch::WatchArgs;
use crate::cli::{Format, wrong_usage};
use crate::stop::Stop;
use crate::{advice, say};
use analysis_core::ANALYZER_VERSION;
use anyhow::{Context, Result};
use looks::Looks;
use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Files that are analysed between two looks, for each thread: more would keep later ones waiting for their second
/// look, fewer would look more often than there is something to see.
const BATCH_PER_THREAD: usize = 16;

/// Runs the command: exit 0 when Ctrl-C ends it; with `--once` as `arsis analyze`.
pub(crate) fn run(args: &WatchArgs) -> Result<ExitCode> {
    check(args)?;
    let stop = Stop::on_signal()?;
    let mut watch = Watch::new(args, stop.clone())?;
    if !args.once {
        let (folder, seconds) = (args.folder.display(), args.interval);
        say::err(format_args!("arsis: watching {folder}, a look every {seconds} s; Ctrl-C ends it"));
    }
    let mut failed = false;
    loop {
        failed |= watch.look()?;
        if stop.is_asked() || (args.once && (watch.gone || !watch.looks.waits())) {
            break;
        }
        stop.sleep(Duration::from_secs_f64(args.interval));
    }
    let interrupted = args.once && stop.is_asked() && !watch.by_reader;
    Ok(match (interrupted, args.once && failed) {
        (true, _) => stop.exit_code(),
        (_, failed) => ExitCode::from(u8::from(failed)),
    })
}

fn check(args: &WatchArgs) -> Result<()> {
    let shown = args.folder.display();
    if !args.folder.is_dir() {
        if args.folder.exists() {
            return Err(wrong_usage(format!("{shown} is a file; name the folder that it is in")));
        }
        let near =
            advice::near_name(&args.folder).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(wrong_usage(format!("there is no folder {shown}{near}")));
    }
    exports::check_together(&args.formats, args.output.is_some())?;
    if args.formats.contains(&Format::Json) {
        return Err(wrong_usage("--format json is one document, and this has no end; use jsonl".into()));
    }
    if exports::printed(&args.formats).is_none() && args.output.is_none() {
        return Err(wrong_usage(
            "this --format is one document a file; use -o DIR to get one for each".into(),
        ));
    }
    Ok(())
}

/// What goes from one look to the next.
struct Watch<'a> {
    args: &'a WatchArgs,
    settings: Settings,
    threads: NonZeroUsize,
    looks: Looks,
    /// Where results go, from the root.
    output: Option<PathBuf>,
    /// What was said already: that the folder is gone, and which ones below cannot be read.
    gone: bool,
    unreadable: BTreeSet<PathBuf>,
    /// Whether who read standard output has gone, and whether that ended it.
    reader_gone: bool,
    by_reader: bool,
}

impl<'a> Watch<'a> {
    fn new(args: &'a WatchArgs, stop: Stop) -> Result<Self> {
        let config = config(&args.engine, NonZeroUsize::MIN);
        config.validate()?;
        let timings = args.verbose.then(Sum::default);
        let threads = args.jobs.or_else(|| std::thread::available_parallelism().ok());
        let output = args.output.as_ref().map(|output| {
            output_folder(output)?;
            fs::canonicalize(output).with_context(|| format!("failed to find {}", output.display()))
        });
        let output = output.transpose()?;
        let root = fs::canonicalize(&args.folder).context("failed to find the folder to watch")?;
        if output.as_ref() == Some(&root) {
            return Err(wrong_usage("-o is the folder that is watched; choose another".into()));
        }
        Ok(Self {
            args,
            settings: Settings {
                config,
                formats: args.formats.clone(),
                drawing: args.drawing.clone(),
                hint: None,
                stop,
                timings,
            },
            threads: threads.unwrap_or(NonZeroUsize::MIN),
            looks: Looks::default(),
            output,
            gone: false,
            unreadable: BTreeSet::new(),
            reader_gone: false,
            by_reader: false,
        })
    }

    /// One look, and the analysis of what is ready. Says whether a file failed, or could not be looked for.
    fn look(&mut self) -> Result<bool> {
        let folder = &self.args.folder;
        let seen = match folder::look(folder, self.args.recursive, self.output.as_deref()) {
            Ok(seen) => seen,
            Err(error) => {
                if !std::mem::replace(&mut self.gone, true) {
                    let then = if self.args.once { "" } else { "; waiting for it" };
                    say::err(format_args!("arsis: {} cannot be read ({error}){then}", folder.display()));
                }
                return Ok(self.args.once);
            }
        };
        if std::mem::replace(&mut self.gone, false) {
            say::err(format_args!("arsis: {} is back", folder.display()));
        }
        self.name_unreadable(seen.unreadable);
        let ready = self.looks.take(seen.files.into_iter(), &self.unreadable);
        let todo: Vec<_> = ready.into_iter().filter_map(|(path, stamp)| self.todo(path, stamp)).collect();
        // What could not be looked at was not done.
        let mut failed = !self.unreadable.is_empty();
        for batch in todo.chunks(self.threads.get().saturating_mul(BATCH_PER_THREAD)) {
            if !self.settings.stop.is_asked() {
                failed |= self.analyze(batch)?;
            }
        }
        Ok(failed)
    }

    /// Each is named once, and again when it could be read meanwhile.
    fn name_unreadable(&mut self, unreadable: Vec<(PathBuf, std::io::Error)>) {
        let before = std::mem::take(&mut self.unreadable);
        for (path, error) in unreadable {
            if !before.contains(&path) {
                say::err(format_args!("arsis: {}: {error}; left out", path.display()));
            }
            self.unreadable.insert(path);
        }
    }

    /// What is to be done with a file that is ready; `None` where its results are there.
    fn todo(&self, path: PathBuf, stamp: Stamp) -> Option<Todo> {
        let asked = self.asked();
        let source = Source { size_bytes: stamp.size_bytes, modified_ns: stamp.modified_ns, asked };
        let input = Input::found(&self.args.folder, path.clone());
        let folder = self.output.as_ref().map(|output| output.join(input.place()));
        let done = |folder: &PathBuf| results::are_there(folder, &path, &source, &self.settings);
        if folder.as_ref().is_some_and(done) {
            return None;
        }
        Some(Todo { input, folder, source })
    }

    /// What results depend on beside the file: not on what is printed of them.
    fn asked(&self) -> String {
        let config = &self.settings.config;
        let (kind, hop_ms, bands) = (config.analysis_type, config.hop_ms, config.bands);
        let DrawingArgs { picture_format, look } = &self.args.drawing;
        let drawn = format!("{picture_format:?} {look:?}");
        let values = self.args.engine.values;
        let documents: BTreeSet<&str> =
            self.args.formats.iter().filter_map(|format| exports::file_name(*format)).collect();
        format!("{ANALYZER_VERSION} {kind:?} {hop_ms} {bands} {values:?} {documents:?} {drawn}")
            .to_lowercase()
    }

    /// Analyses some files as `arsis analyze` does. Says whether one failed.
    fn analyze(&mut self, batch: &[Todo]) -> Result<bool> {
        let inputs: Vec<Input> = batch.iter().map(|todo| todo.input.clone()).collect();
        let share = Share::new(Some(self.threads), inputs.len());
        self.settings.config.threads = share.threads_per_file;
        let job = |(index, todo): (usize, &'_ Todo)| Job {
            index,
            input: &inputs[index],
            folder: todo.folder.clone(),
            click: None,
            pictures: Vec::new(),
            source: Some(todo.source.clone()),
        };
        let jobs: Vec<Job<'_>> = batch.iter().enumerate().map(job).collect();
        let form = match exports::printed(&self.args.formats) {
            Some(Format::Text) => Form::Rows,
            Some(Format::Jsonl) => Form::Jsonl,
            _ => Form::Nothing,
        };
        let without_reader = self.output.is_none().then(|| self.settings.stop.clone());
        let form = if self.reader_gone { Form::Nothing } else { form };
        let mut printer = Printer::new(form, inputs.len(), without_reader);
        let progress = Progress::new(&inputs);
        let ran = analyze_all(&jobs, share.files_at_a_time, &self.settings, &progress, &mut printer);
        progress.finish();
        ran?;
        let ended = printer.ended();
        self.reader_gone |= ended.reader_gone;
        self.by_reader |= ended.by_reader;
        for todo in batch {
            let changed = |path: &PathBuf| Stamp::of(path).is_some_and(|now| now != todo.source.stamp());
            if let Input::File { path, .. } = &todo.input
                && changed(path)
            {
                self.looks.unsettle(path);
            }
        }
        Ok(printer.failed())
    }
}

/// A file that is to be analysed.
struct Todo {
    input: Input,
    folder: Option<PathBuf>,
    source: Source,
}
