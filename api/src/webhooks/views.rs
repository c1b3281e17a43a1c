//! What webhooks look like from outside, and what may be asked of them.

use super::target::{self, Target};
use crate::patch::{given, nullable};
use crate::problem::Problem;
use crate::text::Checks;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::webhooks::deliveries::Delivery;
use store::webhooks::{COMPLETED, Changes, FAILED, Webhook};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest description, in characters.
const DESCRIPTION: usize = 500;

/// What a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub(crate) enum EventType {
    /// An analysis of a track of yours has its result.
    #[serde(rename = "analysis.completed")]
    Completed,
    /// An analysis of a track of yours ended without a result: it failed for good, was cancelled, or superseded.
    #[serde(rename = "analysis.failed")]
    Failed,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => COMPLETED,
            Self::Failed => FAILED,
        }
    }

    /// The stored names, each once.
    fn stored(mut events: Vec<Self>) -> Vec<String> {
        events.sort();
        events.dedup();
        events.into_iter().map(|event| event.as_str().to_owned()).collect()
    }
}

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// Where events are sent: https, port 443 or 8443, a public address; no user name, password or fragment. An installation
    /// may allow private addresses, http and other ports, which the pattern does not show.
    #[schema(
        max_length = 2000,
        example = "https://hooks.example.org/arsis",
        pattern = r"^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9](:(443|8443))?([/?][!$-~]*)?$"
    )]
    url: String,
    /// Which events.
    #[schema(min_items = 1, max_items = 10)]
    events: Vec<EventType>,
    /// What it is for, at most 500 characters.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Whether it begins at once. Default true.
    active: Option<bool>,
}

/// A request that was checked. Its JSON is what two equal requests have in common.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    pub(super) url: String,
    #[serde(skip)]
    pub(super) host: String,
    pub(super) events: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) active: bool,
}

impl WebhookRequest {
    pub(super) fn check(self, private: bool) -> Result<Checked, Problem> {
        let mut checks = Checks::default();
        let target = check_url(&self.url, private, &mut checks);
        let events = check_events(self.events, &mut checks);
        let description =
            self.description.and_then(|text| checks.optional("#/description", DESCRIPTION, text));
        checks.finish()?;
        let (url, host) = target.unwrap_or_default();
        Ok(Checked { url, host, events, description, active: self.active.unwrap_or(true) })
    }
}

/// Changes to a webhook: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhookPatch {
    /// A new URL; what waits is sent there, too.
    #[serde(deserialize_with = "given")]
    #[schema(
        value_type = String,
        required = false,
        max_length = 2000,
        pattern = r"^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9](:(443|8443))?([/?][!$-~]*)?$"
    )]
    url: Option<String>,
    /// New events in place of the old.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Vec<EventType>, required = false, min_items = 1, max_items = 10)]
    events: Option<Vec<EventType>>,
    /// New text, at most 500 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    description: Option<Option<String>>,
    /// False: nothing more is written or sent; what waits goes on waiting. True: it begins (again).
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    active: Option<bool>,
}

impl WebhookPatch {
    pub(super) fn check(self, private: bool) -> Result<Changes, Problem> {
        let mut checks = Checks::default();
        let changes = Changes {
            url: self.url.and_then(|url| check_url(&url, private, &mut checks)),
            description: self
                .description
                .map(|text| text.and_then(|text| checks.optional("#/description", DESCRIPTION, text))),
            events: self.events.map(|events| check_events(events, &mut checks)),
            active: self.active,
        };
        checks.finish().map(|()| changes)
    }
}

/// The URL as it will be used, and its host.
fn check_url(url: &str, private: bool, checks: &mut Checks) -> Option<(String, String)> {
    let checked = target::parse(url, private).map_err(|rule| checks.refuse("#/url", rule));
    checked.ok().map(|Target { url, host }| (url.into(), host))
}

fn check_events(events: Vec<EventType>, checks: &mut Checks) -> Vec<String> {
    if !(1..=10).contains(&events.len()) {
        checks.refuse("#/events", "must be 1 to 10 events");
    }
    EventType::stored(events)
}

/// A webhook. Its secret is shown when it is made and when it is changed, and never again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Id.
    id: Uuid,
    /// Where events are sent.
    url: String,
    /// What it is for.
    description: Option<String>,
    /// Which events.
    #[schema(value_type = Vec<EventType>)]
    events: Vec<String>,
    /// Whether events are written and sent.
    active: bool,
    /// When it was deactivated, unless you did that; null otherwise.
    #[serde(with = "rfc3339::option")]
    deactivated_at: Option<OffsetDateTime>,
    /// Why: `gone` when the receiver answered 410, `failing` when nothing arrived for five days.
    deactivated_reason: Option<String>,
    /// Since when attempts fail; null while they succeed.
    #[serde(with = "rfc3339::option")]
    failing_since: Option<OffsetDateTime>,
    /// Until when the secret before this one signs, too; null or past: it does not.
    #[serde(with = "rfc3339::option")]
    previous_secret_expires_at: Option<OffsetDateTime>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When you changed it last.
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Webhook> for WebhookView {
    fn from(row: Webhook) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            events: row.events,
            active: row.active,
            deactivated_at: row.deactivated_at,
            deactivated_reason: row.deactivated_reason,
            failing_since: row.failing_since,
            previous_secret_expires_at: row.previous_secret_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A webhook with its new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    #[serde(flatten)]
    pub(super) webhook: WebhookView,
    /// What signs: keep it, it is not shown again. Absent in the repeated answer to a request with the same Idempotency-Key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(super) secret: Option<String>,
}

/// One event for one webhook, and what became of sending it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryView {
    /// Id.
    id: Uuid,
    /// For which webhook.
    webhook_id: Uuid,
    /// Id of the event, as in the header `webhook-id`: the same for each attempt.
    event_id: Uuid,
    /// `analysis.completed`, `analysis.failed` or `ping`.
    event_type: String,
    /// What is told about it.
    data: Value,
    /// `pending`, `delivered` or `failed`.
    status: String,
    /// Attempts begun since it was last asked for.
    #[schema(minimum = 0)]
    attempts: i32,
    /// When it was tried last.
    #[serde(with = "rfc3339::option")]
    last_attempt_at: Option<OffsetDateTime>,
    /// When it will be tried again; null when it has ended.
    #[serde(with = "rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    /// HTTP status of the last answer.
    response_status: Option<i16>,
    /// Why the last attempt failed: `unreachable` (no address to go to, no connection, no TLS), `timeout`, `broken_off`, or
    /// `status` (the answer was not 2xx).
    error: Option<String>,
    /// When it was delivered or given up.
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// When the event happened.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Delivery> for DeliveryView {
    fn from(row: Delivery) -> Self {
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            event_id: row.event_id,
            event_type: row.event_type,
            data: row.data,
            next_attempt_at: (row.status == "pending").then_some(row.next_attempt_at),
            status: row.status,
            attempts: row.attempt,
            last_attempt_at: row.last_attempt_at,
            response_status: row.response_status,
            error: row.error,
            ended_at: row.ended_at,
            created_at: row.created_at,
        }
    }
}
