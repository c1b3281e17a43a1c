//! Which path leads where, and through which layers.
//!
//! Every handler is registered once, for the router and for the OpenAPI description, so the two agree.

use crate::connection::MAX_HEADERS;
use crate::description::{self, Description};
use crate::methods::{self, Methods};
use crate::problem::{Kind, Problem};
use crate::state::App;
use crate::{
    admin, analyses, annotations, attempts, audio, auth, batches, board, compress, cookie, corrections, cors,
    docs, export, frames, health, library, limits, me, metrics, progress, prompts, queue, regions, regrid,
    request, results, secure, spotify, tracks, upload, viewer, webhooks,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes behind authentication that answer soon.
fn protected() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(library::list))
        .routes(routes!(tracks::get, tracks::patch, tracks::delete))
        .routes(routes!(upload::announce::create, upload::pending::list))
        .routes(routes!(upload::pending::get, upload::pending::abort))
        .routes(routes!(audio::get))
        .routes(routes!(annotations::list, annotations::create))
        .routes(routes!(annotations::get, annotations::patch, annotations::delete))
        .routes(routes!(annotations::import))
        .routes(routes!(annotations::export))
        .routes(routes!(regions::list, regions::create))
        .routes(routes!(regions::get, regions::patch, regions::delete))
        .routes(routes!(regions::reorder))
        .routes(routes!(regions::from_analysis))
        .routes(routes!(regions::import))
        .routes(routes!(regions::export))
        .merge(many())
        .routes(routes!(corrections::get, corrections::patch, corrections::delete))
        .routes(routes!(analyses::create, analyses::list))
        .routes(routes!(analyses::get))
        .routes(routes!(analyses::cancel))
        .routes(routes!(analyses::retry))
        .routes(routes!(attempts::list))
        .routes(routes!(progress::progress))
        .routes(routes!(batches::create, batches::list))
        .routes(routes!(batches::get))
        .routes(routes!(batches::cancel))
        .routes(routes!(regrid::create))
        .routes(routes!(regrid::get, regrid::delete))
        .routes(routes!(frames::frames))
        .routes(routes!(results::events))
        .routes(routes!(export::export))
        .routes(routes!(spotify::audio_analysis))
        .routes(routes!(spotify::audio_features))
        .routes(routes!(prompts::templates, prompts::create_template))
        .routes(routes!(prompts::template, prompts::patch_template, prompts::delete_template))
        .routes(routes!(prompts::presets, prompts::create_preset))
        .routes(routes!(prompts::preset, prompts::patch_preset, prompts::delete_preset))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::get, webhooks::patch, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::deliveries::list))
        .routes(routes!(webhooks::deliveries::get))
        .routes(routes!(webhooks::deliveries::redeliver))
        .routes(routes!(webhooks::deliveries::test))
        .routes(routes!(me::get))
        .routes(routes!(me::list))
        .routes(routes!(me::end))
        .routes(routes!(me::sign_out))
        .routes(routes!(me::rotate))
        .routes(routes!(cookie::sign_in))
        .routes(routes!(admin::users::list, admin::users::create))
        .routes(routes!(admin::users::get, admin::users::patch))
        .routes(routes!(admin::sessions::list, admin::sessions::end_all))
        .routes(routes!(admin::sessions::end))
        .routes(routes!(admin::roles::list))
        .routes(routes!(admin::roles::of_user))
        .routes(routes!(admin::roles::grant, admin::roles::revoke))
        .routes(routes!(admin::audit::list))
        .routes(routes!(queue::status))
        .routes(routes!(queue::list))
        .routes(routes!(queue::pause))
        .routes(routes!(queue::resume))
        .routes(routes!(metrics::metrics))
}

/// Largest body that says many things at once, in bytes: 5,000 corrections, or 200 annotations of 4,000 characters
/// and as many changes.
const MANY_BYTES: usize = 1 << 20;

/// Routes behind authentication whose bodies say many things at once.
fn many() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(annotations::bulk))
        .routes(routes!(regions::bulk))
        .routes(routes!(corrections::create, corrections::list, corrections::delete_all))
        .layer(DefaultBodyLimit::max(MANY_BYTES))
}

/// Routes that are asked so often that one query does all: their handlers authenticate, see [`auth::Visitor`].
fn frequent() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(results::manifest)).routes(routes!(results::chunk))
}

