//! Who may use whom: `arsis → api, worker → store → analysis-core`, `arsis → export, picture → analysis-core`, `scores` beside them, and
//! what `analysis-core` must never know.
//!
//! Read from `cargo metadata`, which needs neither network nor anything installed.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each crate of ours may use of the others. Tests and examples may use more.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("analysis-core", &[]),
    ("testmusic", &[]),
    ("bands-only", &["analysis-core"]),
    ("client", &["analysis-core"]),
    ("benches", &["analysis-core"]),
    ("evaluation", &["analysis-core", "scores", "testmusic"]),
    ("export", &["analysis-core"]),
    ("picture", &["analysis-core"]),
    ("scores", &[]),
    ("store", &["analysis-core"]),
    ("worker", &["analysis-core", "store"]),
    ("api", &["analysis-core", "export", "store"]),
    ("arsis", &["analysis-core", "api", "export", "picture", "scores", "store", "worker"]),
];

/// Crates that mean input and output of a kind that the engine must not know: an async runtime, SQL, HTTP, object
/// storage, the command line, a log subscriber.
const NOT_IN_THE_ENGINE: [&str; 14] = [
    "apalis",
    "apalis-postgres",
    "aws-sdk-s3",
    "axum",
    "clap",
    "futures",
    "hyper",
    "mio",
    "reqwest",
    "rustls",
    "sqlx",
    "sqlx-core",
    "tokio",
    "tracing-subscriber",
];

/// Outside crates that only one crate of ours names, so that swapping them touches one place.
const ONE_USER: [(&str, &str); 13] = [
    ("apalis", "store"),
    ("apalis-postgres", "store"),
    ("aws-sdk-s3", "store"),
    ("axum", "api"),
    ("csv", "export"),
    ("png", "picture"),
    ("quick-xml", "export"),
    ("resvg", "picture"),
    ("sqlx", "store"),
    ("pulp", "analysis-core"),
    ("rustfft", "analysis-core"),
    ("symphonia", "analysis-core"),
    ("zstd", "analysis-core"),
];

struct Workspace {
    metadata: Value,
}

impl Workspace {
    fn read() -> Self {
        let mut cargo = Command::new(env!("CARGO"));
        // For this platform alone: crates of others may not have been fetched.
        cargo.args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            &host(),
        ]);
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { metadata: serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// Our crates, each with the crates that it names for what it ships.
    fn members(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let members = self.metadata["workspace_members"].as_array().unwrap();
        let ours = |package: &&Value| members.contains(&package["id"]);
        self.packages().filter(ours).map(|package| (text(&package["name"]), shipped(package))).collect()
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.metadata["packages"].as_array().unwrap().iter()
    }

    /// Every crate that is built into `name`, however far down.
    fn below(&self, name: &str) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> =
            self.packages().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let nodes: BTreeMap<&str, &Value> = self.metadata["resolve"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| (text(&node["id"]), node))
            .collect();
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> =
            names.iter().filter(|(_, known)| **known == name).map(|(id, _)| *id).collect();
        while let Some(id) = open.pop() {
            for dependency in nodes[id]["deps"].as_array().unwrap() {
                let package = text(&dependency["pkg"]);
                let normal = |kind: &Value| kind["kind"].is_null();
                if dependency["dep_kinds"].as_array().unwrap().iter().any(normal) && found.insert(package) {
                    open.push(package);
                }
            }
        }
        found.into_iter().map(|id| names[id]).collect()
    }
}

/// This platform, in the compiler's words.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The normal dependencies of a package: not those of its tests and its build script.
fn shipped(package: &Value) -> BTreeSet<&str> {
    let dependencies = package["dependencies"].as_array().unwrap();
    dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

#[test]
fn our_crates_use_one_another_in_one_direction() {
    let workspace = Workspace::read();
    let members = workspace.members();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for (name, uses) in &members {
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} is new: say what it may use"));
        for used in uses.iter().filter(|used| members.contains_key(*used)) {
            assert!(allowed.contains(used), "{name} must not use {used}");
        }
    }
}

#[test]
fn the_engine_knows_no_runtime_database_or_network() {
    let workspace = Workspace::read();
    let below = workspace.below("analysis-core");
    assert!(below.contains("symphonia-core"), "the walk finds what is further down");
    // What exports are written with must not know them either.
    for (ours, below) in [("analysis-core", &below), ("export", &workspace.below("export"))] {
        for name in NOT_IN_THE_ENGINE {
            assert!(!below.contains(name), "{ours} must not be built with {name}");
        }
    }
    // The walk would see them: the store has them.
    assert!(workspace.below("store").is_superset(&BTreeSet::from(["tokio", "sqlx", "aws-sdk-s3"])));
}

#[test]
fn outside_crates_are_named_in_one_place() {
    let workspace = Workspace::read();
    for (name, uses) in workspace.members() {
        for (outside, user) in ONE_USER {
            assert!(name == user || !uses.contains(outside), "{outside} is for {user} alone, not for {name}");
        }
    }
}
