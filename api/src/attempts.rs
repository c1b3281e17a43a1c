//! The history of an analysis: every attempt at it.

use crate::extract::Path;
use crate::page::Page;
use crate::problem::Problem;
use crate::queue::views::AttemptView;
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use store::access::Action;
use store::queue::inspect;
use uuid::Uuid;

/// Most attempts told. One that fails again and again after retries by hand may have more.
const MOST: i64 = 100;

/// The last 100 attempts at an analysis, newest first.
///
/// Which worker made an attempt, and the chain of causes of its failure, are for operators.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/attempts", tag = "analyses",
    params(("analysis_id" = Uuid, Path)),
    responses((status = 200, body = Page<AttemptView>), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
) -> Result<Json<Page<AttemptView>>, Problem> {
    let mut db = app.db().await?;
    rights::job(&mut db, &caller, analysis_id, Action::Read).await?;
    let operator = rights::operates(&mut db, &caller, Action::Read).await?;
    let attempts = inspect::attempts(&mut db, analysis_id, MOST).await?;
    let view = |attempt| AttemptView::new(attempt, operator);
    Ok(Json(Page { items: attempts.into_iter().map(view).collect(), next_cursor: None }))
}
