//! Regions: the named sections of a track as people see them, in an order of their own.
//!
//! Whoever may read the track sees them. Who may change the track makes, changes, orders and removes them, whoever made
//! them; an author may always change and remove their own.

mod bulk;
mod draft;
mod files;
mod found;
mod order;

pub(crate) use self::bulk::{__path_bulk, bulk};
pub(crate) use self::files::{__path_export, __path_import, export, import};
pub(crate) use self::found::{__path_from_analysis, from_analysis};
pub(crate) use self::order::{__path_reorder, reorder};

use self::draft::{RegionPatch, RegionRequest, SECTION_TYPES};
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
use store::regions::{self, Filter, Region};
use store::tracks;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `audit_log.resource_type` of regions.
const RESOURCE: &str = "track_regions";

/// A named section of a track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Region)]
pub(crate) struct RegionView {
    /// Id.
    id: Uuid,
    /// Of which track.
    track_id: Uuid,
    /// Who made it.
    author_id: Uuid,
    /// Where it begins, in ms.
    start_time_ms: i32,
    /// Where it ends, in ms.
    end_time_ms: i32,
    /// Name to show.
    name: String,
    /// Free text.
    description: Option<String>,
    /// What part of a piece it is.
    #[schema(example = "chorus")]
    section_type: Option<String>,
    /// Colour as `#rrggbb`.
    #[schema(example = "#ff8800")]
    color: Option<String>,
    /// Place in a list; regions of equal place come by time.
    display_order: i32,
    /// This version of it, as `If-Match` takes it.
    #[schema(example = "\"3e8\"")]
    etag: String,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Region> for RegionView {
    fn from(row: Region) -> Self {
        Self {
            id: row.id,
            track_id: row.track_id,
            author_id: row.user_id,
            start_time_ms: row.start_time_ms,
            end_time_ms: row.end_time_ms,
            name: row.name,
            description: row.description,
            section_type: row.section_type,
            color: row.color,
            display_order: row.display_order,
            etag: version::etag(row.updated_at),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn thing(row: &Region) -> Thing {
    Thing { resource: RESOURCE, id: row.id, track_id: row.track_id, author_id: row.user_id }
}

/// Which regions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Keep those that end after this time, in ms.
    #[param(minimum = 0)]
    from_ms: Option<i32>,
    /// Keep those that begin before this time, in ms; after `from_ms`.
    #[param(minimum = 0)]
    to_ms: Option<i32>,
    /// Keep this type only.
    section_type: Option<String>,
    /// Keep those of this person only.
    author_id: Option<Uuid>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 500. Default 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Regions of a track in their order: by `display_order`, then by time.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/regions", tag = "regions",
    params(("track_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = Page<RegionView>), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<RegionView>>, Problem> {
    let limit = page::limit(query.limit, listing::MAX_LIMIT)?;
    let Span { from_ms, to_ms } = Span::new(query.from_ms, query.to_ms)?;
    let after = list.after(query.cursor.as_deref(), read_key)?;
    let filter = Filter {
        from_ms,
        to_ms,
        section_type: query.section_type.as_deref(),
        author_id: query.author_id,
        after: after.map(|((order, start_ms), id)| (order, start_ms, id)),
        limit: i64::from(limit) + 1,
    };
    let mut db = app.db().await?;
    rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let rows = regions::list(&mut db, track_id, &filter).await?;
    let key = |row: &Region| format!("{}_{}", row.display_order, row.start_time_ms);
    Ok(axum::Json(Page::new(rows, limit, |row| list.cursor(key(row), row.id))))
}

fn read_key(key: &str) -> Option<(i32, i32)> {
    let (order, start_ms) = key.split_once('_')?;
    Some((order.parse().ok()?, start_ms.parse().ok()?))
}

/// Makes a region of a track: yours, or another's that a role lets you change.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/regions", tag = "regions", request_body = RegionRequest,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = RegionView, headers(("Location" = String, description = "The region"))),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "There are as many as are kept, or the key is in use", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(request): Json<RegionRequest>,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let mut checks = Checks::default();
    let draft = request.check(Fields::of(&mut checks, "#", timeline::length_ms(&track)));
    checks.finish()?;
    let operation = format!("POST /v1/tracks/{track_id}/regions");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &draft).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let made = add(&mut tx, &caller, track_id, &[draft]).await?.pop();
    let view = made.ok_or_else(|| Problem::internal("a region was not written"))?;
    let location = Some(format!("/v1/tracks/{track_id}/regions/{}", view.id));
    first.answer(tx, StatusCode::CREATED, location, &view).await
}

/// Makes regions, if there is room for them.
async fn add(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    drafts: &[regions::Draft],
) -> Result<Vec<RegionView>, Problem> {
    timeline::hold(db, track_id).await?;
    timeline::check_room(regions::count(db, track_id, caller.user_id()).await?, drafts.len())?;
    let made = regions::insert(db, track_id, caller.user_id(), drafts).await?;
    Ok(made.into_iter().map(RegionView::from).collect())
}

/// What `caller` is to a region; 404 for those who may not see it, as if there were none.
async fn standing(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
    found: Option<Region>,
) -> Result<(Region, Standing), Problem> {
    let author_id = found.as_ref().map(|region| region.user_id);
    let standing = Standing::of(db, caller, track_id, author_id).await?;
    found.map(|region| (region, standing)).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// One region.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/regions/{region_id}", tag = "regions",
    params(("track_id" = Uuid, Path), ("region_id" = Uuid, Path)),
    responses((status = 200, body = RegionView, headers(("ETag" = String, description = "This version of it"))),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, region_id)): Path<(Uuid, Uuid)>,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    let found = regions::get(&mut db, track_id, region_id).await?;
    let (region, _) = standing(&mut db, &caller, track_id, found).await?;
    Ok(version::tagged(region.updated_at, RegionView::from(region)))
}

/// Changes a region. What is absent stays, `null` empties.
#[utoipa::path(patch, path = "/v1/tracks/{track_id}/regions/{region_id}", tag = "regions",
    params(("track_id" = Uuid, Path), ("region_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed: 412 if it is another by now")),
    request_body = RegionPatch,
    responses((status = 200, body = RegionView, headers(("ETag" = String, description = "The new version"))),
        (status = 403, body = crate::problem::Body), (status = 404, body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, region_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
    Json(patch): Json<RegionPatch>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    let found = regions::lock(&mut tx, track_id, region_id).await?;
    let (region, standing) = standing(&mut tx, &caller, track_id, found).await?;
    standing.require(&mut tx, &caller, track_id, Action::Update).await?;
    version::check_if_match(&headers, region.updated_at)?;
    let length_ms = tracks::get(&mut tx, track_id).await?.as_ref().and_then(timeline::length_ms);
    let mut checks = Checks::default();
    let draft = patch.apply(&region, Fields::of(&mut checks, "#", length_ms));
    checks.finish()?;
    let changed = regions::update(&mut tx, region_id, &draft).await?;
    let changed = changed.ok_or_else(|| Problem::new(Kind::NotFound))?;
    standing::note(&mut tx, &caller, "region.updated", &[thing(&region)], Action::Update).await?;
    state::commit(tx).await?;
    Ok(version::tagged(changed.updated_at, RegionView::from(changed)))
}

/// Removes a region.
#[utoipa::path(delete, path = "/v1/tracks/{track_id}/regions/{region_id}", tag = "regions",
    params(("track_id" = Uuid, Path), ("region_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is removed: 412 if it is another by now")),
    responses((status = 204, description = "Removed"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body), (status = 412, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, region_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    let found = regions::lock(&mut tx, track_id, region_id).await?;
    let (region, standing) = standing(&mut tx, &caller, track_id, found).await?;
    standing.require(&mut tx, &caller, track_id, Action::Update).await?;
    version::check_if_match(&headers, region.updated_at)?;
    regions::delete(&mut tx, &[region_id]).await?;
    standing::note(&mut tx, &caller, "region.deleted", &[thing(&region)], Action::Delete).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
