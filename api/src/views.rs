//! What tracks and analyses look like from outside: snake_case, times in ms, no storage keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;
use store::analyses::{Analysis, Status};
use store::queue::estimate::Observed;
use store::tracks::Track;
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// A track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Track)]
pub(crate) struct TrackView {
    /// Id.
    pub(crate) id: Uuid,
    /// Name to show.
    pub(crate) name: String,
    /// Free text.
    pub(crate) description: Option<String>,
    /// Who plays.
    pub(crate) artist: Option<String>,
    /// Where it appeared.
    pub(crate) album: Option<String>,
    /// What kind of music it is said to be.
    pub(crate) genre: Option<String>,
    /// Free labels.
    pub(crate) tags: Vec<String>,
    /// Type of the audio file, told from its content.
    #[schema(example = "audio/flac")]
    pub(crate) mime_type: String,
    /// Size of the audio file, in bytes.
    pub(crate) file_size_bytes: i64,
    /// SHA-256 of the audio file, in hex.
    pub content_sha256: Option<String>,
    /// Length, in ms; null until analysed.
    pub(crate) duration_ms: Option<u64>,
    /// Main tempo, in beats per minute; null until analysed, and where there is no beat.
    pub(crate) bpm: Option<f32>,
    /// Key; null until analysed, and where there is none.
    #[schema(example = "A minor")]
    pub(crate) key_signature: Option<String>,
    /// `processing`, `ready` or `error`.
    #[schema(value_type = crate::description::words::TrackStatus)]
    pub(crate) status: String,
    /// What went wrong, for people.
    pub(crate) error_message: Option<String>,
    /// When it was uploaded.
    #[serde(with = "rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
}

impl From<Track> for TrackView {
    fn from(track: Track) -> Self {
        Self {
            id: track.id,
            name: track.name,
            description: track.description,
            artist: track.artist,
            album: track.album,
            genre: track.genre,
            tags: track.tags,
            mime_type: track.mime_type,
            file_size_bytes: track.file_size_bytes,
            content_sha256: track.content_sha256,
            duration_ms: track
                .duration_seconds
                .map(|seconds| analysis_core::units::seconds_to_ms(f64::from(seconds))),
            bpm: track.bpm,
            key_signature: track.key_signature,
            status: track.status,
            error_message: track.error_message,
            created_at: track.created_at,
            updated_at: track.updated_at,
        }
    }
}

/// How far an analysis is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// Audio analysed so far, in ms.
    pub done_ms: Option<i64>,
    /// Length of the audio, in ms, where it is known.
    pub total_ms: Option<i64>,
    /// The part that is done, 0 to 1; null while it is not known.
    #[schema(minimum = 0, maximum = 1)]
    pub fraction: Option<f64>,
    /// How long it will take from `updated_at`, in ms, at the speed so far; null unless it runs.
    pub remaining_ms: Option<u64>,
}

impl Progress {
    /// Of a running analysis, as its row was observed.
    pub(crate) fn of(observed: &Observed) -> Self {
        Self {
            done_ms: observed.done_ms,
            total_ms: observed.total_ms,
            fraction: observed.fraction(),
            remaining_ms: observed.remaining().map(milliseconds),
        }
    }

    fn of_row(analysis: &Analysis) -> Self {
        if let Some(observed) = observed(analysis) {
            return Self::of(&observed);
        }
        let fraction = (analysis.status == Status::Completed).then_some(1.0);
        Self { done_ms: analysis.done_ms, total_ms: analysis.total_ms, fraction, remaining_ms: None }
    }
}

fn observed(analysis: &Analysis) -> Option<Observed> {
    let Analysis { started_at, updated_at, done_ms, total_ms, .. } = *analysis;
    (analysis.status == Status::Running).then_some(Observed { started_at, updated_at, done_ms, total_ms })
}

/// Whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An analysis of a track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Analysis)]
pub(crate) struct AnalysisView {
    /// Id.
    pub(crate) id: Uuid,
    /// Of which track.
    pub(crate) track_id: Uuid,
    /// `full`, `spectral`, `rhythm`, `tonal` or `structure`.
    pub(crate) analysis_type: String,
    /// Parameters that were asked for; absent ones take their defaults.
    pub(crate) parameters: Value,
    /// Version of the analyzer.
    pub(crate) version: String,
    /// `pending`, `running`, `completed` or `error`.
    #[schema(value_type = crate::description::words::AnalysisStatus)]
    pub(crate) status: &'static str,
    /// How far it is.
    pub(crate) progress: Progress,
    /// When it will be done at the speed so far; null unless it runs.
    #[serde(with = "rfc3339::option")]
    pub(crate) estimated_completion_at: Option<OffsetDateTime>,
    /// Higher runs first.
    pub(crate) priority: i16,
    /// When it may be begun, or tried again; null unless it waits, and while another analysis of the same audio is made.
    #[serde(with = "rfc3339::option")]
    pub(crate) run_at: Option<OffsetDateTime>,
    /// Somebody asked for it to stop.
    pub(crate) cancel_requested: bool,
    /// Which attempt this is.
    pub(crate) attempt: i32,
    /// Kind of failure, for programs; `cancelled` when somebody stopped it.
    pub(crate) error_kind: Option<String>,
    /// What went wrong, for people.
    pub(crate) error_message: Option<String>,
    /// Tempo, key, loudness and more, once completed.
    pub(crate) summary: Option<Value>,
    /// When work began.
    #[serde(with = "rfc3339::option")]
    pub(crate) started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "rfc3339::option")]
    pub(crate) completed_at: Option<OffsetDateTime>,
    /// When it was asked for.
    #[serde(with = "rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
}

impl From<Analysis> for AnalysisView {
    fn from(analysis: Analysis) -> Self {
        let progress = Progress::of_row(&analysis);
        let completes_at = observed(&analysis).and_then(|observed| observed.completes_at());
        Self {
            id: analysis.id,
            track_id: analysis.track_id,
            analysis_type: analysis.analysis_type,
            parameters: analysis.parameters,
            version: analysis.version,
            status: analysis.status.as_str(),
            progress,
            estimated_completion_at: completes_at,
            priority: analysis.priority,
            run_at: (analysis.status == Status::Pending && analysis.waits_for.is_none())
                .then_some(analysis.next_run_at),
            cancel_requested: analysis.cancel_requested,
            attempt: analysis.attempt,
            error_kind: analysis.error_kind,
            error_message: analysis.error_message,
            summary: analysis.summary,
            started_at: analysis.started_at,
            completed_at: analysis.completed_at,
            created_at: analysis.created_at,
            updated_at: analysis.updated_at,
        }
    }
}

/// Parameters of an analysis; what is absent takes its default.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnalysisParameters {
    /// Hop between frames, in ms, 1 to 100. Default 10.
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) hop_ms: Option<u32>,
    /// Frequency bands in a frame, 8 to 256. Default 64.
    #[schema(minimum = 8, maximum = 256)]
    pub(crate) bands: Option<usize>,
    /// How values are stored: `u8` (the default), `i16`, `f16` or `f32`.
    #[schema(value_type = Option<crate::description::words::SampleType>, example = "u8")]
    pub(crate) sample_type: Option<analysis_core::SampleType>,
    /// Frames in a chunk, 64 to 65,536. Default 1,024.
    #[schema(minimum = 64, maximum = 65_536)]
    pub(crate) chunk_frames: Option<usize>,
    /// Coarser levels for zooming, 0 to 6. Default 3.
    #[schema(minimum = 0, maximum = 6)]
    pub(crate) zoom_levels: Option<u32>,
}

impl From<AnalysisParameters> for store::analyses::Parameters {
    fn from(given: AnalysisParameters) -> Self {
        Self {
            hop_ms: given.hop_ms,
            bands: given.bands,
            sample_type: given.sample_type,
            chunk_frames: given.chunk_frames,
            zoom_levels: given.zoom_levels,
        }
    }
}

/// Something that happens at a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// When it happens, in ms from the first sample a listener hears.
    pub(crate) time_ms: i32,
    /// How long it lasts, in ms; null for an instant.
    pub(crate) duration_ms: Option<i32>,
    /// `beat`, `downbeat`, `tatum`, `onset`, `section`, `segment`, `key` or `chord`.
    pub(crate) event_type: String,
    /// How sure the engine is, 0 to 1.
    pub(crate) confidence: Option<f32>,
    /// Details by type, for a beat `{"bar": 1, "position": 1}`.
    #[schema(value_type = Option<Value>)]
    pub(crate) event_data: Option<Box<RawValue>>,
}

impl From<store::frames::StoredEvent> for EventView {
    fn from(row: store::frames::StoredEvent) -> Self {
        Self {
            time_ms: row.time_ms,
            duration_ms: row.duration_ms,
            event_type: row.event_type,
            confidence: row.confidence,
            // It came out of a JSON column.
            event_data: row.event_data.and_then(|text| RawValue::from_string(text).ok()),
        }
    }
}
