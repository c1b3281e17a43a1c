//! What lies in `deploy/` can be read, and names what there is: commands, variables, series, files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

use dockerfile_parser_rs::{Dockerfile, Instruction};
use saphyr::{LoadableYamlNode, Yaml};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::testing::TestDatabase;

/// The merge key of YAML 1.1, which compose files use.
const MERGE: &str = "<<";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[track_caller]
fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// A value of a mapping, its own or merged into it.
fn get<'a>(mapping: &'a Yaml<'a>, key: &str) -> Option<&'a Yaml<'a>> {
    mapping.as_mapping_get(key).or_else(|| get(mapping.as_mapping_get(MERGE)?, key))
}

fn keys<'a>(mapping: &'a Yaml<'a>) -> Vec<&'a str> {
    mapping.as_mapping().unwrap().iter().map(|(key, _)| key.as_str().unwrap()).collect()
}

/// Strings of a sequence.
fn strings<'a>(sequence: &'a Yaml<'a>) -> Vec<&'a str> {
    sequence.as_sequence().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The variables that the command reads, from the table at the head of the file that reads them.
fn variables() -> BTreeSet<String> {
    let source = text("src/config.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.flat_map(|row| row.split('|').next().unwrap().split(", `"))
        .map(|name| name.trim_matches([' ', '`']).to_owned())
        .collect()
}

/// Whether the command takes these arguments. It is asked for help with them, which comes after they were read.
#[track_caller]
fn expect_command(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_arsis")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn commands_that_do_not_exist_would_be_noticed() {
    expect_command(&["worker", "--jobs", "2"]);
    let wrong = [&["wurker"][..], &["worker", "--slots", "2"], &["worker", "--jobs", "two"]];
    for arguments in wrong {
        let output =
            Command::new(env!("CARGO_BIN_EXE_arsis")).args(arguments).arg("--help").output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
    }
    let variables = variables();
    for name in ["DATABASE_URL", "S3_SECRET_ACCESS_KEY", "ARSIS_METRICS_LISTEN", "RUST_LOG"] {
        assert!(variables.contains(name), "{name}: {variables:?}");
    }
}

#[test]
fn the_compose_file_runs_commands_and_sets_variables_that_exist() {
    let compose = text("deploy/compose.yaml");
    let compose = yaml(&compose);
    let (services, variables) = (&compose["services"], variables());
    let names = keys(services);
    let mut commands = BTreeSet::new();
    for name in &names {
        let service = &services[*name];
        for other in get(service, "depends_on").into_iter().flat_map(|all| match all.as_sequence() {
            Some(_) => strings(all),
            None => keys(all),
        }) {
            assert!(names.contains(&other), "{name} depends on {other}");
        }
        if get(service, "image").unwrap().as_str() != Some("arsis") {
            continue;
        }
        let arguments = strings(get(service, "command").unwrap());
        expect_command(&arguments);
        commands.insert(arguments[0]);
        for variable in keys(get(service, "environment").unwrap()) {
            assert!(variables.contains(variable), "{name} sets {variable}, which nothing reads");
        }
        let build = get(service, "build").unwrap();
        let containerfile = root().join("deploy").join(build["context"].as_str().unwrap());
        assert!(containerfile.join(build["dockerfile"].as_str().unwrap()).exists());
    }
    assert_eq!(commands, BTreeSet::from(["api", "migrate", "worker"]));
    for name in ["api", "worker"] {
        // Long enough to end in order.
        assert!(get(&services[name], "stop_grace_period").is_some(), "{name}");
        let check = strings(&get(&services[name], "healthcheck").unwrap()["test"]).join(" ");
        assert!(check.contains("/127.0.0.1/9090") && check.contains("GET /readyz "), "{name}: {check}");
    }
    assert_eq!(services["worker"]["deploy"]["replicas"].as_integer(), Some(2));
}

/// Before a release begins `migrate` runs, and the others wait for it to end well: going back to an older release must
/// not end there.
#[tokio::test]
async fn an_older_release_goes_on_with_a_database_that_a_newer_one_migrated() {
    let (database, folder) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
    let arsis = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        command.env("DATABASE_URL", database.url()).env("ARSIS_DATA_DIR", folder.path());
        command
    };
    let said = |arguments: &[&str]| {
        let output = arsis(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(&["migrate"]).starts_with("the database is at migration "));
    sqlx::query(
        "INSERT INTO _arsis_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '', 0)",
    )
    .execute(database.pool())
    .await
    .unwrap();
    assert_eq!(
        said(&["migrate"]),
        "a newer Arsis has brought the database to migration 9999; nothing to do\n"
    );
    assert!(!said(&["user", "add", "ada@example.org"]).is_empty());
    let mut serve = arsis(&["serve", "--listen", "127.0.0.1:0"]);
    let mut serving = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut first).unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(first.starts_with("Arsis listens on http://127.0.0.1:"), "{first}");
}

#[test]
fn the_container_holds_the_command_and_runs_it_as_nobody_special() {
    let file = Dockerfile::from(root().join("deploy/Containerfile")).unwrap();
    let stages: Vec<(&str, Option<&str>)> = file
        .instructions
        .iter()
        .filter_map(|instruction| match instruction {
            Instruction::From { image, alias, .. } => Some((image.as_str(), alias.as_deref())),
            _ => None,
        })
        .collect();
    assert!(stages.len() > 1, "one stage to build in, one to run");
    let rust =
        text("Cargo.toml").lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().to_owned();
    assert!(stages[0].0.contains(&format!("rust:{}-", rust.trim_matches('"'))), "{stages:?}, {rust}");

    let (mut user, mut entrypoint, variables) = (None, None, variables());
    for instruction in &file.instructions {
        match instruction {
            // What is before belongs to another stage.
            Instruction::From { .. } => (user, entrypoint) = (None, None),
            Instruction::User { user: name, .. } => user = Some(name.as_str()),
            Instruction::Entrypoint(command) => entrypoint = Some(command.clone()),
            Instruction::Copy { from: Some(from), .. } => {
                assert!(stages.iter().any(|(_, alias)| *alias == Some(from)), "no stage {from}");
            }
            Instruction::Env(set) => {
                for name in set.keys() {
                    assert!(variables.contains(name), "{name} is set, and nothing reads it");
                }
            }
            Instruction::Cmd(arguments) => expect_command(&strings_of(arguments)),
            _ => {}
        }
    }
    assert!(user.unwrap().parse::<u32>().unwrap() > 0, "{user:?}");
    assert_eq!(entrypoint.unwrap(), ["/usr/local/bin/arsis"]);
}

fn strings_of(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).filter(|argument| *argument != "--help").collect()
}

