//! What the API allows and how long it waits. The command fills it in; nothing here reads the environment.

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
    /// Origins, as browsers send them (`https://app.example.org`), whose pages may write with the session
    /// cookie, beside the server's own origin. Default none.
    pub allowed_origins: Vec<String>,
    /// Most frames answered to one range request, in binary form. Default 65,536.
    pub max_span_frames: u32,
    /// Most frames answered to one range request in JSON, which is some ten times larger. Default 4,096.
    pub max_json_frames: u32,
    /// How long answers to POSTs with an Idempotency-Key are kept. Default 24 h.
    pub idempotency_age: Duration,
    /// How long open connections may take to end after a shutdown was asked for. Default 10 s.
    pub drain_timeout: Duration,
    /// Whether webhooks may lead to private addresses, by http, and to any port. Default false: only https to the public
    /// internet. With true every user can have this server send requests into its own network.
    pub webhook_private_addresses: bool,
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
            webhook_private_addresses: false,
        }
    }
}
