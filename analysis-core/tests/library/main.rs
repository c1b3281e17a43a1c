//! The engine as a library: what callers rely on stays as it is written down, and who wants no decoders gets none.
//!
//! What is built for it goes to `target/library`, so that these features disturb no other build.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

mod features;
mod public_api;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Built once for a look, never run for long: without what makes the engine and what it compresses with quick.
const QUICKLY_BUILT: [&str; 5] = [
    "profile.dev.debug=false",
    "profile.dev.package.analysis-core.opt-level=0",
    "profile.dev.package.pulp.opt-level=0",
    "profile.dev.package.rustfft.opt-level=0",
    "profile.dev.package.zstd-sys.opt-level=0",
];

/// A command of cargo, with a target directory and a profile of its own and without a network.
fn cargo(command: &str, package: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args([command, "--package", package, "--locked", "--offline"]);
    if command != "tree" {
        cargo.args(["--target-dir", "target/library"]);
        cargo.args(QUICKLY_BUILT.iter().flat_map(|setting| ["--config", setting]));
    }
    // The same for all, as what was built with another value is built anew. It lets our crates alone use what is
    // unstable: rustdoc's JSON.
    cargo.env("RUSTC_BOOTSTRAP", "analysis_core,export");
    cargo
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a command of cargo that is expected to succeed.
#[track_caller]
fn succeed(cargo: &mut Command) -> Output {
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{cargo:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}
