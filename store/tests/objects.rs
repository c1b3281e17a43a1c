//! One suite for both kinds of object storage: a directory, and a bucket behind the real S3 protocol.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::objects::{Body, Config, Error, ObjectKey, Objects, Opened, S3Config};
use tempfile::TempDir;
use uuid::Uuid;

/// A storage, and where it keeps its files.
struct Storage {
    objects: Objects,
    root: TempDir,
}

async fn directory() -> Storage {
    let root = tempfile::tempdir().unwrap();
    let objects = Objects::open(Config::Directory(root.path().join("objects"))).await.unwrap();
    Storage { objects, root }
}

async fn bucket() -> Storage {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("audio")).unwrap();
    let endpoint = serve_s3(root.path()).await;
    let objects = Objects::open(Config::S3(s3(&endpoint))).await.unwrap();
    Storage { objects, root }
}

fn s3(endpoint: &str) -> S3Config {
    S3Config {
        endpoint: Some(endpoint.to_owned()),
        bucket: "audio".into(),
        region: "us-east-1".into(),
        access_key_id: "test".into(),
        secret_access_key: "secret".into(),
        path_style: true,
    }
}

/// An S3 server in this process that checks signatures; the bucket's files lie below `root`.
async fn serve_s3(root: &Path) -> String {
    let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    service.set_auth(s3s::auth::SimpleAuth::from_single("test", "secret"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let connection = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), service.clone())
                .into_owned();
            tokio::spawn(connection);
        }
    });
    endpoint
}

