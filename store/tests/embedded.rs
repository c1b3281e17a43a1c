//! The private server: it starts, keeps what it is given, is nobody else's, and ends when we do.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use sqlx::{Connection, PgConnection};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::embedded::{Error, Server};
use tempfile::TempDir;

/// Tells [`a_process_that_keeps_a_server`] where.
const DATA_DIR: &str = "ARSIS_TEST_DATA_DIR";

/// A directory that the server's account can walk through, also when the tests run as root.
fn open_dir() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

async fn connect(server: &Server) -> PgConnection {
    PgConnection::connect_with(&server.connect_options("postgres")).await.unwrap()
}

async fn write_a_row(connection: &mut PgConnection) {
    sqlx::raw_sql("CREATE TABLE kept (what TEXT); INSERT INTO kept VALUES ('this')")
        .execute(connection)
        .await
        .unwrap();
}

async fn read_the_row(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("SELECT what FROM kept").fetch_one(connection).await.unwrap()
}

/// The process number of the server that works in the directory.
fn postmaster(data_dir: &Path) -> String {
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).unwrap();
    text.lines().next().unwrap().trim().to_owned()
}

fn is_alive(pid: &str) -> bool {
    // The shell's own: not every machine has the command.
    Command::new("sh").args(["-c", "kill -0 \"$0\"", pid]).stderr(Stdio::null()).status().unwrap().success()
}

fn socket_dir(server: &Server) -> PathBuf {
    server.connect_options("postgres").get_socket().unwrap().clone()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_and_nothing_else_is_left() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    let mut server = Server::start(&data_dir).await.unwrap();
    write_a_row(&mut connect(&server).await).await;
    let (pid, first_socket) = (postmaster(&data_dir), socket_dir(&server));
    assert!(server.is_running() && is_alive(&pid));
    server.stop().await;
    assert!(!is_alive(&pid));
    assert!(!first_socket.exists());
    assert!(!data_dir.join("postmaster.pid").exists(), "it was shut down, not killed");

    let server = Server::start(&data_dir).await.unwrap();
    assert_eq!(read_the_row(&mut connect(&server).await).await, "this");
    server.stop().await;
}

#[tokio::test]
async fn commits_are_durable_and_strangers_kept_out() {
    let dir = open_dir();
    let server = Server::start(dir.path().join("postgres")).await.unwrap();
    let mut connection = connect(&server).await;
    let wanted = [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
    ];
    for (setting, wanted) in wanted {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, wanted, "{setting}");
    }
    let mode = fs::metadata(socket_dir(&server)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "only the server's account may reach the socket");
    drop(connection);
    server.stop().await;
}

#[tokio::test]
async fn an_ephemeral_server_leaves_nothing_behind() {
    let server = Server::start_ephemeral().await.unwrap();
    connect(&server).await.ping().await.unwrap();
    let (pid, data_dir, socket_dir) =
        (postmaster(server.data_dir()), server.data_dir().to_owned(), socket_dir(&server));
    drop(server); // as good as stopping it
    assert!(!is_alive(&pid));
    assert!(!data_dir.exists());
    assert!(!socket_dir.exists());
}

#[tokio::test]
async fn a_data_directory_has_one_server() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    let mut holder = hold(&data_dir);
    let error = Server::start(&data_dir).await.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    holder.kill();
    Server::start(&data_dir).await.unwrap().stop().await;
}

#[tokio::test]
async fn the_server_ends_when_its_process_is_killed() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    let mut holder = hold(&data_dir);
    let pid = postmaster(&data_dir);
    assert!(is_alive(&pid));
    holder.kill();

    // Starting waits for the previous server to end.
    let server = Server::start(&data_dir).await.unwrap();
    assert_ne!(postmaster(&data_dir), pid);
    assert_eq!(read_the_row(&mut connect(&server).await).await, "this");
    server.stop().await;
}

#[tokio::test]
async fn a_pid_file_that_names_another_process_is_no_obstacle() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    Server::start(&data_dir).await.unwrap().stop().await;
    let stale =
        format!("{}\n{}\n1700000000\n5432\n/tmp\n\n\nready\n", std::process::id(), data_dir.display());
    fs::write(data_dir.join("postmaster.pid"), stale).unwrap();
    Server::start(&data_dir).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_cluster_that_was_never_finished_is_made_anew() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    let unfinished = dir.path().join("postgres.new");
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "half").unwrap();
    Server::start(&data_dir).await.unwrap().stop().await;
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_directory_with_something_else_in_it_is_left_alone() {
    let dir = open_dir();
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    let error = Server::start(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::NotACluster { .. }), "{error}");
    assert_eq!(fs::read_to_string(dir.path().join("thesis.txt")).unwrap(), "years of work");
}

#[tokio::test]
async fn data_of_a_version_that_is_not_installed_is_left_alone() {
    let dir = open_dir();
    fs::write(dir.path().join("PG_VERSION"), "9.6\n").unwrap();
    let error = Server::start(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::OtherVersion { .. }), "{error}");
    assert_eq!(fs::read_to_string(dir.path().join("PG_VERSION")).unwrap(), "9.6\n");
}

#[tokio::test]
async fn a_damaged_cluster_fails_with_what_the_server_said() {
    let dir = open_dir();
    let data_dir = dir.path().join("postgres");
    Server::start(&data_dir).await.unwrap().stop().await;
    fs::remove_file(data_dir.join("global/pg_control")).unwrap();
    let error = Server::start(&data_dir).await.unwrap_err();
    assert!(matches!(&error, Error::Start { log, .. } if log.contains("pg_control")), "{error}");
}

#[tokio::test]
async fn root_is_told_which_directory_is_closed_to_the_server() {
    if !nix::unistd::geteuid().is_root() {
        return; // our own account reaches its own directories
    }
    let closed_dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap();
    let error = Server::start(closed_dir.path().join("postgres")).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { closed, .. } if closed == closed_dir.path()), "{error}");
    assert!(!closed_dir.path().join("postgres").exists());
}

/// Another process that keeps a server, with a row in it, until it is killed.
struct Holder(std::process::Child);

impl Holder {
    /// SIGKILL: nothing of the process runs any more.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.kill(); // also when a test fails
    }
}

fn hold(data_dir: &Path) -> Holder {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_keeps_a_server", "--ignored", "--nocapture"])
        .env(DATA_DIR, data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"), "the other process failed to start its server");
    Holder(process)
}

#[tokio::test]
#[ignore = "not a test: other tests run it as a process of its own, and kill it"]
async fn a_process_that_keeps_a_server() {
    let Some(data_dir) = std::env::var_os(DATA_DIR) else { return };
    let server = Server::start(PathBuf::from(data_dir)).await.unwrap();
    write_a_row(&mut connect(&server).await).await;
    println!("\nholding");
    std::future::pending::<()>().await;
}
