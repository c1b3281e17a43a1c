//! The `arsis` command: a thin layer over the libraries.

mod analyze;
mod cli;
mod config;
mod fleet;
mod queue;
mod serve;

use anyhow::Result;
use clap::Parser;
use cli::{Cli, Command};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Some files or the command failed; wrong usage is 2 (clap's own).
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    run(cli).unwrap_or_else(|error| {
        if let Some(usage) = error.downcast_ref::<clap::Error>() {
            usage.exit();
        }
        eprintln!("arsis: {}", causes(&error));
        ExitCode::from(FAILED)
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Serve(args) => fleet::block_on(serve::run(&args)),
        Command::Worker(args) => fleet::block_on(fleet::worker(&args)),
        Command::Api(args) => fleet::block_on(fleet::api(&args)),
        Command::Migrate => fleet::block_on(fleet::migrate()),
        Command::User(args) => fleet::block_on(fleet::user(&args)),
        Command::Queue(args) => fleet::block_on(queue::run(&args)),
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
/// what the decoders say about damaged files is in the result).
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new("warn,symphonia=error,arsis=info,api=info,worker=info,store=info")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
