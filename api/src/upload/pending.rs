//! Announced uploads: look at them, abort them. They are their owner's alone; no role reaches them.

use crate::extract::{Path, Query};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem, chain};
use crate::request::Caller;
use crate::state::{self, App};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::PgConnection;
use store::access::{self, Action};
use store::objects::ObjectKey;
use store::uploads::{self, Upload};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// `audit_log.resource_type` of uploads.
const RESOURCE: &str = "audio_uploads";

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UploadStatus {
    /// Announced: its audio may be under way or there.
    Pending,
    /// Its audio is being checked.
    Verifying,
    /// It became a track.
    Completed,
}

/// An announced upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadView {
    /// Id.
    id: Uuid,
    /// How far it is.
    status: UploadStatus,
    /// Size of the file as announced, in bytes.
    size_bytes: i64,
    /// SHA-256 of the file as announced, in hex.
    sha256: Option<String>,
    /// Type to store the file with.
    content_type: String,
    /// What it became.
    track_id: Option<Uuid>,
    /// Until when sending may begin.
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    /// Until when it can be completed, or its completion repeated.
    #[serde(with = "rfc3339")]
    kept_until: OffsetDateTime,
    /// When it was announced.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        let status = match upload.track_id {
            Some(_) => UploadStatus::Completed,
            None if upload.verifying => UploadStatus::Verifying,
            None => UploadStatus::Pending,
        };
        Self {
            id: upload.id,
            status,
            size_bytes: upload.size_bytes,
            sha256: upload.sha256,
            content_type: upload.content_type,
            track_id: upload.track_id,
            expires_at: upload.expires_at,
            kept_until: upload.kept_until,
            created_at: upload.created_at,
        }
    }
}

/// The upload, if it is the caller's. Another's is as if it were not there.
pub(super) async fn own(db: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<Upload, Problem> {
    let found = uploads::get(db, id).await?.filter(|upload| upload.user_id == caller.user_id());
    found.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Where in a list to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Your announced uploads, newest first. Those that were completed are kept for a day.
#[utoipa::path(get, path = "/v1/uploads", tag = "uploads", params(ListQuery),
    responses((status = 200, body = Page<UploadView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<UploadView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let before = list.after_time(query.cursor.as_deref())?;
    let mut db = app.db().await?;
    let rows = uploads::list(&mut db, caller.user_id(), before, i64::from(limit) + 1).await?;
    let cursor = |row: &Upload| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// One announced upload.
#[utoipa::path(get, path = "/v1/uploads/{upload_id}", tag = "uploads", params(("upload_id" = Uuid, Path)),
    responses((status = 200, body = UploadView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(upload_id): Path<Uuid>,
) -> Result<axum::Json<UploadView>, Problem> {
    Ok(axum::Json(own(&mut *app.db().await?, &caller, upload_id).await?.into()))
}

/// Aborts an upload: what came of it is removed, and its place is free, where the bucket takes the audio once its address
/// has expired. 409 when it became a track.
#[utoipa::path(delete, path = "/v1/uploads/{upload_id}", tag = "uploads", params(("upload_id" = Uuid, Path)),
    responses((status = 204, description = "Aborted"), (status = 404, body = crate::problem::Body),
        (status = 409, body = crate::problem::Body)))]
pub(crate) async fn abort(
    State(app): State<App>,
    caller: Caller,
    Path(upload_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    own(&mut tx, &caller, upload_id).await?;
    if !uploads::abort(&mut tx, upload_id).await? {
        return Err(Problem::new(Kind::UploadCompleted));
    }
    let entry = caller.audit_of("upload.aborted", RESOURCE, Some(upload_id), Action::Delete);
    access::record(&mut tx, &entry).await?;
    state::commit(tx).await?;
    discard(&app, upload_id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes what came of an upload. Its key stays on the list of orphans: until its address has expired more may come.
pub(super) async fn discard(app: &App, upload_id: Uuid) {
    if let Err(error) = app.objects().delete(&ObjectKey::upload(upload_id)).await {
        tracing::warn!(upload.id = %upload_id, cause = chain(&error), "could not remove an upload; it is tried again");
    }
}
