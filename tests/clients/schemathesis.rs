//! The API is as it describes itself: schemathesis asks every operation, validly and not, and checks every answer
//! against the description.

use crate::live::{Live, python};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use uuid::Uuid;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/schemathesis");

/// Sessions that requests may end.
const SPARE_TOKENS: usize = 300;

/// What is made beforehand: where, of what, and for which parameter of a path.
fn seeds(track: Uuid) -> [(&'static str, String, Value); 6] {
    let of_track = |what: &str| format!("/v1/tracks/{track}/{what}");
    let section = json!({ "name": "Verse", "start_time_ms": 0, "end_time_ms": 1000 });
    let beat = json!({ "corrections": [{ "kind": "beat", "time_ms": 700 }] });
    let hook = json!({ "url": "https://hooks.invalid/arsis", "events": ["analysis.completed"] });
    [
        ("annotation_id", of_track("annotations"), json!({ "title": "Here", "start_time_ms": 100 })),
        ("region_id", of_track("regions"), section),
        ("correction_id", of_track("corrections"), beat),
        ("webhook_id", "/v1/webhooks".into(), hook),
        ("upload_id", "/v1/uploads".into(), json!({ "size_bytes": 1000 })),
        ("batch_id", "/v1/batches".into(), json!({})),
    ]
}

/// The first id in an answer: its own, or that of the first thing in it.
fn id_in(answer: &Value) -> String {
    let lists = ["/id", "/items/0/id", "/corrections/0/id"];
    let found = lists.iter().find_map(|pointer| answer.pointer(pointer)?.as_str());
    found.unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

/// Ids that exist, by the parameter of a path that takes them.
async fn ids(live: &Live, track: Uuid, analyses: Vec<Uuid>) -> BTreeMap<&'static str, Vec<String>> {
    let mut known = BTreeMap::new();
    known.insert("track_id", vec![track.to_string()]);
    known.insert("analysis_id", analyses.iter().map(Uuid::to_string).collect());
    for (parameter, path, body) in seeds(track) {
        let made = live.json(live.request(Method::POST, &path).json(&body)).await;
        known.insert(parameter, vec![id_in(&made)]);
    }
    for (parameter, path) in [
        ("template_id", "/v1/listening-prompts/templates?limit=1".to_owned()),
        ("preset_id", "/v1/listening-prompts/presets?limit=1".to_owned()),
        ("role_id", "/v1/admin/roles".to_owned()),
    ] {
        let listed = live.json(live.request(Method::GET, &path)).await;
        known.insert(parameter, vec![id_in(&listed)]);
    }
    let ping = format!("/v1/webhooks/{}/test", known["webhook_id"][0]);
    known.insert("delivery_id", vec![id_in(&live.json(live.request(Method::POST, &ping)).await)]);
    known
}

/// What there is to ask for: values of parameters, and what `hooks.py` must know.
async fn seed(live: &mut Live) -> (BTreeMap<&'static str, Vec<String>>, Value) {
    let (track, analysis) = live.upload().await;
    let (victim, _) = live.upload().await;
    live.work();
    live.completed(analysis).await;
    live.rest();
    let waiting = live.analysis(track, "tonal").await;
    let other = live.person("eve@example.org").await;
    let mut spare_tokens = Vec::new();
    for _ in 0..SPARE_TOKENS {
        spare_tokens.push(live.session(live.user).await);
    }
    let mut known = ids(live, track, vec![analysis, waiting]).await;
    let sessions = live.json(live.request(Method::GET, "/v1/me/sessions")).await;
    let (own, spare): (Vec<&Value>, Vec<&Value>) =
        sessions["items"].as_array().unwrap().iter().partition(|session| session["current"] == true);
    let me = live.json(live.request(Method::GET, "/v1/me")).await;
    assert!(own.iter().all(|session| session["id"] == me["session"]["id"]), "{own:?}");
    let spare_session = spare[0]["id"].as_str().unwrap();
    known.insert("session_id", vec![spare_session.to_owned()]);
    known.insert("user_id", vec![other.to_string()]);
    known.insert("victim", vec![victim.to_string()]);
    known.insert("user", vec![live.user.to_string()]);
    let told = json!({ "session": me["session"]["id"], "spare_session": spare_session, "token": live.token, "track": track, "victim": victim, "user": live.user, "other": other, "spare_tokens": spare_tokens });
    (known, told)
}

/// Writes the configuration with what there is filled in: schemathesis takes no variables in its dictionaries.
fn configure(live: &Live, known: &BTreeMap<&str, Vec<String>>, told: &Value) -> PathBuf {
    let dictionary =
        |(name, values): (&&str, &Vec<String>)| format!("[dictionaries.{name}]\nvalues = {values:?}\n");
    let in_path = |name: &&&str| name.ends_with("_id");
    let parameter =
        |name: &&str| format!("\"path.{name}\" = {{ dictionary = \"{name}\", probability = 0.6 }}\n");
    let text = std::fs::read_to_string(Path::new(FOLDER).join("schemathesis.toml")).unwrap();
    let text = text
        .replace("${DICTIONARIES}", &known.iter().map(dictionary).collect::<String>())
        .replace("${PARAMETERS}", &known.keys().filter(in_path).map(parameter).collect::<String>())
        .replace("${ARSIS_URL}", &live.url);
    let path = live.folder().join("schemathesis.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(live.folder().join("known.json"), told.to_string()).unwrap();
    std::fs::copy(Path::new(FOLDER).join("hooks.py"), live.folder().join("hooks.py")).unwrap();
    path
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_as_its_description_says() {
    // Tokens that open nothing are among what is tried.
    let mut live =
        Live::start(&[("ARSIS_RATE_LIMIT_FAILURES", "0"), ("ARSIS_RATE_LIMIT_ANONYMOUS", "0")]).await;
    let (known, told) = seed(&mut live).await;
    let configuration = configure(&live, &known, &told);
    let mut command = Command::new(python());
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&configuration);
    command.arg("run").arg(format!("{}/openapi.json", live.url)).current_dir(live.folder());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    eprintln!("{}", text(&output));
}

#[tokio::test]
async fn the_description_is_valid_openapi_3_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, api::description().to_string()).unwrap();
    let output = Command::new(python())
        .args(["-m", "openapi_spec_validator", "--schema", "3.1.0"])
        .arg(&path)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", text(&output));
}
