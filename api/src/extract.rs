//! axum's extractors with problems for rejections.

use crate::json;
use crate::problem::{Kind, Problem};
use crate::state::App;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// A JSON body, which must arrive within [`Config::body_timeout`](crate::Config::body_timeout).
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let axum::Json(value) =
            in_time(app, axum::Json::<serde_json::Value>::from_request(request, app)).await??;
        json::read(value).map(Self)
    }
}

/// Waits for a body no longer than it may take.
pub(crate) async fn in_time<T>(app: &App, arriving: impl Future<Output = T>) -> Result<T, Problem> {
    let timely = tokio::time::timeout(app.config().body_timeout, arriving).await;
    timely.map_err(|elapsed| Problem::new(Kind::RequestTimeout).because(elapsed))
}

/// Parts of the path. What does not parse names nothing: 404.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters of the query. A NUL, which PostgreSQL's text cannot hold, is refused wherever it stands.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(&parts.uri).map(Self)
    }
}

/// Reads the parameters of a URI's query.
///
/// # Errors
/// A problem that names the first that does not fit.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let query = uri.query().unwrap_or_default();
    // In a URI it can only stand escaped.
    if query.contains("%00") {
        return Err(Problem::invalid_field("query", "must not contain NUL"));
    }
    let pairs = form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        // What is missing belongs to the whole, whose path is a dot.
        let name = Some(error.path().to_string()).filter(|name| name != ".");
        Problem::invalid_field(name.unwrap_or_else(|| "query".into()), error.into_inner().to_string())
    })
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let detail = rejection.body_text();
        match rejection {
            JsonRejection::JsonDataError(_) => Self::invalid_field("#", detail),
            JsonRejection::MissingJsonContentType(_) => Self::detailed(Kind::UnsupportedMediaType, detail),
            JsonRejection::BytesRejection(error) if error.status() == Kind::TooLarge.status() => {
                Self::new(Kind::TooLarge)
            }
            _ => Self::detailed(Kind::Malformed, detail),
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::new(Kind::NotFound)
    }
}
