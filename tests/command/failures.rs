//! What goes wrong, what is said of it, and what it takes with it: nothing.

use super::Place;
use super::said::Said;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_file_that_fails_takes_no_other_with_it() {
    let place = Place::with_music();
    place.write("bad.wav", b"this is a letter, not a sound");
    let said = place.run(&["analyze", "--format", "json", "a.wav", "bad.wav", "c.wav"]).expect(1);
    let json = said.json();
    let files: Vec<&str> =
        json.as_array().unwrap().iter().map(|document| document["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["a.wav", "c.wav"]);
    let lines: Vec<&str> = said.err.lines().collect();
    assert!(lines[0].starts_with("arsis: bad.wav: not a recognised audio file"), "{}", said.err);
    assert_eq!(lines[1..], ["arsis: 1 of 3 files failed"]);
    let all_bad = place.run(&["analyze", "--format", "json", "bad.wav", "missing.wav"]).expect(1);
    assert_eq!(all_bad.json(), serde_json::json!([]));
    let alone = place.run(&["analyze", "--format", "json", "bad.wav"]).expect(1);
    assert_eq!(alone.out, "", "nothing is said of a file that failed");
}

#[test]
fn a_full_disk_behind_standard_output_ends_the_run() {
    let place = Place::with_music();
    for format in ["text", "json", "jsonl", "csv", "rekordbox"] {
        let full = Stdio::from(File::options().write(true).open("/dev/full").unwrap());
        let mut command =
            place.command(&["analyze", "-j", "2", "--format", format, "a.wav", "b.wav", "c.wav"]);
        let said = Said::of(command.stdout(full).output().unwrap()).expect(1);
        assert!(
            said.err.starts_with("arsis: failed to write to standard output: No space left"),
            "{}",
            said.err
        );
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn each_way_to_fail_is_named() {
    let place = Place::with_music();
    place.write("garbage.mp3", &testmusic::noise(1.0, 8_000, 0.5, 9).wav().split_off(44));
    place.write("empty.flac", b"");
    let no_samples = testmusic::silence(0.0, 44_100).wav();
    place.write("no-samples.wav", &no_samples);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis-core/tests/fixtures");
    fs::copy(fixtures.join("ac3.mka"), place.path("ac3.mka")).unwrap();
    for (file, message) in [
        ("garbage.mp3", "not a recognised audio file"),
        ("empty.flac", "the input is empty: it holds no audio"),
        ("no-samples.wav", "the input is empty: it holds no audio"),
        ("missing.wav", "failed to open the file: No such file or directory"),
        ("ac3.mka", "unsupported codec: "),
    ] {
        let said = place.run(&["analyze", file]).expect(1);
        assert_eq!(said.out, "", "{file}");
        let begins = format!("arsis: {file}: {message}");
        assert!(said.err.starts_with(&begins), "{:?} does not begin with {begins:?}", said.err);
        assert_eq!(said.err.lines().count(), 1, "one line for one failure: {}", said.err);
    }
    place.write("long.wav", &testmusic::silence(61.0, 8_000).wav());
    let long = place.run(&["analyze", "--max-minutes", "1", "long.wav"]).expect(1);
    assert!(long.err.starts_with("arsis: long.wav: the audio lasts longer than the limit"), "{}", long.err);
}

#[test]
fn a_failure_says_what_to_do_next() {
    let place = Place::with_music();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis-core/tests/fixtures");
    let fixture = |name: &str| fs::read(fixtures.join(name)).unwrap();
    let aac = fixture("aac.m4a");
    let at = aac.windows(4).rposition(|code| code == b"mp4a").unwrap();
    place.write("bought.m4a", &[&aac[..at], b"drms", &aac[at + 4..]].concat());
    place.write("film.mp4", &fixture("video-only.mp4"));
    place.write("odd.mka", &fixture("ac3.mka"));
    place.write("letter.wav", b"this is a letter, not a sound");
    place.write("empty.flac", b"");
    place.write("torn.flac", &fixture("exact-s16.flac")[..3_000]);
    for (file, step) in [
        ("A.wav", "did you mean a.wav?"),
        ("lettre.wav", "did you mean letter.wav?"),
        ("nowhere/a.wav", "there is no folder nowhere"),
        ("bought.m4a", "protected against copying (DRM)"),
        ("film.mp4", "is it a film without sound"),
        ("odd.mka", "convert it first: ffmpeg"),
        ("letter.wav", "wav, flac, mp3, ogg, opus, m4a, aac"),
        ("empty.flac", "was it copied to its end?"),
        ("torn.flac", "Copy or download it again"),
    ] {
        let said = place.run(&["analyze", file]).expect(1);
        assert!(said.err.contains(step), "{file}: {}", said.err);
    }
    // Nothing is like these, or they are there.
    assert!(!place.run(&["analyze", "quite-another.wav"]).expect(1).err.contains("mean"));
    let long = place.run(&["analyze", "--max-minutes", "1", "missing"]).expect(1);
    assert_eq!(long.err.lines().count(), 1);
    place.write("file", b"");
    let file = place.run(&["analyze", "-o", "file", "a.wav", "b.wav"]).expect(2);
    assert!(file.err.contains("-o file is a file; name a folder"), "{}", file.err);
    let below = place.run(&["analyze", "-o", "file/out", "a.wav", "b.wav"]).expect(1);
    assert_eq!(below.err.lines().count(), 1, "once, not for each file: {}", below.err);
}

#[test]
fn a_file_cut_short_is_marked_wherever_it_is_listed() {
    let place = Place::with_music();
    let whole = fs::read(place.path("a.wav")).unwrap();
    place.write("in/cut.wav", &whole[..whole.len() / 2]);
    place.write("in/whole.wav", &whole);
    let table = place.run(&["analyze", "-r", "in"]).expect(0).out;
    let watched = place.run(&["watch", "--once", "--interval", "0.1", "in"]).expect(0).out;
    for lines in [&table, &watched] {
        let line = |name: &str| lines.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("in/cut.wav").contains("  cut short  "), "{lines}");
        assert!(!line("in/whole.wav").contains("cut short"), "{lines}");
    }
    assert!(table.ends_with(" of audio; 1 damaged\n"), "{table}");
}

#[test]
fn a_link_to_nothing_is_called_that() {
    let place = Place::new();
    symlink("gone/song.mp3", place.path("song.mp3")).unwrap();
    let said = place.run(&["analyze", "song.mp3"]).expect(1);
    assert!(said.err.ends_with("; it is a link to gone/song.mp3, which is not there\n"), "{}", said.err);
    let watched = place.run(&["watch", "song.mp3"]).expect(2);
    assert!(!watched.err.contains("did you mean"), "{}", watched.err);
}

#[test]
fn settings_are_read_before_anything_is_begun() {
    let place = Place::new();
    for (name, value, must) in [
        ("ARSIS_HSTS_SECONDS", "-1", "a whole number, 0 or more"),
        ("ARSIS_MAX_CONNECTIONS", "0", "a whole number, 1 or more"),
        ("ARSIS_JOBS", "two", "a whole number, 1 or more"),
        ("ARSIS_TIME_LIMIT_MINUTES", "0", "a whole number, 1 or more"),
        ("ARSIS_RATE_LIMIT", "5000000000", "a whole number from 0 to 4294967295"),
        ("ARSIS_METRICS_LISTEN", "9090", "an address and a port, as 127.0.0.1:7070"),
        ("S3_PATH_STYLE", "yes", "true or false"),
    ] {
        let mut command = place.command(&["serve"]);
        let s3 = ["S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"].map(|name| (name, "x"));
        // No database is there: it would be said if it was looked for.
        let command = command.env("DATABASE_URL", "postgres://127.0.0.1:1/none").envs(s3).env(name, value);
        let said = Said::of(command.output().unwrap()).expect(1);
        assert_eq!(said.out, "");
        assert_eq!(said.err, format!("arsis: {name} is {value:?}; it must be {must}\n"));
    }
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let place = Place::new();
    let with_url = |url: &str, arguments: &[&str]| {
        Said::of(place.command(arguments).env("DATABASE_URL", url).output().unwrap()).expect(1).err
    };
    // Taken, and nobody listens there.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let gone = with_url(&format!("postgres://u:secret@127.0.0.1:{port}/music"), &["migrate"]);
    let says =
        format!("arsis: failed to connect to the database \"music\" at 127.0.0.1:{port} (DATABASE_URL)");
    assert!(gone.starts_with(&says) && gone.contains("does PostgreSQL run there?"), "{gone}");
    let wrong = with_url("u:secret@music", &["migrate"]);
    assert!(wrong.contains("postgres://USER:PASSWORD@HOST:5432/DATABASE"), "{wrong}");
    assert!(!gone.contains("secret") && !wrong.contains("secret"), "{gone}{wrong}");
}

#[test]
fn a_setting_that_does_not_fit_is_named_in_either_form_of_the_log() {
    let place = Place::new();
    for form in ["text", "json"] {
        let mut command = place.command(&["analyze", "--log-format", form, "a.wav"]);
        let said = Said::of(command.env("RUST_LOG", "arsis=loud").output().unwrap()).expect(1);
        assert!(
            said.err.contains("RUST_LOG is") && said.err.contains("does not fit"),
            "{form}: {}",
            said.err
        );
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let place = Place::with_music();
    for (arguments, says) in [
        (&["analyze"][..], "<PATH>"),
        (&["analyze", "--format", "yaml", "a.wav"], "possible values: text, json, jsonl"),
        (
            &["analyze", "--type", "deep", "a.wav"],
            "possible values: full, spectral, rhythm, tonal, structure",
        ),
        (&["analyze", "-j", "0", "a.wav"], "--jobs"),
        (&["analyze", "--bands", "7", "a.wav"], "7 is not in 8..=256"),
        (&["analyze", "--hop-ms", "101", "a.wav"], "101 is not in 1..=100"),
        (&["analyze", "--max-minutes", "0", "a.wav"], "0 is not in 1..=5760"),
        (&["analyze", "-", "-"], "only once"),
        (&["analyse", "a.wav"], "analyze"),
        (&[], "Usage"),
    ] {
        let said = place.run(arguments).expect(2);
        assert!(said.out.is_empty() && said.err.contains(says), "{arguments:?}: {}", said.err);
    }
}
