//! How often someone may ask: the generic cell rate algorithm for each person, and for each address that strangers ask
//! from. What is left is told in the fields of draft-ietf-httpapi-ratelimit-headers.
//!
//! A person is counted whatever session or address they use. Requests without a token are counted by address, and so are
//! those that no token is looked at for. Tokens that open nothing are counted, too: when there were too many, only tokens
//! that have lately opened something are still looked at.

use crate::config::Config;
use crate::problem::{Kind, Problem};
use crate::request::ClientAddress;
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The field that tells a limit.
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The field that tells what is left of it.
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("ratelimit");

/// The time over which a limit counts. Who asks evenly may go on for ever; who was silent may ask for all of it at once.
const WINDOW: Duration = Duration::from_secs(60);

/// Most people, addresses or tokens remembered at a time: some 2 MiB each.
const CAPACITY: u64 = 20_000;

/// How long a token that opened something is looked at however often others of its address failed.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Never limited: who watches the server must not be told that it fails.
pub(crate) const EXEMPT: [&str; 2] = ["/healthz", "/readyz"];

type Cell = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// What a limit counts.
#[derive(Debug, Clone, Copy)]
enum Name {
    /// What a person asks.
    Person,
    /// What comes from an address without a token, or where none is looked at.
    Address,
    /// Tokens from an address that open nothing.
    Failures,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Address => "address",
            Self::Failures => "failures",
        }
    }
}

/// A limit for each of many. Who has asked for nothing over the window has all of it again and is forgotten.
#[derive(Debug)]
struct Limit<K: Hash + Eq + Send + Sync + 'static> {
    name: Name,
    per_window: Option<NonZeroU32>,
    cells: Cache<K, Arc<Cell>>,
}

/// How much of a limit is left.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    name: Name,
    per_window: u32,
    remaining: u32,
    /// Until all of it is there again, or, where nothing is left, something.
    reset: Duration,
}

impl<K: Hash + Eq + Send + Sync + 'static> Limit<K> {
    fn new(name: Name, per_minute: u32) -> Self {
        let cells = Cache::builder().max_capacity(CAPACITY).time_to_idle(WINDOW).build();
        Self { name, per_window: NonZeroU32::new(per_minute), cells }
    }

    /// Counts a request. The error says when to come again; nothing is said where there is no limit.
    fn take(&self, key: K) -> Result<Option<Standing>, Standing> {
        let Some(per_window) = self.per_window else { return Ok(None) };
        let Some(quota) = Quota::with_period(WINDOW / per_window.get()) else { return Ok(None) };
        let fresh = || {
            let limiter = RateLimiter::direct(quota.allow_burst(per_window));
            Arc::new(limiter.with_middleware::<StateInformationMiddleware>())
        };
        let cell = self.cells.get_with(key, fresh);
        match cell.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = per_window.get().saturating_sub(remaining);
                Ok(Some(self.standing(remaining, WINDOW * used / per_window.get())))
            }
            Err(until) => Err(self.standing(0, until.wait_time_from(DefaultClock::default().now()))),
        }
    }

    fn standing(&self, remaining: u32, reset: Duration) -> Standing {
        let per_window = self.per_window.map_or(0, NonZeroU32::get);
        Standing { name: self.name, per_window, remaining, reset }
    }
}

impl Standing {
    fn tell(&self, headers: &mut HeaderMap) {
        let Self { name, per_window, remaining, .. } = self;
        let (name, reset_s, window_s) = (name.as_str(), self.reset_s(), WINDOW.as_secs());
        let fields = [
            (POLICY, format!("\"{name}\";q={per_window};w={window_s}")),
            (REMAINING, format!("\"{name}\";r={remaining};t={reset_s}")),
        ];
        for (field, text) in fields {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(field, value);
            }
        }
    }

    /// Whole seconds after which it is worth to ask again.
    fn reset_s(&self) -> u64 {
        u64::try_from(self.reset.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
    }

    fn refuse(&self) -> Problem {
        let (most, window_s) = (self.per_window, WINDOW.as_secs());
        let detail = match self.name {
            Name::Person => format!("one person may ask {most} times in {window_s} seconds"),
            Name::Address => {
                format!("one address may ask {most} times in {window_s} seconds without a session")
            }
            // The same for a token that would open something: it was not looked at.
            Name::Failures => {
                format!(
                    "more than {most} tokens from this address opened nothing within {window_s} seconds: \
                     for a while only those are looked at that have opened something lately"
                )
            }
        };
        Problem::detailed(Kind::RateLimited, detail).retry_after(Duration::from_secs(self.reset_s()))
    }
}

/// How far the request at hand is from a limit, once that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<OnceLock<Standing>>);

impl Told {
    /// Keeps it for the answer's headers; an error becomes a problem.
    fn keep(&self, outcome: Result<Option<Standing>, Standing>) -> Result<(), Problem> {
        let (standing, counted) = match outcome {
            Ok(None) => return Ok(()),
            Ok(Some(standing)) => (standing, Ok(())),
            Err(standing) => {
                let refused = standing.refuse();
                (standing, Err(refused))
            }
        };
        // The first that is told is the one that counts.
        let _ = self.0.set(standing);
        counted
    }
}

