//! `arsis analyze`: files in, results on standard output, progress and failures on standard error.

mod bars;
mod click;
mod document;
pub(crate) mod exports;
pub(crate) mod file;
mod fit;
pub(crate) mod inputs;
pub(crate) mod output;
pub(crate) mod picture;
mod pipe;
pub(crate) mod printer;
pub(crate) mod progress;
mod table;
mod tally;
mod text;
pub(crate) mod timings;

use crate::cli::{AnalyzeArgs, EngineArgs, wrong_usage};
use crate::say;
use crate::stop::{self, Stop};
use analysis_core::config::MAX_THREADS;
use analysis_core::{Config, Limits};
use anyhow::{Context, Result};
use file::{Job, Settings};
use inputs::{Found, Input};
use printer::{Form, Printer};
use progress::Progress;
use std::fs;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, available_parallelism};

/// Runs the command: exit 0 when every file was analysed, 1 when some failed or could not be looked for, 130 when
/// Ctrl-C ended it, 143 when SIGTERM did.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<ExitCode> {
    let Found { inputs, left_out } = inputs::expand(&args.paths, args.recursive)?;
    let share = Share::new(args.jobs, inputs.len());
    let stop = Stop::on_signal()?;
    let config = config(&args.engine, share.threads_per_file);
    config.validate()?;
    exports::check(args, &inputs)?;
    let timings = args.verbose.then(timings::Sum::default);
    let hint = args.hint.clone();
    let (formats, drawing) = (args.formats.clone(), args.picture.drawing.clone());
    let settings = Settings { config, formats, drawing, hint, stop: stop.clone(), timings };
    args.output.as_deref().map_or(Ok(()), output_folder)?;
    let jobs = jobs(args, &settings.config, &inputs)?;
    let progress = Progress::new(&inputs);
    let form = Form::new(args, inputs.len())?;
    let keeps = args.output.is_some() || args.click.is_some() || args.picture.picture.is_some();
    let mut printer = Printer::new(form, inputs.len(), (!keeps).then(|| stop.clone()));
    let ran = analyze_all(&jobs, share.files_at_a_time, &settings, &progress, &mut printer);
    progress.finish();
    ran?;
    say_pace(inputs.len(), &progress);
    let table = settings.timings.as_ref().and_then(timings::Sum::table);
    let lines = table.iter().flat_map(|table| table.lines()).enumerate();
    lines.for_each(|(at, line)| say::err(format_args!("{}{line}", if at == 0 { "arsis: " } else { "" })));
    let code = printer.finish()?;
    let ended = printer.ended();
    if !stop.is_asked() || ended.by_reader {
        return Ok(if left_out { ExitCode::FAILURE } else { code });
    }
    stop::say_stopped(ended.done, inputs.len());
    Ok(stop.exit_code())
}

/// Analyses jobs side by side, each from the first on as soon as there is a thread for it.
///
/// # Errors
/// Results cannot be printed; what goes wrong with a file is printed.
pub(crate) fn analyze_all(
    jobs: &[Job<'_>],
    at_a_time: usize,
    settings: &Settings,
    progress: &Progress,
    printer: &mut Printer,
) -> Result<()> {
    let (next, printer) = (AtomicUsize::new(0), Mutex::new(printer));
    let work = || -> Result<()> {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = file::analyze(job, settings, progress);
            let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = progress.suspend(|| printer.take(job.index, &job.input.name(), result));
            // Whichever thread finds that nothing can be printed, the others need not go on.
            taken.inspect_err(|_| settings.stop.ask())?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let start =
            |number| thread::Builder::new().name(format!("arsis-file-{number}")).spawn_scoped(scope, work);
        let others: Vec<_> = (1..at_a_time).map_while(|number| start(number).ok()).collect();
        let own = work();
        let rest = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All of them are waited for before the first error is told.
        rest.collect::<Vec<_>>().into_iter().collect::<Result<()>>().and(own)
    })
}

/// Makes the folder of `-o`, and says before anything is analysed when nothing can be written there.
pub(crate) fn output_folder(folder: &Path) -> Result<()> {
    let shown = folder.display();
    if folder.is_file() {
        return Err(wrong_usage(format!(
            "-o {shown} is a file; name a folder, which is made where it is missing"
        )));
    }
    fs::create_dir_all(folder).with_context(|| format!("-o {shown}: the folder cannot be made"))?;
    tempfile::tempfile_in(folder).with_context(|| format!("-o {shown}: nothing can be written there"))?;
    Ok(())
}

fn jobs<'a>(args: &AnalyzeArgs, config: &Config, inputs: &'a [Input]) -> Result<Vec<Job<'a>>> {
    let targets = |out: &PathBuf| click::targets(out, config.analysis_type, inputs);
    let clicks = args.click.as_ref().map(targets).transpose()?;
    let pictures = picture::targets(&args.picture, inputs)?;
    let folders = args.output.as_ref().map(|root| output::folders(root, inputs));
    inputs::check_kept(inputs, "--picture", pictures.iter().flatten())?;
    inputs::check_kept(inputs, "-o", folders.iter().flatten())?;
    let job = |(index, input)| Job {
        index,
        input,
        folder: folders.as_ref().map(|folders| folders[index].clone()),
        click: clicks.as_ref().map(|clicks| clicks[index].clone()),
        pictures: pictures[index].clone(),
        source: None,
    };
    Ok(inputs.iter().enumerate().map(job).collect())
}

/// How long it took, for who watched the bars of several files.
fn say_pace(files: usize, progress: &Progress) {
    let (heard_ms, took) = progress.heard();
    if files > 1 && heard_ms > 0 && std::io::stderr().is_terminal() {
        let (audio, pace) = (text::clock(heard_ms), bars::pace(heard_ms, took));
        let took = format!("{:.1} s", took.as_secs_f64());
        say::err(format_args!("arsis: heard {audio} in {took}, {pace} as fast as it plays"));
    }
}

/// How the threads are shared out: to files side by side, and what each of those gets where there are fewer files.
pub(crate) struct Share {
    pub(crate) files_at_a_time: usize,
    pub(crate) threads_per_file: NonZeroUsize,
}

impl Share {
    /// Shares out `threads` (default: as many as there are cores), never more of them, nor more to a file than it may
    /// have.
    pub(crate) fn new(threads: Option<NonZeroUsize>, files: usize) -> Self {
        let threads = threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN).get();
        let files_at_a_time = threads.min(files.max(1));
        let each = (threads / files_at_a_time).min(MAX_THREADS);
        let threads_per_file = NonZeroUsize::new(each).unwrap_or(NonZeroUsize::MIN);
        Self { files_at_a_time, threads_per_file }
    }
}

/// What the engine is told.
pub(crate) fn config(args: &EngineArgs, threads: NonZeroUsize) -> Config {
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
