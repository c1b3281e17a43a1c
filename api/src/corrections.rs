//! What a person says about the beats and bars of a track: taps, beats dragged, halved, shifted. Kept apart from what
//! the machine heard, and their maker's alone: others who may read the track, its owner among them, have their own.

mod said;

use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use said::{Batch, BatchView, CorrectionPatch, CorrectionView, Filters};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::PgConnection;
use store::access::{self, Action};
use store::corrections::{self, Correction, NewBatch};
use store::frames;
use store::tracks::Track;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `audit_log.resource_type` of corrections.
const RESOURCE: &str = "beat_corrections";

/// Most corrections that a person may have of one track.
const MOST: i64 = 20_000;

/// Most of them that are `tempo` or `shift`: each is worked through by itself.
const MOST_SPANS: i64 = 200;

/// Makes corrections, one or thousands, all or none: one gesture, whose `batch_id` undoes it at once.
///
/// Whoever may read the track may say what they hear; it is for their own eyes and their own grids.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/corrections", tag = "corrections", request_body = Batch,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = BatchView, headers(("Location" = String, description = "The gesture's corrections"))),
        (status = 404, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(batch): Json<Batch>,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/tracks/{track_id}/corrections");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &batch).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let said = batch.check(length_ms(&track))?;
    let analysis = looked_at(&mut tx, track_id, batch.analysis_id).await?;
    let have = corrections::hold(&mut tx, track_id, caller.user_id()).await?;
    let spans = said.iter().filter(|said| ["tempo", "shift"].contains(&said.kind.as_str())).count();
    bound(have.all, said.len(), MOST, "corrections")?;
    bound(have.spans, spans, MOST_SPANS, "tempo and shift corrections")?;
    let batch_id = Uuid::now_v7();
    let source = batch.source.as_str();
    let new = NewBatch { track_id, user_id: caller.user_id(), batch_id, said: &said, source, analysis };
    let made = corrections::insert(&mut tx, &new).await?;
    let view = BatchView { batch_id, corrections: made.into_iter().map(CorrectionView::from).collect() };
    let location = Some(format!("/v1/tracks/{track_id}/corrections?batch_id={batch_id}"));
    first.answer(tx, StatusCode::CREATED, location, &view).await
}

fn bound(have: i64, more: usize, most: i64, what: &str) -> Result<(), Problem> {
    if i64::try_from(more).is_ok_and(|more| have + more <= most) {
        return Ok(());
    }
    let rule = format!("you have {have} {what} of this track; there may be {most}");
    Err(Problem::invalid_field("#/corrections", rule))
}

/// Length of the audio, in ms, where it is known: rounded up, as it is stored in seconds.
#[expect(clippy::cast_possible_truncation, reason = "audio is far shorter than 24 days")]
fn length_ms(track: &Track) -> Option<i32> {
    track.duration_seconds.map(|seconds| ((f64::from(seconds) * 1000.0).ceil() as i32).saturating_add(1))
}

/// The analysis that a person looked at, and of which run it shows results.
async fn looked_at(
    db: &mut PgConnection,
    track_id: Uuid,
    analysis_id: Option<Uuid>,
) -> Result<Option<(Uuid, Option<OffsetDateTime>)>, Problem> {
    let Some(id) = analysis_id else { return Ok(None) };
    let source = frames::source(db, id).await?.filter(|source| source.track_id == track_id);
    let source = source.ok_or_else(|| {
        Problem::invalid_field("#/analysis_id", "is not the id of an analysis of this track")
    })?;
    Ok(Some((id, source.completed_at)))
}

/// Which corrections, and where in the list to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only these kinds, separated by commas: `beat`, `no_beat`, `downbeat`, `not_downbeat`, `tap`, `tempo`, `shift`,
    /// `meter`.
    kind: Option<String>,
    /// Only those made so: `tap`, `drag`, `keyboard`, `click`, `import` or `other`.
    #[param(value_type = Option<said::Source>)]
    source: Option<String>,
    /// Only those of this gesture.
    batch_id: Option<Uuid>,
    /// Only those at or after this, in ms.
    #[param(minimum = 0)]
    from_ms: Option<u32>,
    /// Only those before this, in ms.
    #[param(minimum = 0)]
    to_ms: Option<u32>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 1,000. Default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Most corrections on a page.
const MAX_PAGE: u32 = 1000;

