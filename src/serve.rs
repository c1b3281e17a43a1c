//! `arsis serve`: everything in one process, so that one command is enough to begin.

use crate::cli::ServeArgs;
use crate::fleet::Database;
use crate::monitor::{Both, Monitored};
use crate::{config, fleet, monitor, say};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::process::ExitCode;
use store::access;
use tokio_util::sync::CancellationToken;

/// The user that a private installation begins with.
const LOCAL_USER: &str = "local@arsis.localhost";

/// Starts what is not configured, migrates, runs API and worker until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: &ServeArgs) -> Result<ExitCode> {
    let stop = fleet::stop_on_signal()?;
    // All settings are read before anything is begun, and before a token is made that is shown only once.
    let address = config::listen(args.listen.listen)?;
    let metrics = config::metrics_listen(args.monitor.metrics)?;
    let monitor = worker::Monitor::default();
    let api_settings = fleet::api_settings()?;
    let worker_settings = fleet::worker_settings(&args.jobs, monitor.clone())?;
    let stored = config::objects()?;
    let database = Database::open().await?;
    store::migrate::migrate(&database.pool)
        .await
        .context("failed to bring the database to the newest schema")?;
    let objects = fleet::objects(stored).await?;
    let listener = fleet::listen(address, fleet::LISTEN_OPTIONS).await?;
    let told = monitor::exposition(&database.pool, &monitor);
    let app = fleet::api_app(told, &database.pool, &objects, api_settings);
    let both = Both(app.clone(), Monitored(monitor));
    let probes = monitor::start(metrics, app.exposition().clone(), both).await?;
    greet(&database, listener.local_addr()?).await?;

    // Whichever ends first takes the other with it.
    let stop_all = stop.child_token();
    let ends = |token: CancellationToken| move || token.cancel();
    let api = ending(fleet::run_api(listener, app, &stop_all), ends(stop_all.clone()));
    let worker = fleet::run_worker(worker_settings, &database.pool, &objects, &stop_all);
    let worker = ending(worker, ends(stop_all.clone()));
    let (api, worker) = tokio::join!(api, worker);
    probes.end();
    database.close().await;
    api?;
    worker?;
    Ok(ExitCode::SUCCESS)
}

async fn ending<T>(work: impl Future<Output = T>, then: impl FnOnce()) -> T {
    let result = work.await;
    then();
    result
}

/// Prints where the server is, and a token on the first start of an installation without users. They may see and steer the
/// queue where the database is Arsis' own; in one of others that is for its operators to say.
async fn greet(database: &Database, address: SocketAddr) -> Result<()> {
    let mut db = database.pool.acquire().await.context("failed to reach the database")?;
    if store::users::any(&mut db).await? {
        say::out(format_args!("Arsis listens on http://{address}/"))?;
        say::out(format_args!("For a new token: arsis user add EMAIL"))?;
        return Ok(());
    }
    drop(db);
    let roles: &[_] = if database.private { &[access::OPERATOR] } else { &[] };
    let token = fleet::add_user(&database.pool, LOCAL_USER, Some("Local user"), roles).await?;
    say::out(format_args!("Arsis listens. Your address, with a token that is shown only this once:"))?;
    fleet::show_token(format_args!("  http://{address}/?token={}", token.expose()))?;
    if !database.private {
        say::out(format_args!("For one that may see and steer the queue: arsis user add EMAIL --operator"))?;
    }
    Ok(())
}
