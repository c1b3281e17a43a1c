//! Lines for people. Nobody may be there to read them: a pipe whose reader has gone is no reason to panic, as
//! `println!` and `eprintln!` do.

use crate::queue::table::harmless;
use std::fmt::Arguments;
use std::io::{ErrorKind, Result, Write};

/// A line on standard output.
pub(crate) fn out(line: Arguments<'_>) -> Result<()> {
    heard(writeln!(std::io::stdout(), "{line}"))
}

/// A line on standard error, where nothing can be done if it does not arrive. Names and words of others may stand in it:
/// nothing of it is obeyed by a terminal.
pub(crate) fn err(line: Arguments<'_>) {
    let line: String = harmless(&line.to_string()).collect();
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether writing failed for another reason than that the reader has gone.
pub(crate) fn heard(written: Result<()>) -> Result<()> {
    written.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}

/// Whether an error says that the reader has gone.
pub(crate) fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}
