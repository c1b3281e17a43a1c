//! Errors as RFC 9457 problem documents, one stable type per thing a client would do differently.

use crate::request;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::error::Error as StdError;
use std::time::Duration;
use utoipa::ToSchema;

/// Every problem type begins with this.
pub const TYPE_BASE: &str = "https://arsis-audio.github.io/arsis/problems/";

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong. The last part of `type` names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All kinds, for the reference page.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The last part of the type URI.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),* }
            }

            /// HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// One line for people, the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

kinds! {
    /// The request cannot be understood.
    Malformed = "malformed-request", BAD_REQUEST, "The request cannot be understood";
    /// No token, or one that no session has.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A session token is needed";
    /// The session is over.
    SessionExpired = "session-expired", UNAUTHORIZED, "The session has expired";
    /// The account may not be used.
    NotApproved = "account-not-approved", FORBIDDEN, "The account is not approved";
    /// A write with the session cookie came from another site's page.
    OriginRefused = "origin-refused", FORBIDDEN, "Writing with the session cookie is not allowed from this origin";
    /// No role of the caller's grants it.
    Forbidden = "forbidden", FORBIDDEN, "None of your roles grants this";
    /// There is no such thing, or it is not yours to see.
    NotFound = "not-found", NOT_FOUND, "There is no such thing";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not allowed here";
    /// No representation that the client accepts.
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "No acceptable representation";
    /// The client stopped sending.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// The analysis failed, so it has no result.
    AnalysisFailed = "analysis-failed", CONFLICT, "The analysis failed";
    /// The analysis is over: there is nothing left to cancel.
    AnalysisOver = "analysis-over", CONFLICT, "The analysis is over";
    /// The analysis has not failed: there is nothing to try again.
    AnalysisNotFailed = "analysis-not-failed", CONFLICT, "The analysis has not failed";
    /// The act would leave nobody who can let others in.
    LastAdministrator = "last-administrator", CONFLICT, "Nobody would be left to let others in";
    /// The address has an account.
    EmailTaken = "email-taken", CONFLICT, "This address has an account";
    /// The analysis was run again since: what was made of its results before is of these no longer.
    ResultsReplaced = "results-replaced", CONFLICT, "The results were replaced";
    /// Another request with the same Idempotency-Key is under way.
    KeyInUse = "idempotency-key-in-use", CONFLICT, "A request with this Idempotency-Key is under way";
    /// Too much was announced and not completed.
    TooManyUploads = "too-many-uploads", CONFLICT, "Too many uploads are open";
    /// The audio of the upload has not come yet.
    UploadMissing = "upload-missing", CONFLICT, "The audio has not been uploaded";
    /// The audio of the upload is being checked.
    UploadInUse = "upload-in-use", CONFLICT, "The upload is being completed";
    /// The upload became a track.
    UploadCompleted = "upload-completed", CONFLICT, "The upload is completed";
    /// There is as much of it as is kept.
    LimitReached = "limit-reached", CONFLICT, "There are as many as are kept";
    /// Other things hang on it.
    InUse = "in-use", CONFLICT, "Other things hang on it";
    /// It has changed since the client saw it, as `If-Match` says.
    PreconditionFailed = "precondition-failed", PRECONDITION_FAILED, "It has changed since";
    /// A body of unknown length where its length must be known.
    LengthRequired = "length-required", LENGTH_REQUIRED, "The length of the body must be given";
    /// The body is larger than allowed.
    TooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is of a type that is not taken here.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "This type of content is not supported";
    /// The range lies outside the content.
    RangeNotSatisfiable = "range-not-satisfiable", RANGE_NOT_SATISFIABLE, "The range lies outside the content";
    /// The URI is longer than allowed.
    UriTooLong = "uri-too-long", URI_TOO_LONG, "The URI is too long";
    /// Too many requests: come again after the time in Retry-After.
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Too many requests";
    /// Values that are not allowed; `errors` names them.
    Invalid = "validation-failed", UNPROCESSABLE_ENTITY, "Some values are not allowed";
    /// The Idempotency-Key was used for something else.
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request";
    /// The user has as many progress streams open as are allowed.
    TooManyStreams = "too-many-streams", TOO_MANY_REQUESTS, "Too many streams are open";
    /// The request has more headers than allowed.
    TooManyHeaders = "too-many-headers", REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many headers";
    /// A fault of ours.
    Internal = "internal-error", INTERNAL_SERVER_ERROR, "Something went wrong here";
    /// The database or the storage cannot be reached.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer now";
    /// The answer took too long.
    Timeout = "timeout", GATEWAY_TIMEOUT, "The answer took too long";
    /// Nothing is sent to a webhook that is not active.
    WebhookInactive = "webhook-inactive", CONFLICT, "The webhook is not active";
    /// The caller has as many webhooks as a person may have.
    TooManyWebhooks = "too-many-webhooks", CONFLICT, "There are as many webhooks as a person may have";
}

