//! What is known about every request: its id, who sends it and from where.

use crate::entitlements::Entitlements;
use crate::problem::Problem;
use crate::proxies;
use crate::state::App;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;
use store::access::{Action, AuditEntry};
use store::sessions::Identity;
use tracing::Instrument as _;
use uuid::Uuid;

/// The header that carries a request's id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken over from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Longest user agent kept, in characters.
const MAX_USER_AGENT_CHARS: usize = 512;

/// A request's id: the client's own where it is plain, else a fresh UUID.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let plain = |text: &&str| {
            (1..=MAX_REQUEST_ID_BYTES).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

tokio::task_local! {
    /// The id of the request that is being answered.
    static CURRENT: String;
}

/// The id of the request that is being answered here.
pub(crate) fn current_id() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Where a request comes from: the connection's other end, or whom trusted proxies name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// What a request says about its sender, as far as the audit trail wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    request_id: String,
    address: Option<IpAddr>,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl Sender {
    pub(crate) fn of(parts: &Parts) -> Self {
        let extensions = &parts.extensions;
        let address = extensions.get::<ClientAddress>().map(|address| address.0);
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            request_id: extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            address,
            ip_address: address.map(|address| address.to_string()),
            user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT_CHARS).collect()),
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(crate) fn ip_address(&self) -> Option<&str> {
        self.ip_address.as_deref()
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

/// Who asks, through which session, and from where: what handlers and the audit trail need.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) sender: Sender,
    /// The session came as the platform's cookie.
    pub(crate) by_cookie: bool,
    pub(crate) entitlements: Entitlements,
}

impl Caller {
    /// The user.
    pub(crate) fn user_id(&self) -> Uuid {
        self.identity.user_id
    }

    /// A line for the audit trail about something this caller did to a track.
    pub(crate) fn audit(&self, event_type: &'static str, track_id: Uuid, action: Action) -> AuditEntry<'_> {
        self.audit_of(event_type, store::access::TRACKS, Some(track_id), action)
    }

    /// A line for the audit trail about something this caller did to a thing of any kind.
    pub(crate) fn audit_of(
        &self,
        event_type: &'static str,
        resource_type: &'static str,
        resource_id: Option<Uuid>,
        action: Action,
    ) -> AuditEntry<'_> {
        AuditEntry {
            user_id: Some(self.identity.user_id),
            session_id: Some(self.identity.session_id),
            event_type,
            resource_type: Some(resource_type),
            resource_id,
            action: Some(action),
            succeeded: true,
            details: None,
            ip_address: self.sender.ip_address.as_deref(),
            user_agent: self.sender.user_agent.as_deref(),
            request_id: Some(&self.sender.request_id),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        // Only reached when a route was left outside of authentication by mistake.
        caller.ok_or_else(|| Problem::internal("a route that needs a caller lies outside of authentication"))
    }
}

/// Gives the request its id, a span and a line in the log; counts it. The query is left out of the log.
pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or("unmatched", |path| path.as_str()).to_owned();
    let span = tracing::info_span!("request", request.id = %id.0, %method, path = request.uri().path());
    if let Some(address) = client_address(&app, &request) {
        request.extensions_mut().insert(address);
    }
    request.extensions_mut().insert(id.clone());
    let answered = next.run(request).instrument(span.clone());
    let mut response = CURRENT.scope(id.0.clone(), answered).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    app.metrics().count(method.as_str(), &route, status, elapsed);
    span.in_scope(|| tracing::info!(status, elapsed_ms = elapsed.as_secs_f64() * 1e3, "answered"));
    response
}

fn client_address(app: &App, request: &Request) -> Option<ClientAddress> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(ClientAddress(proxies::client(peer, request.headers(), &app.config().trusted_proxies)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_taken_over_and_anything_else_replaced() {
        let of = |value: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            RequestId::of(&headers).0
        };
        assert_eq!(of(b"trace-1.a_B"), "trace-1.a_B");
        for bad in [&b""[..], b"a b", b"a\"b", b"\xff", &[b'x'; 129]] {
            assert!(Uuid::parse_str(&of(bad.to_vec().leak())).is_ok(), "{bad:?}");
        }
    }
}
