//! `arsis compare`: two accounts of the same music, scored and drawn.

mod documents;
mod drawing;
mod heard;
mod lists;
mod names;
mod reading;
mod scoring;
mod side;
mod text;

use crate::analyze::picture::{check_file, write};
use crate::cli::compare::{CompareArgs, CompareFormat};
use anyhow::{Context, Result};
use scoring::Comparison;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command: exit 0 when both could be read, and the beats are as alike as is asked.
pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode> {
    args.picture.as_deref().map(|path| check_file(path, "no name")).transpose()?;
    let (a, b) = (side::read(&args.reference, &args.look)?, side::read(&args.estimate, &args.look)?);
    let comparison = Comparison::new(&a, &b);
    let printed = match args.format {
        CompareFormat::Text => text::describe(&comparison),
        CompareFormat::Json => serde_json::to_string_pretty(&comparison)? + "\n",
    };
    if let Some(path) = &args.picture {
        write(path, &drawing::svg(&a, &b, &comparison, &args.look)?)?;
    }
    std::io::stdout().write_all(printed.as_bytes()).context("failed to write to standard output")?;
    Ok(verdict(&comparison, args.min_f))
}

/// Whether the beats are as alike as is asked.
fn verdict(comparison: &Comparison, min_f: Option<f64>) -> ExitCode {
    let Some(min_f) = min_f else { return ExitCode::SUCCESS };
    match comparison.beats.as_ref().map(|beats| beats.f_measure) {
        Some(f) if f >= min_f => return ExitCode::SUCCESS,
        Some(f) => {
            eprintln!("arsis: the beats' F-measure is {f:.3}, below the {min_f} that --min-f asks for")
        }
        None => eprintln!("arsis: --min-f needs beats on both sides, and of A some that are scored"),
    }
    ExitCode::FAILURE
}
