//! Whose track it is, and who else may touch it. Everything that hangs on a track goes through here.
//!
//! Handlers ask here before their transaction begins: that someone looked at another's track stays written down whatever
//! becomes of what they ask for.

use crate::auth::Visitor;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use store::PgConnection;
use store::access::{self, Action, QUEUE, TRACKS};
use store::analyses::{self, Analysis};
use store::frames::Source;
use store::sessions::{self, Session};
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
    check(db, caller, found.as_ref().map(|track| (track.id, track.user_id)), action, &[TRACKS]).await?;
    found.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// By what `caller` may do `action` with a track, named with its owner, if they may: it is theirs, or a role grants it
/// on one of `resources`. `None` stands for a track that does not exist.
async fn check(
    db: &mut PgConnection,
    caller: &Caller,
    track: Option<(Uuid, Uuid)>,
    action: Action,
    resources: &[&str],
) -> Result<Right, Problem> {
    if track.is_some_and(|(_, owner_id)| owner_id == caller.user_id()) {
        return Ok(Right::Owned);
    }
    let mut entitled = false;
    for resource in resources {
        entitled |= caller.entitlements.allow(db, caller.user_id(), resource, action).await?;
    }
    match track {
        Some((track_id, _)) if entitled => {
            access::record(db, &caller.audit("track.cross_user_access", track_id, action)).await?;
            Ok(Right::Granted)
        }
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// Whether `caller` may do `action` with the queue as a whole.
///
/// That there is a queue is no secret: those who may not are told so.
pub(crate) async fn queue(db: &mut PgConnection, caller: &Caller, action: Action) -> Result<(), Problem> {
    if operates(db, caller, action).await? { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// Whether a role of `caller` makes them an operator of the queue.
pub(crate) async fn operates(
    db: &mut PgConnection,
    caller: &Caller,
    action: Action,
) -> Result<bool, Problem> {
    caller.entitlements.allow(db, caller.user_id(), QUEUE, action).await
}

/// By what someone may read a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// It is theirs.
    Owned,
    /// A role grants it.
    Granted,
}

/// By what `caller` may read results of `source`, if they may; `None` stands for an analysis that does not exist.
pub(crate) async fn source(
    db: &mut PgConnection,
    caller: &Caller,
    source: Option<&Source>,
) -> Result<Right, Problem> {
    check(db, caller, source.map(|source| (source.track_id, source.owner_id)), Action::Read, &[TRACKS]).await
}

/// The same for a visitor whose session was looked up along with the source.
pub(crate) async fn admit(
    db: &mut PgConnection,
    visitor: &Visitor,
    session: Option<Session>,
    found: Option<&Source>,
) -> Result<Right, Problem> {
    let caller = visitor.caller(sessions::admit(db, session).await?)?;
    source(db, &caller, found).await
}

/// Looks at the session of someone admitted again: it may have ended since.
pub(crate) async fn readmit(
    db: &mut PgConnection,
    visitor: &Visitor,
    session: Option<Session>,
) -> Result<(), Problem> {
    visitor.caller(sessions::admit(db, session).await?)?;
    Ok(())
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

/// The analysis as a job, if `caller` may do `action` with its track or operates the queue: to see its attempts, to stop
/// it, to try it again. What it is about stays with those who may see the track.
pub(crate) async fn job(
    db: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    action: Action,
) -> Result<Analysis, Problem> {
    let found = analyses::get(db, id).await?;
    let track_id = found.as_ref().map_or(id, |analysis| analysis.track_id);
    let track = tracks::get(db, track_id).await?;
    let named = track.map(|track| (track.id, track.user_id));
    check(db, caller, named, action, &[TRACKS, QUEUE]).await?;
    found.ok_or_else(|| Problem::new(Kind::NotFound))
}
