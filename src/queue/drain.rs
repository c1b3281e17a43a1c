//! `arsis queue drain` and `resume`.

use crate::cli::queue::DrainArgs;
use crate::say;
use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::json;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use store::PgPool;
use store::queue::estimate::Observed;
use store::queue::{inspect, pause};

/// How often to look whether something still runs.
const PERIOD: Duration = Duration::from_secs(1);

pub(crate) async fn drain(pool: &PgPool, args: &DrainArgs, json: bool) -> Result<ExitCode> {
    let mut tx = pool.begin().await?;
    pause::pause(&mut tx, "arsis queue drain").await?;
    super::note(&mut tx, "queue.paused", json!({})).await?;
    tx.commit().await?;
    let running = if args.wait { wait(pool, args.timeout).await? } else { at_work(pool).await?.len() };
    super::print(json, &json!({ "paused": true, "running": running }), || match running {
        0 => "the queue is paused, and nothing runs\n".to_owned(),
        n => format!("the queue is paused; still at work: {}\n", super::analyses(n as u64)),
    })?;
    Ok(if args.wait && running > 0 { ExitCode::from(crate::FAILED) } else { ExitCode::SUCCESS })
}

/// Waits until nothing runs, or the time is over. Returns how many run then.
async fn wait(pool: &PgPool, timeout_s: Option<u64>) -> Result<usize> {
    let mut told = Told::new();
    let waited = async {
        // Nothing twice in a row: a claim that began before the pause may be committed after the first look.
        let mut nothing = 0;
        loop {
            let running = at_work(pool).await?;
            if running.is_empty() {
                nothing += 1;
            } else {
                nothing = 0;
                told.tell(&running);
            }
            if nothing == 2 {
                return Ok(0);
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    let Some(timeout_s) = timeout_s else { return waited.await };
    match tokio::time::timeout(Duration::from_secs(timeout_s), waited).await {
        Ok(ended) => ended,
        Err(_) => Ok(at_work(pool).await?.len()),
    }
}

/// How far those are that a worker works on: not those of workers that went silent.
async fn at_work(pool: &PgPool) -> Result<Vec<Observed>> {
    Ok(inspect::at_work(&mut *pool.acquire().await?).await?)
}

/// What those who wait are told: a line that moves on a terminal, else a line whenever the number changes.
struct Told {
    bar: Option<ProgressBar>,
    last: Option<usize>,
}

impl Told {
    fn new() -> Self {
        Self { bar: std::io::stderr().is_terminal().then(ProgressBar::new_spinner), last: None }
    }

    fn tell(&mut self, running: &[Observed]) {
        let left = running.iter().filter_map(Observed::remaining).max();
        let left = left.map(|left| format!(", about {} left", super::table::span(left))).unwrap_or_default();
        let line = format!("still at work: {}{left}", super::analyses(running.len() as u64));
        if let Some(bar) = &self.bar {
            bar.set_message(line);
            bar.tick();
        } else if self.last != Some(running.len()) {
            say::err(format_args!("arsis: {line}"));
        }
        self.last = Some(running.len());
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

pub(crate) async fn resume(pool: &PgPool, json: bool) -> Result<ExitCode> {
    let mut tx = pool.begin().await?;
    let resumed = pause::resume(&mut tx).await?;
    super::note(&mut tx, "queue.resumed", json!({})).await?;
    tx.commit().await?;
    super::print(json, &json!({ "paused": false, "was_paused": resumed }), || {
        if resumed { "the queue runs again\n".to_owned() } else { "the queue was not paused\n".to_owned() }
    })?;
    Ok(ExitCode::SUCCESS)
}
