//! Regions made of the sections that an analysis found: a beginning for those who name them.

use super::{RegionView, add};
use crate::extract::{Json, Path};
use crate::idempotent::{self, Turn};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use crate::timeline;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::PgConnection;
use store::access::Action;
use store::analyses::{self, Status};
use store::frames::{self, EventFilter, StoredEvent};
use store::regions::Draft;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most sections taken; the engine's are a bar long at the least, and mostly some twenty.
const MAX_SECTIONS: i64 = 2000;

/// Which sections to take.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromAnalysis {
    /// A completed analysis of the track, with sections.
    analysis_id: Uuid,
}

/// Regions that were made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeRegions {
    /// In order of time.
    items: Vec<RegionView>,
}

/// Makes a region of every section that an analysis of the track found, called `Section A` by its letter.
///
/// The letters say which sections are alike; what part of a piece they are is for people to say. Asking twice makes
/// them twice. For those who may change the track.
#[utoipa::path(post, path = "/v1/tracks/{track_id}/regions/from-analysis", tag = "regions",
    request_body = FromAnalysis,
    params(("track_id" = Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = MadeRegions, headers(("Location" = String, description = "The regions of the track"))),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "There are as many as are kept, or the key is in use", body = crate::problem::Body),
        (status = 422, description = "No completed analysis of this track, or one without sections", body = crate::problem::Body)))]
pub(crate) async fn from_analysis(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    headers: HeaderMap,
    Json(asked): Json<FromAnalysis>,
) -> Result<Response, Problem> {
    let track = rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    let operation = format!("POST /v1/tracks/{track_id}/regions/from-analysis");
    let first = match idempotent::turn(&mut tx, &caller, &headers, &operation, &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let sections = sections(&mut tx, track_id, asked.analysis_id).await?;
    let drafts = drafts(&sections, timeline::length_ms(&track).unwrap_or(i32::MAX));
    if drafts.is_empty() {
        return Err(Problem::invalid_field("#/analysis_id", "found no sections"));
    }
    let items = add(&mut tx, &caller, track_id, &drafts).await?;
    let location = Some(format!("/v1/tracks/{track_id}/regions"));
    first.answer(tx, StatusCode::CREATED, location, &MadeRegions { items }).await
}

async fn sections(
    db: &mut PgConnection,
    track_id: Uuid,
    analysis_id: Uuid,
) -> Result<Vec<StoredEvent>, Problem> {
    let analysis = analyses::get(db, analysis_id).await?.filter(|analysis| analysis.track_id == track_id);
    let Some(analysis) = analysis else {
        return Err(Problem::invalid_field("#/analysis_id", "is no analysis of this track"));
    };
    if analysis.status != Status::Completed {
        return Err(Problem::invalid_field("#/analysis_id", "is not completed"));
    }
    let types = ["section".to_owned()];
    let filter = EventFilter { types: &types, from_ms: None, to_ms: None, after: None, limit: MAX_SECTIONS };
    frames::events(db, analysis_id, &filter)
        .await
        .map_err(|error| Problem::new(Kind::Internal).because(error))
}

/// A region for each section, up to its end or the next one, within the track.
fn drafts(sections: &[StoredEvent], length_ms: i32) -> Vec<Draft> {
    let nexts = sections.iter().skip(1).map(|next| next.time_ms).chain([length_ms]);
    let made = sections.iter().zip(nexts).map(|(section, next_ms)| Draft {
        start_time_ms: section.time_ms.max(0),
        end_time_ms: end_ms(section).unwrap_or(next_ms).min(length_ms),
        name: name(section),
        description: None,
        section_type: None,
        color: None,
        display_order: None,
    });
    made.filter(|draft| draft.start_time_ms < draft.end_time_ms).collect()
}

fn end_ms(section: &StoredEvent) -> Option<i32> {
    section.duration_ms.map(|duration_ms| section.time_ms.saturating_add(duration_ms))
}

fn name(section: &StoredEvent) -> String {
    #[derive(Deserialize)]
    struct Said {
        label: String,
    }
    let said = section.event_data.as_deref().and_then(|text| serde_json::from_str::<Said>(text).ok());
    said.map_or_else(|| "Section".to_owned(), |said| format!("Section {}", said.label))
}
