//! A track's audio as it was uploaded, whole or in part (RFC 9110, section 14).

use crate::digest;
use crate::disposition;
use crate::extract::Path;
use crate::problem::{Kind, Problem};
use crate::range::{self, Asked};
use crate::request::Caller;
use crate::rights;
use crate::sniff;
use crate::state::App;
use crate::upload::announce::is_media_type;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::access::Action;
use store::objects::{self, ObjectKey};
use store::tracks::Track;
use uuid::Uuid;

/// The audio of a track, as it was uploaded.
///
/// A single range of bytes is answered with 206; a header that asks for several, or that is not understood,
/// is ignored and the whole is sent, as RFC 9110 section 14.2 allows. `HEAD` gives the headers alone.
#[utoipa::path(get, path = "/v1/tracks/{track_id}/audio", tag = "tracks",
    params(("track_id" = Uuid, Path), ("Range" = Option<String>, Header), ("If-Range" = Option<String>, Header),
           ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The whole", content_type = "audio/*", body = Vec<u8>,
            headers(("Repr-Digest" = String, description = "SHA-256 of the whole (RFC 9530)"))),
        (status = 206, description = "The range", content_type = "audio/*", body = Vec<u8>,
            headers(("Repr-Digest" = String, description = "SHA-256 of the whole (RFC 9530)"))),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 416, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    method: Method,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Read).await?;
    let key = ObjectKey::parse(&track.r2_key)?;
    let etag = etag(&track);
    if crate::conditional::matches(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed_headers(&track, &etag)).into_response());
    }
    if method == Method::HEAD {
        let size_bytes = app.objects().head(&key).await?.size_bytes;
        let headers = fixed_headers(&track, &etag);
        return Ok((headers, [(header::CONTENT_LENGTH, HeaderValue::from(size_bytes))]).into_response());
    }
    let range = asked_range(&headers, &etag);
    match open(app.objects(), &key, range, &track).await? {
        Opened::Body(body, partial) => Ok(stream(&track, &etag, body, partial)),
        Opened::Unsatisfiable { size_bytes } => {
            let mut response = Problem::new(Kind::RangeNotSatisfiable).into_response();
            insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{size_bytes}"));
            Ok(response)
        }
    }
}

/// Names the content: a track's audio never changes, so its checksum does, and without one its id and size.
fn etag(track: &Track) -> String {
    match &track.content_sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("\"{}-{}\"", track.id.simple(), track.file_size_bytes),
    }
}

/// The `Range` header, unless `If-Range` names another content. A date there never matches: a date to the
/// second is no strong validator (RFC 9110, section 13.1.5).
fn asked_range<'a>(headers: &'a HeaderMap, etag: &str) -> Option<&'a str> {
    let if_range = headers.get(header::IF_RANGE);
    let current = if_range.is_none_or(|given| given.as_bytes() == etag.as_bytes());
    headers.get(header::RANGE).filter(|_| current).and_then(|value| value.to_str().ok())
}

enum Opened {
    Body(objects::Body, bool),
    Unsatisfiable { size_bytes: u64 },
}

/// Opens what is asked for. The row says how long the audio is, which saves asking the storage; where the
/// storage knows better, the range is worked out again.
async fn open(
    objects: &objects::Objects,
    key: &ObjectKey,
    range: Option<&str>,
    track: &Track,
) -> Result<Opened, Problem> {
    let Some(range) = range else { return Ok(Opened::Body(objects.get(key).await?, false)) };
    let assumed = u64::try_from(track.file_size_bytes).unwrap_or(0);
    let opened = open_range(objects, key, range, assumed).await?;
    let size_bytes = match &opened {
        Opened::Body(body, _) => body.size_bytes,
        Opened::Unsatisfiable { .. } => objects.head(key).await?.size_bytes,
    };
    if size_bytes == assumed { Ok(opened) } else { open_range(objects, key, range, size_bytes).await }
}

async fn open_range(
    objects: &objects::Objects,
    key: &ObjectKey,
    range: &str,
    size_bytes: u64,
) -> Result<Opened, Problem> {
    match range::parse(range, size_bytes) {
        Asked::Whole => Ok(Opened::Body(objects.get(key).await?, false)),
        Asked::Unsatisfiable => Ok(Opened::Unsatisfiable { size_bytes }),
        Asked::Part(part) => match objects.get_range(key, part.start, part.end - 1).await {
            Ok(body) => Ok(Opened::Body(body, true)),
            Err(objects::Error::RangeNotSatisfiable { size_bytes }) => {
                Ok(Opened::Unsatisfiable { size_bytes })
            }
            Err(error) => Err(error.into()),
        },
    }
}

fn stream(track: &Track, etag: &str, body: objects::Body, partial: bool) -> Response {
    let (offset, length, size_bytes) = (body.offset, body.length, body.size_bytes);
    let mut response = (fixed_headers(track, etag), Body::from_stream(body.stream)).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {offset}-{}/{size_bytes}", offset + length.saturating_sub(1));
        insert(response.headers_mut(), header::CONTENT_RANGE, range);
    }
    response
}

/// Headers of every answer about a track's audio.
fn fixed_headers(track: &Track, etag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Others may have inserted the row: only what is audio or video is named so, never what a browser runs. They may have
    // written capitals, and parameters after the type.
    let media = track.mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let extension = sniff::extension(&media);
    let content_type = if is_media_type(&media) { media } else { "application/octet-stream".into() };
    insert(&mut headers, header::CONTENT_TYPE, content_type);
    if let Some(digest) = track.content_sha256.as_deref().and_then(digest::of_sha256) {
        insert(&mut headers, digest::REPR_DIGEST, digest);
    }
    insert(&mut headers, header::ETAG, etag.to_owned());
    headers.insert(header::CONTENT_DISPOSITION, disposition::inline(&track.name, extension));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Deleting a track must show soon, so a cache asks each time; the ETag makes that cheap.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
