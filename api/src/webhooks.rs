//! Webhooks: a person's subscriptions to the ends of their analyses. A webhook is its owner's; no role sees another's.

mod address;
pub(crate) mod deliveries;
mod dispatch;
mod resolver;
mod send;
mod signature;
mod target;
mod views;

pub(crate) use dispatch::run;

use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::PgConnection;
use store::access::{self, Action};
use store::idempotency::Answer;
use store::webhooks::{self, NewWebhook, Secret, Webhook};
use time::Duration;
use utoipa::IntoParams;
use uuid::Uuid;
use views::{WebhookPatch, WebhookRequest, WebhookView, WebhookWithSecret};

/// `audit_log.resource_type` of webhooks.
const WEBHOOKS: &str = "webhooks";

/// Most webhooks of a person.
const MAX_WEBHOOKS: i64 = 20;

/// How long the secret before the newest signs, too.
const GRACE: Duration = Duration::DAY;

/// Where in a list to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Your webhooks, newest first.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(ListQuery),
    responses((status = 200, body = Page<WebhookView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<WebhookView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = list.after_time(query.cursor.as_deref())?;
    let rows = webhooks::list(&mut *app.db().await?, caller.user_id(), after, i64::from(limit) + 1).await?;
    let cursor = |row: &Webhook| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// One webhook.
#[utoipa::path(get, path = "/v1/webhooks/{webhook_id}", tag = "webhooks", params(("webhook_id" = Uuid, Path)),
    responses((status = 200, body = WebhookView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
) -> Result<axum::Json<WebhookView>, Problem> {
    let webhook = find(&mut *app.db().await?, &caller, webhook_id).await?;
    Ok(axum::Json(webhook.into()))
}

/// The caller's webhook. Another's is looked up like one that does not exist, by the same query.
async fn find(db: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<Webhook, Problem> {
    let webhook = webhooks::get(db, caller.user_id(), id).await?;
    webhook.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Subscribes to events. The answer has the secret that signs them, which is not shown again.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = WebhookRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key makes no second \
        webhook; its answer lacks the secret")),
    responses((status = 201, body = WebhookWithSecret, headers(("Location" = String, description = "The webhook"))),
        (status = 409, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<WebhookRequest>,
) -> Result<Response, Problem> {
    let asked = request.check(app.config().webhook_private_addresses)?;
    let mut tx = app.begin().await?;
    let first = match idempotent::turn(&mut tx, &caller, &headers, "POST /v1/webhooks", &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let secret = Secret::generate()?;
    let new = NewWebhook {
        user_id: caller.user_id(),
        url: &asked.url,
        host: &asked.host,
        description: asked.description.as_deref(),
        events: &asked.events,
        active: asked.active,
        secret: &secret,
    };
    let webhook = webhooks::insert(&mut tx, &new, MAX_WEBHOOKS).await?;
    let webhook = webhook.ok_or_else(|| Problem::new(Kind::TooManyWebhooks))?;
    record(&mut tx, &caller, "webhook.created", webhook.id, Action::Create).await?;
    let location = Some(format!("/v1/webhooks/{}", webhook.id));
    let (kept, told) = shown(webhook, &secret)?;
    first.answer_once(tx, StatusCode::CREATED, location, &kept, &told).await
}

/// A line for the audit trail about what the caller did to a webhook.
async fn record(
    db: &mut PgConnection,
    caller: &Caller,
    event: &'static str,
    id: Uuid,
    action: Action,
) -> Result<(), Problem> {
    Ok(access::record(db, &caller.audit_of(event, WEBHOOKS, Some(id), action)).await?)
}

/// A webhook as it is answered again, and as it is told once, with its secret.
fn shown(webhook: Webhook, secret: &Secret) -> Result<(Value, WebhookWithSecret), Problem> {
    let mut view = WebhookWithSecret { webhook: webhook.into(), secret: None };
    let kept = serde_json::to_value(&view).map_err(Problem::internal)?;
    view.secret = Some(signature::write_secret(secret));
    Ok((kept, view))
}

fn answer(status: u16, location: Option<String>, view: &impl Serialize) -> Result<Answer, Problem> {
    let body = serde_json::to_value(view).map_err(Problem::internal)?;
    Ok(Answer { status, location, body })
}

/// Changes a webhook. One that was deactivated begins again with `active: true`, and with what waited since.
#[utoipa::path(patch, path = "/v1/webhooks/{webhook_id}", tag = "webhooks", params(("webhook_id" = Uuid, Path)),
    request_body = WebhookPatch,
    responses((status = 200, body = WebhookView), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
    Json(patch): Json<WebhookPatch>,
) -> Result<axum::Json<WebhookView>, Problem> {
    let changes = patch.check(app.config().webhook_private_addresses)?;
    let mut tx = app.begin().await?;
    let webhook = webhooks::update(&mut tx, caller.user_id(), webhook_id, &changes).await?;
    let webhook = webhook.ok_or_else(|| Problem::new(Kind::NotFound))?;
    record(&mut tx, &caller, "webhook.updated", webhook_id, Action::Update).await?;
    state::commit(tx).await?;
    Ok(axum::Json(webhook.into()))
}

/// Removes a webhook with its deliveries. What is being sent may still arrive.
#[utoipa::path(delete, path = "/v1/webhooks/{webhook_id}", tag = "webhooks", params(("webhook_id" = Uuid, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    if !webhooks::delete(&mut tx, caller.user_id(), webhook_id).await? {
        return Err(Problem::new(Kind::NotFound));
    }
    record(&mut tx, &caller, "webhook.deleted", webhook_id, Action::Delete).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret, which is not shown again. For a day deliveries have a signature by the old one as well; a
/// second change within that day ends the first one's at once.
#[utoipa::path(post, path = "/v1/webhooks/{webhook_id}/rotate-secret", tag = "webhooks",
    params(("webhook_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key changes nothing; its answer \
            lacks the secret")),
    responses((status = 200, body = WebhookWithSecret), (status = 404, body = crate::problem::Body),
        (status = 409, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    find(&mut tx, &caller, webhook_id).await?;
    let operation = format!("POST /v1/webhooks/{webhook_id}/rotate-secret");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &()).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let secret = Secret::generate()?;
    let webhook = webhooks::rotate(&mut tx, caller.user_id(), webhook_id, &secret, GRACE).await?;
    let webhook = webhook.ok_or_else(|| Problem::new(Kind::NotFound))?;
    record(&mut tx, &caller, "webhook.secret_rotated", webhook_id, Action::Update).await?;
    let (kept, told) = shown(webhook, &secret)?;
    first.answer_once(tx, StatusCode::OK, None, &kept, &told).await
}
