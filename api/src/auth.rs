//! Who may come in: a session token as a bearer or in the platform's cookie.

use crate::limits::Told;
use crate::problem::{Kind, Problem};
use crate::request::{Caller, Sender};
use crate::state::App;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use store::sessions::{self, Identity, Lookup, Token};

/// Longest token worth hashing, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;

/// How a token was presented.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Means {
    /// `Authorization: Bearer`: only a program that knows the token sends it.
    Bearer,
    /// A cookie: the browser sends it along whatever page asks.
    Cookie,
}

/// Lets requests with a session in force pass, and tells the handlers who is asking.
pub(crate) async fn authenticate(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::of(&parts, &app)?;
    let lookup = sessions::look_up(&mut *app.db().await?, visitor.token()).await?;
    parts.extensions.insert(visitor.caller(lookup)?);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Someone with a token that nobody has looked at yet. For handlers whose own query does: they lie outside of
/// [`authenticate`], and must not answer before [`Visitor::caller`] has agreed.
#[derive(Debug)]
pub(crate) struct Visitor {
    token: Token,
    means: Means,
    sender: Sender,
    told: Told,
    app: App,
}

impl Visitor {
    fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let (token, means) = presented(&parts.headers, &app.config().session_cookie)?;
        if means == Means::Cookie && !parts.method.is_safe() {
            check_origin(parts, &app.config().allowed_origins, !app.config().hsts.is_zero())?;
        }
        let sender = Sender::of(parts);
        let told = parts.extensions.get::<Told>().cloned().unwrap_or_default();
        app.manners().limits.check_token(sender.address(), token.expose(), &told)?;
        Ok(Self { token, means, sender, told, app: app.clone() })
    }

    /// What they presented.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// What they asked for. What is wrong with it is told to those who may come in alone.
    pub(crate) async fn tell<T>(&self, app: &App, asked: Result<T, Problem>) -> Result<T, Problem> {
        if asked.is_err() {
            self.caller(sessions::look_up(&mut *app.db().await?, &self.token).await?)?;
        }
        asked
    }

    /// Who they are, if they may come in. Counts them.
    pub(crate) fn caller(&self, lookup: Lookup) -> Result<Caller, Problem> {
        let limits = &self.app.manners().limits;
        match lookup {
            Lookup::Valid(Identity { user_id, .. }) | Lookup::Unapproved(Identity { user_id, .. }) => {
                limits.count_person(user_id, self.token.expose(), &self.told)?;
            }
            Lookup::Unknown | Lookup::Expired => limits.count_failure(self.sender.address()),
        }
        match lookup {
            Lookup::Valid(identity) => Ok(self.welcome(identity)),
            Lookup::Unknown => Err(Problem::new(Kind::Unauthorized)),
            Lookup::Expired => Err(Problem::new(Kind::SessionExpired)),
            Lookup::Unapproved(_) => Err(Problem::new(Kind::NotApproved)),
        }
    }

    fn welcome(&self, identity: Identity) -> Caller {
        let entitlements = self.app.manners().entitlements.clone();
        Caller { identity, sender: self.sender.clone(), by_cookie: self.means == Means::Cookie, entitlements }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, app)
    }
}

/// Whether a request carries something that may be a token.
pub(crate) fn has_token(headers: &HeaderMap, cookie: &str) -> bool {
    presented(headers, cookie).is_ok()
}

/// The token of a request. A bearer wins over a cookie; a malformed `Authorization` header is no token. Of two such headers
/// a proxy might judge the other one, so they are refused.
fn presented(headers: &HeaderMap, cookie: &str) -> Result<(Token, Means), Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).into_iter();
    let first = given.next();
    if given.next().is_some() {
        return Err(Problem::detailed(Kind::Malformed, "there is more than one Authorization header"));
    }
    let (text, means) = match first {
        Some(value) => (value.to_str().ok().and_then(bearer), Means::Bearer),
        None => (cookie_value(headers, cookie), Means::Cookie),
    };
    match text {
        Some(text) if (1..=MAX_TOKEN_BYTES).contains(&text.len()) => Ok((Token::presented(text), means)),
        _ => Err(Problem::new(Kind::Unauthorized)),
    }
}

