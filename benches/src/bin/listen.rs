//! One file, nothing printed: what `benches/peers` runs beside other programs.
//!
//! `listen TYPE FILE [THREADS]`; `TYPE` is a type of analysis, whose results are made and dropped, or `decode`. One thread
//! unless told otherwise.

use analysis_core::decode::Decoder;
use analysis_core::{AnalysisType, Config, Limits, analyze};
use anyhow::{Context, bail};
use std::fs::File;
use std::hint::black_box;
use std::num::NonZeroUsize;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (what, path, threads) = match &args[..] {
        [what, path] => (what, path, NonZeroUsize::MIN),
        [what, path, threads] => (what, path, threads.parse().context("THREADS is a number from 1")?),
        _ => bail!("usage: listen TYPE FILE [THREADS]"),
    };
    let hint = path.rsplit_once('.').map(|(_, extension)| extension);
    let file = File::open(path).with_context(|| format!("failed to open {path}"))?;
    if what == "decode" {
        let mut decoder = Decoder::open(file, hint, &Limits::default())?.with_threads(threads);
        while let Some(block) = decoder.next_block()? {
            black_box(block);
        }
        return Ok(());
    }
    let config = Config { analysis_type: analysis_type(what)?, threads, ..Config::default() };
    black_box(analyze(file, hint, &config, &mut ())?);
    Ok(())
}

fn analysis_type(name: &str) -> anyhow::Result<AnalysisType> {
    use AnalysisType::{Full, Rhythm, Spectral, Structure, Tonal};
    let known = [
        ("spectral", Spectral),
        ("rhythm", Rhythm),
        ("tonal", Tonal),
        ("structure", Structure),
        ("full", Full),
    ];
    let found = known.into_iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| kind).with_context(|| format!("no type of analysis is called {name}"))
}
