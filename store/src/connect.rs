//! Pools of connections.

use crate::Result;
use crate::embedded::Server;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Connections of a pool unless its maker says otherwise; PostgreSQL's default allows 100 over all processes.
pub const MAX_CONNECTIONS: u32 = 16;
/// How long to wait for one before the caller is told that the database does not answer. Below the lease of a
/// worker, which is 10 s by default: whoever waits under a lease can try again before it is over.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long connections may take to end.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A connection that lay unused for longer is tried before it is lent. sqlx tries each one when it comes back; to try
/// it again a moment later would be a round trip for nothing with every request.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Connects to the server that a URL names, e.g. `postgres://user:password@host/database`.
///
/// # Errors
/// The URL is malformed, or the server does not take a connection.
pub async fn connect(url: &str) -> Result<PgPool> {
    connect_sized(url, MAX_CONNECTIONS).await
}

/// [`connect`] with at most `max_connections` at a time. A worker uses up to two for each of its jobs, and a few.
///
/// # Errors
/// As [`connect`].
pub async fn connect_sized(url: &str, max_connections: u32) -> Result<PgPool> {
    Ok(options(max_connections).connect_with(url.parse()?).await?)
}

/// Another pool for the same database, of at most `max_connections`, for what must not wait behind the work of
/// `pool`. It connects when it is first used.
#[must_use]
pub fn pool_beside(pool: &PgPool, max_connections: u32) -> PgPool {
    options(max_connections).connect_lazy_with(pool.connect_options().as_ref().clone())
}

/// Begins a transaction of which no statement may take longer than `limit`: then the database breaks it off
/// ([`crate::Error::is_broken_off`]), and works on nothing that nobody waits for any more.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn begin_within(pool: &PgPool, limit: Duration) -> Result<crate::Transaction> {
    let limit_ms = limit.as_millis().max(1); // 0 would be none
    let begin = format!("BEGIN; SET LOCAL statement_timeout = {limit_ms}");
    Ok(pool.begin_with(sqlx::AssertSqlSafe(begin)).await?)
}

/// Waits for an answer of the database, but no longer than `limit`: a server that is gone without a word, with its host or
/// behind a router that forgot the connection, says nothing for ever.
///
/// # Errors
/// Those of `work`; [`crate::Error::Database`], unavailable, when the time is over. What was asked for may have been done.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer,
        Err(_) => {
            let message = format!("no answer within {} s", limit.as_secs());
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)).into())
        }
    }
}

/// Ends the connections of a pool, and waits for those that say nothing no longer than they may take to say goodbye.
pub async fn close(pool: &PgPool) {
    if tokio::time::timeout(CLOSE_LIMIT, pool.close()).await.is_err() {
        tracing::warn!("connections to the database do not end; they are left to themselves");
    }
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

async fn pool(server: PgConnectOptions) -> Result<PgPool> {
    Ok(options(MAX_CONNECTIONS).connect_with(server).await?)
}

fn options(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