/// The suite: each test once for each storage.
macro_rules! for_both {
    ($($name:ident),+ $(,)?) => {
        mod a_directory { $(#[tokio::test] async fn $name() { super::$name(super::directory().await).await })+ }
        mod a_bucket { $(#[tokio::test] async fn $name() { super::$name(super::bucket().await).await })+ }
    };
}

for_both!(
    gives_back_what_was_put,
    a_copy_stays_as_it_was,
    keeps_a_large_object_whole,
    replaces_an_object,
    reads_ranges,
    refuses_ranges_outside_the_object,
    says_what_is_missing,
    deletes,
    leaves_nothing_of_a_stream_that_fails,
    leaves_nothing_of_a_put_that_is_dropped,
    opens_as_a_file_within_a_limit,
    answers_a_probe,
);

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).unwrap()
}

fn parts(parts: Vec<Bytes>) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    stream::iter(parts.into_iter().map(Ok))
}

fn one(bytes: &'static [u8]) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    parts(vec![Bytes::from_static(bytes)])
}

async fn read(body: Body) -> Vec<u8> {
    body.stream.map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap()
}

/// Bytes that differ from place to place.
fn pattern(length: u32) -> Bytes {
    (0..length).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// Files below the storage's root that hold a key's or an upload's bytes.
fn files(storage: &Storage) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(storage.root.path(), &mut found);
    found
}

async fn gives_back_what_was_put(storage: Storage) {
    let key = ObjectKey::audio(Uuid::new_v4());
    let stored = storage
        .objects
        .put(&key, "audio/flac", parts(vec!["ab".into(), "".into(), "c".into()]))
        .await
        .unwrap();
    assert_eq!(stored.size_bytes, 3);
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    assert_eq!(stored.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let body = storage.objects.get(&key).await.unwrap();
    assert_eq!((body.size_bytes, body.offset, body.length), (3, 0, 3));
    assert_eq!(read(body).await, b"abc");
    assert_eq!(storage.objects.head(&key).await.unwrap().size_bytes, 3);

    let empty = storage.objects.put(&key, "audio/flac", parts(vec![])).await.unwrap();
    assert_eq!(empty.size_bytes, 0);
    assert_eq!(read(storage.objects.get(&key).await.unwrap()).await, b"");
}

async fn keeps_a_large_object_whole(storage: Storage) {
    // More than two parts of a multipart upload, in pieces that do not divide them.
    let bytes = pattern(20_000_000);
    let pieces = (0..bytes.len()).step_by(777_777).map(|at| bytes.slice(at..bytes.len().min(at + 777_777)));
    let stored = storage.objects.put(&key("large"), "audio/wav", parts(pieces.collect())).await.unwrap();
    assert_eq!(stored.size_bytes, 20_000_000);
    assert!(read(storage.objects.get(&key("large")).await.unwrap()).await == bytes);
}

async fn replaces_an_object(storage: Storage) {
    storage.objects.put(&key("a/b"), "audio/wav", one(b"old and longer")).await.unwrap();
    storage.objects.put(&key("a/b"), "audio/wav", one(b"new")).await.unwrap();
    assert_eq!(read(storage.objects.get(&key("a/b")).await.unwrap()).await, b"new");
}

async fn reads_ranges(storage: Storage) {
    storage.objects.put(&key("a"), "audio/wav", one(b"0123456789")).await.unwrap();
    for ((first, last), expected) in
        [((0, 0), &b"0"[..]), ((3, 5), b"345"), ((8, 100), b"89"), ((0, u64::MAX >> 1), b"0123456789")]
    {
        let body = storage.objects.get_range(&key("a"), first, last).await.unwrap();
        assert_eq!((body.size_bytes, body.offset, body.length), (10, first, expected.len() as u64));
        assert_eq!(read(body).await, expected);
    }
}

async fn refuses_ranges_outside_the_object(storage: Storage) {
    storage.objects.put(&key("a"), "audio/wav", one(b"0123456789")).await.unwrap();
    for (first, last) in [(10, 11), (5, 4), (99, 100)] {
        let refused = storage.objects.get_range(&key("a"), first, last).await.err();
        assert!(
            matches!(refused, Some(Error::RangeNotSatisfiable { size_bytes: 10 })),
            "{first}-{last}: {refused:?}"
        );
    }
}

async fn says_what_is_missing(storage: Storage) {
    storage.objects.put(&key("folder/object"), "audio/wav", one(b"x")).await.unwrap();
    for name in ["missing", "folder/other", "other/folder/object"] {
        assert!(matches!(storage.objects.get(&key(name)).await, Err(Error::NotFound { .. })), "get {name}");
        assert!(matches!(storage.objects.head(&key(name)).await, Err(Error::NotFound { .. })), "head {name}");
        let range = storage.objects.get_range(&key(name), 0, 1).await;
        assert!(matches!(range, Err(Error::NotFound { .. })), "range of {name}");
    }
}

async fn deletes(storage: Storage) {
    storage.objects.put(&key("a/b/c"), "audio/wav", one(b"x")).await.unwrap();
    storage.objects.put(&key("a/d"), "audio/wav", one(b"y")).await.unwrap();
    for _ in 0..2 {
        storage.objects.delete(&key("a/b/c")).await.unwrap();
    }
    assert!(matches!(storage.objects.head(&key("a/b/c")).await, Err(Error::NotFound { .. })));
    assert_eq!(storage.objects.head(&key("a/d")).await.unwrap().size_bytes, 1);
}

async fn leaves_nothing_of_a_stream_that_fails(storage: Storage) {
    storage.objects.put(&key("a"), "audio/wav", one(b"old")).await.unwrap();
    let before = files(&storage);
    for sent in [1, 20] {
        let failing = stream::iter(0..sent)
            .map(|_| Ok(pattern(1_000_000)))
            .chain(stream::iter([Err(io::Error::other("the client went away"))]));
        let failed = storage.objects.put(&key("a"), "audio/wav", failing).await;
        assert!(matches!(failed, Err(Error::Source(_))), "{failed:?}");
    }
    assert_eq!(read(storage.objects.get(&key("a")).await.unwrap()).await, b"old");
    eventually_only(&storage, &before).await;
}

async fn leaves_nothing_of_a_put_that_is_dropped(storage: Storage) {
    let before = files(&storage);
    let endless = stream::repeat_with(|| Ok(pattern(1_000_000))).take(20).chain(stream::pending());
    let put_key = key("a");
    let mut put = Box::pin(storage.objects.put(&put_key, "audio/wav", Box::pin(endless)));
    // Until it has begun to write.
    loop {
        let polled = tokio::time::timeout(Duration::from_millis(20), &mut put).await;
        assert!(polled.is_err(), "it cannot be done");
        if files(&storage).len() > before.len() {
            break;
        }
    }
    drop(put);
    assert!(matches!(storage.objects.head(&put_key).await, Err(Error::NotFound { .. })));
    eventually_only(&storage, &before).await;
}

/// An upload is aborted by a task of its own: waits for its end.
async fn eventually_only(storage: &Storage, expected: &[PathBuf]) {
    let settled = async {
        while files(storage).len() > expected.len() {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
    assert!(settled.is_ok(), "left behind: {:?}", files(storage));
}

async fn opens_as_a_file_within_a_limit(storage: Storage) {
    storage.objects.put(&key("a"), "audio/wav", one(b"0123456789")).await.unwrap();
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let refused = storage.objects.open_file(&key, 9).await;
    assert!(matches!(refused, Err(Error::TooLarge { size_bytes: 10, max_bytes: 9 })));
    let mut file = match storage.objects.open_file(&key, 10).await.unwrap() {
        Opened::File(file) => file,
        Opened::Body(body) => body.save(&key, &folder.path().join("audio")).await.unwrap(),
    };
    // As a file it outlives the object.
    storage.objects.put(&key, "audio/wav", one(b"another one")).await.unwrap();
    storage.objects.delete(&key).await.unwrap();
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    assert_eq!(bytes, b"0123456789");
}

async fn answers_a_probe(storage: Storage) {
    storage.objects.probe().await.unwrap();
}

#[tokio::test]
async fn a_bucket_refuses_a_wrong_secret() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("audio")).unwrap();
    let endpoint = serve_s3(root.path()).await;
    let config = S3Config { secret_access_key: "wrong".into(), ..s3(&endpoint) };
    let objects = Objects::open(Config::S3(config)).await.unwrap();
    let denied = objects.put(&key("a"), "audio/wav", one(b"x")).await;
    assert!(matches!(denied, Err(Error::Denied { .. })), "{denied:?}");
}

#[tokio::test]
async fn a_storage_that_cannot_be_reached_is_a_transient_failure() {
    // Taken, and nobody listens there.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = taken.local_addr().unwrap();
    let objects = Objects::open(Config::S3(s3(&format!("http://{nobody}")))).await.unwrap();
    let failed = objects.head(&key("a")).await.unwrap_err();
    assert!(failed.is_transient() && matches!(failed, Error::Transient { .. }), "{failed:?}");
    assert!(std::error::Error::source(&failed).is_some(), "the cause is kept");
}

#[tokio::test]
async fn a_directory_that_is_away_says_nothing_of_its_objects() {
    let storage = directory().await;
    let (objects, here, away) =
        (&storage.objects, storage.root.path().join("objects"), storage.root.path().join("away"));
    objects.put(&key("a"), "audio/wav", one(b"first")).await.unwrap();
    std::fs::rename(&here, &away).unwrap();
    for (n, instead) in ["nothing", "an empty folder", "a file"].into_iter().enumerate() {
        match n {
            0 => {}
            1 => std::fs::create_dir(&here).unwrap(),
            _ => std::fs::write(&here, "").unwrap(),
        }
        let answers = [
            ("put", objects.put(&key("b"), "audio/wav", one(b"x")).await.err()),
            ("get", objects.get(&key("a")).await.err()),
            ("head", objects.head(&key("a")).await.err()),
            ("copy", objects.copy(&key("a"), &key("c"), "audio/wav").await.err()),
            ("delete", objects.delete(&key("a")).await.err()),
            ("probe", objects.probe().await.err()),
        ];
        for (what, error) in answers {
            assert!(matches!(error, Some(Error::Transient { .. })), "{what}, {instead}: {error:?}");
        }
        let _ = std::fs::remove_dir(&here).or_else(|_| std::fs::remove_file(&here));
    }
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(read(objects.get(&key("a")).await.unwrap()).await, b"first");
}

async fn a_copy_stays_as_it_was(storage: Storage) {
    let objects = &storage.objects;
    objects.put(&key("from/a b+%"), "text/plain", one(b"first")).await.unwrap();
    objects.copy(&key("from/a b+%"), &key("to/copy"), "audio/flac").await.unwrap();
    objects.put(&key("from/a b+%"), "text/plain", one(b"second")).await.unwrap();
    assert_eq!(read(objects.get(&key("to/copy")).await.unwrap()).await, b"first");
    objects.delete(&key("from/a b+%")).await.unwrap();
    assert_eq!(read(objects.get(&key("to/copy")).await.unwrap()).await, b"first");
    let head = objects.head(&key("to/copy")).await.unwrap();
    assert!(head.content_type.is_none_or(|content_type| content_type == "audio/flac"));
    let missing = objects.copy(&key("from/a b+%"), &key("to/other"), "audio/flac").await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_presigned_request_stores_exactly_what_was_announced() {
    let storage = bucket().await;
    let signed =
        storage.objects.presign_put(&key("up"), "audio/flac", 5, Duration::from_secs(60)).await.unwrap();
    let signed = signed.expect("a bucket can be reached by clients");
    assert_eq!(signed.method, "PUT");
    let send = |body: &'static str| {
        let mut request = reqwest::Client::new().put(&signed.url).body(body);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        request.send()
    };
    assert!(send("12345").await.unwrap().status().is_success());
    assert_eq!(storage.objects.head(&key("up")).await.unwrap().size_bytes, 5);
    let tampered =
        reqwest::Client::new().put(signed.url.replace("/up?", "/other?")).body("12345").send().await.unwrap();
    assert_eq!(tampered.status().as_u16(), 403);
}

#[tokio::test]
async fn a_folder_of_objects_is_no_object() {
    let storage = directory().await;
    storage.objects.put(&key("folder/object"), "audio/wav", one(b"x")).await.unwrap();
    for name in ["folder", "folder/object/below"] {
        assert!(matches!(storage.objects.get(&key(name)).await, Err(Error::NotFound { .. })), "get {name}");
        assert!(matches!(storage.objects.head(&key(name)).await, Err(Error::NotFound { .. })), "head {name}");
        storage.objects.delete(&key(name)).await.unwrap();
    }
    assert_eq!(storage.objects.head(&key("folder/object")).await.unwrap().size_bytes, 1);
}

#[tokio::test]
async fn a_directory_presigns_nothing() {
    let storage = directory().await;
    let signed =
        storage.objects.presign_put(&key("a"), "audio/wav", 1, Duration::from_secs(1)).await.unwrap();
    assert_eq!(signed, None);
}

#[test]
fn a_key_names_an_object_and_no_other_place() {
    for legal in ["a", "tracks/0/audio", "users/ada/My song (live).mp3", "ö/ü", "...", "a.b"] {
        assert_eq!(ObjectKey::parse(legal).unwrap().as_str(), legal);
    }
    let long_segment = "x".repeat(201);
    let long_key = "x/".repeat(512) + "xx";
    for illegal in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a\\b",
        "a\0b",
        "a\nb",
        &long_segment,
        &long_key,
    ] {
        assert!(matches!(ObjectKey::parse(illegal), Err(Error::InvalidKey { .. })), "{illegal:?}");
    }
}

#[test]
fn a_configuration_does_not_print_its_secret() {
    let printed = format!("{:?}", S3Config { secret_access_key: "hush".into(), ..s3("http://localhost") });
    assert!(!printed.contains("hush"));
}
