//! `arsis analyze --format audacity|jams|csv|rekordbox|dat` as a shell sees it, its documents read by readers that are
//! not ours (`export/tests/read_exports.py`).

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testmusic::Score;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/export/tests/read_exports.py");
/// Each form, and its document in a folder of `-o`.
const FORMS: [(&str, &str); 5] = [
    ("audacity", "labels.txt"),
    ("jams", "analysis.jams"),
    ("csv", "events.csv"),
    ("rekordbox", "rekordbox.xml"),
    ("dat", "waveform.dat"),
];
/// A name with everything in it that ends a name somewhere.
const HOSTILE: &str = "a <&\"'>\t,\n🎵 100%.wav";

/// The interpreter named by `ARSIS_TEST_PYTHON`, or that of `scripts/setup --tests`, or `python3`.
fn python() -> Command {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-python/bin/python");
    let made = if made.exists() { made.into_os_string() } else { "python3".into() };
    Command::new(std::env::var_os("ARSIS_TEST_PYTHON").unwrap_or(made))
}

/// What a reader in Python says of these files, an item for each.
#[track_caller]
fn read(kind: &str, paths: &[PathBuf]) -> Vec<Value> {
    let ran = python().arg(READER).arg(kind).args(paths).output().unwrap();
    assert!(ran.status.success(), "{kind}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// What the command said.
struct Said {
    status: i32,
    out: Vec<u8>,
    err: String,
}

impl Said {
    #[track_caller]
    fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stderr: {}", self.err);
        self
    }
}

/// A folder with music in it, and the command run there.
struct Place(TempDir);

impl Place {
    /// Two short pieces, and a file that is no music.
    fn with_music() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let base = Score { form: "AB".into(), bars_per_section: 4, ..Score::default() };
        fs::write(place.path("a.wav"), base.render().wav()).unwrap();
        fs::write(place.path("b.wav"), Score { tempo_bpm: 100.0, seed: 2, ..base }.render().wav()).unwrap();
        fs::write(place.path("bad.wav"), b"no audio at all").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn analyze(&self, arguments: &[&str]) -> Said {
        self.analyze_from(arguments, Stdio::null())
    }

    fn analyze_from(&self, arguments: &[&str], stdin: Stdio) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.arg("analyze").args(arguments).current_dir(self.0.path()).env_clear().stdin(stdin);
        let output = command.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        Said { status: output.status.code().unwrap(), out: output.stdout, err }
    }

    /// What a form's reader reads on standard output.
    #[track_caller]
    fn reread(&self, form: &str, arguments: &[&str]) -> Value {
        let said = self.analyze(&[&["--format", form], arguments].concat());
        assert_eq!((said.status, said.err.as_str()), (0, ""));
        self.read(form, &said.out)
    }

    #[track_caller]
    fn read(&self, form: &str, document: &[u8]) -> Value {
        let path = self.path(&format!("document.{form}"));
        fs::write(&path, document).unwrap();
        read(form, &[path]).remove(0)
    }
}

