//! Frames by time: cut out of the chunks to the span that is asked for, at a level that fits.

use crate::extract::{Path, Query};
use crate::growing::{COMPLETE, Growing, Grown};
use crate::negotiate;
use crate::problem::{Kind, Problem};
use crate::query::check_span;
use crate::request::Caller;
use crate::results::{MAX_PAYLOAD_BYTES, header_text, not_ready, strong_etag, tagged, without_result};
use crate::rights;
use crate::state::App;
use crate::views::AnalysisView;
use analysis_core::error::Error as CoreError;
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::{LevelManifest, Manifest};
use analysis_core::reader::{FrameRange, FrameReader};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use store::PgConnection;
use store::access::Action;
use store::analyses::Status;
use store::frames::StoredChunk;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const BINARY: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// Which frames.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SpanQuery {
    /// From this time on, in ms. Default 0.
    #[param(minimum = 0)]
    from_ms: Option<u32>,
    /// Until before this time, in ms. Default: the end.
    #[param(minimum = 0)]
    to_ms: Option<u32>,
    /// Zoom level; 0 is the finest. Default: the finest that needs no more than `max_frames`.
    level: Option<u32>,
    /// Most frames wanted, in place of `level`; where even the coarsest level has more of them, it is that one. Default:
    /// as many as one answer may hold, 65,536 or, as JSON, 4,096.
    #[param(minimum = 1, maximum = 65536)]
    max_frames: Option<u32>,
}

/// Frames in physical units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Frames)]
pub(crate) struct FramesView {
    /// Zoom level.
    level: u32,
    /// Time between frames, in ms.
    hop_ms: u32,
    /// Number of the first frame within its level; it begins at `start_frame · hop_ms`.
    start_frame: u32,
    /// Number of frames.
    frame_count: u32,
    /// Time of the first frame, in ms.
    start_time_ms: u64,
    /// Fields by name, in the order of the manifest's `frame_layout`.
    fields: Vec<FieldView>,
}

/// One field of every frame.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrameField)]
pub(crate) struct FieldView {
    /// Name, as in the manifest's `frame_layout`.
    name: String,
    /// Unit of the values.
    unit: String,
    /// Values of each frame: `frame_count` lists of as many as the field has; null where there is none.
    values: Vec<Vec<Option<f32>>>,
}

