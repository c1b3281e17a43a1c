//! A private PostgreSQL server, run from the machine's own binaries.
//!
//! It listens on a Unix socket alone, keeps its data in a directory of ours, and ends with this process however that
//! ends: a shell stands guard over the server and reads from a pipe whose other end only we hold, and the kernel
//! closes it even when we are killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = store::embedded::Server::start("/var/lib/arsis/postgres").await?;
//! let pool = sqlx::PgPool::connect_with(server.connect_options("postgres")).await?;
//! # drop(pool);
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod binaries;
mod cluster;
mod error;

pub use error::Error;

use account::Account;
use binaries::Binaries;
use sqlx::postgres::PgConnectOptions;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start; after a crash it first reads its log from the last checkpoint.
const START_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);

/// How much of the server's log an error carries.
const LOG_TAIL_BYTES: usize = 4096;

/// Socket paths may have 103 bytes (macOS) or 107 (Linux), so the directory is short, whatever `TMPDIR` says.
const SOCKET_PARENT: &str = "/tmp";

/// Runs the server and, when standard input ends, asks it to end: a fast shutdown, after 30 s an immediate one. Then
/// removes the first argument, the directory of the socket. Signals meant for us (a terminal's, a service manager's)
/// do not touch it: we still work with the server while we end.
const GUARD: &str = r#"
trap : HUP INT TERM
socket_dir=$1
shift
"$@" </dev/null &
server=$!
exec 3<&0 </dev/null
(
    while read -r _ <&3; do :; done
    kill -INT $server
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        sleep 1
        kill -0 $server || exit
    done
    kill -QUIT $server
) >/dev/null 2>&1 &
watch=$!
exec 3<&-
while :; do
    wait $server
    status=$?
    kill -0 $server 2>/dev/null || break
done
kill $watch 2>/dev/null
rm -rf -- "$socket_dir"
exit $status
"#;

/// A running private server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    guard: Child,
    socket_dir: SocketDir,
    data_dir: PathBuf,
    major: u32,
    /// Held as long as the server runs; `None` for a temporary cluster, which nobody else can find.
    _lock: Option<File>,
}

impl Server {
    /// Starts a server on `data_dir`, which is made if it does not exist. What is committed survives a power cut.
    ///
    /// Beside the directory, `<data_dir>.lock` keeps other processes off it, and `<data_dir>.log` has what the server
    /// says (the previous run's is `<data_dir>.log.old`).
    ///
    /// # Errors
    ///
    /// [`Error::BinariesNotFound`], [`Error::OtherVersion`], [`Error::NoAccount`], [`Error::Unreachable`],
    /// [`Error::InUse`] and [`Error::NotACluster`] as their texts say; the others when PostgreSQL or the file system
    /// fails.
    pub async fn start(data_dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let data_dir = data_dir.into();
        off_the_async_threads(move || Self::start_durable(&data_dir)).await
    }

