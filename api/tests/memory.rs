//! An upload passes through: memory does not grow with its size. Alone in its program, so that nothing else
//! that runs is measured.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use futures::stream;
use reqwest::multipart::{Form, Part};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_128_mib_is_not_held_in_memory() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(objects::Config::Directory(folder.path().into())).await.unwrap();
    let app = api::App::new(database.pool().clone(), objects, api::Config::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/tracks", listener.local_addr().unwrap());
    let server = tokio::spawn(api::serve(listener, app, std::future::pending()));
    let mut db = database.pool().acquire().await.unwrap();
    let user = store::users::add_local(&mut db, "ada@example.org", None).await.unwrap();
    let token = sessions::create(&mut db, user.id, time::Duration::HOUR, Origin::default()).await.unwrap();

    let mut first = vec![7_u8; PIECE_BYTES];
    first[..12].copy_from_slice(b"RIFF\xff\xff\xff\x7fWAVE");
    let expected = (0..PIECES).fold(Sha256::new(), |hash, i| {
        if i == 0 { hash.chain_update(&first) } else { hash.chain_update(vec![7_u8; PIECE_BYTES]) }
    });
    let before = resident_bytes();
    let highest = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&highest);
    let pieces = stream::iter((0..PIECES).map(move |i| {
        seen.fetch_max(resident_bytes(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(if i == 0 { first.clone() } else { vec![7_u8; PIECE_BYTES] })
    }));
    let part = Part::stream(reqwest::Body::wrap_stream(pieces)).file_name("long.wav");
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(token.expose())
        .multipart(Form::new().part("file", part));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["track"]["file_size_bytes"], PIECE_BYTES * PIECES);
    assert_eq!(body["track"]["content_sha256"], store::sessions::hex(&expected.finalize()));
    let grown = highest.load(Ordering::Relaxed).saturating_sub(before);
    assert!(grown < ALLOWED_BYTES, "memory grew by {} KiB", grown >> 10);
    server.abort();
}
