//! A fleet under fire: thousands of analyses over four real `arsis worker` processes, while a random one is killed
//! (`kill -9`), stopped (SIGSTOP) and continued, or the database server is ended and started again. At the end the ledger
//! must balance: every analysis completed exactly once, nothing left over.
//!
//! Run by hand, since it takes from minutes to an hour:
//!
//! ```sh
//! cargo test --release --test soak -- --ignored --nocapture
//! ```
//!
//! `SOAK_JOBS` (default 10,000) analyses, `SOAK_SEED` for the dice (default: by chance; it is printed).

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

#[path = "../faults/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of single faults use the rest of it")]
mod support;

use futures::StreamExt;
use nix::sys::signal::Signal;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use support::{Bench, Crash, Piece, Worker};
use testmusic::{WavFormat, noise, wav_bytes};
use uuid::Uuid;

const DEFAULT_JOBS: u64 = 10_000;

const WORKERS: usize = 4;

/// Of ten analyses so many have audio of their own; the others share it with an earlier one.
const DISTINCT_OF_TEN: u64 = 8;

/// How many results are compared with what one undisturbed run computes.
const COMPARED: usize = 100;

/// Longest without any analysis being completed, whatever befalls the fleet.
const STANDSTILL: Duration = Duration::from_secs(300);

const UNDER_WAY: &str = "SELECT count(*) FROM track_analyses WHERE status IN ('pending', 'running')";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes from minutes to an hour: run by hand, see above"]
async fn a_fleet_under_fire_completes_every_analysis_once() {
    let jobs = variable("SOAK_JOBS").unwrap_or(DEFAULT_JOBS);
    let seed = variable("SOAK_SEED")
        .unwrap_or_else(|| u64::from_le_bytes(*Uuid::new_v4().as_bytes().first_chunk().unwrap()));
    println!("SOAK_JOBS={jobs} SOAK_SEED={seed}");
    let mut dice = Dice(seed | 1);
    let bench = Bench::with_cluster().await;
    let seeds = enqueue(&bench, jobs, &mut dice).await;

    let mut fleet = Fleet::start(&bench).await;
    let (began, mut moved) = (Instant::now(), (Instant::now(), jobs));
    loop {
        fleet.befall(&bench, &mut dice).await;
        let left = u64::try_from(bench.count(UNDER_WAY).await).unwrap();
        println!("{:>5} s  {left:>6} left  {}", began.elapsed().as_secs(), fleet.told());
        if left == 0 {
            break;
        }
        if left != moved.1 {
            moved = (Instant::now(), left);
        }
        assert!(moved.0.elapsed() < STANDSTILL, "nothing moves any more");
    }
    println!("all have ended after {:.0?}; {}", began.elapsed(), fleet.told());
    fleet.stop(&bench).await;
    let balanced = balance(&bench, jobs).await;
    compare(&bench, &seeds).await;
    assert!(balanced, "the ledger does not balance");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// xorshift64* (Vigna 2016).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }
}

fn audio(seed: u64) -> Vec<u8> {
    let rate_hz = 8000;
    wav_bytes(&noise(2.0, rate_hz, 0.5, seed).mono(), rate_hz, 1, WavFormat::Int16)
}

/// Tracks and their pending analyses: which analysis is of which audio.
async fn enqueue(bench: &Bench, jobs: u64, dice: &mut Dice) -> HashMap<Uuid, u64> {
    let distinct = (jobs * DISTINCT_OF_TEN / 10).max(1);
    let seeds: Vec<u64> =
        (0..jobs).map(|job| if job < distinct { job } else { dice.below(distinct) }).collect();
    let made =
        futures::stream::iter(seeds).map(async |seed| (bench.pending_file(audio(seed)).await.id, seed));
    let mut ids = HashMap::new();
    let mut made = std::pin::pin!(made.buffer_unordered(8));
    while let Some((id, seed)) = made.next().await {
        ids.insert(id, seed);
        if ids.len().is_multiple_of(1000) {
            println!("{} asked for", ids.len());
        }
    }
    ids
}

/// The workers, and what befell them.
struct Fleet {
    workers: Vec<Worker>,
    starts: usize,
    kills: usize,
    stops: usize,
    restarts: usize,
}

impl Fleet {
    async fn start(bench: &Bench) -> Self {
        let mut fleet = Self { workers: Vec::new(), starts: 0, kills: 0, stops: 0, restarts: 0 };
        for _ in 0..WORKERS {
            fleet.add(bench).await;
        }
        fleet
    }

    async fn add(&mut self, bench: &Bench) {
        self.starts += 1;
        self.workers.push(bench.worker(&format!("worker-{}", self.starts)).await);
    }