/// Your corrections of a track, in order of time.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/corrections", tag = "corrections",
    params(("track_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<CorrectionView>), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<CorrectionView>>, Problem> {
    let limit = page::limit(query.limit, MAX_PAGE)?;
    let filters = Filters::of(query.kind, query.source, query.batch_id, query.from_ms, query.to_ms)?;
    let after = list.after(query.cursor.as_deref(), |key| key.parse().ok())?;
    let mut db = app.db().await?;
    rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let count = i64::from(limit) + 1;
    let rows =
        corrections::list(&mut db, track_id, caller.user_id(), &filters.filter(), after, count).await?;
    let cursor = |row: &Correction| list.cursor(row.said.time_ms, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// Which corrections to remove.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Only these kinds, separated by commas.
    kind: Option<String>,
    /// Only those made so.
    #[param(value_type = Option<said::Source>)]
    source: Option<String>,
    /// Only those of this gesture.
    batch_id: Option<Uuid>,
    /// Only those at or after this, in ms.
    #[param(minimum = 0)]
    from_ms: Option<u32>,
    /// Only those before this, in ms.
    #[param(minimum = 0)]
    to_ms: Option<u32>,
}

/// How many were removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// Corrections removed.
    deleted: u64,
}

/// Removes your corrections of a track that the filters name; without one, all of them. At most the 20,000 that there
/// may be.
#[utoipa::path(delete, path = "/v1/tracks/{track_id}/corrections", tag = "corrections",
    params(("track_id" = Uuid, Path), DeleteQuery),
    responses((status = 200, body = Deleted), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn delete_all(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    Query(query): Query<DeleteQuery>,
) -> Result<axum::Json<Deleted>, Problem> {
    let filters = Filters::of(query.kind, query.source, query.batch_id, query.from_ms, query.to_ms)?;
    rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    let mut tx = app.begin().await?;
    let deleted = corrections::delete_all(&mut tx, track_id, caller.user_id(), &filters.filter()).await?;
    if deleted > 0 {
        note_deleted(&mut tx, &caller, track_id, deleted).await?;
    }
    state::commit(tx).await?;
    Ok(axum::Json(Deleted { deleted }))
}

async fn note_deleted(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    deleted: u64,
) -> Result<(), Problem> {
    let mut entry = caller.audit_of("corrections.deleted", RESOURCE, None, Action::Delete);
    entry.details = Some(json!({ "track_id": track_id, "deleted": deleted }));
    Ok(access::record(db, &entry).await?)
}

/// One correction of yours.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/corrections/{correction_id}", tag = "corrections",
    params(("track_id" = Uuid, Path), ("correction_id" = Uuid, Path)),
    responses((status = 200, body = CorrectionView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, id)): Path<(Uuid, Uuid)>,
) -> Result<axum::Json<CorrectionView>, Problem> {
    let mut db = app.db().await?;
    rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let found = corrections::get(&mut db, track_id, caller.user_id(), id).await?;
    found.map(|found| axum::Json(found.into())).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Moves a correction in time. What it says and its place in the order of making stay.
#[utoipa::path(patch, path = "/v1/tracks/{track_id}/corrections/{correction_id}", tag = "corrections",
    params(("track_id" = Uuid, Path), ("correction_id" = Uuid, Path)), request_body = CorrectionPatch,
    responses((status = 200, body = CorrectionView), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, id)): Path<(Uuid, Uuid)>,
    Json(patch): Json<CorrectionPatch>,
) -> Result<axum::Json<CorrectionView>, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    let mut tx = app.begin().await?;
    corrections::hold(&mut tx, track_id, caller.user_id()).await?;
    let found = corrections::get(&mut tx, track_id, caller.user_id(), id).await?;
    let found = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let (time_ms, end_time_ms) = patch.check(&found.said, length_ms(&track))?;
    let moved = corrections::update(&mut tx, caller.user_id(), id, time_ms, end_time_ms).await?;
    state::commit(tx).await?;
    moved.map(|moved| axum::Json(moved.into())).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Removes a correction of yours.
#[utoipa::path(delete, path = "/v1/tracks/{track_id}/corrections/{correction_id}", tag = "corrections",
    params(("track_id" = Uuid, Path), ("correction_id" = Uuid, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    let mut tx = app.begin().await?;
    if !corrections::delete(&mut tx, track_id, caller.user_id(), id).await? {
        return Err(Problem::new(Kind::NotFound));
    }
    note_deleted(&mut tx, &caller, track_id, 1).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
