//! Node and Chromium, as `scripts/setup --tests` found or brought them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node, in a folder. Where the system's is too old, the one that was brought.
pub(crate) fn node(folder: &str) -> Command {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-python/bin/node");
    let mut command = Command::new(if brought.exists() { brought } else { "node".into() });
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn chromium() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    found
        .chain([mac])
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no Chromium: run scripts/setup --tests"))
}

/// What a command says; it must end well.
#[track_caller]
pub(crate) fn run(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{error}: run scripts/setup --tests"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}
