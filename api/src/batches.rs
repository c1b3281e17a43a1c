//! Batches: one analysis of each track of a person, asked for at once.

use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Attempt, Turn};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem, chain};
use crate::request::Caller;
use crate::rights;
use crate::schedule;
use crate::state::{self, App};
use crate::text::Checks;
use crate::upload;
use crate::views::AnalysisParameters;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::PgConnection;
use store::access::{self, Action};
use store::analyses::Parameters;
use store::batches::{self, Batch, NewBatch};
use store::idempotency::{self, Answer, Claim};
use store::users;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `audit_log.resource_type` of batches.
const RESOURCE: &str = "analysis_batches";

/// `audit_log.event_type` of looks at another's batches.
const LOOKED: &str = "batch.cross_user_access";

/// What to compute of every track.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BatchRequest {
    /// `full` (the default), `spectral`, `rhythm`, `tonal` or `structure`.
    #[schema(value_type = Option<crate::description::words::AnalysisType>)]
    analysis_type: Option<String>,
    /// In which shape.
    parameters: AnalysisParameters,
    /// Higher runs first, -100 to 100. Default -10: what people wait for comes before. Above 0 is for operators.
    #[schema(minimum = -100, maximum = 100)]
    priority: Option<i16>,
    /// Whose tracks; absent: the caller's own. Somebody else's are for operators.
    user_id: Option<Uuid>,
}

/// A request that was checked. Its JSON is what two equal requests have in common.
#[derive(Debug, Serialize)]
struct Checked {
    analysis_type: analysis_core::AnalysisType,
    parameters: Parameters,
    priority: Option<i16>,
    user_id: Option<Uuid>,
}

impl BatchRequest {
    fn check(self) -> Result<Checked, Problem> {
        let mut checks = Checks::default();
        let analysis_type =
            upload::analysis_type("#/analysis_type", self.analysis_type.as_deref(), &mut checks);
        let parameters = Parameters::from(self.parameters);
        upload::check_parameters("#/parameters", analysis_type, &parameters, &mut checks);
        let Self { priority, user_id, .. } = self;
        schedule::check_priority(priority, &mut checks);
        checks.finish().map(|()| Checked { analysis_type, parameters, priority, user_id })
    }
}

/// A batch, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchView {
    /// Id.
    id: Uuid,
    /// Whose tracks.
    user_id: Uuid,
    /// `full`, `spectral`, `rhythm`, `tonal` or `structure`.
    analysis_type: String,
    /// Version of the analyzer.
    version: String,
    /// Parameters that were asked for; absent ones take their defaults.
    parameters: Value,
    /// Its analyses by status. Those of tracks deleted since are gone.
    counts: CountsView,
    /// Tracks that needed no analysis: one of the kind was there, completed or to come.
    skipped: i32,
    /// The part of its analyses that has ended, 0 to 1; 1 when there are none.
    progress: f64,
    /// When it was asked for.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

/// Analyses of a batch by status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchCounts)]
pub(crate) struct CountsView {
    /// Wait.
    pending: i64,
    /// Are being made.
    running: i64,
    /// Can be read.
    completed: i64,
    /// Failed, or were cancelled.
    error: i64,
    /// All of them.
    total: i64,
}

impl From<Batch> for BatchView {
    fn from(batch: Batch) -> Self {
        let counts = batch.counts;
        let total = counts.total();
        let ended = counts.completed + counts.error;
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 tracks")]
        let progress = if total == 0 { 1.0 } else { ended as f64 / total as f64 };
        let batches::Counts { pending, running, completed, error } = counts;
        Self {
            id: batch.id,
            user_id: batch.user_id,
            analysis_type: batch.analysis_type,
            version: batch.version,
            parameters: batch.parameters,
            counts: CountsView { pending, running, completed, error, total },
            skipped: batch.skipped_count,
            progress,
            created_at: batch.created_at,
        }
    }
}

