//! Roles: what they permit, and who has them.

use super::users::account;
use super::views::{GrantView, Grants, RoleView, Roles};
use super::{admit, note, refuse_lockout};
use crate::extract::{Json, Path};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::PgConnection;
use store::access::{Action, GRANTS, ROLES};
use store::grants::{self, Reach};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

/// How far ahead a grant may expire: further ones are slips of the keyboard, or for good.
const FURTHEST: Duration = Duration::days(36_525);

/// The roles that there are, and what they permit. For those who may read `roles`.
#[utoipa::path(get, path = "/v1/admin/roles", tag = "administration",
    responses((status = 200, body = Roles), (status = 403, body = crate::problem::Body)))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<Roles>, Problem> {
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, ROLES, Action::Read).await?;
    let items = grants::roles(&mut db).await?.into_iter().map(RoleView::from).collect();
    Ok(axum::Json(Roles { items }))
}

/// The roles that someone has. For those who may read `user_roles`.
#[utoipa::path(get, path = "/v1/admin/users/{user_id}/roles", tag = "administration",
    params(("user_id" = Uuid, Path)),
    responses((status = 200, body = Grants), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn of_user(
    State(app): State<App>,
    caller: Caller,
    Path(user_id): Path<Uuid>,
) -> Result<axum::Json<Grants>, Problem> {
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, GRANTS, Action::Read).await?;
    account(&mut db, user_id).await?;
    let items = grants::of(&mut db, user_id).await?.into_iter().map(GrantView::from).collect();
    note(&mut db, &caller, "admin.grants_read", (GRANTS, Some(user_id)), Action::Read, Value::Null).await?;
    Ok(axum::Json(Grants { items }))
}

/// For how long to give a role.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrantRequest {
    /// Until when, at most a hundred years ahead; absent or `null`: for good.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

impl GrantRequest {
    fn check(&self) -> Result<(), Problem> {
        let now = OffsetDateTime::now_utc();
        let ahead = |at: OffsetDateTime| at > now && at - now <= FURTHEST;
        if self.expires_at.is_none_or(ahead) {
            return Ok(());
        }
        Err(Problem::invalid_field("#/expires_at", "must lie ahead, by at most a hundred years"))
    }
}

/// Gives someone a role, or gives it for longer or shorter.
///
/// For those who may create `user_roles`. Nobody gives more than they have: the role may permit nothing that the caller
/// may not do, nor for longer than they may. Nor does anybody change a grant that lasts longer than their own rights.
#[utoipa::path(put, path = "/v1/admin/users/{user_id}/roles/{role_id}", tag = "administration",
    params(("user_id" = Uuid, Path), ("role_id" = Uuid, Path)), request_body = GrantRequest,
    responses((status = 200, body = GrantView),
        (status = 403, description = "You may not grant roles, or not this one, or not for so long",
            body = crate::problem::Body),
        (status = 404, description = "There is no such person or role", body = crate::problem::Body),
        (status = 409, description = "Nobody would be left to let others in", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn grant(
    State(app): State<App>,
    caller: Caller,
    Path((user_id, role_id)): Path<(Uuid, Uuid)>,
    Json(request): Json<GrantRequest>,
) -> Result<axum::Json<GrantView>, Problem> {
    admit(&app, &mut *app.db().await?, &caller, GRANTS, Action::Create).await?;
    let mut tx = app.begin().await?;
    let before = grants::administrators(&mut tx).await?;
    account(&mut tx, user_id).await?;
    let role = role(&mut tx, role_id).await?;
    request.check()?;
    let reach = grants::reach_of_role(&mut tx, caller.user_id(), role_id).await?;
    check_reach(reach, request.expires_at)?;
    if let Some(until) = grants::until(&mut tx, user_id, role_id).await? {
        check_reach(reach, until)?;
    }
    let grant = grants::put(&mut tx, user_id, role_id, caller.user_id(), request.expires_at).await?;
    refuse_lockout(&mut tx, before).await?;
    let expires_at = grant.expires_at.map(|at| at.unix_timestamp());
    let details = json!({ "role_id": role_id, "role": role, "expires_at_s": expires_at });
    note(&mut tx, &caller, "role.granted", (GRANTS, Some(user_id)), Action::Create, details).await?;
    state::commit(tx).await?;
    caller.entitlements.forget(user_id);
    Ok(axum::Json(grant.into()))
}

async fn role(db: &mut PgConnection, role_id: Uuid) -> Result<String, Problem> {
    grants::role_name(db, role_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Whether a grant that ends then is the caller's to give or to take away.
fn check_reach(reach: Reach, ends_at: Option<OffsetDateTime>) -> Result<(), Problem> {
    match reach {
        Reach::Beyond => Err(beyond()),
        Reach::Within(Some(until)) if ends_at.is_none_or(|at| at > until) => {
            Err(Problem::detailed(Kind::Forbidden, "you have these rights for a shorter time"))
        }
        Reach::Within(_) => Ok(()),
    }
}

fn beyond() -> Problem {
    Problem::detailed(Kind::Forbidden, "the role permits things that you may not do yourself")
}

/// Takes a role away. For those who may delete `user_roles`, and may do all that the role permits for as long as it was
/// given.
#[utoipa::path(delete, path = "/v1/admin/users/{user_id}/roles/{role_id}", tag = "administration",
    params(("user_id" = Uuid, Path), ("role_id" = Uuid, Path)),
    responses((status = 204, description = "They do not have it any more"),
        (status = 403, body = crate::problem::Body),
        (status = 404, description = "They do not have it", body = crate::problem::Body),
        (status = 409, description = "Nobody would be left to let others in", body = crate::problem::Body)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((user_id, role_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    admit(&app, &mut *app.db().await?, &caller, GRANTS, Action::Delete).await?;
    let mut tx = app.begin().await?;
    let before = grants::administrators(&mut tx).await?;
    let role = role(&mut tx, role_id).await?;
    let reach = grants::reach_of_role(&mut tx, caller.user_id(), role_id).await?;
    if reach == Reach::Beyond {
        return Err(beyond());
    }
    let until = grants::until(&mut tx, user_id, role_id).await?;
    check_reach(reach, until.ok_or_else(|| Problem::new(Kind::NotFound))?)?;
    grants::remove(&mut tx, user_id, role_id).await?;
    refuse_lockout(&mut tx, before).await?;
    let details = json!({ "role_id": role_id, "role": role });
    note(&mut tx, &caller, "role.revoked", (GRANTS, Some(user_id)), Action::Delete, details).await?;
    state::commit(tx).await?;
    caller.entitlements.forget(user_id);
    Ok(StatusCode::NO_CONTENT)
}