/// Names of Arsis' series in a text: words that begin so.
fn series(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !word(c)).filter(|word| word.starts_with("arsis_"));
    words.map(str::to_owned).collect()
}

/// The series that the documentation explains, each in a row of its table.
fn documented() -> BTreeSet<String> {
    let rows = text("docs/OPERATIONS.md");
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `arsis_"));
    rows.map(|row| format!("arsis_{}", row.split('`').next().unwrap())).collect()
}

#[test]
fn alerts_ask_for_series_that_exist_and_say_why() {
    let rules = text("deploy/prometheus-alerts.yml");
    let rules = yaml(&rules);
    let documented = documented();
    let mut names = BTreeSet::new();
    for group in rules["groups"].as_sequence().unwrap() {
        for rule in group["rules"].as_sequence().unwrap() {
            let name = rule["alert"].as_str().unwrap();
            assert!(names.insert(name), "{name} comes twice");
            for note in ["summary", "why"] {
                assert!(
                    rule["annotations"][note].as_str().is_some_and(|note| !note.is_empty()),
                    "{name}: {note}"
                );
            }
            let severity = rule["labels"]["severity"].as_str().unwrap();
            assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
            let expression = rule["expr"].as_str().unwrap();
            let balance = |open, close| expression.matches(open).count() == expression.matches(close).count();
            assert!(balance('(', ')') && balance('[', ']') && balance('{', '}'), "{name}: {expression}");
            let asked = series(expression);
            assert!(!asked.is_empty() || expression.starts_with("up{"), "{name}: {expression}");
            for series in asked {
                let bare =
                    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| series.strip_suffix(suffix));
                let known =
                    documented.contains(&series) || bare.is_some_and(|bare| documented.contains(bare));
                assert!(known, "{name} asks for {series}, which docs/OPERATIONS.md does not know");
            }
        }
    }
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn the_documentation_links_to_files_that_exist() {
    let documentation = text("docs/OPERATIONS.md");
    let links = documentation.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let mut count = 0;
    for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
        let path = link.split('#').next().unwrap();
        assert!(Path::new(&root().join("docs")).join(path).exists(), "{link}");
        count += 1;
    }
    assert!(count > 3);
}
