//! What a killed process of the API was sending is sent by another: real `arsis api` processes, a real receiver.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

use sqlx::PgPool;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::testing::TestDatabase;
use store::webhooks::{self, NewWebhook, Secret, deliveries};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of `arsis api`, killed when it is dropped.
struct Api(Child);

impl Api {
    fn start(folder: &Path, database: &TestDatabase) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_arsis"))
            .args(["api", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("DATABASE_URL", database.url())
            .env("ARSIS_DATA_DIR", folder)
            .env("ARSIS_WEBHOOK_PRIVATE_ADDRESSES", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(folder.join("log")).unwrap())
            .spawn();
        Self(child.unwrap())
    }

    /// SIGKILL: no handler runs, nothing is put in order.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a request; gives its connection and the id of its event.
async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let arrived = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        while !text.contains("\r\n\r\n") {
            let mut bytes = [0; 4096];
            let count = connection.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "the request ended early: {text}");
            text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        let id = text.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
        (connection, id)
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap_or_else(|_| panic!("never: a request arrives"))
}

/// A webhook that leads to the receiver, and something to send to it.
async fn prepare(pool: &PgPool, listener: &TcpListener) {
    let mut db = pool.acquire().await.unwrap();
    let ada = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let new = NewWebhook {
        user_id: ada.id,
        url: &format!("http://{}/", listener.local_addr().unwrap()),
        host: "127.0.0.1",
        description: None,
        events: &[],
        active: true,
        secret: &Secret::generate().unwrap(),
    };
    let webhook = webhooks::insert(&mut db, &new, 1).await.unwrap().unwrap();
    deliveries::ping(&mut db, webhook.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_was_sending_is_sent_by_another() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    prepare(database.pool(), &listener).await;

    let first = Api::start(folder.path(), &database);
    let (unanswered, id) = request(&listener).await;
    first.kill();
    drop(unanswered);
    let row = "SELECT status, attempt, next_attempt_at > now() FROM webhook_deliveries";
    let state: (String, i32, bool) = sqlx::query_as(row).fetch_one(database.pool()).await.unwrap();
    assert_eq!(state, ("pending".into(), 1, true), "it is the dead process' until the lease runs out");

    let _second = Api::start(folder.path(), &database);
    // As if the minute of the lease were over.
    let lapse = "UPDATE webhook_deliveries SET next_attempt_at = now()";
    sqlx::query(lapse).execute(database.pool()).await.unwrap();
    let (mut connection, again) = request(&listener).await;
    assert_eq!(again, id, "the same event");
    connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    let delivered = async {
        let row =
            "SELECT status = 'delivered' AND attempt = 2 AND response_status = 204 FROM webhook_deliveries";
        while !sqlx::query_scalar::<_, bool>(row).fetch_one(database.pool()).await.unwrap_or(false) {
            tokio::time::sleep(Duration::from_millis(10)).await; // between looks, not instead of them
        }
    };
    tokio::time::timeout(PATIENCE, delivered).await.unwrap_or_else(|_| panic!("never: it is delivered"));
}
