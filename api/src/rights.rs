//! Whose track it is, and who else may touch it. Everything that hangs on a track goes through here.

use crate::problem::{Kind, Problem};
use crate::request::Caller;
use store::PgConnection;
use store::access::{self, Action, TRACKS};
use store::analyses::{self, Analysis};
use store::tracks::{self, Track};
use uuid::Uuid;

/// The track, if `caller` may do `action` with it.
///
/// Its owner may; others need a role that grants it, and leave a line in the audit trail. Everybody else
/// gets the same 404 as for an id that does not exist, after the same queries, so that ids cannot be probed.
pub(crate) async fn track(
    db: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    action: Action,
) -> Result<Track, Problem> {
    let found = tracks::get(db, id).await?;
    if let Some(track) = found.as_ref().filter(|track| track.user_id == caller.user_id()) {
        return Ok(track.clone());
    }
    let entitled = access::is_entitled(db, caller.user_id(), TRACKS, action).await?;
    match found {
        Some(track) if entitled => {
            access::record(db, &caller.audit("track.cross_user_access", id, action)).await?;
            Ok(track)
        }
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// The analysis, if `caller` may do `action` with its track.
pub(crate) async fn analysis(
    db: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    action: Action,
) -> Result<Analysis, Problem> {
    let found = analyses::get(db, id).await?;
    // An id without an analysis is looked up like any other, for the same reason as above.
    let track_id = found.as_ref().map_or(id, |analysis| analysis.track_id);
    track(db, caller, track_id, action).await?;
    found.ok_or_else(|| Problem::new(Kind::NotFound))
}
