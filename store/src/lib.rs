//! What Arsis keeps: PostgreSQL rows, the job queue, audio and chunks in object storage. All SQL is in this crate.

pub mod access;
pub mod analyses;
pub mod annotations;
pub mod audit;
pub mod batches;
pub mod connect;
pub mod corrections;
pub mod embedded;
pub mod error;
pub mod frames;
pub mod grants;
pub mod grids;
pub mod idempotency;
pub mod library;
pub mod migrate;
pub mod objects;
pub mod orphans;
pub mod position;
pub mod prompts;
pub mod queue;
pub mod regions;
pub mod results;
mod row_bytes;
pub mod sessions;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tracks;
pub mod uploads;
pub mod users;
pub mod watching;
pub mod webhooks;

pub use connect::{
    MAX_CONNECTIONS, begin_within, close, connect, connect_private, connect_running, connect_sized,
    pool_beside, within,
};
pub use error::{Error, Result};
pub use sqlx::{PgConnection, PgPool};

/// A connection lent by a [`PgPool`].
pub type PooledConnection = sqlx::pool::PoolConnection<sqlx::Postgres>;

/// A transaction; dropped without `commit`, it is rolled back.
pub type Transaction = sqlx::Transaction<'static, sqlx::Postgres>;
