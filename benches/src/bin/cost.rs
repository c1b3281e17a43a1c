//! Runs a command and says what it took: `cost COMMAND [ARGUMENT …]`.
//!
//! Prints, after whatever the command prints, one line: CPU seconds (user and system), seconds by the clock, and
//! peak memory in MB. A program
//! as small as this must start what is measured, for a process counts the memory of its parent until it begins.

use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::process::Command;
use std::time::Instant;

fn main() -> anyhow::Result<()> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let (program, arguments) = command.split_first().context("usage: cost COMMAND [ARGUMENT …]")?;
    let start = Instant::now();
    let status =
        Command::new(program).args(arguments).status().with_context(|| format!("failed to run {program}"))?;
    let wall_s = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{program}: {status}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_us = (usage.user_time() + usage.system_time()).num_microseconds();
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 }; // bytes there, KiB elsewhere
    println!("{} {wall_s} {}", cpu_us as f64 / 1e6, (usage.max_rss() * unit) as f64 / 1e6);
    Ok(())
}
