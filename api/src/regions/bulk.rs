//! Many regions at once.

use super::{RegionPatch, RegionRequest, RegionView, add, thing};
use crate::extract::{Json, Path};
use crate::idempotent::{self, Turn};
use crate::json;
use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use crate::text::Checks;
use crate::timeline;
use crate::timeline::bulk::{Bulk, Done, check_etag};
use crate::timeline::fields::Fields;
use crate::timeline::standing::{self, Thing};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use store::PgConnection;
use store::access::Action;
use store::regions::{self, Draft, Region};
use store::tracks::Track;
use uuid::Uuid;

/// Makes, changes and removes regions of a track, all or none. For those who may change the track.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/regions/bulk", tag = "regions",
    request_body = Bulk<RegionRequest, RegionPatch>,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, body = Done<RegionView>), (status = 404, body = crate::problem::Body),
        (status = 409, description = "There are as many as are kept, or the key is in use", body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn bulk(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/tracks/{track_id}/regions/bulk");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let done = apply(&mut tx, &caller, &track, json::read(asked)?).await?;
    first.answer(tx, StatusCode::OK, None, &done).await
}

async fn apply(
    db: &mut PgConnection,
    caller: &Caller,
    track: &Track,
    bulk: Bulk<RegionRequest, RegionPatch>,
) -> Result<Done<RegionView>, Problem> {
    bulk.check_size()?;
    // One at a time changes many: no two wait for each other's rows.
    timeline::hold(db, track.id).await?;
    let length_ms = timeline::length_ms(track);
    let mut checks = Checks::default();
    bulk.check(&mut checks);
    let mut changes: Vec<(Uuid, Draft)> = Vec::new();
    let mut changed: Vec<Thing> = Vec::new();
    for (i, change) in bulk.update.into_iter().enumerate() {
        let pointer = format!("#/update/{i}");
        let Some(now) = held(db, track.id, change.id, &pointer, &mut checks).await? else { continue };
        check_etag(&pointer, change.etag.as_deref(), now.updated_at)?;
        changed.push(thing(&now));
        let fields = Fields::of(&mut checks, format!("{pointer}/set"), length_ms);
        changes.push((now.id, change.set.apply(&now, fields)));
    }
    let mut gone: Vec<Thing> = Vec::new();
    for (i, removal) in bulk.delete.into_iter().enumerate() {
        let pointer = format!("#/delete/{i}");
        let Some(now) = held(db, track.id, removal.id, &pointer, &mut checks).await? else { continue };
        check_etag(&pointer, removal.etag.as_deref(), now.updated_at)?;
        gone.push(thing(&now));
    }
    let drafts = bulk
        .create
        .into_iter()
        .enumerate()
        .map(|(i, request)| request.check(Fields::of(&mut checks, format!("#/create/{i}"), length_ms)));
    let drafts: Vec<Draft> = drafts.collect();
    checks.finish()?;
    let mut updated = Vec::new();
    for (id, draft) in &changes {
        updated.extend(regions::update(db, *id, draft).await?.map(RegionView::from));
    }
    standing::note(db, caller, "region.updated", &changed, Action::Update).await?;
    standing::note(db, caller, "region.deleted", &gone, Action::Delete).await?;
    let gone: Vec<Uuid> = gone.into_iter().map(|thing| thing.id).collect();
    regions::delete(db, &gone).await?;
    Ok(Done { created: add(db, caller, track.id, &drafts).await?, updated, deleted: gone })
}

/// A region, held; there is an error at `pointer` where there is none.
async fn held(
    db: &mut PgConnection,
    track_id: Uuid,
    id: Uuid,
    pointer: &str,
    checks: &mut Checks,
) -> Result<Option<Region>, Problem> {
    let found = regions::lock(db, track_id, id).await?;
    if found.is_none() {
        checks.refuse(format!("{pointer}/id"), "is no region of this track");
    }
    Ok(found)
}
