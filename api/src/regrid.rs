//! The beat grid decoded again through what a person said about it, from what is stored: the audio is not touched.

mod onset;
mod turn;
mod view;

use crate::conditional;
use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Attempt, Earlier, fingerprint};
use crate::page;
use crate::problem::{Kind, Problem};
use crate::query::check_span;
use crate::request::Caller;
use crate::results::{not_ready, tagged};
use crate::rights;
use crate::state::{self, App};
use crate::views::AnalysisView;
use analysis_core::regrid::{Correction, Grid, Heard, regrid};
use analysis_core::summary::Summary;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;
use std::ops::Range;
use store::PgConnection;
use store::access::{self, Action};
use store::analyses::{Analysis, Status};
use store::corrections;
use store::grids::{self, Ground, NewGrid};
use store::idempotency::Answer;
use time::OffsetDateTime;
use turn::Turn;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use view::{GridView, correction};

/// `audit_log.resource_type` of grids.
const RESOURCE: &str = "beat_grids";

/// Most ids of corrections in one request.
const MAX_IDS: usize = 5_000;

/// Through which corrections, and of which results.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RegridRequest {
    /// Through these corrections of yours only, at most 5,000; absent: all that you made of the track.
    #[schema(max_items = 5000)]
    correction_ids: Option<Vec<Uuid>>,
    /// Of these results only: `Arsis-Results-Version` of the manifest's answer. 409 once they are replaced.
    #[schema(max_length = 32)]
    results_version: Option<String>,
}

