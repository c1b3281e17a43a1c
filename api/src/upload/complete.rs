//! Completing an announced upload: the server looks at what came, and makes a track of it.
//!
//! ```text
//! hold the upload → size and first bytes → a key of the track's own among the orphans → copy there
//!   → read the copy to its end: what it is, its size, its SHA-256
//!   → one transaction: track, analysis, ticket, orphan adopted, answer kept → 201
//! ```
//!
//! What is verified is the copy, which only the server can write. The client can go on writing at its own address until
//! that expires: it changes nothing that anyone reads. Whatever fails, or dies, on the way leaves the upload as it was, and
//! the copy to the sweeper.

use super::audio::{Audio, recognize, take_in};
use super::pending::{discard, own};
use super::{Received, made, make_track};
use crate::extract::Path;
use crate::idempotent::{self, LEASE};
use crate::problem::{Kind, Problem, chain};
use crate::request::Caller;
use crate::sniff::SNIFF_BYTES;
use crate::state::{self, App};
use crate::sweep;
use axum::extract::State;
use axum::response::Response;
use bytes::BytesMut;
use futures::{StreamExt as _, TryStreamExt as _};
use std::convert::Infallible;
use std::time::Duration;
use store::idempotency::Answer;
use store::objects::{self, ObjectKey};
use store::orphans;
use store::uploads::{self, Upload, Verification};
use tracing::Instrument as _;
use uuid::Uuid;

/// How often a verification says that it goes on: two misses are borne.
const EXTEND_EVERY: Duration = Duration::from_secs(20);

/// When to ask again for an upload that is being verified.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Completes an upload: makes a track of it, and asks for its analysis.
///
/// The audio is read once to its end, so the answer may take a while. Repeated, also at the same time, it makes one track:
/// 409 `upload-in-use` while the first is at it, then the first answer again. 409 `upload-missing` while no audio has come.
/// After a refusal (415, 422) the audio may be sent again, until the upload expires.
#[utoipa::path(post, path = "/v1/uploads/{upload_id}/complete", tag = "uploads", params(("upload_id" = Uuid, Path)),
    responses((status = 201, body = super::Uploaded, headers(("Location" = String, description = "The track"))),
        (status = 404, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 413, body = crate::problem::Body), (status = 415, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn complete(
    State(app): State<App>,
    caller: Caller,
    Path(upload_id): Path<Uuid>,
) -> Result<Response, Problem> {
    // A task of its own: a client that goes away and asks again finds it done.
    let task = app.uploads().spawn(handle(app.clone(), caller, upload_id).in_current_span());
    task.await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

async fn handle(app: App, caller: Caller, upload_id: Uuid) -> Result<Response, Problem> {
    let begun = begin(&app, &caller, upload_id).await?;
    let (upload, held) = match begun {
        Begun::Done(answer) => return Ok(idempotent::respond(answer)),
        Begun::Held(upload, held) => (upload, held),
    };
    let answer = holding(&app, held, verify_and_record(&app, &upload, held)).await;
    match answer {
        Ok(_) => discard(&app, upload_id).await,
        Err(_) => uploads::give_up(&mut *app.db().await?, held).await?,
    }
    Ok(idempotent::respond(answer?))
}

enum Begun {
    /// It was completed before.
    Done(Answer),
    /// It is ours to complete.
    Held(Upload, Verification),
}

async fn begin(app: &App, caller: &Caller, upload_id: Uuid) -> Result<Begun, Problem> {
    let mut db = app.db().await?;
    let upload = own(&mut db, caller, upload_id).await?;
    if let Some(held) = uploads::begin_verification(&mut db, upload_id, LEASE).await? {
        return Ok(Begun::Held(upload, held));
    }
    // Done, or another is at it.
    let upload = own(&mut db, caller, upload_id).await?;
    match (upload.track_id, upload.answer) {
        (Some(track_id), Some(body)) => Ok(Begun::Done(made(track_id, body))),
        _ => Err(Problem::new(Kind::UploadInUse).retry_after(ASK_AGAIN)),
    }
}

/// Does work of unknown length and holds the upload meanwhile. A hold that is lost all the same is told at the commit.
async fn holding<T>(app: &App, held: Verification, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = keep_holding(app, held) => match never {},
    }
}

async fn keep_holding(app: &App, held: Verification) -> Infallible {
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        if let Err(error) = extend(app, held).await {
            tracing::warn!(cause = chain(&error), "could not hold an upload; it is tried again");
        }
    }
}

async fn extend(app: &App, held: Verification) -> store::Result<bool> {
    uploads::extend(&mut *app.pool().acquire().await?, held, LEASE).await
}

async fn verify_and_record(app: &App, upload: &Upload, held: Verification) -> Result<Answer, Problem> {
    let mime = look(app, upload).await?;
    let track_id = Uuid::now_v7();
    let key = ObjectKey::audio(track_id);
    let patience = super::seconds(app.config().upload_timeout) * 2;
    orphans::expect(&mut *app.db().await?, key.as_str(), patience).await?;
    let answer = async {
        let audio = tokio::select! {
            audio = copy_and_verify(app, upload, &key, mime) => audio?,
            () = app.breaking_off().cancelled() => {
                return Err(Problem::detailed(Kind::Unavailable, "the server ends"));
            }
        };
        record(app, upload, held, track_id, &key, audio).await
    };
    let answer = answer.await;
    if answer.is_err() {
        sweep::remove(app, key.as_str()).await;
    }
    answer
}

/// What can be told without reading all of it: that it is there, its size, its type. Saves a copy; proves nothing.
async fn look(app: &App, upload: &Upload) -> Result<&'static str, Problem> {
    let key = ObjectKey::upload(upload.id);
    let head = app.objects().head(&key).await.map_err(missing)?;
    check_size(upload, head.size_bytes)?;
    let start = app.objects().get_range(&key, 0, SNIFF_BYTES as u64 - 1).await.map_err(missing)?;
    let start: BytesMut = start.stream.try_collect().await.map_err(broken_off)?;
    Ok(recognize(&start)?.mime)
}

