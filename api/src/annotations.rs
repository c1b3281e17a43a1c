//! Annotations: what people note about moments and stretches of a track.
//!
//! A private one is seen by its author alone: neither the owner of the track nor any role sees it. The others are seen by
//! whoever may read the track. Who may change a track may annotate it; what an annotation says only its author changes;
//! one that is not private may also be removed by the owner of the track, and by those who may remove tracks.

mod bulk;
mod draft;
mod files;

pub(crate) use self::bulk::{__path_bulk, bulk};
pub(crate) use self::files::{__path_export, __path_import, export, import};

use self::draft::{AnnotationPatch, AnnotationRequest};
use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::{self, App};
use crate::text::Checks;
use crate::timeline::fields::Fields;
use crate::timeline::listing::{self, Span};
use crate::timeline::standing::{self, Standing, Thing};
use crate::timeline::{self, version};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::PgConnection;
use store::access::Action;
use store::annotations::{self, Annotation, Filter};
use store::tracks;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `audit_log.resource_type` of annotations.
const RESOURCE: &str = "track_annotations";

/// What somebody noted about a moment or a stretch of a track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Annotation)]
pub(crate) struct AnnotationView {
    /// Id.
    id: Uuid,
    /// On which track.
    track_id: Uuid,
    /// Who wrote it.
    author_id: Uuid,
    /// Where it begins, in ms.
    start_time_ms: i32,
    /// Where it ends, in ms; null for a moment.
    end_time_ms: Option<i32>,
    /// What it says, in a line.
    title: String,
    /// What it says at length.
    content: Option<String>,
    /// What kind of annotation its author calls it.
    category: Option<String>,
    /// Colour as `#rrggbb`.
    #[schema(example = "#ff8800")]
    color: Option<String>,
    /// Only its author sees it.
    is_private: bool,
    /// This version of it, as `If-Match` takes it.
    #[schema(example = "\"3e8\"")]
    etag: String,
    /// When it was written.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Annotation> for AnnotationView {
    fn from(row: Annotation) -> Self {
        Self {
            id: row.id,
            track_id: row.track_id,
            author_id: row.user_id,
            start_time_ms: row.start_time_ms,
            end_time_ms: row.end_time_ms,
            title: row.title,
            content: row.content,
            category: row.category,
            color: row.color,
            is_private: row.is_private,
            etag: version::etag(row.updated_at),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn thing(row: &Annotation) -> Thing {
    Thing { resource: RESOURCE, id: row.id, track_id: row.track_id, author_id: row.user_id }
}

/// Which annotations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Keep those that reach beyond this time, in ms; a moment must not be before it.
    #[param(minimum = 0)]
    from_ms: Option<i32>,
    /// Keep those that begin before this time, in ms; after `from_ms`.
    #[param(minimum = 0)]
    to_ms: Option<i32>,
    /// Keep this category only.
    category: Option<String>,
    /// Keep those of this person only.
    author_id: Option<Uuid>,
    /// `true` keeps private ones only, `false` those that are not.
    is_private: Option<bool>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 500. Default 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Annotations of a track, by time: yours, and those of others that are not private.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/annotations", tag = "annotations",
    params(("track_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<AnnotationView>), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<AnnotationView>>, Problem> {
    let limit = page::limit(query.limit, listing::MAX_LIMIT)?;
    let Span { from_ms, to_ms } = Span::new(query.from_ms, query.to_ms)?;
    let after = list.after(query.cursor.as_deref(), |key| key.parse().ok())?;
    let filter = Filter {
        from_ms,
        to_ms,
        category: query.category.as_deref(),
        author_id: query.author_id,
        is_private: query.is_private,
        after,
        limit: i64::from(limit) + 1,
    };
    let mut db = app.db().await?;
    rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let rows = annotations::list(&mut db, track_id, caller.user_id(), &filter).await?;
    let cursor = |row: &Annotation| list.cursor(row.start_time_ms, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// Annotates a track: yours, or another's that a role lets you change. Private unless you say otherwise.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/annotations", tag = "annotations",
    request_body = AnnotationRequest,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = AnnotationView, headers(("Location" = String, description = "The annotation"))),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "There are as many as are kept, or the key is in use", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(request): Json<AnnotationRequest>,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let mut checks = Checks::default();
    let draft = request.check(Fields::of(&mut checks, "#", timeline::length_ms(&track)));
    checks.finish()?;
    let operation = format!("POST /v1/tracks/{track_id}/annotations");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &draft).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let made = add(&mut tx, &caller, track_id, &[draft]).await?.pop();
    let view = made.ok_or_else(|| Problem::internal("an annotation was not written"))?;
    let location = Some(format!("/v1/tracks/{track_id}/annotations/{}", view.id));
    first.answer(tx, StatusCode::CREATED, location, &view).await
}

/// Writes annotations, if there is room for them.
async fn add(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    drafts: &[annotations::Draft],
) -> Result<Vec<AnnotationView>, Problem> {
    timeline::hold(db, track_id).await?;
    timeline::check_room(annotations::count(db, track_id, caller.user_id()).await?, drafts.len())?;
    let made = annotations::insert(db, track_id, caller.user_id(), drafts).await?;
    Ok(made.into_iter().map(AnnotationView::from).collect())
}

/// What `caller` is to an annotation that they may see; 404 for the others, as if there were none.
async fn standing(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    found: Option<Annotation>,
) -> Result<(Annotation, Standing), Problem> {
    let author_id = found.as_ref().map(|annotation| annotation.user_id);
    let standing = Standing::of(db, caller, track_id, author_id).await?;
    let seen = found.filter(|annotation| standing == Standing::Author || !annotation.is_private);
    seen.map(|annotation| (annotation, standing)).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// One annotation.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/annotations/{annotation_id}", tag = "annotations",
    params(("track_id" = Uuid, Path), ("annotation_id" = Uuid, Path)),
    responses((status = 200, body = AnnotationView, headers(("ETag" = String, description = "This version of it"))),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, annotation_id)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    let found = annotations::get(&mut db, track_id, annotation_id).await?;
    let (annotation, _) = standing(&mut db, &caller, track_id, found).await?;
    Ok(version::tagged(annotation.updated_at, AnnotationView::from(annotation)))
}

/// Changes an annotation: its author alone may. What is absent stays, `null` empties.
#[utoipa::path(patch, path = "/v1/tracks/{track_id}/annotations/{annotation_id}", tag = "annotations",
    params(("track_id" = Uuid, Path), ("annotation_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed: 412 if it is another by now")),
    request_body = AnnotationPatch,
    responses((status = 200, body = AnnotationView, headers(("ETag" = String, description = "The new version"))),
        (status = 403, body = crate::problem::Body), (status = 404, body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, annotation_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
    Json(patch): Json<AnnotationPatch>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    let found = annotations::lock(&mut tx, track_id, annotation_id).await?;
    let (annotation, standing) = standing(&mut tx, &caller, track_id, found).await?;
    if standing != Standing::Author {
        return Err(Problem::new(Kind::Forbidden));
    }
    version::check_if_match(&headers, annotation.updated_at)?;
    let length_ms = tracks::get(&mut tx, track_id).await?.as_ref().and_then(timeline::length_ms);
    let mut checks = Checks::default();
    let draft = patch.apply(&annotation, Fields::of(&mut checks, "#", length_ms));
    checks.finish()?;
    let changed = annotations::update(&mut tx, annotation_id, &draft).await?;
    let changed = changed.ok_or_else(|| Problem::new(Kind::NotFound))?;
    state::commit(tx).await?;
    Ok(version::tagged(changed.updated_at, AnnotationView::from(changed)))
}

/// Removes an annotation: its author may, and, unless it is private, the owner of the track and those who may remove it.
#[utoipa::path(delete, path = "/v1/tracks/{track_id}/annotations/{annotation_id}", tag = "annotations",
    params(("track_id" = Uuid, Path), ("annotation_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is removed: 412 if it is another by now")),
    responses((status = 204, description = "Removed"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body), (status = 412, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, annotation_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    let found = annotations::lock(&mut tx, track_id, annotation_id).await?;
    let (annotation, standing) = standing(&mut tx, &caller, track_id, found).await?;
    standing.require(&mut tx, &caller, track_id, Action::Delete).await?;
    version::check_if_match(&headers, annotation.updated_at)?;
    annotations::delete(&mut tx, &[annotation_id]).await?;
    standing::note(&mut tx, &caller, "annotation.deleted", &[thing(&annotation)], Action::Delete).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
