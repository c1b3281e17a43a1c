//! The `Idempotency-Key` header: a POST that is sent again gets the first answer, and nothing happens twice.

use crate::problem::{Kind, Problem, chain};
use crate::request::Caller;
use crate::state::{self, App};
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use store::idempotency::{self, Answer, Claim, Found};
use store::{PgConnection, Transaction};
use time::Duration;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long a claim lasts unless it is extended: a process that died blocks a key for no longer.
pub(crate) const LEASE: Duration = Duration::MINUTE;

/// How often work of unknown length extends its claim: two misses are borne.
const EXTEND_EVERY: std::time::Duration = std::time::Duration::from_secs(20);

/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// What a key means for this request.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// Go ahead; with a claim where the client sent a key.
    First(Option<Claim>),
    /// It was done before.
    Again(Earlier),
}

/// What was asked and answered under a key.
#[derive(Debug)]
pub(crate) struct Earlier {
    fingerprint: String,
    answer: Answer,
}

impl Earlier {
    /// The first answer, if `fingerprint` says that the same thing is asked.
    pub(crate) fn replay(self, fingerprint: &str) -> Result<Response, Problem> {
        Ok(replayed(respond(self.kept(fingerprint)?)))
    }

    /// What was kept of the first answer, if `fingerprint` says that the same thing is asked.
    pub(crate) fn kept(self, fingerprint: &str) -> Result<Answer, Problem> {
        if self.fingerprint == fingerprint { Ok(self.answer) } else { Err(Problem::new(Kind::KeyReused)) }
    }
}

/// Marks an answer as given before.
pub(crate) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// What a request is to do whose effect and answer fit in one transaction.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Do it, and end with [`First::answer`].
    First(First),
    /// It was done before: give this answer.
    Again(Response),
}

/// Leave to do what was asked for the first time, or without a key.
#[derive(Debug)]
pub(crate) struct First {
    claim: Option<Claim>,
    fingerprint: String,
}

/// [`begin`] for what is done within `tx` alone; `asked` is what two equal requests have in common, `&()` for nothing.
///
/// Call it after the caller's right to the thing was checked: the first answer is for those who may still have it.
pub(crate) async fn turn(
    tx: &mut PgConnection,
    caller: &Caller,
    headers: &HeaderMap,
    operation: &str,
    asked: &impl Serialize,
) -> Result<Turn, Problem> {
    let fingerprint = fingerprint(asked)?;
    match begin(tx, caller, headers, operation).await? {
        Attempt::First(claim) => Ok(Turn::First(First { claim, fingerprint })),
        Attempt::Again(earlier) => earlier.replay(&fingerprint).map(Turn::Again),
    }
}

impl First {
    /// Keeps the answer with its effect, commits both, and gives the answer. What was not committed gives the key back.
    pub(crate) async fn answer(
        self,
        mut tx: Transaction,
        status: StatusCode,
        location: Option<String>,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        let body = serde_json::to_value(view).map_err(Problem::internal)?;
        let answer = Answer { status: status.as_u16(), location, body };
        keep(&mut tx, self.claim.as_ref(), &self.fingerprint, &answer).await?;
        state::commit(tx).await?;
        Ok(respond(answer))
    }

    /// [`First::answer`] for what is told once: `kept` is what is answered again, without the secret in `told`.
    pub(crate) async fn answer_once(
        self,
        tx: Transaction,
        status: StatusCode,
        location: Option<String>,
        kept: &impl Serialize,
        told: &impl Serialize,
    ) -> Result<Response, Problem> {
        let body = Json(serde_json::to_value(told).map_err(Problem::internal)?);
        let mut response = self.answer(tx, status, location, kept).await?;
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = body.into_response().into_body();
        Ok(response)
    }
}

/// What two equal requests have in common, in short.
pub(crate) fn fingerprint(asked: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_vec(asked).map_err(Problem::internal)?;
    Ok(store::sessions::hex(&Sha256::digest(&text)))
}

/// Looks at the request's key, and claims it for `operation` (method and path), for [`LEASE`].
pub(crate) async fn begin(
    db: &mut PgConnection,
    caller: &Caller,
    headers: &HeaderMap,
    operation: &str,
) -> Result<Attempt, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(Attempt::First(None)) };
    let plain = |key: &str| key.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let printable = |key: &&str| !key.trim().is_empty() && key.len() <= MAX_KEY_BYTES && plain(key);
    let Some(key) = key.to_str().ok().filter(printable) else {
        let rule = format!("must be 1 to {MAX_KEY_BYTES} printable ASCII characters");
        return Err(Problem::invalid_field("Idempotency-Key", rule));
    };
    match idempotency::claim(db, caller.user_id(), key, operation, LEASE).await? {
        Found::Claimed(claim) => Ok(Attempt::First(Some(claim))),
        Found::Done { fingerprint, answer } => Ok(Attempt::Again(Earlier { fingerprint, answer })),
        Found::OtherOperation => Err(Problem::new(Kind::KeyReused)),
        Found::UnderWay => Err(Problem::new(Kind::KeyInUse).retry_after(std::time::Duration::from_secs(1))),
    }
}

/// Does work of unknown length and keeps its claim meanwhile. A claim that is lost all the same is told by [`keep`].
pub(crate) async fn holding<T>(app: &App, claim: Option<&Claim>, work: impl Future<Output = T>) -> T {
    let Some(claim) = claim else { return work.await };
    tokio::select! {
        done = work => done,
        never = keep_extending(app, claim) => match never {},
    }
}

async fn keep_extending(app: &App, claim: &Claim) -> Infallible {
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        if let Err(error) = extend(app, claim).await {
            tracing::warn!(cause = chain(&error), "could not extend a claim; it is tried again");
        }
    }
}

async fn extend(app: &App, claim: &Claim) -> store::Result<bool> {
    idempotency::extend(&mut *app.pool().acquire().await?, claim, LEASE).await
}

/// Keeps the answer, in the transaction of its effect.
pub(crate) async fn keep(
    db: &mut PgConnection,
    claim: Option<&Claim>,
    fingerprint: &str,
    answer: &Answer,
) -> Result<(), Problem> {
    let Some(claim) = claim else { return Ok(()) };
    if idempotency::complete(db, claim, fingerprint, answer).await? {
        return Ok(());
    }
    Err(Problem::detailed(Kind::KeyInUse, "the request took so long that another one took its place"))
}

/// An answer as a response. What has versions says in its body which one it is, and so does the answer.
pub(crate) fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let etag = answer.body["etag"].as_str().and_then(|etag| HeaderValue::try_from(etag).ok());
    let location = answer.location.and_then(|location| HeaderValue::try_from(location).ok());
    let mut response = (status, Json(answer.body)).into_response();
    for (name, value) in [(header::ETAG, etag), (header::LOCATION, location)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
