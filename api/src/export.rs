//! What is stored of an analysis as a file, in the forms that other programs read: `export` says what each holds.
//!
//! The file is written whole before it is sent, at once into memory and, when it grows, into a file on disk: whoever reads
//! it slowly holds neither a thread nor the database, and what cannot be written is a problem, not half a file.

use crate::conditional;
use crate::disposition;
use crate::extract::{Path, Query};
use crate::page;
use crate::places::Place;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::results::{not_ready, strong_etag, tagged};
use crate::rights;
use crate::state::App;
use crate::views::AnalysisView;
use ::export::rekordbox::Collection;
use ::export::{Track, audacity, csv, document, jams};
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::manifest::Manifest;
use analysis_core::regrid::GridBeat;
use analysis_core::summary::{MeterPoint, Summary, TempoPoint};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom};
use std::time::Duration;
use store::PgConnection;
use store::access::Action;
use store::analyses::{self, Analysis, Status};
use store::frames::{self, EventFilter};
use store::grids::{self, Grid};
use tempfile::{SpooledData, SpooledTempFile};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Events read from the database at a time.
const PAGE: u16 = 5_000;
/// Most events of an export, some twenty hours of music; they take 120 bytes each.
const MAX_EVENTS: usize = 1_000_000;
/// Longer exports wait on disk until they are sent, in bytes.
const IN_MEMORY: usize = 1 << 20;
/// What is read from there at a time, in bytes.
const PIECE: usize = 64 << 10;
/// Exports in the making at a time: one of ten hours of music takes some 60 MB of memory until it is written.
static MAKING: Semaphore = Semaphore::const_new(2);
/// Exports on disk at a time; one of ten hours of music takes some 200 MB.
static ON_DISK: Semaphore = Semaphore::const_new(32);
/// Of those, one person's.
const ON_DISK_EACH: usize = 4;

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// All that is stored, as `arsis analyze --format json` prints it.
    Json,
    /// The same in one line.
    Jsonl,
    /// JAMS, the JSON Annotated Music Specification.
    Jams,
    /// A table, a row an event.
    Csv,
    /// A label track for Audacity.
    Audacity,
    /// A library for Rekordbox.
    Rekordbox,
    /// Peaks of the audio. They are not stored: 422.
    Dat,
}

impl Form {
    /// Type of the content, and ending of the file's name.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application/json", "json"),
            Self::Jsonl => ("application/x-ndjson", "jsonl"),
            Self::Jams => ("application/json", "jams"),
            Self::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
            Self::Audacity => ("text/plain; charset=utf-8", "txt"),
            Self::Rekordbox => ("application/xml", "xml"),
            Self::Dat => ("application/octet-stream", "dat"),
        }
    }
}

/// Whose beats a file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Beats {
    /// Those that were heard.
    #[default]
    Machine,
    /// Those of your grid of these results; without one, those that were heard.
    Corrected,
}

/// What is in the file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Whose beats, bars and tempo. Default `machine`.
    #[param(inline)]
    beats: Option<Beats>,
}

