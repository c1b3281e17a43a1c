//! What someone is to a thing on a track.
//!
//! Authors may always see, change and remove what is theirs, whatever became of their right to the track. The others are
//! led by the track: see [`rights::track`].

use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use serde_json::json;
use store::PgConnection;
use store::access::{self, Action};
use uuid::Uuid;

/// By what someone sees a thing on a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They wrote it.
    Author,
    /// The track is theirs.
    Owner,
    /// A role lets them read the track.
    Reader,
}

impl Standing {
    /// What `caller` is to a thing of `author_id` on this track; 404 for those who may not see the track.
    pub(crate) async fn of(
        db: &mut PgConnection,
        caller: &Caller,
        track_id: Uuid,
        author_id: Option<Uuid>,
    ) -> Result<Self, Problem> {
        if author_id == Some(caller.user_id()) {
            return Ok(Self::Author);
        }
        let track = rights::track(db, caller, track_id, Action::Read).await?;
        Ok(if track.user_id == caller.user_id() { Self::Owner } else { Self::Reader })
    }

    /// Fails with 403 unless they wrote it, the track is theirs, or a role lets them do `action` with the track. That
    /// it is there is no secret to those who have a standing.
    pub(crate) async fn require(
        self,
        db: &mut PgConnection,
        caller: &Caller,
        track_id: Uuid,
        action: Action,
    ) -> Result<(), Problem> {
        if self != Self::Reader {
            return Ok(());
        }
        match rights::track(db, caller, track_id, action).await {
            Err(problem) if problem.kind() == Kind::NotFound => Err(Problem::new(Kind::Forbidden)),
            other => other.map(drop),
        }
    }
}

/// A thing on a track that someone acts on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thing {
    /// `audit_log.resource_type`.
    pub(crate) resource: &'static str,
    /// Its id.
    pub(crate) id: Uuid,
    /// On which track.
    pub(crate) track_id: Uuid,
    /// Who wrote it.
    pub(crate) author_id: Uuid,
}

/// What is removed leaves a line in the audit trail, and so does whatever is done to another's things: one for each.
pub(crate) async fn note(
    db: &mut PgConnection,
    caller: &Caller,
    event: &'static str,
    things: &[Thing],
    action: Action,
) -> Result<(), Problem> {
    let noted = |thing: &&Thing| action == Action::Delete || thing.author_id != caller.user_id();
    let mut noted = things.iter().filter(noted).peekable();
    let Some(first) = noted.peek() else { return Ok(()) };
    let entry = caller.audit_of(event, first.resource, None, action);
    let line = |thing: &Thing| {
        (Some(thing.id), Some(json!({"track_id": thing.track_id, "author_id": thing.author_id})))
    };
    Ok(access::record_each(db, &entry, noted.map(line)).await?)
}
