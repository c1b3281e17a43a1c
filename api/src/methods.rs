//! `OPTIONS` that no browser asks on behalf of a page: which methods a path has (RFC 9110, section 9.3.7).

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::openapi::{OpenApi, PathItem};

/// The methods of each path, as in the description.
#[derive(Debug, Clone)]
pub(crate) struct Methods(Arc<HashMap<String, HeaderValue>>);

impl Methods {
    pub(crate) fn of(description: &OpenApi) -> Self {
        let paths = description.paths.paths.iter();
        Self(Arc::new(paths.filter_map(|(path, item)| Some((path.clone(), allowed(item)?))).collect()))
    }
}

/// `HEAD` goes wherever `GET` does.
fn allowed(item: &PathItem) -> Option<HeaderValue> {
    let methods = [
        ("GET, HEAD", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
        ("OPTIONS", true),
    ];
    let there: Vec<&str> = methods.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
    HeaderValue::try_from(there.join(", ")).ok()
}

/// Answers `OPTIONS`.
pub(crate) async fn options(State(methods): State<Methods>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().filter(|_| *request.method() == Method::OPTIONS);
    match path.and_then(|path| methods.0.get(path.as_str())) {
        Some(allowed) => (StatusCode::NO_CONTENT, [(header::ALLOW, allowed.clone())]).into_response(),
        None => next.run(request).await,
    }
}
