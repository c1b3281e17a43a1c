//! Results of an analysis: manifest, chunks and events, as they are stored.

use crate::auth::Visitor;
use crate::conditional;
use crate::extract::{Path, Query};
use crate::growing::{COMPLETE, Growing};
use crate::negotiate::{self, Coding};
use crate::page::{self, List, Page};
use crate::problem::{Kind, Problem};
use crate::query::check_span;
use crate::request::Caller;
use crate::rights::{self, Right};
use crate::state::App;
use crate::views::{AnalysisView, EventView};
use analysis_core::chunk;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::PgConnection;
use store::analyses::{self, Analysis, Status};
use store::frames::{self, ChunkFor, EventFilter, Reader, Source, StoredEvent};
use time::OffsetDateTime;
use utoipa::IntoParams;
use uuid::Uuid;

/// Most bytes a chunk unpacks to, and a span holds: what the engine packs at most.
pub(crate) const MAX_PAYLOAD_BYTES: usize = chunk::HEADER_BYTES + chunk::MAX_CHUNK_BYTES;

/// When to ask again for what is being computed, in seconds.
const ASK_AGAIN_S: u64 = 2;

/// Most events on a page.
const MAX_EVENTS: u32 = 1000;

/// Types of events, as they are stored.
pub(crate) const EVENT_TYPES: [&str; 8] =
    ["beat", "downbeat", "tatum", "onset", "section", "segment", "key", "chord"];

/// Most types of events asked for at once: twice as many as there are.
const MAX_TYPES: usize = 16;

/// What answers instead of a result that is not there: 202 while it is being computed, a problem after failure.
pub(crate) fn not_ready(analysis: Analysis) -> Result<Response, Problem> {
    if analysis.status == Status::Error {
        let message = analysis.error_message.unwrap_or_else(|| "it gave no reason".into());
        return Err(Problem::detailed(Kind::AnalysisFailed, message));
    }
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_S)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::ACCEPTED, headers, Json(AnalysisView::from(analysis))).into_response())
}

/// Names content by its bytes: equal tags mean equal bytes.
pub(crate) fn strong_etag(bytes: &[u8], variant: &str) -> String {
    let digest = Sha256::digest(bytes);
    let digest = digest.get(..16).unwrap_or(&digest);
    format!("\"{}{variant}\"", store::sessions::hex(digest))
}

pub(crate) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    // Several lines of a list header are one list (RFC 9110, section 5.3).
    let lines: Vec<&str> =
        headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Names one run of an analysis: it may be done again under the same id, and then has other results.
const RESULTS_VERSION: HeaderName = HeaderName::from_static("arsis-results-version");

/// The version of a completed analysis' results: when they were committed, in µs since 1970.
fn results_version(source: &Source) -> Option<String> {
    let completed_at = source.completed_at.filter(|_| source.status == Status::Completed);
    completed_at.map(|at| page::time_key(at).to_string())
}

/// The strong tag of an answer that is the same as long as the results are.
fn version_etag(version: &str) -> String {
    format!("\"{version}\"")
}

/// The versions that [`version_etag`] made the client's tags of.
fn known_versions(headers: &HeaderMap) -> Vec<OffsetDateTime> {
    let completed_at = |tag: &str| {
        let at = page::parse_time_key(tag.strip_prefix('"')?.strip_suffix('"')?)?;
        // The same moment can be written in other ways; a tag of ours is the text that we gave.
        (version_etag(&page::time_key(at).to_string()) == tag).then_some(at)
    };
    conditional::tags(headers).filter_map(completed_at).collect()
}

