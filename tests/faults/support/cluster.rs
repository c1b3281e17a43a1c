//! A PostgreSQL server of a test's own, which may crash and come back.

use super::relay::Relay;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgPool;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::embedded::Server;
use tempfile::TempDir;
use tokio::sync::Mutex;

/// Longest time for what a killed server leaves (its children, their shared memory) to be gone.
const CRASH_LIMIT: Duration = Duration::from_secs(30);

const DATABASE: &str = "arsis";

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// `pg_ctl stop -m immediate`: no checkpoint, connections are dropped; the next start recovers from the log.
    Immediate,
    /// `kill -9`: nobody is told anything.
    Kill,
}

/// A durable server: what was committed is there after a crash. Workers reach it through [`Cluster::relay`].
pub(crate) struct Cluster {
    data_dir: PathBuf,
    server: Mutex<Option<Running>>,
    pub(crate) relay: Relay,
    _folder: TempDir,
}

struct Running {
    server: Server,
    pool: PgPool,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        // The server's account must be able to walk through it, also when the tests run as root.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let data_dir = folder.path().join("postgres");
        let running = Running::start(&data_dir).await.unwrap();
        store::migrate::migrate(&running.pool).await.unwrap();
        let relay = Relay::to(&running.socket_dir());
        Self { data_dir, server: Mutex::new(Some(running)), relay, _folder: folder }
    }

    /// The address that stays the same over restarts.
    pub(crate) fn url(&self) -> String {
        self.relay.url("arsis", DATABASE)
    }

    /// Connections to the server that runs now, past the relay.
    pub(crate) async fn pool(&self) -> PgPool {
        self.server.lock().await.as_ref().unwrap().pool.clone()
    }

    /// Ends the server, and waits until it has ended.
    pub(crate) async fn crash(&self, how: Crash) {
        let running = self.server.lock().await.take().unwrap();
        let signal = match how {
            Crash::Immediate => Signal::SIGQUIT,
            Crash::Kill => Signal::SIGKILL,
        };
        kill(postmaster(&self.data_dir), signal).unwrap();
        running.pool.close().await;
        running.server.stop().await;
    }

    pub(crate) async fn start_again(&self) {
        let started = async {
            loop {
                match Running::start(&self.data_dir).await {
                    Ok(running) => return running,
                    // Children of a killed server still hold its memory, for a moment.
                    Err(error) => eprintln!("not yet: {error}"),
                }
            }
        };
        let running = tokio::time::timeout(CRASH_LIMIT, started).await.unwrap();
        self.relay.lead_to(&running.socket_dir());
        *self.server.lock().await = Some(running);
    }
}

impl Running {
    async fn start(data_dir: &Path) -> store::Result<Self> {
        let server = Server::start(data_dir).await?;
        let pool = store::connect_private(&server, DATABASE).await?;
        Ok(Self { server, pool })
    }

    fn socket_dir(&self) -> PathBuf {
        self.server.connect_options(DATABASE).get_socket().unwrap().clone()
    }
}

/// The server's first process.
fn postmaster(data_dir: &Path) -> Pid {
    let text = std::fs::read_to_string(data_dir.join("postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap())
}
