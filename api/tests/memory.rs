//! Uploads pass through, and are read again when they are completed: memory does not grow with their size. Alone in its program, so that nothing else
//! that runs is measured.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use futures::stream;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::objects::{self, Objects};
use store::sessions::{self, Origin};
use store::testing::TestDatabase;

const PIECE_BYTES: usize = 256 << 10;
const PIECES: usize = 512;

/// Far below the 128 MiB that are sent, far above what buffers and noise take.
const ALLOWED_BYTES: u64 = 32 << 20;

/// Memory of this process that is resident now, from the second field of /proc/self/statm.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// The highest that was seen of [`resident_bytes`].
#[derive(Clone, Default)]
struct Highest(Arc<AtomicU64>);

impl Highest {
    fn look(&self) {
        self.0.fetch_max(resident_bytes(), Ordering::Relaxed);
    }

    /// Looks while `work` goes on.
    async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let looking = async {
            loop {
                self.look();
                tokio::time::sleep(Duration::from_millis(1)).await; // between looks
            }
        };
        tokio::select! { done = work => done, () = looking => unreachable!("looking never ends") }
    }
}

/// The first piece of the file; the others are sevens.
fn piece(i: usize) -> Vec<u8> {
    let mut piece = vec![7_u8; PIECE_BYTES];
    if i == 0 {
        piece[..12].copy_from_slice(b"RIFF\xff\xff\xff\x7fWAVE");
    }
    piece
}

fn file(highest: &Highest) -> reqwest::Body {
    let seen = highest.clone();
    reqwest::Body::wrap_stream(stream::iter((0..PIECES).map(move |i| {
        seen.look();
        Ok::<_, std::io::Error>(piece(i))
    })))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_of_128_mib_are_not_held_in_memory() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(objects::Config::Directory(folder.path().into())).await.unwrap();
    let app = api::App::new(database.pool().clone(), objects, api::Config::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(api::serve(listener, app, std::future::pending()));
    let mut db = database.pool().acquire().await.unwrap();
    let user = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let token = sessions::create(&mut db, user.id, time::Duration::HOUR, Origin::default()).await.unwrap();
    let client = reqwest::Client::new();
    let post = |path: &str| client.post(format!("{base}{path}")).bearer_auth(token.expose());

    let expected = (0..PIECES).fold(Sha256::new(), |hash, i| hash.chain_update(piece(i)));
    let expected = store::sessions::hex(&expected.finalize());
    let (before, highest) = (resident_bytes(), Highest::default());
    let check = async |response: reqwest::Response| {
        assert_eq!(response.status(), 201);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["track"]["file_size_bytes"], PIECE_BYTES * PIECES);
        assert_eq!(body["track"]["content_sha256"], expected);
    };

    let form = Form::new().part("file", Part::stream(file(&highest)).file_name("long.wav"));
    check(post("/v1/tracks").multipart(form).send().await.unwrap()).await;

    let announced =
        post("/v1/uploads").json(&json!({"size_bytes": PIECE_BYTES * PIECES})).send().await.unwrap();
    let announced: Value = announced.json().await.unwrap();
    let put = client.put(format!("{base}{}", announced["url"].as_str().unwrap()));
    let put = put.header("content-length", PIECE_BYTES * PIECES).body(file(&highest));
    assert_eq!(put.send().await.unwrap().status(), 204);
    let complete = post(&format!("/v1/uploads/{}/complete", announced["id"].as_str().unwrap())).send();
    let began = Instant::now();
    let completed = highest.during(complete).await.unwrap();
    let took = began.elapsed();
    check(completed).await;
    println!("completed {} MiB in {took:.2?}", (PIECE_BYTES * PIECES) >> 20);

    let grown = highest.0.load(Ordering::Relaxed).saturating_sub(before);
    println!("memory grew by {} KiB", grown >> 10);
    assert!(grown < ALLOWED_BYTES, "memory grew by {} KiB", grown >> 10);
    server.abort();
}
