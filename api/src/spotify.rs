//! What is stored of a track in the shape of Spotify's retired endpoints: `analysis_core::spotify` says what each
//! field is.

use crate::conditional;
use crate::extract::Path;
use crate::page;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::results::{not_ready, strong_etag, tagged};
use crate::rights;
use crate::state::App;
use crate::views::AnalysisView;
use analysis_core::AnalysisType;
use analysis_core::events::Event;
use analysis_core::manifest::Manifest;
use analysis_core::spotify::{audio_analysis as analysis_of, audio_features as features_of};
use analysis_core::summary::{AudioInfo, Summary};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use std::time::Duration;
use store::PgConnection;
use store::access::Action;
use store::analyses::{self, Analysis, Status};
use store::frames::{self, EventFilter};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

/// Events read from the database at a time.
const PAGE: u16 = 5_000;
/// Most events in one document, some ten hours of music: the retired endpoint had no pages.
const MAX_EVENTS: usize = 500_000;
/// Times that results are read anew because they were replaced meanwhile.
const ATTEMPTS: usize = 3;
/// Documents in the making at a time: one of ten hours of music takes some 100 MB until it is sent.
static DOCUMENTS: Semaphore = Semaphore::const_new(2);
/// Newest analyses of a track that are looked through for one that is awaited.
const RECENT: i64 = 20;

/// The audio analysis of a track: bars, beats, tatums, sections and segments, in the shape of Spotify's retired
/// endpoint.
///
/// From the track's newest full analysis. Without one, done or awaited, from the newest of another type, which leaves
/// empty or null what it was not asked for. Times are in seconds. What Arsis does not compute is absent, what it found
/// no answer to is null.
#[utoipa::path(get, path = "/v1/audio-analysis/{track_id}", tag = "results",
    params(("track_id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "meta, track, bars, beats, tatums, sections, segments", body = serde_json::Value),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, description = "Too long for one document", body = crate::problem::Body),
        (status = 503, description = "Replaced while it was read: ask again after Retry-After", body = crate::problem::Body)))]
pub(crate) async fn audio_analysis(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let permit = DOCUMENTS.acquire().await.map_err(Problem::internal)?;
    let mut db = app.db().await?;
    for _ in 0..ATTEMPTS {
        let heard = match heard(&mut db, &caller, track_id).await? {
            Ok(heard) => heard,
            Err(unfinished) => return not_ready(unfinished),
        };
        let etag = document_etag(&heard.analysis);
        if conditional::matches(&headers, &etag) {
            return Ok(json(&headers, etag, Bytes::new()));
        }
        let events = events(&mut db, heard.analysis.id).await?;
        let now = analyses::get(&mut db, heard.analysis.id).await?;
        if now.is_some_and(|now| now.completed_at == heard.analysis.completed_at) {
            drop(db);
            let written = tokio::task::spawn_blocking(move || {
                // Held until it is written, whether or not someone still waits for it.
                let _permit = permit;
                let Heard { audio, summary, manifest, .. } = heard;
                serde_json::to_vec(&analysis_of(&audio, &manifest.analyzer_version, &summary, events))
            });
            let body = written.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
            return Ok(json(&headers, etag, body.into()));
        }
    }
    let busy = Problem::detailed(Kind::Unavailable, "the analysis was being replaced; ask again");
    Err(busy.retry_after(Duration::from_secs(1)))
}

/// Names a document by what it is made from: these results, by this version of the service.
fn document_etag(analysis: &Analysis) -> String {
    let results = analysis.completed_at.map(page::time_key).unwrap_or_default();
    let named = format!("{} {results} {}", analysis.id, env!("CARGO_PKG_VERSION"));
    strong_etag(named.as_bytes(), "")
}

/// Audio features of a track, as far as they are computed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AudioFeatures)]
pub(crate) struct FeaturesView {
    /// The track.
    id: Uuid,
    /// How regular loudness is over seconds, 0 to 1.
    danceability: Option<f32>,
    /// How loud, dense and unrelenting it is, 0 to 1.
    energy: Option<f32>,
    /// Pitch class of the tonic, C = 0.
    key: Option<u8>,
    /// Integrated loudness, in LUFS.
    loudness: Option<f32>,
    /// 1 major, 0 minor.
    mode: Option<u8>,
    /// Beats per minute.
    tempo: Option<f32>,
    /// Beats in most bars.
    time_signature: Option<u8>,
    /// Length, in ms.
    duration_ms: u64,
}

