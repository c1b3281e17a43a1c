//! Places in lists.

use time::OffsetDateTime;
use uuid::Uuid;

/// A place in a list ordered by creation, newest first. Rows inserted later do not shift it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// `created_at` of the last row seen.
    pub created_at: OffsetDateTime,
    /// Its id, which orders rows of the same moment.
    pub id: Uuid,
}