/// Decodes the beats and bars of an analysis again through your corrections of its track.
///
/// The grid takes the place of your grid before. Without corrections it is the machine's. The body may be left out.
#[utoipa::path(post, path = "/v1/analyses/{analysis_id}/regrid", tag = "corrections",
    request_body(content = Option<RegridRequest>, description = "Absent: through all of your corrections"),
    params(("analysis_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same grid while \
            it is the newest")),
    responses((status = 200, body = GridView, headers(("Location" = String, description = "The grid"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView,
            headers(("Retry-After" = u32, description = "When to ask again, in seconds"))),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed, or was run again; or the grid of this key is not the newest", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    headers: HeaderMap,
    request: Option<Json<RegridRequest>>,
) -> Result<Response, Problem> {
    let asked = request.map(|Json(request)| request).unwrap_or_default();
    asked.check()?;
    // Before the connection: who waits here holds none. It goes along to the thread that decodes, which a client's going away
    // does not end.
    let turn = Turn::of(caller.user_id()).await?;
    let analysis = rights::analysis(&mut *app.db().await?, &caller, analysis_id, Action::Read).await?;
    let fingerprint = fingerprint(&asked)?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/analyses/{analysis_id}/regrid");
    let claim = match idempotent::begin(&mut tx, &caller, &headers, &operation).await? {
        Attempt::First(claim) => claim,
        Attempt::Again(earlier) => return again(&mut tx, &caller, analysis_id, earlier, &fingerprint).await,
    };
    let track_id = analysis.track_id;
    if analysis.status != Status::Completed {
        return not_ready(analysis);
    }
    let ground = grids::ground(&mut tx, analysis_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let version = ground.source.completed_at.ok_or_else(replaced)?;
    if asked.results_version.is_some_and(|asked| asked != page::time_key(version).to_string()) {
        return Err(replaced());
    }
    let said = said(&mut tx, track_id, caller.user_id(), asked.correction_ids.as_deref()).await?;
    let count = i32::try_from(said.len()).map_err(Problem::internal)?;
    let grid = decode(&mut tx, analysis_id, version, ground, said, turn).await?;
    let summary = view::summary(&grid);
    // By way of its text: singles keep their few digits.
    let text = serde_json::to_string(&summary).map_err(Problem::internal)?;
    let document = serde_json::from_str(&text).map_err(Problem::internal)?;
    let new = NewGrid {
        analysis_id,
        user_id: caller.user_id(),
        results_version: version,
        beats: &grid.beats,
        summary: &document,
        corrections: count,
    };
    let (id, created_at) = grids::put(&mut tx, &new).await?.ok_or_else(replaced)?;
    let beats = grid.beats;
    let stored = grids::Grid {
        id,
        results_version: version,
        beats,
        summary: document,
        corrections: count,
        created_at,
    };
    // The grid may be large, and is kept already: under the key is which one it was.
    let kept = Answer { status: 200, location: None, body: json!({ "id": id }) };
    idempotent::keep(&mut tx, claim.as_ref(), &fingerprint, &kept).await?;
    state::commit(tx).await?;
    answer(analysis_id, stored).await
}

/// The grid that was answered before, while it is the newest.
async fn again(
    db: &mut PgConnection,
    caller: &Caller,
    analysis_id: Uuid,
    earlier: Earlier,
    fingerprint: &str,
) -> Result<Response, Problem> {
    let kept = earlier.kept(fingerprint)?;
    let grid = grids::get(db, analysis_id, caller.user_id()).await?;
    let Some(grid) = grid.filter(|grid| kept.body["id"] == json!(grid.id)) else {
        let detail = "the grid that was made under this key is not the newest any more: use a fresh key";
        return Err(Problem::detailed(Kind::ResultsReplaced, detail));
    };
    answer(analysis_id, grid).await.map(idempotent::replayed)
}

async fn answer(analysis_id: Uuid, grid: grids::Grid) -> Result<Response, Problem> {
    let body = written(analysis_id, grid, None).await?;
    let location = format!("/v1/analyses/{analysis_id}/grid");
    let headers = [(header::LOCATION, location), (header::CONTENT_TYPE, "application/json".to_owned())];
    Ok((headers, body).into_response())
}

/// A grid, or the beats of a span of it, as JSON: written off the async threads, as a long one has tens of MB.
async fn written(
    analysis_id: Uuid,
    grid: grids::Grid,
    span_ms: Option<Range<u32>>,
) -> Result<Vec<u8>, Problem> {
    let write = move || serde_json::to_vec(&GridView::of(analysis_id, grid, span_ms));
    tokio::task::spawn_blocking(write).await.map_err(Problem::internal)?.map_err(Problem::internal)
}

impl RegridRequest {
    fn check(&self) -> Result<(), Problem> {
        if self.correction_ids.as_ref().is_some_and(|ids| ids.len() > MAX_IDS) {
            return Err(Problem::invalid_field("#/correction_ids", format!("must be at most {MAX_IDS} ids")));
        }
        Ok(())
    }
}

fn replaced() -> Problem {
    Problem::detailed(
        Kind::ResultsReplaced,
        "the analysis was run again: read its results anew, and decode again",
    )
}

/// What a person says, in the order of making.
async fn said(
    db: &mut PgConnection,
    track_id: Uuid,
    user_id: Uuid,
    ids: Option<&[Uuid]>,
) -> Result<Vec<Correction>, Problem> {
    let found = corrections::in_order(db, track_id, user_id, ids).await?;
    let known: HashSet<&Uuid> = found.iter().map(|(id, _)| id).collect();
    let missing = |id: &Uuid| !known.contains(id);
    if let Some(i) = ids.and_then(|ids| ids.iter().position(missing)) {
        let pointer = format!("#/correction_ids/{i}");
        return Err(Problem::invalid_field(pointer, "is not the id of a correction of yours of this track"));
    }
    let said = found.iter().map(|(_, said)| correction(said));
    said.collect::<Option<_>>()
        .ok_or_else(|| Problem::internal("a stored correction says nothing that is known"))
}

/// Decodes off the async threads.
async fn decode(
    db: &mut PgConnection,
    analysis_id: Uuid,
    version: OffsetDateTime,
    ground: Ground,
    said: Vec<Correction>,
    turn: Turn,
) -> Result<Grid, Problem> {
    let heard = match ground.manifest {
        // Without corrections nothing but the machine's beats is asked for.
        Some(manifest) if !said.is_empty() => onset::read(db, analysis_id, version, manifest).await?,
        _ => onset::Onset::unheard(&ground.beats),
    };
    let summary: Summary = ground
        .summary
        .map(serde_json::from_value)
        .transpose()
        .map_err(Problem::internal)?
        .unwrap_or_default();
    let beats = ground.beats;
    let work = move || {
        let _turn = turn;
        let onset::Onset { values, hop_ms, duration_ms } = &heard;
        let heard = Heard {
            beats: &beats,
            onset: values,
            hop_ms: *hop_ms,
            duration_ms: *duration_ms,
            summary: &summary,
        };
        regrid(&heard, &said)
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

/// Which part of a grid.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GridQuery {
    /// Only beats at or after this, in ms.
    #[param(minimum = 0)]
    from_ms: Option<u32>,
    /// Only beats before this, in ms.
    #[param(minimum = 0)]
    to_ms: Option<u32>,
}

/// Your newest grid of an analysis. 404 while there is none: the machine's beats are among the events.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/grid", tag = "corrections",
    params(("analysis_id" = Uuid, Path), GridQuery, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = GridView, headers(("ETag" = String, description = "Another with each decoding"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed, or was run again since", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    Query(query): Query<GridQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_span(query.from_ms, query.to_ms)?;
    let mut db = app.db().await?;
    let analysis = rights::analysis(&mut db, &caller, analysis_id, Action::Read).await?;
    if analysis.status != Status::Completed {
        return not_ready(analysis);
    }
    let newest = grids::newest(&mut db, analysis_id, caller.user_id()).await?;
    let (id, version) = newest.ok_or_else(|| Problem::new(Kind::NotFound))?;
    check_version(&analysis, version)?;
    if conditional::matches(&headers, &etag(id)) {
        return Ok(tagged(&headers, etag(id), "application/json", "private, no-cache", Bytes::new()));
    }
    let grid = grids::get(&mut db, analysis_id, caller.user_id()).await?;
    let grid = grid.ok_or_else(|| Problem::new(Kind::NotFound))?;
    drop(db);
    check_version(&analysis, grid.results_version)?;
    let etag = etag(grid.id);
    let span = query.from_ms.unwrap_or(0)..query.to_ms.unwrap_or(u32::MAX);
    let body = written(analysis_id, grid, Some(span)).await?;
    Ok(tagged(&headers, etag, "application/json", "private, no-cache", body.into()))
}

fn check_version(analysis: &Analysis, version: OffsetDateTime) -> Result<(), Problem> {
    if analysis.completed_at == Some(version) { Ok(()) } else { Err(replaced()) }
}

/// The strong tag of a grid, as this version of this program writes it.
fn etag(id: Uuid) -> String {
    format!("\"{}-{}\"", id.simple(), env!("CARGO_PKG_VERSION"))
}

/// Removes your grid of an analysis: the machine's is in force again. Your corrections stay.
#[utoipa::path(delete, path = "/v1/analyses/{analysis_id}/grid", tag = "corrections",
    params(("analysis_id" = Uuid, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    rights::analysis(&mut *app.db().await?, &caller, analysis_id, Action::Read).await?;
    let mut tx = app.begin().await?;
    if !grids::delete(&mut tx, analysis_id, caller.user_id()).await? {
        return Err(Problem::new(Kind::NotFound));
    }
    let entry = caller.audit_of("grid.deleted", RESOURCE, Some(analysis_id), Action::Delete);
    access::record(&mut tx, &entry).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
