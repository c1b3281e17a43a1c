//! What files may be called: anything.

use super::Place;
use std::fs;

/// Clears the screen, names the window, begins a line, and turns the text after it around.
const ODD: &str = "a\u{1b}[2J\u{1b}]0;b\u{7}\n\u{9b}2Jc\u{202e}.wav";
/// How its beginning is shown.
const SHOWN: &str = "a [2J ]0;b   2J";

#[test]
fn nothing_in_a_name_is_obeyed_by_a_terminal() {
    let place = Place::with_music();
    let bad = ODD.replace('c', "d");
    fs::rename(place.path("a.wav"), place.path(ODD)).unwrap();
    place.write(&bad, b"this is a letter, not a sound");
    fs::create_dir(place.path(&ODD.replace(".wav", ""))).unwrap();
    for (arguments, status) in [
        (&["analyze", ODD][..], 0),
        (&["analyze", ODD, &bad, "missing\u{1b}[2J"], 1),
        (&["analyze", "-v", "--details", ODD, "b.wav"], 0),
        (&["analyze", &ODD.replace(".wav", "")], 2),
        (&["analyze", "-r", &ODD.replace(".wav", "")], 1),
        (&["analyze", "--picture", ODD, "b.wav"], 2),
        (&["watch", "--once", "--interval", "0.1", "."], 1),
        (&["watch", ODD], 2),
        (&["compare", ODD, ODD], 0),
        (&["compare", ODD, &bad], 1),
    ] {
        let said = place.run(arguments).expect(status);
        let said = said.out + &said.err;
        assert!(!said.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{said:?}");
        assert!(said.contains(SHOWN), "{arguments:?}: {said}");
    }
    // Programs get the name as it is.
    let document = place.run(&["analyze", "--format", "json", ODD]).expect(0);
    assert_eq!(document.json()["file"], ODD);
    assert!(!document.out.contains(['\u{1b}', '\u{7}']), "{}", document.out);
}

#[test]
fn the_longest_names_have_results() {
    let place = Place::with_music();
    let name = format!("{}.wav", "n".repeat(251));
    fs::rename(place.path("a.wav"), place.path(&name)).unwrap();
    // One that begins alike, at the same time.
    let other = format!("{}m.wav", "n".repeat(250));
    fs::rename(place.path("b.wav"), place.path(&other)).unwrap();
    place.run(&["analyze", "-j", "2", "-o", "out", &name, &other]).expect(0);
    assert_eq!(place.names("out"), [other.as_str(), &name]);
    let picture = format!("{}.svg", "p".repeat(251));
    place.run(&["analyze", "--picture", &picture, "c.wav"]).expect(0);
    assert!(place.path(&picture).exists());
}
