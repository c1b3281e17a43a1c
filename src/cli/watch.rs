//! What `arsis watch` accepts.

use super::picture::DrawingArgs;
use super::{EngineArgs, Format};
use clap::{Args, value_parser};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
The folder is looked at from time to time, so that it may lie on a network, where nobody tells of new files. A file is \
taken once its size and time are the same in two looks. Ctrl-C ends it; what runs then is dropped, and taken up by \
the next run. With -o, files whose results are there are skipped, also by the next run.")]
pub(crate) struct WatchArgs {
    /// Folder to watch
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Its folders as well
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Write what `analyze -o` writes here, a folder per file, in the folders that the files are in
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// What to print for each file: text is a line. Forms of other programs need -o, which takes several, by commas
    #[arg(long = "format", value_enum, value_delimiter = ',', default_value = "text")]
    pub(crate) formats: Vec<Format>,
    /// Seconds between two looks
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) interval: f64,
    /// Analyse what is there (after two looks) and end, with the exit status of `analyze`
    #[arg(long)]
    pub(crate) once: bool,
    /// Files at a time [default: cores]
    #[arg(short, long, value_name = "N", value_parser = value_parser!(NonZeroUsize))]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Say on standard error, for each file, how long each stage of the analysis took
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) drawing: DrawingArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// A tenth of a second to a day.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds".to_owned())?;
    let range = 0.1..=86_400.0;
    range.contains(&seconds).then_some(seconds).ok_or_else(|| format!("{text} is not in 0.1..=86400"))
}
