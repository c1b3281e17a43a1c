//! What operations are called: clients make functions of these names, so they follow from method and path alone.

use super::Operation;
use serde_json::{Value, json};

/// Names the operation, `listTrackAnalyses` for `GET /v1/tracks/{track_id}/analyses`. A name that an annotation gives stays.
pub(super) fn name(operation: &mut Operation, method: &str, path: &str) {
    // The annotations' default is the function's own name, in snake_case.
    let given = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    if !given.contains(|c: char| c.is_ascii_uppercase()) {
        let lists = method == "get" && answers_with_page(operation);
        operation.insert("operationId".into(), json!(operation_id(method, path, lists)));
    }
}

fn answers_with_page(operation: &Operation) -> bool {
    let schema = operation.get("responses").map(|all| &all["200"]["content"]["application/json"]["schema"]);
    schema.and_then(|schema| schema["$ref"].as_str()).is_some_and(|name| name.contains("/Page_"))
}

fn operation_id(method: &str, path: &str, lists: bool) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | "v1")).collect();
    let mut verb = match method {
        "get" if lists => "list",
        "post" => "create",
        "patch" => "update",
        "put" => "set",
        other => other,
    };
    // `POST …/{id}/cancel` does what its last part says to what stands before.
    let acts = |last: &&str| method == "post" && !last.starts_with('{') && !last.ends_with('s');
    if let Some(last) = parts.pop_if(|last| acts(&*last)) {
        verb = last;
    }
    let (verb, object) = verb.split_once('-').unwrap_or((verb, ""));
    let mut id = camel(verb, false);
    for (place, part) in parts.iter().enumerate().filter(|(_, part)| !part.starts_with('{')) {
        let next = parts.get(place + 1);
        let one = next.is_some_and(|next| next.starts_with('{')) || (next.is_none() && verb == "create");
        id += &camel(&if one { singular(part) } else { (*part).to_owned() }, true);
    }
    id + &camel(object, true)
}

fn singular(plural: &str) -> String {
    match plural {
        "analyses" => "analysis".into(),
        "batches" => "batch".into(),
        "audio-features" => plural.into(),
        _ => plural.strip_suffix("ies").map_or_else(
            || plural.strip_suffix('s').filter(|one| !one.ends_with('i')).unwrap_or(plural).into(),
            |stem| format!("{stem}y"),
        ),
    }
}

/// `listening-prompts` as `ListeningPrompts`, or `listeningPrompts`.
fn camel(words: &str, first: bool) -> String {
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().chain(letters).collect()
    };
    words.enumerate().map(|(i, word)| if i > 0 || first { capital(word) } else { word.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::operation_id;

    #[track_caller]
    fn check(method: &str, path: &str, lists: bool, expect: &str) {
        assert_eq!(operation_id(method, path, lists), expect);
    }

    #[test]
    fn names_say_what_is_done_to_what() {
        check("get", "/v1/tracks", true, "listTracks");
        check("post", "/v1/tracks", false, "createTrack");
        check("patch", "/v1/tracks/{track_id}", false, "updateTrack");
        check("get", "/v1/tracks/{track_id}/analyses", true, "listTrackAnalyses");
        check("post", "/v1/tracks/{track_id}/analyses", false, "createTrackAnalysis");
        check("get", "/v1/analyses/{analysis_id}/chunks/{index}", false, "getAnalysisChunk");
        check("post", "/v1/analyses/{analysis_id}/cancel", false, "cancelAnalysis");
        check("post", "/v1/webhooks/{webhook_id}/rotate-secret", false, "rotateWebhookSecret");
        check("put", "/v1/admin/users/{user_id}/roles/{role_id}", false, "setAdminUserRole");
        check("post", "/v1/tracks/{track_id}/regions/from-analysis", false, "createTrackRegionsFromAnalysis");
        check("post", "/v1/queue/pause", false, "pauseQueue");
        check("get", "/v1/audio-features/{track_id}", false, "getAudioFeatures");
        check("get", "/v1/listening-prompts/templates/{id}", false, "getListeningPromptsTemplate");
        check("get", "/openapi.json", false, "getOpenapiJson");
    }
}
