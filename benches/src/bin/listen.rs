//! One file, one core, nothing printed: what `benches/peers` runs beside other programs.
//!
//! `listen TYPE FILE`; `TYPE` is a type of analysis, whose results are made and dropped, or `decode`.

use analysis_core::decode::Decoder;
use analysis_core::{AnalysisType, Config, Limits, analyze};
use anyhow::{Context, bail};
use std::fs::File;
use std::hint::black_box;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, path] = &args[..] else { bail!("usage: listen TYPE FILE") };
    let hint = path.rsplit_once('.').map(|(_, extension)| extension);
    let file = File::open(path).with_context(|| format!("failed to open {path}"))?;
    if what == "decode" {
        let mut decoder = Decoder::open(file, hint, &Limits::default())?;
        while let Some(block) = decoder.next_block()? {
            black_box(block);
        }
        return Ok(());
    }
    let config = Config { analysis_type: analysis_type(what)?, ..Config::default() };
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
