//! Announcing an upload: the client says what it will send and gets an address that takes it.
//!
//! Where objects lie in a bucket, the address is the bucket's own, signed; the audio does not pass through this server.
//! Where they lie in a directory, it is this server's, with a secret in its query. For a client both are the same: a PUT with
//! the headers given here and no others, above all no `Authorization`.

use super::form::{Checked, Said};
use crate::extract::Json;
use crate::idempotent::{self, Turn};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::App;
use crate::text::Checks;
use crate::views::AnalysisParameters;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::PgConnection;
use store::objects::ObjectKey;
use store::orphans;
use store::sessions::Token;
use store::uploads::{self, NewUpload, Room};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// Largest object that S3 takes in one PUT, and copies in one request, in bytes.
const MAX_PUT_BYTES: u64 = 5 << 30;

/// Longest file name, in characters: twice what common file systems hold.
const FILE_NAME: usize = 512;

/// An upload to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadRequest {
    /// Size of the file, in bytes; at most 2 GiB unless the server is set otherwise.
    #[schema(minimum = 1, maximum = 2_147_483_648_u64)]
    size_bytes: u64,
    /// SHA-256 of the file, in hex. Where it is given, other content is refused.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
    /// Type to store the file with. What it is, is told from its content; a browser sends the type of the file that it
    /// has, so say the same. Default `application/octet-stream`.
    #[schema(max_length = 100, pattern = "^((audio|video)/[a-z0-9.+-]+|application/(octet-stream|ogg))$")]
    content_type: Option<String>,
    /// What the file is called, at most 512 characters: its name without the extension is the track's where `name` is absent.
    #[schema(max_length = 512)]
    file_name: Option<String>,
    /// Name to show, at most 500 characters.
    #[schema(max_length = 500)]
    name: Option<String>,
    /// Free text, at most 10,000 characters.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// Who plays, at most 500 characters.
    #[schema(max_length = 500)]
    artist: Option<String>,
    /// Where it appeared, at most 500 characters.
    #[schema(max_length = 500)]
    album: Option<String>,
    /// What kind of music it is said to be, at most 500 characters.
    #[schema(max_length = 500)]
    genre: Option<String>,
    /// Labels, at most 50 of at most 100 characters.
    #[serde(default)]
    tags: Vec<String>,
    /// What to compute: `full` (the default), `spectral`, `rhythm`, `tonal` or `structure`.
    #[schema(pattern = "^(full|spectral|rhythm|tonal|structure)$")]
    analysis_type: Option<String>,
    /// In which shape.
    #[serde(default)]
    parameters: AnalysisParameters,
}

/// Where and how to send the audio.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Announced {
    /// Id of the upload.
    id: Uuid,
    /// `PUT`.
    #[schema(example = "PUT")]
    method: &'static str,
    /// Where to: an absolute address, or one to be resolved against that of this server. Whoever has it can upload.
    #[schema(format = "uri-reference")]
    url: String,
    /// Headers to send, these and, of those with a meaning for the content, no others. `Content-Length` must be the size
    /// that was announced; browsers see to it themselves.
    headers: BTreeMap<String, String>,
    /// Until when sending may begin.
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    /// Until when the upload can be completed. What was not is removed.
    #[serde(with = "rfc3339")]
    kept_until: OffsetDateTime,
}

/// A request that was checked. Its JSON is what two equal requests have in common.
#[derive(Debug, Serialize)]
struct Asked {
    size_bytes: u64,
    sha256: Option<String>,
    content_type: String,
    about: Checked,
}

