//! The roles a process can have, and what they share: database, object storage, signals.

mod database_url;

use crate::cli::{ApiArgs, JobsArgs, UserArgs, UserCommand, WorkerArgs};
use crate::monitor::{self, Monitored};
use crate::stop::{INTERRUPTED, TERMINATED};
use crate::{config, say};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use store::access::{self, Action, AuditEntry};
use store::embedded::{self, Server};
use store::objects::Objects;
use store::sessions::{self, Origin, Token};
use store::{PgConnection, PgPool};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What says where the API listens.
pub(crate) const LISTEN_OPTIONS: &str = "--listen or ARSIS_LISTEN";
/// Ports below it are for root alone.
const PRIVILEGED_PORTS: u16 = 1024;

/// Name of the private server's database.
const PRIVATE_DATABASE: &str = "arsis";

/// How long work on blocking threads may outlive its role. It cannot be cancelled, and the end of the process ends it.
const BLOCKING_GRACE: Duration = Duration::from_secs(1);

/// Runs a role to its end.
pub(crate) fn block_on(role: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("failed to start the async runtime")?;
    let ended = runtime.block_on(role);
    runtime.shutdown_timeout(BLOCKING_GRACE);
    ended
}

/// `arsis worker`.
pub(crate) async fn worker(args: &WorkerArgs) -> Result<ExitCode> {
    let stop = stop_on_signal()?;
    let metrics = config::metrics_listen(args.monitor.metrics)?;
    let monitor = worker::Monitor::default();
    let settings = worker_settings(&args.jobs, monitor.clone())?;
    let stored = config::objects()?;
    let database = Database::open_migrated().await?;
    let objects = objects(stored).await?;
    let told = monitor::exposition(&database.pool, &monitor);
    let probes = monitor::start(metrics, told, Monitored(monitor)).await?;
    let ended = run_worker(settings, &database.pool, &objects, &stop).await;
    probes.end();
    database.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// `arsis api`.
pub(crate) async fn api(args: &ApiArgs) -> Result<ExitCode> {
    let stop = stop_on_signal()?;
    let address = config::listen(args.listen.listen)?;
    let metrics = config::metrics_listen(args.monitor.metrics)?;
    let settings = api_settings()?;
    let stored = config::objects()?;
    let database = Database::open_migrated().await?;
    let objects = objects(stored).await?;
    let listener = listen(address, LISTEN_OPTIONS).await?;
    let app = api_app(api::Exposition::new(&database.pool), &database.pool, &objects, settings);
    let probes = monitor::start(metrics, app.exposition().clone(), app.clone()).await?;
    say::out(format_args!("Arsis listens on http://{}/", listener.local_addr()?))?;
    let ended = run_api(listener, app, &stop).await;
    probes.end();
    database.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// `arsis migrate`.
pub(crate) async fn migrate() -> Result<ExitCode> {
    let database = Database::open().await?;
    let applied = store::migrate::migrate(&database.pool).await.context("failed to migrate")?;
    match applied.versions.as_slice() {
        [] if applied.newer => {
            say::out(format_args!(
                "a newer Arsis has brought the database to migration {}; nothing to do",
                applied.latest
            ))?;
        }
        [] => say::out(format_args!("the database is at migration {}; nothing to do", applied.latest))?,
        new => {
            say::out(format_args!("applied {} migrations; the database is at {}", new.len(), applied.latest))?
        }
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `arsis user add`.
pub(crate) async fn user(args: &UserArgs) -> Result<ExitCode> {
    let UserCommand::Add { email, operator, admin } = &args.command;
    let database = Database::open().await?;
    store::migrate::migrate(&database.pool).await.context("failed to migrate")?;
    let roles = [(*operator, access::OPERATOR), (*admin, access::ADMIN)];
    let roles: Vec<Uuid> = roles.into_iter().filter(|(asked, _)| *asked).map(|(_, role)| role).collect();
    let token = add_user(&database.pool, email, None, &roles).await?;
    let shown = show_token(format_args!("{}", token.expose()));
    database.close().await;
    shown.map(|()| ExitCode::SUCCESS)
}

/// Shows a line with a token: it is stored nowhere as it is, so that who cannot see it must know.
pub(crate) fn show_token(line: Arguments<'_>) -> Result<()> {
    let mut out = std::io::stdout();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.context("the token that was made could not be shown; for a new one: arsis user add EMAIL")
}

/// Adds a user with roles of the seeds and a session: all of it or nothing.
pub(crate) async fn add_user(
    pool: &PgPool,
    email: &str,
    name: Option<&str>,
    roles: &[Uuid],
) -> Result<Token> {
    let mut tx = pool.begin().await.context("failed to reach the database")?;
    let user = store::users::add_local(&mut tx, email, name).await?;
    for role in roles {
        give_role(&mut tx, user.id, *role).await?;
    }
    let token = sessions::create(&mut tx, user.id, sessions::OPERATOR_LIFETIME, Origin::default()).await?;
    tx.commit().await.context("failed to add the user")?;
    Ok(token)
}

/// Gives a user a role of the seeds.
async fn give_role(db: &mut PgConnection, user_id: Uuid, role_id: Uuid) -> Result<()> {
    let role = access::grant(db, user_id, role_id).await?;
    let role = role.with_context(|| {
        format!(
            "the database has no role {role_id}, which the migrations make unless there is another of the name `{}`: \
             give a role of yours the entitlements that docs/API.md names",
            if role_id == access::ADMIN { "admin" } else { "operator" }
        )
    })?;
    let entry = AuditEntry {
        event_type: "role.granted",
        resource_type: Some("user_roles"),
        resource_id: Some(user_id),
        action: Some(Action::Create),
        succeeded: true,
        details: Some(json!({ "role_id": role_id, "role": role, "by": operator() })),
        user_agent: Some("arsis"),
        ..AuditEntry::default()
    };
    Ok(access::record(db, &entry).await?)
}

/// Who runs this process, and where, for the audit trail: `user@host`.
pub(crate) fn operator() -> String {
    let uid = nix::unistd::geteuid();
    let user =
        nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let host = nix::sys::utsname::uname().map(|names| names.nodename().to_string_lossy().into_owned());
    format!("{user}@{}", host.unwrap_or_else(|_| "localhost".to_owned()))
}

/// The API; `told` is what it tells at `/metrics` beside its own.
pub(crate) fn api_app(
    told: api::Exposition,
    pool: &PgPool,
    objects: &Objects,
    settings: api::Config,
) -> api::App {
    api::App::telling(told, pool.clone(), objects.clone(), settings)
}

/// The API's settings.
pub(crate) fn api_settings() -> Result<api::Config> {
    let default = api::Config::default();
    let [rate_limit, rate_limit_anonymous, rate_limit_failures] = config::rate_limits()?;
    let max_connections = config::max_connections()?.unwrap_or(default.max_connections);
    Ok(api::Config {
        allowed_origins: config::allowed_origins()?,
        session_cookie: config::session_cookie()?.unwrap_or(default.session_cookie),
        max_upload_bytes: config::max_upload_bytes()?.unwrap_or(default.max_upload_bytes),
        webhook_private_addresses: config::webhook_private_addresses()?,
        trusted_proxies: config::trusted_proxies()?,
        rate_limit: rate_limit.unwrap_or(default.rate_limit),
        rate_limit_anonymous: rate_limit_anonymous.unwrap_or(default.rate_limit_anonymous),
        rate_limit_failures: rate_limit_failures.unwrap_or(default.rate_limit_failures),
        max_connections,
        hsts: config::hsts()?.unwrap_or(default.hsts),
        max_watchers_per_user: config::max_watchers()?.unwrap_or(default.max_watchers_per_user),
        max_connections_per_address: config::max_connections_per_address()?.unwrap_or(max_connections / 8),
        ..api::Config::default()
    })
}

/// Serves HTTP until `stop`.
pub(crate) async fn run_api(listener: TcpListener, app: api::App, stop: &CancellationToken) -> Result<()> {
    api::serve(listener, app, stop.clone().cancelled_owned()).await.context("the API ended")
}

/// A worker's settings.
pub(crate) fn worker_settings(args: &JobsArgs, monitor: worker::Monitor) -> Result<worker::Config> {
    let default = worker::Config::default();
    let settings = worker::Config {
        jobs: config::jobs(args.jobs)?,
        temp_dir: config::temp_dir(),
        temp_max_bytes: config::temp_max_bytes(args.temp_max_bytes)?.unwrap_or(default.temp_max_bytes),
        time_base: config::time_base(args.time_base_minutes)?.unwrap_or(default.time_base),
        time_limit: config::time_limit(args.time_limit_minutes)?.unwrap_or(default.time_limit),
        monitor,
        ..default
    };
    settings.validate()?;
    Ok(settings)
}

/// Works until `stop`.
pub(crate) async fn run_worker(
    settings: worker::Config,
    pool: &PgPool,
    objects: &Objects,
    stop: &CancellationToken,
) -> Result<()> {
    worker::run(settings, pool.clone(), objects.clone(), stop.clone()).await.context("the worker ended")
}

/// The object storage.
pub(crate) async fn objects(config: store::objects::Config) -> Result<Objects> {
    Objects::open(config).await.context("failed to open the object storage")
}

/// Binds an address, which `options` say.
pub(crate) async fn listen(address: SocketAddr, options: &str) -> Result<TcpListener> {
    let failed = |error: &std::io::Error| match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "failed to listen on {address}, where another program listens; choose another by {options}"
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!("failed to listen on {address}, which is no address of this machine; {options} says it")
        }
        ErrorKind::PermissionDenied if address.port() < PRIVILEGED_PORTS => {
            format!(
                "failed to listen on {address}: ports below {PRIVILEGED_PORTS} are root's; {options} says it"
            )
        }
        _ => format!("failed to listen on {address} ({options})"),
    };
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| {
        let told = failed(&error);
        anyhow::Error::new(error).context(told)
    })
}

/// A token that Ctrl-C and SIGTERM cancel. A second one ends the process at once.
pub(crate) fn stop_on_signal() -> Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        loop {
            let status = tokio::select! {
                _ = interrupt.recv() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
            if cancel.is_cancelled() {
                tracing::warn!("stopped at once");
                std::process::exit(status.into());
            }
            tracing::warn!("ending; once more to stop at once");
            cancel.cancel();
        }
    });
    Ok(stop)
}

