//! The description is whole: every operation has a name of its own and says all that can come back.

use serde_json::Value;
use std::collections::BTreeSet;

/// Method, path and operation.
fn operations(description: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

#[test]
fn operations_have_names_of_their_own() {
    let description = api::description();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&description) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{method} {path} is called {name}");
        assert!(names.insert(name), "{method} {path} is called {name} like another");
    }
    for name in
        ["listTracks", "createTrack", "updateTrack", "cancelAnalysis", "listTrackAnalyses", "getQueuePage"]
    {
        assert!(names.contains(name), "there is no {name} among {names:?}");
    }
}

#[test]
fn operations_tell_what_they_share() {
    let description = api::description();
    for (method, path, operation) in operations(&description) {
        let answers = operation["responses"].as_object().unwrap();
        let expect = |status: &str, why: &str| {
            assert!(answers.contains_key(status), "{method} {path} has {why} and tells nothing of {status}");
        };
        ["400", "414", "431", "500", "504"].iter().for_each(|status| expect(status, "a handler"));
        if path.contains('{') || operation["security"] != serde_json::json!([{}]) {
            expect("503", "the database");
        }
        if operation["security"] != serde_json::json!([{}]) {
            ["401", "403"].iter().for_each(|status| expect(status, "a guard"));
        }
        if path.contains('{') {
            expect("404", "a parameter in its path");
        }
        if operation["requestBody"]["content"]["application/json"].is_object() {
            ["400", "413", "415", "422"].iter().for_each(|status| expect(status, "a body"));
        }
        for (status, answer) in answers {
            let text = answer["description"].as_str().or(answer["$ref"].as_str()).unwrap_or_default();
            assert!(!text.is_empty(), "{method} {path} {status}: {answer}");
            let problem =
                answer["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/Problem";
            assert!(!problem, "{method} {path} {status} is no problem document");
        }
    }
}

#[test]
fn problems_name_their_types() {
    let description = api::description();
    let types =
        description["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].as_array().unwrap();
    assert_eq!(types.len(), api::problem::Kind::ALL.len());
    let unauthorized = &description["components"]["responses"]["Problem401"];
    let example =
        &unauthorized["content"]["application/problem+json"]["examples"]["session-expired"]["value"];
    assert_eq!(example["status"], 401);
    assert!(unauthorized["headers"]["WWW-Authenticate"].is_object());
}

#[test]
fn audio_is_no_list_of_numbers() {
    let description = api::description();
    let mut bodies = 0;
    for (method, path, operation) in operations(&description) {
        let answers = operation["responses"].as_object().unwrap().values();
        let all = answers.chain([&operation["requestBody"]]).filter_map(|body| body["content"].as_object());
        for (media, body) in all.flatten() {
            if media == "application/octet-stream"
                || media.starts_with("audio/")
                || media.starts_with("video/")
            {
                assert_eq!(body["schema"], serde_json::json!({}), "{method} {path} {media}");
                bodies += 1;
            }
        }
    }
    assert!(bodies >= 8, "{bodies}");
    let upload = &description["paths"]["/v1/tracks"]["post"]["requestBody"]["content"];
    assert!(upload["audio/*"].is_object() && upload["multipart/form-data"].is_object(), "{upload}");
}

#[test]
fn what_has_versions_is_made_with_a_tag() {
    let description = api::description();
    for path in ["/v1/tracks/{track_id}/annotations", "/v1/tracks/{track_id}/regions"] {
        let answer = &description["paths"][path]["post"]["responses"]["201"];
        assert!(answer["headers"]["ETag"].is_object(), "{path}: {answer}");
    }
}