/// The audio features of a track, in the shape of Spotify's retired endpoint, as far as they are computed.
///
/// From the track's newest full analysis. Without one, done or awaited, from the newest of another type. Null where
/// there is no answer, or nothing that this type was asked for.
#[utoipa::path(get, path = "/v1/audio-features/{track_id}", tag = "results",
    params(("track_id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = FeaturesView),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body)))]
pub(crate) async fn audio_features(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let heard = match heard(&mut *app.db().await?, &caller, track_id).await? {
        Ok(heard) => heard,
        Err(unfinished) => return not_ready(unfinished),
    };
    let features = features_of(&heard.audio, &heard.summary);
    let view = FeaturesView {
        id: track_id,
        danceability: features.danceability,
        energy: features.energy,
        key: features.key,
        loudness: features.loudness,
        mode: features.mode,
        tempo: features.tempo,
        time_signature: features.time_signature,
        duration_ms: features.duration_ms,
    };
    let body = serde_json::to_vec(&view).map_err(Problem::internal)?;
    Ok(json(&headers, strong_etag(&body, ""), body.into()))
}

fn json(headers: &HeaderMap, etag: String, body: Bytes) -> Response {
    tagged(headers, etag, "application/json", "private, no-cache", body)
}

/// A completed analysis and what is said of the whole.
struct Heard {
    analysis: Analysis,
    audio: AudioInfo,
    summary: Summary,
    manifest: Manifest,
}

/// The analysis of a track that answers; the one that is awaited, or failed, where none is complete.
async fn heard(
    db: &mut PgConnection,
    caller: &Caller,
    track_id: Uuid,
) -> Result<Result<Heard, Analysis>, Problem> {
    rights::track(db, caller, track_id, Action::Read).await?;
    let recent = analyses::list(db, track_id, None, RECENT).await?;
    let awaited = |kind: Option<&str>| {
        let live = |a: &&Analysis| matches!(a.status, Status::Pending | Status::Running);
        recent.iter().filter(live).find(|a| kind.is_none_or(|kind| a.analysis_type == kind)).cloned()
    };
    // Looked up after the list: what is done by then is not taken for missing.
    let full = analyses::latest_completed(db, track_id, Some(AnalysisType::Full)).await?;
    let found = match (full, awaited(Some("full"))) {
        (None, Some(full)) => return Ok(Err(full)),
        (None, None) => analyses::latest_completed(db, track_id, None).await?,
        (full, _) => full,
    };
    let Some(analysis) = found else {
        let newest = awaited(None).or_else(|| recent.into_iter().next());
        return newest.map(Err).ok_or_else(|| Problem::new(Kind::NotFound));
    };
    let stored = frames::manifest(db, analysis.id).await?.zip(analysis.summary.clone());
    let Some((manifest, summary)) = stored else {
        // It was begun anew in between.
        let now = analyses::get(db, analysis.id).await?;
        return now.map(Err).ok_or_else(|| Problem::new(Kind::NotFound));
    };
    let manifest: Manifest = serde_json::from_value(manifest).map_err(Problem::internal)?;
    let summary = serde_json::from_value(summary).map_err(Problem::internal)?;
    let audio = AudioInfo {
        duration_ms: manifest.duration_ms,
        ..AudioInfo::of_samples(manifest.sample_rate, manifest.channels)
    };
    Ok(Ok(Heard { analysis, audio, summary, manifest }))
}

/// All events that the audio analysis is made of.
async fn events(db: &mut PgConnection, analysis_id: Uuid) -> Result<Vec<Event>, Problem> {
    let types = ["beat", "downbeat", "tatum", "section", "segment", "key"].map(str::to_owned);
    let mut filter =
        EventFilter { types: &types, from_ms: None, to_ms: None, after: None, limit: i64::from(PAGE) };
    let mut events = Vec::new();
    loop {
        let page = frames::events(db, analysis_id, &filter).await?;
        let is_last = page.len() < usize::from(PAGE);
        filter.after = page.last().map(|row| (row.time_ms, row.id));
        for row in page {
            events.push(Event::try_from(row).map_err(Problem::internal)?);
        }
        if events.len() > MAX_EVENTS {
            let detail = format!(
                "it has more than {MAX_EVENTS} events, too many for one document: read \
                 /v1/analyses/{analysis_id}/events page by page"
            );
            return Err(Problem::detailed(Kind::Invalid, detail));
        }
        if is_last {
            return Ok(events);
        }
    }
}
