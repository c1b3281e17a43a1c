//! The queue as operators see and steer it. What they do leaves a line in the audit trail.

pub mod views;

use crate::extract::Query;
use crate::idempotent::{self, Attempt};
use crate::page::{self, List, Page};
use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::state::{self, App};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use store::PgConnection;
use store::access::{self, Action};
use store::analyses::Status;
use store::idempotency::Answer;
use store::queue::inspect::{self, Entry, Filter};
use store::queue::{overview, pause};
use store::users;
use utoipa::IntoParams;
use uuid::Uuid;
use views::{FailuresView, QueueEntryView, QueueView, WorkerView};

/// How long a worker is told of after it was last heard of, unless it left leases behind.
pub const WORKERS_WITHIN: Duration = Duration::from_secs(60);

/// Over how long failures are counted.
pub const FAILURES_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// The queue in numbers: what waits and since when, who works, what failed. For operators.
#[utoipa::path(get, path = "/v1/queue", tag = "queue",
    responses((status = 200, body = QueueView), (status = 403, body = crate::problem::Body)))]
pub(crate) async fn status(State(app): State<App>, caller: Caller) -> Result<Json<QueueView>, Problem> {
    let mut db = app.db().await?;
    rights::queue(&mut db, &caller, Action::Read).await?;
    Ok(Json(look(&mut db).await?))
}

async fn look(db: &mut PgConnection) -> Result<QueueView, Problem> {
    let counts = overview::counts(db).await?;
    let pause = pause::paused(db).await?;
    let workers = inspect::workers(db, WORKERS_WITHIN).await?;
    let failures = inspect::failures(db, FAILURES_WITHIN).await?;
    let workers = workers.into_iter().map(WorkerView::from).collect();
    let failures = failures.into_iter().map(FailuresView::from).collect();
    Ok(QueueView::new(&counts, pause, workers, failures))
}

/// Which analyses to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// `pending`, `running`, `completed` or `error` only.
    #[param(value_type = Option<crate::description::words::AnalysisStatus>)]
    status: Option<String>,
    /// `true`: failures only, in error and neither cancelled nor superseded.
    failures: Option<bool>,
    /// Of this kind of failure only.
    error_kind: Option<String>,
    /// Of this user's tracks only.
    owner_id: Option<Uuid>,
    /// Of this track only.
    track_id: Option<Uuid>,
    /// Of this batch only.
    batch_id: Option<Uuid>,
    /// Held by this worker only, now or last.
    worker: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let known = [Status::Pending, Status::Running, Status::Completed, Status::Error];
        let status = self.status.as_deref().map(|name| {
            let found = known.into_iter().find(|status| status.as_str() == name);
            found.ok_or_else(|| {
                Problem::invalid_field("status", "must be pending, running, completed or error")
            })
        });
        Ok(Filter {
            status: status.transpose()?,
            error_kind: self.error_kind.clone(),
            owner_id: self.owner_id,
            track_id: self.track_id,
            batch_id: self.batch_id,
            worker: self.worker.clone(),
            failures_only: self.failures.unwrap_or(false),
            ..Filter::default()
        })
    }
}

/// To narrow the list to one person, by themselves or a track or batch of theirs, is a look at their things: it leaves a
/// line in the audit trail.
async fn note_narrowed(
    db: &mut PgConnection,
    caller: &Caller,
    query: &ListQuery,
    rows: &[Entry],
) -> Result<(), Problem> {
    let narrowed = query.owner_id.or(query.track_id).or(query.batch_id).is_some();
    let owner_id = query.owner_id.or_else(|| rows.first().map(|row| row.owner_id));
    let Some(owner_id) = owner_id.filter(|owner_id| narrowed && *owner_id != caller.user_id()) else {
        return Ok(());
    };
    let mut entry = caller.audit_of("queue.cross_user_access", access::QUEUE, None, Action::Read);
    entry.details =
        Some(json!({ "user_id": owner_id, "track_id": query.track_id, "batch_id": query.batch_id }));
    Ok(access::record(db, &entry).await?)
}

/// Analyses of everybody, newest first: by when they ended, or were asked for while they have not. For operators.
///
/// What is analysed is told by ids alone: names are for those who may see the track.
#[utoipa::path(get, path = "/v1/queue/analyses", tag = "queue", params(ListQuery),
    responses((status = 200, body = Page<QueueEntryView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<QueueEntryView>>, Problem> {
    let mut db = app.db().await?;
    rights::queue(&mut db, &caller, Action::Read).await?;
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = list.after_time(query.cursor.as_deref())?;
    let rows = inspect::list(&mut db, &query.filter()?, after, i64::from(limit) + 1).await?;
    note_narrowed(&mut db, &caller, &query, &rows).await?;
    let cursor = |row: &Entry| list.time_cursor(row.at, row.id);
    Ok(Json(Page::new(rows, limit, cursor)))
}

/// Pauses the queue: no worker begins an analysis until it is resumed; those that run go on. For operators.
#[utoipa::path(post, path = "/v1/queue/pause", tag = "queue",
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, body = QueueView), (status = 403, body = crate::problem::Body)))]
pub(crate) async fn pause(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    switch(&app, &caller, &headers, Switch::Pause).await
}

/// Lets a paused queue go on. For operators.
#[utoipa::path(post, path = "/v1/queue/resume", tag = "queue",
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, body = QueueView), (status = 403, body = crate::problem::Body)))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    switch(&app, &caller, &headers, Switch::Resume).await
}

/// What is done to the queue as a whole.
#[derive(Debug, Clone, Copy)]
enum Switch {
    Pause,
    Resume,
}

async fn switch(app: &App, caller: &Caller, headers: &HeaderMap, to: Switch) -> Result<Response, Problem> {
    let (operation, event) = match to {
        Switch::Pause => ("POST /v1/queue/pause", "queue.paused"),
        Switch::Resume => ("POST /v1/queue/resume", "queue.resumed"),
    };
    let mut tx = app.begin().await?;
    rights::queue(&mut tx, caller, Action::Update).await?;
    let claim = match idempotent::begin(&mut tx, caller, headers, operation).await? {
        Attempt::Again(earlier) => return earlier.replay(""),
        Attempt::First(claim) => claim,
    };
    match to {
        Switch::Pause => {
            let operator = users::get(&mut tx, caller.user_id()).await?;
            pause::pause(&mut tx, &operator.map(|operator| operator.email).unwrap_or_default()).await?;
        }
        Switch::Resume => {
            pause::resume(&mut tx).await?;
        }
    }
    access::record(&mut tx, &caller.audit_of(event, access::QUEUE, None, Action::Update)).await?;
    let body = serde_json::to_value(look(&mut tx).await?).map_err(Problem::internal)?;
    let answer = Answer { status: 200, location: None, body };
    idempotent::keep(&mut tx, claim.as_ref(), "", &answer).await?;
    state::commit(tx).await?;
    Ok(idempotent::respond(answer))
}