/// Where the private server keeps its data.
fn private_dir() -> Result<PathBuf> {
    Ok(config::data_dir()?.join("postgres"))
}

/// The database, and the private server it may be on.
pub(crate) struct Database {
    pub(crate) pool: PgPool,
    /// It is Arsis' own in the data directory, whoever runs it.
    pub(crate) private: bool,
    server: Option<Server>,
}

impl Database {
    /// Connects to `DATABASE_URL`, or starts the private server.
    pub(crate) async fn open() -> Result<Self> {
        if let Some(url) = config::database_url()? {
            let connected = store::connect(&url).await;
            let pool = match connected {
                Ok(pool) => pool,
                Err(error) => return Err(error).context(database_url::told(&url).await),
            };
            return Ok(Self { pool, private: false, server: None });
        }
        let dir = private_dir()?;
        let started = Server::start(&dir).await;
        if matches!(started, Err(embedded::Error::InUse { .. })) {
            // Another process of ours runs it, `arsis serve` for one: work beside it.
            if let Some(pool) = store::connect_running(&dir, PRIVATE_DATABASE).await? {
                return Ok(Self { pool, private: true, server: None });
            }
        }
        let server = started.context("failed to start the private PostgreSQL")?;
        let pool = store::connect_private(&server, PRIVATE_DATABASE).await;
        let pool = pool.context("failed to connect to the private PostgreSQL")?;
        Ok(Self { pool, private: true, server: Some(server) })
    }

    /// Opens a database that somebody migrated: only `serve`, `user` and `migrate` change the schema.
    pub(crate) async fn open_migrated() -> Result<Self> {
        let database = Self::open().await?;
        if let Err(error) = store::migrate::check(&database.pool).await {
            database.close().await;
            return Err(error).context("the database is not ready");
        }
        Ok(database)
    }

    /// [`Database::open_migrated`], where there is one: none is made.
    pub(crate) async fn open_existing() -> Result<Self> {
        if config::database_url()?.is_none() {
            let dir = private_dir()?;
            if !Server::has_cluster(&dir).context("failed to look for the private database")? {
                bail!("set DATABASE_URL; there is no private database in {}", dir.display());
            }
        }
        Self::open_migrated().await
    }

    /// Ends the connections, then the private server.
    pub(crate) async fn close(self) {
        store::close(&self.pool).await;
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_named_with_what_chooses_another() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = format!("{:#}", listen(address, LISTEN_OPTIONS).await.unwrap_err());
        let says = format!(
            "failed to listen on {address}, where another program listens; choose another by --listen"
        );
        assert!(error.starts_with(&says), "{error}");
    }
}
