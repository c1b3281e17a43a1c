//! A fresh, migrated database for every test.
//!
//! One private server is shared by all tests of a process and ends with it. Each database is a copy of a template
//! that was migrated once, so that a test pays for a copy and not for the migrations.
//!
//! ```no_run
//! # async fn example() {
//! let database = store::testing::TestDatabase::new().await;
//! sqlx::query("SELECT count(*) FROM users").execute(database.pool()).await.unwrap();
//! # }
//! ```

#![expect(clippy::expect_used, reason = "a test that cannot set its scene must fail, and say why")]

use crate::analyses::{NewAnalysis, Parameters};
use crate::embedded::Server;
use crate::migrate::migrate;
use crate::objects::{ObjectKey, Objects};
use crate::tracks::{self, Details, NewTrack};
use analysis_core::config::AnalysisType;
use bytes::Bytes;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;
use uuid::Uuid;

const TEMPLATE: &str = "arsis_template";

/// Connections per test: enough for a worker, its heartbeats and the test itself.
const POOL_CONNECTIONS: u32 = 10;

/// Never dropped: the server's guard sees the process end, and removes everything.
static SERVER: OnceCell<Server> = OnceCell::const_new();

/// A database of the test's own, migrated, with the seeds in it. Dropping it drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    pool: PgPool,
    url: String,
    maintenance: PgConnectOptions,
}

impl TestDatabase {
    /// A fresh database with every migration applied.
    ///
    /// # Panics
    ///
    /// If there are no PostgreSQL server binaries, or the migrations fail.
    pub async fn new() -> Self {
        let server = server().await;
        Self::create(server, &format!("TEMPLATE {TEMPLATE} STRATEGY file_copy")).await
    }

    /// A fresh database with nothing in it, for tests of the migrations themselves.
    ///
    /// # Panics
    ///
    /// If there are no PostgreSQL server binaries.
    pub async fn empty() -> Self {
        let server = server().await;
        Self::create(server, "TEMPLATE template0").await
    }

    /// Connections to the database.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The database's address, for other processes and for pools of the test's own.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn create(server: &Server, how: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let maintenance = server.connect_options("postgres");
        execute(&maintenance, format!("CREATE DATABASE {name} {how}"))
            .await
            .expect("a test database can be made");
        let options = PgPoolOptions::new().max_connections(POOL_CONNECTIONS);
        let pool = options.connect_lazy_with(server.connect_options(&name));
        let url = server.url(&name);
        Self { name, pool, url, maintenance }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A thread of its own: the test's runtime may be ending, and must not be blocked on itself.
        let (maintenance, statement) =
            (self.maintenance.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(execute(&maintenance, statement)))
        });
        // Best effort: whatever is left over goes with the server.
        let _ = dropping.join();
    }
}

async fn server() -> &'static Server {
    SERVER.get_or_init(start).await
}

async fn start() -> Server {
    let server = Server::start_ephemeral().await.expect("PostgreSQL for tests starts");
    let maintenance = server.connect_options("postgres");
    execute(&maintenance, format!("CREATE DATABASE {TEMPLATE}")).await.expect("the template can be made");
    let pool = PgPool::connect_with(server.connect_options(TEMPLATE)).await.expect("the template is there");
    migrate(&pool).await.expect("the migrations apply to an empty database");
    pool.close().await; // a template must have no connections while it is copied
    server
}

async fn execute(database: &PgConnectOptions, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(database).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// A track of `owner` with this WAV file as its audio, as an upload makes it.
///
/// # Panics
///
/// If it cannot be stored.
pub async fn uploaded(
    db: &mut PgConnection,
    objects: &Objects,
    owner: Uuid,
    name: &str,
    audio: impl Into<Bytes>,
) -> Uuid {
    let id = Uuid::new_v4();
    let key = ObjectKey::audio(id);
    let body = futures::stream::iter([Ok(audio.into())]);
    let stored = objects.put(&key, "audio/wav", body).await.expect("the audio can be stored");
    let track = NewTrack {
        id,
        user_id: owner,
        r2_key: key.as_str().to_owned(),
        file_size_bytes: i64::try_from(stored.size_bytes).expect("the audio is small"),
        mime_type: "audio/wav".into(),
        content_sha256: stored.sha256,
        name: name.to_owned(),
        details: Details::default(),
    };
    tracks::insert(db, &track).await.expect("the track can be written");
    id
}

/// A full analysis of a track by this version, with default parameters.
#[must_use]
pub fn analysis_of(track_id: Uuid) -> NewAnalysis<'static> {
    NewAnalysis {
        track_id,
        analysis_type: AnalysisType::Full,
        parameters: Parameters::default(),
        version: analysis_core::ANALYZER_VERSION,
        requested_by: None,
        priority: 0,
        run_at: None,
    }
}
