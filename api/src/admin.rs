//! Administration: people, their sessions and roles, and the audit trail. Everything done here leaves a line in it.
//!
//! Three rules keep rights where they are. Nobody gives or takes a role that permits what they may not do themselves, nor
//! for longer than they may. Nobody changes an account, or ends the sessions, of someone who may do more, or for longer.
//! And no act
//! leaves the installation without somebody who can let others in.

pub(crate) mod audit;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod users;
pub(crate) mod views;

use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::App;
use serde_json::Value;
use store::PgConnection;
use store::access::{self, Action};
use store::grants::{self, Administrators};
use uuid::Uuid;

/// Lets those pass whom a role allows `action` on every `resource`.
///
/// That there are such routes is no secret: others are told no, and one refusal a minute of each kind is written down.
async fn admit(
    app: &App,
    db: &mut PgConnection,
    caller: &Caller,
    resource: &'static str,
    action: Action,
) -> Result<(), Problem> {
    if caller.entitlements.allow(db, caller.user_id(), resource, action).await? {
        return Ok(());
    }
    if app.manners().is_first_refusal(caller.user_id(), resource, action) {
        let mut entry = caller.audit_of("admin.refused", resource, None, action);
        entry.succeeded = false;
        access::record(db, &entry).await?;
    }
    Err(Problem::new(Kind::Forbidden))
}

/// Writes down what was done, in the transaction of the act.
async fn note(
    db: &mut PgConnection,
    caller: &Caller,
    event: &'static str,
    (resource, id): (&'static str, Option<Uuid>),
    action: Action,
    details: Value,
) -> Result<(), Problem> {
    let mut entry = caller.audit_of(event, resource, id, action);
    entry.details = Some(details).filter(|details| !details.is_null());
    Ok(access::record(db, &entry).await?)
}

/// Refuses to touch someone who may do more than the caller.
async fn refuse_outranked(db: &mut PgConnection, caller: &Caller, user_id: Uuid) -> Result<(), Problem> {
    if grants::outranks(db, user_id, caller.user_id()).await? {
        return Err(Problem::detailed(Kind::Forbidden, "they may do things that you may not"));
    }
    Ok(())
}

/// Refuses what took away the last of the administrators that there were `before`, or the last for good.
async fn refuse_lockout(db: &mut PgConnection, before: Administrators) -> Result<(), Problem> {
    let after = grants::administrators(db).await?;
    if (before.now > 0 && after.now == 0) || (before.for_good > 0 && after.for_good == 0) {
        return Err(Problem::new(Kind::LastAdministrator));
    }
    Ok(())
}
