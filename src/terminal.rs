//! What the terminal is like: how wide, and whether colours are wanted.

use crate::config;
use clap::{ColorChoice, ValueEnum};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use terminal_size::{Height, Width, terminal_size_of};

/// What `--color` says, for the whole process.
static CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// What `--color` says. It is looked for before the command line is read as a whole: what is wrong with that is said in
/// colours, too.
pub(crate) fn choice() -> ColorChoice {
    *CHOICE.get_or_init(|| asked(std::env::args_os().skip(1)).unwrap_or(ColorChoice::Auto))
}

/// The last `--color WHEN` or `--color=WHEN` before `--`.
fn asked(mut arguments: impl Iterator<Item = OsString>) -> Option<ColorChoice> {
    let mut asked = None;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let value = match text.strip_prefix("--color") {
            Some("") => arguments.next().map(|value| value.to_string_lossy().into_owned()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None if text == "--" => break,
            None => None,
        };
        asked = value.and_then(|value| ColorChoice::from_str(&value, false).ok()).or(asked);
    }
    asked
}

/// Whether to write in colours there.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    match choice() {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => config::colours_wanted().unwrap_or_else(|| stream.is_terminal()),
    }
}

/// Columns and rows, where it is a terminal that tells.
pub(crate) fn size(stream: &impl AsFd) -> Option<(usize, usize)> {
    let (Width(columns), Height(rows)) = terminal_size_of(stream)?;
    // Terminals of programs may say 0 by 0.
    (columns > 0 && rows > 0).then(|| (usize::from(columns), usize::from(rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_colour_counts_and_files_have_none() {
        let asked = |line: &str| asked(line.split(' ').map(OsString::from));
        assert_eq!(asked("analyze --color never a.wav"), Some(ColorChoice::Never));
        assert_eq!(asked("--color=always analyze --color=never"), Some(ColorChoice::Never));
        assert_eq!(asked("analyze -- --color=never"), None);
        assert_eq!(asked("analyze --color sometimes"), None);
        assert_eq!(asked("analyze --colors=never"), None);
    }
}
