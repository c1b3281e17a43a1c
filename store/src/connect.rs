//! Pools of connections.

use crate::Result;
use crate::embedded::Server;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use std::path::Path;
use std::time::Duration;

/// Connections a process holds at most; PostgreSQL's default allows 100 over all processes.
const MAX_CONNECTIONS: u32 = 16;
/// How long to wait for one before the caller is told that the database does not answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the server that a URL names, e.g. `postgres://user:password@host/database`.
///
/// # Errors
/// The URL is malformed, or the server does not take a connection.
pub async fn connect(url: &str) -> Result<PgPool> {
    pool(url.parse()?).await
}

/// Connects to a database of a private server, creating it first if it is not there.
///
/// # Errors
/// The server does not take a connection, or the database cannot be created.
pub async fn connect_private(server: &Server, database: &str) -> Result<PgPool> {
    let mut admin = server.connect_options("postgres").connect().await?;
    let known = sqlx::query_scalar::<_, i32>("SELECT 1 FROM pg_database WHERE datname = $1");
    if known.bind(database).fetch_optional(&mut admin).await?.is_none() {
        // The name is quoted by doubling its quotes; CREATE DATABASE takes no parameters.
        let quoted = database.replace('"', "\"\"");
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{quoted}\"")))
            .execute(&mut admin)
            .await?;
    }
    admin.close().await?;
    pool(server.connect_options(database)).await
}

/// Connects to a database of the private server that another process of ours runs on `data_dir`; `None` when
/// none is ready there.
///
/// # Errors
/// The server does not take a connection.
pub async fn connect_running(data_dir: &Path, database: &str) -> Result<Option<PgPool>> {
    match Server::connect_options_of_running(data_dir, database) {
        Some(options) => pool(options).await.map(Some),
        None => Ok(None),
    }
}

async fn pool(options: PgConnectOptions) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
    Ok(pool.connect_with(options).await?)
}