    /// Starts a server on a new cluster in a temporary directory, for tests: nothing is ever flushed to disk, and the
    /// directory is removed when the server ends.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub async fn start_ephemeral() -> Result<Self, Error> {
        off_the_async_threads(Self::start_temporary).await
    }

    /// Whether there is a cluster in `data_dir`, running or not.
    ///
    /// # Errors
    ///
    /// [`Error::NotACluster`] when something else is there; [`Error::Io`] when it cannot be read.
    pub fn has_cluster(data_dir: &Path) -> Result<bool, Error> {
        Ok(cluster::made_by(data_dir)?.is_some())
    }

    /// How to connect to the server that another process of ours runs on `data_dir`; `None` when none is ready
    /// there. It ends with that process.
    #[must_use]
    pub fn connect_options_of_running(data_dir: &Path, database: &str) -> Option<PgConnectOptions> {
        let socket_dir = cluster::socket_dir_when_ready(data_dir)?;
        Some(options(&socket_dir, database))
    }

    /// How to connect to one of the server's databases; a new cluster has `postgres`.
    #[must_use]
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        options(&self.socket_dir.0, database)
    }

    /// The same as a URL, for other programs.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}@localhost/{database}?host={}", cluster::SUPERUSER, self.socket_dir.0.display())
    }

    /// The major version of the server.
    #[must_use]
    pub fn major_version(&self) -> u32 {
        self.major
    }

    /// Where the data is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Whether the server still runs; it may have crashed or been killed by others.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    /// Ends the server and waits until it has ended. Open connections are closed.
    pub async fn stop(self) {
        off_the_async_threads(move || drop(self)).await;
    }

    fn start_durable(data_dir: &Path) -> Result<Self, Error> {
        let account = Account::current()?;
        let data_dir = std::path::absolute(data_dir).map_err(Error::io("find", data_dir))?;
        let parent = data_dir.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        account.check_reach(&data_dir)?;
        let lock = cluster::lock(&data_dir)?;
        let made_by = cluster::made_by(&data_dir)?;
        let binaries = binaries::choose(&data_dir, made_by.as_deref())?;
        if made_by.is_none() {
            cluster::init(&binaries, &account, &data_dir, true)?;
        } else {
            cluster::wait_for_previous(&data_dir)?;
            account.take_private_dir(&data_dir)?;
        }
        let log = cluster::beside(&data_dir, "log");
        if log.exists() {
            let old = cluster::beside(&data_dir, "log.old");
            fs::rename(&log, &old).map_err(Error::io("rename", &log))?;
        }
        let socket_dir = SocketDir::new(&account)?;
        Self::spawn(&binaries, &account, socket_dir, data_dir, &log, DURABLE, Some(lock))
    }

    fn start_temporary() -> Result<Self, Error> {
        let account = Account::current()?;
        let binaries = binaries::choose(Path::new(""), None)?;
        let socket_dir = SocketDir::new(&account)?;
        let (data_dir, log) = (socket_dir.0.join("data"), socket_dir.0.join("log"));
        cluster::init(&binaries, &account, &data_dir, false)?;
        Self::spawn(&binaries, &account, socket_dir, data_dir, &log, EPHEMERAL, None)
    }

    fn spawn(
        binaries: &Binaries,
        account: &Account,
        socket_dir: SocketDir,
        data_dir: PathBuf,
        log: &Path,
        settings: &[&str],
        lock: Option<File>,
    ) -> Result<Self, Error> {
        let output = File::create(log).map_err(Error::io("create", log))?;
        let errors = output.try_clone().map_err(Error::io("open", log))?;
        let postgres = binaries.program("postgres");
        account.check_reach(&postgres)?;
        let mut guard = account.command(Path::new("/bin/sh"));
        guard.args(["-c", GUARD, "arsis-postgres-guard"]).arg(&socket_dir.0).arg(&postgres);
        guard.arg("-D").arg(&data_dir).arg("-k").arg(&socket_dir.0);
        set(&mut guard, ALWAYS);
        set(&mut guard, settings);
        // A process group of its own: Ctrl-C in a terminal is for us, and we end the server when our work is done.
        guard.stdin(Stdio::piped()).stdout(output).stderr(errors).process_group(0);
        let guard = guard.spawn().map_err(Error::io("run", &postgres))?;
        let mut server = Self { guard, socket_dir, data_dir, major: binaries.major, _lock: lock };
        server.wait_until_ready(log)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<(), Error> {
        let since = Instant::now();
        while !cluster::is_ready(&self.data_dir) {
            if let Some(status) = self.guard.try_wait().map_err(Error::io("wait for", &self.data_dir))? {
                return Err(Error::Start { status: status.to_string(), log: tail(log) });
            }
            if since.elapsed() > START_LIMIT {
                return Err(Error::StartTimeout { waited_s: START_LIMIT.as_secs(), log: tail(log) });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

fn options(socket_dir: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(socket_dir).username(cluster::SUPERUSER).database(database)
}

impl Drop for Server {
    fn drop(&mut self) {
        // End of file: the guard ends the server, then itself. It does not wait for ever, so neither do we.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The directory of the socket, which only the server's account (and root) may enter. Removed when dropped.
#[derive(Debug)]
struct SocketDir(PathBuf);

impl SocketDir {
    fn new(account: &Account) -> Result<Self, Error> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let dir = Path::new(SOCKET_PARENT).join(format!("arsis-{}", &name[..12]));
        account.create_private_dir(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        // The guard has removed it already, unless there was none or it was killed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// No network; times in UTC; nothing of the data in the log, which holds starts, stops and what went wrong with the
/// server itself, so that it stays small.
const ALWAYS: &[&str] = &[
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "timezone=UTC",
    "log_destination=stderr",
    "logging_collector=off",
    "log_min_messages=log",
    "log_checkpoints=off",
];
const DURABLE: &[&str] = &["max_connections=100"];
const EPHEMERAL: &[&str] = &[
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "shared_buffers=64MB",
];

fn set(command: &mut Command, settings: &[&str]) {
    for setting in settings {
        command.args(["-c", setting]);
    }
}

fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
    String::from_utf8_lossy(&bytes[start..]).trim().to_owned()
}

async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
