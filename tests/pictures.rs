//! Pictures as they are asked for on the command line: SVG that is well-formed, PNG that is that SVG, and in both what
//! was heard, where it was heard.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;

use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use picture::colour;
use quick_xml::events::Event;
use said::Said;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What lies left and right of the axis of time, and where it begins.
const MARGINS_PX: f64 = 128.0;
const LEFT_PX: f64 = 58.0;

struct Place {
    folder: TempDir,
}

impl Place {
    fn with(name: &str, wav: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), wav).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        Said::of(command.output().unwrap())
    }

    fn svg(&self, name: &str) -> Svg {
        Svg::read(&fs::read_to_string(self.path(name)).unwrap())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An SVG, read by a parser of XML that checks that it is well-formed.
struct Svg {
    elements: Vec<(String, BTreeMap<String, String>)>,
    texts: Vec<String>,
}

impl Svg {
    #[track_caller]
    fn read(text: &str) -> Self {
        let mut reader = quick_xml::Reader::from_str(text);
        let (mut svg, mut word) = (Self { elements: Vec::new(), texts: Vec::new() }, String::new());
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("not well-formed: {error}")) {
                Event::Start(tag) | Event::Empty(tag) => {
                    let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                    let attribute = |a: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
                        let a = a.unwrap_or_else(|error| panic!("not well-formed: {error}"));
                        let value =
                            quick_xml::escape::unescape(std::str::from_utf8(&a.value).unwrap()).unwrap();
                        (String::from_utf8(a.key.as_ref().to_vec()).unwrap(), value.into_owned())
                    };
                    svg.elements.push((name, tag.attributes().map(attribute).collect()));
                    word.clear();
                }
                Event::Text(text) => word += &text.decode().unwrap(),
                Event::GeneralRef(name) => {
                    let name = name.decode().unwrap();
                    word += &quick_xml::escape::unescape(&format!("&{name};")).unwrap();
                }
                Event::End(tag) if tag.name().as_ref() == b"text" => svg.texts.push(word.clone()),
                Event::Eof => return svg,
                _ => {}
            }
        }
    }

    fn attribute(&self, element: &str, key: &str, value: &str, wanted: &str) -> Vec<&str> {
        let same = |map: &&BTreeMap<String, String>| map.get(key).is_some_and(|found| found == value);
        let maps = self.elements.iter().filter(|(name, _)| name == element).map(|(_, map)| map);
        maps.filter(same).map(|map| map[wanted].as_str()).collect()
    }

    /// Where the vertical lines of a class are.
    fn xs(&self, class: &str) -> Vec<f64> {
        let paths = self.attribute("path", "class", class, "d");
        paths
            .iter()
            .flat_map(|path| path.split('M').skip(1))
            .map(|part| part.split(' ').next().unwrap().parse().unwrap())
            .collect()
    }

    fn has_group(&self, id: &str) -> bool {
        self.elements.iter().any(|(name, map)| name == "g" && map.get("id").is_some_and(|found| found == id))
    }
}

fn pixels(path: &PathBuf) -> (usize, usize, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    (info.width as usize, info.height as usize, pixels)
}

