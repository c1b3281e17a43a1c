//! One attempt at one delivery: the request, and what came of it.

use super::resolver::{PublicOnly, System};
use super::{signature, target};
use reqwest::dns::Resolve;
use reqwest::{Client, Response, StatusCode, header, redirect, retry};
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::webhooks::sending::Claimed;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use time::serde::rfc3339;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest attempt as a whole. Standard Webhooks advises 15 to 30 s.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// How much of an answer is read, and for how long, so that its connection can be used again. Nobody looks at it.
const MAX_ANSWER_BYTES: usize = 4 << 10;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest wait that a receiver can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Delivered(StatusCode),
    /// The receiver answered otherwise, and may have said when to come again.
    Refused { status: StatusCode, retry_after: Option<Duration> },
    /// There was no answer.
    Failed(Reason),
}

/// Why there was no answer. So coarse that nobody learns from it what listens where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// No address that may be gone to, no connection, or no TLS.
    Unreachable,
    /// The time was over.
    Timeout,
    /// The connection ended before the answer.
    BrokenOff,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::BrokenOff => "broken_off",
        }
    }
}

/// The body of a delivery, as Standard Webhooks advises.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(with = "rfc3339")]
    timestamp: OffsetDateTime,
    data: &'a Value,
}

/// Sends deliveries. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    client: Client,
    private: bool,
}

impl Sender {
    /// Sends to the public internet only, or with `private` anywhere.
    ///
    /// # Errors
    /// The machine's certificate authorities cannot be read.
    pub(super) fn new(private: bool) -> reqwest::Result<Self> {
        if private { Self::resolving(System, true) } else { Self::resolving(PublicOnly::new(System), false) }
    }

    fn resolving(resolver: impl Resolve + 'static, private: bool) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("Arsis-Webhooks/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(resolver)
            // A proxy of the environment would resolve names in our place.
            .no_proxy()
            .redirect(redirect::Policy::none())
            // Attempts are counted and spaced by us.
            .retry(retry::never())
            .referer(false)
            .https_only(!private)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()?;
        Ok(Self { client, private })
    }

    /// Makes one attempt, in at most [`TIMEOUT`] and a second.
    pub(super) async fn send(&self, claimed: &Claimed) -> Outcome {
        // Addresses in URLs are not resolved, so they are looked at here, too: rules may have changed since.
        let Ok(target) = target::parse(&claimed.url, self.private) else {
            return Outcome::Failed(Reason::Unreachable);
        };
        let message =
            Message { event_type: &claimed.event_type, timestamp: claimed.occurred_at, data: &claimed.data };
        // What PostgreSQL holds as JSON can be written as JSON.
        let body = serde_json::to_vec(&message).unwrap_or_default();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = self
            .client
            .post(target.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", claimed.event_id.to_string())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature::header(claimed, timestamp, &body))
            .body(body);
        match request.send().await {
            Ok(answer) => judge(answer).await,
            Err(error) => Outcome::Failed(reason(&error)),
        }
    }
}

fn reason(error: &reqwest::Error) -> Reason {
    if error.is_connect() || error.is_builder() {
        Reason::Unreachable
    } else if error.is_timeout() {
        Reason::Timeout
    } else {
        Reason::BrokenOff
    }
}

async fn judge(answer: Response) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        // It has arrived, whatever else the receiver says or does not.
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, read(answer)).await;
        return Outcome::Delivered(status);
    }
    let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| read_retry_after(text, OffsetDateTime::now_utc()));
    Outcome::Refused { status, retry_after }
}

async fn read(mut answer: Response) {
    let mut bytes = 0;
    while bytes < MAX_ANSWER_BYTES {
        let Ok(Some(part)) = answer.chunk().await else { return };
        bytes += part.len();
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. More than [`MAX_RETRY_AFTER`] is that.
fn read_retry_after(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs).min(MAX_RETRY_AFTER));
    }
    let wait = OffsetDateTime::parse(text, &Rfc2822).ok()? - now;
    Some(Duration::try_from(wait).unwrap_or_default().min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
