//! axum's extractors with problems for rejections.

use crate::json;
use crate::problem::{Kind, Problem};
use crate::query;
use crate::state::App;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A JSON body, which must arrive within [`Config::body_timeout`](crate::Config::body_timeout).
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let arriving = <axum::Json<Value> as FromRequest<App>>::from_request(request, app);
        let axum::Json(value) = in_time(app, arriving).await??;
        json::read(value).map(Self)
    }
}

/// A body that may be left out, or be null.
impl<T: DeserializeOwned> OptionalFromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Option<Self>, Problem> {
        let arriving = <axum::Json<Value> as OptionalFromRequest<App>>::from_request(request, app);
        let body = in_time(app, arriving).await??;
        let value = body.map(|axum::Json(value)| value).filter(|value| !value.is_null());
        value.map(|value| json::read(value).map(Self)).transpose()
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
        query::read(&parts.uri).map(Self)
    }
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
