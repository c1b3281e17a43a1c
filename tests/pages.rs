//! Completions and manual pages, read by what reads them: bash, and groff where it is there.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

fn arsis(arguments: &[&str]) -> Vec<u8> {
    let ran = Command::new(env!("CARGO_BIN_EXE_arsis")).args(arguments).env_clear().output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// What bash offers for the last word of a line.
fn completed_by_bash(words: &[&str]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("arsis.bash");
    fs::write(&script, arsis(&["completions", "bash"])).unwrap();
    let ask = r#"
        source "$1"; shift
        function_name=$(complete -p arsis | sed -n 's/.*-F \([^ ]*\).*/\1/p')
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        "$function_name" arsis "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ask, "bash"]).arg(&script).args(words).current_dir(folder.path());
    let ran = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{words:?}");
    String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(completed_by_bash(&["arsis", "ana"]), set(&["analyze"]));
    assert!(completed_by_bash(&["arsis", ""]).is_superset(&set(&[
        "watch",
        "serve",
        "queue",
        "completions",
        "man"
    ])));
    assert_eq!(completed_by_bash(&["arsis", "analyze", "--ban"]), set(&["--bands"]));
    let formats = completed_by_bash(&["arsis", "analyze", "--format", "j"]);
    assert_eq!(formats, set(&["json", "jsonl", "jams"]));
    assert_eq!(completed_by_bash(&["arsis", "watch", "--onc"]), set(&["--once"]));
    assert_eq!(completed_by_bash(&["arsis", "queue", "pru"]), set(&["prune"]));
}

#[test]
fn every_shell_gets_a_script_that_names_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(arsis(&["completions", shell])).unwrap();
        for command in ["analyze", "watch", "serve", "worker", "api", "migrate", "user", "queue"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn each_command_has_a_page_that_groff_reads_without_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man/man1");
    arsis(&["man", "--dir", dir.to_str().unwrap()]);
    let names: BTreeSet<String> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for name in ["arsis", "arsis-analyze", "arsis-watch", "arsis-queue", "arsis-queue-list", "arsis-user-add"]
    {
        assert!(names.contains(&format!("{name}.1")), "{name}: {names:?}");
    }
    assert_eq!(fs::read(dir.join("arsis.1")).unwrap(), arsis(&["man"]));
    let page = fs::read_to_string(dir.join("arsis-analyze.1")).unwrap();
    assert!(page.contains(".TH ARSIS-ANALYZE 1") && page.contains("\\-\\-hop\\-ms"), "{page}");
    if Command::new("groff").arg("--version").output().is_err() {
        eprintln!("groff is missing: the pages were not read");
        return;
    }
    for name in names {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(dir.join(&name));
        let ran = groff.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{name}");
    }
}
