//! Whether the server lives, and whether it can work.

use crate::problem::{FieldError, Kind, Problem};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::error::Error;
use std::time::{Duration, Instant};
use store::{PgConnection, migrate, queue};
use tokio::sync::Mutex;
use tracing::Instrument as _;
use utoipa::ToSchema;

/// Longest wait for the database or the storage.
const PATIENCE: Duration = Duration::from_secs(5);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

/// Requests can be answered now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ok`.
    status: &'static str,
    /// What was looked at.
    checks: Checks,
}

/// What the server stands on; each is `ok`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadinessChecks)]
pub(crate) struct Checks {
    /// It answers.
    database: &'static str,
    /// It holds every migration that this program knows.
    migrations: &'static str,
    /// Its tables can be read.
    queue: &'static str,
    /// The storage of audio answers.
    storage: &'static str,
}

const OK: &str = "ok";

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: OK })
}

/// The database, its migrations, the queue and the storage are there. What is not, `errors` names.
#[utoipa::path(get, path = "/readyz", tag = "service", security(()),
    responses((status = 200, body = Ready), (status = 503, body = crate::problem::Body)))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    ready(&app).await?;
    Ok(Json(Ready { status: OK, checks: Checks { database: OK, migrations: OK, queue: OK, storage: OK } }))
}

/// What was found last, and when: many may ask, and the storage is asked once.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Vec<FieldError>)>>);

/// Whether requests can be answered now.
pub(crate) async fn ready(app: &App) -> Result<(), Problem> {
    if app.closing().is_cancelled() {
        return Err(Problem::detailed(Kind::Unavailable, "the server is shutting down"));
    }
    // A task of its own: whoever hangs up meanwhile leaves an answer to the next, and does not have them look anew.
    let finding = tokio::spawn(find(app.clone()).in_current_span());
    let errors = finding.await.map_err(Problem::internal)?;
    match errors.first().map(|error| error.detail.clone()) {
        None => Ok(()),
        Some(detail) => Err(Problem::detailed(Kind::Unavailable, detail).with_errors(errors)),
    }
}

/// What was found a moment ago, or what is found now.
async fn find(app: App) -> Vec<FieldError> {
    let mut last = app.manners().readiness.0.lock().await;
    if let Some((at, errors)) = &*last
        && at.elapsed() < app.config().readiness_age
    {
        return errors.clone();
    }
    let at = Instant::now();
    let errors = look(&app).await;
    *last = Some((at, errors.clone()));
    errors
}

/// What stands in the way.
async fn look(app: &App) -> Vec<FieldError> {
    let database = tokio::time::timeout(PATIENCE, database(app));
    let storage = tokio::time::timeout(PATIENCE, app.objects().probe());
    let (database, storage) = tokio::join!(database, storage);
    let mut errors = match database {
        Ok(errors) => errors,
        Err(elapsed) => vec![error("database", "the database does not answer", &elapsed)],
    };
    let storage = storage.map_err(|elapsed| error("storage", "the storage does not answer", &elapsed));
    let storage = storage.and_then(|probed| {
        probed.map(drop).map_err(|cause| error("storage", "the storage does not answer", &cause))
    });
    errors.extend(storage.err());
    errors
}

async fn database(app: &App) -> Vec<FieldError> {
    let mut db = match app.pool().acquire().await {
        Ok(db) => db,
        Err(cause) => return vec![error("database", "the database does not answer", &cause)],
    };
    let migrations = migrate::check_on(&mut db).await;
    let migrations = migrations.map_err(|cause| error("migrations", "the database lacks migrations", &cause));
    let queue = queue_answers(&mut db).await;
    let queue = queue.map_err(|cause| error("queue", "the queue cannot be read", &cause));
    [migrations.err(), queue.err()].into_iter().flatten().collect()
}

async fn queue_answers(db: &mut PgConnection) -> store::Result<()> {
    queue::pause::paused(db).await.map(drop)?;
    queue::tickets::probe(db).await
}

fn error(what: &str, detail: &str, cause: &dyn Error) -> FieldError {
    tracing::warn!(what, cause = %cause, "not ready");
    FieldError { pointer: what.to_owned(), detail: detail.to_owned() }
}
