//! Many annotations at once.

use super::{AnnotationPatch, AnnotationRequest, AnnotationView, add, thing};
use crate::extract::{Json, Path};
use crate::idempotent::{self, Turn};
use crate::json;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use crate::text::Checks;
use crate::timeline;
use crate::timeline::bulk::{Bulk, Done, Removal, check_etag};
use crate::timeline::fields::Fields;
use crate::timeline::standing::{self, Standing, Thing};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use store::PgConnection;
use store::access::Action;
use store::annotations::{self, Annotation, Draft};
use store::tracks::Track;
use uuid::Uuid;

/// Makes, changes and removes annotations of a track, all or none.
///
/// For those who may annotate the track. You change your own, and remove those that you could remove one by one.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/annotations/bulk", tag = "annotations",
    request_body = Bulk<AnnotationRequest, AnnotationPatch>,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, body = Done<AnnotationView>), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body),
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
    let operation = format!("POST /v1/tracks/{track_id}/annotations/bulk");
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
    bulk: Bulk<AnnotationRequest, AnnotationPatch>,
) -> Result<Done<AnnotationView>, Problem> {
    bulk.check_size()?;
    // One at a time changes many: no two wait for each other's rows.
    timeline::hold(db, track.id).await?;
    let length_ms = timeline::length_ms(track);
    let mut checks = Checks::default();
    bulk.check(&mut checks);
    let mut changes: Vec<(Uuid, Draft)> = Vec::new();
    for (i, change) in bulk.update.into_iter().enumerate() {
        let pointer = format!("#/update/{i}");
        let Some(now) = seen(db, caller, track.id, change.id, &pointer, &mut checks).await? else { continue };
        if now.user_id != caller.user_id() {
            return Err(Problem::detailed(Kind::Forbidden, format!("{pointer} is another's")));
        }
        check_etag(&pointer, change.etag.as_deref(), now.updated_at)?;
        let fields = Fields::of(&mut checks, format!("{pointer}/set"), length_ms);
        changes.push((now.id, change.set.apply(&now, fields)));
    }
    let gone = removed(db, caller, track, bulk.delete, &mut checks).await?;
    let drafts = bulk
        .create
        .into_iter()
        .enumerate()
        .map(|(i, request)| request.check(Fields::of(&mut checks, format!("#/create/{i}"), length_ms)));
    let drafts: Vec<Draft> = drafts.collect();
    checks.finish()?;
    let mut updated = Vec::new();
    for (id, draft) in &changes {
        updated.extend(annotations::update(db, *id, draft).await?.map(AnnotationView::from));
    }
    standing::note(db, caller, "annotation.deleted", &gone, Action::Delete).await?;
    let gone: Vec<Uuid> = gone.into_iter().map(|thing| thing.id).collect();
    annotations::delete(db, &gone).await?;
    Ok(Done { created: add(db, caller, track.id, &drafts).await?, updated, deleted: gone })
}

/// An annotation that `caller` may see, held; there is an error at `pointer` where there is none.
async fn seen(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    id: Uuid,
    pointer: &str,
    checks: &mut Checks,
) -> Result<Option<Annotation>, Problem> {
    let found = annotations::lock(db, track_id, id).await?;
    let seen = found.filter(|found| !found.is_private || found.user_id == caller.user_id());
    if seen.is_none() {
        checks.refuse(format!("{pointer}/id"), "is no annotation of this track");
    }
    Ok(seen)
}

/// Checks who may remove what.
async fn removed(
    db: &mut PgConnection,
    caller: &Caller,
    track: &Track,
    removals: Vec<Removal>,
    checks: &mut Checks,
) -> Result<Vec<Thing>, Problem> {
    let mut gone = Vec::new();
    let mut allowed = track.user_id == caller.user_id();
    for (i, removal) in removals.into_iter().enumerate() {
        let pointer = format!("#/delete/{i}");
        let Some(now) = seen(db, caller, track.id, removal.id, &pointer, checks).await? else { continue };
        check_etag(&pointer, removal.etag.as_deref(), now.updated_at)?;
        if now.user_id != caller.user_id() && !allowed {
            Standing::Reader.require(db, caller, track.id, Action::Delete).await?;
            allowed = true;
        }
        gone.push(thing(&now));
    }
    Ok(gone)
}
