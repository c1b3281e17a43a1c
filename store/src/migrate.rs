//! Brings a database's schema up to date.
//!
//! The migrations are part of the program. Which of them a database holds is written in a table of our own name: the
//! platform whose tables we share may have a `_sqlx_migrations`. Not in a schema of our own, though: one that is called
//! like the database's user comes before `public` on the default search path, and every table would be made there.

use crate::queue::tickets;
use crate::{Error, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection, PgPool};
use std::borrow::Cow;

/// Where the applied migrations are recorded.
const HISTORY: &str = "_arsis_migrations";

static MIGRATOR: Migrator =
    Migrator { table_name: Cow::Borrowed(HISTORY), ..sqlx::migrate!("../migrations") };

/// What [`migrate`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The migrations that were missing and now are there, in the order in which they were applied.
    pub versions: Vec<i64>,
    /// The newest migration that the database holds.
    pub latest: i64,
    /// Whether that is one of a newer Arsis: then nothing was applied.
    pub newer: bool,
}

/// Applies every migration that the database does not hold yet, then the job queue's own.
///
/// May be run at every start, by several processes at once (an advisory lock lets one work and the others wait), and
/// on a database that already holds the platform's tables: what exists is left as it is. Each migration is one
/// transaction.
///
/// # Errors
///
/// [`Error::SchemaTooNew`] if the database holds migrations that this program does not know and lacks one that it does,
/// [`Error::Migration`] if one fails or was changed after it had been applied, [`Error::Database`] if the database cannot
/// be reached.
pub async fn migrate(pool: &PgPool) -> Result<Applied> {
    // Not given back to the pool: after an error it would still hold the migrator's advisory lock.
    let mut connection = pool.acquire().await?.detach();
    let before = recorded(&mut connection).await?;
    let unknown = match MIGRATOR.run(&mut connection).await {
        Ok(()) => None,
        Err(MigrateError::VersionMissing(version)) => Some(version),
        Err(error) => return Err(failure(error)),
    };
    let after = recorded(&mut connection).await?;
    connection.close().await?;
    match unknown {
        None => tickets::setup(pool).await?,
        Some(version) if missing(&after).is_some() => return Err(Error::SchemaTooNew { version }),
        // Migrations only add: what a newer Arsis has made is enough for this one.
        Some(_) => {}
    }
    let latest = after.last().copied().unwrap_or_default();
    let versions = after.into_iter().filter(|version| !before.contains(version)).collect();
    Ok(Applied { versions, latest, newer: unknown.is_some() })
}

/// Checks that the database holds every migration that this program knows. More are no fault: migrations only add, so
/// that a program works while a newer one takes its place.
///
/// # Errors
///
/// [`Error::SchemaTooOld`] if one is missing, [`Error::Database`] if the database cannot be reached.
pub async fn check(pool: &PgPool) -> Result<()> {
    check_on(&mut *pool.acquire().await?).await
}

/// [`check`] on a connection at hand.
///
/// # Errors
///
/// As [`check`].
pub async fn check_on(db: &mut PgConnection) -> Result<()> {
    let held = recorded(db).await?;
    missing(&held).map_or(Ok(()), |version| Err(Error::SchemaTooOld { version }))
}

/// The first migration of this program that is not among those held.
fn missing(held: &[i64]) -> Option<i64> {
    MIGRATOR.iter().map(|migration| migration.version).find(|version| !held.contains(version))
}

/// The versions that the database holds, ascending.
async fn recorded(connection: &mut PgConnection) -> Result<Vec<i64>> {
    // Not checked at compile time, unlike all others: no migration makes this table, the migrator does.
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(HISTORY)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("SELECT version FROM _arsis_migrations ORDER BY version")
        .fetch_all(connection)
        .await?)
}

fn failure(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => Error::Database(error),
        other => Error::Migration(other),
    }
}
