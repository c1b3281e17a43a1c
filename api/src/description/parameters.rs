//! Parameters that mean the same wherever they stand.

use super::{Operation, component};
use serde_json::{Value, json};

/// Where the schema of a JSON body lies in a request's body.
const JSON_SCHEMA: &str = "/content/application~1json/schema";

/// Makes the parameters of an operation exact: headers with a meaning of their own are shared, and none can be null.
pub(super) fn share(operation: &mut Operation) {
    // A body that may be missing is not `null` either.
    if let Some(body) = operation.get_mut("requestBody").and_then(|body| body.pointer_mut(JSON_SCHEMA)) {
        never_null(body);
    }
    let Some(Value::Array(parameters)) = operation.get_mut("parameters") else { return };
    // OpenAPI has the content of responses say what can be accepted, and ignores such a parameter.
    parameters.retain(|parameter| parameter["name"] != "Accept");
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        match (parameter["in"].as_str(), shared_name(name)) {
            (Some("header"), Some(shared)) => *parameter = component("parameters", shared),
            (Some("path"), _) if parameter["description"].is_null() => {
                let thing = name.strip_suffix("_id").unwrap_or(name).replace('_', " ");
                parameter["description"] = format!("Id of the {thing}").into();
            }
            _ => {
                never_null(&mut parameter["schema"]);
                if parameter["in"] == "query" {
                    never_nul(&mut parameter["schema"]);
                }
            }
        }
    }
}

/// Whether an operation has a parameter of this name, shared or its own.
pub(super) fn has(operation: &Operation, header: &str) -> bool {
    let shared = shared_name(header).map(|name| component("parameters", name));
    let all = operation.get("parameters").and_then(Value::as_array);
    all.into_iter().flatten().any(|one| one["name"] == header || Some(one) == shared.as_ref())
}

/// Whether an operation reads the query.
pub(super) fn has_query(operation: &Operation) -> bool {
    let all = operation.get("parameters").and_then(Value::as_array);
    all.into_iter().flatten().any(|parameter| parameter["in"] == "query")
}

fn shared_name(header: &str) -> Option<&'static str> {
    SHARED.iter().find(|(name, ..)| *name == header).map(|(_, shared, ..)| *shared)
}

/// Request headers: name, name of the component, pattern of a value (empty: any), what it does.
const SHARED: [(&str, &str, &str, &str); 6] = [
    (
        "Idempotency-Key",
        "IdempotencyKey",
        "^[!-~]([ -~]{0,253}[!-~])?$",
        "A retry with the same key gets the first answer, and nothing is done twice. 1 to 255 printable ASCII characters",
    ),
    ("If-None-Match", "IfNoneMatch", "", "Tags of what the client has (RFC 9110, section 13.1.2)"),
    ("If-Range", "IfRange", "", "The tag that a range must still be of (RFC 9110, section 13.1.5)"),
    ("Range", "Range", "", "One range of bytes (RFC 9110, section 14.2)"),
    ("Accept-Encoding", "AcceptEncoding", "", "`zstd` gets chunks as they are stored"),
    ("Last-Event-ID", "LastEventId", "", "The id of the last event that was heard"),
];

/// The shared parameters.
pub(super) fn components() -> Value {
    let one = |(name, shared, pattern, description): (&str, &str, &str, &str)| {
        let mut schema = json!({ "type": "string" });
        if !pattern.is_empty() {
            schema["pattern"] = pattern.into();
        }
        let parameter = json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
        (shared.to_owned(), parameter)
    };
    Value::Object(SHARED.into_iter().map(one).collect())
}

/// [`Query`](crate::extract::Query) refuses NUL.
fn never_nul(schema: &mut Value) {
    let free = ["pattern", "format", "enum"].iter().all(|word| schema.get(word).is_none());
    if schema["type"] == "string" && free {
        schema["pattern"] = "^[^\\u0000]*$".into();
    }
}

/// An optional parameter is left out, it cannot be null as a field of JSON can.
fn never_null(schema: &mut Value) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    for either in ["oneOf", "anyOf"] {
        let Some(Value::Array(forms)) = schema.get_mut(either) else { continue };
        forms.retain(|form| form["type"] != "null");
        if let [one] = forms.as_slice() {
            *schema = one.clone();
        }
    }
}
