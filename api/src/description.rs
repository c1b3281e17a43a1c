//! What the OpenAPI description says about the whole: title, tags, how a caller names themselves.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

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
        (name = "listening prompts", description = "Exercises for attentive listening"),
        (name = "queue", description = "What waits, runs and failed, of everybody: for operators"),
        (name = "service", description = "The server itself")
    )
)]
pub(crate) struct Description;

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
