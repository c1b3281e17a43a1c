//! What can go wrong with rows and objects, one variant per thing a caller would do differently.

use crate::embedded;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("the database could not answer")]
    Database(#[from] sqlx::Error),
    /// A row that must be unique exists already.
    #[error("{what} exists already")]
    Conflict {
        /// What exists.
        what: String,
    },
    /// The database was migrated by another Arsis, which lacks migrations of this one.
    #[error(
        "the database holds migration {version}, which this Arsis does not know, and lacks one that it brings: migrate \
         with the newest release"
    )]
    SchemaTooNew {
        /// The first migration in the database that this program does not know.
        version: i64,
    },
    /// The database was not migrated, or not to where this Arsis needs it.
    #[error("the database lacks migration {version}: run `arsis migrate`")]
    SchemaTooOld {
        /// The first migration that is missing.
        version: i64,
    },
    /// A migration of the schema failed; it left nothing behind.
    #[error("failed to migrate the database")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The private PostgreSQL server could not be started.
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    /// A value that cannot be stored as given.
    #[error("invalid {field}: {reason}")]
    Invalid {
        /// Name of the field.
        field: &'static str,
        /// What would be legal.
        reason: String,
    },
    /// Someone else works on the analysis now, or it is gone: nothing was written.
    #[error("the lease on analysis {analysis_id} is lost")]
    LeaseLost {
        /// Of which analysis.
        analysis_id: uuid::Uuid,
    },
    /// The audio that was analysed is not what was uploaded: nothing was written.
    #[error("the audio has SHA-256 {found}, the uploaded file had {uploaded}")]
    ObjectChanged {
        /// SHA-256 of the uploaded file, in hex.
        uploaded: String,
        /// SHA-256 of the file that was analysed, in hex.
        found: String,
    },
    /// The queue's tickets could not be written or read.
    #[error("the queue's tickets could not be written or read")]
    Tickets(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Reading or writing bytes failed.
    #[error("reading or writing failed")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Whether the same transaction may succeed when it is begun again: it met another one, and the database ended
    /// this one to let that pass (deadlock, serialization failure).
    #[must_use]
    pub fn is_collision(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code == "40P01" || code == "40001")
    }

    /// Whether the database could not be reached or had no connection free: asking again later may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        use sqlx::Error as Sqlx;
        let Self::Database(error) = self else { return false };
        match error {
            Sqlx::Io(_) | Sqlx::Tls(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed => true,
            // Connection exceptions, too many connections, and a server that starts or ends.
            Sqlx::Database(error) => error
                .code()
                .is_some_and(|code| code.starts_with("08") || code == "53300" || code.starts_with("57P")),
            _ => false,
        }
    }

    /// Whether the database broke a statement off because its time was over, or somebody else did.
    #[must_use]
    pub fn is_broken_off(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code == "57014")
    }

    /// Whether the database could not hold a value (SQLSTATE class 22): a fault of who gave it.
    #[must_use]
    pub fn is_bad_value(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code.starts_with("22"))
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
