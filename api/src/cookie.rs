//! The session in a cookie: for pages, whose scripts should not hold a token that other scripts could read.

use crate::auth;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use store::sessions;
use time::OffsetDateTime;

/// Puts the session that this request came with by bearer token into a cookie.
///
/// The cookie ends when the session does, no script can read it, and no other site's page can use it. It has the name of
/// the platform's session cookie (`ARSIS_SESSION_COOKIE`), and is sent by HTTPS alone where the page came by it.
#[utoipa::path(post, path = "/v1/me/session/cookie", operation_id = "keepSessionInCookie", tag = "me",
    responses(
        (status = 204, description = "It is in a cookie", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 403, description = "It came by cookie, or its token cannot be in one", body = crate::problem::Body)))]
pub(crate) async fn keep(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let token = auth::bearer_of(&headers).filter(|token| token.bytes().all(is_cookie_octet));
    let refused = "the session must come by bearer token, and one of which a cookie can be made";
    let token = token.ok_or_else(|| Problem::detailed(Kind::Forbidden, refused))?;
    let session = sessions::get(&mut *app.db().await?, caller.user_id(), caller.identity.session_id).await?;
    let session = session.ok_or_else(|| Problem::new(Kind::SessionExpired))?;
    let left = session.expires_at - OffsetDateTime::now_utc();
    set(&app, &headers, token, left.whole_seconds().max(0)).map(|headers| (StatusCode::NO_CONTENT, headers))
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
    let mut value = HeaderValue::try_from(cookie)
        .map_err(|_| Problem::detailed(Kind::Forbidden, "no cookie can be made of this session"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}

/// RFC 6265, section 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}
