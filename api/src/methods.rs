//! Which methods a path has: what `OPTIONS` tells that no browser asks on behalf of a page (RFC 9110, section 9.3.7), and
//! `Allow` wherever it stands.

use crate::viewer;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::openapi::{OpenApi, PathItem};

/// The methods of each path, as in the description, and of the viewer's.
#[derive(Debug, Clone)]
pub(crate) struct Methods(Arc<HashMap<String, HeaderValue>>);

impl Methods {
    pub(crate) fn of(description: &OpenApi) -> Self {
        let described = description.paths.paths.iter();
        let described = described.filter_map(|(path, item)| Some((path.clone(), allowed(item)?)));
        let pages =
            viewer::paths().map(|path| (path.to_owned(), HeaderValue::from_static("GET, HEAD, OPTIONS")));
        Self(Arc::new(described.chain(pages).collect()))
    }

    fn of_path(&self, request: &Request) -> Option<HeaderValue> {
        self.0.get(request.extensions().get::<MatchedPath>()?.as_str()).cloned()
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
    if *request.method() == Method::OPTIONS && methods.of_path(&request).is_some() {
        return StatusCode::NO_CONTENT.into_response();
    }
    next.run(request).await
}

/// Says in answers to `OPTIONS`, those to browsers among them, and to methods that a path does not have which it has.
pub(crate) async fn tell(State(methods): State<Methods>, request: Request, next: Next) -> Response {
    let asked = *request.method() == Method::OPTIONS;
    let allowed = methods.of_path(&request);
    let mut response = next.run(request).await;
    if let Some(allowed) = allowed.filter(|_| asked || response.status() == StatusCode::METHOD_NOT_ALLOWED) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