fn events(document: &Value, kind: &str) -> Vec<f64> {
    let of_kind = |event: &&Value| event["event_type"] == kind;
    document["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of_kind)
        .map(|e| e["time_ms"].as_f64().unwrap())
        .collect()
}

#[track_caller]
fn assert_at(got: &[f64], times_ms: &[f64], x: impl Fn(f64) -> f64) {
    assert_eq!(got.len(), times_ms.len());
    for (got, time_ms) in got.iter().zip(times_ms) {
        assert!((got - x(*time_ms)).abs() < 0.01, "{time_ms} ms lies at {got}, not at {}", x(*time_ms));
    }
}

#[test]
fn beats_lie_where_the_events_say_in_the_whole_and_in_a_part() {
    let place = Place::with("a.wav", &testmusic::clicks(120.0, 0.25, 12.0, 44_100).wav());
    let whole = ["analyze", "--format", "json", "--picture", "a.svg", "a.wav"];
    let document = place.run(&whole).expect(0).json();
    let (beats, downbeats) = (events(&document, "beat"), events(&document, "downbeat"));
    assert!(beats.len() > 20 && downbeats.len() > 3);
    let within: Vec<f64> = beats.iter().copied().filter(|beat| !downbeats.contains(beat)).collect();
    let svg = place.svg("a.svg");
    let x = |time_ms: f64| LEFT_PX + time_ms / 12_000.0 * (1000.0 - MARGINS_PX);
    assert_at(&svg.xs("beat"), &within, x);
    assert_at(&svg.xs("downbeat"), &downbeats, x);
    assert_at(&svg.xs("bar"), &downbeats, x);

    let part =
        ["analyze", "--picture", "b.svg", "--picture-span", "3-0:07", "--picture-width", "640", "a.wav"];
    place.run(&part).expect(0);
    let svg = place.svg("b.svg");
    let x = |time_ms: f64| LEFT_PX + (time_ms - 3000.0) / 4000.0 * (640.0 - MARGINS_PX);
    let shown: Vec<f64> = within.into_iter().filter(|beat| (3000.0..=7000.0).contains(beat)).collect();
    assert_at(&svg.xs("beat"), &shown, x);
    assert!(svg.texts.contains(&"0:03.0".to_owned()));
}

/// Colours of the bands at a time, the highest band first, and where the bands are in the PNG.
#[test]
fn pixels_of_the_png_are_the_values_of_the_frames() {
    let place = Place::with("a.wav", &testmusic::clicks(97.0, 0.5, 6.0, 22_050).wav());
    let run = [
        "analyze",
        "-o",
        "out",
        "--values",
        "f32",
        "--type",
        "spectral",
        "--picture-format",
        "both",
        "a.wav",
    ];
    place.run(&run).expect(0);
    let folder = place.path("out/a.wav");
    let manifest = Manifest::from_json(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let chunk = |level: u32, index: u32| {
        Ok(fs::read(folder.join(format!("level-{level}/chunk-{index:05}.zst"))).unwrap())
    };
    let range = FrameReader::new(manifest.clone(), chunk).unwrap().read(0, 0, u64::MAX).unwrap();
    let bands = range.field(&manifest.frame_layout, "bands").unwrap();
    let high = (bands.iter().copied().fold(-40.0_f32, f32::max) / 10.0).ceil() * 10.0;

    let svg = place.svg("out/a.wav/picture.svg");
    let image = svg.elements.iter().find(|(name, _)| name == "image").unwrap();
    let at = |key: &str| image.1[key].parse::<f64>().unwrap();
    let (width, _, drawn) = pixels(&folder.join("picture.png"));
    let (columns, rows) = (2.0 * at("width"), 2.0 * at("height"));
    // Every frame has about three columns of pixels: the middle one shows it alone.
    let (frames, count) = (bands.len() / 64, 64);
    let mut colours = std::collections::BTreeSet::new();
    for frame in (1..frames - 1).step_by(7) {
        let x = 2.0 * at("x") + (frame as f64 * 10.0) / 6000.0 * columns;
        for band in 0..count {
            let y = 2.0 * at("y") + rows * (1.0 - (band as f64 + 0.5) / count as f64);
            let want = colour::map()[usize::from(colour::index(bands[frame * 64 + band], high - 80.0, high))];
            let got = drawn[pixel(y) * width + pixel(x)];
            assert_eq!(got, want, "frame {frame}, band {band}");
            colours.insert(got);
        }
    }
    assert!(colours.len() > 60, "{} colours", colours.len());
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places within a picture")]
fn pixel(at: f64) -> usize {
    at as usize
}

#[test]
fn the_same_music_gives_the_same_bytes_and_the_theme_another_page() {
    let place = Place::with("a.wav", &testmusic::clicks(120.0, 0.25, 6.0, 22_050).wav());
    for folder in ["one", "two"] {
        place.run(&["analyze", "-o", folder, "--picture-format", "both", "a.wav"]).expect(0);
    }
    for name in ["picture.png", "picture.svg"] {
        let read = |folder: &str| fs::read(place.path(folder).join("a.wav").join(name)).unwrap();
        assert!(read("one") == read("two"), "{name}");
    }
    place.run(&["analyze", "--picture", "dark.png", "--picture-theme", "dark", "a.wav"]).expect(0);
    let (_, _, light) = pixels(&place.path("one/a.wav/picture.png"));
    let (width, height, dark) = pixels(&place.path("dark.png"));
    assert_eq!((light[0], dark[0], width), ([255; 3], [18, 18, 23], 2000));
    assert!(height > 600);
}

#[test]
fn any_name_of_a_file_stands_in_the_picture() {
    let name = "<b>&\"'\u{1}音楽 Ünïcödé ♫ — a name that is far too long to fit above a picture of four hundred and eighty pixels, take 17.wav";
    let place = Place::with(name, &testmusic::clicks(120.0, 0.25, 4.0, 22_050).wav());
    fs::create_dir(place.path("out")).unwrap();
    let run = ["analyze", "--picture", "out", "--picture-format", "both", "--picture-width", "480", name];
    place.run(&run).expect(0);
    assert_eq!(place.names("out").len(), 2);
    let svg = place.svg(&format!("out/{name}.svg"));
    let shown = &svg.texts[0];
    assert!(shown.starts_with("<b>&\"'\u{fffd}音楽") && shown.ends_with("take 17.wav"), "{shown}");
    assert!(shown.contains('…'));
    pixels(&place.path(&format!("out/{name}.png")));
}

#[test]
fn a_picture_shows_what_was_listened_for_and_nothing_made_up() {
    let place = Place::with("silence.wav", &testmusic::silence(5.0, 22_050).wav());
    for (kind, lanes) in [
        ("full", ["bands", "chroma"].as_slice()),
        ("spectral", &["bands"]),
        ("rhythm", &["bands"]),
        ("tonal", &["bands", "chroma"]),
    ] {
        place.run(&["analyze", "--type", kind, "--picture", "a.svg", "silence.wav"]).expect(0);
        let svg = place.svg("a.svg");
        for lane in ["bands", "chroma", "beats", "tempo", "loudness", "keys", "chords"] {
            assert_eq!(svg.has_group(lane), lanes.contains(&lane), "{lane} of {kind}");
        }
    }
}

#[test]
fn where_pictures_go_is_checked_before_anything_is_heard() {
    let place = Place::with("a.wav", &testmusic::clicks(120.0, 0.25, 4.0, 22_050).wav());
    fs::copy(place.path("a.wav"), place.path("b.svg")).unwrap();
    for (arguments, status, said) in [
        (
            ["--picture", "a.jpg", "a.wav", "a.wav"].as_slice(),
            2,
            "neither a folder that exists nor a name that ends in",
        ),
        (&["--picture", "a.svg", "a.wav", "b.svg"], 2, "one file for 2 inputs"),
        (&["--picture", "b.svg", "b.svg"], 2, "would replace b.svg"),
        (&["--picture", "none/a.svg", "a.wav"], 1, "there is no folder none"),
        (&["--picture-span", "5", "a.wav"], 2, "0:30-1:00"),
        (&["--picture-width", "100", "a.wav"], 2, "480"),
        (
            &["--picture", "a.svg", "--picture-span", "0:30-0:40", "a.wav"],
            1,
            "begins at 0:30.0 and the music ends at 0:04.0",
        ),
    ] {
        let said_it = place.run(&[&["analyze"], arguments].concat()).expect(status);
        assert!(said_it.err.contains(said), "{arguments:?}: {}", said_it.err);
    }
    assert_eq!(place.names("."), ["a.wav", "b.svg"]);
    place.run(&["analyze", "-o", "out", "--picture-format", "none", "a.wav"]).expect(0);
    assert!(!place.names("out/a.wav").iter().any(|name| name.starts_with("picture")));
}
