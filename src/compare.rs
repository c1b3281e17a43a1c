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
use crate::say;
use anyhow::{Context, Result};
use scoring::Comparison;
use side::Side;
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
    say::heard(std::io::stdout().write_all(printed.as_bytes()))
        .context("failed to write to standard output")?;
    Ok(verdict(&a, &b, &comparison, args.min_f))
}

/// Whether the beats are as alike as is asked.
fn verdict(a: &Side, b: &Side, comparison: &Comparison, min_f: Option<f64>) -> ExitCode {
    let Some(min_f) = min_f else { return ExitCode::SUCCESS };
    match comparison.beats.as_ref().map(|beats| beats.f_measure) {
        Some(f) if f >= min_f => return ExitCode::SUCCESS,
        Some(f) => {
            let asked = format_args!("below the {min_f} that --min-f asks for");
            say::err(format_args!("arsis: the beats' F-measure is {f:.3}, {asked}"));
        }
        None if a.beats.is_some() && b.beats.is_some() => {
            let from = picture::clock(1000.0 * comparison.scored_from_s, false);
            say::err(format_args!("arsis: --min-f: A has no beats from {from} on, which could be scored"));
        }
        None => say::err(format_args!("arsis: --min-f needs beats on both sides")),
    }
    ExitCode::FAILURE
}
