//! The caller themselves: who they are, what they may do, and their sessions.

use crate::admin::views::{GrantView, SessionView};
use crate::cookie;
use crate::extract::{Path, Query};
use crate::page::{List, ListQuery, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use store::access::{self, Action, SESSIONS};
use store::sessions::{self, Open, Origin};
use store::{grants, users};
use utoipa::ToSchema;
use uuid::Uuid;

/// Who asks, and what they may do beyond their own things.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Id.
    user_id: Uuid,
    /// Login address.
    email: String,
    /// Display name.
    name: Option<String>,
    /// The session that this request came with.
    session: SessionView,
    /// Roles in force.
    roles: Vec<GrantView>,
    /// What they permit with everybody's things, parents included.
    entitlements: Vec<EntitlementView>,
}

/// Leave to do something with every thing of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entitlement)]
pub(crate) struct EntitlementView {
    /// Kind of thing, e.g. `reference_tracks`.
    resource: String,
    /// `create`, `read`, `update` or `delete`.
    action: String,
}

/// You: your account, this session, and what your roles permit.
#[utoipa::path(get, path = "/v1/me", tag = "me", responses((status = 200, body = Me)))]
pub(crate) async fn get(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Problem> {
    let mut db = app.db().await?;
    let (user_id, session_id) = (caller.user_id(), caller.identity.session_id);
    let user = users::account(&mut db, user_id).await?;
    let session = sessions::get(&mut db, user_id, session_id).await?;
    // Both were there a moment ago; a session may end in between.
    let (user, session) = user.zip(session).ok_or_else(|| Problem::new(Kind::SessionExpired))?;
    let roles = grants::of(&mut db, user_id).await?.into_iter().map(GrantView::from).collect();
    let held = access::held(&mut db, user_id).await?;
    let entitlements = held
        .entitlements()
        .iter()
        .map(|held| EntitlementView { resource: held.resource.clone(), action: held.action.clone() });
    Ok(Json(Me {
        user_id,
        email: user.email,
        name: user.name,
        session: SessionView::new(session, session_id),
        roles,
        entitlements: entitlements.collect(),
    }))
}

/// Your open sessions, newest first.
#[utoipa::path(get, path = "/v1/me/sessions", tag = "me", params(ListQuery),
    responses((status = 200, body = Page<SessionView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<SessionView>>, Problem> {
    let (after, limit) = list.check(query.cursor.as_deref(), query.limit)?;
    let user_id = caller.user_id();
    let rows = sessions::list(&mut *app.db().await?, user_id, after, i64::from(limit) + 1).await?;
    let cursor = |row: &Open| list.time_cursor(row.created_at, row.id);
    let view = |row| SessionView::new(row, caller.identity.session_id);
    Ok(Json(Page::with(rows, limit, cursor, view)))
}

/// Ends one of your sessions: its token opens nothing any more.
#[utoipa::path(delete, path = "/v1/me/sessions/{session_id}", tag = "me", params(("session_id" = Uuid, Path)),
    responses((status = 204, description = "It is over"), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(session_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    finish(&app, &caller, session_id, "session.ended").await
}

/// Signs out: ends the session that this request came with, and its cookie.
#[utoipa::path(delete, path = "/v1/me/session", operation_id = "signOut", tag = "me",
    responses((status = 204, description = "You are signed out")))]
pub(crate) async fn sign_out(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let ended = match finish(&app, &caller, caller.identity.session_id, "session.signed_out").await {
        // Somebody else ended it in this moment.
        Err(problem) if problem.kind() == Kind::NotFound => Err(Problem::new(Kind::SessionExpired)),
        ended => ended,
    }?;
    let cookie = if caller.by_cookie { cookie::ended(&app, &headers)? } else { HeaderMap::new() };
    Ok((ended, cookie))
}

async fn finish(
    app: &App,
    caller: &Caller,
    session_id: Uuid,
    event: &'static str,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    if !sessions::end_of(&mut tx, caller.user_id(), session_id).await? {
        return Err(Problem::new(Kind::NotFound));
    }
    access::record(&mut tx, &caller.audit_of(event, SESSIONS, Some(session_id), Action::Delete)).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A session's new token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rotated {
    /// The token, told this once.
    token: String,
    /// The session that it opens.
    session: SessionView,
}

/// Puts a new token in the place of yours, which opens nothing from now on.
///
/// The session that it opens ends when the old one would have. Only for sessions by bearer token: the platform's cookie
/// is the platform's to renew. An `Idempotency-Key` is not looked at, since a token is told once and kept nowhere.
#[utoipa::path(post, path = "/v1/me/session/rotate", operation_id = "rotateToken", tag = "me",
    responses((status = 200, body = Rotated),
        (status = 403, description = "The session came by cookie", body = crate::problem::Body)))]
pub(crate) async fn rotate(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    if caller.by_cookie {
        return Err(Problem::detailed(Kind::Forbidden, "the platform's cookie is the platform's to renew"));
    }
    let mut tx = app.begin().await?;
    let origin = Origin { user_agent: caller.sender.user_agent(), ip_address: caller.sender.ip_address() };
    let rotated = sessions::rotate(&mut tx, caller.identity.session_id, origin).await?;
    let (token, session) = rotated.ok_or_else(|| Problem::new(Kind::SessionExpired))?;
    let mut entry = caller.audit_of("session.rotated", SESSIONS, Some(session.id), Action::Update);
    entry.details = Some(json!({ "rotated_from": caller.identity.session_id }));
    access::record(&mut tx, &entry).await?;
    state::commit(tx).await?;
    let current = session.id;
    let body = Rotated { token: token.expose().to_owned(), session: SessionView::new(session, current) };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response())
}
