//! The OpenAPI description: what the annotations say of each operation, and what all operations share.
//!
//! The annotations name what is particular to an operation. What follows from the layers it lies behind, from its
//! parameters and from its body is the same everywhere and is filled in here, so that no annotation can forget it.

mod answers;
mod names;
mod parameters;
mod schemas;
pub(crate) mod words;

use serde_json::{Map, Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// What the description says about the whole.
#[derive(OpenApi)]
#[openapi(
    info(title = "Arsis", description = "Listens to music and writes down what it hears. Times are in ms, ids are \
        UUIDs, errors are problem documents (RFC 9457), lists come in pages led by a cursor."),
    servers((url = "/", description = "This server")),
    modifiers(&Security),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "tracks", description = "Audio and what is said about it"),
        (name = "uploads", description = "Audio that clients send to the storage itself"),
        (name = "annotations", description = "What people note about moments and stretches of a track"),
        (name = "regions", description = "The named sections of a track, as people see them"),
        (name = "corrections", description = "What people say about beats and bars, and the grids decoded through it"),
        (name = "analyses", description = "What was computed, and how far it is"),
        (name = "batches", description = "One analysis of each track of a person, asked for at once"),
        (name = "results", description = "Manifest, chunks, frames and events"),
        (name = "listening prompts", description = "Exercises for attentive listening"),
        (name = "webhooks", description = "Told when an analysis ends"),
        (name = "me", description = "The caller's own account and sessions"),
        (name = "administration", description = "Accounts, roles and the audit trail: for administrators"),
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

/// An operation as the description holds it.
type Operation = Map<String, Value>;

/// Adds to what the annotations say what all operations share.
pub(crate) fn complete(annotated: &utoipa::openapi::OpenApi) -> Value {
    let mut description = json!(annotated);
    let versioned = answers::versioned(&description["components"]["schemas"]);
    for (path, method, operation) in operations(&mut description) {
        one_line(operation, "summary");
        names::name(operation, method, path);
        parameters::share(operation);
        answers::share(operation, method, path, &versioned);
    }
    for (kind, shared) in [
        ("headers", answers::headers()),
        ("parameters", parameters::components()),
        ("responses", answers::components()),
    ] {
        description["components"][kind] = shared;
    }
    schemas::make_exact(&mut description);
    answers::name_problem_types(&mut description["components"]["schemas"]["Problem"]);
    description
}

/// Every operation with its path and its method.
fn operations(description: &mut Value) -> impl Iterator<Item = (&str, &str, &mut Operation)> {
    let paths = description["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods.filter_map(|(method, operation)| {
            operation.as_object_mut().map(|operation| (path.as_str(), method.as_str(), operation))
        })
    })
}

/// Joins the lines of a text: a doc comment breaks them where the source does.
fn one_line(operation: &mut Operation, field: &str) {
    if let Some(Value::String(text)) = operation.get_mut(field) {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// A reference to one of the components.
fn component(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
