//! A data directory: made by `initdb`, held by one process at a time, and left behind clean.

use super::Error;
use super::account::Account;
use super::binaries::Binaries;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server whose starter was killed may take to begin to stop, and to have stopped.
const STOPPING_LIMIT: Duration = Duration::from_secs(10);
const STOPPED_LIMIT: Duration = Duration::from_secs(60);
/// How long a lock may outlive its holder: a process that is just being started has copies of all files that are open.
const UNLOCKED_LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// The user that owns everything in the cluster.
pub(super) const SUPERUSER: &str = "arsis";

/// The major version that made the data directory; `None` if there is nothing yet.
pub(super) fn made_by(data_dir: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(data_dir.join("PG_VERSION")) {
        Ok(version) => Ok(Some(version.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let empty = fs::read_dir(data_dir).map_or(true, |mut entries| entries.next().is_none());
            if empty { Ok(None) } else { Err(Error::NotACluster { data_dir: data_dir.to_owned() }) }
        }
        Err(error) => Err(Error::io("read", &data_dir.join("PG_VERSION"))(error)),
    }
}

/// Takes the data directory for this process, until the file is dropped or the process ends in whatever way.
pub(super) fn lock(data_dir: &Path) -> Result<File, Error> {
    let path = beside(data_dir, "lock");
    let file = File::options().create(true).append(true).open(&path).map_err(Error::io("open", &path))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < UNLOCKED_LIMIT => std::thread::sleep(POLL),
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { data_dir: data_dir.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
    }
}

/// A sibling of the data directory: `/var/lib/arsis/postgres` has `/var/lib/arsis/postgres.lock`.
pub(super) fn beside(data_dir: &Path, suffix: &str) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    data_dir.with_file_name(name)
}

/// Makes a new cluster. It is made beside its place and renamed, so that a kill in the middle leaves no half of one.
pub(super) fn init(
    binaries: &Binaries,
    account: &Account,
    data_dir: &Path,
    durable: bool,
) -> Result<(), Error> {
    let unfinished = beside(data_dir, "new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    account.create_private_dir(&unfinished)?;
    let mut initdb = account.command(&binaries.program("initdb"));
    initdb.arg("--pgdata").arg(&unfinished).args(["--username", SUPERUSER, "--encoding", "UTF8"]);
    // Trust whoever can open the socket: it lies in a directory that only the server's account may enter.
    initdb.args(["--auth", "trust"]).args(locale(binaries.major));
    if !durable {
        initdb.arg("--no-sync");
    }
    let output =
        initdb.stdin(Stdio::null()).output().map_err(Error::io("run", &binaries.program("initdb")))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        return Err(Error::Initdb { output: String::from_utf8_lossy(&text).trim().to_owned() });
    }
    if data_dir.exists() {
        fs::remove_dir(data_dir).map_err(Error::io("replace", data_dir))?;
    }
    fs::rename(&unfinished, data_dir).map_err(Error::io("create", data_dir))
}

/// UTF-8 with the order of code points, the same on every machine: since PostgreSQL 17 without the C library's help.
fn locale(major: u32) -> &'static [&'static str] {
    match major {
        ..17 => &["--locale", "C.UTF-8"],
        17.. => &["--locale-provider", "builtin", "--locale", "C", "--builtin-locale", "C.UTF-8"],
    }
}

/// Waits for the server of a starter that was killed, and removes a `postmaster.pid` that no server stands behind:
/// in a container the process numbers start again, and PostgreSQL takes any live process of its account for a server.
pub(super) fn wait_for_previous(data_dir: &Path) -> Result<(), Error> {
    let path = data_dir.join("postmaster.pid");
    let since = Instant::now();
    while let Ok(text) = fs::read_to_string(&path) {
        let file = PidFile::parse(&text);
        if !file.pid.is_some_and(|pid| is_server_of(pid, data_dir)) {
            return fs::remove_file(&path).or_else(not_found_is_fine).map_err(Error::io("remove", &path));
        }
        let limit = if file.status == "stopping" { STOPPED_LIMIT } else { STOPPING_LIMIT };
        if since.elapsed() > limit {
            return Err(Error::InUse { data_dir: data_dir.to_owned() });
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn not_found_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Whether the server takes connections.
pub(super) fn is_ready(data_dir: &Path) -> bool {
    fs::read_to_string(data_dir.join("postmaster.pid"))
        .is_ok_and(|text| PidFile::parse(&text).status == "ready")
}

/// Where the socket of the server on `data_dir` is, if one takes connections there.
pub(super) fn socket_dir_when_ready(data_dir: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    let file = PidFile::parse(&text);
    (file.status == "ready").then(|| file.socket_dir.into())
}

/// What PostgreSQL writes to `postmaster.pid`: line 1 is its process, line 5 the directory of its socket, line 8
/// its status.
struct PidFile<'a> {
    pid: Option<u32>,
    socket_dir: &'a str,
    status: &'a str,
}

impl<'a> PidFile<'a> {
    fn parse(text: &'a str) -> Self {
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next().and_then(|line| line.parse().ok());
        let socket_dir = lines.nth(3).unwrap_or_default();
        Self { pid, socket_dir, status: lines.nth(2).unwrap_or_default() }
    }
}

/// Whether the process is a PostgreSQL server working in the data directory.
fn is_server_of(pid: u32, data_dir: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if Path::new("/proc/self").exists() {
        return match (fs::read_link(process.join("cwd")), data_dir.canonicalize()) {
            (Ok(working_dir), Ok(data_dir)) => working_dir == data_dir,
            // Not ours to look at, or gone.
            _ => false,
        };
    }
    let ps = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    ps.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("postgres"))
}

#[cfg(test)]
mod tests {
    use super::{PidFile, beside};
    use std::path::Path;

    #[test]
    fn the_status_is_the_eighth_line_of_the_pid_file() {
        let text = "4711\n/data\n1700000000\n5432\n/tmp/s\n\n  1 2\nready   \n";
        let file = PidFile::parse(text);
        assert_eq!((file.pid, file.status), (Some(4711), "ready"));
        let starting = PidFile::parse("4711\n/data\n");
        assert_eq!((starting.pid, starting.status), (Some(4711), ""));
        assert_eq!(PidFile::parse("garbage").pid, None);
    }

    #[test]
    fn siblings_keep_the_whole_name() {
        assert_eq!(beside(Path::new("/var/lib/postgres.d"), "lock"), Path::new("/var/lib/postgres.d.lock"));
    }
}
