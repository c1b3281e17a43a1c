//! Runs scenarios once each, for `scripts/instructions` to count: `instructions [SCENARIO …]`, all where none is named.
//!
//! Prints name and seconds of audio for each. What lies in [`measured`] is to be counted.

use benches::{Material, SCENARIOS};
use std::hint::black_box;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let known = |name: &String| SCENARIOS.iter().any(|scenario| scenario.name == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        anyhow::bail!("no scenario is called {unknown}");
    }
    let material = Material::new(1);
    for scenario in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|name| name == scenario.name) {
            let mut run = (scenario.prepare)(&material);
            measured(&mut run);
            println!("{} {:.3}", scenario.name, material.seconds());
        }
    }
    Ok(())
}

/// A function of its own, whose name the script tells valgrind.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}