/// Routes behind authentication that have limits of their own.
fn uploads() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upload::upload)).routes(routes!(upload::complete::complete))
}

/// Routes with limits of their own whose address is all that it takes.
fn contents() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upload::content::store))
}

/// Routes that anybody may ask.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::script))
        .routes(routes!(docs::style))
        .routes(routes!(board::page))
}

/// All routes with their layers, and what describes them.
fn assemble(app: &App) -> (Router<App>, utoipa::openapi::OpenApi) {
    let timed = || middleware::from_fn_with_state(app.clone(), limit_time);
    let bodies = DefaultBodyLimit::max(app.config().max_json_bytes);
    let authenticated = || middleware::from_fn_with_state(app.clone(), auth::authenticate);
    let protected = protected().layer(bodies).route_layer(authenticated()).layer(timed());
    let uploads = uploads().layer(DefaultBodyLimit::disable()).route_layer(authenticated());
    let by_address = || middleware::from_fn_with_state(app.clone(), limits::enforce_for_all);
    let contents = contents().layer(DefaultBodyLimit::disable()).route_layer(by_address());
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(protected)
        .merge(frequent().layer(timed()))
        .merge(uploads)
        .merge(contents)
        .merge(open().route_layer(by_address()).layer(timed()))
        .split_for_parts()
}

/// The OpenAPI 3.1 description of every route.
#[must_use]
pub fn description() -> serde_json::Value {
    let parts = [protected(), frequent(), uploads(), contents(), open()];
    let all =
        parts.into_iter().fold(OpenApiRouter::with_openapi(Description::openapi()), OpenApiRouter::merge);
    description::complete(&all.split_for_parts().1)
}

/// The whole API as a service. Of the layers the last is the outermost.
pub fn router(app: App) -> Router {
    let (routes, description) = assemble(&app);
    let methods = Methods::of(&description);
    let by_address = middleware::from_fn_with_state(app.clone(), limits::enforce_for_all);
    routes
        .merge(viewer::routes().route_layer(by_address))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), limits::enforce))
        .layer(middleware::from_fn_with_state(app.clone(), check_head))
        .layer(middleware::from_fn_with_state(methods.clone(), methods::options))
        .layer(middleware::from_fn(compress::keep_status))
        .layer(compress::layer())
        .layer(middleware::from_fn(compress::correct))
        .layer(middleware::from_fn_with_state(app.clone(), cors::allow))
        .layer(middleware::from_fn_with_state(methods, methods::tell))
        .layer(middleware::from_fn_with_state(app.clone(), secure::protect))
        .layer(middleware::from_fn_with_state(app.clone(), request::observe))
        .with_state(app)
}

async fn no_such_route(State(app): State<App>, request: Request) -> Response {
    let counted = limits::count_unlooked(&app, &request);
    let found = counted.and_then(|()| viewer::lost(&request).ok_or_else(|| Problem::new(Kind::NotFound)));
    found.unwrap_or_else(Problem::into_response)
}

async fn no_such_method(State(app): State<App>, request: Request) -> Problem {
    limits::count_unlooked(&app, &request).err().unwrap_or_else(|| Problem::new(Kind::MethodNotAllowed))
}

/// Refuses heads that mean nothing, or too much.
async fn check_head(State(app): State<App>, request: Request, next: Next) -> Response {
    match head(&request, app.config().max_uri_bytes) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn head(request: &Request, max_uri_bytes: usize) -> Result<(), Problem> {
    let (uri, headers) = (request.uri(), request.headers());
    let length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if length > max_uri_bytes {
        return Err(Problem::new(Kind::UriTooLong));
    }
    // HTTP/2 may bring a cookie in pieces (RFC 9113, section 8.2.3).
    let pieces = headers.get_all(header::COOKIE).into_iter().count();
    if headers.len() - pieces.saturating_sub(1) > MAX_HEADERS {
        return Err(Problem::new(Kind::TooManyHeaders));
    }
    // RFC 9112, section 3.2. HTTP/2 names the host elsewhere.
    if request.version() == Version::HTTP_11 && headers.get_all(header::HOST).into_iter().count() != 1 {
        return Err(Problem::detailed(Kind::Malformed, "one Host header is needed"));
    }
    Ok(())
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
