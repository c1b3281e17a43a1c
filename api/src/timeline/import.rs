//! Files of labels that clients send: which form they have, and what is wrong with them.

use crate::extract;
use crate::problem::{FieldError, Kind, Problem};
use crate::results::header_text;
use crate::state::App;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use export::labels::{Fault, Found, Limits, audacity, jams};
use futures::StreamExt as _;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// Largest file, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// Most labels in a file, and errors that are told of one.
const LIMITS: Limits = Limits { labels: 5000, faults: 100 };

/// Most files that are read at the same time.
const READ_AT_ONCE: usize = 2;

/// A form of files of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabelForm {
    /// JAMS, JSON.
    Jams,
    /// Label track of Audacity.
    Audacity,
}

impl LabelForm {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "jams" => Some(Self::Jams),
            "audacity" => Some(Self::Audacity),
            _ => None,
        }
    }

    /// What the query names, or else what the type of the content tells.
    pub(crate) fn asked(format: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(name) = format {
            return Self::named(name)
                .ok_or_else(|| Problem::invalid_field("format", "must be jams or audacity"));
        }
        let sent = header_text(headers, header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        match sent.split(';').next().map(str::trim) {
            Some("application/json") => Ok(Self::Jams),
            Some("text/plain") => Ok(Self::Audacity),
            _ => {
                let detail = "send application/json (JAMS) or text/plain (Audacity), or name the format";
                Err(Problem::detailed(Kind::UnsupportedMediaType, detail))
            }
        }
    }
}

/// What was taken of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// The form that it was read as.
    pub(crate) format: LabelForm,
    /// How many it holds; with `dry_run` how many would have been made.
    #[schema(minimum = 0, maximum = 5000)]
    pub(crate) count: usize,
    /// Whether nothing was made.
    pub(crate) dry_run: bool,
}

/// The answer to a file that was only looked at.
pub(crate) fn looked_at(imported: &Imported) -> Response {
    (StatusCode::OK, axum::Json(imported)).into_response()
}

/// What was sent, as soon as JSON must come.
pub(crate) async fn receive(app: &App, body: Body) -> Result<Bytes, Problem> {
    extract::in_time(app, collect(body)).await?
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    let (mut pieces, mut file) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece
            .map_err(|error| Problem::detailed(Kind::Malformed, "the body ended early").because(error))?;
        if file.len() + piece.len() > MAX_BYTES {
            return Err(Problem::detailed(Kind::TooLarge, format!("the limit is {MAX_BYTES} bytes")));
        }
        file.extend_from_slice(&piece);
    }
    Ok(file.into())
}

/// The labels of a file; of JAMS those whose annotation has a namespace that is `wanted`. On a thread that may take its
/// time, and few at once: each needs several times the memory of its file.
pub(crate) async fn read(
    form: LabelForm,
    file: Bytes,
    wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Vec<Found>, Problem> {
    static TURNS: Semaphore = Semaphore::const_new(READ_AT_ONCE);
    let turn = TURNS.acquire().await.map_err(Problem::internal)?;
    let reading = tokio::task::spawn_blocking(move || {
        // Until it is done, though nobody may wait for it any more.
        let _turn = turn;
        match form {
            LabelForm::Jams => jams::read(&file, wanted, LIMITS),
            LabelForm::Audacity => audacity::read(&file, LIMITS),
        }
    });
    let read = reading.await.map_err(Problem::internal)?;
    let error = |fault: Fault| FieldError { pointer: fault.place, detail: fault.reason };
    read.map_err(|faults| Problem::invalid(faults.into_iter().map(error).collect()))
}

/// Whether so much is wrong that the rest need not be looked at.
pub(crate) fn is_hopeless(errors: usize) -> bool {
    errors >= LIMITS.faults
}
