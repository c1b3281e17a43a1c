//! Uploads: audio comes in, a track, its first analysis and the queue's ticket come out, in one transaction.
//!
//! ```text
//! claim the Idempotency-Key → enter the object's key among the orphans → audio to storage, hashed on the way
//!   → one transaction: track, analysis, ticket, orphan adopted, answer kept → 201
//! ```
//!
//! Whatever fails on the way is undone at once; should the process die, the orphan's entry finds the object.

pub(crate) mod announce;
mod audio;
mod body;
pub(crate) mod complete;
pub(crate) mod content;
mod form;
pub(crate) mod pending;

pub(crate) use form::{analysis_type, check_parameters};

use crate::digest;
use crate::idempotent::{self, Attempt};
use crate::places::Place;
use crate::problem::{Kind, Problem};
use crate::query;
use crate::request::Caller;
use crate::state::{self, App};
use crate::sweep;
use crate::views::{AnalysisView, TrackView};
use audio::{Audio, take_in};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use body::{Fault, guard, guard_form};
use form::{Checked, Fielded, Form};
use futures::StreamExt as _;
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::PgConnection;
use store::analyses::{self, NewAnalysis};
use store::idempotency::{self, Answer, Claim};
use store::objects::ObjectKey;
use store::orphans;
use store::tracks::{self, NewTrack};
use time::Duration;
use tracing::Instrument as _;
use utoipa::openapi::{KnownFormat, Object, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

const OPERATION: &str = "POST /v1/tracks";

/// Most parts of a form: the file, the fields, a label each, and room to spare.
const MAX_PARTS: usize = 256;

/// A form with a file: what may stand in the query, and the audio.
struct UploadForm;

impl PartialSchema for UploadForm {
    fn schema() -> RefOr<Schema> {
        let mut form = Form::schema();
        if let RefOr::T(Schema::Object(fields)) = &mut form {
            let formats = "The audio: WAV, FLAC, MP3, Ogg, MP4, AAC, AIFF, CAF, Matroska or WebM.";
            let file = Object::builder()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
            fields.properties.insert("file".into(), file.description(Some(formats)).into());
            fields.required.push("file".into());
        }
        form
    }
}

impl ToSchema for UploadForm {}

/// A new track and its first analysis.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    track: TrackView,
    analysis: AnalysisView,
}

/// What an upload carried.
struct Received {
    about: Checked,
    audio: Audio,
}

