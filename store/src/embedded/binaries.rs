//! Finds the PostgreSQL server binaries of the machine.

use super::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version whose SQL the migrations and queries are written for.
const MINIMUM: u32 = 15;

/// Directories below which packages put one directory per major version, each with a `bin`.
const VERSIONED: [&str; 6] = [
    "/usr/lib/postgresql",                          // Debian, Ubuntu
    "/usr/libexec/postgresql",                      // Alpine
    "/usr",                                         // the PostgreSQL project's RPMs: /usr/pgsql-17/bin
    "/opt/homebrew/opt",                            // Homebrew on Apple silicon
    "/usr/local/opt",                               // Homebrew on Intel
    "/Applications/Postgres.app/Contents/Versions", // Postgres.app
];

/// A directory with `postgres` and `initdb`, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Every usable installation, newest first.
pub(super) fn installed() -> Result<Vec<Binaries>, Error> {
    let mut found: Vec<Binaries> = candidates().into_iter().filter_map(inspect).collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    if found.is_empty() {
        return Err(Error::BinariesNotFound { minimum: MINIMUM });
    }
    Ok(found)
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for parent in VERSIONED {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        dirs.extend(entries.flatten().map(|entry| entry.path().join("bin")));
    }
    // Where programs are looked for is not configuration of ours: the environment is read as a shell would.
    if let Some(path) = std::env::var_os("PATH") {
        dirs.extend(std::env::split_paths(&path));
    }
    dirs
}

fn inspect(dir: PathBuf) -> Option<Binaries> {
    if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
    (major >= MINIMUM).then_some(Binaries { dir, major })
}

/// The major version in `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
    digits.parse().ok()
}

/// The installation to use for a data directory: the one that made it, or the newest for a new one.
pub(super) fn choose(data_dir: &Path, made_by: Option<&str>) -> Result<Binaries, Error> {
    let mut found = installed()?;
    let Some(made_by) = made_by else { return Ok(found.swap_remove(0)) };
    match found.iter().position(|binaries| binaries.major.to_string() == made_by) {
        Some(index) => Ok(found.swap_remove(index)),
        None => Err(Error::OtherVersion {
            data_dir: data_dir.to_owned(),
            made_by: made_by.to_owned(),
            installed: found.iter().map(|binaries| binaries.major).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{choose, major_version};
    use std::path::Path;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 17.2"), Some(17));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("postgres (EnterpriseDB) 9.6"), None);
        assert_eq!(major_version(""), None);
    }

    #[test]
    fn a_directory_made_by_a_version_that_is_not_installed_is_refused_by_name() {
        let error = choose(Path::new("/var/lib/arsis/postgres"), Some("9.6")).unwrap_err().to_string();
        assert!(error.contains("/var/lib/arsis/postgres was made by PostgreSQL 9.6"), "{error}");
    }
}
