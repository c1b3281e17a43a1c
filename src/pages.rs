//! `arsis completions` and `arsis man`, both from the description that the help is made of.

use crate::cli::pages::{CompletionsArgs, ManArgs};
use crate::{cli, say};
use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// What the description does not hold, at the end of each page.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
0
All done; of a watch or a server, that it was told to end.
.TP
1
Some files failed, each of them named on standard error, or the command could not do its work.
.TP
2
Wrong usage.
.TP
130, 143
Ended by Ctrl\-C, by SIGTERM; results that were complete stand.
"#;

/// Prints a script that completes the command line in a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "arsis", &mut script);
    print(&script)
}

/// Prints the page of the whole, or writes one for each command.
pub(crate) fn man(args: &ManArgs) -> Result<ExitCode> {
    // Built as a whole, so that each command knows the names of those above it and the options of all.
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = &args.dir else {
        return print(&page(&command, "arsis")?);
    };
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    write_pages(&command, "arsis", dir)?;
    Ok(ExitCode::SUCCESS)
}

/// `arsis.1`, `arsis-queue.1`, `arsis-queue-list.1`: as git names its own.
fn write_pages(command: &Command, name: &str, dir: &Path) -> Result<()> {
    let path = dir.join(format!("{name}.1"));
    fs::write(&path, page(command, name)?).with_context(|| format!("failed to write {}", path.display()))?;
    let visible = command.get_subcommands().filter(|below| !below.is_hide_set());
    visible.into_iter().try_for_each(|below| write_pages(below, &format!("{name}-{}", below.get_name()), dir))
}

fn page(command: &Command, name: &str) -> Result<Vec<u8>> {
    let source = concat!("Arsis ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(name.to_uppercase()).source(source).manual("Arsis");
    let mut page = Vec::new();
    man.render(&mut page).context("failed to write the page")?;
    page.extend_from_slice(EXIT_STATUS.as_bytes());
    Ok(page)
}

fn print(text: &[u8]) -> Result<ExitCode> {
    let mut out = std::io::stdout();
    let written = out.write_all(text).and_then(|()| out.flush());
    say::heard(written).context("failed to write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
