//! A library as Rekordbox imports it: `DJ_PLAYLISTS` XML, version 1.0.0.
//!
//! Each track has its tempo, key and length, a `TEMPO` node for each stretch of its grid (see [`crate::grid`]) and a
//! memory cue (`POSITION_MARK` of type 0, number -1) at the start of each section. `Location` is a URL of the file;
//! Rekordbox finds tracks by it. Without tempo, key or container the attribute is left out.

use crate::grid::{self, Anchor};
use crate::track::{Seconds, words};
use crate::{EventSource, Track};
use analysis_core::events::EventType;
use analysis_core::summary::{AudioInfo, KeyEstimate, Mode};
use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};
use std::fmt::{self, Write as _};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Tracks of one document. How many they are stands before the first, so they wait in `spool`, a file or a
/// `Cursor` in memory, until all are there: some 100 bytes a stretch of the grid.
pub struct Collection<S: Read + Write + Seek> {
    spool: Writer<S>,
    entries: u32,
}

impl<S: Read + Write + Seek> fmt::Debug for Collection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl<S: Read + Write + Seek> Collection<S> {
    /// An empty one.
    pub fn new(spool: S) -> Self {
        Self { spool: Writer::new(spool), entries: 0 }
    }

    /// Adds a track; its `TrackID` is its number, from 1.
    ///
    /// # Errors
    /// Those of the spool.
    pub fn add(&mut self, track: &Track<'_>) -> io::Result<()> {
        self.entries += 1;
        let id = self.entries.to_string();
        let mut element = BytesStart::new("TRACK");
        push(&mut element, "TrackID", &id);
        describe(&mut element, track);
        self.spool.get_mut().write_all(b"\n    ")?;
        self.spool.write_event(Event::Start(element))?;
        self.write_grid(track)?;
        self.write_cues(track.events)?;
        self.spool.get_mut().write_all(b"\n    ")?;
        self.spool.write_event(Event::End(BytesEnd::new("TRACK")))
    }

    /// Writes the document.
    ///
    /// # Errors
    /// Those of `out` and of the spool.
    pub fn finish(self, product_version: &str, out: &mut impl Write) -> io::Result<()> {
        let mut spool = self.spool.into_inner();
        spool.seek(SeekFrom::Start(0))?;
        let entries = self.entries.to_string();
        let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("DJ_PLAYLISTS").with_attribute(("Version", "1.0.0")).write_inner_content(
            |xml| {
                let product = [("Name", "Arsis"), ("Version", product_version), ("Company", "")];
                xml.create_element("PRODUCT").with_attributes(product).write_empty()?;
                xml.create_element("COLLECTION")
                    .with_attribute(("Entries", entries.as_str()))
                    .write_inner_content(|xml| io::copy(&mut spool, xml.get_mut()).map(|_| ()))?;
                xml.create_element("PLAYLISTS").write_inner_content(|xml| {
                    let root = [("Type", "0"), ("Name", "ROOT"), ("Count", "0")];
                    xml.create_element("NODE").with_attributes(root).write_empty().map(|_| ())
                })?;
                Ok(())
            },
        )?;
        writeln!(out)
    }

    fn write_grid(&mut self, track: &Track<'_>) -> io::Result<()> {
        for anchor in grid::anchors(track.events.events(), &track.summary.time_signatures) {
            let Anchor { time_ms, centi_bpm, metre, position } = anchor;
            let bpm = format!("{}.{:02}", centi_bpm / 100, centi_bpm % 100);
            self.write_mark(
                "TEMPO",
                &[
                    ("Inizio", &Seconds(time_ms.into()).to_string()),
                    ("Bpm", &bpm),
                    ("Metro", &metre.to_string()),
                    ("Battito", &position.to_string()),
                ],
            )?;
        }
        Ok(())
    }

    fn write_cues(&mut self, events: &dyn EventSource) -> io::Result<()> {
        for section in events.events().filter(|event| event.event_type == EventType::Section) {
            let start = Seconds(section.time_ms.into()).to_string();
            let name = words(&section).unwrap_or_default();
            self.write_mark(
                "POSITION_MARK",
                &[("Name", name), ("Type", "0"), ("Start", &start), ("Num", "-1")],
            )?;
        }
        Ok(())
    }

    fn write_mark(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        let mut element = BytesStart::new(name);
        attributes.iter().for_each(|(key, value)| push(&mut element, key, value));
        self.spool.get_mut().write_all(b"\n      ")?;
        self.spool.write_event(Event::Empty(element))
    }
}

/// Adds an attribute. XML has no way to say most control characters, and reads a tab or a line's end in an attribute
/// as a space unless it is a reference.
fn push(element: &mut BytesStart<'_>, key: &str, value: &str) {
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    let value: String = value.chars().map(|c| if legal(c) { c } else { '\u{FFFD}' }).collect();
    let value = escape(value).replace('\t', "&#9;").replace('\n', "&#10;").replace('\r', "&#13;");
    element.push_attribute((key.as_bytes(), value.as_bytes()));
}

fn describe(element: &mut BytesStart<'_>, track: &Track<'_>) {
    push(element, "Name", track.title);
    if let Some(kind) = kind(track.audio) {
        push(element, "Kind", &kind);
    }
    push(element, "TotalTime", &((track.audio.duration_ms + 500) / 1000).to_string());
    if let Some(bpm) = track.summary.tempo_bpm {
        push(element, "AverageBpm", &format!("{bpm:.2}"));
    }
    push(element, "SampleRate", &track.audio.sample_rate.to_string());
    push(element, "Location", &location(track));
    if let Some(key) = &track.summary.key {
        push(element, "Tonality", &tonality(key));
    }
}

/// As Rekordbox names kinds of files: `MP3 File`.
fn kind(audio: &AudioInfo) -> Option<String> {
    let container = audio.container.as_deref()?;
    let name = match (container, audio.codec.as_deref()) {
        ("mp4", Some("alac")) => "ALAC".to_owned(),
        ("mp4", _) => "M4A".to_owned(),
        _ => container.to_uppercase(),
    };
    Some(format!("{name} File"))
}

/// As DJs write keys: `Am`, `F#`.
fn tonality(key: &KeyEstimate) -> String {
    let minor = if key.mode == Mode::Minor { "m" } else { "" };
    format!("{}{minor}", key.tonic)
}

/// `file://localhost/` and the path, every byte of it but unreserved characters (RFC 3986) and slashes as `%XX`. What
/// lies nowhere goes by its name.
fn location(track: &Track<'_>) -> String {
    let path = track.path.map_or(track.file.as_bytes(), |path| path.as_os_str().as_encoded_bytes());
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut url = "file://localhost/".to_owned();
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