    /// Some seconds of work with one misfortune at their end.
    async fn befall(&mut self, bench: &Bench, dice: &mut Dice) {
        tokio::time::sleep(Duration::from_millis(500 + dice.below(4000))).await;
        for worker in &mut self.workers {
            assert!(worker.ended().is_none(), "a worker has ended by itself: {}", worker.log());
        }
        let chosen = usize::try_from(dice.below(WORKERS as u64)).unwrap();
        match dice.below(20) {
            0..9 => {
                self.kills += 1;
                self.workers.swap_remove(chosen).kill();
                self.add(bench).await;
            }
            9..18 => {
                self.stops += 1;
                self.workers[chosen].signal(Signal::SIGSTOP);
                tokio::time::sleep(Duration::from_secs(dice.below(15))).await;
                self.workers[chosen].signal(Signal::SIGCONT);
            }
            _ => {
                self.restarts += 1;
                let how = if dice.below(2) == 0 { Crash::Immediate } else { Crash::Kill };
                bench.cluster().crash(how).await;
                tokio::time::sleep(Duration::from_secs(dice.below(6))).await;
                bench.cluster().start_again().await;
            }
        }
    }

    fn told(&self) -> String {
        format!("{} killed, {} stopped, database restarted {} times", self.kills, self.stops, self.restarts)
    }

    async fn stop(self, bench: &Bench) {
        bench.until_tickets_are_answered().await;
        bench.end(self.workers).await; // which checks that no temporary file is left
    }
}

/// What must be so many, and how many there are.
async fn balance(bench: &Bench, jobs: u64) -> bool {
    let all = i64::try_from(jobs).unwrap();
    let ledger: [(&str, i64, &'static str); 10] = [
        ("analyses", all, "SELECT count(*) FROM track_analyses"),
        ("completed", all, "SELECT count(*) FROM track_analyses WHERE status = 'completed'"),
        (
            "with exactly one attempt that completed them",
            all,
            "SELECT count(*) FROM (SELECT FROM track_analysis_attempts WHERE outcome IN ('completed', 'reused')
                                    GROUP BY analysis_id HAVING count(*) = 1) AS once",
        ),
        (
            "with a summary, a manifest and events",
            all,
            "SELECT count(*) FROM track_analyses a WHERE summary IS NOT NULL AND manifest IS NOT NULL
                AND EXISTS (SELECT 1 FROM analysis_frame_manifests WHERE analysis_id = a.id AND level = 0)",
        ),
        ("open attempts", 0, "SELECT count(*) FROM track_analysis_attempts WHERE ended_at IS NULL"),
        (
            "levels that lack chunks, or have too many",
            0,
            "SELECT count(*) FROM analysis_frame_manifests m,
                    LATERAL (SELECT count(*) AS chunks, coalesce(sum(frame_count), 0) AS frames
                               FROM analysis_frame_data WHERE manifest_id = m.id) AS stored
              WHERE (m.total_chunks, m.frame_count) IS DISTINCT FROM (stored.chunks, stored.frames)",
        ),
        (
            "levels twice",
            0,
            "SELECT count(*) FROM (SELECT FROM analysis_frame_manifests GROUP BY analysis_id, level
                                   HAVING count(*) > 1) AS twice",
        ),
        (
            "leases, waits or requests left",
            0,
            "SELECT count(*) FROM track_analyses
              WHERE lease_token IS NOT NULL OR lease_until IS NOT NULL OR waits_for IS NOT NULL OR cancel_requested",
        ),
        ("tracks that are not ready", 0, "SELECT count(*) FROM reference_tracks WHERE status <> 'ready'"),
        ("objects that no track names", 0, "SELECT count(*) FROM orphan_objects"),
    ];
    let mut balanced = true;
    for (what, expect, statement) in ledger {
        let found = bench.count(statement).await;
        balanced &= found == expect;
        println!("{} {found:>6} {what}", if found == expect { "ok      " } else { "NOT SO: " });
    }
    for (what, statement) in [
        (
            "taken over from lost workers",
            "SELECT count(*) FROM track_analysis_attempts WHERE outcome = 'expired'",
        ),
        ("reused", "SELECT count(*) FROM track_analyses WHERE reused_from IS NOT NULL"),
        ("most attempts at one", "SELECT max(attempt)::bigint FROM track_analyses"),
    ] {
        println!("         {:>6} {what}", bench.count(statement).await);
    }
    bench.assert_nothing_left().await;
    balanced
}

/// Some results against what one undisturbed run computes.
async fn compare(bench: &Bench, seeds: &HashMap<Uuid, u64>) {
    for (id, seed) in seeds.iter().take(COMPARED) {
        let piece = Piece::of(audio(*seed));
        let stored: std::collections::BTreeMap<_, _> = bench.chunks(*id).await.into_iter().collect();
        assert_eq!(stored, piece.chunks, "analysis {id}, seed {seed}");
    }
    println!("ok       {COMPARED} compared with what analysis-core computes");
}
