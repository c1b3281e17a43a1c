//! Whom the server runs as, and what that account can reach.
//!
//! PostgreSQL refuses to run as root. Started by root, the server runs as `postgres`, the account that the packages
//! make, or else as `nobody`.

use super::Error;
use nix::unistd::{Uid, User, geteuid};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The account that the server runs as: our own, or the one that root drops to.
#[derive(Debug, Clone)]
pub(super) struct Account {
    drop_to: Option<User>,
}

impl Account {
    pub(super) fn current() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        let exists = |name| User::from_name(name).ok().flatten().filter(|user| user.uid != Uid::from_raw(0));
        let user = ["postgres", "nobody"].into_iter().find_map(exists).ok_or(Error::NoAccount)?;
        Ok(Self { drop_to: Some(user) })
    }

    /// A command that runs as this account, in a clean environment: an `LC_ALL` that is not installed fails `initdb`,
    /// and `PG…` variables would change what the server does.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("LC_ALL", "C"),
            ("TZ", "UTC"),
        ]);
        if let Some(user) = &self.drop_to {
            // The standard library drops root's supplementary groups as well.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Makes a directory that only this account may enter; it must not exist yet.
    pub(super) fn create_private_dir(&self, dir: &Path) -> Result<(), Error> {
        DirBuilder::new().mode(0o700).create(dir).map_err(Error::io("create", dir))?;
        self.own(dir)
    }

    /// Gives an existing directory to this account alone.
    pub(super) fn take_private_dir(&self, dir: &Path) -> Result<(), Error> {
        fs::set_permissions(dir, Permissions::from_mode(0o700))
            .map_err(Error::io("set the permissions of", dir))?;
        self.own(dir)
    }

    fn own(&self, dir: &Path) -> Result<(), Error> {
        let Some(user) = &self.drop_to else { return Ok(()) };
        chown(dir, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(Error::io("change the owner of", dir))
    }

    /// Checks that every directory above `wanted` lets this account through (`/root` does not).
    pub(super) fn check_reach(&self, wanted: &Path) -> Result<(), Error> {
        let Some(user) = &self.drop_to else { return Ok(()) };
        for dir in wanted.ancestors().skip(1) {
            let Ok(metadata) = fs::metadata(dir) else { continue };
            let bit = if metadata.uid() == user.uid.as_raw() {
                0o100
            } else if metadata.gid() == user.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & bit == 0 {
                let (wanted, closed) = (wanted.to_owned(), dir.to_owned());
                return Err(Error::Unreachable { wanted, closed, account: user.name.clone() });
            }
        }
        Ok(())
    }
}
