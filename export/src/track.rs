//! What is exported: what is stored of a track.

use analysis_core::events::{Event, EventData, Events};
use analysis_core::summary::{AudioInfo, Summary};
use std::fmt;
use std::path::Path;

/// Gives its events as often as it is asked, in order of time: some forms have them sorted by kind and are written
/// in several passes.
pub trait EventSource {
    /// The events, from the first.
    fn events(&self) -> Box<dyn Iterator<Item = Event> + '_>;
}

impl EventSource for Events {
    fn events(&self) -> Box<dyn Iterator<Item = Event> + '_> {
        Box::new(self.iter())
    }
}

impl EventSource for Vec<Event> {
    fn events(&self) -> Box<dyn Iterator<Item = Event> + '_> {
        Box::new(self.iter().cloned())
    }
}

impl<const N: usize> EventSource for [Event; N] {
    fn events(&self) -> Box<dyn Iterator<Item = Event> + '_> {
        Box::new(self.iter().cloned())
    }
}

/// A track and what was heard in it.
#[derive(Clone, Copy)]
pub struct Track<'a> {
    /// The file, as results name it.
    pub file: &'a str,
    /// Name of the music.
    pub title: &'a str,
    /// Where the file lies, from the root; `None` for what lies nowhere.
    pub path: Option<&'a Path>,
    /// Name of the file's bytes.
    pub fingerprint: Option<&'a str>,
    /// Version of the engine that listened.
    pub analyzer_version: &'a str,
    /// The audio as it was found.
    pub audio: &'a AudioInfo,
    /// The whole in a few fields.
    pub summary: &'a Summary,
    /// What happens when.
    pub events: &'a dyn EventSource,
}

impl fmt::Debug for Track<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, title, path, analyzer_version, .. } = self;
        f.debug_struct("Track")
            .field("file", file)
            .field("title", title)
            .field("path", path)
            .field("analyzer_version", analyzer_version)
            .finish_non_exhaustive()
    }
}

impl<'a> Track<'a> {
    /// A track of this file, called as the file is without its folder and extension; analysed by this version of the
    /// engine, lying nowhere.
    #[must_use]
    pub fn new(
        file: &'a str,
        audio: &'a AudioInfo,
        summary: &'a Summary,
        events: &'a dyn EventSource,
    ) -> Self {
        let title = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
        let analyzer_version = analysis_core::ANALYZER_VERSION;
        Self { file, title, path: None, fingerprint: None, analyzer_version, audio, summary, events }
    }
}

/// The words that an event carries: label of a section, name of a key or chord.
pub(crate) fn words(event: &Event) -> Option<&str> {
    match event.event_data.as_ref()? {
        EventData::Section { label } => Some(label),
        EventData::Chord { name, .. } | EventData::Name { name } => Some(name),
        _ => None,
    }
}

/// Milliseconds, written as seconds with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl Seconds {
    /// For forms that have times as numbers.
    pub(crate) fn number(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
