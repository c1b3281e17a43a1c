//! Which path leads where, and through which layers.
//!
//! Every handler is registered once, for the router and for the OpenAPI description, so the two agree.

use crate::problem::{Kind, Problem};
use crate::state::App;
use crate::{
    analyses, annotations, attempts, audio, auth, batches, board, docs, frames, health, metrics, progress,
    prompts, queue, regions, request, results, spotify, tracks, upload,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the description says about the whole.
#[derive(OpenApi)]
#[openapi(
    info(title = "Arsis", description = "Listens to music and writes down what it hears. Times are in ms, ids are \
        UUIDs, errors are problem documents (RFC 9457), lists come in pages led by a cursor."),
    modifiers(&Security),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "tracks", description = "Audio and what is said about it"),
        (name = "analyses", description = "What was computed, and how far it is"),
        (name = "batches", description = "One analysis of each track of a person, asked for at once"),
        (name = "results", description = "Manifest, chunks, frames and events"),
        (name = "annotations", description = "What people note about moments and stretches of a track"),
        (name = "regions", description = "The named sections of a track, as people see them"),
        (name = "listening prompts", description = "Exercises for attentive listening"),
        (name = "queue", description = "What waits, runs and failed, of everybody: for operators"),
        (name = "service", description = "The server itself")
    )
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie =
            ApiKeyValue::with_description("session", "The platform's session; writes need an Origin header.");
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Routes behind authentication that answer soon.
fn protected() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tracks::list))
        .routes(routes!(tracks::get, tracks::patch, tracks::delete))
        .routes(routes!(audio::get))
        .routes(routes!(analyses::create, analyses::list))
        .routes(routes!(analyses::get))
        .routes(routes!(analyses::cancel))
        .routes(routes!(analyses::retry))
        .routes(routes!(attempts::list))
        .routes(routes!(batches::create, batches::list))
        .routes(routes!(batches::get))
        .routes(routes!(batches::cancel))
        .routes(routes!(queue::status))
        .routes(routes!(queue::list))
        .routes(routes!(queue::pause))
        .routes(routes!(queue::resume))
        .routes(routes!(progress::progress))
        .routes(routes!(frames::frames))
        .routes(routes!(results::events))
        .routes(routes!(spotify::audio_analysis))
        .routes(routes!(spotify::audio_features))
        .routes(routes!(annotations::list, annotations::create))
        .routes(routes!(annotations::get, annotations::patch, annotations::delete))
        .routes(routes!(annotations::bulk))
        .routes(routes!(annotations::import))
        .routes(routes!(annotations::export))
        .routes(routes!(regions::list, regions::create))
        .routes(routes!(regions::get, regions::patch, regions::delete))
        .routes(routes!(regions::bulk))
        .routes(routes!(regions::reorder))
        .routes(routes!(regions::from_analysis))
        .routes(routes!(regions::import))
        .routes(routes!(regions::export))
        .routes(routes!(prompts::templates, prompts::create_template))
        .routes(routes!(prompts::template, prompts::patch_template, prompts::delete_template))
        .routes(routes!(prompts::presets, prompts::create_preset))
        .routes(routes!(prompts::preset, prompts::patch_preset, prompts::delete_preset))
        .routes(routes!(metrics::metrics))
}

/// Routes that are asked so often that one query does all: their handlers authenticate, see [`auth::Visitor`].
fn frequent() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(results::manifest)).routes(routes!(results::chunk))
}

/// Routes behind authentication that have limits of their own.
fn uploads() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upload::upload))
}

/// Routes that anybody may ask.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(board::page))
}

/// All routes with their layers, and what describes them.
fn assemble(app: &App) -> (Router<App>, utoipa::openapi::OpenApi) {
    let timed = || middleware::from_fn_with_state(app.clone(), limit_time);
    let bodies = DefaultBodyLimit::max(app.config().max_json_bytes);
    let authenticated = || middleware::from_fn_with_state(app.clone(), auth::authenticate);
    let protected = protected().layer(bodies).route_layer(authenticated()).layer(timed());
    let uploads = uploads().layer(DefaultBodyLimit::disable()).route_layer(authenticated());
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(protected)
        .merge(frequent().layer(timed()))
        .merge(uploads)
        .merge(open().layer(timed()))
        .split_for_parts()
}

/// The OpenAPI 3.1 description of every route.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let parts = [protected(), frequent(), uploads(), open()];
    let all =
        parts.into_iter().fold(OpenApiRouter::with_openapi(Description::openapi()), OpenApiRouter::merge);
    all.split_for_parts().1
}

/// The whole API as a service.
pub fn router(app: App) -> Router {
    let nosniff = HeaderValue::from_static("nosniff");
    let (routes, _) = assemble(&app);
    routes
        // Where the address that `arsis serve` prints leads.
        .route("/", axum::routing::get(docs::page))
        .fallback(|| async { Problem::new(Kind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed) })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, nosniff))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("referrer-policy"),
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(middleware::from_fn_with_state(app.clone(), request::observe))
        .with_state(app)
}

/// Ends a request whose answer does not begin in time. What streams after that may take longer.
async fn limit_time(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.config().request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Kind::Timeout).into_response(),
    }
}

/// A panic is a fault of ours: the client gets a problem, the log the message.
fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Problem::internal(message.unwrap_or_else(|| "a handler panicked".into())).into_response()
}
