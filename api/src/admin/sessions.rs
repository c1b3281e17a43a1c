//! Others' sessions: look, and end.

use super::users::account;
use super::views::SessionView;
use super::{admit, note, refuse_outranked};
use crate::extract::{Path, Query};
use crate::page::{List, ListQuery, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use store::access::{Action, SESSIONS};
use store::sessions::{self, Open};
use uuid::Uuid;

/// Someone's open sessions, newest first. For those who may read `sessions`.
#[utoipa::path(get, path = "/v1/admin/users/{user_id}/sessions", tag = "administration",
    params(("user_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<SessionView>), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(user_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<SessionView>>, Problem> {
    let (after, limit) = list.check(query.cursor.as_deref(), query.limit)?;
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, SESSIONS, Action::Read).await?;
    account(&mut db, user_id).await?;
    let rows = sessions::list(&mut db, user_id, after, i64::from(limit) + 1).await?;
    let of = json!({ "user_id": user_id });
    note(&mut db, &caller, "admin.sessions_listed", (SESSIONS, None), Action::Read, of).await?;
    let cursor = |row: &Open| list.time_cursor(row.created_at, row.id);
    let view = |row| SessionView::new(row, caller.identity.session_id);
    Ok(Json(Page::with(rows, limit, cursor, view)))
}

/// Ends every session of someone. For those who may delete `sessions`, and may do all that the person may.
#[utoipa::path(delete, path = "/v1/admin/users/{user_id}/sessions", tag = "administration",
    params(("user_id" = Uuid, Path)),
    responses((status = 204, description = "They are over"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn end_all(
    State(app): State<App>,
    caller: Caller,
    Path(user_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    admit(&app, &mut *app.db().await?, &caller, SESSIONS, Action::Delete).await?;
    let mut tx = app.begin().await?;
    account(&mut tx, user_id).await?;
    refuse_outranked(&mut tx, &caller, user_id).await?;
    let ended = sessions::end_all(&mut tx, user_id).await?;
    let details = json!({ "user_id": user_id, "ended": ended });
    note(&mut tx, &caller, "admin.sessions_ended", (SESSIONS, None), Action::Delete, details).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session of someone. For those who may delete `sessions`, and may do all that the person may.
#[utoipa::path(delete, path = "/v1/admin/users/{user_id}/sessions/{session_id}", tag = "administration",
    params(("user_id" = Uuid, Path), ("session_id" = Uuid, Path)),
    responses((status = 204, description = "It is over"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path((user_id, session_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    admit(&app, &mut *app.db().await?, &caller, SESSIONS, Action::Delete).await?;
    let mut tx = app.begin().await?;
    refuse_outranked(&mut tx, &caller, user_id).await?;
    if !sessions::end_of(&mut tx, user_id, session_id).await? {
        return Err(Problem::new(Kind::NotFound));
    }
    let details = json!({ "user_id": user_id });
    let what = (SESSIONS, Some(session_id));
    note(&mut tx, &caller, "admin.session_ended", what, Action::Delete, details).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
