//! A crowd before a real `arsis api`: many who follow the progress of analyses while others read chunks. Nobody gets an
//! error, everybody hears the end, the server's memory stays as it is, and so do its connections to the database.
//!
//! A small crowd comes with every run of the tests. The large one is called by hand, and measures:
//!
//! ```sh
//! cargo test --release --test crowd -- --ignored --nocapture
//! ```
//!
//! `CROWD_SECONDS` (default 60), `CROWD_WATCHERS` (default 1,000), `CROWD_READERS` (default 64 connections).

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod pieces;
mod server;

use futures::StreamExt;
use futures::future::join_all;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pieces::Piece;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use server::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use store::queue::{self, Lease, Progress, Renewal};
use tokio::sync::mpsc;

/// Streams that a user may have open, at default settings.
const STREAMS_PER_USER: usize = 100;

/// Analyses of each user that are followed.
const ANALYSES_PER_USER: usize = 4;

/// How often workers publish progress, at default settings.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// Longer than any lease here is needed.
const LEASE: Duration = Duration::from_secs(3600);

/// Files for each connection of either side, and some.
const OPEN_FILES: u64 = 8192;

/// What more of memory the server may take while it serves than when all had come, in kB.
const MEMORY_SLACK_KB: u64 = 32 << 10;

/// Connections of the API's pool and the one that listens, and those of the test's own pool.
const MOST_DATABASE_CONNECTIONS: i64 = 16 + 1 + 10;

