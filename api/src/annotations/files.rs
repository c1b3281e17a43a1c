//! Annotations from and to files of labels.

use super::{AnnotationRequest, add};
use crate::extract::{Path, Query};
use crate::idempotent::{self, Turn};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use crate::text::Checks;
use crate::timeline;
use crate::timeline::fields::Fields;
use crate::timeline::import::{self, Imported, LabelForm};
use crate::timeline::saved::{self, Labelled, Saved};
use ::export::labels::{Found, Label};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::access::Action;
use store::annotations::{self, Annotation, Draft, Filter};
use utoipa::IntoParams;
use uuid::Uuid;

/// Namespace of JAMS that annotations go out as.
const NAMESPACE: &str = "tag_open";

/// How to read a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `jams` or `audacity`; absent: as Content-Type says.
    #[param(pattern = "^(jams|audacity)$")]
    format: Option<String>,
    /// Of JAMS, take annotations of this namespace. Default: those that begin with `tag_`, and `lyrics`.
    namespace: Option<String>,
    /// Whether they become private where the file does not say. Default true.
    is_private: Option<bool>,
    /// Look only: nothing is made. Default false.
    dry_run: Option<bool>,
}

/// Annotates a track with the labels of a file, all or none: JAMS, or a label track of Audacity.
///
/// At most 5,000 labels and 4 MiB. Errors name the line, or the place in the JSON. A label becomes the title.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/annotations/import", tag = "annotations",
    request_body(content((Value = "application/json"), (String = "text/plain"))),
    params(("track_id" = Uuid, Path), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, description = "Nothing was made: a dry run", body = Imported),
        (status = 201, body = Imported, headers(("Location" = String, description = "The annotations of the track"))),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "There are as many as are kept, or the key is in use", body = crate::problem::Body),
        (status = 413, body = crate::problem::Body), (status = 415, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn import(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Before the file is taken in, and without holding a connection meanwhile.
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let form = LabelForm::asked(query.format.as_deref(), &headers)?;
    let file = import::receive(&app, body).await?;
    let wanted = query.namespace.clone();
    let found = import::read(form, file.clone(), move |namespace| match &wanted {
        Some(wanted) => namespace == wanted,
        None => namespace.starts_with("tag_") || namespace == "lyrics",
    })
    .await?;
    let drafts = drafts(found, query.is_private, timeline::length_ms(&track))?;
    let dry_run = query.dry_run.unwrap_or(false);
    let imported = Imported { format: form, count: drafts.len(), dry_run };
    let mut tx = app.begin().await?;
    if dry_run {
        timeline::check_room(annotations::count(&mut tx, track_id, caller.user_id()).await?, drafts.len())?;
        return Ok(import::looked_at(&imported));
    }
    let operation = format!("POST /v1/tracks/{track_id}/annotations/import");
    let asked = (form, query.namespace, query.is_private, store::sessions::hex(&Sha256::digest(&file)));
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    add(&mut tx, &caller, track_id, &drafts).await?;
    let location = Some(format!("/v1/tracks/{track_id}/annotations"));
    first.answer(tx, StatusCode::CREATED, location, &imported).await
}

/// What the labels say, checked.
fn drafts(found: Vec<Found>, private: Option<bool>, length_ms: Option<i32>) -> Result<Vec<Draft>, Problem> {
    let mut checks = Checks::default();
    let mut drafts = Vec::with_capacity(found.len());
    for Found { place, label } in found {
        match request(label, private) {
            Ok(request) => drafts.push(request.check(Fields::at(&mut checks, place, length_ms))),
            Err(error) => checks.refuse(place, format!("what is said of it beside it: {error}")),
        }
        if import::is_hopeless(checks.count()) {
            break;
        }
    }
    checks.finish().map(|()| drafts)
}

/// A label as a client would ask for it.
fn request(label: Label, private: Option<bool>) -> Result<AnnotationRequest, serde_json::Error> {
    let mut said = label.details;
    said.retain(|name, _| ["content", "category", "color", "is_private"].contains(&name.as_str()));
    said.insert("start_time_ms".into(), label.start_ms.into());
    said.insert("end_time_ms".into(), label.end_ms.into());
    said.insert("title".into(), label.text.into());
    if let Some(private) = private {
        said.entry("is_private").or_insert(private.into());
    }
    serde_json::from_value(Value::Object(said))
}

/// What is said of an annotation beside its label.
fn details(row: &Annotation) -> Map<String, Value> {
    let said = json!({
        "content": row.content, "category": row.category, "color": row.color, "is_private": row.is_private,
    });
    match said {
        Value::Object(said) => said.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

fn label(row: &Annotation) -> (Uuid, Label) {
    let ms = |ms: i32| u32::try_from(ms).unwrap_or_default();
    let label = Label {
        start_ms: ms(row.start_time_ms),
        end_ms: row.end_time_ms.map(ms),
        text: row.title.clone(),
        details: details(row),
    };
    (row.user_id, label)
}

/// Annotations of a track as a file: yours, and those of others that are not private.
///
/// `jams`: observations of the namespace `tag_open`, with everything else in the sandbox; imported again, they are the
/// same. `audacity`: a label track, with times and titles alone.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/annotations/export/{format}", tag = "annotations",
    params(("track_id" = Uuid, Path), ("format" = String, Path, description = "`jams` or `audacity`")),
    responses((status = 200, description = "The file",
            content((Value = "application/json"), (String = "text/plain")),
            headers(("Content-Disposition" = String, description = "Its name"))),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Path((track_id, format)): Path<(Uuid, String)>,
) -> Result<Response, Problem> {
    let form = LabelForm::named(&format).ok_or_else(|| Problem::new(Kind::NotFound))?;
    let mut db = app.db().await?;
    let track = rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let length_ms = match timeline::length_ms(&track) {
        Some(length_ms) => length_ms,
        None => annotations::reach(&mut db, track_id, caller.user_id()).await?,
    };
    // Nothing is held while the client reads.
    drop(db);
    let reader_id = caller.user_id();
    let saved = Saved { form, track, length_ms, namespace: NAMESPACE, kind: "annotations" };
    Ok(saved.answer(move |after| page(app.clone(), track_id, reader_id, after)))
}

async fn page(
    app: App,
    track_id: Uuid,
    reader_id: Uuid,
    after: Option<(i32, Uuid)>,
) -> Result<Labelled<(i32, Uuid)>, Problem> {
    let filter = Filter { after, limit: saved::PAGE, ..Filter::default() };
    let rows = annotations::list(&mut *app.db().await?, track_id, reader_id, &filter).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == saved::PAGE);
    let last = rows.last().filter(|_| is_full).map(|row| (row.start_time_ms, row.id));
    Ok((rows.iter().map(label).collect(), last))
}