fn length(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

#[test]
fn each_form_of_one_file_goes_to_standard_output_whatever_the_file_is_called() {
    let place = Place::with_music();
    fs::rename(place.path("a.wav"), place.path(HOSTILE)).unwrap();
    assert!(length(&place.reread("audacity", &[HOSTILE])) > 30);
    let jam = place.reread("jams", &[HOSTILE]);
    assert_eq!(jam["title"], HOSTILE.trim_end_matches(".wav"));
    assert_eq!(length(&jam["annotations"]["beat"]), 33);
    let rows = place.reread("csv", &[HOSTILE]);
    assert!(rows.as_array().unwrap().iter().all(|row| row["file"] == HOSTILE));
    let library = place.reread("rekordbox", &[HOSTILE]);
    assert_eq!(library[0]["attributes"]["Name"], HOSTILE.trim_end_matches(".wav"));
    let lies = fs::canonicalize(place.path(HOSTILE)).unwrap();
    assert_eq!(library[0]["path"], lies.to_str().unwrap());
    let peaks = place.reread("dat", &[HOSTILE]);
    assert!(peaks["pairs"] == read("peaks", &[lies])[0], "the peaks are those of the samples");
}

#[test]
fn a_table_and_a_library_take_many_files_in_the_order_they_were_named() {
    let place = Place::with_music();
    for jobs in ["1", "2"] {
        let rows = place.reread("csv", &["-j", jobs, "b.wav", "a.wav"]);
        let mut files: Vec<&str> =
            rows.as_array().unwrap().iter().map(|row| row["file"].as_str().unwrap()).collect();
        files.dedup();
        assert_eq!(files, ["b.wav", "a.wav"]);
        let library = place.reread("rekordbox", &["-j", jobs, "b.wav", "a.wav"]);
        let names = [&library[0], &library[1]].map(|track| track["attributes"]["Name"].as_str().unwrap());
        assert_eq!(names, ["b", "a"]);
    }
}

#[test]
fn forms_of_one_file_need_a_folder_for_many() {
    let place = Place::with_music();
    for form in ["audacity", "jams", "dat"] {
        let said = place.analyze(&["--format", form, "a.wav", "b.wav"]).expect(2);
        assert!(said.out.is_empty() && said.err.contains("use -o DIR to get one for each"), "{}", said.err);
    }
    for (form, name) in FORMS {
        let said = place.analyze(&["--format", form, "-o", "out", "a.wav", "b.wav"]).expect(0);
        assert_eq!(
            (said.out.as_slice(), said.err.as_str()),
            (&b""[..], ""),
            "{form}: nothing on standard output"
        );
        for file in ["a.wav", "b.wav"] {
            let folder = place.path("out").join(file);
            assert!(folder.join("manifest.json").exists() && folder.join("analysis.json").exists());
            let alone = place.analyze(&["--format", form, file]).expect(0).out;
            assert!(fs::read(folder.join(name)).unwrap() == alone, "{form} of {file}: as on standard output");
        }
    }
}

#[test]
fn a_file_that_fails_takes_no_other_with_it() {
    let place = Place::with_music();
    let rows = place.analyze(&["--format", "csv", "bad.wav", "a.wav"]).expect(1);
    assert!(length(&place.read("csv", &rows.out)) > 30);
    let library = place.analyze(&["--format", "rekordbox", "bad.wav", "a.wav"]).expect(1);
    assert_eq!(length(&place.read("rekordbox", &library.out)), 1);
    assert!(library.err.contains("arsis: bad.wav: not a recognised audio file"), "{}", library.err);
    for form in ["csv", "rekordbox"] {
        let all = place.analyze(&["--format", form, "bad.wav", "missing.wav"]).expect(1);
        assert_eq!(length(&place.read(form, &all.out)), 0, "an empty document");
    }
    for (form, _) in FORMS {
        assert_eq!(place.analyze(&["--format", form, "bad.wav"]).expect(1).out, b"", "{form}");
        place.analyze(&["--format", form, "-o", "out", "bad.wav", "a.wav"]).expect(1);
        assert!(!place.path("out/bad.wav").exists() && place.path("out/a.wav").exists());
    }
}

#[test]
fn a_type_without_events_gives_empty_documents_and_says_so() {
    let place = Place::with_music();
    for (form, _) in &FORMS[..4] {
        let said = place.analyze(&["--type", "spectral", "--format", form, "a.wav"]).expect(0);
        let note = format!("arsis: --type spectral hears no events: the {form} output will hold none");
        assert!(said.err.starts_with(&note) && said.err.lines().count() == 1, "{}", said.err);
        let document = place.read(form, &said.out);
        match *form {
            "jams" => assert_eq!(document["annotations"], json!({})),
            "rekordbox" => assert_eq!((length(&document[0]["tempo"]), length(&document[0]["marks"])), (0, 0)),
            _ => assert_eq!(document, json!([])),
        }
    }
    // Peaks are of the samples.
    let peaks = |kind: &str| place.reread("dat", &["--type", kind, "a.wav"]);
    assert!(peaks("spectral") == peaks("full"));
    let tonal = place.reread("jams", &["--type", "tonal", "a.wav"]);
    assert!(tonal["annotations"].get("key_mode").is_some() && tonal["annotations"].get("beat").is_none());
}

#[test]
fn standard_input_has_every_form_but_that_which_says_where_it_lies() {
    let place = Place::with_music();
    let open = || Stdio::from(File::open(place.path("a.wav")).unwrap());
    for form in ["audacity", "jams", "csv", "dat"] {
        let said = place.analyze_from(&["--format", form, "-"], open()).expect(0);
        place.read(form, &said.out);
    }
    let said = place.analyze_from(&["--format", "rekordbox", "-"], open()).expect(2);
    assert!(said.err.contains("standard input lies nowhere; name the file"), "{}", said.err);
}

#[test]
fn binary_is_not_written_to_a_terminal() {
    let place = Place::with_music();
    // A terminal of its own for the command; its output and exit status come out of it.
    let script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let arsis = [env!("CARGO_BIN_EXE_arsis"), "analyze", "--format", "dat", "a.wav"];
    let run = |more: &[&str]| {
        let mut command = python();
        command.args(["-c", script]).args(arsis).args(more).current_dir(place.0.path());
        command.stdin(Stdio::null()).output().unwrap()
    };
    let refused = run(&[]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("standard output is a terminal"), "{said}");
    assert_eq!(run(&["-o", "out"]).status.code(), Some(0));
}
