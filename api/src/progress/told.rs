//! A state of an analysis as it is told: written once for all who watch.

use crate::problem::Problem;
use crate::views::AnalysisView;
use axum::response::sse::Event;
use sha2::{Digest, Sha256};
use store::analyses::{Analysis, Status};

/// Bytes of the digest that names a state.
const NAME_BYTES: usize = 12;

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Names what is said: equal ids, equal words.
    pub(crate) id: String,
    /// Nothing will follow.
    pub(crate) is_last: bool,
    json: String,
}

impl Told {
    /// What there is to say of a row.
    pub(crate) fn of(analysis: Analysis) -> Result<Self, Problem> {
        let is_last = matches!(analysis.status, Status::Completed | Status::Error);
        let json = serde_json::to_string(&AnalysisView::from(analysis)).map_err(Problem::internal)?;
        let digest = Sha256::digest(json.as_bytes());
        let id = store::sessions::hex(digest.get(..NAME_BYTES).unwrap_or(&digest));
        Ok(Self { id, is_last, json })
    }

    #[cfg(test)]
    pub(crate) fn named(id: &str) -> Self {
        Self { id: id.to_owned(), is_last: false, json: String::new() }
    }

    pub(crate) fn event(&self) -> Event {
        Event::default().event("progress").id(&self.id).data(&self.json)
    }
}
