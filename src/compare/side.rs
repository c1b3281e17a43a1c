//! One side of a comparison: what a file says of the music, whatever its form.

use super::{documents, heard, lists};
use crate::analyze::inputs::is_audio;
use crate::analyze::output::unnamed;
use crate::analyze::picture::Columns;
use crate::cli::picture::LookArgs;
use analysis_core::events::{Event, EventData, EventType};
use anyhow::{Context, Result, bail, ensure};
use picture::Region;
use scores::chords::Span;
use serde::Serialize;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, copy};
use std::path::Path;

/// Largest document that is read whole; analyses of `--format json` are read event by event.
const MOST_BYTES: u64 = 64 << 20;
/// Most that is kept of what can be read only once.
const MOST_KEPT_BYTES: u64 = 1 << 30;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Audio,
    Analysis,
    Jams,
    Labels,
    Table,
    Beats,
}

/// Frames of audio that was analysed here.
pub(crate) struct Frames {
    pub(crate) columns: Columns,
    pub(crate) hop_ms: f64,
    pub(crate) band_edges_hz: Vec<f32>,
}

/// What is said of the music. `None` is not said; an empty list says that there is nothing.
#[derive(Default)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) kind: Option<Kind>,
    pub(crate) duration_s: Option<f64>,
    /// In seconds, rising.
    pub(crate) beats: Option<Vec<f64>>,
    pub(crate) downbeats: Option<Vec<f64>>,
    pub(crate) tempo_bpm: Option<f64>,
    /// For example `A minor`.
    pub(crate) key: Option<String>,
    /// As lead sheets name them.
    pub(crate) chords: Option<Vec<Span>>,
    pub(crate) sections: Option<Vec<Region>>,
    pub(crate) loudness_lufs: Option<f64>,
    pub(crate) frames: Option<Frames>,
}

impl Side {
    /// Adds a beat; `position` is its place in the bar, from 1, where it is known.
    pub(crate) fn add_beat(&mut self, time_s: f64, position: Option<u32>) {
        self.beats.get_or_insert_default().push(time_s);
        if let Some(position) = position {
            let downbeats = self.downbeats.get_or_insert_default();
            downbeats.extend((position == 1).then_some(time_s));
        }
    }

    pub(crate) fn add_chord(&mut self, start: f64, end: f64, name: String) {
        self.chords.get_or_insert_default().push(Span { start, end, name });
    }

    pub(crate) fn add_section(&mut self, start_s: f64, end_s: f64, label: String) {
        let region = Region { from_ms: 1000.0 * start_s, to_ms: 1000.0 * end_s, label };
        self.sections.get_or_insert_default().push(region);
    }

    /// Adds an event of ours; what is not compared is passed over.
    pub(crate) fn add_event(&mut self, event: Event) {
        let start_s = f64::from(event.time_ms) / 1000.0;
        let end_s = start_s + f64::from(event.duration_ms.unwrap_or(0)) / 1000.0;
        match (event.event_type, event.event_data) {
            (EventType::Beat, Some(EventData::Beat { position, .. })) => {
                self.add_beat(start_s, Some(position.into()))
            }
            (EventType::Beat, _) => self.add_beat(start_s, None),
            (EventType::Section, Some(EventData::Section { label })) => {
                self.add_section(start_s, end_s, label)
            }
            (EventType::Chord, Some(EventData::Chord { name, .. })) => self.add_chord(start_s, end_s, name),
            (EventType::Key, Some(EventData::Name { name })) => {
                self.key.get_or_insert(name);
            }
            _ => {}
        }
    }

    /// Puts in order what may have come in any, and tells the tempo of beats that came without one.
    fn settle(&mut self) {
        for times in [&mut self.beats, &mut self.downbeats].into_iter().flatten() {
            times.sort_by(f64::total_cmp);
        }
        self.chords = self.chords.take().map(one_after_another);
        if let Some(sections) = &mut self.sections {
            sections.sort_by(|a, b| a.from_ms.total_cmp(&b.from_ms));
        }
        let step_s = self.beats.as_deref().and_then(median_step);
        self.tempo_bpm = self.tempo_bpm.or(step_s.map(|step| 60.0 / step));
    }

