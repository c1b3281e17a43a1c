//! Many changes at once, all or none: what an editor saves.

use super::version;
use crate::problem::{Kind, Problem};
use crate::text::Checks;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most of each kind of change in one request.
pub(crate) const MAX_CHANGES: usize = 200;

/// What to make, change and remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bulk<C, P> {
    /// To be made, at most 200.
    #[serde(default = "Vec::new")]
    #[schema(required = false, max_items = 200)]
    pub(crate) create: Vec<C>,
    /// To be changed, at most 200.
    #[serde(default = "Vec::new")]
    #[schema(required = false, max_items = 200)]
    pub(crate) update: Vec<Change<P>>,
    /// To be removed, at most 200.
    #[serde(default = "Vec::new")]
    #[schema(required = false, max_items = 200)]
    pub(crate) delete: Vec<Removal>,
}

/// A change of one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change<P> {
    /// Which one.
    pub(crate) id: Uuid,
    /// Its `etag` as last seen; if it is another by now, nothing at all is changed.
    pub(crate) etag: Option<String>,
    /// What is new: what is absent stays, `null` empties.
    pub(crate) set: P,
}

/// The removal of one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// Which one.
    pub(crate) id: Uuid,
    /// Its `etag` as last seen; if it is another by now, nothing at all is changed.
    pub(crate) etag: Option<String>,
}

/// What was made, changed and removed, each in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done<V> {
    /// Made.
    pub(crate) created: Vec<V>,
    /// Changed.
    pub(crate) updated: Vec<V>,
    /// Removed.
    pub(crate) deleted: Vec<Uuid>,
}

impl<C, P> Bulk<C, P> {
    /// Checks how much is asked for: before anything is done for it.
    pub(crate) fn check_size(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        let counts =
            [("create", self.create.len()), ("update", self.update.len()), ("delete", self.delete.len())];
        for (name, count) in counts {
            if count > MAX_CHANGES {
                checks.refuse(format!("#/{name}"), format!("must be at most {MAX_CHANGES}"));
            }
        }
        checks.finish()
    }

    /// Checks that nothing is named twice.
    pub(crate) fn check(&self, checks: &mut Checks) {
        let updates =
            self.update.iter().enumerate().map(|(i, change)| (format!("#/update/{i}/id"), change.id));
        let deletes =
            self.delete.iter().enumerate().map(|(i, removal)| (format!("#/delete/{i}/id"), removal.id));
        let mut named = HashSet::new();
        for (pointer, id) in updates.chain(deletes) {
            if !named.insert(id) {
                checks.refuse(pointer, "must be named once");
            }
        }
    }
}

/// Fails with 412 unless the one at `pointer` is still the one that the client saw.
pub(crate) fn check_etag(
    pointer: &str,
    seen: Option<&str>,
    updated_at: OffsetDateTime,
) -> Result<(), Problem> {
    if seen.is_none_or(|seen| seen == version::etag(updated_at)) {
        return Ok(());
    }
    Err(Problem::detailed(Kind::PreconditionFailed, format!("{pointer} has changed since")))
}