/// The token of `Bearer TOKEN` (RFC 6750; the scheme's case does not matter).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The first value of a cookie.
fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find_map(|(key, value)| (key == name).then(|| value.trim_matches('"')))
}

/// A write with a cookie must say that it comes from our own pages, or from an allowed origin. A browser
/// always says where a cross-site write comes from, so silence is refused. Where browsers are told to come by HTTPS alone
/// (`secure`), pages that came without are not ours.
fn check_origin(parts: &Parts, allowed: &[String], secure: bool) -> Result<(), Problem> {
    let text = |name| parts.headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN).unwrap_or_default();
    // HTTP/2 names the host in the address and has no header for it.
    let host =
        parts.uri.authority().map_or_else(|| text(header::HOST).unwrap_or_default(), |host| host.as_str());
    let ours = |scheme: &str, authority: &str| authority == host && (scheme == "https" || !secure);
    let own = !host.is_empty()
        && origin.split_once("://").is_some_and(|(scheme, authority)| ours(scheme, authority));
    if own || allowed.iter().any(|candidate| candidate == origin) {
        return Ok(());
    }
    Err(Problem::new(Kind::OriginRefused))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &'static str)], expect: Option<(&str, Means)>) {
        let got = presented(&headers(pairs), "session").ok();
        assert_eq!(
            got.map(|(token, means)| (token.expose().to_owned(), means)),
            expect.map(|(t, m)| (t.to_owned(), m))
        );
    }

    #[test]
    fn a_token_is_found_in_either_place_and_nowhere_else() {
        check(&[], None);
        check(&[("authorization", "Bearer abc")], Some(("abc", Means::Bearer)));
        check(&[("authorization", "bearer  abc ")], Some(("abc", Means::Bearer)));
        check(&[("authorization", "Basic abc")], None);
        check(&[("authorization", "Bearer ")], None);
        check(&[("cookie", "a=b; session=xyz; c=d")], Some(("xyz", Means::Cookie)));
        check(&[("cookie", "session=\"xyz\"")], Some(("xyz", Means::Cookie)));
        check(&[("cookie", "sessions=xyz; xsession=1")], None);
        check(&[("authorization", "Basic abc"), ("cookie", "session=xyz")], None);
    }

    #[test]
    fn cookie_writes_need_a_known_origin() {
        let allowed = ["https://app.example.org".to_owned()];
        let parts = |uri: &'static str, pairs: &[(&'static str, &'static str)]| {
            let mut parts = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts().0;
            parts.headers = headers(pairs);
            parts
        };
        let ok = |pairs: &[_]| check_origin(&parts("/v1/tracks", pairs), &allowed, false).is_ok();
        assert!(ok(&[("host", "arsis.local:8080"), ("origin", "http://arsis.local:8080")]));
        assert!(ok(&[("host", "arsis.local"), ("origin", "https://app.example.org")]));
        assert!(!ok(&[("host", "arsis.local")]));
        assert!(!ok(&[("host", "arsis.local"), ("origin", "null")]));
        assert!(!ok(&[("host", "arsis.local"), ("origin", "https://evil.example")]));
        assert!(!ok(&[("host", "arsis.local"), ("origin", "https://arsis.local.evil.example")]));
        assert!(!ok(&[("origin", "://")]));
        // HTTP/2, and HTTP/1.1 with a whole address.
        let absolute = |origin, secure| {
            let parts =
                parts("http://arsis.local/v1/tracks", &[("host", "evil.example"), ("origin", origin)]);
            check_origin(&parts, &allowed, secure).is_ok()
        };
        assert!(absolute("http://arsis.local", false) && absolute("https://arsis.local", true));
        assert!(!absolute("http://evil.example", false), "the address counts, as it does for the router");
        assert!(!absolute("http://arsis.local", true), "who can alter what comes by http could write");
    }
}
