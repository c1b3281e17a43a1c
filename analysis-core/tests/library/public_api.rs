//! The public items of our libraries are those that are written down beside them.
//!
//! Read from rustdoc's JSON, which is unstable: its format has a number that rises with new compilers. Those that the
//! parser is known to read are compared; with another one the comparison is skipped, and standard error says so.

use crate::{cargo, root, succeed};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Formats of rustdoc's JSON that `public-api` reads: the first is that of Rust 1.95, the last its own.
const FORMATS: RangeInclusive<u64> = 57..=59;

#[test]
fn the_public_items_of_the_engine_are_those_written_down() {
    compare("analysis-core");
}

#[test]
fn the_public_items_of_the_exports_are_those_written_down() {
    compare("export");
}

#[track_caller]
fn compare(package: &str) {
    let described = describe(package);
    let format = serde_json::from_str::<Value>(&fs::read_to_string(&described).unwrap()).unwrap();
    let format = format["format_version"].as_u64().unwrap();
    if !FORMATS.contains(&format) {
        // Past the capture of the test's output: who reads the log must see that nothing was compared.
        let reason =
            format!("rustdoc writes format {format}, the crate public-api reads {FORMATS:?}: update it");
        let mut log = std::io::stderr();
        writeln!(log, "public items of {package}: not compared: {reason}").unwrap();
        return;
    }
    let items = public_api::Builder::from_rustdoc_json(&described)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .unwrap();
    let items: String = items.items().map(|item| format!("{item}\n")).collect();
    let path = root().join(package).join("public-api.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &items).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(items == written, "{}", advice(package, &written, &items));
}

/// Builds rustdoc's JSON of a library.
#[track_caller]
fn describe(package: &str) -> PathBuf {
    let mut rustdoc = cargo("rustdoc", package);
    rustdoc.args(["--lib", "--all-features", "--"]);
    succeed(rustdoc.args(["-Zunstable-options", "--output-format", "json", "--cap-lints", "allow"]));
    root().join("target/library/doc").join(format!("{}.json", package.replace('-', "_")))
}

/// What differs, and what to do about it.
fn advice(package: &str, written: &str, found: &str) -> String {
    let lines_of_one = |one: &str, other: &str, sign: char| -> String {
        let other: Vec<&str> = other.lines().collect();
        one.lines().filter(|line| !other.contains(line)).map(|line| format!("{sign} {line}\n")).collect()
    };
    let (gone, new) = (lines_of_one(written, found, '-'), lines_of_one(found, written, '+'));
    let version = if gone.is_empty() {
        "Callers of before compile still: the next version's last number rises."
    } else {
        "What is gone breaks callers: the next version's first number other than 0 rises."
    };
    format!(
        "the public items of {package} are not those of {package}/public-api.txt:\n{gone}{new}\n{version} If this is meant, \
         say it in CHANGELOG.md and write the file anew:\n\n    UPDATE=1 cargo test --workspace --test library\n"
    )
}
