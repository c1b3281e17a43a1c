//! The address of an announced upload at this server, where the storage has none of its own. It is what a signed address
//! of S3 is: whoever has it can store exactly the bytes that were announced, until it expires.

use super::audio::{limited, put};
use super::body::guard;
use super::{body_of, refuse_encoded};
use crate::extract::{Path, Query};
use crate::problem::{Kind, Problem};
use crate::state::App;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt as _;
use serde::Deserialize;
use std::time::Duration;
use store::objects::ObjectKey;
use store::sessions::Token;
use store::uploads::{self, Upload};
use tracing::Instrument as _;
use utoipa::IntoParams;
use uuid::Uuid;

/// Longest secret worth hashing, in bytes.
const MAX_SECRET_BYTES: usize = 256;

/// What makes the address that of someone who may upload.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressQuery {
    /// As the upload's `url` has it.
    secret: String,
}

/// Takes the audio of an announced upload, where its `url` leads here. No session is needed.
///
/// The audio as the body, with a `Content-Length` that is the announced size. Sent again it replaces what came before, until
/// the upload is completed.
#[utoipa::path(put, path = "/v1/uploads/{upload_id}/content", tag = "uploads", security(()),
    params(("upload_id" = Uuid, Path), AddressQuery),
    request_body(content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "audio/*"), (Vec<u8> = "video/*"))),
    responses((status = 204, description = "Stored"), (status = 400, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body), (status = 408, body = crate::problem::Body),
        (status = 409, description = "Its audio is under way already, or too much of its owner's", body = crate::problem::Body),
        (status = 411, body = crate::problem::Body), (status = 413, body = crate::problem::Body),
        (status = 415, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn store(
    State(app): State<App>,
    Path(upload_id): Path<Uuid>,
    Query(query): Query<AddressQuery>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let secret = Token::presented(query.secret.get(..MAX_SECRET_BYTES).unwrap_or(&query.secret));
    let found = uploads::at_address(&mut *app.db().await?, upload_id, &secret).await?;
    let upload = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let own = body_of(&app, upload.user_id)?;
    let place = app.manners().contents.take(upload_id, 1).ok_or_else(|| {
        let busy = Problem::detailed(Kind::TooManyUploads, "the audio of this upload is under way already");
        busy.retry_after(Duration::from_secs(5))
    })?;
    let taken = take_in(app.clone(), upload, secret, request);
    let taken = async move {
        let _places = (own, place);
        taken.await
    };
    // A task of its own, as for other uploads: it sees the body break when the client goes away.
    let task = app.uploads().spawn(taken.in_current_span());
    task.await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

async fn take_in(app: App, upload: Upload, secret: Token, request: Request) -> Result<StatusCode, Problem> {
    refuse_encoded(request.headers())?;
    let announced = u64::try_from(upload.size_bytes).map_err(Problem::internal)?;
    if super::content_length(request.headers())? != announced {
        let detail = format!("must be {announced}, as announced");
        return Err(Problem::invalid_field("Content-Length", detail));
    }
    let (stream, fault) = guard(request.into_body(), app.config(), app.breaking_off());
    let pieces = stream.map(|piece| piece.map_err(|error| fault.or(Problem::internal(error))));
    // Once all is there, and before it takes the place of anything: the upload may have been aborted meanwhile.
    let still = still_open(&app, upload.id, &secret);
    let pieces = pieces.chain(futures::stream::once(still));
    let pieces = limited(Box::pin(pieces), announced);
    put(app.objects(), &ObjectKey::upload(upload.id), &upload.content_type, pieces).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An empty piece, or a problem where the upload is gone or has become a track.
async fn still_open(app: &App, upload_id: Uuid, secret: &Token) -> Result<Bytes, Problem> {
    let open = uploads::is_open(&mut *app.db().await?, upload_id, secret).await?;
    open.then(Bytes::new).ok_or_else(|| Problem::new(Kind::NotFound))
}
