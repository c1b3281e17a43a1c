//! Filters that lists of annotations and of regions share.

use crate::problem::Problem;
use crate::query;

/// Most items on a page: an editor shows them all at once.
pub(crate) const MAX_LIMIT: u32 = 500;

/// A span of time, in ms: what reaches into it is listed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) from_ms: Option<i32>,
    pub(crate) to_ms: Option<i32>,
}

impl Span {
    /// Checks its ends.
    pub(crate) fn new(from_ms: Option<i32>, to_ms: Option<i32>) -> Result<Self, Problem> {
        for (name, ms) in [("from_ms", from_ms), ("to_ms", to_ms)] {
            if ms.is_some_and(|ms| ms < 0) {
                return Err(Problem::invalid_field(name, "must not be negative"));
            }
        }
        query::check_span(from_ms, to_ms)?;
        Ok(Self { from_ms, to_ms })
    }
}