    /// Where sections begin, in seconds; where the music begins is no find.
    pub(crate) fn boundaries(&self) -> Option<Vec<f64>> {
        let sections = self.sections.as_ref()?;
        Some(sections.iter().skip(1).map(|section| section.from_ms / 1000.0).collect())
    }

    /// How far it reaches, in seconds: its length, or the end of the last thing that it says.
    pub(crate) fn end_s(&self) -> f64 {
        let beats = self.beats.iter().flatten().copied();
        let chords = self.chords.iter().flatten().map(|chord| chord.end);
        let sections = self.sections.iter().flatten().map(|section| section.to_ms / 1000.0);
        let last = beats.chain(chords).chain(sections).fold(0.0, f64::max);
        self.duration_s.unwrap_or(last)
    }

    /// Whether anything is said that can be compared.
    fn says_anything(&self) -> bool {
        self.kind == Some(Kind::Audio)
            || self.beats.is_some()
            || self.tempo_bpm.is_some()
            || self.key.is_some()
            || self.chords.is_some()
            || self.sections.is_some()
            || self.loudness_lufs.is_some()
    }
}

/// Chords by when they begin, each until the next at most: what one side says twice must not count twice.
fn one_after_another(mut chords: Vec<Span>) -> Vec<Span> {
    chords.retain(|chord| chord.end > chord.start);
    chords.sort_by(|a, b| a.start.total_cmp(&b.start));
    for at in 1..chords.len() {
        chords[at - 1].end = chords[at - 1].end.min(chords[at].start);
    }
    chords.retain(|chord| chord.end > chord.start);
    chords
}

/// Middle of the steps between rising times, in seconds; `None` where there is none.
pub(crate) fn median_step(times: &[f64]) -> Option<f64> {
    let steps = times.windows(2).map(|two| two[1] - two[0]);
    median(steps.collect()).filter(|step| *step > 0.0)
}

/// The middle value, the upper of two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Reads one side; of audio the frames that a picture of this look needs are kept.
///
/// # Errors
/// When it cannot be read, is in no form that is known, or says nothing that can be compared.
pub(crate) fn read(path: &Path, look: &LookArgs) -> Result<Side> {
    let name = path.display().to_string();
    let read = || -> Result<Side> {
        let mut side = read_as_found(path, look)?;
        side.name = name.clone();
        side.settle();
        ensure!(
            side.says_anything(),
            "it says nothing that can be compared: no beats, tempo, key, chords or sections"
        );
        Ok(side)
    };
    read().with_context(|| format!("failed to read {name}"))
}

fn read_as_found(path: &Path, look: &LookArgs) -> Result<Side> {
    if path.is_dir() {
        return match File::open(path.join("analysis.json")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("it is a folder without analysis.json, which `arsis analyze -o` writes")
            }
            opened => documents::read(opened.context("failed to open its analysis.json")?),
        };
    }
    let mut file = open(path)?;
    if is_audio(path) {
        return heard::listen(file, path, look);
    }
    let mut start = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut start)?;
    file.rewind()?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
    if text.starts_with(b"{") {
        return documents::read(file);
    }
    if text.starts_with(b"[") {
        bail!("it is a list of JSON; give one document of --format json, of one file");
    }
    if start.contains(&0) || std::str::from_utf8(&start).is_err_and(|error| error.error_len().is_some()) {
        return heard::listen(file, path, look);
    }
    let bytes = file.metadata()?.len();
    ensure!(bytes <= MOST_BYTES, "it is larger than the {} MiB that are taken of a list", MOST_BYTES >> 20);
    let mut list = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut list)?;
    lists::read(&list)
}

/// Opens a file that can be read back and forth: a pipe gives what it holds once, and is kept in a temporary file.
fn open(path: &Path) -> Result<File> {
    let file = File::open(path).context("failed to open the file")?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let mut kept = unnamed()?;
    let bytes = copy(&mut file.take(MOST_KEPT_BYTES + 1), &mut kept)
        .context("failed to keep it in a temporary file")?;
    ensure!(
        bytes <= MOST_KEPT_BYTES,
        "it is a pipe with more than the {} MiB that are taken of one; write it to a file first",
        MOST_KEPT_BYTES >> 20
    );
    kept.rewind()?;
    Ok(kept)
}
