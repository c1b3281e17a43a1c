//! The `arsis` command: a thin layer over the libraries.

mod advice;
mod analyze;
mod cli;
mod compare;
mod config;
mod fleet;
mod monitor;
mod pages;
mod queue;
mod say;
mod serve;
mod stop;
mod terminal;
mod watch;

use anyhow::Result;
use cli::{Cli, Command, LogFormat};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Some files or the command failed; wrong usage is 2 (clap's own).
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = cli::parse();
    let format = config::log_format(cli.log_format);
    let for_programs = matches!(format, Ok(LogFormat::Json));
    let ended = format.and_then(|format| {
        start_log(format)?;
        run(cli)
    });
    ended.unwrap_or_else(|error| {
        if let Some(usage) = error.downcast_ref::<clap::Error>() {
            usage.exit();
        }
        let causes = advice::told(&error);
        if for_programs {
            tracing::error!(error.cause = causes, "failed");
        } else {
            say::err(format_args!("arsis: {causes}"));
        }
        ExitCode::from(FAILED)
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Serve(args) => fleet::block_on(serve::run(&args)),
        Command::Worker(args) => fleet::block_on(fleet::worker(&args)),
        Command::Api(args) => fleet::block_on(fleet::api(&args)),
        Command::Migrate => fleet::block_on(fleet::migrate()),
        Command::User(args) => fleet::block_on(fleet::user(&args)),
        Command::Queue(args) => fleet::block_on(queue::run(&args)),
        Command::Watch(args) => watch::run(&args),
        Command::Completions(args) => pages::completions(&args),
        Command::Man(args) => pages::man(&args),
    }
}

/// An error and what caused it, on one line. Some libraries repeat the cause in their own text: that is said once.
fn causes(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line += &format!(": {cause}");
        }
    }
    line
}

/// Logs go to standard error; `RUST_LOG` chooses what (default: our own messages from `info`, the rest from `warn`;
/// what the decoders say about damaged files is in the result, and a letter that pictures lack is a box there).
fn start_log(format: LogFormat) -> Result<()> {
    let usual = "warn,symphonia=error,usvg=error,arsis=info,api=info,worker=info,store=info";
    // What is wrong with it is told by the log as well.
    let (asked, ended) = match config::log_filter() {
        Ok(asked) => (asked, Ok(())),
        Err(error) => (None, Err(error)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(asked.unwrap_or_else(|| EnvFilter::new(usual)))
        .with_writer(std::io::stderr)
        .with_ansi(terminal::colours(&std::io::stderr()));
    match format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    ended
}