/// Asks for an analysis of every track, by this version of the analyzer.
///
/// Tracks that have one of the kind (type, version and parameters), completed or to come, are left out.
#[utoipa::path(post, path = "/v1/batches", tag = "batches", request_body = BatchRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = BatchView, headers(("Location" = String, description = "The batch"))),
        (status = 403, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<BatchRequest>,
) -> Result<Response, Problem> {
    let asked = request.check()?;
    let mut tx = app.begin().await?;
    let user_id = whose(&mut tx, &caller, ("#/user_id", asked.user_id), Action::Update).await?;
    schedule::allow(&mut tx, &caller, asked.priority).await?;
    let first = match idempotent::turn(&mut tx, &caller, &headers, "POST /v1/batches", &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let new = NewBatch {
        user_id,
        requested_by: Some(caller.user_id()),
        analysis_type: asked.analysis_type,
        parameters: asked.parameters,
        version: analysis_core::ANALYZER_VERSION,
        priority: asked.priority.unwrap_or(batches::PRIORITY),
    };
    let batch = batches::create(&mut tx, &new).await?;
    note(&mut tx, &caller, "batch.created", (Some(batch.id), user_id), Action::Create).await?;
    let location = Some(format!("/v1/batches/{}", batch.id));
    first.answer(tx, StatusCode::ACCEPTED, location, &BatchView::from(batch)).await
}

/// Whose batches or tracks are meant: the caller's own, or those of somebody whom an operator names at `pointer`.
async fn whose(
    db: &mut PgConnection,
    caller: &Caller,
    (pointer, named): (&str, Option<Uuid>),
    action: Action,
) -> Result<Uuid, Problem> {
    let Some(user_id) = named.filter(|named| *named != caller.user_id()) else { return Ok(caller.user_id()) };
    rights::queue(db, caller, action).await?;
    match users::get(db, user_id).await? {
        Some(user) => Ok(user.id),
        None => Err(Problem::invalid_field(pointer, "is nobody's id")),
    }
}

/// What operators do with others' batches, one or their list, leaves a line in the audit trail.
async fn note(
    db: &mut PgConnection,
    caller: &Caller,
    event: &'static str,
    (batch_id, user_id): (Option<Uuid>, Uuid),
    action: Action,
) -> Result<(), Problem> {
    if user_id != caller.user_id() {
        let mut entry = caller.audit_of(event, RESOURCE, batch_id, action);
        entry.details = Some(json!({ "user_id": user_id }));
        access::record(db, &entry).await?;
    }
    Ok(())
}

/// The batch, if `caller` may do `action` with it: its owner, or an operator.
async fn batch(db: &mut PgConnection, caller: &Caller, id: Uuid, action: Action) -> Result<Batch, Problem> {
    let found = batches::get(db, id).await?;
    if found.as_ref().is_some_and(|batch| batch.user_id == caller.user_id()) {
        return found.ok_or_else(|| Problem::new(Kind::NotFound));
    }
    // Asked whether there is a batch or not, so that ids cannot be probed.
    let operator = rights::operates(db, caller, action).await?;
    found.filter(|_| operator).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// One batch, and how far it is.
#[utoipa::path(get, path = "/v1/batches/{batch_id}", tag = "batches", params(("batch_id" = Uuid, Path)),
    responses((status = 200, body = BatchView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(batch_id): Path<Uuid>,
) -> Result<axum::Json<BatchView>, Problem> {
    let mut db = app.db().await?;
    let batch = batch(&mut db, &caller, batch_id, Action::Read).await?;
    note(&mut db, &caller, LOOKED, (Some(batch.id), batch.user_id), Action::Read).await?;
    Ok(axum::Json(batch.into()))
}

/// Whose batches to list, and where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Whose; absent: the caller's own. Somebody else's are for operators.
    user_id: Option<Uuid>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A person's batches, newest first.
#[utoipa::path(get, path = "/v1/batches", tag = "batches", params(ListQuery),
    responses((status = 200, body = Page<BatchView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<BatchView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let before = list.after_time(query.cursor.as_deref())?;
    let mut db = app.db().await?;
    let user_id = whose(&mut db, &caller, ("user_id", query.user_id), Action::Read).await?;
    note(&mut db, &caller, LOOKED, (None, user_id), Action::Read).await?;
    let rows = batches::list(&mut db, user_id, before, i64::from(limit) + 1).await?;
    let cursor = |row: &Batch| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// How much of the time of a request goes by before a cancel that is not done yet is answered.
const CANCEL_SHARE: f64 = 0.5;

/// Stops every analysis of a batch that has not ended. Those that wait end at once, those that run within about a second.
///
/// 202 with the batch as it is so far: of a hundred thousand analyses some may still wait to be stopped. Asking again
/// changes nothing.
#[utoipa::path(post, path = "/v1/batches/{batch_id}/cancel", tag = "batches", params(("batch_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = BatchView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(batch_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    let before = batch(&mut tx, &caller, batch_id, Action::Update).await?;
    let operation = format!("POST /v1/batches/{batch_id}/cancel");
    let claim = match idempotent::begin(&mut tx, &caller, &headers, &operation).await? {
        Attempt::Again(earlier) => return earlier.replay(""),
        Attempt::First(claim) => claim,
    };
    note(&mut tx, &caller, "batch.cancelled", (Some(batch_id), before.user_id), Action::Update).await?;
    state::commit(tx).await?;
    let answer = stop(&app, batch_id, claim.as_ref()).await;
    if let (Err(_), Some(claim)) = (&answer, &claim) {
        idempotency::release(&mut *app.db().await?, claim).await?;
    }
    Ok(idempotent::respond(answer?))
}

/// Stops what there is, and tells how far that came; it goes on if it takes long.
async fn stop(app: &App, batch_id: Uuid, claim: Option<&Claim>) -> Result<Answer, Problem> {
    let pool = app.pool().clone();
    let stopping = app.uploads().spawn(async move {
        let ended = batches::cancel(&pool, batch_id).await;
        if let Err(error) = &ended {
            tracing::warn!(batch = %batch_id, cause = chain(error), "a batch was not cancelled to its end");
        }
        ended
    });
    let patience = app.config().request_timeout.mul_f64(CANCEL_SHARE);
    if let Ok(ended) = tokio::time::timeout(patience, stopping).await {
        ended.map_err(Problem::internal)??;
    }
    let mut tx = app.begin().await?;
    let after = batches::get(&mut tx, batch_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let body = serde_json::to_value(BatchView::from(after)).map_err(Problem::internal)?;
    let answer = Answer { status: 202, location: None, body };
    idempotent::keep(&mut tx, claim, "", &answer).await?;
    state::commit(tx).await?;
    Ok(answer)
}
