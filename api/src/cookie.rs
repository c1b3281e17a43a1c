//! The session in a cookie: for pages, whose scripts should not hold a token that other scripts could read.

use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use store::access::{self, Action, SESSIONS};
use store::sessions::{self, Origin};
use time::OffsetDateTime;

/// Signs a page in: a session of its own, in a cookie, for the owner of the bearer token that this request came with.
///
/// It ends when the token's session would have, and may be signed out of alone. No script can read the cookie, and no other
/// site's page can use it. It has the name of the platform's session cookie (`ARSIS_SESSION_COOKIE`), and is sent by HTTPS
/// alone where the page came by it.
#[utoipa::path(post, path = "/v1/me/session/cookie", operation_id = "signInByCookie", tag = "me",
    responses(
        (status = 204, description = "The session is in a cookie", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 403, description = "The request came by cookie itself", body = crate::problem::Body)))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, HeaderMap), Problem> {
    if caller.by_cookie {
        return Err(Problem::detailed(Kind::Forbidden, "a page is signed in by a bearer token"));
    }
    let mut tx = app.begin().await?;
    let origin = Origin { user_agent: caller.sender.user_agent(), ip_address: caller.sender.ip_address() };
    let branched = sessions::branch(&mut tx, caller.identity.session_id, origin).await?;
    let (token, session) = branched.ok_or_else(|| Problem::new(Kind::SessionExpired))?;
    let mut entry = caller.audit_of("session.signed_in", SESSIONS, Some(session.id), Action::Create);
    entry.details = Some(json!({ "branched_from": caller.identity.session_id }));
    access::record(&mut tx, &entry).await?;
    state::commit(tx).await?;
    let left = session.expires_at - OffsetDateTime::now_utc();
    set(&app, &headers, token.expose(), left.whole_seconds().max(0))
        .map(|headers| (StatusCode::NO_CONTENT, headers))
}

/// The header that ends the cookie.
pub(crate) fn ended(app: &App, headers: &HeaderMap) -> Result<HeaderMap, Problem> {
    set(app, headers, "", 0)
}

fn set(app: &App, asked: &HeaderMap, token: &str, max_age_s: i64) -> Result<HeaderMap, Problem> {
    let by_https = asked.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    let secure = if by_https || !app.config().hsts.is_zero() { "; Secure" } else { "" };
    let name = &app.config().session_cookie;
    let cookie = format!("{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}
