//! The server: a process of `arsis api`, its database, and the analyses that it tells of.

use crate::LEASE;
use crate::pieces::Piece;
use analysis_core::summary::Summary;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Stdio;
use store::PgPool;
use store::objects::{self, Objects};
use store::queue::{self, Lease};
use store::results::{self, Finished, Writer};
use store::sessions::{self, Origin};
use store::testing::{self, TestDatabase, analysis_of};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

#[derive(Clone)]
pub(crate) struct Person {
    id: Uuid,
    pub(crate) token: String,
}

pub(crate) struct Server {
    process: Child,
    address: String,
    database: TestDatabase,
    objects: Objects,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        let objects = objects::Config::Directory(folder.path().join("objects"));
        let objects = Objects::open(objects).await.unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(["api", "--listen", "127.0.0.1:0"]).kill_on_drop(true);
        command.env("DATABASE_URL", database.url()).env("ARSIS_DATA_DIR", folder.path());
        command.env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = loop {
            let line =
                said.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended before it listened"));
            if let Some((_, address)) = line.split_once("http://") {
                break format!("http://{}", address.trim_end_matches('/'));
            }
        };
        // Whatever else it says must find room.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Self { process, address, database, objects, _folder: folder }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) fn progress(&self, analysis: Uuid) -> String {
        format!("{}/v1/analyses/{analysis}/progress", self.address)
    }

    pub(crate) fn chunk(&self, analysis: Uuid) -> String {
        format!("{}/v1/analyses/{analysis}/chunks/0", self.address)
    }

    pub(crate) async fn person(&self, name: &str) -> Person {
        let mut db = self.pool().acquire().await.unwrap();
        let email = format!("{name}@example.org");
        let id = store::users::add_local(&mut db, &email, None).await.unwrap().id;
        let token = sessions::create(&mut db, id, time::Duration::DAY, Origin::default()).await.unwrap();
        Person { id, token: token.expose().to_owned() }
    }

    /// An analysis of a new track that a worker has begun.
    pub(crate) async fn running(&self, person: &Person) -> Lease {
        let mut db = self.pool().acquire().await.unwrap();
        let track = testing::uploaded(&mut db, &self.objects, person.id, "A song", b"audio".to_vec()).await;
        let analysis = store::analyses::create(&mut db, &analysis_of(track)).await.unwrap();
        drop(db);
        let claim = queue::claim(self.pool(), "test", LEASE).await.unwrap().unwrap();
        assert_eq!(claim.lease.analysis_id, analysis.id);
        claim.lease
    }

    pub(crate) async fn complete(&self, lease: &Lease, piece: &Piece) {
        let writer = Writer::new(lease, &piece.config).unwrap();
        let (summary, manifest) = (&Summary::default(), &piece.manifest);
        let finished = Finished { chunks: &piece.chunks, summary, manifest, events: std::iter::empty() };
        results::finish(self.pool(), &writer, finished).await.unwrap();
    }

    /// A completed analysis.
    pub(crate) async fn completed(&self, person: &Person, piece: &Piece) -> Uuid {
        let lease = self.running(person).await;
        self.complete(&lease, piece).await;
        lease.analysis_id
    }

    /// Memory of the process that is in use, in kB.
    pub(crate) fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Connections to the database, the test's own among them.
    pub(crate) async fn database_connections(&self) -> i64 {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
        sqlx::query_scalar(query).fetch_one(self.pool()).await.unwrap()
    }

    /// Ends it as a service manager does.
    pub(crate) async fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.process.id().unwrap()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(self.process.wait().await.unwrap().success());
    }
}
