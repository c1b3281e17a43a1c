//! `evaluation`: listens to generated music and to a corpus, prints what it scores, and writes `docs/ACCURACY.md`.

mod corpus;
mod engines;
mod generated;
mod grid;
mod listen;
mod report;

use anyhow::{Context, Result};
use clap::Parser;
use engines::{Arsis, Engine, Folder, Rules};
use std::path::PathBuf;

/// Measures how well the engine listens.
#[derive(Debug, Parser)]
#[command(name = "evaluation", version)]
struct Args {
    /// A corpus to listen to as well: its manifest, with audio beside it
    #[arg(long, value_name = "MANIFEST")]
    corpus: Option<PathBuf>,
    /// Average the corpus by style, where its manifest tells it, rather than by part
    #[arg(long)]
    by_style: bool,
    /// Songs of each genre to make and listen to; 0 for none
    #[arg(long, value_name = "N", default_value_t = 8)]
    pieces: u64,
    /// Only songs of this genre (may be given several times), by its name in the table
    #[arg(long, value_name = "NAME")]
    genre: Vec<String>,
    /// Seed of the first song; the others follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Analyse everything, so that keys and sections are scored too; without it, rhythm alone
    #[arg(long)]
    full: bool,
    /// Listen with evidence by rule as well, in place of the network's
    #[arg(long)]
    rules: bool,
    /// Score prediction files of another engine on the corpus: a folder of PART/NAME.json, and the engine's name
    #[arg(long, num_args = 2, value_names = ["DIR", "NAME"])]
    predictions: Vec<String>,
    /// Do not run this engine, only score prediction files
    #[arg(long)]
    predictions_only: bool,
    /// Write what each engine said as prediction files into DIR/ENGINE
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Write the tables here, with what they mean
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Threads
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(args.jobs.unwrap_or(0)).build();
    threads.context("failed to start the worker threads")?.install(|| run(&args))
}

fn run(args: &Args) -> Result<()> {
    let engines = engines(args)?;
    let mut collections = Vec::new();
    if args.pieces > 0 && !args.predictions_only {
        collections.push(generated::collection(args.pieces, args.seed, &generated::genres(&args.genre)?));
    }
    if let Some(manifest) = &args.corpus {
        collections.push(corpus::read(manifest, args.by_style)?);
    }
    anyhow::ensure!(!collections.is_empty(), "nothing to listen to: give --pieces or --corpus");
    let mut results = Vec::new();
    for collection in &collections {
        let listeners = listen::to(collection, &engines);
        if let Some(folder) = &args.save {
            listeners.iter().try_for_each(|listener| listen::save(listener, folder))?;
        }
        results.push((collection.title.as_str(), listeners));
    }
    print!("{}", report::text(&results));
    if let Some(path) = &args.markdown {
        std::fs::write(path, report::markdown(&results))
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// The engines in the order of their rows. Another variant of ours is one more line here.
fn engines(args: &Args) -> Result<Vec<Box<dyn Engine>>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    if !args.predictions_only {
        engines.push(Box::new(Arsis::new("arsis", args.full)));
        if args.rules {
            engines.push(Box::new(Rules));
        }
    }
    for pair in args.predictions.chunks_exact(2) {
        engines.push(Box::new(Folder::open(pair[0].as_ref(), &pair[1])?));
    }
    Ok(engines)
}
