//! The document of `arsis analyze --format json` and `jsonl`, written from what is stored: the same bytes for the same
//! analysis. Events are written as they come.

use crate::EventSource;
use crate::Track;
use analysis_core::manifest::Manifest;
use analysis_core::summary::{AudioInfo, Summary};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

#[derive(Serialize)]
struct Document<'a> {
    file: &'a str,
    analyzer_version: &'a str,
    fingerprint: Option<&'a str>,
    audio: &'a AudioInfo,
    summary: &'a Summary,
    manifest: &'a Manifest,
    #[serde(serialize_with = "one_by_one")]
    events: &'a dyn EventSource,
}

impl<'a> Document<'a> {
    fn of(track: &Track<'a>, manifest: &'a Manifest) -> Self {
        let Track { file, analyzer_version, fingerprint, audio, summary, events, .. } = *track;
        Self { file, analyzer_version, fingerprint, audio, summary, manifest, events }
    }
}

fn one_by_one<S: Serializer>(events: &&dyn EventSource, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.events())
}

/// Writes the document over many lines, for people too, with the end of a line.
///
/// # Errors
/// Those of `out`.
pub fn write(track: &Track<'_>, manifest: &Manifest, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::of(track, manifest))?;
    writeln!(out)
}

/// Writes the document as one line.
///
/// # Errors
/// Those of `out`.
pub fn write_line(track: &Track<'_>, manifest: &Manifest, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Document::of(track, manifest))?;
    writeln!(out)
}
