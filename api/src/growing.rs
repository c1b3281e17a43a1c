//! What a running analysis has stored so far, so that a picture of it grows.
//!
//! A chunk of a coarse level holds minutes or hours and is stored late. So what a level lacks is made of the next finer
//! one, as the engine makes it: what is served of a running analysis is what will be there in the end, bit for bit. Beyond
//! its last chunk a level lacks less than a chunk, so each finer level is asked for eight chunks at most.

use crate::frames::{Cut, Cutting, Span, SpanQuery, fetch, meeting};
use crate::problem::Problem;
use crate::results::MAX_PAYLOAD_BYTES;
use analysis_core::chunk::decode_chunk;
use analysis_core::config::ZOOM_FACTOR;
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::{LevelManifest, MANIFEST_VERSION};
use analysis_core::reader::FrameRange;
use analysis_core::zoom;
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::ops::Range;
use store::PgConnection;
use store::analyses::Analysis;
use store::frames::{StoredChunk, StoredLevel};
use uuid::Uuid;

/// Whether that is all, or the analysis still runs.
pub(crate) const COMPLETE: HeaderName = HeaderName::from_static("arsis-complete");

/// How far the level reaches, in ms.
const AVAILABLE_MS: HeaderName = HeaderName::from_static("arsis-available-ms");

/// Names an attempt at an analysis.
const ATTEMPT: HeaderName = HeaderName::from_static("arsis-attempt");

/// The levels of an attempt under way.
#[derive(Debug)]
pub(crate) struct Growing {
    analysis_id: Uuid,
    stored: Vec<StoredLevel>,
    layout: FrameLayout,
    /// With the frames that can be served now, finest first.
    levels: Vec<LevelManifest>,
    /// Length of the audio, where it is known.
    total_ms: Option<u64>,
}

/// How far a level is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grown {
    attempt: Uuid,
    available_ms: u64,
}

impl Grown {
    /// Says so, and that nothing of it may be kept.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(COMPLETE, HeaderValue::from_static("false"));
        headers.insert(AVAILABLE_MS, HeaderValue::from(self.available_ms));
        if let Ok(attempt) = HeaderValue::try_from(self.attempt.simple().to_string()) {
            headers.insert(ATTEMPT, attempt);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.remove(header::ETAG);
    }
}

/// What a level has stored of a range of its frames.
struct Piece {
    frames: Range<u32>,
    chunks: Vec<StoredChunk>,
}

impl Growing {
    /// `None` when nothing is stored yet.
    pub(crate) async fn of(db: &mut PgConnection, analysis: &Analysis) -> Result<Option<Self>, Problem> {
        let stored = store::frames::levels(db, analysis.id).await?;
        let Some(finest) = stored.first().filter(|level| level.stored_frames > 0) else { return Ok(None) };
        let layout = serde_json::from_value(finest.frame_layout.clone()).map_err(Problem::internal)?;
        let mut levels: Vec<LevelManifest> = Vec::new();
        for level in &stored {
            let own = u32::try_from(level.stored_frames).map_err(Problem::internal)?;
            let made = levels.last().map_or(0, |finer| finer.frame_count / ZOOM_FACTOR);
            levels.push(LevelManifest {
                level: u32::try_from(level.level).map_err(Problem::internal)?,
                hop_ms: u32::try_from(level.hop_ms).map_err(Problem::internal)?,
                frame_count: own.max(made),
                total_chunks: u32::try_from(level.stored_chunks).map_err(Problem::internal)?,
                chunks: Vec::new(),
            });
        }
        let total_ms = analysis.total_ms.and_then(|ms| u64::try_from(ms).ok());
        Ok(Some(Self { analysis_id: analysis.id, stored, layout, levels, total_ms }))
    }

    fn grown(&self, level: &LevelManifest) -> Grown {
        let attempt = self.stored.first().map_or(Uuid::nil(), |finest| finest.manifest_id);
        Grown { attempt, available_ms: u64::from(level.frame_count) * u64::from(level.hop_ms) }
    }

    /// The level that will suit the span when all of it is there, where that is known: so it stays as the picture grows.
    fn choose(&self, query: &SpanQuery, most: u32) -> Result<Span, Problem> {
        let mut levels = self.levels.clone();
        for level in &mut levels {
            let all = self.total_ms.unwrap_or(0).div_ceil(u64::from(level.hop_ms.max(1)));
            level.frame_count = level.frame_count.max(u32::try_from(all).unwrap_or(u32::MAX));
        }
        Span::choose(query, &levels, most)
    }

