//! What is stored of a track in the shape of Spotify's retired endpoints: `analysis_core::spotify` says what each
//! field is.

use crate::extract::Path;
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
use store::PgConnection;
use store::access::Action;
use store::analyses::{self, Analysis, Status};
use store::frames::{self, EventFilter};
use utoipa::ToSchema;
use uuid::Uuid;

/// Events read from the database at a time.
const PAGE: i64 = 5_000;
/// Most events in one document, some ten hours of music: the retired endpoint had no pages.
const MAX_EVENTS: usize = 500_000;
/// Times that results are read anew because they were replaced meanwhile.
const ATTEMPTS: usize = 3;

/// The audio analysis of a track: bars, beats, tatums, sections and segments, in the shape of Spotify's retired
/// endpoint.
///
/// From the track's newest full analysis, or its newest of another type, which leaves lists empty. Times are in
/// seconds. What Arsis does not compute is absent, what it found no answer to is null.
#[utoipa::path(get, path = "/v1/audio-analysis/{track_id}", tag = "results",
    params(("track_id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "meta, track, bars, beats, tatums, sections, segments", body = serde_json::Value),
        (status = 202, description = "Not there yet: ask again after Retry-After", body = AnalysisView),
        (status = 304, description = "Unchanged"), (status = 404, body = crate::problem::Body),
        (status = 409, description = "The analysis failed", body = crate::problem::Body),
        (status = 422, description = "Too long for one document", body = crate::problem::Body)))]
pub(crate) async fn audio_analysis(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    for _ in 0..ATTEMPTS {
        let heard = match heard(&mut db, &caller, track_id).await? {
            Ok(heard) => heard,
            Err(unfinished) => return not_ready(unfinished),
        };
        let events = events(&mut db, heard.analysis.id).await?;
        let now = analyses::get(&mut db, heard.analysis.id).await?;
        if now.is_some_and(|now| now.completed_at == heard.analysis.completed_at) {
            drop(db);
            let written = tokio::task::spawn_blocking(move || {
                let Heard { audio, summary, manifest, .. } = heard;
                serde_json::to_vec(&analysis_of(&audio, &manifest.analyzer_version, &summary, events))
            });
            let body = written.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
            return Ok(json(&headers, body));
        }
    }
    Err(Problem::detailed(Kind::Unavailable, "the analysis was being replaced; ask again"))
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
/// From the track's newest full analysis, or its newest of another type. Null where there is no answer.
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
    Ok(json(&headers, serde_json::to_vec(&view).map_err(Problem::internal)?))
}

fn json(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let etag = strong_etag(&body, "");
    tagged(headers, etag, "application/json", "private, no-cache", Bytes::from(body))
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
    let full = analyses::latest_completed(db, track_id, Some(AnalysisType::Full)).await?;
    let any = match full {
        None => analyses::latest_completed(db, track_id, None).await?,
        full => full,
    };
    let Some(analysis) = any else {
        let newest = analyses::list(db, track_id, None, 1).await?.pop();
        let newest = newest.filter(|analysis| analysis.status != Status::Completed);
        return newest.map(Err).ok_or_else(|| Problem::new(Kind::NotFound));
    };
    let missing = || Problem::new(Kind::NotFound);
    let manifest = frames::manifest(db, analysis.id).await?.ok_or_else(missing)?;
    let manifest: Manifest = serde_json::from_value(manifest).map_err(Problem::internal)?;
    let summary = analysis.summary.clone().ok_or_else(missing)?;
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
    let mut filter = EventFilter { types: &types, from_ms: None, to_ms: None, after: None, limit: PAGE };
    let mut events = Vec::new();
    loop {
        let page = frames::events(db, analysis_id, &filter).await?;
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
        if filter.after.is_none() {
            return Ok(events);
        }
    }
}