/// What answers where an analysis has no such result: not yet, not any more, or never.
pub(crate) async fn without_result(db: &mut PgConnection, analysis_id: Uuid) -> Result<Response, Problem> {
    match analyses::get(db, analysis_id).await? {
        Some(analysis) if analysis.status != Status::Completed => not_ready(analysis),
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// What there is to send of a result with the tag `etag`: nothing where the client has it. What was neither read nor is
/// with the client is not there (any more).
fn to_send(headers: &HeaderMap, etag: &str, read: Option<Bytes>) -> Result<Bytes, Problem> {
    match read {
        None if !conditional::tags(headers).any(|tag| tag == etag) => Err(Problem::new(Kind::NotFound)),
        read => Ok(read.unwrap_or_default()),
    }
}

/// The manifest: what the chunks hold and where. `docs/FRAME-FORMAT.md` describes it.
///
/// The header `Arsis-Results-Version` names these results: pass it as `v` when fetching chunks, and they are of the
/// same results and may be cached for ever.
///
/// Of a running analysis that has stored chunks it is another document, with `Arsis-Complete: false`: `complete` is
/// `false`, what is not known yet is null, and `levels` tell how far each is, without a list of chunks.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/manifest", tag = "results",
    params(("analysis_id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The manifest", body = serde_json::Value,
            headers(("Arsis-Complete" = bool, description = "`false` while the analysis runs"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body)))]
pub(crate) async fn manifest(
    State(app): State<App>,
    visitor: Visitor,
    path: Result<Path<Uuid>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(analysis_id) = visitor.tell(&app, path).await?;
    let known = known_versions(&headers);
    let mut db = app.db().await?;
    let mut reader = Reader { token: visitor.token(), granted: false };
    let mut found = frames::manifest_for(&mut db, reader, analysis_id, &known).await?;
    let source = found.as_ref().and_then(|answer| answer.found.as_ref()).map(|found| &found.source);
    let session = found.as_ref().map(|answer| answer.session);
    if rights::admit(&mut db, &visitor, session, source).await? == Right::Granted {
        reader.granted = true;
        found = frames::manifest_for(&mut db, reader, analysis_id, &known).await?;
        rights::readmit(&mut db, &visitor, found.as_ref().map(|answer| answer.session)).await?;
    }
    let found = found.and_then(|answer| answer.found);
    let Some((version, json)) = found.and_then(|found| results_version(&found.source).zip(Some(found.json)))
    else {
        return growing_manifest(&mut db, analysis_id).await;
    };
    drop(db);
    let etag = version_etag(&version);
    // A completed row of someone else's making may have no manifest.
    let body = to_send(&headers, &etag, json)?;
    let mut response = tagged(&headers, etag, "application/json", "private, no-cache", body);
    if let Ok(version) = HeaderValue::try_from(version) {
        response.headers_mut().insert(RESULTS_VERSION, version);
    }
    response.headers_mut().insert(COMPLETE, HeaderValue::from_static("true"));
    Ok(response)
}

/// What can be said of the chunks of a running analysis; else why there is no manifest.
async fn growing_manifest(db: &mut PgConnection, analysis_id: Uuid) -> Result<Response, Problem> {
    if let Some(analysis) = analyses::get(db, analysis_id).await?.filter(|a| a.status == Status::Running)
        && let Some(growing) = Growing::of(db, &analysis).await?
    {
        return Ok(growing.manifest(&analysis));
    }
    without_result(db, analysis_id).await
}

/// A body with a strong ETag, or 304 when the client has it.
pub(crate) fn tagged(
    headers: &HeaderMap,
    etag: String,
    content_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
) -> Response {
    let unchanged = conditional::matches(headers, &etag);
    let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
    let fixed = [(header::ETAG, etag), (header::CACHE_CONTROL, HeaderValue::from_static(cache_control))];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// Which level a chunk is of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChunkQuery {
    /// Zoom level; 0, the default, is the finest.
    #[serde(default)]
    #[param(default = 0, minimum = 0, maximum = 65_535)]
    level: u16,
    /// Of these results only: `Arsis-Results-Version` of the manifest's answer. 404 once they are replaced.
    v: Option<String>,
}

/// A chunk of frames, as it is stored.
///
/// With `Content-Encoding: zstd` where the client accepts it, else unpacked; either way the body is the payload
/// that `docs/FRAME-FORMAT.md` describes. Of a running analysis the chunks finished so far can be read.
///
/// An analysis may be done again under the same id, so an answer may be cached without asking (`immutable`) only where
/// `v` names the results; without it, ask again with `If-None-Match`.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/chunks/{index}", tag = "results",
    params(("analysis_id" = Uuid, Path), ("index" = u32, Path, description = "Place within its level, from 0"), ChunkQuery,
        ("Accept-Encoding" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The chunk", content_type = "application/octet-stream", body = Vec<u8>,
            headers(("Arsis-Complete" = bool, description = "`false` while the analysis runs"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 406, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn chunk(
    State(app): State<App>,
    visitor: Visitor,
    path: Result<Path<(Uuid, u32)>, Problem>,
    query: Result<Query<ChunkQuery>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepted = header_text(&headers, header::ACCEPT_ENCODING);
    let coding = negotiate::coding(accepted.as_deref()).ok_or_else(|| Problem::new(Kind::NotAcceptable));
    let asked = path.and_then(|path| Ok((path, query?, coding?)));
    let (Path((analysis_id, index)), Query(query), coding) = visitor.tell(&app, asked).await?;
    let place = i16::try_from(query.level).ok().zip(i32::try_from(index).ok());
    let known = known_chunks(&headers, coding);
    let mut db = app.db().await?;
    // A place that no column can hold is asked for like any other that holds no chunk.
    let (level, index) = place.unwrap_or((-1, -1));
    let mut reader = Reader { token: visitor.token(), granted: false };
    let mut found = frames::chunk_for(&mut db, reader, analysis_id, level, index, &known).await?;
    let source = found.as_ref().and_then(|answer| answer.found.as_ref()).map(|found| &found.source);
    let session = found.as_ref().map(|answer| answer.session);
    if rights::admit(&mut db, &visitor, session, source).await? == Right::Granted {
        reader.granted = true;
        found = frames::chunk_for(&mut db, reader, analysis_id, level, index, &known).await?;
        rights::readmit(&mut db, &visitor, found.as_ref().map(|answer| answer.session)).await?;
    }
    let found = found.and_then(|answer| answer.found);
    let Some((ChunkFor { source, bytes, .. }, id)) = found.and_then(|found| found.id.map(|id| (found, id)))
    else {
        return without_result(&mut db, analysis_id).await;
    };
    if query.v.is_some() && source.status != Status::Completed {
        return without_result(&mut db, analysis_id).await;
    }
    drop(db);
    if query.v.is_some() && query.v != results_version(&source) {
        return Err(Problem::detailed(Kind::NotFound, "there are no such results: read the manifest anew"));
    }
    // Without a version other bytes may come to lie under this address: from another attempt, or another run.
    let cache = if query.v.is_some() { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    let mut response = respond_chunk(&headers, coding, cache, id, bytes).await?;
    let complete = if source.status == Status::Completed { "true" } else { "false" };
    response.headers_mut().insert(COMPLETE, HeaderValue::from_static(complete));
    Ok(response)
}

/// The strong tag of a stored chunk, sent as `coding` has it. Its bytes never change, so its id will do for them.
fn chunk_etag(id: Uuid, coding: Coding) -> String {
    match coding {
        Coding::Zstd => format!("\"{}-zstd\"", id.simple()),
        Coding::Identity => format!("\"{}\"", id.simple()),
    }
}

/// The chunks that [`chunk_etag`] made the client's tags of.
fn known_chunks(headers: &HeaderMap, coding: Coding) -> Vec<Uuid> {
    let end = match coding {
        Coding::Zstd => "-zstd\"",
        Coding::Identity => "\"",
    };
    let id = |tag: &str| {
        let id = Uuid::try_parse(tag.strip_prefix('"')?.strip_suffix(end)?).ok()?;
        // The same id can be written in other ways; a tag of ours is the text that we gave.
        (chunk_etag(id, coding) == tag).then_some(id)
    };
    conditional::tags(headers).filter_map(id).collect()
}

async fn respond_chunk(
    headers: &HeaderMap,
    coding: Coding,
    cache: &'static str,
    id: Uuid,
    stored: Option<Bytes>,
) -> Result<Response, Problem> {
    let etag = chunk_etag(id, coding);
    let stored = to_send(headers, &etag, stored)?;
    let body = match coding {
        Coding::Identity if !conditional::matches(headers, &etag) => unpack(stored).await?,
        _ => stored,
    };
    let mut response = tagged(headers, etag, "application/octet-stream", cache, body);
    if coding == Coding::Zstd && response.status() == StatusCode::OK {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}

async fn unpack(stored: Bytes) -> Result<Bytes, Problem> {
    let unpacked = tokio::task::spawn_blocking(move || chunk::unpack(&stored, MAX_PAYLOAD_BYTES)).await;
    Ok(unpacked.map_err(Problem::internal)?.map_err(Problem::internal)?.into())
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only these types, separated by commas: `beat`, `downbeat`, `tatum`, `onset`, `section`, `segment`, `key`, `chord`.
    #[param(
        pattern = "^(beat|downbeat|tatum|onset|section|segment|key|chord)(,(beat|downbeat|tatum|onset|section|segment|key|chord)){0,15}$"
    )]
    r#type: Option<String>,
    /// Only events that begin at or after this, in ms.
    #[param(minimum = 0)]
    from_ms: Option<u32>,
    /// Only events that begin before this, in ms.
    #[param(minimum = 0)]
    to_ms: Option<u32>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 1,000. Default 1,000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Beats, bars, onsets, keys and sections in order of time.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/events", tag = "results",
    params(("analysis_id" = Uuid, Path), EventQuery, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Page<EventView>),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    list: List,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page::limit(query.limit.or(Some(MAX_EVENTS)), MAX_EVENTS)?;
    let after = list.after(query.cursor.as_deref(), |key| key.parse().ok())?;
    check_span(query.from_ms, query.to_ms)?;
    let types = query.r#type.iter().flat_map(|names| names.split(','));
    let types: Vec<String> = types.map(str::to_owned).collect();
    if types.len() > MAX_TYPES {
        return Err(Problem::invalid_field("type", format!("must be at most {MAX_TYPES} names")));
    }
    if types.iter().any(|name| !EVENT_TYPES.contains(&name.as_str())) {
        let detail = format!("must be names of {}, separated by commas", EVENT_TYPES.join(", "));
        return Err(Problem::invalid_field("type", detail));
    }
    let mut db = app.db().await?;
    let source = frames::source(&mut db, analysis_id).await?;
    rights::source(&mut db, &caller, source.as_ref()).await?;
    let Some(etag) = source.as_ref().and_then(events_etag) else {
        return without_result(&mut db, analysis_id).await;
    };
    if conditional::matches(&headers, &etag) {
        return Ok(tagged(&headers, etag, "application/json", "private, no-cache", Bytes::new()));
    }
    // Times are stored as i32: what lies beyond is after everything.
    let stored_ms = |ms: u32| i32::try_from(ms).unwrap_or(i32::MAX);
    let filter = EventFilter {
        types: &types,
        from_ms: query.from_ms.map(stored_ms),
        to_ms: query.to_ms.map(stored_ms),
        after,
        limit: i64::from(limit) + 1,
    };
    // Whose they are stays; which run they are of may have changed since.
    let found = frames::events_with_source(&mut db, analysis_id, &filter).await?;
    let Some((etag, rows)) = found.and_then(|(source, rows)| events_etag(&source).zip(Some(rows))) else {
        return without_result(&mut db, analysis_id).await;
    };
    drop(db);
    let cursor = |row: &StoredEvent| list.cursor(row.time_ms, row.id);
    let body = serde_json::to_vec(&Page::<EventView>::new(rows, limit, cursor)).map_err(Problem::internal)?;
    Ok(tagged(&headers, etag, "application/json", "private, no-cache", body.into()))
}

/// The strong tag of a page of events: of which run they are, and by which version of this program they are written.
/// Which of them, the address says.
fn events_etag(source: &Source) -> Option<String> {
    results_version(source).map(|version| format!("\"{version}-{}\"", env!("CARGO_PKG_VERSION")))
}
