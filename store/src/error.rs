//! What can go wrong with rows and objects, one variant per thing a caller would do differently.

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
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