async fn copy_and_verify(
    app: &App,
    upload: &Upload,
    key: &ObjectKey,
    mime: &'static str,
) -> Result<Audio, Problem> {
    app.objects().copy(&ObjectKey::upload(upload.id), key, mime).await.map_err(missing)?;
    let body = app.objects().get(key).await?;
    let audio = take_in(app, None, body.stream.map(|piece| piece.map_err(broken_off))).await?;
    check_size(upload, audio.size_bytes)?;
    match &upload.sha256 {
        Some(announced) if *announced != audio.sha256 => {
            let detail = format!("the audio has {}, announced was {announced}", audio.sha256);
            Err(Problem::invalid_field("#/sha256", detail))
        }
        _ => Ok(audio),
    }
}

fn check_size(upload: &Upload, size_bytes: u64) -> Result<(), Problem> {
    if u64::try_from(upload.size_bytes) == Ok(size_bytes) {
        return Ok(());
    }
    let detail = format!("the audio has {size_bytes} bytes, announced were {}", upload.size_bytes);
    Err(Problem::invalid_field("#/size_bytes", detail))
}

fn missing(error: objects::Error) -> Problem {
    match error {
        objects::Error::NotFound { .. } => Problem::new(Kind::UploadMissing),
        // What has no first byte is empty.
        objects::Error::RangeNotSatisfiable { .. } => {
            Problem::invalid_field("#/size_bytes", "the audio is empty")
        }
        error => error.into(),
    }
}

fn broken_off(error: std::io::Error) -> Problem {
    Problem::new(Kind::Unavailable).because(error).retry_after(Duration::from_secs(5))
}

/// The transaction that makes a track of an upload.
async fn record(
    app: &App,
    upload: &Upload,
    held: Verification,
    track_id: Uuid,
    key: &ObjectKey,
    audio: Audio,
) -> Result<Answer, Problem> {
    let about = serde_json::from_value(upload.about.clone()).map_err(Problem::internal)?;
    let mut tx = app.begin().await?;
    let answer = make_track(&mut tx, upload.user_id, track_id, key, Received { about, audio }).await?;
    let kept_for = super::seconds(app.config().idempotency_age);
    if !uploads::complete(&mut tx, held, track_id, &answer.body, kept_for).await? {
        return Err(Problem::detailed(
            Kind::NotFound,
            "the upload was aborted, or another request completes it",
        ));
    }
    state::commit(tx).await?;
    Ok(answer)
}