/// An analysis as a file, to be saved or read by another program.
///
/// `json`, `jsonl`, `jams`, `csv`, `audacity` and `rekordbox` hold what `arsis analyze --format` writes of the same
/// analysis; the file is called as the track is. With `beats=corrected` beats, bars, tempo and time signature are those of
/// your newest grid. `dat` holds peaks of the audio itself, which are not stored: 422.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/export/{format}", tag = "results",
    params(("analysis_id" = Uuid, Path), ("format" = inline(Form), Path), ExportQuery, ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The file", content((serde_json::Value = "application/json"),
            (String = "application/x-ndjson"), (String = "text/csv"), (String = "text/plain"), (String = "application/xml")),
            headers(("Content-Disposition" = String, description = "A name for the file"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, description = "Not from what is stored, or too long", body = crate::problem::Body),
        (status = 503, description = "Too many long exports are being read", body = crate::problem::Body)))]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller,
    Path((analysis_id, form)): Path<(Uuid, Form)>,
    Query(query): Query<ExportQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    let found = analyses::get(&mut db, analysis_id).await?;
    let track_id = found.as_ref().map_or(analysis_id, |analysis| analysis.track_id);
    let track = rights::track(&mut db, &caller, track_id, Action::Read).await?;
    let analysis = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    if form == Form::Dat {
        let detail = "the peaks are not stored: `arsis analyze --format dat` makes them from the audio";
        return Err(Problem::invalid_field("format", detail));
    }
    if analysis.status != Status::Completed {
        return not_ready(analysis);
    }
    let (content_type, ending) = form.file();
    let whose = (query.beats.unwrap_or_default() == Beats::Corrected).then(|| caller.user_id());
    let newest = match whose {
        Some(user_id) => grids::newest(&mut db, analysis_id, user_id).await?,
        None => None,
    };
    let of_results = newest.filter(|(_, version)| analysis.completed_at == Some(*version));
    let known = etag(&analysis, of_results.map(|(id, _)| id), form, &track.name);
    if conditional::matches(&headers, &known) {
        return Ok(tagged(&headers, known, content_type, "private, no-cache", Bytes::new()));
    }
    drop(db);
    // First for the one's own place, then among those of all: nobody stands in the queue twice.
    let own = app.manners().making(caller.user_id()).acquire_owned().await.map_err(Problem::internal)?;
    let making = (own, MAKING.acquire().await.map_err(Problem::internal)?);
    let stored = match Stored::read(&mut *app.db().await?, analysis_id, whose).await? {
        Ok(stored) => stored,
        Err(unfinished) => return not_ready(unfinished),
    };
    // Of what was read: it may have been done again since the first look.
    let grid = stored.grid.as_ref().map(|grid| grid.id);
    let etag = etag(&stored.analysis, grid, form, &track.name);
    let disposition = disposition::attachment(&track.name, ending);
    let written = tokio::task::spawn_blocking(move || {
        // Held until it is written, whether or not someone still waits for it.
        let _making = making;
        stored.write(form, &track.name)
    });
    let written = written.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    let (length, body) = body(&app, &caller, written)?;
    let etag = HeaderValue::try_from(etag).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::ETAG, etag),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    Ok((headers, body).into_response())
}

/// Names a file by what it is made from: these results, with this grid, under this name, by this version of the service.
fn etag(analysis: &Analysis, grid: Option<Uuid>, form: Form, name: &str) -> String {
    let results = analysis.completed_at.map(page::time_key).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let named = format!("{} {results} {} {form:?} {version} {name}", analysis.id, grid.unwrap_or_default());
    strong_etag(named.as_bytes(), "")
}

/// All that is stored of an analysis but its frames, as of one moment.
struct Stored {
    analysis: Analysis,
    /// Whose beats take the place of those that were heard.
    grid: Option<Grid>,
    manifest: Manifest,
    summary: Summary,
    events: Vec<Event>,
}

impl Stored {
    /// With the grid of `whose`, where there is one. The analysis as it is where it is not complete any more.
    async fn read(
        db: &mut PgConnection,
        analysis_id: Uuid,
        whose: Option<Uuid>,
    ) -> Result<Result<Self, Analysis>, Problem> {
        let mut now = frames::snapshot(db).await?;
        let analysis = analyses::get(&mut now, analysis_id).await?;
        let mut analysis = analysis.ok_or_else(|| Problem::new(Kind::NotFound))?;
        if analysis.status != Status::Completed {
            return Ok(Err(analysis));
        }
        // A completed row of someone else's making may have neither.
        let manifest = frames::manifest(&mut now, analysis_id).await?;
        let (manifest, summary) =
            manifest.zip(analysis.summary.take()).ok_or_else(|| Problem::new(Kind::NotFound))?;
        let manifest = serde_json::from_value(manifest).map_err(Problem::internal)?;
        let summary = serde_json::from_value(summary).map_err(Problem::internal)?;
        let events = events(&mut now, analysis_id).await?;
        let grid = match whose.zip(analysis.completed_at) {
            Some((user_id, version)) => grids::of_results(&mut now, analysis_id, user_id, version).await?,
            None => None,
        };
        Ok(Ok(Self { analysis, grid, manifest, summary, events }))
    }

    /// Puts a grid in place of the beats that were heard, with all that follows from them.
    fn correct(&mut self, grid: Grid) -> serde_json::Result<()> {
        let said: GridSummary = serde_json::from_value(grid.summary)?;
        self.summary.tempo_bpm = said.tempo_bpm;
        self.summary.tempo_confidence = None;
        self.summary.tempo_curve = said.tempo_curve;
        self.summary.time_signature = said.time_signature;
        self.summary.time_signatures = said.time_signatures;
        self.summary.beat_count = Some(said.beat_count);
        self.summary.bar_count = Some(said.bar_count);
        self.events.retain(|event| !matches!(event.event_type, EventType::Beat | EventType::Downbeat));
        self.events.extend(grid.beats.iter().flat_map(beat));
        // The order of all events: of those of one moment first what lasts, then beats, then what is finer.
        let finer = |event_type| match event_type {
            EventType::Section | EventType::Key | EventType::Chord => 0,
            EventType::Downbeat | EventType::Beat => 1,
            _ => 2,
        };
        self.events.sort_by_key(|event| (event.time_ms, finer(event.event_type)));
        Ok(())
    }

