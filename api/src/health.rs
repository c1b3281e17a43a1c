//! Whether the server lives, and whether it can work.

use crate::problem::{Kind, Problem};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest wait for the database or the storage.
const PATIENCE: Duration = Duration::from_secs(5);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    OK
}

/// The database and the storage answer.
#[utoipa::path(get, path = "/readyz", tag = "service", security(()),
    responses((status = 200, body = Health), (status = 503, body = crate::problem::Body)))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    ready(&app).await?;
    Ok(OK)
}

/// Whether requests can be answered now.
pub(crate) async fn ready(app: &App) -> Result<(), Problem> {
    if app.closing().is_cancelled() {
        return Err(Problem::detailed(Kind::Unavailable, "the server is shutting down"));
    }
    let database = async {
        let mut db = app.pool().acquire().await.map_err(store::Error::from)?;
        store::users::any(&mut db).await
    };
    let database = tokio::time::timeout(PATIENCE, database);
    let storage = tokio::time::timeout(PATIENCE, app.objects().probe());
    let (database, storage) = tokio::join!(database, storage);
    check("database", database)?;
    check("storage", storage)
}

fn check<T, E>(what: &str, outcome: Result<Result<T, E>, tokio::time::error::Elapsed>) -> Result<(), Problem>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let unready = || Problem::detailed(Kind::Unavailable, format!("the {what} does not answer"));
    match outcome {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(unready().because(error)),
        Err(elapsed) => Err(unready().because(elapsed)),
    }
}