/// The frames whose slots `[i · hop, (i + 1) · hop)` meet a span of time.
///
/// As bytes (`application/octet-stream`, the default): frame after frame in the manifest's `frame_layout`, with
/// the headers `Arsis-Level`, `Arsis-Hop-Ms`, `Arsis-Start-Frame`, `Arsis-Frame-Count` and
/// `Arsis-Bytes-Per-Frame`. As JSON, in physical units, where `Accept` prefers it.
///
/// Of a running analysis these are the frames there are so far, the same that will be there in the end, from the span's
/// beginning without a gap; `Arsis-Complete` is `false` then, `Arsis-Available-Ms` says how far the level reaches, and
/// `Arsis-Attempt` names the attempt: what came under another name is void.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/frames", tag = "results",
    params(("analysis_id" = Uuid, Path), SpanQuery, ("Accept" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "The frames", content((Vec<u8> = "application/octet-stream"),
            (FramesView = "application/json")),
            headers(("Arsis-Complete" = bool, description = "`false` while the analysis runs"))),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 406, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn frames(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    Query(query): Query<SpanQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepted = header_text(&headers, header::ACCEPT);
    let media = negotiate::media_type(accepted.as_deref(), &[BINARY, JSON]);
    let media = media.ok_or_else(|| Problem::new(Kind::NotAcceptable))?;
    let most = if media == JSON { app.config().max_json_frames } else { app.config().max_span_frames };
    let mut db = app.db().await?;
    let analysis = rights::analysis(&mut db, &caller, analysis_id, Action::Read).await?;
    let mut now = store::frames::snapshot(&mut db).await?;
    let cut = match analysis.status {
        Status::Completed => match cut_of_whole(&mut now, analysis_id, &query, most).await? {
            Some(cutting) => cutting,
            // Done again since its row was read, or of someone else's making and without a manifest.
            None => return without_result(&mut now, analysis_id).await,
        },
        Status::Running => match Growing::of(&mut now, &analysis).await? {
            Some(growing) => growing.cut(&mut now, &query, most).await?,
            None => return not_ready(analysis),
        },
        _ => return not_ready(analysis),
    };
    drop(now);
    drop(db);
    let Cut { layout, range, progress } =
        tokio::task::spawn_blocking(cut).await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    // What grows has no tag, and is never the same as before.
    let headers = if progress.is_some() { HeaderMap::new() } else { headers };
    let mut response =
        if media == JSON { json(&headers, &layout, &range)? } else { binary(&headers, &layout, range) };
    match progress {
        Some(progress) => progress.tell(response.headers_mut()),
        None => drop(response.headers_mut().insert(COMPLETE, HeaderValue::from_static("true"))),
    }
    Ok(response)
}

/// What was cut out of chunks.
pub(crate) struct Cut {
    pub(crate) layout: FrameLayout,
    pub(crate) range: FrameRange,
    /// How far an analysis is that still runs.
    pub(crate) progress: Option<Grown>,
}

/// The work of decoding and cutting, for a thread that may take its time.
pub(crate) type Cutting = Box<dyn FnOnce() -> analysis_core::Result<Cut> + Send>;

/// Of a completed analysis; `None` where it has no manifest.
async fn cut_of_whole(
    db: &mut PgConnection,
    analysis_id: Uuid,
    query: &SpanQuery,
    most: u32,
) -> Result<Option<Cutting>, Problem> {
    let Some(manifest) = store::frames::manifest(db, analysis_id).await? else { return Ok(None) };
    let manifest: Manifest = serde_json::from_value(manifest).map_err(Problem::internal)?;
    let span = Span::choose(query, &manifest.levels, most)?;
    let chunks = match manifest.levels.iter().find(|level| level.level == span.level) {
        Some(level) => fetch(db, analysis_id, level, manifest.chunk_size_frames, &span).await?,
        None => Vec::new(),
    };
    Ok(Some(Box::new(move || {
        let layout = manifest.frame_layout.clone();
        Ok(Cut { layout, range: cut(manifest, chunks, &span)?, progress: None })
    })))
}

/// A span of time at a level, known to be small enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) level: u32,
}

impl Span {
    /// Of `levels`, finest first.
    pub(crate) fn choose(query: &SpanQuery, levels: &[LevelManifest], most: u32) -> Result<Self, Problem> {
        let invalid = |field: &str, detail: String| Err(Problem::invalid_field(field, detail));
        let from_ms = u64::from(query.from_ms.unwrap_or(0));
        let to_ms = query.to_ms.map_or(u64::from(u32::MAX), u64::from);
        check_span(Some(from_ms), Some(to_ms))?;
        let wanted = match query.max_frames {
            Some(_) if query.level.is_some() => {
                return invalid("max_frames", "cannot be given together with level".into());
            }
            Some(wanted) if !(1..=most).contains(&wanted) => {
                return invalid("max_frames", format!("must be 1 to {most}"));
            }
            wanted => wanted.unwrap_or(most),
        };
        let count = |level: &LevelManifest| frames_meeting(level, from_ms, to_ms);
        let level = match query.level {
            Some(number) => levels.iter().find(|level| level.level == number),
            None => levels.iter().find(|level| count(level) <= wanted).or(levels.last()),
        };
        let Some(level) = level else {
            return invalid("level", format!("must be 0 to {}", levels.len().saturating_sub(1)));
        };
        if count(level) > most {
            let detail = format!(
                "the span holds {} frames of level {}, the limit is {most}",
                count(level),
                level.level
            );
            return invalid("to_ms", detail);
        }
        Ok(Self { from_ms, to_ms, level: level.level })
    }
}

