//! Progress of an analysis as server-sent events (WHATWG HTML, section 9.2).

use crate::extract::Path;
use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use crate::views::AnalysisView;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use std::time::Duration;
use store::access::Action;
use store::analyses::{self, Analysis, Status};
use uuid::Uuid;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How often the row is looked at.
const PERIOD: Duration = Duration::from_millis(500);

/// Follows an analysis until it ends.
///
/// Each change is an event `progress` whose data is the analysis; the one whose status is `completed` or
/// `error` is the last. A client that reconnects after that one gets 204, upon which browsers stop.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/progress", tag = "analyses",
    params(("analysis_id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, description = "Events, each with an Analysis", content_type = "text/event-stream",
            body = String),
        (status = 204, description = "It is over, and you have heard so"),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn progress(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let analysis = rights::analysis(&mut *app.db().await?, &caller, analysis_id, Action::Read).await?;
    let heard = headers.get(LAST_EVENT_ID).is_some_and(|id| id.as_bytes() == event_id(&analysis).as_bytes());
    if heard && is_over(&analysis) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Sse::new(follow(app, analysis)).keep_alive(KeepAlive::default()).into_response())
}

fn is_over(analysis: &Analysis) -> bool {
    matches!(analysis.status, Status::Completed | Status::Error)
}

/// Names the state that an event tells.
fn event_id(analysis: &Analysis) -> String {
    let Analysis { attempt, done_ms, cancel_requested, .. } = analysis;
    format!("{}-{attempt}-{}-{cancel_requested}", analysis.status.as_str(), done_ms.unwrap_or(0))
}

fn event(analysis: Analysis) -> Result<Event, axum::Error> {
    let id = event_id(&analysis);
    Event::default().event("progress").id(id).json_data(AnalysisView::from(analysis))
}

/// Where a stream is.
enum Next {
    /// Tell this.
    Tell(Box<Analysis>),
    /// Wait for something other than this.
    Wait(Uuid, String),
    /// Nothing more to tell.
    End,
}

/// The events. They end with the analysis, with the row, and with the server.
fn follow(app: App, first: Analysis) -> impl Stream<Item = Result<Event, axum::Error>> {
    futures::stream::unfold((app, Next::Tell(Box::new(first))), |(app, next)| async move {
        let analysis = match next {
            Next::Tell(analysis) => *analysis,
            Next::Wait(id, told) => change(&app, id, &told).await?,
            Next::End => return None,
        };
        let next = if is_over(&analysis) { Next::End } else { Next::Wait(analysis.id, event_id(&analysis)) };
        Some((event(analysis), (app, next)))
    })
}

/// The next state that differs from `told`; `None` when there will be none. A database that is away for a
/// while is waited for: the client would only come back and ask the same.
async fn change(app: &App, id: Uuid, told: &str) -> Option<Analysis> {
    loop {
        if tokio::time::timeout(PERIOD, app.closing().cancelled()).await.is_ok() {
            return None;
        }
        let Ok(mut db) = app.db().await else { continue };
        match analyses::get(&mut db, id).await {
            Ok(Some(analysis)) if event_id(&analysis) != told => return Some(analysis),
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => return None,
        }
    }
}
