//! A server that is killed in the middle of an upload: a process of its own, this program once more.

use crate::support::{Person, Server, eventually, expect_problem, id, wav};
use api::{App, Config};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use store::objects::{self, ObjectKey, Objects};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const DATABASE: &str = "KILLED_DATABASE_URL";
const FOLDER: &str = "KILLED_FOLDER";
const ADDRESS: &str = "serving at ";

/// What the other process runs; no test.
#[tokio::test]
#[ignore = "the server that the tests beside it kill"]
async fn serve() {
    let (Ok(url), Ok(folder)) = (std::env::var(DATABASE), std::env::var(FOLDER)) else { return };
    let pool = store::connect(&url).await.unwrap();
    let objects = Objects::open(objects::Config::Directory(folder.into())).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{ADDRESS}{}", listener.local_addr().unwrap());
    api::serve(listener, App::new(pool, objects, Config::default()), std::future::pending()).await.unwrap();
}

/// Another process that serves the database and the storage of `server`.
async fn another(server: &Server) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::serve", "--ignored", "--nocapture"])
        .env(DATABASE, server.database_url())
        .env(FOLDER, server.folder())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, address)) = line.split_once(ADDRESS) {
            return (child, address.to_owned());
        }
    }
}

/// Begins a request to the other server whose body never ends, and kills it once bytes are stored.
async fn kill_amid(server: &Server, head: &str) {
    let (mut child, address) = another(server).await;
    let files = server.files().len();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&wav(400_000)).await.unwrap();
    eventually("bytes are stored", || async { server.files().len() > files }).await;
    child.kill().await.unwrap();
}

/// What the sweeper does when its time has come.
async fn sweep(server: &Server) {
    server
        .execute(
            "UPDATE orphan_objects SET delete_after = now();
             UPDATE audio_uploads SET kept_until = now(), expires_at = now()",
        )
        .await;
    let mut db = server.pool().acquire().await.unwrap();
    for key in store::orphans::due(&mut db, 100, time::Duration::HOUR).await.unwrap() {
        server.objects.delete(&ObjectKey::parse(&key).unwrap()).await.unwrap();
        store::orphans::forget(&mut db, &key).await.unwrap();
    }
    server.objects.remove_unfinished(Duration::ZERO).await.unwrap();
    store::uploads::forget_expired(&mut db).await.unwrap();
}

async fn assert_nothing_stays(server: &Server) {
    let rows = "SELECT (SELECT count(*) FROM reference_tracks) + (SELECT count(*) FROM track_analyses)
                     + (SELECT count(*) FROM orphan_objects) + (SELECT count(*) FROM audio_uploads)";
    assert_eq!(server.count(rows).await, 0);
    assert!(server.files().is_empty(), "{:?}", server.files());
}

async fn announced(server: &Server, ada: &Person, size_bytes: usize) -> Value {
    let request = server.request(ada, Method::POST, "/v1/uploads").json(&json!({"size_bytes": size_bytes}));
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_server_killed_amid_uploads_leaves_nothing_after_the_sweep() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let form = format!(
        "POST /v1/tracks HTTP/1.1\r\nHost: arsis\r\nAuthorization: Bearer {}\r\nContent-Length: 1000000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n",
        ada.token
    );
    kill_amid(&server, &form).await;
    let url = announced(&server, &ada, 1_000_000).await["url"].as_str().unwrap().to_owned();
    kill_amid(&server, &format!("PUT {url} HTTP/1.1\r\nHost: arsis\r\nContent-Length: 1000000\r\n\r\n"))
        .await;
    assert!(!server.files().is_empty(), "what was begun is there");
    assert_eq!(server.count("SELECT count(*) FROM orphan_objects").await, 2);
    sweep(&server).await;
    assert_nothing_stays(&server).await;
}

#[tokio::test]
async fn a_server_killed_amid_a_completion_leaves_the_upload_to_be_completed() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let audio = wav(5000);
    let upload = announced(&server, &ada, audio.len()).await;
    let put = server.anonymous(Method::PUT, upload["url"].as_str().unwrap()).body(audio);
    assert_eq!(put.send().await.unwrap().status(), 204);
    // The other server comes as far as its commit, and is killed while it waits there.
    let mut lock = server.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE track_analyses").execute(&mut *lock).await.unwrap();
    let (mut child, address) = another(&server).await;
    let path = format!("/v1/uploads/{}/complete", upload["id"].as_str().unwrap());
    let request = server.client.post(format!("http://{address}{path}")).bearer_auth(&ada.token).send();
    let request = tokio::spawn(request);
    eventually("the copy is there", || async { server.files().len() == 2 }).await;
    child.kill().await.unwrap();
    assert!(request.await.unwrap().is_err());
    lock.rollback().await.unwrap();

    let complete = || server.request(&ada, Method::POST, &path).send();
    expect_problem(complete().await.unwrap(), 409, "upload-in-use").await;
    server.execute("UPDATE audio_uploads SET verifying_until = now()").await; // as after a minute
    let body: Value = complete().await.unwrap().json().await.unwrap();
    assert_eq!(server.count("SELECT count(*) FROM reference_tracks").await, 1);
    sweep(&server).await;
    assert_eq!(server.files().len(), 1, "the track's own audio alone");
    assert!(server.has_audio(id(&body["track"]["id"])).await);
}