/// All limits of a server.
#[derive(Debug)]
pub(crate) struct Limits {
    people: Limit<Uuid>,
    strangers: Limit<IpAddr>,
    failures: Limit<IpAddr>,
    /// Addresses with too many failures, until when.
    blocked: Cache<IpAddr, Instant>,
    /// Hashes of tokens that have lately opened something, with a key of this process.
    known: Cache<u64, ()>,
    hasher: RandomState,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            people: Limit::new(Name::Person, config.rate_limit),
            strangers: Limit::new(Name::Address, config.rate_limit_anonymous),
            failures: Limit::new(Name::Failures, config.rate_limit_failures),
            blocked: Cache::builder().max_capacity(CAPACITY).time_to_live(WINDOW).build(),
            known: Cache::builder().max_capacity(CAPACITY).time_to_live(KNOWN_FOR).build(),
            hasher: RandomState::new(),
        }
    }

    /// Refuses to look at a token from an address where too many opened nothing, unless it has lately opened something.
    pub(crate) fn check_token(
        &self,
        address: Option<IpAddr>,
        token: &str,
        told: &Told,
    ) -> Result<(), Problem> {
        let until = address.and_then(|address| self.blocked.get(&network(address)));
        let wait = until.and_then(|until| until.checked_duration_since(Instant::now()));
        match wait {
            Some(wait) if !self.known.contains_key(&self.hasher.hash_one(token)) => {
                told.keep(Err(self.failures.standing(0, wait)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a request of a person whose token opened something.
    pub(crate) fn count_person(&self, person: Uuid, token: &str, told: &Told) -> Result<(), Problem> {
        let hash = self.hasher.hash_one(token);
        if self.failures.per_window.is_some() && !self.known.contains_key(&hash) {
            self.known.insert(hash, ());
        }
        told.keep(self.people.take(person))
    }

    /// Counts a token that opened nothing.
    pub(crate) fn count_failure(&self, address: Option<IpAddr>) {
        let Some(address) = address.map(network) else { return };
        if let Err(standing) = self.failures.take(address) {
            self.blocked.insert(address, Instant::now() + standing.reset);
        }
    }
}

/// What counts as one address: of IPv6 the network that one customer gets (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Counts requests without a token, and tells in every answer what is left.
pub(crate) async fn enforce(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if EXEMPT.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let counted =
        if has_token(&app, &request) { Ok(()) } else { count_address(&app, &told, request.extensions()) };
    let mut response = match counted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(standing) = told.0.get() {
        standing.tell(response.headers_mut());
    }
    response
}

/// Counts requests with a token, too, by their address: for routes that look at none, where any text would lift the limit.
pub(crate) async fn enforce_for_all(State(app): State<App>, request: Request, next: Next) -> Response {
    match count_unlooked(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Counts a request whose token nobody looks at. One without has been counted.
pub(crate) fn count_unlooked(app: &App, request: &Request) -> Result<(), Problem> {
    match request.extensions().get::<Told>() {
        Some(told) if has_token(app, request) => count_address(app, told, request.extensions()),
        _ => Ok(()),
    }
}

fn has_token(app: &App, request: &Request) -> bool {
    crate::auth::has_token(request.headers(), &app.config().session_cookie)
}

fn count_address(app: &App, told: &Told, extensions: &Extensions) -> Result<(), Problem> {
    let Some(address) = extensions.get::<ClientAddress>() else { return Ok(()) };
    told.keep(app.manners().limits.strangers.take(network(address.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_each_by_itself_and_says_what_is_left() {
        let limit = Limit::new(Name::Person, 3);
        let left = |key: u8| limit.take(key).map(|standing| standing.unwrap().remaining).map_err(|s| s.reset);
        assert_eq!([left(1), left(1), left(1)], [Ok(2), Ok(1), Ok(0)]);
        let wait = left(1).unwrap_err();
        assert!(wait <= Duration::from_secs(20) && wait > Duration::from_secs(15), "{wait:?}");
        assert_eq!(left(2), Ok(2));
        assert!(Limit::new(Name::Person, 0).take(1_u8).unwrap().is_none());
    }

    #[test]
    fn the_fields_are_structured() {
        let mut headers = HeaderMap::new();
        let reset = Duration::from_millis(1500);
        Standing { name: Name::Person, per_window: 60, remaining: 7, reset }.tell(&mut headers);
        assert_eq!(headers[POLICY], "\"person\";q=60;w=60");
        assert_eq!(headers[REMAINING], "\"person\";r=7;t=2");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn after_too_many_failures_only_known_tokens_are_looked_at() {
        let limits = Limits::new(&Config { rate_limit_failures: 2, ..Config::default() });
        let address = Some("192.0.2.1".parse().unwrap());
        let check = |address, token| limits.check_token(address, token, &Told::default());
        limits.count_person(Uuid::nil(), "good", &Told::default()).unwrap();
        for _ in 0..2 {
            limits.count_failure(address);
            check(address, "guess").unwrap();
        }
        limits.count_failure(address);
        assert_eq!(check(address, "guess").unwrap_err().kind(), Kind::RateLimited);
        check(address, "good").unwrap();
        check(Some("192.0.2.2".parse().unwrap()), "guess").unwrap();
    }
}
