//! A worker whose disk is full.

use crate::support::{Bench, LONG_PIECE, Setup, eventually};
use std::process::{Command, Stdio};
use store::analyses::Status;

/// Room on the worker's disk, in KiB: far less than the audio takes.
const ROOM_KIB: usize = 1024;

/// What comes of an attempt without room: kind of error, outcome, and the attempts that count.
type Comes = (&'static str, &'static str, i32);

/// A worker with a small disk of its own for temporary files, in a namespace of its own; where the system allows no
/// such thing, one that may write no large file, which is a fault like any other of its disk.
fn with_little_room(bench: &Bench) -> (Setup, Comes) {
    let temp = bench.temp_dir();
    std::fs::create_dir_all(&temp).unwrap();
    let mount = format!("mount -t tmpfs -o size={ROOM_KIB}k tmpfs '{}'", temp.display());
    // As root as it is, else as root of the namespace alone.
    for flags in ["-m", "-rm"] {
        let attempt =
            Command::new("unshare").args([flags, "sh", "-c", &mount]).stderr(Stdio::null()).status();
        if attempt.is_ok_and(|status| status.success()) {
            let setup = bench.setup().through_shell(&["unshare", flags], &format!("{mount} && exec \"$@\""));
            return (setup, ("disk_full", "snoozed", 0));
        }
    }
    println!("no namespaces here: a limit on the size of files instead of a small disk");
    // In blocks of 512 bytes. Ignored, the signal becomes an error of the write.
    let limit = format!("trap '' XFSZ; ulimit -f {} && exec \"$@\"", ROOM_KIB * 2);
    (bench.setup().through_shell(&[], &limit), ("disk_failed", "retrying", 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_finds_the_disk_full_is_put_off_and_done_where_there_is_room() {
    let bench = Bench::new().await;
    let (setup, (kind, outcome, attempts)) = with_little_room(&bench);
    let mut full = bench.worker_with("full", &setup).await;
    let job = bench.pending(&LONG_PIECE).await;
    let row = bench.until(job.id, "the attempt fails", |row| row.error_kind.is_some()).await;
    assert_eq!((row.status, row.error_kind.as_deref()), (Status::Pending, Some(kind)));
    assert_eq!(row.attempt, attempts, "a worker without room costs no attempt");
    assert!(row.next_run_at > row.updated_at, "not at once: {row:?}");
    let cause: String =
        sqlx::query_scalar("SELECT cause FROM track_analysis_attempts WHERE analysis_id = $1")
            .bind(job.id)
            .fetch_one(&bench.pool().await)
            .await
            .unwrap();
    assert!(cause.contains("No space left on device") || cause.contains("File too large"), "{cause}");
    // As that worker sees its disk.
    let own = std::path::PathBuf::from(format!("/proc/{}/root", full.pid()))
        .join(bench.temp_dir().strip_prefix("/").unwrap());
    eventually("nothing of the copy stays", async || {
        let folders = std::fs::read_dir(&own).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<_> = folders
            .flat_map(|folder| std::fs::read_dir(folder).unwrap())
            .map(|file| file.unwrap().file_name())
            .collect();
        (files == ["lock"]).then_some(())
    })
    .await;
    let told = format!("outcome=\"{outcome}\"");
    eventually("it is told", async || full.log().contains(&told).then_some(())).await;
    full.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(eventually("it ends", async || full.ended()).await.success());

    // What is put off comes again after half a minute: now.
    sqlx::query("UPDATE track_analyses SET next_run_at = now() WHERE id = $1")
        .bind(job.id)
        .execute(&bench.pool().await)
        .await
        .unwrap();
    let roomy = bench.worker("roomy").await;
    let row = bench.until_completed(job.id).await;
    assert_eq!(row.attempt, attempts + 1);
    bench.assert_outcomes(job.id, &[outcome, "completed"]).await;
    bench.assert_result(job.id, &LONG_PIECE).await;
    bench.assert_nothing_left().await;
    bench.end([roomy]).await;
}
