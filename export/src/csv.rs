//! A table of events as RFC 4180 has it: a header, a row an event, CRLF at the ends of rows. Any number of tracks
//! share one table.
//!
//! | column | what |
//! |---|---|
//! | `file` | the file, as results name it |
//! | `time_s`, `duration_s` | in seconds, three decimals; no duration for an instant |
//! | `event_type` | `beat`, `downbeat`, `tatum`, `onset`, `section`, `segment`, `key`, `chord` |
//! | `confidence` | 0 to 1 |
//! | `bar`, `position` | of beats and downbeats, both from 1 |
//! | `label` | of sections; name of a key or chord |
//!
//! A cell is empty where there is nothing to say. The values of segments are in the JSON document alone.

use crate::Track;
use crate::stretches::ended;
use crate::track::{Seconds, words};
use ::csv::{ErrorKind, Reader, Terminator, Writer, WriterBuilder};
use analysis_core::events::{Event, EventData};
use serde::Deserialize;
use std::fmt;
use std::io::{self, Write};

const HEADER: [&str; 8] =
    ["file", "time_s", "duration_s", "event_type", "confidence", "bar", "position", "label"];

/// A table as it is written.
pub struct Table<W: Write> {
    rows: Writer<W>,
}

impl<W: Write> fmt::Debug for Table<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl<W: Write> Table<W> {
    /// Starts a table: writes the header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W) -> io::Result<Self> {
        let mut rows = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        rows.write_record(HEADER).map_err(unwrapped)?;
        rows.flush()?;
        Ok(Self { rows })
    }

    /// Writes the events of a track.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn add(&mut self, track: &Track<'_>) -> io::Result<()> {
        for event in ended(track) {
            let row = row(track.file, &event);
            self.rows.write_record(row.iter().map(String::as_str)).map_err(unwrapped)?;
        }
        self.rows.flush()
    }
}

/// What `out` said: who writes asks for its kind.
fn unwrapped(error: ::csv::Error) -> io::Error {
    let told = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        _ => io::Error::other(told),
    }
}

fn row(file: &str, event: &Event) -> [String; 8] {
    let place = match event.event_data {
        Some(EventData::Beat { bar, position }) => Some((bar, position)),
        _ => None,
    };
    [
        file.to_owned(),
        Seconds(event.time_ms.into()).to_string(),
        cell(event.duration_ms.map(|ms| Seconds(ms.into()))),
        event.event_type.as_str().to_owned(),
        cell(event.confidence.filter(|confidence| confidence.is_finite())),
        cell(place.map(|(bar, _)| bar)),
        cell(place.map(|(_, position)| position)),
        words(event).unwrap_or_default().to_owned(),
    ]
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A row of a table that is read: what [`Table`] wrote, or what else has its columns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    /// The file.
    pub file: String,
    /// When, in seconds.
    pub time_s: f64,
    /// How long, in seconds.
    pub duration_s: Option<f64>,
    /// What it is.
    pub event_type: String,
    /// Of beats: place in the bar, from 1.
    pub position: Option<u32>,
    /// Of sections, keys and chords.
    pub label: String,
}

/// Reads the rows of a table, in their order.
///
/// # Errors
/// Of the first row that is none: it names its line.
pub fn read(table: &[u8]) -> io::Result<Vec<Row>> {
    Ok(Reader::from_reader(table).deserialize().collect::<Result<_, _>>()?)
}