    /// The frames of a span as far as they are there.
    pub(crate) async fn cut(
        self,
        db: &mut PgConnection,
        query: &SpanQuery,
        most: u32,
    ) -> Result<Cutting, Problem> {
        let span = self.choose(query, most)?;
        let place = self.levels.iter().position(|level| level.level == span.level).unwrap_or_default();
        let wanted = meeting(&self.levels[place], span.from_ms, span.to_ms);
        let pieces = self.pieces(db, place, wanted.clone()).await?;
        Ok(Box::new(move || {
            let (level, layout) = (&self.levels[place], &self.layout);
            let mut frames = Vec::new();
            for piece in pieces {
                frames = join(layout, &piece, &frames)?;
            }
            let frame_count = u32::try_from(frames.len() / layout.bytes_per_frame()).unwrap_or(u32::MAX);
            let (start_frame, hop_ms) = (wanted.start, level.hop_ms);
            let range = FrameRange { level: level.level, hop_ms, start_frame, frame_count, frames };
            let progress = Some(self.grown(level));
            Ok(Cut { range, progress, layout: self.layout })
        }))
    }

    /// What the level at `place` has of these frames, and the finer ones of what it lacks; finest first.
    async fn pieces(
        &self,
        db: &mut PgConnection,
        place: usize,
        wanted: Range<u32>,
    ) -> Result<Vec<Piece>, Problem> {
        let (mut pieces, mut wanted) = (Vec::new(), wanted);
        for (level, stored) in self.levels[..=place].iter().zip(&self.stored).rev() {
            let has = u32::try_from(stored.stored_frames).unwrap_or(u32::MAX);
            let frames = wanted.start.min(has)..wanted.end.min(has);
            let chunk_frames = u32::try_from(stored.chunk_size_frames).unwrap_or(1);
            let chunks = if frames.is_empty() {
                Vec::new()
            } else {
                let ms = |frame: u32| u64::from(frame) * u64::from(level.hop_ms);
                let span = Span { from_ms: ms(frames.start), to_ms: ms(frames.end), level: level.level };
                fetch(db, self.analysis_id, level, chunk_frames, &span).await?
            };
            pieces.push(Piece { frames, chunks });
            let lacks = wanted.start.max(has)..wanted.end;
            if lacks.is_empty() {
                break;
            }
            wanted = lacks.start.saturating_mul(ZOOM_FACTOR)..lacks.end.saturating_mul(ZOOM_FACTOR);
        }
        pieces.reverse();
        Ok(pieces)
    }

    /// What can be said of the chunks so far, in the manifest's own words.
    pub(crate) fn manifest(&self, analysis: &Analysis) -> Response {
        let Some((finest, stored)) = self.levels.first().zip(self.stored.first()) else {
            return Json(Value::Null).into_response();
        };
        let level = |level: &LevelManifest| {
            json!({"level": level.level, "hop_ms": level.hop_ms, "frame_count": level.frame_count,
                   "total_chunks": level.total_chunks})
        };
        let grown = self.grown(finest);
        let manifest = json!({
            "manifest_version": MANIFEST_VERSION,
            "complete": false,
            "attempt": grown.attempt.simple().to_string(),
            "available_ms": grown.available_ms,
            "analyzer_version": stored.analyzer_version,
            "analysis_type": analysis.analysis_type,
            "hop_ms": finest.hop_ms,
            "frame_count": finest.frame_count,
            "duration_ms": self.total_ms,
            "sample_rate": null,
            "channels": null,
            "bands": stored.bands,
            "bytes_per_frame": stored.bytes_per_frame,
            "frame_layout": stored.frame_layout,
            "chunk_size_frames": stored.chunk_size_frames,
            "total_chunks": finest.total_chunks,
            "levels": self.levels.iter().map(level).collect::<Vec<_>>(),
            "audio": null,
        });
        let mut response = Json(manifest).into_response();
        grown.tell(response.headers_mut());
        response
    }
}

/// The frames of a piece, followed by what the finer level's frames sum up to.
fn join(layout: &FrameLayout, piece: &Piece, finer: &[u8]) -> analysis_core::Result<Vec<u8>> {
    let width = layout.bytes_per_frame();
    let mut frames = Vec::new();
    let mut next = piece.frames.start;
    for chunk in &piece.chunks {
        let decoded = decode_chunk(&chunk.bytes, layout, MAX_PAYLOAD_BYTES)?;
        let begins = decoded.header.start_frame;
        let end = begins.saturating_add(decoded.header.frame_count).min(piece.frames.end);
        if begins <= next && next < end {
            let at = |frame: u32| (frame - begins) as usize * width;
            frames.extend_from_slice(&decoded.frames[at(next)..at(end)]);
            next = end;
        }
    }
    let groups = finer.chunks_exact(ZOOM_FACTOR as usize * width);
    groups.for_each(|group| frames.extend(zoom::aggregate(layout, group)));
    Ok(frames)
}