/// Uploads audio and asks for its analysis.
///
/// Either a form (`multipart/form-data`) with the audio in the field `file`, or the audio as the body
/// (`audio/*` or `application/octet-stream`, with a `Content-Length`) and the rest in the query. What kind of
/// audio it is, is told from its content.
#[utoipa::path(post, path = "/v1/tracks", tag = "tracks", params(Form,
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer"),
        ("Repr-Digest" = Option<String>, Header, description = "RFC 9530, of audio that is the body: other content \
            than its sha-256 says is refused")),
    request_body(content((UploadForm = "multipart/form-data"), (Vec<u8> = "audio/*"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 201, body = Uploaded, headers(("Location" = String, description = "The track"))),
        (status = 400, body = crate::problem::Body), (status = 408, body = crate::problem::Body),
        (status = 409, body = crate::problem::Body), (status = 411, body = crate::problem::Body), (status = 413, body = crate::problem::Body),
        (status = 415, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn upload(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let place = body_of(&app, caller.user_id())?;
    // A task of its own: should the client go away, this handler is dropped, but the task lives to see the
    // body break and to clean up.
    let handled = handle(app.clone(), caller, request);
    let handled = async move {
        let _place = place;
        handled.await
    };
    let task = app.uploads().spawn(handled.in_current_span());
    task.await.unwrap_or_else(|error| Err(Problem::internal(error)))
}

async fn handle(app: App, caller: Caller, request: Request) -> Result<Response, Problem> {
    let attempt = idempotent::begin(&mut *app.db().await?, &caller, request.headers(), OPERATION).await?;
    match attempt {
        Attempt::Again(earlier) => {
            let received = receive(&app, None, request).await?;
            earlier.replay(&fingerprint(&received)?)
        }
        Attempt::First(claim) => {
            let work = store_and_record(&app, &caller, claim.as_ref(), request);
            let answer = idempotent::holding(&app, claim.as_ref(), work).await;
            if let (Err(_), Some(claim)) = (&answer, &claim) {
                idempotency::release(&mut *app.db().await?, claim).await?;
            }
            Ok(idempotent::respond(answer?))
        }
    }
}

async fn store_and_record(
    app: &App,
    caller: &Caller,
    claim: Option<&Claim>,
    request: Request,
) -> Result<Answer, Problem> {
    let track_id = Uuid::now_v7();
    let key = ObjectKey::audio(track_id);
    let patience = seconds(app.config().upload_timeout) * 2;
    orphans::expect(&mut *app.db().await?, key.as_str(), patience).await?;
    let answer = async {
        let received = receive(app, Some(&key), request).await?;
        record(app, caller, claim, track_id, &key, received).await
    };
    let answer = answer.await;
    if answer.is_err() {
        sweep::remove(app, key.as_str()).await;
    }
    answer
}

/// A place for a body of audio of this person, held while it is under way.
fn body_of(app: &App, user_id: Uuid) -> Result<Place<Uuid>, Problem> {
    let most = app.config().max_uploads_at_once;
    app.manners().bodies.take(user_id, most).ok_or_else(|| {
        let detail = format!("at most {most} uploads of yours may be under way at a time");
        Problem::detailed(Kind::TooManyUploads, detail).retry_after(std::time::Duration::from_secs(5))
    })
}

/// Reads the request to its end.
async fn receive(app: &App, key: Option<&ObjectKey>, request: Request) -> Result<Received, Problem> {
    refuse_encoded(request.headers())?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if content_type.starts_with("multipart/form-data") {
        receive_form(app, key, request).await
    } else if content_type.starts_with("audio/") || content_type.starts_with("application/octet-stream") {
        receive_raw(app, key, request).await
    } else {
        let detail = "send multipart/form-data with a field file, or the audio itself as audio/*";
        Err(Problem::detailed(Kind::UnsupportedMediaType, detail))
    }
}

async fn receive_raw(app: &App, key: Option<&ObjectKey>, request: Request) -> Result<Received, Problem> {
    let about = query::read::<Form>(request.uri())?.check(None)?;
    let length = content_length(request.headers())?;
    if length > app.config().max_upload_bytes {
        return Err(too_large(app));
    }
    let announced = digest::announced(request.headers())?;
    let (stream, fault) = guard(request.into_body(), app.config(), app.breaking_off());
    let pieces = stream.map(|piece| piece.map_err(|error| fault.or(Problem::internal(error))));
    let audio = take_in(app, key, Box::pin(pieces)).await?;
    digest::check(announced.as_ref(), &audio.sha256)?;
    if audio.size_bytes != length {
        return Err(Problem::detailed(Kind::Malformed, "the body is shorter than its Content-Length"));
    }
    Ok(Received { about, audio })
}

async fn receive_form(app: &App, key: Option<&ObjectKey>, request: Request) -> Result<Received, Problem> {
    let (parts, body) = request.into_parts();
    let (stream, fault) = guard_form(body, app.config(), app.breaking_off());
    let request = Request::from_parts(parts, axum::body::Body::from_stream(stream));
    let multipart = Multipart::from_request(request, &()).await;
    let mut multipart = multipart.map_err(|error| Problem::detailed(Kind::Malformed, error.body_text()))?;
    let (mut form, mut file, mut parts) = (Form::default(), None, 0);
    while let Some(field) = multipart.next_field().await.map_err(|error| malformed(&fault, error))? {
        fault.gave_out();
        parts += 1;
        if parts > MAX_PARTS {
            return Err(Problem::detailed(Kind::Malformed, format!("a form has at most {MAX_PARTS} parts")));
        }
        let Some(name) = field.name().filter(|name| !name.is_empty()).map(str::to_owned) else {
            return Err(Problem::detailed(Kind::Malformed, "a part of the form has no name"));
        };
        if name != "file" {
            form.take(&name, field).await.map_err(|error| match error {
                Fielded::Stream(error) => malformed(&fault, error),
                Fielded::Refused(problem) => problem,
            })?;
            continue;
        }
        if file.is_some() {
            return Err(Problem::invalid_field("file", "must be given once"));
        }
        let file_name = field.file_name().map(str::to_owned);
        let pieces = field.map(|piece| {
            fault.gave_out();
            piece.map_err(|error| malformed(&fault, error))
        });
        file = Some((take_in(app, key, pieces).await?, file_name));
    }
    let Some((audio, file_name)) = file else {
        return Err(Problem::invalid_field("file", "must be given"));
    };
    Ok(Received { about: form.check(file_name.as_deref())?, audio })
}

/// The length of a body. Without it, one that was cut off would look like one that ended.
fn content_length(headers: &HeaderMap) -> Result<u64, Problem> {
    let given = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    given.ok_or_else(|| Problem::new(Kind::LengthRequired))
}

/// Refuses a body that is packed: it is never unpacked, so what it holds could not be told (RFC 9110, section 8.4).
fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    if encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Problem::detailed(Kind::UnsupportedMediaType, "send the audio without a Content-Encoding"))
}

fn malformed(fault: &Fault, error: MultipartError) -> Problem {
    fault.or(Problem::detailed(Kind::Malformed, error.body_text()))
}

fn too_large(app: &App) -> Problem {
    Problem::detailed(Kind::TooLarge, format!("the limit is {} bytes", app.config().max_upload_bytes))
}

/// The transaction that makes a track of an upload.
async fn record(
    app: &App,
    caller: &Caller,
    claim: Option<&Claim>,
    track_id: Uuid,
    key: &ObjectKey,
    received: Received,
) -> Result<Answer, Problem> {
    let fingerprint = fingerprint(&received)?;
    let mut tx = app.begin().await?;
    let answer = make_track(&mut tx, caller.user_id(), track_id, key, received).await?;
    idempotent::keep(&mut tx, claim, &fingerprint, &answer).await?;
    state::commit(tx).await?;
    Ok(answer)
}

/// Makes a track and its first analysis of audio that lies under `key`, and takes the key off the list of orphans.
async fn make_track(
    tx: &mut PgConnection,
    user_id: Uuid,
    track_id: Uuid,
    key: &ObjectKey,
    Received { about, audio }: Received,
) -> Result<Answer, Problem> {
    if !orphans::adopt(tx, key.as_str()).await? {
        return Err(Problem::detailed(Kind::RequestTimeout, "the upload took too long"));
    }
    let new = NewTrack {
        id: track_id,
        user_id,
        r2_key: key.as_str().to_owned(),
        file_size_bytes: i64::try_from(audio.size_bytes).map_err(Problem::internal)?,
        mime_type: audio.mime.to_owned(),
        content_sha256: audio.sha256,
        name: about.name,
        details: about.details,
    };
    let track = tracks::insert(tx, &new).await?;
    let analysis = NewAnalysis {
        track_id,
        analysis_type: about.analysis_type,
        parameters: about.parameters,
        version: analysis_core::ANALYZER_VERSION,
        requested_by: Some(user_id),
        priority: 0,
        run_at: None,
    };
    let analysis = analyses::create(tx, &analysis).await?;
    let uploaded = Uploaded { track: track.into(), analysis: analysis.into() };
    let body = serde_json::to_value(&uploaded).map_err(Problem::internal)?;
    Ok(made(track_id, body))
}

/// The answer to an upload that became a track.
fn made(track_id: Uuid, body: serde_json::Value) -> Answer {
    Answer { status: 201, location: Some(format!("/v1/tracks/{track_id}")), body }
}

/// Two uploads are the same when their audio and everything said about it are.
fn fingerprint(received: &Received) -> Result<String, Problem> {
    let Received { about, audio } = received;
    let said = serde_json::to_vec(&(&audio.sha256, about)).map_err(Problem::internal)?;
    Ok(store::sessions::hex(&Sha256::digest(&said)))
}

fn seconds(duration: std::time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::DAY)
}