/// How many frames of a level have slots that meet the span: as [`FrameReader::read`] counts them.
fn frames_meeting(level: &LevelManifest, from_ms: u64, to_ms: u64) -> u32 {
    let meeting = meeting(level, from_ms, to_ms);
    meeting.end - meeting.start
}

/// Which.
pub(crate) fn meeting(level: &LevelManifest, from_ms: u64, to_ms: u64) -> Range<u32> {
    let hop_ms = u64::from(level.hop_ms.max(1));
    let clamp = |frame: u64| u32::try_from(frame).unwrap_or(u32::MAX).min(level.frame_count);
    let start = clamp(from_ms / hop_ms);
    start..clamp(to_ms.div_ceil(hop_ms)).max(start)
}

/// The chunks that hold the span. They are few: the span is bounded, and a chunk has 64 frames at least.
pub(crate) async fn fetch(
    db: &mut PgConnection,
    analysis_id: Uuid,
    level: &LevelManifest,
    chunk_size_frames: u32,
    span: &Span,
) -> Result<Vec<StoredChunk>, Problem> {
    let count = frames_meeting(level, span.from_ms, span.to_ms);
    let chunks = i64::from(count / chunk_size_frames.max(1)) + 2;
    let number = i16::try_from(level.level).map_err(Problem::internal)?;
    let stored_ms = |ms: u64| i32::try_from(ms).unwrap_or(i32::MAX);
    let (from_ms, to_ms) = (stored_ms(span.from_ms), stored_ms(span.to_ms));
    Ok(store::frames::chunks_between(db, analysis_id, number, from_ms, to_ms, None, chunks).await?)
}

/// Decodes the chunks and cuts the span out of them.
fn cut(manifest: Manifest, chunks: Vec<StoredChunk>, span: &Span) -> analysis_core::Result<FrameRange> {
    let mut by_index: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for chunk in chunks {
        by_index.insert(u32::try_from(chunk.chunk_index).unwrap_or(u32::MAX), chunk.bytes.into());
    }
    let source = |_level: u32, index: u32| {
        let missing = || CoreError::BadChunk { detail: format!("chunk {index} is not stored") };
        by_index.remove(&index).ok_or_else(missing)
    };
    let mut reader = FrameReader::new(manifest, source)?.with_max_bytes(MAX_PAYLOAD_BYTES);
    reader.read(span.level, span.from_ms, span.to_ms)
}

fn binary(headers: &HeaderMap, layout: &FrameLayout, range: FrameRange) -> Response {
    let facts = [
        ("arsis-level", range.level),
        ("arsis-hop-ms", range.hop_ms),
        ("arsis-start-frame", range.start_frame),
        ("arsis-frame-count", range.frame_count),
        ("arsis-bytes-per-frame", u32::try_from(layout.bytes_per_frame()).unwrap_or(u32::MAX)),
    ];
    let place = format!("-{}-{}", range.level, range.start_frame);
    let etag = strong_etag(&range.frames, &place);
    let mut response = tagged(headers, etag, BINARY, "private, no-cache", range.frames.into());
    for (name, value) in facts {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
    vary(response)
}

fn json(headers: &HeaderMap, layout: &FrameLayout, range: &FrameRange) -> Result<Response, Problem> {
    let fields = layout.fields().iter().map(|field| {
        let values = range.field(layout, &field.name)?;
        let rows = values.chunks_exact(field.count.max(1));
        let values =
            rows.map(|row| row.iter().map(|value| value.is_finite().then_some(*value)).collect()).collect();
        Ok(FieldView { name: field.name.clone(), unit: field.unit.clone(), values })
    });
    let view = FramesView {
        level: range.level,
        hop_ms: range.hop_ms,
        start_frame: range.start_frame,
        frame_count: range.frame_count,
        start_time_ms: range.time_ms(0),
        fields: fields.collect::<analysis_core::Result<_>>().map_err(Problem::internal)?,
    };
    let body = serde_json::to_vec(&view).map_err(Problem::internal)?;
    Ok(vary(tagged(headers, strong_etag(&body, "-json"), JSON, "private, no-cache", body.into())))
}

fn vary(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
