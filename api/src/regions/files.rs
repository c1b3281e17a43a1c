//! Regions from and to files of labels.

use super::{RegionRequest, SECTION_TYPES, add};
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
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use store::access::Action;
use store::regions::{self, Draft, Filter, Position, Region};
use utoipa::IntoParams;
use uuid::Uuid;

/// Namespace of JAMS that regions go out as.
const NAMESPACE: &str = "segment_open";

/// How to read a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `jams` or `audacity`; absent: as Content-Type says.
    #[param(pattern = "^(jams|audacity)$")]
    format: Option<String>,
    /// Of JAMS, take annotations of this namespace. Default: those that begin with `segment_`.
    namespace: Option<String>,
    /// Look only: nothing is made. Default false.
    dry_run: Option<bool>,
}

/// Makes regions of the labels of a file, all or none: JAMS, or a label track of Audacity.
///
/// At most 5,000 labels and 4 MiB. Errors name the line, or the place in the JSON. A label becomes the name; where it
/// is called as a type of section is, it becomes that, too.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/regions/import", tag = "regions",
    request_body(content((Value = "application/json"), (String = "text/plain"))),
    params(("track_id" = Uuid, Path), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 200, description = "Nothing was made: a dry run", body = Imported),
        (status = 201, body = Imported, headers(("Location" = String, description = "The regions of the track"))),
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
        None => namespace.starts_with("segment_"),
    })
    .await?;
    let drafts = drafts(found, timeline::length_ms(&track))?;
    let dry_run = query.dry_run.unwrap_or(false);
    let imported = Imported { format: form, count: drafts.len(), dry_run };
    let mut tx = app.begin().await?;
    if dry_run {
        timeline::check_room(regions::count(&mut tx, track_id, caller.user_id()).await?, drafts.len())?;
        return Ok(import::looked_at(&imported));
    }
    let operation = format!("POST /v1/tracks/{track_id}/regions/import");
    let asked = (form, query.namespace, store::sessions::hex(&Sha256::digest(&file)));
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    add(&mut tx, &caller, track_id, &drafts).await?;
    let location = Some(format!("/v1/tracks/{track_id}/regions"));
    first.answer(tx, StatusCode::CREATED, location, &imported).await
}

/// What the labels say, checked.
fn drafts(found: Vec<Found>, length_ms: Option<i32>) -> Result<Vec<Draft>, Problem> {
    let mut checks = Checks::default();
    let mut drafts = Vec::with_capacity(found.len());
    for Found { place, label } in found {
        match request(label) {
            Ok(request) => drafts.push(request.check(Fields::at(&mut checks, place, length_ms))),
            Err(reason) => checks.refuse(place, reason),
        }
        if import::is_hopeless(checks.count()) {
            break;
        }
    }
    checks.finish().map(|()| drafts)
}

/// A label as a client would ask for it.
fn request(label: Label) -> Result<RegionRequest, String> {
    let Some(end_ms) = label.end_ms else {
        return Err("is a moment; a region must end after it begins".into());
    };
    let mut said = label.details;
    said.retain(|name, _| ["description", "section_type", "color", "display_order"].contains(&name.as_str()));
    said.entry("section_type").or_insert_with(|| called(&label.text).into());
    said.insert("start_time_ms".into(), label.start_ms.into());
    said.insert("end_time_ms".into(), end_ms.into());
    said.insert("name".into(), label.text.into());
    let request = serde_json::from_value(Value::Object(said));
    request.map_err(|error| format!("what is said beside it: {error}"))
}

/// The type of section that a label is called as: `Pre-Chorus` is `pre_chorus`.
fn called(text: &str) -> Option<&'static str> {
    let name = text.trim().to_lowercase().replace([' ', '-'], "_");
    SECTION_TYPES.into_iter().find(|section_type| *section_type == name)
}

/// What is said of a region beside its label. That it has no type is said, too: see [`called`].
fn details(row: &Region) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("section_type".into(), row.section_type.as_deref().into());
    said.insert("display_order".into(), row.display_order.into());
    let others = [("description", &row.description), ("color", &row.color)];
    said.extend(others.into_iter().filter_map(|(name, value)| Some((name.into(), value.as_deref()?.into()))));
    said
}

fn label(row: &Region) -> (Uuid, Label) {
    let ms = |ms: i32| u32::try_from(ms).unwrap_or_default();
    let label = Label {
        start_ms: ms(row.start_time_ms),
        end_ms: Some(ms(row.end_time_ms)),
        text: row.name.clone(),
        details: details(row),
    };
    (row.user_id, label)
}

/// Regions of a track as a file, in their order.
///
/// `jams`: observations of the namespace `segment_open`, with everything else in the sandbox; imported again, they are
/// the same. `audacity`: a label track, with times and names alone.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/regions/export/{format}", tag = "regions",
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
        None => regions::reach(&mut db, track_id).await?,
    };
    // Nothing is held while the client reads.
    drop(db);
    let saved = Saved { form, track, length_ms, namespace: NAMESPACE, kind: "regions" };
    Ok(saved.answer(move |after| page(app.clone(), track_id, after)))
}

async fn page(app: App, track_id: Uuid, after: Option<Position>) -> Result<Labelled<Position>, Problem> {
    let filter = Filter { after, limit: saved::PAGE, ..Filter::default() };
    let rows = regions::list(&mut *app.db().await?, track_id, &filter).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == saved::PAGE);
    let last = rows.last().filter(|_| is_full).map(|row| (row.display_order, row.start_time_ms, row.id));
    Ok((rows.iter().map(label).collect(), last))
}
