//! Progress of an analysis as server-sent events (WHATWG HTML, section 9.2).

mod hub;
mod told;

pub(crate) use hub::Hub;

use crate::extract::Path;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights;
use crate::state::App;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use hub::Watcher;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use store::{frames, watching};
use told::Told;
use uuid::Uuid;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Tells nginx to pass on what comes as it comes.
const BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// How long clients are asked to wait before they come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(2);

/// Longest silence: then comes a comment, which shows that the connection is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Follows an analysis until it ends.
///
/// Each change is an event `progress` whose data is the analysis as it is by then; the one whose status is `completed` or
/// `error` is the last. Who reads slowly is told the newest state, not each one. A client that comes back with
/// `Last-Event-ID` is told what it does not know; after the last event it gets 204, upon which browsers stop.
///
/// The stream also ends when the analysis is removed, when the server stops, and within 15 seconds when the session is over
/// or the right to see the analysis is gone. Comments break a silence of 15 seconds.
#[utoipa::path(get, path = "/v1/analyses/{analysis_id}/progress", tag = "analyses",
    params(("analysis_id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, description = "Events, each with an Analysis", content_type = "text/event-stream",
            body = String),
        (status = 204, description = "It is over, and you have heard so"),
        (status = 404, body = crate::problem::Body),
        (status = 429, description = "As many streams of yours are open as are allowed", body = crate::problem::Body,
            headers(("Retry-After" = u32, description = "In seconds")))))]
pub(crate) async fn progress(
    State(app): State<App>,
    caller: Caller,
    Path(analysis_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    let source = frames::source(&mut db, analysis_id).await?;
    let right = rights::source(&mut db, &caller, source.as_ref()).await?;
    let row = watching::analyses(&mut db, &[analysis_id]).await?.pop();
    drop(db);
    let now = Told::of(row.ok_or_else(|| Problem::new(Kind::NotFound))?)?;
    let heard = headers.get(LAST_EVENT_ID).is_some_and(|id| id.as_bytes() == now.id.as_bytes());
    if heard && now.is_last {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watcher = if now.is_last { None } else { Some(app.hub().watch(&caller, right, analysis_id)?) };
    let begin = if heard { Step::Wait(now.id) } else { Step::Tell(Arc::new(now)) };
    let stream = Sse::new(follow(watcher, begin)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([BUFFERING], stream).into_response())
}

/// Where a stream is.
enum Step {
    /// Tell this.
    Tell(Arc<Told>),
    /// Wait for something other than what has this id.
    Wait(String),
    /// Nothing more to tell.
    End,
}

/// The events, after word on how long to wait before coming back. Without a watcher they end with the first.
fn follow(watcher: Option<Watcher>, begin: Step) -> impl Stream<Item = Result<Event, Infallible>> {
    let manners = Event::default().retry(COME_BACK_AFTER).comment("follows an analysis");
    let events = futures::stream::unfold((watcher, begin), async |(mut watcher, step)| {
        let told = match step {
            Step::Tell(told) => told,
            Step::Wait(known_id) => watcher.as_mut()?.next(&known_id).await?,
            Step::End => return None,
        };
        let next = if told.is_last { Step::End } else { Step::Wait(told.id.clone()) };
        Some((Ok(told.event()), (watcher, next)))
    });
    futures::StreamExt::chain(futures::stream::iter([Ok(manners)]), events)
}
