//! A track: look at it, rename it, remove it.

use crate::extract::{Json, Path};
use crate::patch::{given, nullable};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::{self, App};
use crate::text::{self, Checks};
use crate::views::TrackView;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use store::access::{self, Action};
use store::orphans;
use store::tracks::{self, Changes};
use utoipa::ToSchema;
use uuid::Uuid;

/// One track.
#[utoipa::path(get, path = "/v1/tracks/{track_id}", tag = "tracks", params(("track_id" = Uuid, Path)),
    responses((status = 200, body = TrackView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
) -> Result<axum::Json<TrackView>, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    Ok(axum::Json(track.into()))
}

/// Changes to a track: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrackPatch {
    /// New name, 1 to 500 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 500)]
    name: Option<String>,
    /// New free text, at most 10,000 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Option<String>>,
    /// New artist, at most 500 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    artist: Option<Option<String>>,
    /// New album, at most 500 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    album: Option<Option<String>>,
    /// New genre, at most 500 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500)]
    genre: Option<Option<String>>,
    /// New labels in place of the old: at most 50 of at most 100 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<Vec<String>>>,
}

impl TrackPatch {
    fn check(self) -> Result<Changes, Problem> {
        let mut checks = Checks::default();
        let optional = |checks: &mut Checks, pointer, limit, field: Option<Option<String>>| {
            field.map(|value| value.and_then(|value| checks.optional(pointer, limit, value)))
        };
        let changes = Changes {
            name: self.name.map(|name| checks.required("#/name", text::NAME, name)),
            description: optional(&mut checks, "#/description", text::DESCRIPTION, self.description),
            artist: optional(&mut checks, "#/artist", text::NAME, self.artist),
            album: optional(&mut checks, "#/album", text::NAME, self.album),
            genre: optional(&mut checks, "#/genre", text::NAME, self.genre),
            tags: self.tags.map(|tags| checks.tags("#/tags", tags.unwrap_or_default())),
        };
        checks.finish().map(|()| changes)
    }
}

/// Changes what is said about a track.
#[utoipa::path(patch, path = "/v1/tracks/{track_id}", tag = "tracks", params(("track_id" = Uuid, Path)),
    request_body = TrackPatch,
    responses((status = 200, body = TrackView), (status = 404, body = crate::problem::Body),
              (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    Json(patch): Json<TrackPatch>,
) -> Result<axum::Json<TrackView>, Problem> {
    let changes = patch.check()?;
    let mut tx = app.begin().await?;
    rights::track(&mut tx, &caller, track_id, Action::Update).await?;
    let track = tracks::update(&mut tx, track_id, &changes).await?;
    state::commit(tx).await?;
    track.map(|track| axum::Json(track.into())).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Removes a track with its audio, analyses, frames, events and annotations.
///
/// The rows go first, in one transaction that also enters the audio among the orphaned objects; then the
/// audio goes. The other way round, a failure in between would leave a track whose audio is gone; this way
/// it leaves an object that nobody sees and that is removed a little later. Audio that another track names too
/// stays.
#[utoipa::path(delete, path = "/v1/tracks/{track_id}", tag = "tracks", params(("track_id" = Uuid, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    rights::track(&mut tx, &caller, track_id, Action::Delete).await?;
    let Some(r2_key) = tracks::delete(&mut tx, track_id).await? else {
        return Err(Problem::new(Kind::NotFound));
    };
    let abandoned = orphans::abandon(&mut tx, &r2_key).await?;
    access::record(&mut tx, &caller.audit("track.deleted", track_id, Action::Delete)).await?;
    state::commit(tx).await?;
    if abandoned {
        crate::sweep::remove(&app, &r2_key).await;
    }
    Ok(StatusCode::NO_CONTENT)
}