impl UploadRequest {
    fn check(self) -> Result<Asked, Problem> {
        let mut checks = Checks::default();
        if self.size_bytes == 0 {
            checks.refuse("#/size_bytes", "must be at least 1");
        }
        let is_hex = |text: &String| {
            text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if self.sha256.as_ref().is_some_and(|sha256| !is_hex(sha256)) {
            checks.refuse("#/sha256", "must be 64 digits of lower-case hex");
        }
        let content_type = self.content_type.unwrap_or_else(|| "application/octet-stream".into());
        if !is_media_type(&content_type) {
            checks.refuse(
                "#/content_type",
                "must be audio/…, video/…, application/octet-stream or application/ogg",
            );
        }
        let file_name = self.file_name.and_then(|name| checks.optional("#/file_name", FILE_NAME, name));
        let said = Said {
            name: self.name,
            description: self.description,
            artist: self.artist,
            album: self.album,
            genre: self.genre,
            tags: self.tags,
            analysis_type: self.analysis_type,
            parameters: self.parameters.into(),
        };
        let about = said.check("#/", file_name.as_deref(), &mut checks);
        checks.finish()?;
        Ok(Asked { size_bytes: self.size_bytes, sha256: self.sha256, content_type, about })
    }
}

/// Types that no browser runs.
pub(crate) fn is_media_type(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+-".contains(&byte);
    match text.split_once('/') {
        _ if text.len() > 100 => false,
        Some(("audio" | "video", of)) => !of.is_empty() && of.bytes().all(plain),
        _ => matches!(text, "application/octet-stream" | "application/ogg"),
    }
}

/// Announces an upload whose audio goes to the storage itself.
///
/// Send the audio to `url` as `method` and `headers` say, then complete the upload. Many may be open at once, up to a limit:
/// 409 `too-many-uploads` until some are completed or aborted.
#[utoipa::path(post, path = "/v1/uploads", tag = "uploads", request_body = UploadRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = Announced, headers(("Location" = String, description = "The upload"))),
        (status = 409, body = crate::problem::Body), (status = 413, body = crate::problem::Body),
        (status = 415, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<UploadRequest>,
) -> Result<Response, Problem> {
    let asked = request.check()?;
    let limit = app.config().max_upload_bytes.min(MAX_PUT_BYTES);
    if asked.size_bytes > limit {
        return Err(Problem::detailed(Kind::TooLarge, format!("the limit is {limit} bytes")));
    }
    let mut tx = app.begin().await?;
    let first = match idempotent::turn(&mut tx, &caller, &headers, "POST /v1/uploads", &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let announced = announce(&app, &mut tx, caller.user_id(), asked).await?;
    let location = Some(format!("/v1/uploads/{}", announced.id));
    first.answer(tx, StatusCode::CREATED, location, &announced).await
}

async fn announce(
    app: &App,
    tx: &mut PgConnection,
    user_id: Uuid,
    asked: Asked,
) -> Result<Announced, Problem> {
    let id = Uuid::now_v7();
    let key = ObjectKey::upload(id);
    let age = app.config().upload_address_age;
    let signed = app.objects().presign_put(&key, &asked.content_type, asked.size_bytes, age).await?;
    let secret = if signed.is_none() { Some(Token::generate()?) } else { None };
    let now = OffsetDateTime::now_utc();
    let expires_at = now + super::seconds(age);
    let new = NewUpload {
        id,
        user_id,
        size_bytes: i64::try_from(asked.size_bytes).map_err(Problem::internal)?,
        sha256: asked.sha256,
        content_type: asked.content_type.clone(),
        about: serde_json::to_value(&asked.about).map_err(Problem::internal)?,
        secret: secret.clone(),
        expires_at,
        kept_until: expires_at + super::seconds(app.config().upload_timeout) * 2,
    };
    // Entered for good: until the address has expired something may come there, whatever becomes of the upload.
    orphans::expect(tx, key.as_str(), new.kept_until - now).await?;
    if !uploads::announce(tx, &new, room(app)).await? {
        let detail = "complete some, or abort them with DELETE /v1/uploads/{id}";
        return Err(Problem::detailed(Kind::TooManyUploads, detail));
    }
    let own = || format!("/v1/uploads/{id}/content?secret={}", secret.as_ref().map_or("", Token::expose));
    let url = signed.map_or_else(own, |signed| signed.url);
    let headers = BTreeMap::from([(header::CONTENT_TYPE.to_string(), asked.content_type)]);
    Ok(Announced { id, method: "PUT", url, headers, expires_at, kept_until: new.kept_until })
}

fn room(app: &App) -> Room {
    Room {
        count: i64::from(app.config().max_open_uploads),
        bytes: i64::try_from(app.config().max_open_upload_bytes).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_no_browser_runs_are_stored() {
        for good in ["audio/flac", "audio/x-wav", "video/mp4", "application/ogg", "application/octet-stream"]
        {
            assert!(is_media_type(good), "{good}");
        }
        for bad in
            ["", "audio/", "audio", "text/html", "image/svg+xml", "audio/a b", "audio/x\r\nX: y", "audio/A"]
        {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
