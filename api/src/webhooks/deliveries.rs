//! Deliveries: what was sent to a webhook, what will be, and what shall be sent once more.

use super::views::DeliveryView;
use super::{answer, find};
use crate::extract::{Path, Query};
use crate::idempotent::{self, Attempt};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use store::idempotency::Claim;
use store::webhooks::deliveries::{self, Delivery};
use store::{PgConnection, Transaction};
use utoipa::IntoParams;
use uuid::Uuid;

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Keep deliveries of this status only: `pending`, `delivered` or `failed`.
    #[param(pattern = "^(pending|delivered|failed)$")]
    status: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What was and will be sent to a webhook, newest first, for 30 days.
#[utoipa::path(get, path = "/v1/webhooks/{webhook_id}/deliveries", tag = "webhooks",
    params(("webhook_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<DeliveryView>), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<DeliveryView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let status = query.status.as_deref();
    if status.is_some_and(|status| !["pending", "delivered", "failed"].contains(&status)) {
        return Err(Problem::invalid_field("status", "must be pending, delivered or failed"));
    }
    let after = list.after_time(query.cursor.as_deref())?;
    let mut db = app.db().await?;
    find(&mut db, &caller, webhook_id).await?;
    let rows = deliveries::list(&mut db, webhook_id, status, after, i64::from(limit) + 1).await?;
    let cursor = |row: &Delivery| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// One delivery.
#[utoipa::path(get, path = "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", tag = "webhooks",
    params(("webhook_id" = Uuid, Path), ("delivery_id" = Uuid, Path)),
    responses((status = 200, body = DeliveryView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((webhook_id, delivery_id)): Path<(Uuid, Uuid)>,
) -> Result<axum::Json<DeliveryView>, Problem> {
    let delivery = find_delivery(&mut *app.db().await?, &caller, webhook_id, delivery_id).await?;
    Ok(axum::Json(delivery.into()))
}

async fn find_delivery(
    db: &mut PgConnection,
    caller: &Caller,
    webhook_id: Uuid,
    id: Uuid,
) -> Result<Delivery, Problem> {
    let delivery = deliveries::get(db, caller.user_id(), webhook_id, id).await?;
    delivery.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Sends a webhook an event `ping`, whichever it is subscribed to. While one waits there is no second.
///
/// 202 with its delivery, which tells what comes of it; 409 when the webhook is not active.
#[utoipa::path(post, path = "/v1/webhooks/{webhook_id}/test", tag = "webhooks",
    params(("webhook_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = DeliveryView, headers(("Location" = String, description = "The delivery"))),
        (status = 404, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(webhook_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    let webhook = find(&mut tx, &caller, webhook_id).await?;
    let operation = format!("POST /v1/webhooks/{webhook_id}/test");
    let claim = match idempotent::begin(&mut tx, &caller, &headers, &operation).await? {
        Attempt::Again(earlier) => return earlier.replay(""),
        Attempt::First(claim) => claim,
    };
    if !webhook.active {
        return Err(Problem::new(Kind::WebhookInactive));
    }
    let delivery = deliveries::ping(&mut tx, webhook_id).await?;
    accept(tx, claim.as_ref(), delivery).await
}

/// Sends a delivery now, with fresh attempts and the same event id, whatever became of it before.
///
/// 202 with the delivery as it is after the request; 409 when the webhook is not active.
#[utoipa::path(post, path = "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", tag = "webhooks",
    params(("webhook_id" = Uuid, Path), ("delivery_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = DeliveryView, headers(("Location" = String, description = "The delivery"))),
        (status = 404, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn redeliver(
    State(app): State<App>,
    caller: Caller,
    Path((webhook_id, delivery_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    let webhook = find(&mut tx, &caller, webhook_id).await?;
    find_delivery(&mut tx, &caller, webhook_id, delivery_id).await?;
    let operation = format!("POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver");
    let claim = match idempotent::begin(&mut tx, &caller, &headers, &operation).await? {
        Attempt::Again(earlier) => return earlier.replay(""),
        Attempt::First(claim) => claim,
    };
    if !webhook.active {
        return Err(Problem::new(Kind::WebhookInactive));
    }
    deliveries::send_again(&mut tx, delivery_id).await?;
    let delivery = find_delivery(&mut tx, &caller, webhook_id, delivery_id).await?;
    accept(tx, claim.as_ref(), delivery).await
}

/// Keeps the answer about a delivery that will be sent, commits, and answers.
async fn accept(mut tx: Transaction, claim: Option<&Claim>, delivery: Delivery) -> Result<Response, Problem> {
    let location = format!("/v1/webhooks/{}/deliveries/{}", delivery.webhook_id, delivery.id);
    let answer = answer(202, Some(location), &DeliveryView::from(delivery))?;
    idempotent::keep(&mut tx, claim, "", &answer).await?;
    state::commit(tx).await?;
    Ok(idempotent::respond(answer))
}
