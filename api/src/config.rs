//! What the API allows and how long it waits. The command fills it in; nothing here reads the environment.

use ipnet::IpNet;
use std::time::Duration;

/// Configuration of the API. `Config::default()` suits one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Largest audio file accepted, in bytes. Default 2 GiB: ten hours of FLAC. Larger is 413.
    pub max_upload_bytes: u64,
    /// Largest JSON body accepted, in bytes. Default 256 KiB. Larger is 413.
    pub max_json_bytes: usize,
    /// Longest time until an answer begins, uploads apart. Default 30 s; then 504.
    pub request_timeout: Duration,
    /// Longest silence of a client in the middle of an upload. Default 30 s; then 408.
    pub upload_idle_timeout: Duration,
    /// Longest upload as a whole. Default 6 h; then 408. What an upload stored is removed when it is not
    /// finished by twice this time.
    pub upload_timeout: Duration,
    /// Name of the platform's session cookie. Default `session`.
    pub session_cookie: String,
    /// Origins, as browsers send them (`https://app.example.org`), whose pages may read the answers (CORS) and write with
    /// the session cookie, beside the server's own origin. Default none.
    pub allowed_origins: Vec<String>,
    /// Most frames answered to one range request, in binary form. Default 65,536.
    pub max_span_frames: u32,
    /// Most frames answered to one range request in JSON, which is some ten times larger. Default 4,096.
    pub max_json_frames: u32,
    /// How long answers to POSTs with an Idempotency-Key are kept. Default 24 h.
    pub idempotency_age: Duration,
    /// How long open connections may take to end after a shutdown was asked for. Default 10 s.
    pub drain_timeout: Duration,
    /// Longest time that the headers of a request, and its first byte, may take to arrive, and that a connection stays open
    /// (up to twice as long) which asks for nothing or does not take its answers. Default 75 s, which is more than load
    /// balancers keep theirs; then it is closed.
    pub header_timeout: Duration,
    /// Longest time that a JSON body may take to arrive. Default 15 s; then 408.
    pub body_timeout: Duration,
    /// Most connections at a time. Default 10,000; further ones wait to be accepted.
    pub max_connections: usize,
    /// Longest URI, in bytes. Default 8 KiB. Longer is 414.
    pub max_uri_bytes: usize,
    /// Requests of a person in a minute. Default 600,000: a bound for programs that have run wild. 0: any number. More is
    /// 429.
    pub rate_limit: u32,
    /// Requests without a token of an address in a minute. Default 1,200. 0: any number. More is 429.
    pub rate_limit_anonymous: u32,
    /// Tokens of an address that open nothing in a minute. Default 120. 0: any number. After more, tokens of that address
    /// that have not opened anything lately are answered with 429 and not looked at.
    pub rate_limit_failures: u32,
    /// Networks of the proxies in front of the server: what they say about who asks (`X-Forwarded-For`, `Forwarded`) is
    /// believed. Default none: whoever connects is who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Longest time that a right counts that was taken away in the database. Default 5 s; zero asks the database each time.
    pub entitlements_age: Duration,
    /// How long the answer of `/readyz` holds. Default 1 s; zero looks each time.
    pub readiness_age: Duration,
    /// For how long browsers are told to come by HTTPS alone (`Strict-Transport-Security`). Default zero: they are not
    /// told. Set it where the server is reached by HTTPS only.
    pub hsts: Duration,
    /// How long the address of an announced upload takes audio. Default 1 h, at most 7 days, S3's limit. An upload that has
    /// begun by then may go on.
    pub upload_address_age: Duration,
    /// Most uploads one person may have announced and not completed. Default 100. One more is 409.
    pub max_open_uploads: u32,
    /// Most bytes that these may announce together. Default 16 GiB. More is 409.
    pub max_open_upload_bytes: u64,
    /// Most progress streams that one user may have open at a time, on this process. Default 100; more are 429.
    pub max_watchers_per_user: usize,
    /// How often it is looked whether those who watch progress still may, and whether something went unheard. Default
    /// 15 s: so long may a stream outlive its session. Shorter asks the database more often, once for all streams.
    pub watchers_checked_every: Duration,
    /// Whether webhooks may lead to private addresses, by http, and to any port. Default false: only https to the public
    /// internet. With true every user can have this server send requests into its own network.
    pub webhook_private_addresses: bool,
    /// Most connections at a time of an address, or of an IPv6 network that one customer gets; trusted proxies may open any
    /// number. Default 1,250, an eighth of all; further ones are closed at once.
    pub max_connections_per_address: usize,
    /// Most uploads of one person whose audio passes through this process at a time, each with up to 8 MiB of memory where
    /// objects lie in a bucket. Default 16; one more is 409.
    pub max_uploads_at_once: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_upload_bytes: 2 << 30,
            max_json_bytes: 256 << 10,
            request_timeout: Duration::from_secs(30),
            upload_idle_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(6 * 3600),
            session_cookie: "session".into(),
            allowed_origins: Vec::new(),
            max_span_frames: 65_536,
            max_json_frames: 4_096,
            idempotency_age: Duration::from_secs(24 * 3600),
            drain_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(15),
            max_connections: 10_000,
            max_uri_bytes: 8 << 10,
            rate_limit: 600_000,
            rate_limit_anonymous: 1_200,
            rate_limit_failures: 120,
            trusted_proxies: Vec::new(),
            entitlements_age: Duration::from_secs(5),
            readiness_age: Duration::from_secs(1),
            hsts: Duration::ZERO,
            upload_address_age: Duration::from_secs(3600),
            max_open_uploads: 100,
            max_open_upload_bytes: 16 << 30,
            max_watchers_per_user: 100,
            watchers_checked_every: Duration::from_secs(15),
            webhook_private_addresses: false,
            max_connections_per_address: 1_250,
            max_uploads_at_once: 16,
        }
    }
}
