//! The API is as it describes itself: schemathesis asks every operation, validly and not, and checks every answer
//! against the description.

use crate::live::{Live, python};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/schemathesis");

/// What there is to ask for, by the names that the configuration has for it.
async fn seed(live: &mut Live) -> Vec<(&'static str, String)> {
    let (track, analysis) = live.upload().await;
    let mut victims = Vec::new();
    for _ in 0..3 {
        victims.push(live.upload().await.0.to_string());
    }
    live.work();
    live.completed(analysis).await;
    live.rest();
    let waiting = live.analysis(track, "tonal").await;
    vec![
        ("ARSIS_URL", live.url.clone()),
        ("ARSIS_TOKEN", live.token.clone()),
        ("ARSIS_USER", live.user.to_string()),
        ("ARSIS_TRACK", track.to_string()),
        ("ARSIS_VICTIMS", victims.join("\", \"")),
        ("ARSIS_ANALYSIS", analysis.to_string()),
        ("ARSIS_WAITING", waiting.to_string()),
    ]
}

/// Writes the configuration with what there is filled in: schemathesis takes no variables in its dictionaries.
fn configure(folder: &Path, known: &[(&str, String)]) -> PathBuf {
    let template = std::fs::read_to_string(Path::new(FOLDER).join("schemathesis.toml")).unwrap();
    let fill = |text: String, (name, value): &(&str, String)| text.replace(&format!("${{{name}}}"), value);
    let path = folder.join("schemathesis.toml");
    std::fs::write(&path, known.iter().fold(template, fill)).unwrap();
    std::fs::copy(Path::new(FOLDER).join("hooks.py"), folder.join("hooks.py")).unwrap();
    path
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_as_its_description_says() {
    let mut live = Live::start(&[]).await;
    let known = seed(&mut live).await;
    let configuration = configure(live.folder(), &known);
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
