//! Why the private server could not be started, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private PostgreSQL server could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable server binaries are installed.
    #[error(
        "PostgreSQL server binaries not found (version {minimum} or newer): install them, e.g. `apt-get install \
         postgresql`, `dnf install postgresql-server` or `brew install postgresql@17`, or use a running server"
    )]
    BinariesNotFound {
        /// The oldest major version that would do.
        minimum: u32,
    },
    /// The data directory was made by a version of PostgreSQL that is not installed.
    #[error(
        "{} was made by PostgreSQL {made_by}, but only {} found: install PostgreSQL {made_by}, or dump the data with \
         it and restore it into a new directory", data_dir.display(), installed_versions(installed)
    )]
    OtherVersion {
        /// The data directory.
        data_dir: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// The major versions that are installed.
        installed: Vec<u32>,
    },
    /// PostgreSQL refuses to run as root, and there is no other account to run it as.
    #[error(
        "running as root, and there is neither a `postgres` nor a `nobody` account for PostgreSQL to run as"
    )]
    NoAccount,
    /// A directory on the way is closed to the account that the server runs as.
    #[error(
        "{} cannot be used: {} is closed to `{account}`, as whom PostgreSQL runs when started by root; choose a place \
         such as /var/lib/arsis", wanted.display(), closed.display()
    )]
    Unreachable {
        /// What the account would have to reach.
        wanted: PathBuf,
        /// The directory above it that is closed.
        closed: PathBuf,
        /// The account.
        account: String,
    },
    /// Another process uses the data directory.
    #[error("{} is in use by another process: two servers cannot share one data directory", data_dir.display())]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The data directory exists and is not one of PostgreSQL's.
    #[error("{} is not empty and was not made by PostgreSQL: choose another data directory", data_dir.display())]
    NotACluster {
        /// The directory.
        data_dir: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it wrote.
        output: String,
    },
    /// The server ended while starting.
    #[error("PostgreSQL ended while starting ({status}): {log}")]
    Start {
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// The server took too long.
    #[error("PostgreSQL was not ready after {waited_s} s: {log}")]
    StartTimeout {
        /// How long it was waited for, in seconds.
        waited_s: u64,
        /// The end of its log.
        log: String,
    },
    /// A file or process could not be handled.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was tried, on what.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn installed_versions(installed: &[u32]) -> String {
    installed.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