    fn write(mut self, form: Form, name: &str) -> io::Result<SpooledTempFile> {
        if let Some(grid) = self.grid.take() {
            self.correct(grid)?;
        }
        let Self { manifest, summary, events, .. } = &self;
        let track = Track {
            title: name,
            fingerprint: manifest.fingerprint.as_deref(),
            analyzer_version: &manifest.analyzer_version,
            ..Track::new(name, &manifest.audio, summary, events)
        };
        let mut out = BufWriter::new(SpooledTempFile::new(IN_MEMORY));
        match form {
            Form::Json => document::write(&track, manifest, &mut out)?,
            Form::Jsonl => document::write_line(&track, manifest, &mut out)?,
            Form::Jams => jams::write(&track, &mut out)?,
            Form::Csv => csv::Table::new(&mut out)?.add(&track)?,
            Form::Audacity => audacity::write(&track, &mut out)?,
            Form::Rekordbox => {
                let mut collection = Collection::new(Cursor::new(Vec::new()));
                collection.add(&track)?;
                collection.finish(track.analyzer_version, &mut out)?;
            }
            Form::Dat => {}
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

/// What a grid says of the whole, as far as a summary has it.
#[derive(Deserialize)]
struct GridSummary {
    tempo_bpm: Option<f32>,
    tempo_curve: Vec<TempoPoint>,
    time_signature: Option<String>,
    time_signatures: Vec<MeterPoint>,
    beat_count: u32,
    bar_count: u32,
}

/// A beat as events: the first of a bar is a downbeat, too, which comes before it.
fn beat(beat: &GridBeat) -> impl Iterator<Item = Event> + use<> {
    let GridBeat { time_ms, bar, position, confidence, .. } = *beat;
    let event = move |event_type| Event {
        time_ms,
        duration_ms: None,
        event_type,
        confidence,
        event_data: Some(EventData::Beat { bar, position }),
    };
    (position == 1).then(|| event(EventType::Downbeat)).into_iter().chain([event(EventType::Beat)])
}

async fn events(db: &mut PgConnection, analysis_id: Uuid) -> Result<Vec<Event>, Problem> {
    let mut filter =
        EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: i64::from(PAGE) };
    let mut events = Vec::new();
    loop {
        let page = frames::events(db, analysis_id, &filter).await?;
        let is_last = page.len() < usize::from(PAGE);
        filter.after = page.last().map(|row| (row.time_ms, row.id));
        for row in page {
            events.push(Event::try_from(row).map_err(Problem::internal)?);
        }
        if events.len() > MAX_EVENTS {
            let detail = format!("it has more than {MAX_EVENTS} events, too many for one file");
            return Err(Problem::detailed(Kind::Invalid, detail));
        }
        if is_last {
            return Ok(events);
        }
    }
}

/// A written file and its length, ready to be sent.
fn body(app: &App, caller: &Caller, written: SpooledTempFile) -> Result<(u64, Body), Problem> {
    let mut file = match written.into_inner() {
        SpooledData::InMemory(bytes) => {
            let bytes = bytes.into_inner();
            return Ok((bytes.len() as u64, bytes.into()));
        }
        SpooledData::OnDisk(file) => file,
    };
    let length = file.stream_position().map_err(Problem::internal)?;
    file.seek(SeekFrom::Start(0)).map_err(Problem::internal)?;
    let again = Duration::from_secs(5);
    let Some(own) = app.manners().files.take(caller.user_id(), ON_DISK_EACH) else {
        let detail = format!("{ON_DISK_EACH} long exports of yours are being read; ask again");
        return Err(Problem::detailed(Kind::RateLimited, detail).retry_after(again));
    };
    let Ok(place) = ON_DISK.try_acquire() else {
        let busy = Problem::detailed(Kind::Unavailable, "too many long exports are being read; ask again");
        return Err(busy.retry_after(again));
    };
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
    // The places are held until all is sent, or nobody wants it any more; who does not read it loses the connection.
    let places = (own, place);
    let held = move |piece| {
        let _places: &(Place<Uuid>, SemaphorePermit<'static>) = &places;
        piece
    };
    Ok((length, Body::from_stream(pieces.map(held))))
}
