//! Analyses: ask for one, look at it, stop it.

use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::schedule;
use crate::state::App;
use crate::text::Checks;
use crate::upload;
use crate::views::{AnalysisParameters, AnalysisView};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::access::{self, Action};
use store::analyses::{self, Analysis, NewAnalysis, Parameters, Status};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What to compute.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnalysisRequest {
    /// `full` (the default), `spectral`, `rhythm`, `tonal` or `structure`.
    #[schema(value_type = Option<crate::description::words::AnalysisType>)]
    analysis_type: Option<String>,
    /// In which shape.
    parameters: AnalysisParameters,
    /// Higher runs first, -100 to 100. Default 0; above 0 is for operators.
    #[schema(minimum = -100, maximum = 100)]
    priority: Option<i16>,
    /// Not before this moment, at most a year ahead; absent or past: as soon as it is its turn.
    #[serde(with = "time::serde::rfc3339::option")]
    run_at: Option<OffsetDateTime>,
}

/// A request that was checked. Its JSON is what two equal requests have in common.
#[derive(Debug, Serialize)]
struct Checked {
    track_id: Uuid,
    analysis_type: analysis_core::AnalysisType,
    parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<OffsetDateTime>,
}

impl AnalysisRequest {
    fn check(self, track_id: Uuid) -> Result<Checked, Problem> {
        let mut checks = Checks::default();
        let analysis_type =
            upload::analysis_type("#/analysis_type", self.analysis_type.as_deref(), &mut checks);
        let parameters = Parameters::from(self.parameters);
        upload::check_parameters("#/parameters", analysis_type, &parameters, &mut checks);
        let Self { priority, run_at, .. } = self;
        schedule::check_priority(priority, &mut checks);
        schedule::check_run_at(run_at, &mut checks);
        checks.finish().map(|()| Checked { track_id, analysis_type, parameters, priority, run_at })
    }
}

/// Asks for an analysis of a track.
///
/// While the same one (type, version and parameters) waits or runs there is no second: the answer is the one that is
/// there, hurried on if this request has the higher priority or the earlier time.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/analyses", tag = "analyses", request_body = AnalysisRequest,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = AnalysisView, headers(("Location" = String, description = "The analysis"))),
        (status = 404, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(request): Json<AnalysisRequest>,
) -> Result<Response, Problem> {
    let asked = request.check(track_id)?;
    rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    schedule::allow(&mut tx, &caller, asked.priority).await?;
    let operation = format!("POST /v1/tracks/{track_id}/analyses");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let new = NewAnalysis {
        track_id,
        analysis_type: asked.analysis_type,
        parameters: asked.parameters,
        version: analysis_core::ANALYZER_VERSION,
        requested_by: Some(caller.user_id()),
        priority: asked.priority.unwrap_or(0),
        run_at: asked.run_at.filter(|at| *at > OffsetDateTime::now_utc()),
    };
    let analysis = analyses::create(&mut tx, &new).await?;
    let location = Some(format!("/v1/analyses/{}", analysis.id));
    first.answer(tx, StatusCode::ACCEPTED, location, &AnalysisView::from(analysis)).await
}

/// One analysis.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}", tag = "analyses", params(("analysis_id" = Uuid, Path)),
    responses((status = 200, body = AnalysisView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
) -> Result<axum::Json<AnalysisView>, Problem> {
    let analysis = rights::analysis(&mut *app.db().await?, &caller, analysis_id, Action::Read).await?;
    Ok(axum::Json(analysis.into()))
}

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

/// A track's analyses, newest first.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/analyses", tag = "analyses",
    params(("track_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<AnalysisView>), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<AnalysisView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let before = list.after_time(query.cursor.as_deref())?;
    let mut db = app.db().await?;
    rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let rows = analyses::list(&mut db, track_id, before, i64::from(limit) + 1).await?;
    let cursor = |row: &Analysis| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// Stops an analysis. One that waits ends at once; one that runs ends within about a second.
///
/// 202 with the analysis as it is after the request; 409 when it was over already.
#[utoipa::path(post, path = "/v1/analyses/{analysis_id}/cancel", tag = "analyses",
    params(("analysis_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = AnalysisView), (status = 404, body = crate::problem::Body),
        (status = 409, body = crate::problem::Body)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let before = rights::job(&mut *app.db().await?, &caller, analysis_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/analyses/{analysis_id}/cancel");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &()).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    if matches!(before.status, Status::Completed | Status::Error) {
        return Err(over(&before));
    }
    analyses::request_cancel(&mut tx, analysis_id).await?;
    let after = analyses::get(&mut tx, analysis_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))?;
    // Between the two looks the worker may have committed its result, or failed.
    if after.status != Status::Running && after.error_kind.as_deref() != Some(analyses::CANCELLED) {
        return Err(over(&after));
    }
    access::record(&mut tx, &caller.audit("analysis.cancelled", before.track_id, Action::Update)).await?;
    let location = Some(format!("/v1/analyses/{analysis_id}"));
    first.answer(tx, StatusCode::ACCEPTED, location, &AnalysisView::from(after)).await
}

fn over(analysis: &Analysis) -> Problem {
    Problem::detailed(Kind::AnalysisOver, format!("its status is {}", analysis.status.as_str()))
}

/// Tries an analysis again that failed or was cancelled, with fresh attempts.
///
/// 202 with the analysis as it is after the request; 409 when it is not in error.
#[utoipa::path(post, path = "/v1/analyses/{analysis_id}/retry", tag = "analyses",
    params(("analysis_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 202, body = AnalysisView), (status = 404, body = crate::problem::Body),
        (status = 409, body = crate::problem::Body)))]
pub(crate) async fn retry(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let before = rights::job(&mut *app.db().await?, &caller, analysis_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/analyses/{analysis_id}/retry");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &()).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    if !analyses::retry(&mut tx, analysis_id).await? {
        let status = format!("its status is {}", before.status.as_str());
        return Err(Problem::detailed(Kind::AnalysisNotFailed, status));
    }
    let after = analyses::get(&mut tx, analysis_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))?;
    access::record(&mut tx, &caller.audit("analysis.retried", before.track_id, Action::Update)).await?;
    let location = Some(format!("/v1/analyses/{analysis_id}"));
    first.answer(tx, StatusCode::ACCEPTED, location, &AnalysisView::from(after)).await
}
