//! The order of regions.

use crate::extract::{Json, Path};
use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::state::{self, App};
use crate::text::Checks;
use crate::timeline;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use store::access::Action;
use store::regions;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most regions that are put in order at once.
const MAX_MOVED: usize = 5000;

/// Regions in an order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionOrder {
    /// Ids, the first one first.
    region_ids: Vec<Uuid>,
}

/// Puts regions in order: those named come first, in this order, the others follow in the order they had.
///
/// Answers with the ids of all regions of the track in their order. At most 5,000 are named; asking again changes
/// nothing. For those who may change the track.
#[utoipa::path(put, path = "/v1/tracks/{track_id}/regions/order", tag = "regions", request_body = RegionOrder,
    params(("track_id" = Uuid, Path)),
    responses((status = 200, body = RegionOrder), (status = 404, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn reorder(
    State(app): State<App>,
    caller: Caller,
    Path(track_id): Path<Uuid>,
    Json(asked): Json<RegionOrder>,
) -> Result<axum::Json<RegionOrder>, Problem> {
    rights::track(&mut *app.db().await?, &caller, track_id, Action::Update).await?;
    let mut tx = app.begin().await?;
    timeline::hold(&mut tx, track_id).await?;
    let there = regions::order(&mut tx, track_id).await?;
    check(&asked.region_ids, &there)?;
    regions::reorder(&mut tx, track_id, &asked.region_ids).await?;
    let region_ids = regions::order(&mut tx, track_id).await?;
    state::commit(tx).await?;
    Ok(axum::Json(RegionOrder { region_ids }))
}

fn check(asked: &[Uuid], there: &[Uuid]) -> Result<(), Problem> {
    if asked.len() > MAX_MOVED {
        return Err(Problem::invalid_field("#/region_ids", format!("must be at most {MAX_MOVED}")));
    }
    let there: HashSet<&Uuid> = there.iter().collect();
    let (mut checks, mut named) = (Checks::default(), HashSet::new());
    for (i, id) in asked.iter().enumerate() {
        if !there.contains(id) {
            checks.refuse(format!("#/region_ids/{i}"), "is no region of this track");
        } else if !named.insert(id) {
            checks.refuse(format!("#/region_ids/{i}"), "must be named once");
        }
    }
    checks.finish()
}