/// One value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`#/name`), or the name of a parameter or form field.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A problem document (RFC 9457), sent as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// URI that names the kind of problem.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// One line for people, the same for every occurrence.
    pub title: &'static str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Values that are not allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request's id, as in the header `X-Request-Id`: name it when you ask for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An answer that says what went wrong.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// A problem without particulars.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self(Box::new(Parts { kind, detail: None, errors: Vec::new(), retry_after: None, source: None }))
    }

    /// A problem with what happened this time, for the client's eyes.
    #[must_use]
    pub fn detailed(kind: Kind, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(kind);
        problem.0.detail = Some(detail.into());
        problem
    }

    /// A fault of ours: the cause goes to the log, not to the client.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Internal).because(source)
    }

    /// Values that are not allowed.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Kind::Invalid);
        problem.0.errors = errors;
        problem
    }

    /// One value that is not allowed.
    #[must_use]
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// Names what is meant, thing by thing.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Names the cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says when asking again makes sense.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// What happened this time, or else what always happens, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.0.detail.as_deref().unwrap_or(self.0.kind.title())
    }

    /// Values that are not allowed.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.0.errors
    }

    /// Where values are that are not allowed.
    #[cfg(test)]
    pub(crate) fn pointers(&self) -> Vec<&str> {
        self.0.errors.iter().map(|error| error.pointer.as_str()).collect()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
}

/// An error and everything beneath it, in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { kind, detail, errors, retry_after, source } = *self.0;
        let status = kind.status();
        let cause = source.as_deref().map(|source| chain(source));
        if status.is_server_error() {
            tracing::error!(problem = kind.slug(), cause, "request failed");
        } else if let Some(cause) = cause {
            tracing::debug!(problem = kind.slug(), cause, "request refused");
        }
        let body = Body {
            type_uri: format!("{TYPE_BASE}{}", kind.slug()),
            title: kind.title(),
            status: status.as_u16(),
            detail,
            errors,
            request_id: request::current_id(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"arsis\""));
        }
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Invalid { field, reason } => Self::invalid_field(format!("#/{field}"), reason),
            error if error.is_unavailable() => {
                Self::new(Kind::Unavailable).because(error).retry_after(Duration::from_secs(5))
            }
            error if error.is_broken_off() => Self::new(Kind::Timeout).because(error),
            // What the checks before let through.
            error if error.is_bad_value() => Self::new(Kind::Invalid).because(error),
            error => Self::internal(error),
        }
    }
}

impl From<store::objects::Error> for Problem {
    fn from(error: store::objects::Error) -> Self {
        use store::objects::Error as Objects;
        match error {
            Objects::NotFound { .. } => {
                Self::detailed(Kind::NotFound, "the audio is not in storage").because(error)
            }
            error if error.is_transient() => {
                Self::new(Kind::Unavailable).because(error).retry_after(Duration::from_secs(5))
            }
            error => Self::internal(error),
        }
    }
}