struct Crowd {
    watchers: usize,
    readers: usize,
    /// How long the analyses take, and how often they tell how far they are.
    lasts: Duration,
    renew_every: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_crowd_hears_the_end_and_reads_without_an_error() {
    let renew_every = Duration::from_millis(50);
    gather(&Crowd { watchers: 200, readers: 16, lasts: renew_every * 20, renew_every }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and measures: run by hand, see above"]
async fn a_large_crowd_is_served_for_a_minute() {
    let crowd = Crowd {
        watchers: variable("CROWD_WATCHERS", 1000),
        readers: variable("CROWD_READERS", 64),
        lasts: Duration::from_secs(variable("CROWD_SECONDS", 60)),
        renew_every: RENEW_EVERY,
    };
    gather(&crowd).await;
}

fn variable<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

async fn gather(crowd: &Crowd) {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(OPEN_FILES.min(hard)), hard).unwrap();
    let (server, piece) = (Server::start().await, Piece::make());
    let mut people = Vec::new();
    for number in 0..crowd.watchers.div_ceil(STREAMS_PER_USER) {
        people.push(server.person(&format!("person-{number}")).await);
    }
    let finished = server.completed(&people[0], &piece).await;
    let mut followed = Vec::new();
    for person in &people {
        for _ in 0..ANALYSES_PER_USER {
            followed.push((person.clone(), server.running(person).await));
        }
    }

    let began = Instant::now();
    let (client, (here, mut come)) = (Client::new(), mpsc::unbounded_channel());
    let mut memory_kb = vec![server.memory_kb()];
    let watchers = (0..crowd.watchers).map(|number| {
        let (person, lease) = &followed[number % followed.len()];
        let request = client.get(server.progress(lease.analysis_id)).bearer_auth(&person.token);
        tokio::spawn(watch(request, began, here.clone()))
    });
    let watchers: Vec<_> = watchers.collect();
    for _ in 0..crowd.watchers {
        come.recv().await.unwrap();
    }
    println!("all {} watch after {:.1} s", crowd.watchers, began.elapsed().as_secs_f64());
    let over = Arc::new(AtomicBool::new(false));
    let readers = (0..crowd.readers).map(|_| {
        let url = server.chunk(finished);
        tokio::spawn(read(url, people[0].token.clone(), piece.chunks[0].bytes.clone(), over.clone()))
    });
    let readers: Vec<_> = readers.collect();

    let (all_here, mut connections) = (Instant::now(), 0);
    let mut ticks = tokio::time::interval(crowd.renew_every);
    while all_here.elapsed() < crowd.lasts || memory_kb.len() < 9 {
        ticks.tick().await;
        join_all(followed.iter().map(|(_, lease)| report(&server, lease, began))).await;
        memory_kb.push(server.memory_kb());
        connections = connections.max(server.database_connections().await);
    }
    for (_, lease) in &followed {
        server.complete(lease, &piece).await;
    }
    let delays: Vec<f64> = join_all(watchers).await.into_iter().flat_map(Result::unwrap).collect();
    over.store(true, Ordering::Relaxed);
    let reads: Vec<f64> = join_all(readers).await.into_iter().flat_map(Result::unwrap).collect();
    tell(&format!("{} events heard by {}, delay", delays.len(), crowd.watchers), delays);
    tell(&format!("{} chunks read over {} connections", reads.len(), crowd.readers), reads);

    // All have come and been served by then; the first is from before they came.
    let settled_kb = memory_kb[1 + memory_kb.len() / 3];
    let peak_kb = memory_kb.iter().copied().max().unwrap();
    println!(
        "memory: {} kB at first, {settled_kb} after a third of the time, {peak_kb} at most, {} at the end",
        memory_kb[0],
        server.memory_kb()
    );
    println!("connections to the database: {connections} at most");
    assert!(peak_kb < settled_kb + MEMORY_SLACK_KB, "memory grows: {memory_kb:?}");
    assert!(connections <= MOST_DATABASE_CONNECTIONS, "{connections}");
    server.stop().await;
}

/// Says how far an analysis is: as many ms as the test is old, so that whoever hears it knows when it was said.
async fn report(server: &Server, lease: &Lease, began: Instant) {
    let progress = Progress { done_ms: u64::try_from(began.elapsed().as_millis()).unwrap(), total_ms: None };
    let renewal = queue::renew(server.pool(), lease, progress, LEASE).await.unwrap();
    assert_eq!(renewal, Renewal::Renewed { cancel_requested: false });
}

/// Follows an analysis to its end; gives how long each word of progress was on its way, in ms.
async fn watch(request: RequestBuilder, began: Instant, here: mpsc::UnboundedSender<()>) -> Vec<f64> {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut text, mut delays, mut last) = (String::new(), Vec::new(), Value::Null);
    let mut told = 0;
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        text += std::str::from_utf8(&piece.unwrap()).unwrap();
        while let Some((block, rest)) = text.split_once("\n\n") {
            if let Some(data) = block.lines().find_map(|line| line.strip_prefix("data: ")) {
                last = serde_json::from_str(data).unwrap();
                told += 1;
                let done_ms = last["progress"]["done_ms"].as_f64().unwrap_or_default();
                // The first one tells what was before, the last the length of the audio.
                if told == 1 {
                    here.send(()).unwrap();
                }
                if told > 1 && last["status"] == "running" {
                    delays.push(began.elapsed().as_secs_f64() * 1e3 - done_ms);
                }
            }
            text = rest.to_owned();
        }
    }
    assert_eq!(last["status"], "completed", "everybody hears the end");
    delays
}

/// Reads a chunk again and again over one connection; gives how long each took, in ms.
async fn read(url: String, token: String, expect: Vec<u8>, over: Arc<AtomicBool>) -> Vec<f64> {
    let (client, mut took) = (Client::new(), Vec::new());
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let request = client.get(&url).bearer_auth(&token).header("accept-encoding", "zstd");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.unwrap() == expect);
        took.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    took
}

fn tell(what: &str, mut sorted_ms: Vec<f64>) {
    sorted_ms.sort_by(f64::total_cmp);
    let at =
        |hundredths: usize| sorted_ms.get(sorted_ms.len() * hundredths / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:.1} ms, p99 {:.1} ms", at(50), at(99));
}
